#include "cli/moves.h"

#include <libgen.h>
#include <string.h>

#include "base/check.h"
#include "cli/stop.h"

/* ---- hooks ----------------------------------------------------------------------------------- */

static int remember_wave(void *arg, enum wave_state state, struct err *err)
{
	const struct moves *moves = arg;

	return moves_remember_wave(&moves->writer, state, err);
}

static int remember(void *arg, const struct move_note *note, struct err *err)
{
	const struct moves *moves = arg;

	return moves_remember(&moves->writer, note, err);
}

static void tell(void *arg, const char *service, const char *what)
{
	const struct moves *moves = arg;
	BUF_AUTO safe = BUF_INIT;

	out_safe(&safe, what);
	out_note(moves->ctx->out, "  service %s: %s", service, buf_str(&safe));
}

/* ---- before everything ----------------------------------------------------------------------- */

static bool has_moves(struct cmd_ctx *ctx, const struct wave *wave)
{
	struct movement m;

	movement_list(ctx->plan, wave, SIDE_NEW, &ctx->arena, &m);
	return m.count > 0;
}

bool moves_concern(struct cmd_ctx *ctx, const struct mover_order *order, const struct wave *wave,
	const struct wave_record *records)
{
	if (order->mode == CORE_FINALIZE || !has_moves(ctx, wave))
		return false;
	return order->mode == CORE_RUN || records[wave->n].state == WAVE_PENDING ||
	       wave_is_under_way(&records[wave->n]);
}

int moves_need_settled(
	const struct mover_order *order, const struct wave_record *records, struct err *err)
{
	if (order->mode == CORE_RESUME)
		return 0;
	for (size_t n = 1; n <= PLAN_MEMBERS_MAX; n++)
		if (wave_is_under_way(&records[n]) ||
			(order->mode == CORE_FINALIZE && records[n].state == WAVE_PENDING))
			return err_set(err, ERR_REFUSED,
				"the services of wave %zu are on their way to %s since %s: "
				"`airlock resume` finishes it or takes them back",
				n, side_name(records[n].goal), records[n].at);
	return 0;
}

int moves_need_side(struct cmd_ctx *ctx, enum side side, const char *because, const char *instead,
	struct err *err)
{
	struct sequence seq;

	sequence_make(ctx->plan, &ctx->arena, &seq);
	for (size_t w = 0; w < seq.count; w++) {
		struct movement m = {.dir = dirname(arena_strdup(&ctx->arena, ctx->plan_path))};

		movement_list(ctx->plan, &seq.waves[w], side, &ctx->arena, &m);
		if (movement_look(&m, err))
			return -1;
		for (size_t i = 0; i < m.count; i++)
			if (m.items[i].seen.side != side)
				return err_set(err, ERR_REFUSED,
					"%s is on %s, and %s: %s first, or take its `move` out of "
					"the plan",
					m.items[i].service->name, side_name(side_other(side)),
					because, instead);
	}
	return 0;
}

void moves_leave_orphans(
	struct cmd_ctx *ctx, const struct sequence *sequence, const struct wave_record *records)
{
	struct wave nothing = {.decider = PLAN_NONE};
	struct err err = ERR_INIT;

	for (size_t n = 1; n <= PLAN_MEMBERS_MAX; n++) {
		struct movement m = {0};
		struct moves_writer writer = {
			.ctx = ctx, .wave = n, .attempt = records[n].attempt, .movement = &m};

		if ((!wave_is_under_way(&records[n]) && records[n].state != WAVE_PENDING) ||
			(n <= sequence->count && has_moves(ctx, &sequence->waves[n - 1])))
			continue;
		if (!ctx->lock && cmd_lock(ctx, &err)) /* a controller that lives has it in hand */
			return;
		movement_list(ctx->plan, &nothing, records[n].goal, &ctx->arena, &m);
		out_warn(ctx->out,
			"wave %zu was on its way to %s since %s, and this plan moves no service in "
			"it any more: see where its services stand (`airlock journal list --kind "
			"move`)",
			n, side_name(records[n].goal), records[n].at);
		if (moves_remember_wave(&writer, WAVE_LEFT, &err))
			out_warn(ctx->out, "%s", err.msg);
	}
}

void moves_open(struct moves *moves, struct cmd_ctx *ctx, struct mover_result *result,
	const struct mover_order *order, const struct wave *wave, const struct wave_record *records)
{
	const struct wave_record *record = &records[wave->n];
	bool fresh = order->mode == CORE_RUN;

	*moves = (struct moves){.ctx = ctx,
		.result = result,
		.order = order,
		.record = record,
		.movement = {.dir = dirname(arena_strdup(&ctx->arena, ctx->plan_path)),
			.env = result->fleet->env,
			.stop_asked = stop_asked,
			.state = fresh ? WAVE_NONE : record->state,
			.arg = moves,
			.remember_wave = remember_wave,
			.remember = remember,
			.tell = tell},
		.writer = {.ctx = ctx,
			.run = result->run,
			.wave = wave->n,
			.attempt = fresh ? record->attempt + 1 : record->attempt,
			.movement = &moves->movement,
			.stores = result->stores,
			.stores_count = result->stores_count}};
	if (order->mode == CORE_FINALIZE)
		return;
	movement_list(
		ctx->plan, wave, fresh ? order->goal : record->goal, &ctx->arena, &moves->movement);
	result->moves = moves->movement.items;
	result->moves_count = moves->movement.count;
	result->moves_goal = moves->movement.goal;
}

/* ---- how it ends ----------------------------------------------------------------------------- */

static void worsen(struct moves *moves, enum core_verdict verdict, const struct err *err)
{
	struct mover_result *result = moves->result;

	if (verdict > result->report.verdict)
		result->report.verdict = verdict;
	if (result->moved.code == ERR_OK)
		result->moved = *err;
}

static enum core_verdict stuck(const struct moves *moves)
{
	return movement_is_lost(&moves->movement) ? VERDICT_UNKNOWN : VERDICT_TIMED_OUT;
}

/* The wave goes back.  `err` is what it goes back for. */
static void take_back(struct moves *moves, const struct err *err)
{
	bool touched = movement_has_touched(&moves->movement);
	struct err failed = ERR_INIT;

	if (movement_take_back(&moves->movement, &failed)) {
		if (err->code != ERR_OK)
			err_wrap(&failed, "%.200s; then", err->msg);
		worsen(moves, stuck(moves), &failed);
		return;
	}
	/* "Refused" says that nothing was touched. */
	if (touched)
		moves->result->report.verdict = VERDICT_UNDONE;
	else if (moves->result->report.verdict == VERDICT_NONE)
		moves->result->report.verdict = VERDICT_REFUSED;
	worsen(moves, VERDICT_NONE, err);
}

/* Its stores are across and stay there. */
static void remains(struct moves *moves, const struct err *err)
{
	struct err failed = ERR_INIT;

	if (movement_leave_pending(&moves->movement, &failed)) {
		err_wrap(&failed, "%.200s; then", err->msg);
		worsen(moves, stuck(moves), &failed);
		return;
	}
	worsen(moves, VERDICT_TIMED_OUT, err);
}

static void done(struct moves *moves)
{
	struct err err = ERR_INIT;

	if (movement_end(&moves->movement, &err))
		worsen(moves, VERDICT_TIMED_OUT, &err);
}

/* ---- run and rollback ------------------------------------------------------------------------ */

static bool end_before(struct moves *moves, const struct err *err)
{
	moves->result->report.verdict = VERDICT_NONE;
	if (moves->movement.state == WAVE_NONE)
		worsen(moves, VERDICT_REFUSED, err);
	else
		take_back(moves, err);
	return false;
}

bool moves_before(struct moves *moves)
{
	struct movement *m = &moves->movement;
	struct err err = ERR_INIT;

	if (moves->order->mode != CORE_RUN || m->count == 0)
		return true;
	/* All of them, also those after the stores: a broken observation is found while nothing has
	 * been touched. */
	if (movement_look(m, &err))
		return end_before(moves, &err);
	if (!movement_is_needed(m)) {
		for (size_t i = 0; i < m->count; i++) {
			m->items[i].state = MOVE_THERE;
			tell(moves, m->items[i].service->name,
				m->goal == SIDE_NEW ? "is on new already" : "is on old already");
		}
		return true;
	}
	if (movement_begin(m, &err) || movement_carry(m, false, &err))
		return end_before(moves, &err);
	return true;
}

static void after_run(struct moves *moves)
{
	struct movement *m = &moves->movement;
	struct err err = ERR_INIT;

	if (m->state == WAVE_NONE)
		return;
	switch (moves->result->report.verdict) {
	case VERDICT_DONE:
		if (movement_carry(m, true, &err))
			remains(moves, &err);
		else
			done(moves);
		return;
	case VERDICT_UNDONE:
	case VERDICT_REFUSED:
		take_back(moves, &err);
		return;
	case VERDICT_TIMED_OUT:
	case VERDICT_UNKNOWN:
		out_note(moves->ctx->out,
			"  the services of the wave wait for `airlock resume`, which settles its "
			"stores");
		return;
	case VERDICT_NONE:
		break;
	}
	INVARIANT(moves->result->report.verdict != VERDICT_NONE);
}

/* ---- resume ---------------------------------------------------------------------------------- */

static void finish(struct moves *moves, bool has_stores)
{
	struct movement *m = &moves->movement;
	struct err err = ERR_INIT;

	if (movement_carry(m, false, &err) == 0 && movement_carry(m, true, &err) == 0)
		done(moves);
	else if (has_stores)
		remains(moves, &err);
	else
		take_back(moves, &err);
}

/* Forward when its stores are there; without a store, unless it was on its way back. */
static bool goes_forward(const struct moves *moves, bool has_stores, enum side open)
{
	return has_stores ? open == moves->movement.goal : moves->movement.state != WAVE_UNDOING;
}

/* A controller that lives, or hangs, has the wave in hand; a second one would only pull at it. */
static bool is_ours(struct moves *moves)
{
	struct err err = ERR_INIT;

	if (moves->ctx->lock || cmd_lock(moves->ctx, &err) == 0)
		return true;
	err_wrap(&err, "the services of the wave are left to it");
	worsen(moves, VERDICT_TIMED_OUT, &err);
	return false;
}

/* Services that the record is about, and that the plan no longer moves with this wave: where they
 * stand is the operator's to say.  False when none of the others is left. */
static bool are_still_here(struct moves *moves)
{
	const struct wave_record *record = moves->record;
	const struct movement *m = &moves->movement;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < record->services_count; i++) {
		size_t k = 0;

		while (k < m->count && strcmp(m->items[k].service->name, record->services[i]) != 0)
			k++;
		if (k == m->count)
			out_warn(moves->ctx->out,
				"%s was on its way to %s since %s, and this plan does not move it "
				"with wave %zu any more: see where it stands",
				record->services[i], side_name(record->goal), record->at,
				moves->writer.wave);
	}
	if (m->count == 0 && moves_remember_wave(&moves->writer, WAVE_LEFT, &err))
		out_warn(moves->ctx->out, "%s", err.msg);
	return m->count > 0;
}

/* Without a record nobody knows what was under way: it is told, and left alone. */
static void tell_unknown(struct moves *moves, enum side open)
{
	struct movement *m = &moves->movement;
	struct err err = ERR_INIT;

	if (movement_look(m, &err))
		out_note(moves->ctx->out, "  %s", err.msg);
	for (size_t i = 0; i < m->count; i++)
		if (m->items[i].seen.known && m->items[i].seen.side != open)
			tell(moves, m->items[i].service->name,
				open == SIDE_NEW
					? "is on old, and no record says that it was moved: "
					  "`airlock run` moves it, `airlock rollback` takes the "
					  "stores back to it"
					: "is on new, and no record says that it was moved: "
					  "`airlock rollback` takes it back, `airlock run` goes "
					  "on");
}

static void after_resume(struct moves *moves)
{
	struct movement *m = &moves->movement;
	bool has_stores = moves->result->stores_count > 0;
	enum side open = SIDE_OLD;
	struct err err = ERR_INIT, none = ERR_INIT;

	if (moves->record->state == WAVE_NONE && mover_open_side(moves->result, &open))
		tell_unknown(moves, open);
	if (!wave_is_under_way(moves->record) && moves->record->state != WAVE_PENDING)
		return;
	if (has_stores && (moves->result->report.verdict > VERDICT_UNDONE ||
				  !mover_open_side(moves->result, &open))) {
		out_note(moves->ctx->out,
			"  the services of the wave wait until its stores are settled");
		return;
	}
	if (!is_ours(moves))
		return;
	if (moves_recall_items(moves->ctx, moves->writer.wave, moves->record, m, &err)) {
		worsen(moves, VERDICT_TIMED_OUT, &err);
		return;
	}
	moves->result->moves_count = m->count;
	if (!are_still_here(moves))
		return;
	if (goes_forward(moves, has_stores, open))
		finish(moves, has_stores);
	else
		take_back(moves, &none);
}

void moves_after(struct moves *moves)
{
	if (moves->order->mode == CORE_RUN)
		after_run(moves);
	else if (moves->order->mode == CORE_RESUME)
		after_resume(moves);
}
