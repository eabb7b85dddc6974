#include "plan/edge_ref.h"

static enum ref_role role_of(enum tie_kind kind)
{
	switch (kind) {
	case EDGE_NEEDS:
		return ROLE_NEEDS;
	case EDGE_AFTER:
		return ROLE_AFTER;
	case EDGE_READS:
		return ROLE_READS;
	case EDGE_WRITES:
		return ROLE_WRITES;
	case EDGE_ORDER:
		return ROLE_FIRST;
	case EDGE_TOGETHER:
	case EDGE_ORDERS:
	case EDGE_TALKS:
	case EDGE_DEPENDS:
	case EDGE_ALL:
		break;
	}
	return ROLE_MEMBER;
}

/* An `order` line refers from itself, the others from the node that depends. */
static bool is_owner(const struct plan *p, const struct tie *edge, const void *owner)
{
	if (edge->kind == EDGE_ORDER) {
		const struct plan_order *o = owner;

		return o->then == edge->from;
	}
	if (edge->from < p->stores_count)
		return owner == &p->stores[edge->from];
	return owner == &p->services[edge->from - p->stores_count];
}

const struct ref *edge_ref(const struct checker *ck, const struct tie *edge)
{
	enum ref_role role = role_of((enum tie_kind)edge->kind);

	for (size_t i = 0; i < ck->refs_count; i++) {
		const struct ref *ref = &ck->refs[i];

		if (ref->role == role && ref->target == edge->to &&
			is_owner(ck->plan, edge, ref->owner))
			return ref;
	}
	return NULL;
}
