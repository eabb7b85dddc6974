/* fuzz_scan.c - any bytes as a file that discovery reads, as .pgpass, as a crontab's schedule and
 * as a timer's; whatever is told is short, is text, and can be shown. */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "discover/scan.h"
#include "discover/schedule.h"

#include "fuzz_target.h"

static void check_text(const char *text)
{
	for (; *text != '\0'; text++)
		ENSURE((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void take(void *arg, const struct scan_hit *hit)
{
	BUF_AUTO shown = BUF_INIT;

	ENSURE(hit->line >= 1 && hit->line <= *(const int *)arg);
	if (hit->kind != SCAN_DSN) {
		ENSURE(strlen(hit->name) < 128);
		return;
	}
	ENSURE(hit->dsn->hosts_count <= DSN_HOSTS_MAX);
	for (size_t i = 0; i < hit->dsn->hosts_count; i++)
		ENSURE(hit->dsn->hosts[i].port <= 65535);
	dsn_show(hit->dsn, &shown);
	check_text(buf_str(&shown));
}

static void as_file(const char *name, const char *text, size_t len, int lines)
{
	static const char *const hosts[] = {"pg-old.dc1"};
	struct scan scan = {
		.file = name, .names = hosts, .names_count = 1, .hit = take, .arg = &lines};

	scan_text(&scan, text, len);
}

static void as_schedule(const char *text)
{
	struct schedule s;
	size_t len;

	if (schedule_cron(text, &s, &len)) {
		ENSURE(len <= strlen(text));
		ENSURE(schedule_next(&s, 1800000000) == 0 ||
			schedule_next(&s, 1800000000) > 1800000000);
	}
	if (schedule_calendar(text, &s))
		ENSURE(schedule_next(&s, 1800000000) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	BUF_AUTO copy = BUF_INIT;
	int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	as_file("x.conf", text, size, lines);
	as_file(".pgpass", text, size, lines);
	buf_add(&copy, data, size);
	as_schedule(buf_str(&copy));
	return 0;
}
