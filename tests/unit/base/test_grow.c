#include "../testing.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/grow.h"

static void it_keeps_what_it_has(void **state)
{
	size_t *array = NULL, cap = 0, moves = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		size_t before = cap;

		array = grow(array, i, &cap, sizeof *array);
		moves += cap != before;
		assert_true(cap > i);
		array[i] = i * i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_true(array[i] == i * i);
	assert_in_range(moves, 2, 10); /* by doubling, not one by one */
	free(array);
}

static void where_there_is_room_nothing_moves(void **state)
{
	size_t cap = 0;
	char *array = grow(NULL, 0, &cap, 1), *same;

	(void)state;
	same = grow(array, cap - 1, &cap, 1);
	assert_ptr_equal(same, array);
	free(array);
}

/* What cannot be multiplied must not become a small array. */
static void what_overflows_aborts(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0) {
		size_t cap = SIZE_MAX / 4;

		fclose(stderr);
		grow(NULL, cap, &cap, 64);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_keeps_what_it_has),
		cmocka_unit_test(where_there_is_room_nothing_moves),
		cmocka_unit_test(what_overflows_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
