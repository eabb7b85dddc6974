/*
 * test_hazards_table DOCUMENT: the rows are complete, and docs/hazards.md is what they say.
 * AIRLOCK_WRITE_GOLDEN=1 rewrites the document.
 */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/postgres/hazards.h"
#include "store/postgres/versions.h"

#define OLDEST 13
#define NEWEST 17

static const char *document_path;

static void rows_are_complete(void **state)
{
	(void)state;
	for (int id = 0; id < HAZARD_COUNT; id++) {
		const struct hazard *h = hazard_get((enum hazard_id)id);

		assert_int_equal(h->id, id);
		assert_memory_equal(h->name, "H-", 2);
		assert_ptr_equal(hazard_explain(h->name), h);
		assert_true(strlen(h->title) > 5 && strlen(h->why) > 30 && strlen(h->remedy) > 10);
		assert_int_not_equal(h->title[strlen(h->title) - 1], '.');
		assert_int_equal(h->why[strlen(h->why) - 1], '.');
	}
	assert_null(hazard_explain("H-NOTHING"));
}

/* A refusal that could not be looked for must not pass as clean, unless the row says why not. */
static void what_refuses_is_not_passed_over(void **state)
{
	(void)state;
	for (int id = 0; id < HAZARD_COUNT; id++) {
		const struct hazard *h = hazard_get((enum hazard_id)id);

		if (h->severity == HAZARD_REFUSE && h->rights != HAZARD_SUPERUSER)
			assert_true(h->blind_refuses);
		if (h->severity != HAZARD_REFUSE)
			assert_false(h->blind_refuses);
	}
}

static void every_version_has_its_statement(void **state)
{
	(void)state;
	for (int id = 0; id < HAZARD_COUNT; id++) {
		size_t versions = 0;

		for (int major = 9; major <= NEWEST + 1; major++)
			versions += hazard_sql((enum hazard_id)id, major * 10000 + 4) != NULL;
		assert_int_not_equal(versions, 0);
		if (id == HAZARD_VERSION || id == HAZARD_VERSION_NEW ||
			id == HAZARD_COLLATION_STALE)
			continue;
		for (int major = OLDEST; major <= NEWEST; major++)
			assert_non_null(hazard_sql((enum hazard_id)id, major * 10000));
	}
	assert_non_null(hazard_sql(HAZARD_VERSION, 120000));
	assert_null(hazard_sql(HAZARD_VERSION, 130000));
	assert_null(hazard_sql(HAZARD_VERSION_NEW, 170009));
	assert_non_null(hazard_sql(HAZARD_VERSION_NEW, 180000));
}

/* Parameters are whole, and no statement writes. */
static void statements_only_read(void **state)
{
	static const char *const verbs[] = {"insert into", "update ", "delete from", "alter ",
		"create ", "drop ", "set_config", "setval", "select pg_terminate"};

	(void)state;
	for (int id = 0; id < HAZARD_COUNT; id++) {
		const char *sql = hazard_sql((enum hazard_id)id, 150000);
		size_t marks = 0;

		if (sql == NULL)
			continue;
		for (const char *p = sql; *p != '\0'; p++)
			marks += *p == '@';
		assert_int_equal(marks % 2, 0);
		for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++)
			assert_null(strstr(sql, verbs[v]));
	}
}

static void versions_are_in_range(void **state)
{
	(void)state;
	for (int i = 0; i < VERSION_COUNT; i++) {
		const struct version_row *row = version_get((enum version_feature)i);

		assert_in_range(row->since, OLDEST, NEWEST);
		assert_true(version_has(row->since * 10000, (enum version_feature)i));
		assert_false(version_has(row->since * 10000 - 1, (enum version_feature)i));
	}
}

static void read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "r");
	char chunk[4096];
	size_t n;

	assert_non_null(file);
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		buf_add(out, chunk, n);
	assert_int_equal(fclose(file), 0);
}

static void the_document_is_the_table(void **state)
{
	BUF_AUTO want = BUF_INIT;
	BUF_AUTO have = BUF_INIT;

	(void)state;
	hazards_markdown(&want);
	if (getenv("AIRLOCK_WRITE_GOLDEN")) {
		FILE *file = fopen(document_path, "w");

		assert_non_null(file);
		assert_int_equal(fwrite(want.data, 1, want.len, file), want.len);
		assert_int_equal(fclose(file), 0);
	}
	read_file(document_path, &have);
	if (strcmp(buf_str(&want), buf_str(&have)) != 0)
		fail_msg("%s is not what hazards.def says: run with AIRLOCK_WRITE_GOLDEN=1",
			document_path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(what_refuses_is_not_passed_over),
		cmocka_unit_test(every_version_has_its_statement),
		cmocka_unit_test(statements_only_read),
		cmocka_unit_test(versions_are_in_range),
		cmocka_unit_test(the_document_is_the_table),
	};

	if (argc != 2)
		return 2;
	document_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
