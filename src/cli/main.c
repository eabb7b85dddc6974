/*
 * airlock - the control plane's command line: parse, prepare what the command's row asks for, call
 * it, say what went wrong once, exit with a code of exit_codes.def.
 */
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>

#include "base/check.h"
#include "cli/cmd.h"
#include "cli/help.h"

static const char *state_beside(struct arena *arena, const char *plan_path)
{
	char *dir = dirname(arena_strdup(arena, plan_path)); /* dirname writes into it */

	return strcmp(dir, ".") ? arena_printf(arena, "%s/.airlock", dir) : ".airlock";
}

static void ctx_init(struct cmd_ctx *ctx, const struct options *opt, struct out *out)
{
	const char *plan = opt_text(opt, FLAG_GLOBAL_PLAN);
	const char *state = opt_text(opt, FLAG_GLOBAL_STATE);

	*ctx = (struct cmd_ctx){.command = opt->command, .opt = opt, .out = out};
	problems_init(&ctx->problems, &ctx->arena);
	ctx->plan_path = plan ? plan : CMD_PLAN_DEFAULT;
	ctx->state_dir = state ? state : state_beside(&ctx->arena, ctx->plan_path);
}

static void ctx_fini(struct cmd_ctx *ctx)
{
	journal_lock_release(ctx->lock);
	journal_close(ctx->journal);
	plan_free(ctx->plan);
	arena_fini(&ctx->arena);
}

static int plan_open(struct cmd_ctx *ctx, struct err *err)
{
	if (plan_load(ctx->plan_path, &ctx->plan, &ctx->problems, err) == 0)
		return 0;
	if (err->code == ERR_USAGE && err->sys == ENOENT)
		err_set(err, ERR_USAGE,
			"there is no plan %s: name it with -f FILE, or write one with `airlock "
			"init "
			"-o FILE`",
			ctx->plan_path);
	return -1;
}

/* With errors in the plan they are printed here: a command that has no use for it never sees it. */
static int prepare_plan(struct cmd_ctx *ctx, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	int rc;

	if (ctx->command->plan == NO_PLAN)
		return 0;
	if (ctx->command->plan == SHOW_PLAN) {
		if (plan_open(ctx, &ctx->plan_err))
			ctx->plan = NULL;
		return 0;
	}
	rc = plan_open(ctx, err);
	if (ctx->problems.errors > 0 || (ctx->problems.count > 0 && !ctx->out->quiet)) {
		problems_print_others(&ctx->problems, ctx->out->color_messages, &text);
		out_message_text(ctx->out, &text);
	}
	return rc;
}

static int prepare_journal(struct cmd_ctx *ctx, struct err *err)
{
	enum command_journal need = ctx->command->journal;
	bool reads = need == READ_JOURNAL || need == PEEK_JOURNAL;
	enum journal_mode mode = reads ? JOURNAL_READ : JOURNAL_WRITE;
	struct err why = ERR_INIT;

	if (need == NO_JOURNAL)
		return 0;
	if (journal_open(ctx->state_dir, mode, cmd_who(ctx), &ctx->journal, &why) == 0)
		return 0;
	if (need == PEEK_JOURNAL && why.code == ERR_USAGE) /* there is none */
		return 0;
	if (need != TRY_JOURNAL && need != PEEK_JOURNAL) {
		*err = why;
		return -1;
	}
	out_warn(ctx->out, "going on without the journal: %s", why.msg);
	return 0;
}

static int carry_out(struct cmd_ctx *ctx, struct err *err)
{
	int rc;

	if (prepare_plan(ctx, err) || prepare_journal(ctx, err))
		return -1;
	rc = ctx->command->function(ctx, err);
	ENSURE(rc >= 0 || err->code != ERR_OK);
	return rc;
}

static int run_command(const struct options *opt, struct out *out, struct err *err)
{
	struct cmd_ctx ctx;
	int rc;

	out->quiet = opt_given(opt, FLAG_GLOBAL_QUIET);
	out->verbose = opt_given(opt, FLAG_GLOBAL_VERBOSE);
	out->json = opt_given(opt, FLAG_GLOBAL_JSON);
	out->ndjson = opt_given(opt, FLAG_GLOBAL_NDJSON);
	ctx_init(&ctx, opt, out);
	rc = carry_out(&ctx, err);
	ctx_fini(&ctx);
	return rc;
}

static int usage_failed(const struct options *opt, struct out *out, const struct err *err)
{
	char help[64] = "airlock help";

	if (opt->command && opt->command->id != COMMAND_HELP)
		snprintf(help, sizeof help, "airlock help %s", opt->command->name);
	out_error(out, err->msg, help);
	return err_exit_code(err->code);
}

static void write_failures_are_errors(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
}

/* Returns the exit code, or -1 with err set. */
static int answer(const struct options *opt, struct out *out, struct err *err)
{
	if (opt_given(opt, FLAG_GLOBAL_VERSION)) {
		out_data(out, "airlock %s\n", AIRLOCK_VERSION);
		return EXIT_DONE;
	}
	if (opt_given(opt, FLAG_GLOBAL_HELP)) {
		help_print(out, opt->command);
		return EXIT_DONE;
	}
	return run_command(opt, out, err);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT, unwritten = ERR_INIT;
	struct options opt;
	struct out out;
	int rc;

	write_failures_are_errors();
	out_init(&out, stdout, stderr, false);
	rc = options_parse(argc, argv, &opt, &err);
	if (opt_given(&opt, FLAG_GLOBAL_NO_COLOR))
		out.color_data = out.color_messages = false;
	if (rc)
		return usage_failed(&opt, &out, &err);
	rc = answer(&opt, &out, &err);
	if (rc < 0 && err.code == ERR_USAGE)
		return usage_failed(&opt, &out, &err);
	if (rc < 0)
		out_error(&out, err.msg, NULL);
	if (out_finish(&out, &unwritten) && rc == EXIT_DONE) {
		if (unwritten.sys != EPIPE) /* `| head` had enough: nobody needs to be told */
			out_error(&out, unwritten.msg, NULL);
		rc = EXIT_INTERNAL;
	}
	return rc < 0 ? err_exit_code(err.code) : rc;
}
