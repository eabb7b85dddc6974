/* `airlock watch`: what `status` says, once a second, until it is stopped. */
#include <inttypes.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/service_view.h"
#include "cli/status_view.h"
#include "cli/stop.h"

#define EVERY_MS 1000
#define LOOK_MS 2000
/* Observing a service runs a command of the plan: not every second. */
#define SERVICES_MS 10000

struct reading {
	struct status_view *stores;
	size_t stores_count;
	struct service_view *services;
	size_t services_count;
};

/*
 * A side that does not answer says nothing new: what was read before goes on with its age, as
 * STALE, beside what is known now.
 */
static void keep_old_reading(struct status_view *now, const struct status_view *before)
{
	if (now->blind && before->name != NULL)
		now->seen_us = before->seen_us;
}

static void tell_line(struct out *out, const char *at, const struct buf *line)
{
	BUF_AUTO whole = BUF_INIT;

	buf_printf(&whole, "%.8sZ %s\n", at + 11, buf_str(line));
	out_text(out, &whole);
}

static void tell_lines(struct out *out, const struct reading *r)
{
	char at[CLOCK_STAMP_BYTES];

	clock_stamp(at);
	for (size_t i = 0; i < r->stores_count; i++) {
		BUF_AUTO line = BUF_INIT;

		status_line(&r->stores[i], &line);
		tell_line(out, at, &line);
	}
	for (size_t i = 0; i < r->services_count; i++) {
		BUF_AUTO line = BUF_INIT;

		service_view_line(&r->services[i], &line);
		tell_line(out, at, &line);
	}
}

static void tell_json(struct out *out, const struct reading *r)
{
	json_t *stores = json_array();

	for (size_t i = 0; i < r->stores_count; i++)
		json_array_append_new(stores, status_json(&r->stores[i]));
	out_json_line(
		out, status_document(stores, service_views_json(r->services, r->services_count)));
}

/* On a terminal the newest reading takes the place of the one before: home, then clear as we go. */
static void tell_screen(struct out *out, const struct reading *r)
{
	out_data(out, "\033[H\033[J");
	status_head(out);
	for (size_t i = 0; i < r->stores_count; i++)
		status_text(out, &r->stores[i]);
	service_views_text(out, r->services, r->services_count);
	out_data(out, "\nCtrl-C ends the watching and nothing else.\n");
}

static void tell(struct out *out, bool screen, const struct reading *r)
{
	if (out->ndjson)
		tell_json(out, r);
	else if (screen)
		tell_screen(out, r);
	else
		tell_lines(out, r);
	fflush(out->data); /* whoever reads the lines waits for this one */
}

static void look_all(struct cmd_ctx *ctx, struct fleet *fleet, struct reading *r)
{
	for (size_t i = 0; i < r->stores_count; i++) {
		struct status_view before = r->stores[i];

		status_look(fleet, i, LOOK_MS, &r->stores[i]);
		status_cost(ctx, &r->stores[i]);
		keep_old_reading(&r->stores[i], &before);
	}
	if (r->services_count > 0 &&
		(r->services[0].seen_us == 0 ||
			clock_now_us() - r->services[0].seen_us >= SERVICES_MS * 1000))
		service_views_look(ctx, LOOK_MS, r->services, r->services_count);
}

int cmd_watch(struct cmd_ctx *ctx, struct err *err)
{
	int64_t every_ms = opt_time_ms(ctx->opt, FLAG_WATCH_EVERY, EVERY_MS);
	int64_t left = opt_number(ctx->opt, FLAG_WATCH_COUNT, INT64_MAX);
	struct reading reading = {.stores_count = ctx->plan->stores_count};
	bool screen = isatty(fileno(ctx->out->data)) == 1;
	FLEET_AUTO fleet = {0};

	reading.stores =
		arena_calloc(&ctx->arena, reading.stores_count + 1, sizeof *reading.stores);
	reading.services = service_views_make(ctx, &reading.services_count);
	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	stop_listen(fleet.env);
	while (!*stop_asked && !ferror(ctx->out->data)) {
		int64_t next_us = env_now_us(fleet.env) + every_ms * 1000;

		look_all(ctx, &fleet, &reading);
		tell(ctx->out, screen, &reading);
		if (--left == 0)
			break;
		while (!*stop_asked && env_now_us(fleet.env) < next_us)
			ENSURE(env_next(fleet.env, next_us) == NULL); /* nothing was submitted */
	}
	stop_ignore();
	return *stop_asked ? EXIT_DETACHED : EXIT_DONE;
}
