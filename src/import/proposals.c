#include "import/proposals.h"

#include "plan/overlap.h"

static void write_head(struct buf *out, size_t count)
{
	if (count == 0)
		buf_puts(out,
			"\n# Crossings between the environments that are meant: `airlock plan` "
			"lists all.\n# overlap:\n#   - {from: SERVICE, to: STORE, because: "
			"\"...\", at_most: 30m}\n");
	else
		buf_printf(out,
			"\n# %zu crossing%s between the environments while only a part has moved: "
			"`airlock plan` refuses each\n# until somebody declares it.  Uncomment "
			"what is meant and say why; `together` moves two in one piece.\n"
			"# overlap:\n",
			count, count == 1 ? "" : "s");
}

size_t proposals_write(const struct plan *plan, struct arena *arena, struct buf *out)
{
	struct sequence sequence;
	struct crossings crossings = {0};
	size_t written = 0;

	if (plan) {
		sequence_make(plan, arena, &sequence);
		crossings_find(&sequence, arena, &crossings);
	}
	write_head(out, crossings.accidents);
	for (size_t i = 0; i < crossings.count && written < PROPOSALS_MAX; i++) {
		const struct crossing *c = &crossings.list[i];

		if (!crossing_is_accident(c))
			continue;
		written++;
		buf_printf(out, "#   - {from: %s, to: %s, because: \"...\", at_most: 30m}  # %s\n",
			plan_node_name(plan, c->from), plan_node_name(plan, c->to),
			crossing_verbs(c));
	}
	if (written < crossings.accidents)
		buf_printf(out, "#   and %zu more\n", crossings.accidents - written);
	return crossings.accidents;
}
