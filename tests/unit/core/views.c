#include "views.h"

static const char *const names[VIEW_KIND_COUNT] = {
	[VIEW_SETTLED] = "settled",
	[VIEW_GUARDED] = "guarded",
	[VIEW_HALF] = "half guarded",
	[VIEW_SEALED] = "sealed",
	[VIEW_CUT] = "cut",
	[VIEW_DOUBT] = "doubt",
	[VIEW_REVOKED] = "revoked",
	[VIEW_BARRED] = "barred",
	[VIEW_PROMOTED] = "promoted",
	[VIEW_TURN] = "turn",
	[VIEW_TURNED] = "turned",
	[VIEW_LATE_NO] = "late refusal",
	[VIEW_ABORTED] = "aborted",
	[VIEW_BLIND] = "blind",
	[VIEW_BLIND_DST] = "blind destination",
	[VIEW_BOTH_OPEN] = "both open",
	[VIEW_ABSENT] = "absent",
};

const char *view_name(enum view_kind kind)
{
	return names[kind];
}

/* src open since attempt a - 1: by its promotion, or from the beginning. */
static struct core_view settled(enum side src, int64_t a)
{
	struct core_view view = {.reachable = {true, true}, .link = {LINK_OFF, LINK_OFF}};
	struct door *from = &view.door[src], *to = &view.door[side_other(src)];

	from->guard = (struct guard){a - 1, a > 1 ? GUARD_PROMOTE : GUARD_IDLE};
	to->guard = (struct guard){a - 1, a > 1 ? GUARD_TURNED : GUARD_IDLE};
	from->reg = (struct reg){.state = REG_ACTIVE,
		.attempt = a - 1,
		.epoch = a,
		.promoted = a - 1,
		.wayback = a > 1 ? 1 : 0,
		.open = true};
	to->reg = (struct reg){.state = REG_STANDBY, .attempt = a - 1, .revoked = a - 1};
	view.link[src] = LINK_ON;
	return view;
}

static void guards(struct core_view *view, int64_t a, enum guard_phase phase)
{
	for (int s = 0; s < SIDE_COUNT; s++)
		view->door[s].guard = (struct guard){a, phase};
}

static void source_register(struct core_view *view, enum side src, enum reg_state state, int64_t a)
{
	view->door[src].reg.state = state;
	view->door[src].reg.attempt = a;
	view->door[src].reg.open = state == REG_ACTIVE;
	if (state == REG_COMMITTING)
		view->link[src] = LINK_OFF;
}

static void opened(struct core_view *view, enum side dst, int64_t a)
{
	struct reg *reg = &view->door[dst].reg;

	*reg = (struct reg){.state = REG_ACTIVE,
		.attempt = a,
		.epoch = a + 1,
		.revoked = reg->revoked,
		.promoted = a,
		.wayback = 1,
		.open = true};
	view->door[dst].guard = (struct guard){a, GUARD_PROMOTE};
}

static void retired(struct core_view *view, enum side src, int64_t a, enum guard_phase phase)
{
	source_register(view, src, REG_STANDBY, a);
	view->door[src].reg.revoked = a;
	view->door[src].guard = (struct guard){a, phase};
}

static void make_committing(
	struct core_view *view, enum view_kind kind, enum side src, enum side dst, int64_t a)
{
	guards(view, a, GUARD_HELD);
	view->door[src].guard.phase = GUARD_COMMIT;
	source_register(view, src, REG_COMMITTING, a);
	if (kind == VIEW_REVOKED)
		view->door[dst].reg.revoked = a;
	if (kind == VIEW_REVOKED || kind == VIEW_BARRED)
		view->door[dst].guard.phase = GUARD_REVOKE;
	if (kind == VIEW_PROMOTED)
		opened(view, dst, a);
	if (kind == VIEW_BLIND_DST)
		view->reachable[dst] = false;
}

struct core_view view_make(enum view_kind kind, enum side src, int64_t a)
{
	struct core_view view = settled(src, a);
	enum side dst = side_other(src);

	switch (kind) {
	case VIEW_SETTLED:
	case VIEW_KIND_COUNT:
		break;
	case VIEW_GUARDED:
	case VIEW_SEALED:
		guards(&view, a, GUARD_HELD);
		if (kind == VIEW_SEALED)
			source_register(&view, src, REG_SEALED, a);
		break;
	case VIEW_HALF:
		view.door[src].guard = (struct guard){a, GUARD_HELD};
		break;
	case VIEW_CUT:
	case VIEW_ABORTED:
		guards(&view, a, GUARD_ABORTED);
		source_register(&view, src, REG_ACTIVE, a);
		view.link[src] = kind == VIEW_CUT ? LINK_OFF : LINK_ON;
		break;
	case VIEW_DOUBT:
	case VIEW_REVOKED:
	case VIEW_BARRED:
	case VIEW_PROMOTED:
	case VIEW_BLIND_DST:
		make_committing(&view, kind, src, dst, a);
		break;
	case VIEW_TURN:
	case VIEW_TURNED:
	case VIEW_LATE_NO:
		opened(&view, dst, a);
		retired(&view, src, a, kind == VIEW_TURN ? GUARD_TURN : GUARD_TURNED);
		view.link[src] = LINK_OFF;
		view.link[dst] = kind == VIEW_TURN ? LINK_OFF : LINK_ON;
		if (kind == VIEW_LATE_NO)
			view.door[dst].guard.phase = GUARD_REVOKE;
		break;
	case VIEW_BLIND:
		view.reachable[SIDE_OLD] = view.reachable[SIDE_NEW] = false;
		break;
	case VIEW_BOTH_OPEN:
		opened(&view, dst, a);
		break;
	case VIEW_ABSENT:
		view.door[src].reg = view.door[dst].reg = (struct reg){.state = REG_ABSENT};
		break;
	}
	return view;
}
