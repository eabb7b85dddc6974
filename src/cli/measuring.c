#include "cli/measuring.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "cli/gateways_view.h"
#include "cli/measured.h"
#include "cli/wrap.h"

#define PAUSE_MS 25
#define INDENT 11

int measuring_begin(struct fleet *fleet, size_t store, enum side side, const struct writers *w,
	int64_t deadline_ms, struct measuring *ret, struct err *err)
{
	*ret = (struct measuring){.store = store, .side = side, .looks_before = w->looks};
	gravity_store_init(&ret->seen);
	return measure_counters(fleet->stores[store], side, deadline_ms, &ret->first, err);
}

static void count_writers(const struct plan *plan, const struct writers *w, struct measuring *m)
{
	m->seen.writers = m->seen.writers_declared = 0;
	for (size_t i = 0; i < w->count; i++) {
		const struct writer *row = &w->rows[i];

		if (row->wrote_s == 0 || strcmp(row->store, plan->stores[m->store].name) != 0)
			continue;
		m->seen.writers++;
		m->seen.writers_declared += !writer_is_undeclared(plan, m->store, row, 0);
	}
}

static struct gravity_edge *edge_of(struct measuring *m, size_t from)
{
	for (size_t i = 0; i < m->edges_count; i++)
		if (m->edges[i].from == from)
			return &m->edges[i];
	m->edges[m->edges_count] = (struct gravity_edge){.from = from,
		.to = m->store,
		.measured_at_ms = m->seen.measured_at_ms,
		.round_trip_added_ms = measure_added_at_most(&m->distance)};
	return &m->edges[m->edges_count++];
}

static struct writer writer_of(const struct measure_caller *c, enum side side)
{
	struct writer who = {.side = side, .gateway.untold = c->untold};

	snprintf(who.user, sizeof who.user, "%s", c->user);
	snprintf(who.application, sizeof who.application, "%s", c->application);
	snprintf(who.address, sizeof who.address, "%s", c->address);
	return who;
}

/* Whoever may have asked did so nobody knows how often. */
static void take_untold(
	const struct plan *plan, const struct measure_caller *c, struct measuring *m)
{
	const struct writer who = writer_of(c, m->side);
	bool anybody = false;

	if (!c->untold || writer_service_surely(plan, m->store, &who) != NULL)
		return;
	for (size_t i = 0; i < plan->services_count; i++) {
		if (!writer_may_be(&plan->services[i], m->store, &who))
			continue;
		edge_of(m, plan->stores_count + i)->calls_s = GRAVITY_UNKNOWN;
		anybody = true;
	}
	if (anybody)
		m->untold_s += c->calls_s;
}

/* What was asked by whom, for the services of the plan that account for it. */
static void take_callers(
	const struct plan *plan, const struct measure_callers *callers, struct measuring *m)
{
	for (size_t i = 0; i < callers->count; i++) {
		const struct measure_caller *c = &callers->rows[i];
		const struct writer who = writer_of(c, m->side);
		const struct plan_service *service = writer_service_surely(plan, m->store, &who);

		if (service != NULL)
			edge_of(m, plan->stores_count + (size_t)(service - plan->services))
				->calls_s += c->calls_s;
	}
	for (size_t i = 0; i < callers->count; i++)
		take_untold(plan, &callers->rows[i], m);
	/* What the server hides is not nothing. */
	m->untold_s = callers->blind ? GRAVITY_UNKNOWN : m->untold_s;
	for (size_t i = 0; callers->blind && i < m->edges_count; i++)
		m->edges[i].calls_s = GRAVITY_UNKNOWN;
}

/* Silence in one of the two watches is silence. */
static void take_gateway(const struct plan *plan, const struct writers *w,
	const struct measure_callers *callers, struct measuring *m)
{
	const struct writers_gateway *earlier = writers_gateway_of(w, plan->stores[m->store].name);

	m->gateway = callers->gateway;
	if (earlier != NULL && earlier->silent)
		m->gateway = *earlier;
}

static int keep(struct cmd_ctx *ctx, const struct measuring *m, struct err *err)
{
	if (measured_keep_store(ctx, m->store, &m->seen, err))
		return -1;
	for (size_t i = 0; i < m->edges_count; i++)
		if (measured_keep_edge(ctx, &m->edges[i], err))
			return -1;
	return 0;
}

int measuring_end(struct cmd_ctx *ctx, struct fleet *fleet, const struct writers *w,
	int64_t watch_ms, int64_t deadline_ms, struct measuring *m, struct err *err)
{
	struct store_pg *store = fleet->stores[m->store];
	MEASURE_CALLERS_AUTO callers = {.count = 0};
	struct measure_counters last;
	struct timespec now;

	if (measure_counters(store, m->side, deadline_ms, &last, err))
		return -1;
	measure_rates(&m->first, &last, w->looks - m->looks_before, &m->seen);
	measure_distance(store, m->side, deadline_ms, &m->distance);
	if (measure_calls(store, fleet->routes[m->store], m->side, watch_ms, PAUSE_MS, deadline_ms,
		    &callers, err))
		return -1;
	measure_calls_raise(&callers, m->seen.xacts_s);
	ENSURE(clock_gettime(CLOCK_REALTIME, &now) == 0);
	m->seen.measured_at_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	m->cost_us = callers.cost_us;
	m->edges = arena_calloc(
		&ctx->arena, ctx->plan->services_count + 1, sizeof(struct gravity_edge));
	count_writers(ctx->plan, w, m);
	take_callers(ctx->plan, &callers, m);
	take_gateway(ctx->plan, w, &callers, m);
	return keep(ctx, m, err);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void number_text(struct buf *out, const char *format, double value)
{
	if (value < 0)
		buf_puts(out, "unknown");
	else
		buf_printf(out, format, value);
}

static void distance_text(struct buf *out, const struct measure_distance *d)
{
	buf_puts(out, "round trip from here: old ");
	number_text(out, "%.2f ms", d->here[SIDE_OLD]);
	buf_puts(out, ", new ");
	number_text(out, "%.2f ms", d->here[SIDE_NEW]);
	buf_puts(out, "; between them at most ");
	number_text(out, "%.2f ms", measure_added_at_most(d));
	buf_puts(out, ", at least ");
	number_text(out, "%.2f ms", measure_added_at_least(d));
}

/* Why some calls are unknown. */
static void gateway_text_of(struct out *out, const struct plan *plan, const struct measuring *m)
{
	const char *store = plan->stores[m->store].name;
	BUF_AUTO why = BUF_INIT;
	BUF_AUTO text = BUF_INIT;

	if (!m->gateway.silent)
		return;
	buf_printf(&why,
		"%s: who comes through gateway %s cannot be told apart, so services that the plan "
		"knows by address ask it nobody knows how often",
		store, m->gateway.route);
	if (m->untold_s > 0)
		buf_printf(&why, " (one or another of them about %.1f times/s)", m->untold_s);
	buf_printf(&why, ": %s", m->gateway.why);
	buf_printf(&text, "%-*s", INDENT, "NOT SEEN");
	wrap_text(&text, buf_str(&why), INDENT, INDENT);
	out_text(out, &text);
}

void measuring_text(struct out *out, const struct plan *plan, const struct measuring *m)
{
	const struct gravity_store *s = &m->seen;
	BUF_AUTO rates = BUF_INIT;
	BUF_AUTO distance = BUF_INIT;

	number_text(&rates, "%.1f rows written/s", s->rows_written_s);
	buf_puts(&rates, ", ");
	number_text(&rates, "%.1f transactions/s", s->xacts_s);
	out_data(out,
		"measured   %s %s: %.1f MB, %s, %" PRId64 " kinds of writer seen (%" PRId64
		" declared), in %.1f s\n",
		plan->stores[m->store].name, side_name(m->side), (double)s->bytes / (1 << 20),
		buf_str(&rates), s->writers, s->writers_declared, (double)s->watched_ms / 1000);
	distance_text(&distance, &m->distance);
	out_data(out, "           %s\n", buf_str(&distance));
	for (size_t i = 0; i < m->edges_count; i++) {
		BUF_AUTO calls = BUF_INIT;

		number_text(&calls, "about %.1f times/s", m->edges[i].calls_s);
		out_data(out, "           %s asks %s %s\n", plan_node_name(plan, m->edges[i].from),
			plan->stores[m->store].name, buf_str(&calls));
	}
	gateway_text_of(out, plan, m);
}

static json_t *known(double value)
{
	return value < 0 ? json_null() : json_real(value);
}

json_t *measuring_json(const struct plan *plan, const struct measuring *m)
{
	const struct gravity_store *s = &m->seen;
	json_t *edges = json_array();

	for (size_t i = 0; i < m->edges_count; i++)
		json_array_append_new(edges,
			json_pack("{s:s, s:o, s:o}", "from", plan_node_name(plan, m->edges[i].from),
				"calls_s", known(m->edges[i].calls_s), "round_trip_added_ms",
				known(m->edges[i].round_trip_added_ms)));
	return json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:{s:o, s:o, s:o, s:o, s:o}, "
		"s:o, s:o, s:o, s:I}",
		"store", plan->stores[m->store].name, "side", side_name(m->side), "measured_at_ms",
		(json_int_t)s->measured_at_ms, "watched_ms", (json_int_t)s->watched_ms, "bytes",
		(json_int_t)s->bytes, "rows_written_s", known(s->rows_written_s), "xacts_s",
		known(s->xacts_s), "writers", (json_int_t)s->writers, "writers_declared",
		(json_int_t)s->writers_declared, "round_trip_ms", "old",
		known(m->distance.here[SIDE_OLD]), "new", known(m->distance.here[SIDE_NEW]), "link",
		known(m->distance.link), "between_at_most",
		known(measure_added_at_most(&m->distance)), "between_at_least",
		known(measure_added_at_least(&m->distance)), "edges", edges, "calls_untold_s",
		known(m->untold_s), "gateway",
		m->gateway.route[0] ? gateway_json(&m->gateway) : json_null(), "cost_us",
		(json_int_t)m->cost_us);
}
