#include "fixture.h"

#include <stdio.h>

static void merge_keys_give_way_to_what_stands_there(void **state)
{
	FIXTURE f;
	const struct node *c;

	(void)state;
	fixture_init(&f);
	c = node_item(fixture_yaml(&f, "a: &a {x: 1, y: 1}\n"
				       "b: &b {y: 2, z: 2}\n"
				       "c:\n"
				       "  x: own\n"
				       "  <<: [*a, *b]\n"
				       "d:\n"
				       "  <<: *b\n"
				       "  z: own\n"
				       "\"<<\": a quoted key is no merge\n"),
		0);
	assert_string_equal(node_at(c, "c", "x", NULL)->text, "own");
	assert_string_equal(node_at(c, "c", "y", NULL)->text, "1"); /* earlier before later */
	assert_string_equal(node_at(c, "c", "z", NULL)->text, "2");
	assert_string_equal(node_at(c, "d", "z", NULL)->text, "own");
	assert_int_equal(node_at(c, "c", "z", NULL)->at.line, 2);
	assert_non_null(node_get(c, "<<"));
	assert_int_equal(f.notes.count, 0);
}

static void a_merge_of_no_mapping_is_told(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	fixture_yaml(&f, "a: &a [1]\nb:\n  <<: *a\n");
	assert_true(fixture_noted(&f, "mappings only"));
}

/* A document that is broken takes no other with it, and lines go on counting. */
static void documents_are_read_one_by_one(void **state)
{
	FIXTURE f;
	const struct node *all;

	(void)state;
	fixture_init(&f);
	all = fixture_yaml(&f, "\xef\xbb\xbf# head\n"
			       "a: 1\n"
			       "---\n"
			       "broken: [\n"
			       "---\n"
			       "# nothing\n"
			       "---\n"
			       "text: |\n"
			       "  --- inside\n"
			       "c: 3\n"
			       "--- \n"
			       "d: 4\n");
	assert_int_equal(node_items(all), 3);
	assert_string_equal(node_get_text(node_item(all, 0), "a"), "1");
	assert_string_equal(node_get_text(node_item(all, 1), "text"), "--- inside\n");
	assert_int_equal(node_get(node_item(all, 1), "c")->at.line, 10);
	assert_int_equal(node_get(node_item(all, 2), "d")->at.line, 12);
	assert_int_equal(f.notes.total[NOTE_ERROR], 1);
}

static void directives_belong_to_the_document_behind_them(void **state)
{
	FIXTURE f;
	const struct node *all;

	(void)state;
	fixture_init(&f);
	all = fixture_yaml(&f, "%YAML 1.1\n---\na: 1\n---\nb: 2\n");
	assert_int_equal(node_items(all), 2);
	assert_int_equal(f.notes.count, 0);
}

static void tags_of_overlays_are_kept(void **state)
{
	FIXTURE f;
	const struct node *c;

	(void)state;
	fixture_init(&f);
	c = node_item(fixture_yaml(&f, "a: !reset []\nb: !override {x: 1}\nc: !other 1\n"), 0);
	assert_int_equal(node_get(c, "a")->tag, NODE_TAG_RESET);
	assert_int_equal(node_get(c, "b")->tag, NODE_TAG_OVERRIDE);
	assert_int_equal(node_get(c, "c")->tag, NODE_TAG_NONE);
	assert_int_equal(f.notes.count, 0);
}

static void a_template_is_told_for_what_it_is(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	fixture_yaml(&f, "a: {{ .Values.x }}: y\n");
	assert_true(fixture_noted(&f, "template"));
}

static void a_large_map_is_found_by_its_index(void **state)
{
	FIXTURE f;
	struct node *map;
	char key[32];

	(void)state;
	fixture_init(&f);
	map = node_new(&f.arena, NODE_MAP, (struct place){0});
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "key%d", i);
		node_put(&f.arena, map, arena_strdup(&f.arena, key), (struct place){0},
			node_text(&f.arena, arena_strdup(&f.arena, key), (struct place){0}));
	}
	node_remove(map, "key2500");
	assert_int_equal(map->count, 4999);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "key%d", i);
		if (i == 2500)
			assert_null(node_get(map, key));
		else
			assert_string_equal(node_get_text(map, key), key);
	}
}

static void only_files_are_read(void **state)
{
	FIXTURE f;
	struct err err = ERR_INIT;
	const char *text;
	size_t len;

	(void)state;
	fixture_init(&f);
	assert_int_equal(reader_file(&f.reader, "/dev/zero", &text, &len, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(reader_file(&f.reader, "/nonexistent", &text, &len, &err), -1);
	assert_int_equal(reader_file(&f.reader, "/tmp", &text, &len, &err), -1);
}

static void paths_are_seen_from_where_they_are_written(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	assert_string_equal(reader_dir(&f.arena, "a/b/c.yaml"), "a/b");
	assert_string_equal(reader_dir(&f.arena, "c.yaml"), ".");
	assert_string_equal(reader_dir(&f.arena, "/c.yaml"), "/");
	assert_string_equal(reader_in(&f.arena, "a", "./x.env"), "a/x.env");
	assert_string_equal(reader_in(&f.arena, ".", "./x.env"), "x.env");
	assert_string_equal(reader_in(&f.arena, "/", "x.env"), "/x.env");
	assert_string_equal(reader_in(&f.arena, "a", "/x.env"), "/x.env");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_keys_give_way_to_what_stands_there),
		cmocka_unit_test(a_merge_of_no_mapping_is_told),
		cmocka_unit_test(documents_are_read_one_by_one),
		cmocka_unit_test(directives_belong_to_the_document_behind_them),
		cmocka_unit_test(tags_of_overlays_are_kept),
		cmocka_unit_test(a_template_is_told_for_what_it_is),
		cmocka_unit_test(a_large_map_is_found_by_its_index),
		cmocka_unit_test(only_files_are_read),
		cmocka_unit_test(paths_are_seen_from_where_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
