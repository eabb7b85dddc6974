#include "import/hidden.h"

#include <string.h>

#include "base/check.h"

static bool is_between(const struct part *part)
{
	static const char *const words[] = {
		"proxy", "bouncer", "pool", "tunnel", "socat", "forward", "gateway", "router"};
	const char *texts[] = {part->name, part->image ? part->image : "", part->command};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			if (strcasestr(texts[k], words[i]))
				return true;
	return false;
}

/* An image of one's own that clients come to as to a server, and that itself comes to none. */
static bool is_hidden_server(const struct world *w, const struct part *part,
	const struct connection *c, const struct connections *own)
{
	const struct service *service = w->service_of[part->number];

	if (!service || service->image.role != IMAGE_PLAIN || service->image.word || !c->engine ||
		c->engine_guessed || is_between(part))
		return false;
	for (size_t i = 0; i < own->count; i++)
		if (own->rows[i].engine && strcmp(own->rows[i].engine, c->engine) == 0)
			return false;
	return true;
}

void hidden_find(struct world *w)
{
	struct connections_asked asked = {.arena = w->arena, .is_host = world_is_host, .world = w};
	struct connections *all = arena_calloc(w->arena, w->model->parts_count + 1, sizeof *all);
	size_t kept = 0;

	for (size_t i = 0; i < w->services_count; i++)
		connections_find(&asked, w->services[i]->part, &all[w->services[i]->part->number]);
	for (size_t i = 0; i < w->services_count; i++) {
		const struct service *from = w->services[i];
		const struct connections *found = &all[from->part->number];

		for (size_t k = 0; k < found->count; k++) {
			const struct connection *c = &found->rows[k];
			const struct part *part =
				c->host ? world_find_host(w, from->part, c->host) : NULL;

			if (!part || part == from->part ||
				!is_hidden_server(w, part, c, &all[part->number]))
				continue;
			world_add_server(w, part, c->engine,
				arena_printf(w->arena, "%s comes to it as %s in %s",
					from->part->name, c->engine, c->key));
			w->service_of[part->number] = NULL;
		}
	}
	for (size_t i = 0; i < w->services_count; i++)
		if (w->service_of[w->services[i]->part->number])
			w->services[kept++] = w->services[i];
	w->services_count = kept;
}
