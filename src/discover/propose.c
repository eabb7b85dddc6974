/* propose.c - what of a plan would declare a finding (finding.h). */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "discover/finding.h"
#include "discover/writers.h"
#include "plan/text.h"

/* It goes into a plan as it is, without quotes. */
static bool is_plain(const char *text)
{
	return *text != '\0' &&
	       text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				 "_.@/-")] == '\0';
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && strcmp(text + len - n, end) == 0;
}

/* "stock.timer" of "unit stock.timer"; NULL when it is no timer. */
static const char *timer_of(const struct finding *f)
{
	static const char unit[] = "unit ";
	const char *name = f->place + sizeof unit - 1;

	if (f->kind != FOUND_TIMER || strncmp(f->place, unit, sizeof unit - 1) != 0 ||
		!ends_in(name, ".timer") || !is_plain(name))
		return NULL;
	return name;
}

/* The table in cron.d that it stands in: such a file can be taken away and put back. */
static bool table_of(const struct finding *f, char ret[256])
{
	static const char dir[] = "/cron.d/";
	const char *at = strstr(f->place, dir), *name = at + sizeof dir - 1, *colon;

	if (f->kind != FOUND_CRON || f->how != HOW_CONFIGURED || at == NULL)
		return false;
	colon = strrchr(name, ':');
	field_print(ret, 256, "%.*s",
		colon != NULL ? (int)(colon - f->place) : (int)strlen(f->place), f->place);
	return is_plain(ret);
}

/* A job has to say what stops it for the move (P-JOB-TWICE).  Where there is a command that does
 * it, it is proposed with the schedule. */
static bool add_stop(const struct finding *f, struct buf *out)
{
	const char *timer = timer_of(f), *slash;
	char table[256], aside[300];

	if (timer != NULL) {
		buf_printf(out,
			", during: stop, stop: {exec: [systemctl, stop, %s], observe: [sh, -c, \"! "
			"systemctl is-active --quiet %s\"], undo: [systemctl, start, %s], timeout: "
			"10s}",
			timer, timer, timer);
		return true;
	}
	if (!table_of(f, table) || !text_is_cron(f->schedule))
		return false;
	slash = strrchr(table, '/');
	field_print(
		aside, sizeof aside, "%.*s.%s.airlock", (int)(slash + 1 - table), table, slash + 1);
	buf_puts(out, ", schedule: ");
	writer_quote(f->schedule, out);
	buf_printf(out,
		", during: stop, stop: {exec: [mv, %s, %s], observe: [test, \"!\", -e, %s], undo: "
		"[mv, "
		"%s, %s], timeout: 10s}",
		table, aside, table, aside, table);
	return true;
}

bool finding_service_entry(const struct finding *f, char ret_name[64], struct buf *out)
{
	if (!finding_is_undeclared(f) || f->kind == FOUND_UNSEEN)
		return false;
	writer_plain_name(f->name[0]	      ? f->name
			  : f->application[0] ? f->application
					      : f->user,
		ret_name);
	if (ret_name[0] == '\0')
		field_print(ret_name, 64, "%s", finding_id(f->kind));
	buf_printf(out, "{%s: [%s]", f->kind == FOUND_SLOT ? "reads" : "writes", f->store);
	add_stop(f, out);
	if (f->user[0]) {
		buf_puts(out, ", match: {user: ");
		writer_quote(f->user, out);
		if (f->application[0]) {
			buf_puts(out, ", application_name: ");
			writer_quote(f->application, out);
		}
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
	return true;
}

void finding_open_question(const struct finding *f, struct buf *out)
{
	BUF_AUTO stop = BUF_INIT;

	if (f->runs.state == RUNS_NO_JOB || add_stop(f, &stop))
		return;
	buf_printf(out,
		"it runs by itself%s%s: write `schedule`, `during: stop` and `stop` with what "
		"stops it",
		f->schedule[0] ? ", " : "", f->schedule);
}
