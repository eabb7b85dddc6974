#include "gateway/hold.h"

#include <stdlib.h>

#include "base/check.h"

struct hold {
	struct gateway *gateway;
};

struct hold *hold_new(struct gateway *gateway)
{
	struct hold *h = calloc(1, sizeof *h);

	ENSURE(h != NULL);
	h->gateway = gateway;
	return h;
}

void hold_stop(struct hold *h)
{
	(void)h;
}

void hold_free(struct hold *h)
{
	free(h);
}

bool hold_stops(const struct hold *h)
{
	(void)h;
	return false;
}

bool hold_lets_go(struct hold *h, struct session *s)
{
	(void)h;
	(void)s;
	return true;
}

void hold_news(struct hold *h)
{
	(void)h;
}
