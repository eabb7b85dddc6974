/* Where a comparison stands, written down and read again. */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/state.h"

/* Latin-1 in a database of encoding SQL_ASCII: no UTF-8. */
#define BYTES "caf\xe9"

struct world {
	char dir[64];
	struct plan plan;
	struct store_pg store;
	struct verify_options options;
};

static void world_make(struct world *w)
{
	*w = (struct world){.dir = "/tmp/airlock-state-XXXXXX"};
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->plan.hash, sizeof w->plan.hash, "%s", "0123");
	w->store.store.name = "orders";
	w->store.plan = &w->plan;
	w->options.state_dir = w->dir;
}

static void world_remove(struct world *w)
{
	char path[128];

	snprintf(path, sizeof path, "%s/verify-orders.json", w->dir);
	unlink(path);
	assert_int_equal(rmdir(w->dir), 0);
}

/* One table of one key. */
static struct verify comparison(struct world *w, const char *ident, const char *type)
{
	struct verify v = {.options = &w->options, .store = &w->store, .tables_count = 1};
	struct verify_table *t = calloc(1, sizeof *t);

	assert_non_null(t);
	t->shape.name = strdup("public.caf\xe9");
	t->shape.keys = 1;
	t->shape.key[0].ident = strdup(ident);
	t->shape.key[0].type = strdup(type);
	v.tables = t;
	return v;
}

static void forget(struct verify *v)
{
	verify_fini(v);
}

static void halfway(struct verify *v)
{
	struct verify_table *t = v->tables;

	t->pieces = 2;
	t->piece[0] = (struct piece){.done = true};
	t->piece[0].to = bound_copy(BYTES, sizeof BYTES);
	t->piece[1].from = bound_copy("a\0b", 4);
	t->compared = 7;
	t->different = 1;
	t->keys[t->keys_count++] = (struct verify_key){strdup(BYTES), "only on old"};
}

static void any_bytes_come_back(void **state)
{
	struct world w;
	struct verify v, again;
	struct err err = ERR_INIT;

	(void)state;
	world_make(&w);
	v = comparison(&w, "k", "text");
	halfway(&v);
	if (verify_state_save(&v, &err))
		fail_msg("%s", err.msg);
	again = comparison(&w, "k", "text");
	assert_true(verify_state_load(&again));
	assert_int_equal(again.tables[0].pieces, 2);
	assert_true(again.tables[0].piece[0].done);
	assert_false(again.tables[0].piece[1].done);
	assert_null(again.tables[0].piece[0].from.bytes);
	assert_int_equal(again.tables[0].piece[0].to.len, sizeof BYTES);
	assert_memory_equal(again.tables[0].piece[0].to.bytes, BYTES, sizeof BYTES);
	assert_int_equal(again.tables[0].piece[1].from.len, 4);
	assert_memory_equal(again.tables[0].piece[1].from.bytes, "a\0b", 4);
	assert_int_equal(again.tables[0].compared, 7);
	assert_string_equal(again.tables[0].keys[0].text, BYTES);
	assert_string_equal(again.tables[0].keys[0].what, "only on old");
	forget(&v);
	forget(&again);
	world_remove(&w);
}

/* A bound of (id) says nothing about (code), nor one of a text about a number. */
static void another_key_begins_anew(void **state)
{
	static const char *const others[][2] = {{"code", "text"}, {"k", "bigint"}};
	struct world w;
	struct verify v;
	struct err err = ERR_INIT;

	(void)state;
	world_make(&w);
	v = comparison(&w, "k", "text");
	halfway(&v);
	assert_int_equal(verify_state_save(&v, &err), 0);
	for (size_t i = 0; i < 2; i++) {
		struct verify other = comparison(&w, others[i][0], others[i][1]);

		assert_false(verify_state_load(&other));
		assert_int_equal(other.tables[0].pieces, 0);
		forget(&other);
	}
	forget(&v);
	world_remove(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_bytes_come_back),
		cmocka_unit_test(another_key_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
