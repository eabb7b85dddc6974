#include "gateway/lull.h"

#include "base/check.h"

#define LOOKS_PER_MILLE 368 /* 1/e */

void lull_begin(struct lull *l, int64_t now_us, int64_t patience_us)
{
	REQUIRE(patience_us > 0);
	*l = (struct lull){.began_us = now_us,
		.patience_us = patience_us,
		.seen_us = now_us,
		.fewest = SIZE_MAX};
}

static void see(struct lull *l, int64_t now_us, size_t at_work)
{
	l->work_us += (now_us - l->seen_us) * (int64_t)l->at_work;
	l->seen_us = now_us;
	l->at_work = at_work;
}

/* What is few enough, from the fewest to the usual as time runs out: (part of the time)^4. */
static size_t few_enough(const struct lull *l, int64_t per_mille)
{
	int64_t usual = l->work_us / (l->seen_us - l->began_us);
	int64_t part = per_mille * per_mille / 1000;
	int64_t more = (usual - (int64_t)l->fewest) * (part * part / 1000) / 1000;

	return l->fewest + (size_t)(more > 0 ? more : 0);
}

bool lull_is_now(struct lull *l, int64_t now_us, size_t at_work)
{
	int64_t per_mille = (now_us - l->began_us) * 1000 / l->patience_us;

	see(l, now_us, at_work);
	if (at_work == 0 || per_mille >= 1000)
		return true;
	if (at_work < l->fewest)
		l->fewest = at_work;
	return per_mille >= LOOKS_PER_MILLE && at_work <= few_enough(l, per_mille);
}
