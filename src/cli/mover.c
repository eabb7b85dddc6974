#include "cli/mover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/mover_report.h"
#include "cli/moves.h"
#include "cli/services.h"
#include "cli/stop.h"
#include "engine/engine.h"
#include "engine/verbs.h"
#include "store/postgres/early.h"

#define LINES_MAX 256
#define LOOK_MS 5000
#define SHORT_LOOK_MS 1000

/* No store of a wave is left behind. */
_Static_assert(SEQUENCE_STORES_MAX <= CORE_MEMBERS_MAX, "a wave fits into the core");

/* What was said while clients were held, printed when they are not (law 11). */
struct quiet_lines {
	char text[LINES_MAX][160];
	size_t count;
	char last[160]; /* the one before: what repeats is said once */
};

struct mover {
	struct cmd_ctx *ctx;
	struct mover_result *result;
	const struct mover_order *order;
	struct quiet_lines lines;
	bool journal_failed;
};

static struct journal_entry entry_of(const struct mover *mover, const char *kind, int64_t attempt)
{
	return (struct journal_entry){
		.run = mover->result->run,
		.wave = (int)mover->result->wave,
		.attempt = attempt,
		.kind = kind,
	};
}

/* Law 4: attempt, steps and their undo, durable before the first of them. */
static void intent_detail(const struct mover *mover, enum side src, struct buf *detail)
{
	json_t *steps = json_array(), *stores = json_array();
	char *text;

	for (size_t m = 0; m < mover->result->stores_count; m++)
		json_array_append_new(stores, json_string(mover_member_name(mover->result, m)));

	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		size_t count;
		const struct step *rows = table_steps((enum phase)phase, &count);

		if (phase == PHASE_UNDOING || phase == PHASE_BAKING)
			continue;
		for (size_t i = 0; i < count; i++)
			json_array_append_new(
				steps, json_pack("{s:s, s:s}", "step", verb_word(rows[i].verb),
					       "undo", verb_undo(rows[i].verb)));
	}
	int64_t lag = mover_lag_bytes(mover->result);
	json_t *doc = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "from", side_name(src), "to",
		side_name(side_other(src)), "plan", mover->ctx->plan->hash, "stores", stores,
		"steps", steps, "lag_bytes", lag < 0 ? json_null() : json_integer(lag));

	text = json_dumps(doc, JSON_COMPACT);
	buf_puts(detail, text ? text : "{}");
	free(text);
	json_decref(doc);
}

static int on_intent(void *arg, int64_t attempt, enum side src, struct err *err)
{
	struct mover *mover = arg;
	struct journal_entry entry = entry_of(mover, "intent", attempt);
	BUF_AUTO detail = BUF_INIT;
	BUF_AUTO text = BUF_INIT;

	if (!mover->ctx->journal)
		return 0; /* resume works without one */
	intent_detail(mover, src, &detail);
	buf_printf(&text, "attempt %" PRId64 " from %s to %s", attempt, side_name(src),
		side_name(side_other(src)));
	entry.text = buf_str(&text);
	entry.detail = buf_str(&detail);
	if (journal_ready(mover->ctx->journal, err) ||
		journal_append(mover->ctx->journal, &entry, err))
		return err_wrap(err, "the journal cannot record the attempt");
	return 0;
}

static void say(struct mover *mover, const char *line)
{
	struct quiet_lines *lines = &mover->lines;

	if (strcmp(lines->last, line) == 0)
		return;
	snprintf(lines->last, sizeof lines->last, "%.*s", (int)sizeof lines->last - 1, line);
	if (lines->count < LINES_MAX)
		snprintf(lines->text[lines->count++], sizeof lines->text[0], "%.*s",
			(int)sizeof lines->text[0] - 1, line);
}

static void on_moved(void *arg, const struct core_trace *trace, int64_t at_us)
{
	struct mover *mover = arg;
	struct journal_entry entry = entry_of(mover, "moved", trace->attempt);
	char line[160], detail[160];

	snprintf(detail, sizeof detail,
		"{\"from\":\"%s\",\"to\":\"%s\",\"signal\":\"%s\",\"at_us\":%" PRId64 "}",
		phase_name(trace->from), phase_name(trace->to), signal_name(trace->signal), at_us);
	if (trace->from == trace->to)
		snprintf(line, sizeof line, "%s: %s (%s)", phase_name(trace->from),
			signal_sentence(trace->signal), trace->sentence);
	else
		snprintf(line, sizeof line, "%s -> %s: %s", phase_name(trace->from),
			phase_name(trace->to), trace->sentence);
	say(mover, line);
	entry.text = line;
	entry.detail = detail;
	if (mover->ctx->journal)
		journal_append_behind(mover->ctx->journal, &entry);
}

static void on_ended(void *arg, size_t member, enum verb verb, int64_t attempt,
	enum core_outcome outcome, const struct err *err, int64_t began_us, int64_t at_us)
{
	struct mover *mover = arg;
	struct journal_entry entry = entry_of(mover, "step", attempt);
	char text[240], detail[160];

	snprintf(text, sizeof text, "%s %s after %.1f ms%s%.180s", verb_word(verb),
		core_outcome_name(outcome), (double)(at_us - began_us) / 1000,
		outcome == OUTCOME_DONE ? "" : ": ", outcome == OUTCOME_DONE ? "" : err->msg);
	snprintf(detail, sizeof detail,
		"{\"verb\":\"%s\",\"outcome\":\"%s\",\"us\":%" PRId64 ",\"at_us\":%" PRId64 "}",
		verb_word(verb), core_outcome_name(outcome), at_us - began_us, at_us);
	entry.store = mover_member_name(mover->result, member);
	entry.text = text;
	entry.detail = detail;
	if (mover->ctx->journal)
		journal_append_behind(mover->ctx->journal, &entry);
	if (outcome != OUTCOME_DONE)
		say(mover, text);
}

static void on_calm(void *arg)
{
	struct mover *mover = arg;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < mover->lines.count; i++) {
		BUF_AUTO safe = BUF_INIT;

		out_safe(&safe, mover->lines.text[i]);
		out_note(mover->ctx->out, "  %s", buf_str(&safe));
	}
	mover->lines.count = 0;
	if (mover->ctx->journal && !mover->journal_failed &&
		journal_flush(mover->ctx->journal, &err)) {
		/* It informs people and decides nothing: the run goes on. */
		mover->journal_failed = true;
		out_warn(mover->ctx->out, "the journal could not be written: %s", err.msg);
	}
}

static void make_run_id(char *ret, size_t size)
{
	char stamp[CLOCK_STAMP_BYTES];
	size_t n = 0;

	clock_stamp(stamp);
	for (const char *c = stamp; *c && *c != '.' && n + 1 < size; c++)
		if (*c != '-' && *c != ':')
			ret[n++] = *c;
	snprintf(ret + n, size - n, "-%ld", (long)getpid());
}

static struct engine_config engine_config_of(struct mover *mover, struct fleet *fleet)
{
	const struct plan_budgets *budgets = &fleet->plan->budgets;
	struct engine_config config = {
		.env = fleet->env,
		.core = {.mode = mover->order->mode,
			.members = mover->result->stores_count,
			.goal = mover->order->goal,
			.attempts_max = budgets->attempts,
			.backoff_ms = 100,
			.tries_max = 8},
		.timeouts = {.look_ms = LOOK_MS,
			.prepare_ms = 60000,
			.hold_ms = budgets->hold_ms,
			.drain_ms = budgets->drain_ms,
			.window_ms = budgets->window_ms,
			.finish_ms = 5000},
		.hooks = {.arg = mover,
			.intent = on_intent,
			.moved = on_moved,
			.ended = on_ended,
			.calm = on_calm},
		.abort_asked = stop_asked,
	};

	for (size_t m = 0; m < mover->result->stores_count; m++) {
		size_t store = mover->result->stores[m];

		config.member[m] =
			(struct engine_member){&fleet->stores[store]->store, fleet->routes[store]};
	}
	return config;
}

/* The stores among a wave's members. */
static size_t stores_of(const struct plan *plan, const struct wave *wave, size_t *ret_stores)
{
	size_t count = 0;

	for (size_t i = 0; i < wave->members_count; i++)
		if (wave->members[i] < plan->stores_count && count < CORE_MEMBERS_MAX)
			ret_stores[count++] = wave->members[i];
	return count;
}

/* Nobody was held and no store was touched; where things stand is read all the same. */
static void look_only(
	struct fleet *fleet, const struct mover_order *order, struct mover_result *result)
{
	result->report.src = side_other(order->goal); /* only a run stops and moves services */
	for (size_t m = 0; m < result->stores_count; m++) {
		int64_t epoch = 0;
		const struct verb_call call = {.env = fleet->env,
			.store = &fleet->stores[result->stores[m]]->store,
			.deadline_ms = clock_now_ms() + LOOK_MS,
			.epoch_seen = &epoch};

		verb_observe(&call, &result->report.view[m]);
	}
}

/* What the command answers is what the record keeps: the wave's airlock.run/1, and its direction.
 */
static void verdict_row(struct mover *mover)
{
	const struct engine_report *report = &mover->result->report;
	struct journal_entry entry = entry_of(mover, "verdict", report->attempt);
	struct err err = ERR_INIT;
	json_t *doc;
	char *detail;

	if (!mover->ctx->journal || mover->journal_failed)
		return;
	doc = mover_json(mover->result, 1);
	json_object_set_new(doc, "from", json_string(side_name(report->src)));
	detail = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(9));
	entry.text = core_verdict_name(report->verdict);
	entry.detail = detail;
	if (journal_append(mover->ctx->journal, &entry, &err))
		out_warn(mover->ctx->out, "the journal could not be written: %s", err.msg);
	free(detail);
	json_decref(doc);
}

static void cross_stores(struct mover *mover, struct fleet *fleet)
{
	struct engine_config config = engine_config_of(mover, fleet);
	struct mover_result *result = mover->result;

	if (services_before(mover->ctx, result, mover->order)) {
		result->report.verdict = VERDICT_REFUSED;
		look_only(fleet, mover->order, result);
		return;
	}
	engine_run(&config, &result->report);
	on_calm(mover);
	services_after(mover->ctx, result, mover->order);
}

/* Nothing was ever set up only where every side says so; a silent one may hold a register. */
static bool is_set_up(struct fleet *fleet, const struct mover_result *result)
{
	for (size_t m = 0; m < result->stores_count; m++)
		for (int side = 0; side < SIDE_COUNT; side++) {
			struct err ignored = ERR_INIT;
			struct reg reg;

			if (pg_register(fleet->stores[result->stores[m]], (enum side)side,
				    clock_now_ms() + SHORT_LOOK_MS, &reg, &ignored) ||
				reg.state != REG_ABSENT)
				return true;
		}
	return false;
}

/* `resume` has nothing to settle where nothing was ever set up. */
static void settle_stores(struct mover *mover, struct fleet *fleet)
{
	struct mover_result *result = mover->result;

	if (mover->order->mode != CORE_RESUME || is_set_up(fleet, result)) {
		cross_stores(mover, fleet);
		return;
	}
	look_only(fleet, mover->order, result);
	result->report.src = SIDE_OLD;
	result->report.verdict = VERDICT_DONE;
	out_note(mover->ctx->out, "  wave %zu: not synced: nothing to resume; next: airlock sync",
		result->wave);
}

static void run_wave(struct cmd_ctx *ctx, struct fleet *fleet, const struct mover_order *order,
	const struct wave *wave, const struct wave_record *records, struct mover_result *result)
{
	struct mover mover = {.ctx = ctx, .result = result, .order = order};
	struct moves moves;

	moves_open(&moves, ctx, result, order, wave, records);
	if (!moves_before(&moves)) {
		look_only(fleet, order, result);
	} else {
		if (result->stores_count > 0)
			settle_stores(&mover, fleet);
		else
			result->report.verdict = VERDICT_DONE;
		moves_after(&moves);
	}
	if (result->stores_count > 0)
		verdict_row(&mover);
}

bool mover_wants(const struct mover_order *order, size_t n)
{
	return (order->first_wave == 0 || (int64_t)n >= order->first_wave) &&
	       (order->last_wave == 0 || (int64_t)n <= order->last_wave);
}

/* Back to old is the same waves, last first. */
static size_t wave_index(const struct mover_order *order, const struct sequence *seq, size_t i)
{
	bool backward = order->mode == CORE_RUN && order->goal == SIDE_OLD;

	return backward ? seq->count - 1 - i : i;
}

static int tell(struct cmd_ctx *ctx, const struct mover_result *results, size_t count)
{
	enum core_verdict worst = VERDICT_DONE;

	for (size_t i = 0; i < count; i++) {
		if (!ctx->out->json && !ctx->out->ndjson)
			mover_text(ctx->out, &results[i]);
		if (results[i].report.verdict > worst)
			worst = results[i].report.verdict;
	}
	if (ctx->out->json || ctx->out->ndjson)
		out_json(ctx->out, mover_json(results, count));
	return mover_exit_code(worst);
}

static struct mover_result *begin_result(struct cmd_ctx *ctx, struct fleet *fleet,
	const struct wave *wave, struct mover_result *result)
{
	size_t *stores = arena_calloc(&ctx->arena, CORE_MEMBERS_MAX, sizeof(size_t));

	make_run_id(result->run, sizeof result->run);
	result->fleet = fleet;
	result->wave = wave->n;
	result->stores = stores;
	result->stores_count = stores_of(ctx->plan, wave, stores);
	return result;
}

static size_t run_waves(struct cmd_ctx *ctx, struct fleet *fleet, const struct mover_order *order,
	const struct wave_record *records, struct mover_result *results)
{
	struct sequence seq;
	size_t count = 0;

	sequence_make(ctx->plan, &ctx->arena, &seq);
	for (size_t i = 0; i < seq.count; i++) {
		const struct wave *wave = &seq.waves[wave_index(order, &seq, i)];
		struct mover_result *result;

		if (!mover_wants(order, wave->n) ||
			(wave->decider == PLAN_NONE && !moves_concern(ctx, order, wave, records)))
			continue;
		result = begin_result(ctx, fleet, wave, &results[count++]);
		run_wave(ctx, fleet, order, wave, records, result);
		if (result->report.verdict != VERDICT_DONE && order->mode != CORE_RESUME)
			break;
	}
	if (order->mode == CORE_RESUME)
		moves_leave_orphans(ctx, &seq, records);
	return count;
}

/* After the crossing, which it can not undo (law 8): what failed is told, and done by the next
 * command that moves or settles. */
static void give_back(struct cmd_ctx *ctx, struct fleet *fleet)
{
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		struct store_pg *s = fleet->stores[i];
		struct err failed = ERR_INIT;

		if (early_is_wanted(s) && early_opened(s, clock_now_ms() + SHORT_LOOK_MS, &failed))
			out_note(ctx->out,
				"  %s: what was withheld from PUBLIC for the early readers is not "
				"given back yet (%s); airlock resume does it",
				s->store.name, failed.msg);
	}
}

int mover_run(
	struct cmd_ctx *ctx, struct fleet *fleet, const struct mover_order *order, struct err *err)
{
	/* A wave has at least one member. */
	struct mover_result *results =
		arena_calloc(&ctx->arena, node_count(ctx->plan) + 1, sizeof(struct mover_result));
	struct wave_record *records;
	size_t count;

	if (moves_recall_waves(ctx, &records, err) || moves_need_settled(order, records, err))
		return -1;
	stop_listen(fleet->env);
	count = run_waves(ctx, fleet, order, records, results);
	stop_ignore();
	give_back(ctx, fleet);
	if (count == 0)
		return err_set(err, ERR_USAGE,
			"no wave with a store, or with a service that has a `move`, was asked for");
	return tell(ctx, results, count);
}
