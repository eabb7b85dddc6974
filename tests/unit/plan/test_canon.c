#include "fixture.h"

#include "random_plan.h"

static const char one[] =
	"airlock: 1\nname: shop\n"
	"budgets: {stall: 1s, window: 2000ms, lag: 1MB}\n"
	"stores:\n" ORDERS
	"  billing:\n    engine: postgresql\n    old: host=c dbname=b\n    new: host=d dbname=b\n"
	"    pattern: replica-promotion\n    sync: logical\n    route: direct\n    needs: [web, "
	"api]\n"
	"services:\n  web: {reads: [orders, billing], match: [{user: u}, {user: v}]}\n"
	"  api: {needs: []}\n"
	"routes:\n  direct: {kind: none}\n"
	"overlap:\n  - {from: web, to: orders, because: x, at_most: 1h}\n"
	"  - {from: web, to: billing, because: y, at_most: 60s}\n"
	"gates: {clock: {max_skew: 1s}}\n";

/* The same, with keys and lists in another order, other units, quotes, layout, URI, a default
 * written out, a default left out, a tier written out. */
static const char two[] =
	"# a comment\nroutes: {\"direct\": {'kind': none}}\n"
	"gates:\n  clock:\n    max_skew: 1000ms\n"
	"overlap:\n- at_most: 1m\n  because: 'y'\n  to: billing\n  from: web\n"
	"- {because: x, at_most: 60m, to: orders, from: web}\n"
	"services:\n  api: {tier: support}\n"
	"  web: {tier: read-only, match: [{user: v}, {user: u}], reads: [billing, orders]}\n"
	"stores:\n  billing: {route: direct, sync: logical, needs: [api, web], pattern: "
	"replica-promotion, new: 'postgresql://d/b', old: \"dbname=b  host='c'\", engine: "
	"postgresql}\n" ORDERS
	"budgets: {lag: 1024kB, attempts: 5, sync_age: 336h}\nname: \"shop\"\nairlock: 1\n";

static void layout_means_nothing(void **state)
{
	FIXTURE_AUTO f = fixture_parse(one);
	FIXTURE_AUTO g = fixture_parse(two);

	(void)state;
	assert_non_null(f.plan);
	assert_non_null(g.plan);
	assert_string_equal(f.plan->canonical, g.plan->canonical);
	assert_string_equal(f.plan->hash, g.plan->hash);
	assert_int_equal(strlen(f.plan->hash), 64);
}

static void lists_of_an_overlap_are_its_pairs(void **state)
{
#define CALLS                                                                                      \
	HEAD "services:\n  a: {writes: [orders], needs: [c]}\n  b: {writes: [orders], needs: "     \
	     "[c]}\n  c: {}\n"
	FIXTURE_AUTO f = fixture_parse(
		CALLS "overlap:\n  - {from: [b, a], to: [orders, c], because: x, at_most: 1m}\n");
	FIXTURE_AUTO g =
		fixture_parse(CALLS "overlap:\n  - {from: a, to: c, because: x, at_most: 60s}\n"
				    "  - {from: a, to: [orders], because: x, at_most: 1m}\n"
				    "  - {from: b, to: orders, because: x, at_most: 1m}\n"
				    "  - {from: [b], to: c, because: x, at_most: 1m}\n");

	(void)state;
	assert_non_null(f.plan);
	assert_non_null(g.plan);
	assert_int_equal(f.plan->overlaps_count, 4);
	assert_string_equal(f.plan->hash, g.plan->hash);
}

#define THROUGH(carry)                                                                             \
	"airlock: 1\nname: shop\nstores:\n" ORDERS                                                 \
	"routes:\n  direct: {kind: gateway, listen: \"x:1\", control: /run/x, register_user: "     \
	"g" carry "}\n"

static void a_policy_that_is_the_default_means_nothing_said(void **state)
{
	FIXTURE_AUTO silent = fixture_parse(THROUGH(""));
	FIXTURE_AUTO said = fixture_parse(THROUGH(
		", carry: {temp_tables: block, listen: tell, lastval: tell, transactions: wait}"));
	FIXTURE_AUTO other = fixture_parse(THROUGH(", carry: {listen: block}"));

	(void)state;
	assert_string_equal(silent.plan->hash, said.plan->hash);
	assert_string_not_equal(silent.plan->hash, other.plan->hash);
}

static void hash_of(const char *text, char ret[PLAN_HASH_BYTES])
{
	FIXTURE_AUTO f = fixture_parse(text);

	assert_non_null(f.plan);
	memcpy(ret, f.plan->hash, PLAN_HASH_BYTES);
}

static void replaced(const char *from, const char *to, char ret[PLAN_HASH_BYTES])
{
	BUF_AUTO text = BUF_INIT;
	const char *at = strstr(one, from);

	assert_non_null(at);
	buf_add(&text, one, (size_t)(at - one));
	buf_puts(&text, to);
	buf_puts(&text, at + strlen(from));
	hash_of(buf_str(&text), ret);
}

static void every_meaning_counts(void **state)
{
	static const char *const changes[][2] = {
		{"name: shop", "name: shoq"},
		{"stall: 1s", "stall: 999ms"},
		{"lag: 1MB", "lag: 1MB, rollback_lag: 6s"},
		{"host=c dbname=b", "host=c dbname=b user=x"},
		{"needs: [web, api]", "needs: [web]"},
		{"needs: []", "after: [web]"},
		{"{user: u}, {user: v}", "{user: u, address: v}"},
		{"reads: [orders, billing]", "reads: [orders, billing], writes: [orders]"},
		{"because: x", "because: z"},
		{"at_most: 1h", "at_most: 2h"},
		{"max_skew: 1s", "max_skew: 2s"},
		{"gates: {clock: {max_skew: 1s}}", "confidence: {lag_below: 1MB}"},
		{"{kind: none}", "{kind: none}\n  other: {kind: none}"},
	};
	char hashes[1 + sizeof changes / sizeof *changes][PLAN_HASH_BYTES];
	size_t count = sizeof changes / sizeof *changes;

	(void)state;
	hash_of(one, hashes[count]);
	for (size_t i = 0; i < count; i++) {
		replaced(changes[i][0], changes[i][1], hashes[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hashes[i], hashes[j]);
		assert_string_not_equal(hashes[i], hashes[count]);
	}
}

/* Lines of a section in another order: the text differs, the meaning does not. */
static void shuffle_lines(const char *text, struct prng *prng, struct buf *out)
{
	const char *lines[64];
	size_t count = 0, head;

	for (const char *at = text; *at; at = strchr(at, '\n') + 1)
		lines[count++] = at;
	/* The first four lines are the head, the last of which opens `stores:`. */
	head = 4;
	for (size_t i = 0; i < head; i++)
		buf_add(out, lines[i], (size_t)(strchr(lines[i], '\n') + 1 - lines[i]));
	for (size_t from = head; from < count;) {
		size_t to = from;

		while (to < count && lines[to][0] == ' ')
			to++;
		for (size_t i = to; i > from + 1; i--) {
			size_t j = from + (size_t)prng_below(prng, i - from);
			const char *swap = lines[j];

			lines[j] = lines[i - 1];
			lines[i - 1] = swap;
		}
		for (; from < to || (from == to && from < count); from++)
			buf_add(out, lines[from],
				(size_t)(strchr(lines[from], '\n') + 1 - lines[from]));
	}
}

static void shuffled_plans_hash_alike(void **state)
{
	struct prng prng = {99};
	size_t different = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		BUF_AUTO text = BUF_INIT;
		BUF_AUTO shuffled = BUF_INIT;
		char a[PLAN_HASH_BYTES], b[PLAN_HASH_BYTES];

		random_plan(seed, &text);
		shuffle_lines(buf_str(&text), &prng, &shuffled);
		assert_int_equal(text.len, shuffled.len);
		different += strcmp(buf_str(&text), buf_str(&shuffled)) != 0;
		hash_of(buf_str(&text), a);
		hash_of(buf_str(&shuffled), b);
		assert_string_equal(a, b);
	}
	assert_true(different > 200);
}

static void nothing_can_be_smuggled_between_lines(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services: {w: {match: {user: \"a\\\" address:\\\"b\\nname=x\"}}}\n");

	(void)state;
	assert_contains(
		f.plan->canonical, "services.w.match=user:\"a\\\" address:\\\"b\\nname=x\" \n");
}

static void an_early_reader_changes_the_plan(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services: {r: {tier: read-only, reads: [orders]}}\n");
	FIXTURE_AUTO g = fixture_parse(
		HEAD "services: {r: {tier: read-only, reads: [orders], early_reader: x}}\n");

	(void)state;
	assert_non_null(f.plan);
	assert_non_null(g.plan);
	assert_null(strstr(f.plan->canonical, "early"));
	assert_contains(g.plan->canonical, "services.r.early_reader");
	assert_string_not_equal(f.plan->hash, g.plan->hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_early_reader_changes_the_plan),
		cmocka_unit_test(layout_means_nothing),
		cmocka_unit_test(lists_of_an_overlap_are_its_pairs),
		cmocka_unit_test(a_policy_that_is_the_default_means_nothing_said),
		cmocka_unit_test(every_meaning_counts),
		cmocka_unit_test(shuffled_plans_hash_alike),
		cmocka_unit_test(nothing_can_be_smuggled_between_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
