/* `airlock measure`: how much state holds each store, and what its callers would wait for. */
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/fleet.h"
#include "cli/measuring.h"
#include "cli/memory.h"

#define WATCH_MS 5000
#define CALLS_MS_MAX 10000
#define PAUSE_MS 50
#define LOOK_MS 10000

static int measure_one(struct cmd_ctx *ctx, struct fleet *fleet, struct writers *writers,
	int64_t watch_ms, struct measuring *m, struct err *err)
{
	struct store_pg *store = fleet->stores[m->store];
	int64_t calls_ms = watch_ms < CALLS_MS_MAX ? watch_ms : CALLS_MS_MAX;
	int64_t until_ms = clock_now_ms() + watch_ms + calls_ms + 2 * LOOK_MS;

	if (measuring_begin(
		    fleet, m->store, fleet_open_side(store, LOOK_MS), writers, until_ms, m, err) ||
		writers_watch(store, fleet->routes[m->store], m->side, watch_ms, PAUSE_MS, until_ms,
			writers, err) ||
		measuring_end(ctx, fleet, writers, calls_ms, until_ms, m, err))
		return err_wrap(err, "store %s", ctx->plan->stores[m->store].name);
	return 0;
}

int cmd_measure(struct cmd_ctx *ctx, struct err *err)
{
	int64_t watch_ms = opt_time_ms(ctx->opt, FLAG_MEASURE_FOR, WATCH_MS);
	json_t *stores = json_array();
	WRITERS_AUTO writers = {0};
	FLEET_AUTO fleet = {0};
	int rc = fleet_open(ctx->plan, &fleet, err);

	if (rc == 0)
		memory_recall(ctx, &writers);
	for (size_t i = 0; rc == 0 && i < ctx->plan->stores_count; i++) {
		struct measuring m = {.store = i};

		rc = measure_one(ctx, &fleet, &writers, watch_ms, &m, err);
		if (rc == 0 && ctx->out->json)
			json_array_append_new(stores, measuring_json(ctx->plan, &m));
		else if (rc == 0)
			measuring_text(ctx->out, ctx->plan, &m);
	}
	if (rc == 0 && ctx->out->json)
		out_json(ctx->out,
			json_pack("{s:s, s:O}", "schema", "airlock.measure/1", "stores", stores));
	json_decref(stores);
	if (rc == 0)
		memory_keep(ctx, &writers);
	return rc ? -1 : EXIT_DONE;
}
