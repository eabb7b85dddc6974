#include "../testing.h"

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"

static void zeroed_aligned_and_distinct(void **state)
{
	ARENA_AUTO a = ARENA_INIT;
	char *last = NULL;

	(void)state;
	for (size_t size = 1; size < 40000; size = size * 3 + 1) {
		char *p = arena_alloc(&a, size);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		assert_ptr_not_equal(p, last);
		last = p;
	}
}

static void strings(void **state)
{
	ARENA_AUTO a = ARENA_INIT;

	(void)state;
	assert_string_equal(arena_printf(&a, "%s-%d", "dc", 2), "dc-2");
	assert_string_equal(arena_strndup(&a, "orders", 3), "ord");
	assert_string_equal(arena_strdup(&a, ""), "");
}

static void an_array_grows_and_keeps_what_it_has(void **state)
{
	ARENA_AUTO a = ARENA_INIT;
	size_t cap = 0, moved = 0;
	int *array = NULL;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		int *before = array;

		array = arena_grow(&a, array, i, &cap, sizeof *array);
		assert_true(cap > i);
		moved += array != before;
		array[i] = (int)i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(array[i], i);
	assert_true(moved < 12); /* it doubles */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_aligned_and_distinct),
		cmocka_unit_test(an_array_grows_and_keeps_what_it_has),
		cmocka_unit_test(strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
