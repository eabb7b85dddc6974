#include "../testing.h"

#include "base/prng.h"

static void same_seed_same_sequence(void **state)
{
	struct prng a = {.state = 42}, b = {.state = 42}, c = {.state = 43};
	int differs = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		uint64_t x = prng_next(&a);

		assert_int_equal(x, prng_next(&b));
		differs += x != prng_next(&c);
	}
	assert_int_equal(differs, 100);
}

static void below_stays_below(void **state)
{
	struct prng p = {.state = 7};
	int seen[5] = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		seen[prng_below(&p, 5)]++;
	for (int i = 0; i < 5; i++)
		assert_in_range(seen[i], 120, 280);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_same_sequence),
		cmocka_unit_test(below_stays_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
