#include "fixture.h"

#include "plan/yaml_tree.h"

struct read {
	struct arena arena;
	struct problems ps;
	struct source src;
	struct yaml_tree *root;
};

static void setup(struct read *r, const char *text, size_t len)
{
	*r = (struct read){0};
	problems_init(&r->ps, &r->arena);
	source_init(&r->src, &r->arena, "f", text, len);
	r->root = yaml_tree_read(&r->src, &r->arena, &r->ps);
}

static void teardown(struct read *r)
{
	arena_fini(&r->arena);
}

#define READ_AUTO __attribute__((cleanup(teardown))) struct read

static void refused_as(const char *text, const char *id, int line, int column)
{
	READ_AUTO r;

	setup(&r, text, strlen(text));
	if (r.ps.count == 0)
		fail_msg("accepted: %s", text);
	assert_string_equal(r.ps.rows[0].id, id);
	assert_int_equal(r.ps.rows[0].line, line);
	assert_int_equal(r.ps.rows[0].column, column);
}

static void keys_and_values_know_their_places(void **state)
{
	READ_AUTO r;
	const char *text = "a: 1\nb:\n  - x\n  - {c: 'd e'}\n";
	struct yaml_tree *b, *c;

	(void)state;
	setup(&r, text, strlen(text));
	assert_non_null(r.root);
	assert_int_equal(r.ps.count, 0);
	b = yaml_tree_get(r.root, "b");
	assert_int_equal(b->kind, YAML_TREE_LIST);
	assert_int_equal(b->count, 2);
	c = yaml_tree_get(b->items[1], "c");
	assert_string_equal(c->text, "d e");
	assert_false(c->plain);
	assert_int_equal(source_pos(&r.src, c->at.start).line, 4);
	assert_int_equal(source_pos(&r.src, c->at.start).column, 9);
	assert_int_equal(source_pos(&r.src, yaml_tree_key(r.root, "b")->at.start).line, 2);
	assert_null(yaml_tree_get(r.root, "z"));
	assert_null(yaml_tree_get(c, "z"));
}

static void duplicates_are_found_and_left_out(void **state)
{
	READ_AUTO r;
	const char *text = "a: 1\nb: 2\na: 3\n\"a\": 4\n";

	(void)state;
	setup(&r, text, strlen(text));
	assert_int_equal(r.ps.errors, 2);
	assert_string_equal(r.ps.rows[0].id, "P-DUPLICATE-KEY");
	assert_int_equal(r.ps.rows[0].line, 3);
	assert_contains(r.ps.rows[1].message, "first in line 1");
	assert_int_equal(r.root->count, 2);
	assert_string_equal(yaml_tree_get(r.root, "a")->text, "1");
}

static void broken_texts_are_told_with_place(void **state)
{
	(void)state;
	refused_as("a: b: c\n", "P-SYNTAX", 1, 5);
	refused_as("a: \"x\nb: 1\n", "P-SYNTAX", 1, 4);
	refused_as("a:\n\tb: 1\n", "P-TAB", 2, 1);
	refused_as("a: 1\n---\nb: 2\n", "P-DOCUMENTS", 2, 1);
	refused_as("a: \xff\n", "P-UTF8", 1, 4);
	refused_as("a: \xc3\xa9\nb: \xe9 \n", "P-UTF8", 2, 4);
	refused_as("a: \x01\n", "P-CONTROL", 1, 4);
	refused_as("a: \"\\e[1m\"\n", "P-CONTROL", 1, 4);
	refused_as("a: \"\\0\"\n", "P-CONTROL", 1, 4);
	refused_as("a: !!str x\n", "P-TAG", 1, 4);
	refused_as("? [a]\n: b\n", "P-KEY-TYPE", 1, 3);
	refused_as("a: *b\n", "P-ALIAS", 1, 4);
	refused_as("a: &b [*b]\n", "P-ALIAS", 1, 8);
	refused_as("# nothing\n", "P-EMPTY", 1, 1);
	refused_as("~\n", "P-EMPTY", 1, 1);
	refused_as("", "P-EMPTY", 1, 1);
}

static void aliases_share_and_have_their_own_place(void **state)
{
	READ_AUTO r;
	const char *text = "a: &x {k: v}\nb: *x\n";
	struct yaml_tree *a, *b;

	(void)state;
	setup(&r, text, strlen(text));
	assert_int_equal(r.ps.count, 0);
	a = yaml_tree_get(r.root, "a");
	b = yaml_tree_get(r.root, "b");
	assert_ptr_equal(a->pairs, b->pairs);
	assert_int_equal(source_pos(&r.src, b->at.start).line, 2);
}

static void no_limit(struct buf *out, const char *open, int count)
{
	buf_puts(out, "a: ");
	for (int i = 0; i < count; i++)
		buf_puts(out, open);
}

/* 9^9 nodes in 500 bytes; libyaml alone is quadratic in nesting. */
static void bombs_are_errors_within_milliseconds(void **state)
{
	BUF_AUTO bomb = BUF_INIT;
	BUF_AUTO deep = BUF_INIT;
	BUF_AUTO chain = BUF_INIT;
	double begin = cpu_seconds();

	(void)state;
	buf_puts(&bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		buf_printf(&bomb, "a%d: &a%d [", i, i);
		for (int j = 0; j < 9; j++)
			buf_printf(&bomb, "%s*a%d", j ? ", " : "", i - 1);
		buf_puts(&bomb, "]\n");
	}
	refused_as(buf_str(&bomb), "P-ALIAS-LIMIT", 6, 10);
	no_limit(&deep, "[", 100000);
	refused_as(buf_str(&deep), "P-DEPTH", 1, 67);
	buf_puts(&chain, "a0: &a0 [x]\n");
	for (int i = 1; i < 100; i++)
		buf_printf(&chain, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	refused_as(buf_str(&chain), "P-DEPTH", 63, 12);
	assert_true(cpu_seconds() - begin < 1);
}

static void many_values_are_refused(void **state)
{
	READ_AUTO r;
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, "a: [x");
	for (int i = 0; i < YAML_TREE_NODES_MAX; i++)
		buf_puts(&text, ",x");
	buf_puts(&text, "]\n");
	setup(&r, buf_str(&text), text.len);
	assert_null(r.root);
	assert_string_equal(r.ps.rows[0].id, "P-TOO-LARGE");
}

static void places_inside_values_are_exact_where_they_can_be(void **state)
{
	READ_AUTO r;
	const char *text = "a: \"x \xc3\xa9 here\"\nb: \"\\x41 here\"\nc: x here\n";
	struct span at;

	(void)state;
	setup(&r, text, strlen(text));
	at = yaml_tree_inside(&r.src, yaml_tree_get(r.root, "a"), 5, 4);
	assert_int_equal(source_pos(&r.src, at.start).column, 9);
	assert_int_equal(at.end - at.start, 4);
	at = yaml_tree_inside(&r.src, yaml_tree_get(r.root, "b"), 2, 4);
	assert_int_equal(source_pos(&r.src, at.start).column, 4);
	at = yaml_tree_inside(&r.src, yaml_tree_get(r.root, "c"), 2, 4);
	assert_int_equal(source_pos(&r.src, at.start).column, 6);
}

static void only_plain_words_are_nothing(void **state)
{
	READ_AUTO r;
	const char *text = "a: ~\nb: null\nc:\nd: ''\ne: 'null'\nf: no\n";

	(void)state;
	setup(&r, text, strlen(text));
	assert_true(yaml_tree_is_null(yaml_tree_get(r.root, "a")));
	assert_true(yaml_tree_is_null(yaml_tree_get(r.root, "b")));
	assert_true(yaml_tree_is_null(yaml_tree_get(r.root, "c")));
	assert_false(yaml_tree_is_null(yaml_tree_get(r.root, "d")));
	assert_false(yaml_tree_is_null(yaml_tree_get(r.root, "e")));
	assert_false(yaml_tree_is_null(yaml_tree_get(r.root, "f")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_values_know_their_places),
		cmocka_unit_test(duplicates_are_found_and_left_out),
		cmocka_unit_test(broken_texts_are_told_with_place),
		cmocka_unit_test(aliases_share_and_have_their_own_place),
		cmocka_unit_test(bombs_are_errors_within_milliseconds),
		cmocka_unit_test(many_values_are_refused),
		cmocka_unit_test(places_inside_values_are_exact_where_they_can_be),
		cmocka_unit_test(only_plain_words_are_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
