/* `airlock run`: check, sync when it has not been done, then the waves. */
#include <inttypes.h>

#include "base/clock.h"
#include "cli/approval.h"
#include "cli/cmd.h"
#include "cli/mover.h"
#include "cli/readiness.h"
#include "cli/syncer.h"
#include "engine/movement.h"
#include "store/postgres/early.h"

#define EARLY_MS 10000
#define LOOK_MS 5000

static void would_move(struct cmd_ctx *ctx, const struct movement *m, bool after)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct plan_action *move = &m->items[i].service->move;
		BUF_AUTO exec = BUF_INIT;
		BUF_AUTO undo = BUF_INIT;
		BUF_AUTO raw = BUF_INIT;
		BUF_AUTO safe = BUF_INIT;

		if (m->items[i].after != after)
			continue;
		action_words(&exec, move->exec);
		action_words(&undo, move->undo);
		buf_printf(&raw, "would move %s: %s    undo: %s", m->items[i].service->name,
			buf_str(&exec), buf_str(&undo));
		out_safe(&safe, buf_str(&raw));
		out_data(ctx->out, "%s\n", buf_str(&safe));
	}
}

static void would_cross(struct cmd_ctx *ctx)
{
	for (int phase = PHASE_READY; phase <= PHASE_RETIRED; phase++) {
		size_t count;
		const struct step *steps = table_steps((enum phase)phase, &count);

		for (size_t i = 0; i < count; i++)
			out_data(ctx->out, "would %-10s undo: %s\n", verb_word(steps[i].verb),
				verb_undo(steps[i].verb));
	}
}

static void would_leave(struct cmd_ctx *ctx, const struct wave *wave)
{
	for (size_t i = 0; i < wave->members_count; i++) {
		const struct plan_service *s;

		if (wave->members[i] < ctx->plan->stores_count)
			continue;
		s = &ctx->plan->services[wave->members[i] - ctx->plan->stores_count];
		if (s->move.exec == NULL)
			out_data(ctx->out, "would not touch %s: the plan names no `move` for it\n",
				s->name);
	}
}

static void dry_run(struct cmd_ctx *ctx, const struct mover_order *order)
{
	struct sequence seq;

	sequence_make(ctx->plan, &ctx->arena, &seq);
	for (size_t i = 0; i < seq.count; i++) {
		struct movement m;

		if (!mover_wants(order, seq.waves[i].n))
			continue;
		movement_list(ctx->plan, &seq.waves[i], SIDE_NEW, &ctx->arena, &m);
		out_data(ctx->out, "wave %zu\n", seq.waves[i].n);
		would_move(ctx, &m, false);
		if (seq.waves[i].decider != PLAN_NONE)
			would_cross(ctx);
		would_move(ctx, &m, true);
		would_leave(ctx, &seq.waves[i]);
	}
}

/* Before any service moves: one that reads new early must find the door open to it. */
static int admit_early(struct fleet *fleet, size_t stores, struct err *err)
{
	for (size_t i = 0; i < stores; i++)
		if (early_admit(fleet->stores[i], clock_now_ms() + EARLY_MS, err))
			return err_wrap(err, "store %s", fleet->stores[i]->store.name);
	return 0;
}

/* One wave alone may not overtake the stores that move before it. */
static int need_stores_before(
	struct cmd_ctx *ctx, struct fleet *fleet, int64_t wave, struct err *err)
{
	struct sequence seq;

	sequence_make(ctx->plan, &ctx->arena, &seq);
	for (size_t store = 0; store < ctx->plan->stores_count; store++)
		if ((int64_t)seq.wave_of[store] < wave &&
			fleet_open_side(fleet->stores[store], LOOK_MS) != SIDE_NEW)
			return err_set(err, ERR_REFUSED,
				"wave %" PRId64 " comes after wave %u, whose store %s does not "
				"write to new: `airlock run --until %" PRId64
				"` moves them in order",
				wave, seq.wave_of[store], fleet->stores[store]->store.name, wave);
	return 0;
}

int cmd_run(struct cmd_ctx *ctx, struct err *err)
{
	int64_t wave = opt_number(ctx->opt, FLAG_RUN_WAVE, 0);
	int64_t until = opt_number(ctx->opt, FLAG_RUN_UNTIL, 0);
	struct mover_order order = {.mode = CORE_RUN,
		.goal = SIDE_NEW,
		.first_wave = wave,
		.last_wave = wave ? wave : until};
	FLEET_AUTO fleet = {0};
	int code;

	if (cmd_need_unrefused(ctx, err))
		return -1;
	if (opt_given(ctx->opt, FLAG_RUN_DRY_RUN)) {
		dry_run(ctx, &order);
		return 0;
	}
	if (approval_need(ctx, FLAG_RUN_APPROVE, APPROVAL_RECORDED, "run the plan", err) ||
		cmd_lock(ctx, err) || fleet_open(ctx->plan, &fleet, err) ||
		syncer_ensure(ctx, &fleet, err) || need_stores_before(ctx, &fleet, wave, err) ||
		readiness_need(ctx, &fleet, err) ||
		admit_early(&fleet, ctx->plan->stores_count, err))
		return -1;
	code = mover_run(ctx, &fleet, &order, err);
	return code == 0 && until ? 4 : code;
}
