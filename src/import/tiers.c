#include "import/tiers.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

static void set(struct service *s, enum plan_tier tier, struct place at, const char *why)
{
	s->tier = tier;
	s->tier_why = why;
	s->tier_at = at;
}

static bool uses(const struct service *s, enum edge_use use)
{
	for (const struct edge *e = s->edges; e; e = e->next)
		if (e->use == use && (e->store || e->server || e->unseen))
			return true;
	return false;
}

bool tiers_is_worker(const struct part *part)
{
	static const char *const words[] = {"worker", "workers", "consumer", "sidekiq", "celery",
		"queue", "resque", "horizon", "processor", "subscriber"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (int k = 0; k < 2; k++) {
			const char *text = k ? part->command : part->name;
			const char *at = strcasestr(text, words[i]);
			size_t len = strlen(words[i]);

			if (at && (at == text || !isalnum((unsigned char)at[-1])) &&
				!isalnum((unsigned char)at[len]))
				return true;
		}
	return false;
}

static void derive(struct world *w, struct service *s)
{
	const struct part *part = s->part;

	if (s->image.role == IMAGE_SUPPORT || s->image.role == IMAGE_SCHEDULER ||
		(s->image.role == IMAGE_TOOL && !part->schedule))
		set(s, TIER_SUPPORT, part->at,
			arena_printf(w->arena, "its image is for %s", s->image.word));
	else if (s->image.role == IMAGE_POOLER || (s->behind && !s->edges))
		set(s, TIER_SUPPORT, part->at, "it stands between clients and a store");
	else if (part->schedule)
		set(s, TIER_REPLAYABLE, part->schedule_at,
			arena_printf(w->arena, "it runs on a schedule: %s", part->schedule_how));
	else if (part->entries.first)
		set(s, TIER_ENTRY, part->entries.first->at, part->entries.first->name);
	else if (uses(s, EDGE_WRITES) && tiers_is_worker(part))
		set(s, TIER_REPLAYABLE, part->at, "assumed: its name or command is a worker's");
	else if (uses(s, EDGE_READS) && !uses(s, EDGE_WRITES))
		set(s, TIER_READ_ONLY, part->at, "it only reads, by what it is told");
	/* A tier that writes cannot be called read-only, nor can a tool that does. */
	ENSURE(!s->tier_why || s->tier != TIER_READ_ONLY || !uses(s, EDGE_WRITES));
}

void tiers_derive(struct world *w)
{
	for (size_t i = 0; i < w->services_count; i++)
		derive(w, w->services[i]);
}
