/* What clients measured, around a window. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads `text` as the file of a crossing whose window is 10:00:03.000 .. 10:00:03.310. */
static int read_text(struct rows_made *m, const char *text, struct latency *ret, struct err *err)
{
	char path[] = "/tmp/airlock-latency-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = latency_read(path, &m->report.attempts, &m->arena, ret, err);
	unlink(path);
	return rc;
}

static int make(void **state)
{
	static struct rows_made m;

	rows_begin(&m);
	rows_synced(&m);
	m.ms = 3000;
	rows_cross(&m, 1, 1, "orders", "old");
	rows_report(&m);
	*state = &m;
	return 0;
}

static int unmake(void **state)
{
	rows_end(*state);
	return 0;
}

static void the_longest_wait_across_the_window_is_the_stall(void **state)
{
	struct rows_made *m = *state;
	struct latency latency;
	struct err err = ERR_INIT;
	int64_t s = stamp_ms("2026-11-25T10:00:00Z") / 1000;
	BUF_AUTO text = BUF_INIT;

	buf_puts(&text, "at,ms,outcome\n");
	buf_printf(&text, "%lld.9,2,ok\n", (long long)s + 1);
	buf_printf(&text, "%lld.95,4,ok\n", (long long)s + 1);
	buf_printf(&text, "%lld.99,900,ok\n", (long long)s + 1); /* long, and before it */
	buf_printf(&text, "%lld.4,350.5,ok\n", (long long)s + 3);
	buf_printf(&text, "%lld.1,1,error\n", (long long)s + 3);
	buf_printf(&text, "%lld,1,ok\n", (long long)s + 500); /* far away */
	assert_int_equal(read_text(m, buf_str(&text), &latency, &err), 0);
	assert_int_equal(latency.samples, 6);
	assert_int_equal(latency.count, 1);
	assert_int_equal(latency.views[0].count, 5);
	assert_int_equal(latency.views[0].errors, 1);
	assert_int_equal((int)(latency.views[0].stall_ms * 10), 3505);
	assert_int_equal((int)latency.views[0].before_ms, 4);
	assert_int_equal((int)latency.views[0].max_ms, 900);
}

static void far_from_every_window_is_no_view(void **state)
{
	struct latency latency;
	struct err err = ERR_INIT;

	assert_int_equal(read_text(*state, "at,ms,outcome\n1000.5,2,ok\n", &latency, &err), 0);
	assert_int_equal(latency.count, 0);
	assert_true(latency.given);
}

static void a_wrong_line_is_named(void **state)
{
	static const char *const wrong[] = {"1,2,maybe", "1,2", "x,2,ok", "1,-2,ok", "1,nan,ok",
		"1,2,ok,3", "-1,2,ok", "1e300,2,ok", ""};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct latency latency;
		struct err err = ERR_INIT;
		BUF_AUTO text = BUF_INIT;

		buf_printf(&text, "at,ms,outcome\n1,2,ok\n%s\n", wrong[i]);
		assert_int_equal(read_text(*state, buf_str(&text), &latency, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.msg, ":3: "));
	}
}

static void the_header_is_asked_for(void **state)
{
	struct latency latency;
	struct err err = ERR_INIT;

	assert_int_equal(read_text(*state, "1,2,ok\n", &latency, &err), -1);
	assert_non_null(strstr(err.msg, "at,ms,outcome"));
	assert_int_equal(latency_read("/nonexistent/file", NULL, NULL, &latency, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make, unmake)
	const struct CMUnitTest tests[] = {
		CASE(the_longest_wait_across_the_window_is_the_stall),
		CASE(far_from_every_window_is_no_view),
		CASE(a_wrong_line_is_named),
		CASE(the_header_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
