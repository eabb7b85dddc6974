/* fixture.h - one arena and its notes, and YAML as trees, for the tests of import. */
#ifndef AIRLOCK_TESTS_IMPORT_FIXTURE_H
#define AIRLOCK_TESTS_IMPORT_FIXTURE_H

#include "../testing.h"

#include <string.h>

#include "base/check.h"
#include "import/reader.h"

struct fixture {
	struct arena arena;
	struct notes notes;
	struct reader reader;
};

static inline void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	notes_init(&f->notes, &f->arena);
	f->reader = (struct reader){.arena = &f->arena, .notes = &f->notes};
}

static inline void fixture_fini(struct fixture *f)
{
	arena_fini(&f->arena);
}

#define FIXTURE __attribute__((cleanup(fixture_fini))) struct fixture

/* The documents of a text. */
static inline struct node *fixture_yaml(struct fixture *f, const char *text)
{
	return reader_yaml(&f->reader, "t.yaml", text, strlen(text), NULL);
}

static inline bool fixture_noted(const struct fixture *f, const char *words)
{
	for (size_t i = 0; i < f->notes.count; i++)
		if (strstr(f->notes.rows[i].text, words))
			return true;
	return false;
}

#endif
