/* `airlock plan`: the order of everything, why, and what it costs. */
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "cli/cmd.h"
#include "cli/measured.h"
#include "cli/plan_text.h"
#include "picture/picture.h"
#include "plan/text.h"

/* Problems are messages; with --json they are part of the document instead. */
static void say_problems(struct cmd_ctx *ctx)
{
	BUF_AUTO text = BUF_INIT;
	bool unimportant =
		ctx->problems.errors == 0 && ctx->problems.refusals == 0 && ctx->out->quiet;

	if (ctx->problems.count == 0 || ctx->out->json || unimportant)
		return;
	problems_print(&ctx->problems, ctx->out->color_messages, &text);
	out_message_text(ctx->out, &text);
}

/* The node that --why names, PLAN_NONE without it. */
static int find_why(struct cmd_ctx *ctx, size_t *ret_node, struct err *err)
{
	const char *name = opt_text(ctx->opt, FLAG_PLAN_WHY);
	const struct plan *plan = ctx->plan;

	*ret_node = PLAN_NONE;
	if (!name)
		return 0;
	struct text_nearest near = TEXT_NEAREST(name);
	char shown[TEXT_QUOTE_BYTES];

	for (size_t n = 0; n < plan->stores_count + plan->services_count; n++) {
		if (strcmp(plan_node_name(plan, n), name) == 0) {
			*ret_node = n;
			return 0;
		}
		text_nearest_try(&near, plan_node_name(plan, n));
	}
	text_quote(name, strlen(name), shown);
	return err_set(err, ERR_USAGE, "there is no store or service %s%s%s%s", shown,
		near.best ? " (did you mean '" : "", near.best ? near.best : "",
		near.best ? "'?)" : "");
}

static void make_view(struct cmd_ctx *ctx, struct plan_view *ret)
{
	struct gravity_book book;
	struct timespec now;

	measured_recall(ctx, &book);
	clock_gettime(CLOCK_REALTIME, &now);
	plan_view_make(ret, ctx->plan, &book, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
		&ctx->arena);
}

static void show(struct cmd_ctx *ctx, struct plan_view *v, size_t why)
{
	const struct picture_look look = {.alone = true};
	BUF_AUTO text = BUF_INIT;

	if (ctx->out->json) {
		out_json(ctx->out, plan_json(v, why, &ctx->problems));
		return;
	}
	if (opt_given(ctx->opt, FLAG_PLAN_SVG))
		picture_svg(&v->sequence, &v->crossings, &look, &text);
	else if (opt_given(ctx->opt, FLAG_PLAN_DOT))
		picture_dot(&v->sequence, &v->crossings, &text);
	else if (why != PLAN_NONE)
		plan_why(v, why, ctx->out, &text);
	else
		plan_text(v, &ctx->problems, ctx->out, &text);
	out_text(ctx->out, &text);
}

int cmd_plan(struct cmd_ctx *ctx, struct err *err)
{
	struct plan_view view;
	size_t why;

	if (!ctx->plan && ctx->plan_err.code != ERR_PLAN) { /* the file itself cannot be read */
		*err = ctx->plan_err;
		return -1;
	}
	say_problems(ctx);
	if (!ctx->plan) {
		if (ctx->out->json)
			out_json(ctx->out, plan_json(NULL, PLAN_NONE, &ctx->problems));
		*err = ctx->plan_err;
		return -1;
	}
	if (find_why(ctx, &why, err))
		return -1;
	make_view(ctx, &view);
	show(ctx, &view, why);
	return ctx->problems.refusals ? EXIT_REFUSED : EXIT_DONE;
}
