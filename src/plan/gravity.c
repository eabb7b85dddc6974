#include "plan/gravity.h"

#include <math.h>

#include "base/check.h"

#define MEGABYTE (1 << 20)
#define PER_STRANGER 2

void gravity_store_init(struct gravity_store *ret)
{
	*ret = (struct gravity_store){
		.measured_at_ms = GRAVITY_UNKNOWN,
		.watched_ms = GRAVITY_UNKNOWN,
		.bytes = GRAVITY_UNKNOWN,
		.rows_written_s = GRAVITY_UNKNOWN,
		.xacts_s = GRAVITY_UNKNOWN,
		.writers = GRAVITY_UNKNOWN,
		.writers_declared = GRAVITY_UNKNOWN,
	};
}

/* Factors of ten beyond `unit`. */
static double tens(double value, double unit)
{
	if (value < 0)
		return GRAVITY_UNKNOWN;
	return value <= unit ? 0 : log10(value / unit);
}

static double beyond_first(double writers)
{
	return writers <= 1 ? 0 : writers - 1;
}

static void add_part(struct gravity *g, double part)
{
	if (part < 0)
		g->complete = false;
	else
		g->sum += part;
}

struct gravity gravity_of(const struct gravity_store *seen, size_t declared_writers)
{
	struct gravity g = {.size = GRAVITY_UNKNOWN,
		.rate = GRAVITY_UNKNOWN,
		.writers = beyond_first((double)declared_writers),
		.strangers = GRAVITY_UNKNOWN,
		.complete = true};

	if (seen) {
		g.size = tens((double)seen->bytes, MEGABYTE);
		g.rate = tens(seen->rows_written_s, 1);
		/* Who was not seen in one look may write all the same. */
		if (seen->writers > (int64_t)declared_writers)
			g.writers = beyond_first((double)seen->writers);
		if (seen->writers >= 0 && seen->writers_declared >= 0)
			g.strangers = PER_STRANGER *
				      fmax(0, (double)(seen->writers - seen->writers_declared));
	}
	add_part(&g, g.size);
	add_part(&g, g.rate);
	add_part(&g, g.writers);
	add_part(&g, g.strangers);
	return g;
}

size_t gravity_declared_writers(const struct plan *plan, size_t store)
{
	size_t count = 0;

	REQUIRE(store < plan->stores_count);
	for (size_t i = 0; i < plan->services_count; i++)
		for (size_t w = 0; w < plan->services[i].writes_count; w++)
			count += plan->services[i].writes[w] == store;
	return count;
}

const struct gravity_store *gravity_seen(const struct gravity_book *book, size_t store)
{
	if (!book || !book->stores || book->stores[store].measured_at_ms < 0)
		return NULL;
	return &book->stores[store];
}

const struct gravity_edge *gravity_edge_seen(
	const struct gravity_book *book, size_t from, size_t to)
{
	for (size_t i = 0; book && i < book->edges_count; i++)
		if (book->edges[i].from == from && book->edges[i].to == to)
			return &book->edges[i];
	return NULL;
}

double gravity_edge_cost_ms(const struct gravity_edge *edge)
{
	if (!edge || edge->calls_s < 0 || edge->round_trip_added_ms < 0)
		return GRAVITY_UNKNOWN;
	return edge->calls_s * edge->round_trip_added_ms;
}
