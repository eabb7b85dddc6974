#include "cli/syncer.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/postgres/sync.h"

#define STEP_MS 120000
#define STALLED_MS 300000
#define TELL_EVERY_MS 1000

struct teller {
	struct cmd_ctx *ctx;
	const char *store;
	char step[96];
	int64_t told_ms;
	size_t ready;
};

static void tell_json(struct teller *teller, const struct sync_progress *p)
{
	out_json_line(teller->ctx->out,
		json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:o}", "schema", "airlock.sync/1",
			"store", teller->store, "step", p->step, "table", out_json_string(p->table),
			"rows", (json_int_t)p->rows_done, "tables_ready",
			(json_int_t)p->tables_ready, "tables_total", (json_int_t)p->tables_total,
			"lag_bytes", p->lag_bytes < 0 ? json_null() : json_integer(p->lag_bytes)));
}

static void tell_text(struct teller *teller, const struct sync_progress *p)
{
	BUF_AUTO table = BUF_INIT;

	if (p->tables_total == 0) {
		out_note(teller->ctx->out, "%s: %s", teller->store, p->step);
		return;
	}
	if (p->table)
		out_safe(&table, p->table);
	out_note(teller->ctx->out, "%s: %s, %zu/%zu tables ready%s%s%s", teller->store, p->step,
		p->tables_ready, p->tables_total, p->table ? ", now " : "", buf_str(&table),
		p->lag_bytes >= 0 ? ", following" : "");
}

/* One line when something changed, and otherwise one a second. */
static void on_progress(void *arg, const struct sync_progress *p)
{
	struct teller *teller = arg;
	int64_t now_ms = clock_now_ms();
	bool changed = strcmp(teller->step, p->step) != 0 || teller->ready != p->tables_ready;

	if (!changed && now_ms - teller->told_ms < TELL_EVERY_MS)
		return;
	snprintf(teller->step, sizeof teller->step, "%s", p->step);
	teller->ready = p->tables_ready;
	teller->told_ms = now_ms;
	if (teller->ctx->out->ndjson)
		tell_json(teller, p);
	else
		tell_text(teller, p);
}

static int sync_store(struct cmd_ctx *ctx, struct fleet *fleet, size_t i, struct err *err)
{
	struct teller teller = {.ctx = ctx, .store = ctx->plan->stores[i].name};
	struct sync_options options = {.step_ms = STEP_MS,
		.copy_stalled_ms = STALLED_MS,
		.progress = on_progress,
		.arg = &teller};
	struct journal_entry entry = {
		.store = teller.store, .kind = "sync", .text = "new follows old"};

	if (store_pg_sync(fleet->stores[i], &options, err))
		return err_wrap(err, "store %s", teller.store);
	return ctx->journal ? journal_append(ctx->journal, &entry, err) : 0;
}

int syncer_run(struct cmd_ctx *ctx, struct fleet *fleet, struct err *err)
{
	for (size_t i = 0; i < ctx->plan->stores_count; i++)
		if (sync_store(ctx, fleet, i, err))
			return -1;
	return 0;
}

int syncer_ensure(struct cmd_ctx *ctx, struct fleet *fleet, struct err *err)
{
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		struct store *store = &fleet->stores[i]->store;
		int64_t until_ms = clock_now_ms() + 10000;
		struct door old, new;

		if (arbiter_read(store, SIDE_OLD, until_ms, &old, err) ||
			arbiter_read(store, SIDE_NEW, until_ms, &new, err))
			return err_wrap(err, "store %s", store->name);
		if ((old.reg.state == REG_ABSENT || new.reg.state == REG_ABSENT) &&
			sync_store(ctx, fleet, i, err))
			return -1;
	}
	return 0;
}
