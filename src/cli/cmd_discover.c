/* `airlock discover`: who writes to each store, against what the plan declares. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/fleet.h"
#include "cli/memory.h"
#include "discover/writers_json.h"

#define WATCH_MS 5000
#define PAUSE_MS 50
#define LOOK_MS 10000

/* The side that clients write to; the other one is shut, or will be. */
static enum side open_side(struct store_pg *store)
{
	struct err not_set_up = ERR_INIT;
	struct reg reg;

	if (pg_register(store, SIDE_NEW, clock_now_ms() + LOOK_MS, &reg, &not_set_up) == 0 &&
		reg.state == REG_ACTIVE)
		return SIDE_NEW;
	return SIDE_OLD;
}

static json_t *row_json(const struct plan *plan, size_t store, const struct writer *w)
{
	json_t *object = writer_json(w);
	bool writes;
	const struct plan_service *s = writer_service(plan, store, w, &writes);

	json_object_set_new(object, "declared_as", s != NULL ? json_string(s->name) : json_null());
	json_object_set_new(object, "source", json_string(w->here ? "session" : "journal"));
	json_object_set_new(
		object, "undeclared", json_boolean(writer_is_undeclared(plan, store, w, 0)));
	return object;
}

static void row_text(struct out *out, const struct plan *plan, size_t store, const struct writer *w)
{
	bool writes, undeclared = writer_is_undeclared(plan, store, w, 0);
	const struct plan_service *s = writer_service(plan, store, w, &writes);
	BUF_AUTO who = BUF_INIT;
	BUF_AUTO safe = BUF_INIT;
	char last[CLOCK_STAMP_BYTES];

	writer_describe(w, &who);
	out_safe(&safe, buf_str(&who));
	out_data(out, "%-10s %s %s: %s; last seen %s\n",
		undeclared  ? "UNDECLARED"
		: s != NULL ? "declared"
			    : "unknown",
		w->store, side_name(w->side), buf_str(&safe), clock_date(w->last_s, last));
	if (s != NULL)
		out_data(out, "           is %s, which %s %s\n", s->name,
			writes ? "writes to" : "only reads", w->store);
	if (undeclared) {
		BUF_AUTO lines = BUF_INIT;

		writer_plan_lines(w, &lines);
		buf_clear(&safe);
		out_safe(&safe, buf_str(&lines));
		out_data(out, "           to declare it: %s\n", buf_str(&safe));
	}
}

static size_t count_undeclared(const struct plan *plan, size_t store, const struct writers *w)
{
	size_t count = 0;

	for (size_t i = 0; i < w->count; i++)
		count += writer_is_undeclared(plan, store, &w->rows[i], 0);
	return count;
}

static void tell(struct cmd_ctx *ctx, const struct writers *w, size_t undeclared)
{
	json_t *rows = json_array();

	for (size_t store = 0; store < ctx->plan->stores_count; store++)
		for (size_t i = 0; i < w->count; i++) {
			if (strcmp(w->rows[i].store, ctx->plan->stores[store].name) != 0)
				continue;
			if (ctx->out->json)
				json_array_append_new(
					rows, row_json(ctx->plan, store, &w->rows[i]));
			else
				row_text(ctx->out, ctx->plan, store, &w->rows[i]);
		}
	if (ctx->out->json) {
		out_json(
			ctx->out, json_pack("{s:s, s:o, s:[], s:I, s:b, s:I, s:I, s:I}", "schema",
					  "airlock.discover/1", "writers", rows, "dependencies",
					  "undeclared", (json_int_t)undeclared, "blind", w->blind,
					  "watched_ms", (json_int_t)w->watched_ms, "looks",
					  (json_int_t)w->looks, "cost_us", (json_int_t)w->cost_us));
		return;
	}
	json_decref(rows);
	out_data(ctx->out,
		"%zu undeclared; watched for %.1f s, %" PRId64
		" looks of %.1f ms; a writer that did "
		"not write meanwhile is not seen, not absent%s\n",
		undeclared, (double)w->watched_ms / 1000, w->looks,
		w->looks ? (double)w->cost_us / 1000 / (double)w->looks : 0.0,
		w->blind ? "; the server hides what some sessions do (GRANT pg_monitor TO airlock)"
			 : "");
}

int cmd_discover(struct cmd_ctx *ctx, struct err *err)
{
	WRITERS_AUTO writers = {0};
	FLEET_AUTO fleet = {0};
	size_t undeclared = 0;
	int64_t watch_ms = opt_time_ms(ctx->opt, FLAG_DISCOVER_FOR, WATCH_MS);

	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	memory_recall(ctx, &writers);
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		if (writers_watch(fleet.stores[i], open_side(fleet.stores[i]), watch_ms, PAUSE_MS,
			    clock_now_ms() + watch_ms + LOOK_MS, &writers, err))
			return -1;
		undeclared += count_undeclared(ctx->plan, i, &writers);
	}
	memory_keep(ctx, &writers);
	tell(ctx, &writers, undeclared);
	return undeclared > 0 && opt_given(ctx->opt, FLAG_DISCOVER_FAIL_ON) ? EXIT_REFUSED
									    : EXIT_DONE;
}
