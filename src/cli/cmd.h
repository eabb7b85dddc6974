/*
 * cmd.h - what a command gets and gives.
 *
 * One command is one file cmd_NAME.c with one function cmd_NAME, named in its row of commands.def.
 * When it is called, the command line has been parsed and checked against the table, and what the
 * row asks for is there: the plan loaded and free of errors, the journal open.
 *
 *   returns  an exit code (enum exit_code) when the command itself said everything, or
 *            -1 with *err set: the dispatcher prints the error once and exits with its code.
 *
 * stdout carries data and stderr messages, both only through ctx->out.  The dispatcher flushes and
 * closes; a command closes what it opened itself.  SIGPIPE and SIGXFSZ are ignored, so that a
 * reader that went away or a full disk is an error and never an end in the middle of a move.  A
 * command that starts children resets both.
 */
#ifndef AIRLOCK_CLI_CMD_H
#define AIRLOCK_CLI_CMD_H

#include "base/arena.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/out.h"
#include "journal/journal.h"
#include "plan/plan.h"

#define CMD_PLAN_DEFAULT "airlock.yaml"

struct cmd_ctx {
	const struct command *command;
	const struct options *opt;
	struct out *out;
	const char *plan_path; /* as given, or airlock.yaml */
	const char *state_dir; /* as given, or .airlock beside the plan */
	struct plan *plan;     /* NULL when the row says NO_PLAN, or SHOW_PLAN and it has errors */
	struct problems problems;
	struct err plan_err; /* SHOW_PLAN: why plan is NULL; ERR_OK otherwise */
	struct journal
		*journal; /* NULL when the row says NO_JOURNAL, or TRY_ or PEEK_ and it failed */
	struct journal_lock *lock; /* NULL until cmd_lock took it; released at the end */
	struct arena arena;	   /* lives as long as the command: take from it what you like */
};

/* "airlock run", never its arguments; in the context's arena. */
const char *cmd_who(struct cmd_ctx *ctx);

/*
 * Says why nothing new may be begun with this plan, and that it is refused: ERR_REFUSED when there
 * is a reason (plan/refusal.h).  For commands that begin something.
 */
int cmd_need_unrefused(struct cmd_ctx *ctx, struct err *err) MUST_CHECK;

/*
 * Takes the controller's lock, so that two controllers do not get in each other's way.  It is
 * courtesy and no safety (a register refuses the second one), it needs no journal, and it ends with
 * the process.  ERR_BUSY names the holder.
 */
int cmd_lock(struct cmd_ctx *ctx, struct err *err) MUST_CHECK;

#define COMMAND(id, name, group, function, plan, journal, forms, summary, help)                    \
	int function(struct cmd_ctx *ctx, struct err *err);
#include "cli/commands.def"

#endif
