#include "gateway/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static void drop_names(struct setting_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free((void *)(uintptr_t)n->names[i]);
	free(n->names);
	n->names = NULL;
	n->count = 0;
}

void setting_names_fini(struct setting_names *n)
{
	drop_names(n);
	n->known = false;
}

void setting_names_forget(struct setting_names *n)
{
	n->known = false;
}

void setting_names_ask(const struct setting_names *n, struct capture_options *options)
{
	/* One that looks finds them all, so it needs none. */
	options->find = !n->known;
	options->names = n->known ? n->names : NULL;
	options->names_count = n->known ? n->count : 0;
}

static bool is_known(const struct setting_names *n, const struct session_state *state)
{
	const struct state_name *name = state->names;
	size_t i = 0;

	for (; name != NULL && i < n->count; name = name->next, i++)
		if (strcmp(name->name, n->names[i]) != 0)
			return false;
	return name == NULL && i == n->count;
}

void setting_names_learn(struct setting_names *n, const struct session_state *state)
{
	size_t count = 0;

	n->known = true;
	if (is_known(n, state))
		return;
	drop_names(n);
	n->version++;
	for (const struct state_name *name = state->names; name != NULL; name = name->next)
		count++;
	n->names = calloc(count + 1, sizeof *n->names);
	REQUIRE(n->names != NULL);
	for (const struct state_name *name = state->names; name != NULL; name = name->next) {
		n->names[n->count] = strdup(name->name);
		REQUIRE(n->names[n->count++] != NULL);
	}
	ENSURE(n->count == count);
}
