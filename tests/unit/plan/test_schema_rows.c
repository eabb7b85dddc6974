#include "../testing.h"

#include <string.h>

#include "plan/schema.h"

/* Every schema that can be reached, each once; there are few. */
struct schemas {
	const struct schema *list[64];
	size_t count;
};

static void collect(struct schemas *all, const struct schema *schema)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i] == schema)
			return;
	assert_true(all->count < 64);
	all->list[all->count++] = schema;
	for (size_t i = 0; i < schema->count; i++)
		if (schema->rows[i].sub)
			collect(all, schema->rows[i].sub);
	for (size_t i = 0; schema->variants && i < schema->variant_names->count; i++)
		collect(all, schema->variants[i]);
}

static void check_row(const struct schema_row *row)
{
	assert_true(strlen(row->key) > 0);
	if (row->required) {
		/* The remedy begins with the key, so that it can be copied. */
		assert_non_null(row->line);
		assert_memory_equal(row->line, row->key, strlen(row->key));
		assert_int_equal(row->line[strlen(row->key)], ':');
	}
	if (row->kind == SCHEMA_CHOICE)
		assert_non_null(row->names);
	if (row->kind == SCHEMA_MAPPING || row->kind >= SCHEMA_TABLE)
		assert_non_null(row->sub);
	if (row->kind == SCHEMA_TIME || row->kind == SCHEMA_SIZE)
		assert_in_range(row->min, 1, row->max);
}

static void rows_are_complete_and_unique(void **state)
{
	struct schemas all = {.count = 0};

	(void)state;
	collect(&all, &schema_plan);
	assert_true(all.count > 15);
	for (size_t s = 0; s < all.count; s++)
		for (size_t i = 0; i < all.list[s]->count; i++) {
			check_row(&all.list[s]->rows[i]);
			for (size_t j = 0; j < i; j++)
				assert_string_not_equal(
					all.list[s]->rows[i].key, all.list[s]->rows[j].key);
		}
}

static void nothing_dangerous_has_a_default(void **state)
{
	static const char *const keys[] = {"engine", "old", "new", "pattern", "sync", "route"};
	const struct schema *store = NULL;

	(void)state;
	for (size_t i = 0; i < schema_plan.count; i++)
		if (strcmp(schema_plan.rows[i].key, "stores") == 0)
			store = schema_plan.rows[i].sub;
	assert_non_null(store);
	for (size_t k = 0; k < 6; k++) {
		size_t found = 0;

		for (size_t i = 0; i < store->count; i++)
			if (strcmp(store->rows[i].key, keys[k]) == 0)
				found += store->rows[i].required;
		assert_int_equal(found, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete_and_unique),
		cmocka_unit_test(nothing_dangerous_has_a_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
