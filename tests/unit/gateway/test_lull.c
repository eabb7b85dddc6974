/* When a hold begins: the rule by itself, on made-up crowds. */
#include "../testing.h"

#include "gateway/lull.h"

#define MS 1000

static struct lull begun(void)
{
	struct lull l;

	lull_begin(&l, 0, 100 * MS);
	return l;
}

static void nobody_at_work_is_now(void **state)
{
	struct lull l = begun();

	(void)state;
	assert_true(lull_is_now(&l, 0, 0));
	assert_false(lull_is_now(&l, 1 * MS, 1));
	assert_true(lull_is_now(&l, 2 * MS, 0));
}

static void at_first_it_only_looks(void **state)
{
	struct lull l = begun();

	(void)state;
	for (int ms = 1; ms < 36; ms++)
		assert_false(lull_is_now(&l, ms * MS, ms == 20 ? 2 : 9));
	assert_false(lull_is_now(&l, 40 * MS, 3));
	assert_true(lull_is_now(&l, 41 * MS, 2));
}

static void fewer_than_ever_is_now(void **state)
{
	struct lull l = begun();

	(void)state;
	assert_false(lull_is_now(&l, 10 * MS, 5));
	assert_false(lull_is_now(&l, 40 * MS, 6));
	assert_true(lull_is_now(&l, 50 * MS, 4));
}

static void the_end_of_the_time_is_now(void **state)
{
	struct lull l = begun();

	(void)state;
	assert_false(lull_is_now(&l, 1 * MS, 1));
	assert_false(lull_is_now(&l, 99 * MS, 1000));
	assert_true(lull_is_now(&l, 100 * MS, 1000));
}

/* One dip to 1, then 8 and 3 in turn: 3 is not as good, and as good as it gets. */
static void as_time_runs_out_it_takes_what_there_is(void **state)
{
	struct lull l = begun();
	int ms = 1;

	(void)state;
	assert_false(lull_is_now(&l, 0, 1));
	while (!lull_is_now(&l, ms * MS, ms % 2 ? 8 : 3))
		ms++;
	assert_true(ms > 60 && ms < 97);
	assert_int_equal(ms % 2, 0);
}

/* Sessions begin a transaction at random and need 2 to 12 ms for it. */
struct crowd {
	uint32_t seed;
	int left[16];
};

static uint32_t draw(struct crowd *c, uint32_t below)
{
	c->seed = c->seed * 1664525u + 1013904223u;
	return (c->seed >> 8) % below;
}

static size_t tick(struct crowd *c)
{
	size_t at_work = 0;

	for (int i = 0; i < 16; i++) {
		if (c->left[i] > 0)
			c->left[i]--;
		else if (draw(c, 10) == 0)
			c->left[i] = 2 + (int)draw(c, 11);
		at_work += c->left[i] > 0;
	}
	return at_work;
}

static void it_finds_fewer_at_work_than_there_usually_are(void **state)
{
	struct crowd crowd = {.seed = 7};
	size_t usual = 0, ticks = 0, chosen = 0;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct lull l = begun();
		size_t at_work = tick(&crowd);

		for (int64_t ms = 0; !lull_is_now(&l, ms * MS, at_work); ms++) {
			usual += at_work;
			ticks++;
			at_work = tick(&crowd);
		}
		chosen += at_work;
	}
	/* By the means over 200 rounds, both times ten. */
	assert_true(usual * 10 / ticks > 55 && usual * 10 / ticks < 75);
	assert_true(chosen * 10 / 200 < 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_at_work_is_now),
		cmocka_unit_test(at_first_it_only_looks),
		cmocka_unit_test(fewer_than_ever_is_now),
		cmocka_unit_test(the_end_of_the_time_is_now),
		cmocka_unit_test(as_time_runs_out_it_takes_what_there_is),
		cmocka_unit_test(it_finds_fewer_at_work_than_there_usually_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
