/* rows.h - a record made of rows that a test writes down, and a plan that fits. */
#ifndef AIRLOCK_TESTS_REPORT_ROWS_H
#define AIRLOCK_TESTS_REPORT_ROWS_H

#include "../testing.h"

#include <stdio.h>
#include <string.h>

#include "plan/plan.h"
#include "report/report.h"

#define RUN "20261125T100000-1"

static const char rows_plan[] =
	"airlock: 1\nname: shop\n"
	"budgets: {stall: 1s, window: 2s, hold: 5s, drain: 1s, lag: 1MB, rollback_lag: 5s, "
	"attempts: 5, sync_age: 14d}\n"
	"stores:\n"
	"  orders: {engine: postgresql, old: \"host=a dbname=o\", new: \"host=b dbname=o\", "
	"pattern: replica-promotion, sync: logical, route: direct}\n"
	"  stock: {engine: postgresql, old: \"host=a dbname=s\", new: \"host=b dbname=s\", "
	"pattern: replica-promotion, sync: logical, route: direct, needs: [orders]}\n"
	"services:\n"
	"  web: {tier: entry, writes: [orders]}\n"
	"overlap:\n" /* the other way round than it is needed: it permits the same */
	"  - {from: orders, to: stock, because: \"<b>stock</b> follows\", at_most: 1s}\n"
	"routes:\n  direct: {kind: none}\n";

struct rows_made {
	struct arena arena;
	struct plan *plan;
	struct record record;
	struct report report;
	int64_t ms; /* since 10:00:00; the next row's time */
};

static inline void rows_begin_with(struct rows_made *m, const char *plan)
{
	struct problems ps;
	struct err err = ERR_INIT;

	*m = (struct rows_made){.arena = ARENA_INIT};
	problems_init(&ps, &m->arena);
	if (plan_parse("airlock.yaml", plan, strlen(plan), &m->plan, &ps, &err))
		fail_msg("%s: %s", err.msg, ps.count ? ps.rows[0].message : "");
	m->record.chain.sound = true;
}

static inline void rows_begin(struct rows_made *m)
{
	rows_begin_with(m, rows_plan);
}

static inline void rows_add(struct rows_made *m, struct journal_entry entry)
{
	char at[40];
	struct journal_row row = {.seq = (int64_t)m->record.count + 1,
		.at = at,
		.who = "alice@ops pid 1: airlock run",
		.entry = entry,
		.hash = "0123456789abcdef"};

	snprintf(at, sizeof at, "2026-11-25T10:00:%02d.%03dZ", (int)(m->ms / 1000),
		(int)(m->ms % 1000));
	row.entry.run = entry.run ? entry.run : "";
	row.entry.store = entry.store ? entry.store : "";
	row.entry.key = entry.key ? entry.key : "";
	row.entry.text = entry.text ? entry.text : "";
	row.entry.detail = entry.detail ? entry.detail : "{}";
	record_add(&m->record, &m->arena, &row);
	m->record.chain.rows++;
}

/* One move of wave 1's machine, at the time that stands in m->ms; text is its sentence. */
static inline void rows_move(struct rows_made *m, int wave, int64_t attempt, const char *from,
	const char *to, const char *signal)
{
	char detail[160], text[80];

	snprintf(detail, sizeof detail,
		"{\"from\":\"%s\",\"to\":\"%s\",\"signal\":\"%s\",\"at_us\":%lld}", from, to,
		signal, (long long)m->ms * 1000);
	snprintf(text, sizeof text, "%s -> %s", from, to);
	rows_add(m, (struct journal_entry){.run = RUN,
			    .wave = wave,
			    .attempt = attempt,
			    .kind = "moved",
			    .text = text,
			    .detail = detail});
}

/* A step that ended now and took so long. */
static inline void rows_step(struct rows_made *m, int wave, int64_t attempt, const char *store,
	const char *verb, const char *outcome, int64_t us)
{
	char detail[160], text[80];

	snprintf(detail, sizeof detail,
		"{\"verb\":\"%s\",\"outcome\":\"%s\",\"us\":%lld,\"at_us\":%lld}", verb, outcome,
		(long long)us, (long long)m->ms * 1000);
	snprintf(text, sizeof text, "%s %s", verb, outcome);
	rows_add(m, (struct journal_entry){.run = RUN,
			    .wave = wave,
			    .attempt = attempt,
			    .store = store,
			    .kind = "step",
			    .text = text,
			    .detail = detail});
}

static inline void rows_intent(struct rows_made *m, int wave, int64_t attempt, const char *from)
{
	char detail[200];

	snprintf(detail, sizeof detail, "{\"from\":\"%s\",\"plan\":\"%s\"}", from, m->plan->hash);
	rows_add(m, (struct journal_entry){.run = RUN,
			    .wave = wave,
			    .attempt = attempt,
			    .kind = "intent",
			    .text = "attempt",
			    .detail = detail});
}

static inline void rows_synced(struct rows_made *m)
{
	rows_add(m, (struct journal_entry){.store = "orders", .kind = "sync", .text = "follows"});
	rows_add(m, (struct journal_entry){.store = "stock", .kind = "sync", .text = "follows"});
}

/* A crossing that goes well: hold at m->ms, shut from +100 ms, open from +300 ms. */
static inline void rows_cross(
	struct rows_made *m, int wave, int64_t attempt, const char *store, const char *from)
{
	rows_move(m, wave, attempt - 1, "IDLE", "READY", "SEEN_READY");
	rows_intent(m, wave, attempt, from);
	rows_step(m, wave, attempt, store, "hold", "done", 0);
	rows_move(m, wave, attempt, "READY", "HELD", "DONE");
	m->ms += 100;
	rows_step(m, wave, attempt, store, "seal", "done", 90000);
	rows_move(m, wave, attempt, "HELD", "SEALED", "DONE");
	m->ms += 100;
	rows_step(m, wave, attempt, store, "end", "done", 100000);
	rows_move(m, wave, attempt, "SEALED", "CAUGHT_UP", "DONE");
	rows_step(m, wave, attempt, store, "commit", "done", 0);
	rows_move(m, wave, attempt, "CAUGHT_UP", "COMMITTING", "DONE");
	m->ms += 100;
	rows_step(m, wave, attempt, store, "promote", "done", 100000);
	rows_move(m, wave, attempt, "COMMITTING", "PROMOTED", "DONE");
	m->ms += 10;
	rows_step(m, wave, attempt, store, "release", "done", 10000);
	rows_move(m, wave, attempt, "PROMOTED", "RELEASED", "DONE");
	rows_move(m, wave, attempt, "RELEASED", "RETIRED", "DONE");
	rows_move(m, wave, attempt, "RETIRED", "BAKING", "DONE");
}

static inline void rows_verdict(
	struct rows_made *m, int wave, int64_t attempt, const char *text, const char *detail)
{
	rows_add(m, (struct journal_entry){.run = RUN,
			    .wave = wave,
			    .attempt = attempt,
			    .kind = "verdict",
			    .text = text,
			    .detail = detail});
}

static inline struct report *rows_report(struct rows_made *m)
{
	report_from(&m->report, m->plan, &m->record, 1795600000000, &m->arena);
	return &m->report;
}

static inline void rows_end(struct rows_made *m)
{
	report_fini(&m->report);
	record_fini(&m->record);
	plan_free(m->plan);
	arena_fini(&m->arena);
}

#endif
