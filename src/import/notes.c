#include "import/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/text.h"

void notes_init(struct notes *notes, struct arena *arena)
{
	*notes = (struct notes){.arena = arena};
	notes->seen = node_new(arena, NODE_MAP, (struct place){0});
}

void place_print(struct place at, struct buf *out)
{
	if (!at.file)
		return;
	text_visible(at.file, strlen(at.file), out);
	if (at.address) {
		buf_puts(out, ": ");
		text_visible(at.address, strlen(at.address), out);
	} else if (at.line > 0) {
		buf_printf(out, ":%d", at.line);
	}
}

static const char *compose_text(struct notes *notes, const char *fmt, va_list args)
{
	BUF_AUTO shown = BUF_INIT;
	char text[1024];

	vsnprintf(text, sizeof text, fmt, args);
	text_trim(text);
	text_visible(text, strlen(text), &shown);
	return arena_strdup(notes->arena, buf_str(&shown));
}

static bool is_new(struct notes *notes, struct place at, const char *text)
{
	BUF_AUTO key = BUF_INIT;

	place_print(at, &key);
	buf_puts(&key, "\n");
	buf_puts(&key, text);
	if (node_entry(notes->seen, buf_str(&key)))
		return false;
	node_put(notes->arena, notes->seen, arena_strdup(notes->arena, buf_str(&key)), at, NULL);
	return true;
}

void notes_add(struct notes *notes, enum note_kind kind, struct place at, const char *fmt, ...)
{
	const char *text;
	va_list args;

	REQUIRE(kind < NOTE_KINDS);
	if (notes->count == NOTES_MAX) {
		notes->total[kind]++;
		return;
	}
	va_start(args, fmt);
	text = compose_text(notes, fmt, args);
	va_end(args);
	if (!is_new(notes, at, text))
		return;
	notes->total[kind]++;
	notes->rows = arena_grow(
		notes->arena, notes->rows, notes->count, &notes->cap, sizeof *notes->rows);
	notes->rows[notes->count++] = (struct note){kind, at, text};
}

static int compare(const void *a, const void *b)
{
	const struct note *one = a, *two = b;
	int order;

	if (!one->at.file || !two->at.file)
		order = !!one->at.file - !!two->at.file;
	else
		order = strcmp(one->at.file, two->at.file);
	if (!order && one->at.line != two->at.line)
		order = one->at.line < two->at.line ? -1 : 1;
	if (!order && one->at.address && two->at.address)
		order = strcmp(one->at.address, two->at.address);
	return order ? order : strcmp(one->text, two->text);
}

void notes_sort(struct notes *notes)
{
	if (notes->count)
		qsort(notes->rows, notes->count, sizeof *notes->rows, compare);
}

const char *note_kind_name(enum note_kind kind)
{
	static const char *const names[] = {"error", "not-understood", "assumed", "left-out"};

	REQUIRE(kind < NOTE_KINDS);
	return names[kind];
}
