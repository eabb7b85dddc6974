#include "plan/refuse.h"

#include "base/check.h"
#include "plan/edge_ref.h"
#include "plan/refusal.h"

struct refusing {
	struct checker *ck;
	const struct yaml_tree *root;
};

struct place {
	struct span at;
	const char *path;
};

static const struct yaml_tree *get(const struct yaml_tree *node, const char *key)
{
	return node ? yaml_tree_get(node, key) : NULL;
}

/* Where the edge is written. */
static bool edge_place(const struct refusing *r, const struct tie *edge, struct place *ret)
{
	const struct ref *ref = edge ? edge_ref(r->ck, edge) : NULL;

	if (!ref)
		return false;
	*ret = (struct place){ref->at, ref->path};
	return true;
}

/* The value of a key of a node, else the node's name. */
static struct place node_place(const struct refusing *r, size_t node, const char *key)
{
	const char *table = node < r->ck->plan->stores_count ? "stores" : "services";
	const char *name = plan_node_name(r->ck->plan, node);
	const struct yaml_tree *all = get(r->root, table);
	const struct yaml_tree *value = key ? get(get(all, name), key) : NULL;
	const struct yaml_tree *at = value ? value : yaml_tree_key(all, name);

	ENSURE(at != NULL);
	return (struct place){at->at, arena_printf(r->ck->scratch, "%s.%s%s%s", table, name,
					      value ? "." : "", value ? key : "")};
}

static struct place limit_place(const struct refusing *r)
{
	const struct yaml_tree *value = get(get(r->root, "limits"), "blast_radius");

	ENSURE(value != NULL); /* without it nothing is too large */
	return (struct place){value->at, "limits.blast_radius"};
}

static void add(void *arg, const struct refusal *refusal)
{
	struct refusing *r = arg;
	struct place place;

	if (problems_full(r->ck->ps)) { /* counted, and no place looked for */
		problems_add(r->ck->ps, &(struct problem){.id = refusal->id,
						.severity = PROBLEM_REFUSAL,
						.message = refusal->message});
		return;
	}
	if (!edge_place(r, refusal->edge, &place))
		place = refusal->node == PLAN_NONE ? limit_place(r)
						   : node_place(r, refusal->node, refusal->key);
	source_report(r->ck->src, r->ck->ps, refusal->id, PROBLEM_REFUSAL, place.at, refusal->help,
		"%s: %s", place.path, refusal->message);
}

void refuse_check(struct checker *ck, const struct yaml_tree *root)
{
	struct refusing r = {.ck = ck, .root = root};
	struct sequence q;

	sequence_make(ck->plan, ck->scratch, &q);
	refusals_find(&q, ck->scratch, add, &r);
}
