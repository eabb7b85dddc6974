#include "cli/discover_window.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/wrap.h"

#define INDENT 11

/* It does something to a store of the plan, by itself. */
static bool is_job(const struct finding *f)
{
	return f->here && f->store[0] != '\0' && f->how <= HOW_CONFIGURED &&
	       f->runs.state != RUNS_NO_JOB;
}

static bool ends_by_then(const struct finding *f, const struct window *w)
{
	return f->here && f->ends_s != 0 && f->ends_s < w->to_s;
}

static void say_times(const struct runs *r, struct buf *out)
{
	char stamp[CLOCK_STAMP_BYTES];

	for (int i = 0; i < r->count; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", clock_date(r->at_s[i], stamp));
	if (r->more)
		buf_puts(out, " and more often");
}

void window_say_runs(const struct finding *f, struct buf *out)
{
	if (!f->here)
		return;
	switch (f->runs.state) {
	case RUNS_NO_JOB:
		break;
	case RUNS_NONE:
		buf_puts(out, "; not in the window");
		break;
	case RUNS_SOME:
		buf_puts(out, "; RUNS IN THE WINDOW");
		break;
	case RUNS_UNKNOWN:
		buf_printf(out, "; whether it runs in the window is not known: %s", f->runs.why);
		break;
	}
}

static void say_line(const char *word, const struct buf *text, struct buf *out)
{
	buf_printf(out, "%-10s ", word);
	wrap_text(out, buf_str(text), INDENT, INDENT);
}

static void say_one(const struct finding *f, const struct window *w, struct buf *out)
{
	BUF_AUTO text = BUF_INIT;

	if (f->store[0])
		buf_printf(&text, "%s %s: ", f->store, side_name(f->side));
	buf_printf(&text, "%s: %s", finding_id(f->kind), f->place);
	if (is_job(f) && f->runs.state == RUNS_SOME) {
		buf_puts(&text, " runs at ");
		say_times(&f->runs, &text);
		buf_puts(&text, ": stop it for the move, or choose another window");
		say_line("IN WINDOW", &text, out);
	} else if (is_job(f) && f->runs.state == RUNS_UNKNOWN) {
		buf_printf(&text, ": whether it runs in the window is not known: %s", f->runs.why);
		say_line("NOT KNOWN", &text, out);
	} else if (ends_by_then(f, w)) {
		buf_printf(&text, ": %s", f->what);
		say_line("IN WINDOW", &text, out);
	}
}

struct count {
	int64_t jobs, unknown, certificates;
};

static struct count count_of(const struct findings *f)
{
	struct count c = {0};

	for (size_t i = 0; i < f->count; i++) {
		c.jobs += is_job(&f->rows[i]) && f->rows[i].runs.state == RUNS_SOME;
		c.unknown += is_job(&f->rows[i]) && f->rows[i].runs.state == RUNS_UNKNOWN;
		c.certificates += ends_by_then(&f->rows[i], &f->window);
	}
	return c;
}

void window_say(const struct findings *f, struct buf *out)
{
	char from[CLOCK_STAMP_BYTES], to[CLOCK_STAMP_BYTES];
	const struct window *w = &f->window;
	struct count c = count_of(f);
	BUF_AUTO text = BUF_INIT;

	for (size_t i = 0; i < f->count; i++)
		say_one(&f->rows[i], w, out);
	buf_printf(&text,
		"%s to %s%s: jobs that run in it %" PRId64 ", of which it is not known %" PRId64
		", certificates that end by then %" PRId64 ".",
		clock_date(w->from_s, from), clock_date(w->to_s, to),
		w->given ? "" : " (the next 2 hours; --window FROM/TO names another)", c.jobs,
		c.unknown, c.certificates);
	say_line("window", &text, out);
}

json_t *window_json(const struct findings *f)
{
	struct count c = count_of(f);

	return json_pack("{s:I, s:I, s:b, s:I, s:I, s:I}", "from", (json_int_t)f->window.from_s,
		"to", (json_int_t)f->window.to_s, "given", f->window.given, "jobs",
		(json_int_t)c.jobs, "unknown", (json_int_t)c.unknown, "certificates",
		(json_int_t)c.certificates);
}

void window_add_json(json_t *object, const struct finding *f)
{
	const char *word = f->here ? runs_word(&f->runs) : NULL;
	json_t *at = json_array();

	for (int i = 0; f->here && i < f->runs.count; i++)
		json_array_append_new(at, json_integer((json_int_t)f->runs.at_s[i]));
	json_object_set_new(object, "in_window", word != NULL ? json_string(word) : json_null());
	json_object_set_new(object, "window_runs", at);
	json_object_set_new(object, "window_why",
		f->here && f->runs.state == RUNS_UNKNOWN ? json_string(f->runs.why) : json_null());
	json_object_set_new(
		object, "ends", f->ends_s != 0 ? json_integer((json_int_t)f->ends_s) : json_null());
}
