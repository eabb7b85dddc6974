#include "../testing.h"

#include <string.h>

#include "base/check.h"
#include "discover/target.h"

static const char text[] =
	"airlock: 1\nname: p\nstores:\n"
	"  orders: {engine: postgresql, old: 'host=pg-old.invalid,10.0.0.7 port=5433 dbname=shop "
	"user=airlock', new: 'postgresql://airlock@pg-new.invalid/shop', pattern: "
	"replica-promotion, sync: logical, route: direct}\n"
	"  local: {engine: postgresql, old: 'host=127.0.0.1 port=6000 dbname=near user=airlock', "
	"new: 'host=127.0.0.1 port=6001 dbname=near user=airlock', pattern: replica-promotion, "
	"sync: logical, route: direct}\n"
	"  beside: {engine: postgresql, old: 'host=10.0.0.9,pg-here.invalid "
	"hostaddr=10.0.0.9,127.0.0.1 "
	"port=6002 dbname=here user=airlock', new: 'host=pg-there.invalid hostaddr=192.0.2.77 "
	"port=6002 "
	"dbname=here user=airlock', pattern: replica-promotion, sync: logical, route: direct}\n"
	"routes: {direct: {kind: none}}\n";

/* store/side, then what is known of it; "" = leads to no store */
static const struct {
	const char *string, *target;
} cases[] = {
	{"postgres://u@pg-old.invalid:5433/shop", "orders old"},
	{"postgres://u@PG-OLD.invalid:5433/shop", "orders old"},
	{"postgres://u@10.0.0.7:5433/shop", "orders old"},
	{"postgres://u@pg-new.invalid/shop", "orders new"},
	{"postgres://u@pg-new.invalid:5432/shop", "orders new"},
	{"host=other,pg-new.invalid dbname=shop", "orders new"},
	{"postgres://u@pg-new.invalid", "orders new, any database"},
	{"postgres://u@pg-new.invalid/other", ""},
	{"postgres://u@pg-new.invalid:5433/shop", ""},
	{"postgres://u@10.0.0.8:5433/shop", ""},
	{"mysql://u@pg-new.invalid:5432/shop", ""},
	{"Server=pg-new.invalid;Database=shop", "orders new"},
	{"postgres://u@localhost:6000/near", "local old, another name"},
	{"postgres://u@[::1]:6001/near", "local new, another name"},
	{"psql -p 6000 near", "local old, another name"},
	{"psql -h /run/postgresql -p 6001 -d near", "local new, another name"},
	{"postgres://u@${HOST}:6000/near", ""},
	/* on the server's own machine, which the plan knows by a name */
	{"psql -p 6002 here", "beside old, another name"},
	{"postgres://u@localhost:6002/here", "beside old, another name"},
	{"postgres://u@pg-here.invalid:6002/here", "beside old"},
	{"postgres://u@192.0.2.77:6002/here", "beside new, another name"},
	{"postgres://u@pg-here.invalid:6000/near", "local old, another name"},
	{"postgres://u@pg-there.invalid:6000/near", ""},
};

static void say(const struct plan *plan, const struct target *target, struct buf *out)
{
	buf_printf(out, "%s %s%s%s", plan->stores[target->store].name, side_name(target->side),
		target->database ? "" : ", any database", target->by_name ? "" : ", another name");
}

static void where_strings_lead(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	PLAN_AUTO plan = NULL;
	struct problems problems;
	struct err err = ERR_INIT;
	struct targets *targets;
	const char *const *names;

	(void)state;
	problems_init(&problems, &arena);
	if (plan_parse("p", text, strlen(text), &plan, &problems, &err))
		fail_msg("%s", problems.count ? problems.rows[0].message : err.msg);
	targets = targets_new(plan, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		BUF_AUTO out = BUF_INIT;
		struct target target;
		struct dsn dsn;

		assert_true(dsn_next(cases[i].string, strlen(cases[i].string), 0, &dsn));
		if (targets_find(targets, &dsn, &target))
			say(plan, &target, &out);
		if (strcmp(buf_str(&out), cases[i].target) != 0)
			fail_msg("%s leads to '%s', not to '%s'", cases[i].string, buf_str(&out),
				cases[i].target);
	}
	assert_int_equal(targets_names(targets, &names), 4); /* addresses are no names */
	targets_free(targets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(where_strings_lead)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
