/*
 * What systemd says of a timer.  A real manager is asked by tests/it/test_discover_host.py
 * (--long); here its place is taken by a peer on a bus of libsystemd's, which can also say what is
 * rare.
 */
#include "../testing.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "discover/timer.h"

#define SERVICE "org.freedesktop.systemd1"
#define US INT64_C(1000000)

/* The one timer that it knows; in seconds from now, 0 = none. */
static struct {
	const char *state;
	int64_t real_in_s, monotonic_in_s;
} stock;

static int64_t now_us(clockid_t id)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(id, &ts), 0);
	return (int64_t)ts.tv_sec * US + ts.tv_nsec / 1000;
}

static int get_unit(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *name;

	(void)data;
	if (sd_bus_message_read(m, "s", &name) < 0 || strcmp(name, "stock.timer") != 0)
		return sd_bus_error_set(error, SERVICE ".NoSuchUnit", "not loaded");
	return sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/unit/stock_2etimer");
}

static int text_property(sd_bus *bus, const char *path, const char *interface, const char *name,
	sd_bus_message *reply, void *data, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)data, (void)error;
	return sd_bus_message_append(
		reply, "s", strcmp(name, "ActiveState") == 0 ? stock.state : "252");
}

static int time_property(sd_bus *bus, const char *path, const char *interface, const char *name,
	sd_bus_message *reply, void *data, sd_bus_error *error)
{
	bool real = strcmp(name, "NextElapseUSecRealtime") == 0;
	int64_t in_s = real ? stock.real_in_s : stock.monotonic_in_s;

	(void)bus, (void)path, (void)interface, (void)data, (void)error;
	if (in_s == 0) /* the manager has two ways to say none */
		return sd_bus_message_append(reply, "t", real ? UINT64_C(0) : UINT64_MAX);
	return sd_bus_message_append(reply, "t",
		(uint64_t)(now_us(real ? CLOCK_REALTIME : CLOCK_MONOTONIC) + in_s * US));
}

static const sd_bus_vtable manager_table[] = {SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", text_property, 0, 0),
	SD_BUS_METHOD("GetUnit", "s", "o", get_unit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END};
static const sd_bus_vtable unit_table[] = {SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("ActiveState", "s", text_property, 0, 0), SD_BUS_VTABLE_END};
static const sd_bus_vtable timer_table[] = {SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("NextElapseUSecRealtime", "t", time_property, 0, 0),
	SD_BUS_PROPERTY("NextElapseUSecMonotonic", "t", time_property, 0, 0), SD_BUS_VTABLE_END};

/* ---- the peer -------------------------------------------------------------------------------- */

struct peer {
	char root[64];
	int listener;
	bool silent; /* takes nobody in */
	pthread_t thread;
};

/* Until the other end closes. */
static void *serve(void *arg)
{
	struct peer *peer = arg;
	static const char unit[] = "/org/freedesktop/systemd1/unit/stock_2etimer";
	int fd = accept(peer->listener, NULL, NULL), rc;
	sd_bus *bus = NULL;
	sd_id128_t id;

	ENSURE(fd >= 0 && sd_id128_randomize(&id) >= 0 && sd_bus_new(&bus) >= 0);
	ENSURE(sd_bus_set_fd(bus, fd, fd) >= 0 && sd_bus_set_server(bus, 1, id) >= 0);
	ENSURE(sd_bus_start(bus) >= 0);
	ENSURE(sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1", SERVICE ".Manager",
		       manager_table, NULL) >= 0);
	ENSURE(sd_bus_add_object_vtable(bus, NULL, unit, SERVICE ".Unit", unit_table, NULL) >= 0);
	ENSURE(sd_bus_add_object_vtable(bus, NULL, unit, SERVICE ".Timer", timer_table, NULL) >= 0);
	do
		rc = sd_bus_process(bus, NULL);
	while (rc > 0 || (rc == 0 && sd_bus_wait(bus, UINT64_MAX) >= 0));
	sd_bus_close_unref(bus);
	return NULL;
}

static void peer_open(struct peer *peer, bool silent)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[128];

	*peer = (struct peer){.silent = silent};
	snprintf(peer->root, sizeof peer->root,
		"/tmp/airlock timer-XXXXXX"); /* a blank is escaped */
	assert_non_null(mkdtemp(peer->root));
	snprintf(path, sizeof path, "%s/run", peer->root);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/run/systemd", peer->root);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/run/systemd/private", peer->root);
	peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(peer->listener, (struct sockaddr *)(void *)&address, sizeof address), 0);
	assert_int_equal(listen(peer->listener, 1), 0);
	if (!silent)
		assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void peer_close(struct peer *peer)
{
	static const char *const parts[] = {"/run/systemd/private", "/run/systemd", "/run", ""};
	char path[128];

	if (!peer->silent)
		assert_int_equal(pthread_join(peer->thread, NULL), 0);
	close(peer->listener);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		snprintf(path, sizeof path, "%s%s", peer->root, parts[i]);
		assert_int_equal(remove(path), 0);
	}
}

/* ---- cases ----------------------------------------------------------------------------------- */

#define FROM 3600 /* the window, in seconds from now */
#define TO 7200

static const struct {
	const char *unit, *state;
	int64_t real, monotonic;
	const char *text, *word;
	int64_t run; /* the first; 0 = none */
} cases[] = {
	/* an expression that is not read here: the manager reads it */
	{"stock.timer", "active", 5000, 0, "OnCalendar=2031-03-05 03:00\n", "runs", 5000},
	{"stock.timer", "active", 0, 5000, "OnUnitActiveSec=1d\n", "runs", 5000},
	{"stock.timer", "active", 9000, 5000, "OnUnitActiveSec=1d\nOnCalendar=daily\n", "runs",
		5000},
	{"stock.timer", "active", 9000, 0, "OnUnitActiveSec=1d\nOnCalendar=weird\n", "no", 0},
	{"stock.timer", "active", 60, 0, "OnUnitActiveSec=1h\n", "unknown", 0},
	{"stock.timer", "active", 0, 0, "OnCalendar=minutely\n", "no", 0},
	{"stock.timer", "inactive", 5000, 0, "OnCalendar=minutely\n", "no", 0},
	{"other.timer", "active", 5000, 0, "OnCalendar=minutely\n", "no", 0},
};

static void what_its_manager_says(void **state)
{
	struct manager *manager;
	struct peer peer;

	(void)state;
	peer_open(&peer, false);
	manager = manager_open(peer.root);
	assert_non_null(manager);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now_s = now_us(CLOCK_REALTIME) / US;
		struct window w = {.from_s = now_s + FROM, .to_s = now_s + TO};
		struct finding one = {.kind = FOUND_TIMER};

		stock.state = cases[i].state;
		stock.real_in_s = cases[i].real;
		stock.monotonic_in_s = cases[i].monotonic;
		timer_times(&one, &w, cases[i].unit, cases[i].text, false, manager);
		if (strcmp(runs_word(&one.runs), cases[i].word) != 0)
			fail_msg("case %zu: %s", i, runs_word(&one.runs));
		if (cases[i].run != 0)
			assert_in_range(
				one.runs.at_s[0], now_s + cases[i].run, now_s + cases[i].run + 5);
		assert_non_null(strstr(one.what, "by systemd's own word"));
	}
	manager_close(manager);
	peer_close(&peer);
}

/* The unit's file has the word then. */
static void nobody_answers(void **state)
{
	struct window w = {.from_s = 1000, .to_s = 2000};
	struct finding one = {.kind = FOUND_TIMER};
	int64_t began_us = now_us(CLOCK_MONOTONIC);
	struct peer peer;

	(void)state;
	peer_open(&peer, true);
	assert_null(manager_open(peer.root));
	assert_true(now_us(CLOCK_MONOTONIC) - began_us < 10 * US);
	assert_null(manager_open("/nowhere"));
	timer_times(&one, &w, "stock.timer", "OnCalendar=minutely\n", true, NULL);
	assert_string_equal(runs_word(&one.runs), "runs");
	assert_int_equal(one.runs.count, RUNS_MAX);
	assert_true(one.runs.more);
	assert_null(strstr(one.what, "systemd"));
	peer_close(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_its_manager_says),
		cmocka_unit_test(nobody_answers),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
