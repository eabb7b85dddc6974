/* The small parts of the session plane: params, pool, options, side. */
#include "../testing.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "gateway/options.h"
#include "gateway/pace.h"
#include "gateway/params.h"
#include "gateway/pool.h"
#include "gateway/side.h"

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
		cmocka_unit_test(more_are_opened_at_a_time_while_it_takes_no_longer),
		cmocka_unit_test(a_server_with_enough_to_do_is_given_less_but_never_too_little),
		cmocka_unit_test(parked_logins_are_not_the_measure_of_whole_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
