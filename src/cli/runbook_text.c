#include "cli/runbook_text.h"

#include "cli/out.h"
#include "cli/wrap.h"

#define INDENT 9 /* " 12. [ ] " */

static void heading(const struct runbook *book, size_t i, struct buf *out)
{
	size_t wave = book->steps[i].wave;

	if (i > 0 && book->steps[i - 1].wave == wave)
		return;
	if (wave > 0)
		buf_printf(out, "\nWave %zu\n", wave);
	else
		buf_puts(out, i == 0 ? "\nBefore\n" : "\nAfter\n");
}

static void add_step(
	const struct runbook_step *s, size_t number, struct arena *arena, struct buf *out)
{
	buf_printf(out, "%3zu. [ ] ", number);
	wrap_text(out,
		arena_printf(arena, "%s%s: %s", s->who, s->decision ? " DECIDES" : "", s->what),
		INDENT, INDENT);
	if (s->command[0]) {
		buf_printf(out, "%*s$ ", INDENT, "");
		out_safe(out, s->command);
		buf_putc(out, '\n');
	}
	wrap_text(out, arena_printf(arena, "undo: %s", s->undo), 0, INDENT);
}

void runbook_text(const struct runbook *book, struct arena *arena, struct buf *out)
{
	wrap_text(out,
		arena_printf(arena,
			"Runbook of %s, plan %.12s: %zu steps, %zu of them decisions of people",
			book->plan->name, book->plan->hash, book->count, book->decisions),
		0, 0);
	for (size_t i = 0; i < book->count; i++) {
		heading(book, i, out);
		add_step(&book->steps[i], i + 1, arena, out);
	}
	buf_putc(out, '\n');
	wrap_text(out,
		"Whatever ends in the middle: `airlock resume` reads the registers and finishes or "
		"undoes it.",
		0, 0);
}
