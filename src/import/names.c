#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "import/world.h"
#include "plan/text.h"

/* Letters, digits, - and _; "_" for anything else; begins with a letter or digit. */
static const char *mangle(struct arena *arena, const char *wanted, size_t max)
{
	char name[TEXT_NAME_MAX + 1];
	size_t len = 0;

	while (*wanted && !isalnum((unsigned char)*wanted))
		wanted++;
	for (; *wanted && len < max; wanted++) {
		bool good = isalnum((unsigned char)*wanted) || *wanted == '-' || *wanted == '_';

		/* A character of several bytes becomes one sign. */
		if (good || ((unsigned char)*wanted & 0xc0) != 0x80)
			name[len++] = good ? *wanted : *wanted == '.' ? '-' : '_';
	}
	while (len && !isalnum((unsigned char)name[len - 1]))
		len--;
	name[len] = '\0';
	return len ? arena_strdup(arena, name) : "unnamed";
}

static const char *numbered(struct world *w, const char *name)
{
	for (unsigned n = 2;; n++) {
		const char *other = arena_printf(w->arena, "%.*s-%u", TEXT_NAME_MAX - 8, name, n);

		if (!node_entry(w->names, other))
			return other;
	}
}

const char *world_name(struct world *w, const char *wanted, const char *scope, struct place at)
{
	const char *name = mangle(w->arena, wanted, TEXT_NAME_MAX);
	bool taken = node_entry(w->names, name) != NULL;

	/* YAML would read it as nothing. */
	if (strcasecmp(name, "null") == 0)
		name = "null-service";
	if (taken && *scope)
		name = mangle(
			w->arena, arena_printf(w->arena, "%s-%s", name, scope), TEXT_NAME_MAX);
	if (node_entry(w->names, name))
		name = numbered(w, name);
	if (taken)
		notes_add(w->notes, NOTE_ASSUMED, at,
			"%.80s is called %s in the plan: the name is taken", wanted, name);
	else if (strcmp(name, wanted) != 0)
		notes_add(
			w->notes, NOTE_ASSUMED, at, "%.80s is called %s in the plan", wanted, name);
	ENSURE(text_is_name(name));
	node_put(w->arena, w->names, name, at, NULL);
	return name;
}
