/* `airlock report`: what happened, as one HTML file, as JSON, or what is to be done, as a runbook.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/cmd.h"
#include "cli/runbook_text.h"
#include "report/page.h"

#define OUTPUT_DEFAULT "airlock-report.html"
#define MARK "<meta name=\"generator\" content=\"airlock report\">"
#define MARK_WITHIN 1024

/* The wall clock: the journal's rows carry it too. */
static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int print_runbook(struct cmd_ctx *ctx)
{
	struct sequence sequence;
	struct runbook book;
	BUF_AUTO text = BUF_INIT;

	sequence_make(ctx->plan, &ctx->arena, &sequence);
	runbook_make(ctx->plan, &sequence, &ctx->arena, &book);
	runbook_text(&book, &ctx->arena, &text);
	out_data(ctx->out, "%s", buf_str(&text));
	return EXIT_DONE;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* An earlier report is made anew; anything else is somebody's. */
static int may_replace(const char *path, struct err *err)
{
	char head[MARK_WITHIN] = "";
	struct stat st;
	FILE *file;
	size_t n;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_set_errno(err, ERR_IO, "cannot look at %s", path);
	file = S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
	n = file ? fread(head, 1, sizeof head - 1, file) : 0;
	if (file)
		fclose(file);
	head[n] = '\0';
	if (strstr(head, MARK) != NULL)
		return 0;
	return err_set(err, ERR_REFUSED,
		"%s exists, is no report of ours, and is not overwritten: name another file with "
		"--output",
		path);
}

static int write_all(int fd, const struct buf *text, const char *path, struct err *err)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, "cannot write %s", path);
		done += (size_t)n;
	}
	return fsync(fd) ? err_set_errno(err, ERR_IO, "cannot write %s", path) : 0;
}

/* Beside it first: whoever reads the file sees the old report or the new one. */
static int replace(struct cmd_ctx *ctx, const char *path, const struct buf *page, struct err *err)
{
	char *beside = arena_printf(&ctx->arena, "%s.XXXXXX", path);
	int fd = mkostemp(beside, O_CLOEXEC), rc;

	if (fd < 0)
		return err_set_errno(err, ERR_IO, "cannot write beside %s", path);
	rc = write_all(fd, page, path, err);
	if (close(fd) && rc == 0)
		rc = err_set_errno(err, ERR_IO, "cannot write %s", path);
	if (rc == 0 && rename(beside, path))
		rc = err_set_errno(err, ERR_IO, "cannot write %s", path);
	if (rc)
		unlink(beside);
	return rc;
}

static int write_page(struct cmd_ctx *ctx, const struct report *report, struct err *err)
{
	const char *path = opt_text(ctx->opt, FLAG_REPORT_OUTPUT);
	BUF_AUTO page = BUF_INIT;

	report_html(report, &page);
	if (path != NULL && strcmp(path, "-") == 0) {
		out_text(ctx->out, &page);
		return EXIT_DONE;
	}
	if (path == NULL)
		path = OUTPUT_DEFAULT;
	if (may_replace(path, err) || replace(ctx, path, &page, err))
		return -1;
	out_note(ctx->out, "%s. %s", report_verdict_sentence(report->verdict), report->summary);
	out_note(ctx->out, "written to %s", path);
	return EXIT_DONE;
}

int cmd_report(struct cmd_ctx *ctx, struct err *err)
{
	JOURNAL_AUTO journal = NULL;
	REPORT_AUTO report = {0};

	if (opt_given(ctx->opt, FLAG_REPORT_RUNBOOK))
		return print_runbook(ctx);
	if (ctx->out->json && opt_given(ctx->opt, FLAG_REPORT_OUTPUT))
		return err_set(
			err, ERR_USAGE, "--json goes to standard output: leave --output out");
	if (journal_open(ctx->state_dir, JOURNAL_READ, cmd_who(ctx), &journal, err) ||
		report_make(&report, ctx->plan, journal, opt_text(ctx->opt, FLAG_REPORT_LATENCY),
			now_ms(), &ctx->arena, err))
		return -1;
	if (!ctx->out->json)
		return write_page(ctx, &report, err);
	out_json(ctx->out, report_json(&report));
	return EXIT_DONE;
}
