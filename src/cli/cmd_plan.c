#include "cli/cmd.h"
#include "cli/plan_text.h"

/* Problems are messages; with --json they are part of the document instead. */
static void say_problems(struct cmd_ctx *ctx)
{
	BUF_AUTO text = BUF_INIT;
	bool unimportant = ctx->problems.errors == 0 && ctx->out->quiet;

	if (ctx->problems.count == 0 || ctx->out->json || unimportant)
		return;
	problems_print(&ctx->problems, ctx->out->color_messages, &text);
	out_message_text(ctx->out, &text);
}

int cmd_plan(struct cmd_ctx *ctx, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	struct sequence sequence;

	if (!ctx->plan && ctx->plan_err.code != ERR_PLAN) { /* the file itself cannot be read */
		*err = ctx->plan_err;
		return -1;
	}
	say_problems(ctx);
	if (!ctx->plan) {
		if (ctx->out->json)
			out_json(ctx->out, plan_json(NULL, NULL, &ctx->problems));
		*err = ctx->plan_err;
		return -1;
	}
	sequence_make(ctx->plan, &ctx->arena, &sequence);
	if (ctx->out->json) {
		out_json(ctx->out, plan_json(ctx->plan, &sequence, &ctx->problems));
		return EXIT_DONE;
	}
	plan_text(ctx->plan, &sequence, ctx->out, &text);
	out_text(ctx->out, &text);
	return EXIT_DONE;
}
