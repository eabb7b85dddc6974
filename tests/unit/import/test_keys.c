/* test_keys.c - keys that nobody knows are told, each once, and those that are free are not. */
#include "fixture.h"

#include "import/compose_keys.h"
#include "import/keys.h"

enum { FREE = KEYS_FREE, TOP, PART };

static const struct key_row rows[] = {
	{NULL, false, TOP},
	{"parts", true, PART},
	{"labels", false, FREE},
	{NULL, false, PART},
	{"name", true, FREE},
	{"more", false, TOP},
};
static const struct key_table table = {rows, ARRAY_LEN(rows), "x-"};

static void check_text(struct fixture *f, const char *text)
{
	const struct node *documents = fixture_yaml(f, text);
	struct keys keys;

	keys_init(&keys, &f->notes, &table);
	for (size_t i = 0; i < documents->count; i++)
		keys_check(&keys, TOP, "t.", documents->items[i]);
	keys_tell(&keys);
	notes_sort(&f->notes);
}

static void assert_note(const struct fixture *f, size_t i, int line, const char *text)
{
	assert_true(i < f->notes.count);
	assert_int_equal(f->notes.rows[i].kind, NOTE_UNKNOWN);
	assert_int_equal(f->notes.rows[i].at.line, line);
	assert_string_equal(f->notes.rows[i].text, text);
}

static void what_is_known_or_free_is_not_told(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	check_text(&f, "labels: {any: {thing: 1}}\n"
		       "x-own: {any: 1}\n"
		       "parts: [text, null, [[{any: 1}]], {name: {any: 1}, more: {labels: 1}}]\n");
	assert_int_equal(f.notes.count, 0);
}

static void each_key_is_told_with_its_path_and_line(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	check_text(&f, "label: 1\n"
		       "parts:\n"
		       "  - name: a\n"
		       "    x-own: 1\n"
		       "    more: {parts: {nam: 1}}\n"
		       "    nam: 1\n");
	assert_int_equal(f.notes.count, 3);
	assert_note(&f, 0, 1, "t.label");
	assert_note(&f, 1, 5, "t.parts.more.parts.nam");
	assert_note(&f, 2, 6, "t.parts.nam");
}

static void what_repeats_is_counted(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	check_text(&f, "parts:\n"
		       "  - &a {nam: 1, more: {parts: {nam: 1}}}\n"
		       "  - {nam: 2}\n"
		       "  - *a\n");
	assert_int_equal(f.notes.count, 1); /* the inner one stands in the same line */
	assert_note(&f, 0, 2, "t.parts.nam (5 times)");
}

static void many_of_a_kind_are_told_a_few_times(void **state)
{
	BUF_AUTO text = BUF_INIT;
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	buf_puts(&text, "more: 1\nparts: {more: {parts: ");
	for (int i = 0; i < KEYS_EACH + 2; i++)
		buf_puts(&text, "{nam: 1, more: {parts:\n ");
	buf_puts(&text, "1");
	for (int i = 0; i < KEYS_EACH + 2; i++)
		buf_puts(&text, "}}");
	buf_puts(&text, "}}\n");
	check_text(&f, buf_str(&text));
	assert_int_equal(f.notes.count, 1 + KEYS_EACH);
	assert_note(&f, 0, 1, "t.more");
	assert_non_null(strstr(f.notes.rows[KEYS_EACH].text, "nam, and in 2 more places"));
	assert_null(strstr(f.notes.rows[KEYS_EACH - 1].text, "more places"));
}

/* A list's "password=..." that became a key: what is behind the sign is nobody's to read. */
static void a_value_in_a_key_is_not_told(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	check_text(&f, "password=s3cr3t: 1\n\"url:s3cr3t\": 1\n");
	assert_int_equal(f.notes.count, 2);
	assert_note(&f, 0, 1, "t.password...");
	assert_note(&f, 1, 2, "t.url...");
}

/* Items that share one large mapping: there is an end, and it is told. */
static void shared_trees_are_not_walked_for_ever(void **state)
{
	FIXTURE f;
	struct keys keys;
	struct node *map, *list, *top;

	(void)state;
	fixture_init(&f);
	map = node_new(&f.arena, NODE_MAP, (struct place){.file = "t.yaml", .line = 7});
	for (int i = 0; i < 1000; i++)
		node_put(&f.arena, map, arena_printf(&f.arena, "k%d", i), map->at, map);
	list = node_new(&f.arena, NODE_LIST, map->at);
	for (int i = 0; i < 100000; i++)
		node_append(&f.arena, list, map);
	top = node_new(&f.arena, NODE_MAP, map->at);
	node_put(&f.arena, top, "parts", map->at, list);
	keys_init(&keys, &f.notes, &table);
	keys_check(&keys, TOP, "", top);
	keys_tell(&keys);
	assert_int_equal(keys.count, 1000);
	assert_true(keys.visited <= KEYS_VISITED_MAX + 100001);
	assert_true(fixture_noted(&f, "too many keys"));
}

static void a_hundred_thousand_keys_are_not_all_told(void **state)
{
	FIXTURE f;
	struct keys keys;
	struct node *top;

	(void)state;
	fixture_init(&f);
	top = node_new(&f.arena, NODE_MAP, (struct place){.file = "t.yaml", .line = 1});
	for (int i = 0; i < 100000; i++)
		node_put(&f.arena, top, arena_printf(&f.arena, "k%d", i), top->at, top);
	keys_init(&keys, &f.notes, &compose_keys);
	keys_check(&keys, COMPOSE_TOP, "", top);
	keys_tell(&keys);
	assert_int_equal(keys.count, NOTES_MAX);
	assert_int_equal(f.notes.total[NOTE_UNKNOWN], NOTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_or_free_is_not_told),
		cmocka_unit_test(each_key_is_told_with_its_path_and_line),
		cmocka_unit_test(what_repeats_is_counted),
		cmocka_unit_test(many_of_a_kind_are_told_a_few_times),
		cmocka_unit_test(a_value_in_a_key_is_not_told),
		cmocka_unit_test(shared_trees_are_not_walked_for_ever),
		cmocka_unit_test(a_hundred_thousand_keys_are_not_all_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
