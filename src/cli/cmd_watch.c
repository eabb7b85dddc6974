/* `airlock watch`: what `status` says, once a second, until it is stopped. */
#include <inttypes.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/status_view.h"
#include "cli/stop.h"

#define EVERY_MS 1000
#define LOOK_MS 2000

/*
 * A side that does not answer says nothing new: what was read before goes on with its age, as
 * STALE, beside what is known now.
 */
static void keep_old_reading(struct status_view *now, const struct status_view *before)
{
	if (now->blind && before->name != NULL)
		now->seen_us = before->seen_us;
}

static void tell_lines(struct out *out, const struct status_view *views, size_t count)
{
	char at[CLOCK_STAMP_BYTES];

	clock_stamp(at);
	for (size_t i = 0; i < count; i++) {
		BUF_AUTO line = BUF_INIT;

		buf_printf(&line, "%.8sZ ", at + 11);
		status_line(&views[i], &line);
		buf_putc(&line, '\n');
		out_text(out, &line);
	}
}

static void tell_json(struct out *out, const struct status_view *views, size_t count)
{
	json_t *stores = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(stores, status_json(&views[i]));
	out_json_line(out, status_document(stores));
}

/* On a terminal the newest reading takes the place of the one before: home, then clear as we go. */
static void tell_screen(struct out *out, const struct status_view *views, size_t count)
{
	out_data(out, "\033[H\033[J");
	status_head(out);
	for (size_t i = 0; i < count; i++)
		status_text(out, &views[i]);
	out_data(out, "\nCtrl-C ends the watching and nothing else.\n");
}

static void tell(struct out *out, bool screen, const struct status_view *views, size_t count)
{
	if (out->ndjson)
		tell_json(out, views, count);
	else if (screen)
		tell_screen(out, views, count);
	else
		tell_lines(out, views, count);
	fflush(out->data); /* whoever reads the lines waits for this one */
}

static void look_all(struct cmd_ctx *ctx, struct fleet *fleet, struct status_view *views)
{
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		struct status_view before = views[i];

		status_look(fleet, i, LOOK_MS, &views[i]);
		status_cost(ctx, &views[i]);
		keep_old_reading(&views[i], &before);
	}
}

int cmd_watch(struct cmd_ctx *ctx, struct err *err)
{
	int64_t every_ms = opt_time_ms(ctx->opt, FLAG_WATCH_EVERY, EVERY_MS);
	int64_t left = opt_number(ctx->opt, FLAG_WATCH_COUNT, INT64_MAX);
	struct status_view *views =
		arena_calloc(&ctx->arena, ctx->plan->stores_count + 1, sizeof *views);
	bool screen = isatty(fileno(ctx->out->data)) == 1;
	FLEET_AUTO fleet = {0};

	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	stop_listen(fleet.env);
	while (!*stop_asked && !ferror(ctx->out->data)) {
		int64_t next_us = env_now_us(fleet.env) + every_ms * 1000;

		look_all(ctx, &fleet, views);
		tell(ctx->out, screen, views, ctx->plan->stores_count);
		if (--left == 0)
			break;
		while (!*stop_asked && env_now_us(fleet.env) < next_us)
			ENSURE(env_next(fleet.env, next_us) == NULL); /* nothing was submitted */
	}
	stop_ignore();
	return *stop_asked ? EXIT_DETACHED : EXIT_DONE;
}
