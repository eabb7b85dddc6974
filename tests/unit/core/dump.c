#include "dump.h"

#include "core/table.h"

static const char *const order_names[] = {
	[ORDER_ALL] = "all",
	[ORDER_FIRST] = "decider first",
	[ORDER_LAST] = "decider last",
	[ORDER_BESIDE] = "together, awaited at the end of the phase",
	[ORDER_DECIDER] = "decider",
	[ORDER_OTHERS] = "others",
};

static void dump_edges(struct buf *out)
{
	for (int p = 0; p < PHASE_COUNT; p++) {
		for (int s = 0; s < SIGNAL_COUNT; s++) {
			struct edge edge = table_edge((enum phase)p, (enum signal)s);

			if (edge.kind == EDGE_ILLEGAL)
				continue;
			buf_printf(out, "%s %s %s %s: %s\n", phase_name((enum phase)p),
				signal_name((enum signal)s), edge.kind == EDGE_MOVE ? "->" : "--",
				phase_name(edge.next), edge.sentence);
		}
	}
}

void dump_table(struct buf *out)
{
	dump_edges(out);
	for (int p = 0; p < PHASE_COUNT; p++) {
		size_t count;
		const struct step *step = table_steps((enum phase)p, &count);

		for (size_t i = 0; i < count; i++)
			buf_printf(out, "%s group %u: %s (%s)\n", phase_name((enum phase)p),
				step[i].group, verb_word(step[i].verb), order_names[step[i].order]);
	}
}

static void document_phases(struct buf *out)
{
	buf_puts(out,
		"| phase | what it means | clients held | commit point |\n|---|---|---|---|\n");
	for (int p = 0; p < PHASE_COUNT; p++) {
		int flags = phase_flags((enum phase)p);

		buf_printf(out, "| %s | %s | %s | %s |\n", phase_name((enum phase)p),
			phase_sentence((enum phase)p), flags & PHASE_HOLDS ? "yes" : "",
			flags & PHASE_BEFORE  ? "before"
			: flags & PHASE_AFTER ? "after"
					      : "");
	}
}

/* All signals that lead from one phase to another share one arrow. */
static void document_arrow(struct buf *out, enum phase from, enum phase to)
{
	const char *sep = "";

	for (int s = 0; s < SIGNAL_COUNT; s++) {
		struct edge edge = table_edge(from, (enum signal)s);

		if (edge.kind != EDGE_MOVE || edge.next != to)
			continue;
		if (!*sep)
			buf_printf(out, "    %s --> %s: ", phase_name(from), phase_name(to));
		buf_printf(out, "%s%s", sep, signal_name((enum signal)s));
		sep = ", ";
	}
	if (*sep)
		buf_putc(out, '\n');
}

static void document_diagram(struct buf *out)
{
	buf_puts(out, "```mermaid\nstateDiagram-v2\n    [*] --> IDLE\n");
	for (int from = 0; from < PHASE_COUNT; from++)
		for (int to = 0; to < PHASE_COUNT; to++)
			document_arrow(out, (enum phase)from, (enum phase)to);
	for (int p = 0; p < PHASE_COUNT; p++)
		if (phase_flags((enum phase)p) & PHASE_ENDS)
			buf_printf(out, "    %s --> [*]\n", phase_name((enum phase)p));
	buf_puts(out, "```\n");
}

static void document_steps(struct buf *out)
{
	buf_puts(out, "| phase | group | step | which stores | undo |\n|---|---|---|---|---|\n");
	for (int p = 0; p < PHASE_COUNT; p++) {
		size_t count;
		const struct step *step = table_steps((enum phase)p, &count);

		for (size_t i = 0; i < count; i++)
			buf_printf(out, "| %s | %u | %s | %s | %s |\n", phase_name((enum phase)p),
				step[i].group, verb_word(step[i].verb), order_names[step[i].order],
				verb_undo(step[i].verb));
	}
}

void dump_document(struct buf *out)
{
	buf_puts(out, "# The cutover machine\n\n"
		      "Generated from the tables in `src/core/*.def`; the unit test `test_table` "
		      "keeps it equal to them.\n\n## Phases\n\n");
	document_phases(out);
	buf_puts(out, "\n## Edges\n\nSignals that stay in their phase are left out.\n\n");
	document_diagram(out);
	buf_puts(out, "\n## Signals\n\n| signal | what it means |\n|---|---|\n");
	for (int s = 0; s < SIGNAL_COUNT; s++)
		buf_printf(out, "| %s | %s |\n", signal_name((enum signal)s),
			signal_sentence((enum signal)s));
	buf_puts(out, "\n## Steps\n\n");
	document_steps(out);
}
