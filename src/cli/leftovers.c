#include "cli/leftovers.h"

#include "base/clock.h"
#include "cli/wrap.h"
#include "store/postgres/leave.h"

#define LOOK_MS 5000

static void tell_side(
	struct cmd_ctx *ctx, struct store_pg *s, enum side side, bool *some, struct buf *text)
{
	struct err err = ERR_INIT;
	BUF_AUTO left = BUF_INIT;
	bool shut = false;
	const char *line;

	if (pg_left(s, side, clock_now_ms() + LOOK_MS, &left, &shut, &err))
		line = arena_printf(
			&ctx->arena, "%s %s: unknown: %s", s->store.name, side_name(side), err.msg);
	else
		line = arena_printf(&ctx->arena, "%s %s, %s: %s", s->store.name, side_name(side),
			shut ? "shut for all but superusers, and stays so" : "open",
			left.len ? buf_str(&left) : "nothing");
	*some = *some || left.len || err.code != ERR_OK;
	wrap_text(text, line, 0, 4);
}

void leftovers_tell(struct cmd_ctx *ctx, struct fleet *fleet)
{
	BUF_AUTO text = BUF_INIT;
	bool some = false;

	buf_puts(&text, "What is left of Airlock on the servers\n");
	for (size_t i = 0; i < ctx->plan->stores_count; i++)
		for (int side = 0; side < SIDE_COUNT; side++)
			tell_side(ctx, fleet->stores[i], (enum side)side, &some, &text);
	if (some)
		buf_puts(&text,
			"The DBA takes it away, on each side, when no client passes through a\n"
			"gateway any more (it reads the registers there, and without them takes\n"
			"old for the side that serves):\n"
			"  airlock init-roles --remove --side old | psql -X -d postgres -h OLD\n"
			"  airlock init-roles --remove --side new | psql -X -d postgres -h NEW\n");
	out_text(ctx->out, &text);
}
