#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/cmd.h"

static struct journal_filter filter_of(const struct options *opt)
{
	return (struct journal_filter){
		.run = opt_text(opt, FLAG_JOURNAL_RUN),
		.store = opt_text(opt, FLAG_JOURNAL_STORE),
		.kind = opt_text(opt, FLAG_JOURNAL_KIND),
		.last = opt_number(opt, FLAG_JOURNAL_LAST, 0),
	};
}

static bool list_row(const struct journal_row *row, void *arg)
{
	const struct journal_entry *e = &row->entry;
	struct out *out = arg;
	BUF_AUTO line = BUF_INIT;

	buf_printf(&line, "%6lld  ", (long long)row->seq);
	out_safe(&line, row->at);
	buf_puts(&line, "  ");
	out_safe(&line, row->who);
	if (e->run[0]) {
		buf_puts(&line, "  ");
		out_safe(&line, e->run);
	}
	if (e->wave)
		buf_printf(&line, "  wave %d attempt %lld", e->wave, (long long)e->attempt);
	buf_puts(&line, "\n        ");
	if (e->store[0]) {
		out_safe(&line, e->store);
		buf_puts(&line, ": ");
	}
	out_safe(&line, e->kind);
	buf_puts(&line, "  ");
	out_safe(&line, e->text);
	buf_putc(&line, '\n');
	out_text(out, &line);
	return true;
}

static bool collect_row(const struct journal_row *row, void *arg)
{
	BUF_AUTO line = BUF_INIT;

	journal_row_json(row, &line);
	json_array_append_new(arg, json_loads(buf_str(&line), 0, NULL));
	return true;
}

static int list(struct cmd_ctx *ctx, struct err *err)
{
	struct journal_filter filter = filter_of(ctx->opt);
	json_t *entries;
	int rc;

	if (!ctx->out->json)
		return journal_each(ctx->journal, &filter, list_row, ctx->out, err);
	entries = json_array();
	rc = journal_each(ctx->journal, &filter, collect_row, entries, err);
	if (rc == 0)
		out_json(ctx->out, json_pack("{s:s, s:O}", "schema", "airlock.journal-list/1",
					   "entries", entries));
	json_decref(entries);
	return rc;
}

static void say_report(struct out *out, const struct journal_report *r)
{
	BUF_AUTO why = BUF_INIT;

	out_safe(&why, r->why);
	if (r->sound)
		out_data(out, "%ssound%s: %lld row%s, head %s\n", out_color(out, COLOR_GREEN),
			out_color(out, COLOR_NONE), (long long)r->rows, r->rows == 1 ? "" : "s",
			r->hash);
	else
		out_data(out, "%snot sound%s: %s\nsound up to row %lld, hash %s\n",
			out_color(out, COLOR_RED), out_color(out, COLOR_NONE), buf_str(&why),
			(long long)r->rows, r->hash);
	out_data(out, "%s\n", journal_head_text(r->head));
}

static const char *head_word(enum journal_head head)
{
	static const char *const words[] = {[JOURNAL_HEAD_SAME] = "same",
		[JOURNAL_HEAD_BEHIND] = "behind",
		[JOURNAL_HEAD_NONE] = "none"};

	REQUIRE(head < ARRAY_LEN(words));
	return words[head];
}

static int verify(struct cmd_ctx *ctx, struct err *err)
{
	struct journal_report r;

	if (journal_verify(ctx->journal, opt_text(ctx->opt, FLAG_JOURNAL_HEAD), &r, err))
		return -1;
	if (ctx->out->json)
		out_json(ctx->out,
			json_pack("{s:s, s:b, s:I, s:I, s:o, s:s, s:s}", "schema",
				"airlock.journal-verify/1", "sound", r.sound, "rows",
				(json_int_t)r.rows, "bad_seq", (json_int_t)r.bad_seq, "why",
				out_json_string(r.why), "hash", r.hash, "head", head_word(r.head)));
	else
		say_report(ctx->out, &r);
	return r.sound ? EXIT_DONE : EXIT_DIFFERENT;
}

static bool export_row(const struct journal_row *row, void *arg)
{
	BUF_AUTO line = BUF_INIT;

	journal_row_json(row, &line);
	return fwrite(line.data, 1, line.len, arg) == line.len;
}

static FILE *create(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file;

	if (fd < 0 && errno == EEXIST) {
		err_set(err, ERR_REFUSED, "%s exists already and is not overwritten", path);
		return NULL;
	}
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		err_set_errno(err, ERR_IO, "cannot write %s", path);
	return file;
}

static int export(struct cmd_ctx *ctx, struct err *err)
{
	const char *path = opt_text(ctx->opt, FLAG_JOURNAL_OUTPUT);
	struct journal_filter filter = filter_of(ctx->opt);
	FILE *file = path ? create(path, err) : ctx->out->data;
	int rc;

	if (!file)
		return -1;
	rc = journal_each(ctx->journal, &filter, export_row, file, err);
	if (!path)
		return rc;
	if (ferror(file) && rc == 0)
		rc = err_set_errno(err, ERR_IO, "cannot write %s", path);
	if (fclose(file) && rc == 0)
		rc = err_set_errno(err, ERR_IO, "cannot write %s", path);
	return rc;
}

/* A flag that the word beside it does not use is a misunderstanding. */
static int flags_fit(const struct options *opt, const char *word, struct err *err)
{
	bool verifies = !strcmp(word, "verify"), exports = !strcmp(word, "export");
	bool filters = opt_given(opt, FLAG_JOURNAL_RUN) || opt_given(opt, FLAG_JOURNAL_STORE) ||
		       opt_given(opt, FLAG_JOURNAL_KIND) || opt_given(opt, FLAG_JOURNAL_LAST);

	if (verifies && filters)
		return err_set(err, ERR_USAGE,
			"'journal verify' looks at every row: leave --run, --store, --kind and "
			"--last out");
	if (!verifies && opt_given(opt, FLAG_JOURNAL_HEAD))
		return err_set(
			err, ERR_USAGE, "--head belongs to 'journal verify', not to '%s'", word);
	if (!exports && opt_given(opt, FLAG_JOURNAL_OUTPUT))
		return err_set(
			err, ERR_USAGE, "--output belongs to 'journal export', not to '%s'", word);
	return 0;
}

int cmd_journal(struct cmd_ctx *ctx, struct err *err)
{
	const char *word = ctx->opt->args_count ? ctx->opt->args[0] : "list";

	if (flags_fit(ctx->opt, word, err))
		return -1;
	if (!strcmp(word, "verify"))
		return verify(ctx, err);
	return !strcmp(word, "export") ? export(ctx, err) : list(ctx, err);
}
