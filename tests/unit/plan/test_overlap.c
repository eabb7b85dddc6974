#include "fixture.h"

#include "plan/overlap.h"
#include "random_sequence.h"

static void pairs_are_listed_once_and_told_apart(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  reports: {reads: [orders]}\n"
				   "  web: {writes: [orders], reads: [orders]}\n"
				   "  edge: {tier: entry, needs: [web]}\n  lone: {tier: support}\n"
				   "overlap: [{from: web, to: orders, because: x, at_most: 1m}]\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct crossings c;

	(void)state;
	/* lone | reports | orders | web | edge */
	sequence_make(f.plan, &arena, &q);
	crossings_find(&q, &arena, &c);
	assert_int_equal(q.count, 5);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.accidents, 2);
	assert_string_equal(plan_node_name(f.plan, c.list[0].from), "reports");
	assert_int_equal(c.list[0].begin, 2);
	assert_int_equal(c.list[0].end, 3);
	assert_int_equal(c.list[0].overlap, CROSSING_ACCIDENT);
	assert_string_equal(plan_node_name(f.plan, c.list[1].from), "web");
	assert_string_equal(crossing_verbs(&c.list[1]), "reads and writes");
	assert_int_equal(c.list[1].overlap, 0);
	assert_string_equal(crossing_verbs(&c.list[2]), "needs");
	assert_int_equal(c.open[0], 0);
	assert_int_equal(c.open[1], 1);
	assert_int_equal(c.open[2], 1);
	assert_int_equal(c.open_accidents[2], 0);
	assert_int_equal(c.open_accidents[3], 1);
	assert_int_equal(c.open[4], 0);
}

/* An entry of the other way round permits the same pair. */
static void a_permit_holds_both_ways(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  web: {writes: [orders]}\noverlap:\n"
				   "  - {from: orders, to: web, because: x, at_most: 1m}\n"
				   "  - {from: web, to: orders, because: y, at_most: 2m}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct crossings c;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	crossings_find(&q, &arena, &c);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.list[0].overlap, 0); /* the first that fits */
	assert_int_equal(c.accidents, 0);
}

/* After wave n, a crossing has one end among waves 1..n and the other beyond, and the counts are
 * those of the list. */
static void check_crossings(const struct sequence *q, struct arena *arena, size_t *seen)
{
	struct crossings c;

	crossings_find(q, arena, &c);
	for (size_t n = 1; n <= q->count; n++) {
		size_t open = 0;

		for (size_t i = 0; i < c.count; i++) {
			const struct crossing *row = &c.list[i];
			bool from = q->wave_of[row->from] <= n, to = q->wave_of[row->to] <= n;

			assert_int_equal(crossing_is_open(row, n), from != to);
			open += from != to;
		}
		assert_int_equal(c.open[n - 1], open);
		assert_int_equal(c.open_accidents[n - 1], open);
		*seen += open;
	}
}

static void crossings_cross(void **state)
{
	size_t seen = 0;

	(void)state;
	each_random_sequence(200, check_crossings, &seen);
	assert_true(seen > 500);
}

/* Who reads new early crosses by intent; who only could, by accident. */
static void an_early_reader_needs_no_permit(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD
		"services:\n  reports: {tier: read-only, reads: [orders], early_reader: reporting}\n"
		"  audit: {tier: read-only, reads: [orders]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct crossings c;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	crossings_find(&q, &arena, &c);
	assert_int_equal(q.count, 2);
	assert_int_equal(c.count, 2);
	assert_string_equal(plan_node_name(f.plan, c.list[0].from), "audit");
	assert_false(c.list[0].early);
	assert_true(c.list[1].early);
	assert_false(crossing_is_accident(&c.list[1]));
	assert_int_equal(c.accidents, 1);
	assert_int_equal(c.open[0], 2);
	assert_int_equal(c.open_accidents[0], 1);
	assert_string_equal(plan_early_reader(f.plan, 0, 0), "reporting");
	assert_null(plan_early_reader(f.plan, 0, 1));
}

static bool only_reads(const struct plan_service *s)
{
	return s->reads_count && !s->writes_count;
}

/* Every reader an early one, whatever its tier: the waves stay, and a crossing is early exactly
 * where a reader moves before a store that it has nothing else to do with. */
static void early_crossings_are_exactly_those_of_readers_that_move_first(void **state)
{
	size_t early = 0, late = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		BUF_AUTO text = BUF_INIT;
		ARENA_AUTO arena = ARENA_INIT;
		struct sequence before, q;
		struct crossings c;
		size_t accidents = 0;

		random_plan(seed, &text);
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));
		sequence_make(f.plan, &arena, &before);
		for (size_t i = 0; i < f.plan->services_count; i++)
			if (only_reads(&f.plan->services[i]))
				f.plan->services[i].early_reader = "reporting";
		sequence_make(f.plan, &arena, &q);
		for (size_t n = 0; n < q.graph.nodes; n++)
			assert_int_equal(q.wave_of[n], before.wave_of[n]);
		crossings_find(&q, &arena, &c);
		for (size_t i = 0; i < c.count; i++) {
			const struct crossing *row = &c.list[i];
			const struct plan_service *s = node_service(f.plan, row->from);
			bool first = q.wave_of[row->from] < q.wave_of[row->to];
			bool reader = s && only_reads(s) && row->to < f.plan->stores_count &&
				      row->kinds == EDGE_READS;

			assert_int_equal(row->early, reader && first);
			early += row->early;
			late += reader && !first;
			accidents += !row->early;
		}
		assert_int_equal(c.accidents, accidents);
	}
	assert_true(early > 30);
	assert_true(late > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_listed_once_and_told_apart),
		cmocka_unit_test(a_permit_holds_both_ways),
		cmocka_unit_test(crossings_cross),
		cmocka_unit_test(an_early_reader_needs_no_permit),
		cmocka_unit_test(early_crossings_are_exactly_those_of_readers_that_move_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
