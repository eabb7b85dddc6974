#include "../testing.h"

#include "base/buf.h"
#include "plan/available.h"
#include "plan/names.h"

static void this_version_has_the_first_path(void **state)
{
	(void)state;
	assert_true(available("stores.*.engine", "postgresql"));
	assert_true(available("stores.*.sync", "logical"));
	assert_true(available("stores.*.pattern", "replica-promotion"));
	assert_true(available("routes.*.kind", "none"));
	assert_false(available("stores.*.engine", "redis"));
	assert_true(available("services.*.move", NULL));
	assert_false(available("services.*.route", NULL));
	assert_true(available("services.*.reads", NULL));
	/* A row about a value says nothing about the key. */
	assert_true(available("stores.*.engine", NULL));
}

static void every_choice_has_a_row(void **state)
{
	static const struct {
		const char *where;
		const struct names *names;
	} keys[] = {
		{"stores.*.engine", &names_engine},
		{"stores.*.pattern", &names_pattern},
		{"stores.*.sync", &names_sync},
		{"routes.*.kind", &names_route_kind},
	};

	(void)state;
	for (size_t k = 0; k < 4; k++)
		for (size_t i = 0; i < keys[k].names->count; i++)
			assert_true(available_listed(keys[k].where, keys[k].names->words[i]));
	for (size_t i = 0; i < names_gate.count; i++) {
		BUF_AUTO where = BUF_INIT;

		buf_printf(&where, "gates.%s", names_gate.words[i]);
		assert_true(available_listed(buf_str(&where), NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_version_has_the_first_path),
		cmocka_unit_test(every_choice_has_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
