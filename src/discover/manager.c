#include "discover/manager.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"

#define SERVICE "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define US_PER_S 1000000u

struct manager {
	sd_bus *bus;
	bool silent; /* it did not answer once: a hundred timers must not wait for it */
};

/* ---- the way to it --------------------------------------------------------------------------- */

/* "unix:path=" of the D-Bus specification: what is not plain is written %XX. */
static void address_of(const char *path, struct buf *out)
{
	buf_puts(out, "unix:path=");
	for (const char *c = path; *c != '\0'; c++)
		if (isalnum((unsigned char)*c) || strchr("-_/.", *c) != NULL)
			buf_putc(out, *c);
		else
			buf_printf(out, "%%%02x", (unsigned)(unsigned char)*c);
}

static bool open_private(const char *root, sd_bus **ret)
{
	BUF_AUTO path = BUF_INIT;
	BUF_AUTO address = BUF_INIT;
	sd_bus *bus = NULL;

	buf_printf(&path, "%s/run/systemd/private", root);
	if (access(buf_str(&path), W_OK) || sd_bus_new(&bus) < 0)
		return false;
	address_of(buf_str(&path), &address);
	if (sd_bus_set_address(bus, buf_str(&address)) < 0 || sd_bus_start(bus) < 0) {
		sd_bus_unref(bus);
		return false;
	}
	*ret = bus;
	return true;
}

/* The library itself would wait for a peer's greeting for a minute and a half. */
static bool is_greeted(sd_bus *bus)
{
	int64_t until_us = clock_now_us() + MANAGER_ASK_MS * INT64_C(1000), left_us;
	int rc = 0;

	while (rc >= 0 && sd_bus_is_ready(bus) == 0) {
		rc = sd_bus_process(bus, NULL);
		left_us = until_us - clock_now_us();
		if (left_us <= 0)
			return false;
		if (rc == 0)
			rc = sd_bus_wait(bus, (uint64_t)left_us);
	}
	return rc >= 0;
}

static bool answers(sd_bus *bus)
{
	char *version = NULL;
	int rc;

	if (!is_greeted(bus))
		return false;
	sd_bus_set_method_call_timeout(bus, MANAGER_ASK_MS * UINT64_C(1000));
	rc = sd_bus_get_property_string(
		bus, SERVICE, OBJECT, SERVICE ".Manager", "Version", NULL, &version);
	free(version);
	return rc >= 0;
}

struct manager *manager_open(const char *root)
{
	struct manager *m;
	sd_bus *bus = NULL;

	if (!open_private(root, &bus) && (*root != '\0' || access("/run/systemd/system", F_OK) ||
						 sd_bus_open_system(&bus) < 0))
		return NULL;
	if (!answers(bus)) {
		sd_bus_close_unref(bus);
		return NULL;
	}
	m = calloc(1, sizeof *m);
	ENSURE(m != NULL);
	m->bus = bus;
	return m;
}

void manager_close(struct manager *m)
{
	if (m == NULL)
		return;
	sd_bus_close_unref(m->bus);
	free(m);
}

/* ---- a timer --------------------------------------------------------------------------------- */

/* 1 it is loaded, 0 it is not, -1 no answer. */
static int is_loaded(struct manager *m, const char *unit)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int rc = sd_bus_call_method(
		m->bus, SERVICE, OBJECT, SERVICE ".Manager", "GetUnit", &error, NULL, "s", unit);
	bool unknown = sd_bus_error_has_name(&error, SERVICE ".NoSuchUnit");

	sd_bus_error_free(&error);
	return rc >= 0 ? 1 : unknown ? 0 : -1;
}

/* A time in microseconds; 0 and the largest number are none. */
static bool time_property(struct manager *m, const char *path, const char *name, uint64_t *ret)
{
	uint64_t us = 0;

	if (sd_bus_get_property_trivial(
		    m->bus, SERVICE, path, SERVICE ".Timer", name, NULL, 't', &us) < 0)
		return false;
	*ret = us == UINT64_MAX ? 0 : us;
	return true;
}

static uint64_t now_us(clockid_t id)
{
	struct timespec ts;

	ENSURE(clock_gettime(id, &ts) == 0);
	return (uint64_t)ts.tv_sec * US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

/* Monotonic times are told by the clock that goes on while the machine sleeps, or by the other:
 * they differ by the sleep only, and only one of them is what the timer waits for. */
static int64_t earliest_s(uint64_t real_us, uint64_t monotonic_us)
{
	uint64_t mono_now = now_us(CLOCK_MONOTONIC), real_now = now_us(CLOCK_REALTIME);
	uint64_t other = 0;

	if (monotonic_us > 0)
		other = monotonic_us > mono_now ? real_now + (monotonic_us - mono_now) : real_now;
	if (real_us == 0 || (other > 0 && other < real_us))
		real_us = other;
	return (int64_t)(real_us / US_PER_S);
}

bool manager_timer(struct manager *m, const char *unit, struct manager_timer *ret)
{
	char *path = NULL, *state = NULL;
	uint64_t real_us = 0, monotonic_us = 0;
	int loaded = m->silent ? -1 : is_loaded(m, unit);
	bool read;

	*ret = (struct manager_timer){0};
	m->silent = loaded < 0;
	if (loaded <= 0)
		return loaded == 0;
	if (sd_bus_path_encode(OBJECT "/unit", unit, &path) < 0)
		return false;
	read = sd_bus_get_property_string(
		       m->bus, SERVICE, path, SERVICE ".Unit", "ActiveState", NULL, &state) >= 0 &&
	       time_property(m, path, "NextElapseUSecRealtime", &real_us) &&
	       time_property(m, path, "NextElapseUSecMonotonic", &monotonic_us);
	if (read) {
		ret->active = strcmp(state, "active") == 0;
		ret->next_s = ret->active ? earliest_s(real_us, monotonic_us) : 0;
	}
	free(state);
	free(path);
	return read;
}
