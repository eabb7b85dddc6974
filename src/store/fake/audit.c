#include "store/fake/audit.h"

static const char *answer(const struct fake_world *w)
{
	return w->violation[0] ? w->violation : NULL;
}

static void audit_side(struct fake_world *w, enum side side)
{
	const struct fake_side *at = &w->side[side];

	if (at->reg.open != (at->reg.state == REG_ACTIVE))
		fake_violated(w, "%s is %s and its door is %s", side_name(side),
			reg_state_name(at->reg.state), at->reg.open ? "open" : "shut");
	if (at->reg.open && !fake_has_all(&at->rows, &w->committed))
		fake_violated(w, "%s is open without an acknowledged row", side_name(side));
}

const char *fake_audit(struct fake_world *w)
{
	if (w->side[SIDE_OLD].reg.open && w->side[SIDE_NEW].reg.open)
		fake_violated(w, "both doors are open");
	if (w->link[SIDE_OLD].enabled && w->link[SIDE_NEW].enabled)
		fake_violated(w, "both links are enabled");
	if (w->promoted & w->revoked)
		fake_violated(w, "an attempt was promoted and revoked");
	audit_side(w, SIDE_OLD);
	audit_side(w, SIDE_NEW);
	return answer(w);
}

const char *fake_audit_rest(struct fake_world *w)
{
	enum side open = w->side[SIDE_OLD].reg.open ? SIDE_OLD : SIDE_NEW;

	if (fake_audit(w))
		return answer(w);
	if (!w->side[open].reg.open)
		fake_violated(w, "at rest no door is open");
	if (w->link[open].dropped)
		return answer(w);
	if (!w->link[open].enabled)
		fake_violated(w, "at rest %s is open and its link is off", side_name(open));
	fake_settle(w);
	if (!fake_level(w))
		fake_violated(w, "at rest a row is missing on %s", side_name(side_other(open)));
	return answer(w);
}
