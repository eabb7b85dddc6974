#include "gateway/pace.h"

#include "base/check.h"

void pace_begin(struct pace *p, size_t least)
{
	REQUIRE(least > 0);
	*p = (struct pace){.least = least < PACE_MAX ? least : PACE_MAX};
	p->room = p->least;
}

size_t pace_room(const struct pace *p)
{
	return p->room;
}

void pace_done(struct pace *p, bool was_parked, int64_t us)
{
	int64_t *best = &p->best_us[was_parked];

	if (*best == 0 || us < *best)
		*best = us;
	if (us <= 2 * *best)
		p->room += p->room < PACE_MAX;
	else
		p->room -= p->room > p->least;
}
