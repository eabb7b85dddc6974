#include "cli/schema_copy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "action/child.h"
#include "base/check.h"
#include "base/clock.h"
#include "store/postgres/sync.h"

#define LOOK_MS 10000
#define COPY_MS (30 * 60 * 1000)

struct files {
	/* In the state directory. */
	char dump[PATH_MAX + 128], list[PATH_MAX + 128], wanted[PATH_MAX + 128];
};

static void remove_files(struct files *files)
{
	unlink(files->dump);
	unlink(files->list);
	unlink(files->wanted);
}

static int command(char *const *argv, struct err *err)
{
	const struct child_call call = {.argv = argv, .timeout_ms = COPY_MS};
	struct child_end end;

	if (child_run(&call, &end, err))
		return -1;
	if (end.status != 0)
		return err_set(
			err, ERR_REFUSED, "%s ended with %d: %s", argv[0], end.status, end.said);
	return 0;
}

/* Of what pg_restore lists: Airlock's freeze is not the application's, and stands there already. */
static bool is_ours(const char *line)
{
	return strstr(line, " EVENT TRIGGER ") && strstr(line, " airlock_freeze");
}

static int filter_list(const struct files *files, struct err *err)
{
	FILE *in = fopen(files->list, "r"), *out = fopen(files->wanted, "w");
	char *line = NULL;
	size_t size = 0;
	bool bad = !in || !out;

	while (!bad && getline(&line, &size, in) >= 0)
		bad = !is_ours(line) && fputs(line, out) < 0;
	free(line);
	if (in)
		fclose(in);
	if (out && fclose(out))
		bad = true;
	return bad ? err_set(err, ERR_IO, "%s: %s", files->wanted, strerror(errno)) : 0;
}

static int dump_and_restore(struct store_pg *s, struct files *files, struct err *err)
{
	char *old = strdup(s->side[SIDE_OLD].conninfo), *new = strdup(s->side[SIDE_NEW].conninfo);
	char *dump[] = {"pg_dump", "-Fc", "--schema-only", "--no-publications",
		"--no-subscriptions", "-N", "airlock", "-N", "airlock_dba", "-f", files->dump, "-d",
		old, NULL};
	char *list[] = {"pg_restore", "-l", "-f", files->list, files->dump, NULL};
	char *restore[] = {
		"pg_restore", "-1", "-e", "-L", files->wanted, "-d", new, files->dump, NULL};
	int rc = -1;

	if (!old || !new)
		err_set(err, ERR_NOMEM, "no memory for two connection strings");
	else if (command(dump, err) == 0 && command(list, err) == 0 &&
		 filter_list(files, err) == 0 && command(restore, err) == 0)
		rc = 0;
	free(old);
	free(new);
	return rc;
}

int schema_copy(struct cmd_ctx *ctx, struct store_pg *s, struct err *err)
{
	size_t tables = 0;
	struct files files;
	int rc;

	if (links_count_tables(s, SIDE_NEW, clock_now_ms() + LOOK_MS, &tables, err))
		return -1;
	if (tables > 0) {
		out_note(ctx->out, "%s: new has %zu tables already: its schema is left as it is",
			s->store.name, tables);
		return 0;
	}
	out_note(ctx->out, "%s: copying the schema", s->store.name);
	snprintf(files.dump, sizeof files.dump, "%s/schema-%s.dump", ctx->state_dir, s->store.name);
	snprintf(files.list, sizeof files.list, "%s/schema-%s.list", ctx->state_dir, s->store.name);
	snprintf(files.wanted, sizeof files.wanted, "%s/schema-%s.wanted", ctx->state_dir,
		s->store.name);
	rc = dump_and_restore(s, &files, err);
	remove_files(&files);
	return rc ? err_wrap(err, "copying the schema of %s", s->store.name) : 0;
}
