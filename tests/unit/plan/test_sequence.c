#include "fixture.h"

#include "plan/graph.h"
#include "plan/sequence.h"
#include "random_plan.h"

static void the_design_order(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  identity: {tier: support}\n"
					    "  reports: {reads: [orders]}\n"
					    "  worker: {tier: replayable, writes: [orders]}\n"
					    "  api: {writes: [orders], needs: [identity]}\n"
					    "  web: {writes: [orders], after: [api]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	static const char *const want[][3] = {
		{"identity"}, {"reports", "worker"}, {"orders"}, {"api"}, {"web"}};

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_int_equal(q.count, 5);
	for (size_t n = 0; n < q.count; n++) {
		assert_int_equal(q.waves[n].n, n + 1);
		for (size_t m = 0; m < q.waves[n].members_count; m++)
			assert_string_equal(
				plan_node_name(f.plan, q.waves[n].members[m]), want[n][m]);
	}
	assert_int_equal(q.waves[1].tier, TIER_REPLAYABLE);
	assert_int_equal(q.waves[2].decider, 0);
	assert_int_equal(q.waves[3].decider, PLAN_NONE);
}

static void a_circle_is_one_wave(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  web: {tier: entry, writes: [orders]}\n"
				   "  reports: {tier: read-only, reads: [orders], needs: [web]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_int_equal(q.count, 1);
	assert_int_equal(q.waves[0].members_count, 3);
	assert_int_equal(q.waves[0].decider, 0);
	assert_int_equal(q.waves[0].tier, TIER_ENTRY);
}

static void find_waves(const struct sequence *q, size_t nodes, size_t *wave_of)
{
	memset(wave_of, 0, nodes * sizeof *wave_of);
	for (size_t n = 0; n < q->count; n++) {
		assert_true(q->waves[n].members_count > 0);
		for (size_t m = 0; m < q->waves[n].members_count; m++) {
			/* Every node moves once. */
			assert_int_equal(wave_of[q->waves[n].members[m]], 0);
			wave_of[q->waves[n].members[m]] = n + 1;
			assert_true(q->wave_of[q->waves[n].members[m]] == n + 1);
		}
	}
	for (size_t node = 0; node < nodes; node++)
		assert_true(wave_of[node] > 0);
}

static void check_random(uint64_t seed, size_t *ret_shared)
{
	BUF_AUTO text = BUF_INIT;
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct graph g;
	size_t wave_of[32];
	uint32_t component[32];

	random_plan(seed, &text);
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));
	assert_non_null(f.plan);
	sequence_make(f.plan, &arena, &q);
	graph_make(f.plan, &arena, &g);
	find_waves(&q, g.nodes, wave_of);
	graph_components(&g, EDGE_ALL, &arena, component);
	for (size_t i = 0; i < g.count; i++) {
		size_t first = tie_first(&g.edges[i]), second = tie_second(&g.edges[i]);

		/* Never against a dependency; together only on a circle. */
		if (component[first] == component[second]) {
			assert_int_equal(wave_of[first], wave_of[second]);
			*ret_shared += 1;
		} else {
			assert_true(wave_of[first] < wave_of[second]);
		}
	}
}

static void random_plans_are_ordered(void **state)
{
	size_t shared = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 500; seed++)
		check_random(seed, &shared);
	assert_true(shared > 100);
}

static void independent_parts_share_waves(void **state)
{
	BUF_AUTO text = BUF_INIT;
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	double begin;

	(void)state;
	buf_puts(&text, HEAD "services:\n");
	for (int i = 0; i < PLAN_MEMBERS_MAX - 1; i++)
		buf_printf(&text, "  s%d: {%s: [orders]}\n", i, i % 2 ? "reads" : "writes");
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));
	assert_non_null(f.plan);
	begin = cpu_seconds();
	sequence_make(f.plan, &arena, &q);
	assert_true(cpu_seconds() - begin < 1);
	assert_int_equal(q.count, 3);
}

/* ---- against a search that knows nothing of stages, layers and packing ---- */

#define SMALL 8 /* parts that the search can take */

struct search {
	const struct sequence *q;
	bool reach[32][32]; /* by node: moves before, directly or through others */
	bool feels[32][32]; /* by node: what feels it */
	size_t piece[32];   /* by node: the first node that has to move with it */
	size_t pieces[SMALL], count;
	int stage[SMALL];
	size_t wave[SMALL], waves; /* the cutting under test */
};

static void close_over(bool reach[32][32], size_t nodes)
{
	for (size_t k = 0; k < nodes; k++)
		for (size_t i = 0; i < nodes; i++)
			for (size_t j = 0; j < nodes; j++)
				reach[i][j] |= reach[i][k] && reach[k][j];
}

static bool search_init(struct search *s, const struct sequence *q)
{
	const struct graph *g = &q->graph;

	*s = (struct search){.q = q};
	for (size_t i = 0; i < g->count; i++) {
		s->reach[tie_first(&g->edges[i])][tie_second(&g->edges[i])] = true;
		if (g->edges[i].kind & EDGE_TALKS)
			s->feels[g->edges[i].to][g->edges[i].from] = true;
	}
	for (size_t i = 0; i < g->nodes; i++)
		s->reach[i][i] = s->feels[i][i] = true;
	close_over(s->reach, g->nodes);
	close_over(s->feels, g->nodes);
	for (size_t n = 0; n < g->nodes; n++) {
		size_t first = 0;

		while (!(s->reach[first][n] && s->reach[n][first]))
			first++;
		s->piece[n] = first;
		if (first != n)
			continue;
		if (s->count == SMALL)
			return false;
		s->pieces[s->count++] = n;
	}
	/* The most stateful that it depends on, itself included. */
	for (size_t p = 0; p < s->count; p++)
		for (size_t n = 0; n < g->nodes; n++)
			if (s->reach[n][s->pieces[p]] &&
				tier_rank(node_tier(q->plan, n)) > s->stage[p])
				s->stage[p] = tier_rank(node_tier(q->plan, n));
	return true;
}

/* How many feel it when the first `count` pieces that are in this wave go wrong. */
static size_t radius_of(const struct search *s, size_t count, size_t wave)
{
	size_t radius = 0;

	for (size_t other = 0; other < s->q->graph.nodes; other++) {
		bool felt = false;

		for (size_t n = 0; n < s->q->graph.nodes && !felt; n++)
			for (size_t p = 0; p < count && !felt; p++)
				felt = s->wave[p] == wave && s->piece[n] == s->pieces[p] &&
				       s->feels[n][other];
		radius += felt;
	}
	return radius;
}

/* May piece p stand in its wave, next to those before it in the list? */
static bool is_allowed(const struct search *s, size_t p)
{
	size_t limit = (size_t)s->q->plan->limits.blast_radius, company = 0;

	for (size_t o = 0; o < p; o++) {
		bool before = s->reach[s->pieces[o]][s->pieces[p]];
		bool after = s->reach[s->pieces[p]][s->pieces[o]];

		if ((before || s->stage[o] < s->stage[p]) && s->wave[o] >= s->wave[p])
			return false;
		if ((after || s->stage[o] > s->stage[p]) && s->wave[o] <= s->wave[p])
			return false;
		company += s->wave[o] == s->wave[p];
	}
	return !limit || !company || radius_of(s, p + 1, s->wave[p]) <= limit;
}

static bool exists(struct search *s, size_t p)
{
	if (p == s->count)
		return true;
	for (s->wave[p] = 0; s->wave[p] < s->waves; s->wave[p]++)
		if (is_allowed(s, p) && exists(s, p + 1))
			return true;
	return false;
}

/* What sequence_make() made is one of the cuttings that the search allows. */
static void is_valid(struct search *s)
{
	s->waves = s->q->count;
	for (size_t p = 0; p < s->count; p++) {
		s->wave[p] = s->q->wave_of[s->pieces[p]] - 1;
		assert_true(is_allowed(s, p));
	}
}

static void no_cheaper_order_exists(void **state)
{
	size_t tried = 0, limited = 0, overridden = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1500; seed++) {
		BUF_AUTO text = BUF_INIT;
		ARENA_AUTO arena = ARENA_INIT;
		struct sequence q;
		struct search s;

		random_plan(seed, &text);
		if (seed % 3)
			buf_printf(&text, "limits: {blast_radius: %d}\n", (int)(1 + seed % 7));
		if (seed % 4 == 0)
			random_overrides(seed, &text);
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));
		if (!f.plan)
			continue; /* an override that contradicts the plan */
		sequence_make(f.plan, &arena, &q);
		if (!search_init(&s, &q))
			continue;
		is_valid(&s);
		assert_int_equal(q.least, q.count);
		s.waves = q.count - 1;
		if (exists(&s, 0))
			fail_msg("seed %d: fewer than %zu waves will do", (int)seed, q.count);
		tried++;
		limited += seed % 3 != 0 && s.count > 4;
		overridden += f.plan->orders_count > 0;
	}
	/* Otherwise the loop above proved little. */
	assert_true(tried > 500);
	assert_true(limited > 100);
	assert_true(overridden > 25);
}

/* ---- large ones ---- */

/* The same lines in another order; a section's lines begin with two spaces. */
static void shuffle_sections(uint64_t seed, const struct buf *text, struct buf *out)
{
	struct prng prng = {seed};
	char *copy = strdup(buf_str(text)), *lines[64];
	size_t count = 0, begin = 0;

	for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"))
		lines[count++] = line;
	for (size_t i = 0; i <= count; i++) {
		if (i < count && lines[i][0] == ' ')
			continue;
		for (size_t k = i - 1; i > begin + 1 && k > begin; k--) {
			size_t with = begin + prng_below(&prng, k - begin + 1);
			char *line = lines[k];

			lines[k] = lines[with];
			lines[with] = line;
		}
		begin = i + 1;
	}
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s\n", lines[i]);
	free(copy);
}

static void the_order_of_lines_changes_nothing(void **state)
{
	size_t moved = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		BUF_AUTO text = BUF_INIT;
		BUF_AUTO other = BUF_INIT;
		ARENA_AUTO arena = ARENA_INIT;
		struct sequence a, b;

		random_plan(seed, &text);
		buf_printf(&text, "limits: {blast_radius: %d}\n", (int)(1 + seed % 5));
		shuffle_sections(seed, &text, &other);
		moved += strcmp(buf_str(&text), buf_str(&other)) != 0;
		FIXTURE_AUTO one = fixture_parse(buf_str(&text));
		FIXTURE_AUTO two = fixture_parse(buf_str(&other));
		assert_string_equal(one.plan->hash, two.plan->hash);
		sequence_make(one.plan, &arena, &a);
		sequence_make(two.plan, &arena, &b);
		assert_int_equal(a.count, b.count);
		assert_memory_equal(a.wave_of, b.wave_of, a.graph.nodes * sizeof *a.wave_of);
	}
	assert_true(moved > 100);
}

/* Too many parts to look at all cuttings: still within the rules, and not below its own bound. */
static void a_large_plan_is_packed_within_its_limit(void **state)
{
	BUF_AUTO text = BUF_INIT;
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	size_t radius[64] = {0};

	(void)state;
	buf_puts(&text, HEAD "services:\n");
	for (int i = 0; i < 100; i++)
		buf_printf(&text, "  s%d: {tier: entry%s}\n", i,
			i % 4 == 3 ? arena_printf(&arena, ", needs: [s%d]", i - 1) : "");
	buf_puts(&text, "limits: {blast_radius: 10}\n");
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));
	assert_non_null(f.plan);
	sequence_make(f.plan, &arena, &q);
	/* The store, and 100 services that 10 at a time feel. */
	assert_in_range(q.count, 11, 14);
	assert_int_equal(q.least, 11);
	for (size_t n = 0; n < q.graph.nodes; n++)
		radius[q.wave_of[n]] += 1;
	for (size_t w = 1; w <= q.count; w++)
		assert_in_range(radius[w], 1, 10);
	for (size_t i = 0; i < q.graph.count; i++)
		assert_true(q.wave_of[tie_first(&q.graph.edges[i])] <
			    q.wave_of[tie_second(&q.graph.edges[i])]);
}

/* A wave carries as many stores as the engine can; more go into the next one. */
static void forty_stores_are_three_waves(void **state)
{
	BUF_AUTO text = BUF_INIT;
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	(void)state;
	buf_puts(&text, "airlock: 1\nname: many\nroutes: {direct: {kind: none}}\nstores:\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&text,
			"  s%02d: {engine: postgresql, old: \"host=a%d dbname=d\", new: \"host=b%d "
			"dbname=d\", pattern: replica-promotion, sync: logical, route: direct}\n",
			i, i, i);
	buf_puts(&text, "services: {w: {writes: [s00]}}\n");
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));
	assert_non_null(f.plan);
	sequence_make(f.plan, &arena, &q);
	assert_int_equal(q.count, 4);
	assert_int_equal(q.least, 4);
	for (size_t n = 0; n < 3; n++)
		assert_in_range(q.waves[n].members_count, 1, SEQUENCE_STORES_MAX);
	assert_int_equal(q.wave_of[0], 3); /* it has a writer: the others are lighter */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_design_order),
		cmocka_unit_test(a_circle_is_one_wave),
		cmocka_unit_test(random_plans_are_ordered),
		cmocka_unit_test(independent_parts_share_waves),
		cmocka_unit_test(no_cheaper_order_exists),
		cmocka_unit_test(the_order_of_lines_changes_nothing),
		cmocka_unit_test(a_large_plan_is_packed_within_its_limit),
		cmocka_unit_test(forty_stores_are_three_waves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
