/* The small parts of the session plane: params, pool, options, side; and policies, which plan and
 * control both know. */
#include "../testing.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "control/control.h"
#include "gateway/options.h"
#include "gateway/pace.h"
#include "gateway/params.h"
#include "gateway/pool.h"
#include "gateway/side.h"
#include "gateway/state.h"
#include "plan/plan.h"
#include "plan/schema.h"

/* ---- classes of what is in the way ------------------------------------------------------------ */

#define NOTE(id, text) id,
static const char *const notes[] = {
#include "cli/run_notes.def"
};

static bool is_explained(const char *cls)
{
	char id[40];

	snprintf(id, sizeof id, "session-%s", cls);
	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
		if (strcmp(notes[i], id) == 0)
			return true;
	return false;
}

/* `check` and `status` send their reader to `airlock explain session-CLASS`. */
static void every_class_is_explained(void **state)
{
	static const char *const others[] = {"unknown", "login", "transaction", "unread", "silent"};

	(void)state;
	for (unsigned i = 0; i < STATE_LOST_COUNT; i++)
		if (!is_explained(state_lost_name(1u << i)))
			fail_msg("session-%s", state_lost_name(1u << i));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (!is_explained(others[i]))
			fail_msg("session-%s", others[i]);
}

/* ---- params ---------------------------------------------------------------------------------- */

static void what_was_set_is_read_back_and_replaced(void **state)
{
	struct params p = {0};

	(void)state;
	assert_true(params_set(&p, "TimeZone", "UTC"));
	assert_true(params_set(&p, "DateStyle", "ISO, DMY"));
	assert_true(params_set(&p, "TimeZone", "Europe/Berlin"));
	assert_string_equal(params_get(&p, "TimeZone"), "Europe/Berlin");
	assert_string_equal(params_get(&p, "DateStyle"), "ISO, DMY");
	assert_null(params_get(&p, "Time"));
}

static void each_is_met_once(void **state)
{
	struct params p = {0};
	const char *name, *value;
	size_t count = 0;

	(void)state;
	assert_true(
		params_set(&p, "a", "1") && params_set(&p, "b", "") && params_set(&p, "a", "2"));
	for (size_t at = 0; params_next(&p, &at, &name, &value); count++)
		assert_string_equal(params_get(&p, name), value);
	assert_int_equal(count, 2);
}

static void what_does_not_fit_changes_nothing(void **state)
{
	struct params p = {0};
	char long_value[PARAMS_BYTES];

	(void)state;
	memset(long_value, 'x', sizeof long_value - 1);
	long_value[sizeof long_value - 1] = '\0';
	assert_true(params_set(&p, "a", "kept"));
	assert_false(params_set(&p, "a", long_value));
	assert_false(params_set(&p, "b", long_value));
	assert_string_equal(params_get(&p, "a"), "kept");
	/* Replacing needs only the room that the old value leaves. */
	long_value[PARAMS_BYTES - 3] = '\0';
	assert_true(params_set(&p, "a", long_value));
	assert_int_equal(p.len, PARAMS_BYTES);
	assert_true(params_set(&p, "a", "short"));
}

static void a_cut_message_is_not_taken(void **state)
{
	struct params p = {0};

	(void)state;
	assert_true(params_take(&p, (const uint8_t *)"a\0b", 4));
	assert_false(params_take(&p, (const uint8_t *)"c\0d", 3));
	assert_null(params_get(&p, "c"));
}

/* ---- pool ------------------------------------------------------------------------------------ */

static void buffers_are_apart_and_the_newest_given_is_taken_again(void **state)
{
	struct pool pool;
	struct err err = ERR_INIT;
	uint8_t *a, *b;

	(void)state;
	assert_int_equal(pool_init(&pool, 2, &err), 0);
	a = pool_take(&pool);
	b = pool_take(&pool);
	memset(a, 1, POOL_BUFFER_BYTES);
	memset(b, 2, POOL_BUFFER_BYTES);
	assert_int_equal(a[POOL_BUFFER_BYTES - 1], 1);
	pool_give(&pool, a);
	pool_give(&pool, b);
	assert_ptr_equal(pool_take(&pool), b);
	assert_ptr_equal(pool_take(&pool), a);
	pool_fini(&pool);
}

/* ---- options --------------------------------------------------------------------------------- */

#define PARSE(...)                                                                                 \
	parse((char *[]){(char[]){"airlock-gateway"}, __VA_ARGS__, NULL},                          \
		sizeof((char *[]){__VA_ARGS__}) / sizeof(char *) + 1)

static struct gateway_options options;
static struct err options_err;

static int parse(char **argv, size_t argc)
{
	options_err = ERR_INIT;
	return gateway_options_parse((int)argc, argv, &options, &options_err);
}

static void plan_and_route_are_needed_once_each(void **state)
{
	(void)state;
	assert_int_equal(
		PARSE((char[]){"--plan"}, (char[]){"p"}, (char[]){"-r"}, (char[]){"gw"}), 0);
	assert_string_equal(options.plan, "p");
	assert_string_equal(options.route, "gw");
	assert_int_equal(PARSE((char[]){"--plan"}, (char[]){"p"}), -1);
	assert_int_equal(options_err.code, ERR_USAGE);
	assert_int_equal(PARSE((char[]){"-f"}, (char[]){"p"}, (char[]){"-f"}, (char[]){"q"}), -1);
	assert_int_equal(PARSE((char[]){"-f"}), -1);
	assert_int_equal(PARSE((char[]){"--nonsense"}), -1);
	assert_int_equal(PARSE((char[]){"-h"}, (char[]){"extra"}), -1);
	assert_int_equal(PARSE((char[]){"--help"}), 0);
	assert_true(options.help);
}

/* ---- side ------------------------------------------------------------------------------------ */

static int read_side(struct gateway_side *side, const char *conninfo)
{
	struct err err = ERR_INIT;
	int rc = side_init(side, conninfo, &err);

	if (rc)
		assert_int_equal(err.code, ERR_PLAN);
	return rc;
}

static void an_address_a_port_and_a_database(void **state)
{
	struct gateway_side side;
	const struct sockaddr_in *in = (struct sockaddr_in *)&side.addresses[0].address;

	(void)state;
	assert_int_equal(read_side(&side, "host=db.test hostaddr=127.0.0.9 port=7 dbname=shop "
					  "sslmode=disable"),
		0);
	assert_int_equal(in->sin_port, htons(7));
	assert_int_equal(in->sin_addr.s_addr, htonl(0x7f000009));
	assert_string_equal(side.host, "db.test");
	assert_string_equal(side.database, "shop");
	assert_false(side.tls_try || side.tls_must || side.resolved);
	side_fini(&side);
}

static void a_directory_is_a_unix_socket_and_never_tls(void **state)
{
	struct gateway_side side;

	(void)state;
	assert_int_equal(read_side(&side, "host=/run/pg port=7 dbname=shop sslmode=prefer"), 0);
	assert_string_equal(
		((struct sockaddr_un *)&side.addresses[0].address)->sun_path, "/run/pg/.s.PGSQL.7");
	assert_false(side.tls_try);
	side_fini(&side);
}

static void what_cannot_be_one_side_is_refused(void **state)
{
	struct gateway_side side;

	(void)state;
	assert_int_equal(read_side(&side, "host=a,b dbname=shop"), -1);
	assert_int_equal(read_side(&side, "host=127.0.0.1 dbname=shop nonsense=1"), -1);
	assert_int_equal(read_side(&side, "host=127.0.0.1 dbname=shop sslmode=verify-full "
					  "sslrootcert=/nonexistent"),
		-1);
}

static void addresses_are_gone_through_in_a_circle(void **state)
{
	struct gateway_side side = {.addresses_count = 2};

	(void)state;
	side_next_address(&side);
	assert_int_equal(side.at, 1);
	side_next_address(&side);
	assert_int_equal(side.at, 0);
}

/* ---- policies -------------------------------------------------------------------------------- */

static const struct schema_row *row_of(const struct schema *schema, const char *key)
{
	for (size_t i = 0; i < schema->count; i++)
		if (strcmp(schema->rows[i].key, key) == 0)
			return &schema->rows[i];
	fail_msg("no row %s", key);
	return NULL;
}

static bool has_word(const struct names *names, const char *word)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->words[i], word) == 0)
			return true;
	return false;
}

/* The plan's schema and the program's table are two; the first word is the default. */
static void the_plan_and_the_program_know_the_same_policies(void **state)
{
	const struct schema *route = row_of(&schema_plan, "routes")->sub;
	const struct schema *carry = row_of(route->variants[ROUTE_GATEWAY], "carry")->sub;

	(void)state;
	assert_int_equal(carry->count, CLASS_COUNT);
	for (int cls = 0; cls < CLASS_COUNT; cls++) {
		enum policy_class c = (enum policy_class)cls;
		const struct names *names = row_of(carry, policy_class_key(c))->names;
		struct policies p = policies_default;

		assert_string_equal(names->words[0], policy_name(policies_default.of[cls]));
		for (int i = 0; i < POLICY_COUNT; i++)
			assert_int_equal(policies_set(&p, c, policy_name((enum policy)i)),
				has_word(names, policy_name((enum policy)i)));
		assert_false(policies_set(&p, c, "perhaps"));
	}
}

static void policies_and_what_they_lead_to_are_read_back(void **state)
{
	struct control_request asked = {.id = 3,
				       .cmd = CONTROL_SURVEY,
				       .has_policies = true,
				       .policies = policies_default},
			       got;
	struct control_reply said = {.id = 4,
		.cmd = CONTROL_HOLD,
		.ok = true,
		.hold = {.held = 3, .drain_ms = 5, .disconnected = 1, .lull_ms = 7},
		.blockers_count = 1,
		.blockers = {{.pid = 7, .cls = "temp", .policy = "disconnect", .looked_ms = 9}}};
	struct control_reply heard;
	struct err err = ERR_INIT;
	BUF_AUTO line = BUF_INIT;
	int64_t id;

	(void)state;
	asked.policies.of[CLASS_LISTEN] = POLICY_WAIT;
	control_request_write(&asked, &line);
	assert_int_equal(control_request_read(line.data, line.len - 1, &got, &id, &err), 0);
	assert_true(got.has_policies);
	assert_memory_equal(&got.policies, &asked.policies, sizeof got.policies);
	buf_clear(&line);
	control_reply_write(&said, &line);
	assert_int_equal(
		control_reply_read(line.data, line.len - 1, CONTROL_HOLD, &heard, &err), 0);
	assert_int_equal(heard.hold.disconnected, 1);
	assert_int_equal(heard.blockers_count, 1);
	assert_string_equal(heard.blockers[0].policy, "disconnect");
	assert_int_equal(heard.blockers[0].looked_ms, 9);
	/* Whom a hold has ended is told when it failed afterwards, too. */
	said.ok = false;
	buf_clear(&line);
	control_reply_write(&said, &line);
	assert_int_equal(
		control_reply_read(line.data, line.len - 1, CONTROL_HOLD, &heard, &err), 0);
	assert_int_equal(heard.hold.disconnected, 1);
	assert_int_equal(heard.hold.held, 0);
}

/* ---- pace ------------------------------------------------------------------------------------ */

static void more_are_opened_at_a_time_while_it_takes_no_longer(void **state)
{
	struct pace p;

	(void)state;
	pace_begin(&p, 4);
	assert_int_equal(pace_room(&p), 4);
	for (int i = 0; i < 10; i++)
		pace_done(&p, true, 1000 + 100 * i);
	assert_int_equal(pace_room(&p), 14);
	for (int i = 0; i < 100; i++)
		pace_done(&p, true, 2000);
	assert_int_equal(pace_room(&p), PACE_MAX);
}

static void a_server_with_enough_to_do_is_given_less_but_never_too_little(void **state)
{
	struct pace p;

	(void)state;
	pace_begin(&p, 4);
	pace_done(&p, true, 1000);
	pace_done(&p, true, 2001);
	assert_int_equal(pace_room(&p), 4);
	for (int i = 0; i < 5; i++)
		pace_done(&p, true, 1000);
	assert_int_equal(pace_room(&p), 9);
	for (int i = 0; i < 20; i++)
		pace_done(&p, true, 9000);
	assert_int_equal(pace_room(&p), 4);
	pace_begin(&p, 500);
	assert_int_equal(pace_room(&p), PACE_MAX);
}

/* A whole login takes several times as long as the end of a parked one. */
static void parked_logins_are_not_the_measure_of_whole_ones(void **state)
{
	struct pace p;

	(void)state;
	pace_begin(&p, 4);
	pace_done(&p, true, 1000);
	pace_done(&p, false, 9000);
	pace_done(&p, false, 9500);
	assert_int_equal(pace_room(&p), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_is_explained),
		cmocka_unit_test(what_was_set_is_read_back_and_replaced),
		cmocka_unit_test(each_is_met_once),
		cmocka_unit_test(what_does_not_fit_changes_nothing),
		cmocka_unit_test(a_cut_message_is_not_taken),
		cmocka_unit_test(buffers_are_apart_and_the_newest_given_is_taken_again),
		cmocka_unit_test(plan_and_route_are_needed_once_each),
		cmocka_unit_test(an_address_a_port_and_a_database),
		cmocka_unit_test(a_directory_is_a_unix_socket_and_never_tls),
		cmocka_unit_test(what_cannot_be_one_side_is_refused),
		cmocka_unit_test(addresses_are_gone_through_in_a_circle),
		cmocka_unit_test(the_plan_and_the_program_know_the_same_policies),
		cmocka_unit_test(policies_and_what_they_lead_to_are_read_back),
		cmocka_unit_test(more_are_opened_at_a_time_while_it_takes_no_longer),
		cmocka_unit_test(a_server_with_enough_to_do_is_given_less_but_never_too_little),
		cmocka_unit_test(parked_logins_are_not_the_measure_of_whole_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
