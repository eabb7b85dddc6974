#include "action/action.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "action/child.h"
#include "base/check.h"
#include "base/clock.h"

/* Between two observations; what they ask need not be cheap. */
#define OBSERVE_PAUSE_MS 100

static int run(const struct action_call *call, char *const *argv, const char *of,
	struct child_end *ret_end, struct err *err)
{
	char side[32];
	const struct child_call child = {.argv = argv,
		.dir = call->dir,
		.env_add = side,
		.timeout_ms = call->action->timeout_ms};

	snprintf(side, sizeof side, "AIRLOCK_SIDE=%s", of);
	return child_run(&child, ret_end, err);
}

int action_observe(const struct action_call *call, bool *ret_done, struct err *err)
{
	const char *of = call->observe_side ? call->observe_side : call->side;
	struct child_end end;

	if (run(call, call->action->observe, of, &end, err))
		return err_wrap(err, "observing");
	/* 126, 127 and signals are a broken observation, not an answer. */
	if (end.status >= 126)
		return err_set(err, ERR_CANNOT, "observing: %s ended with %d: %s",
			call->action->observe[0], end.status, end.said);
	*ret_done = end.status == 0;
	return 0;
}

static void pause_ms(int64_t ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

/* Until the observation says `done`. */
static int await(const struct action_call *call, bool done, int64_t until_ms,
	const struct child_end *end, struct err *err)
{
	char *const *argv = done ? call->action->exec : call->action->undo;
	bool is_done = !done;

	for (;;) {
		if (action_observe(call, &is_done, err))
			return -1;
		if (is_done == done)
			return 0;
		if (clock_now_ms() >= until_ms)
			return err_set(err, ERR_TIMEOUT,
				"%s ended with %d, and the observation %s still says the contrary "
				"after %lld ms%s%s",
				argv[0], end->status, call->action->observe[0],
				(long long)call->action->timeout_ms, end->said[0] ? ": " : "",
				end->said);
		pause_ms(OBSERVE_PAUSE_MS);
	}
}

int action_make(const struct action_call *call, bool done, struct action_report *ret_report,
	struct err *err)
{
	char *const *argv = done ? call->action->exec : call->action->undo;
	int64_t began_ms = clock_now_ms();
	struct child_end end = {.status = -1};
	int rc;

	REQUIRE(argv != NULL);
	rc = run(call, argv, call->side, &end, err);
	if (rc == 0)
		rc = await(call, done, began_ms + call->action->timeout_ms, &end, err);
	if (ret_report) {
		*ret_report = (struct action_report){
			.status = end.status, .ms = clock_now_ms() - began_ms};
		snprintf(ret_report->output, sizeof ret_report->output, "%s", end.output);
	}
	return rc;
}

void action_words(struct buf *out, char *const *argv)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";

	for (size_t i = 0; argv && argv[i]; i++) {
		bool bare = argv[i][0] && strspn(argv[i], plain) == strlen(argv[i]);

		buf_puts(out, i ? " " : "");
		if (bare) {
			buf_puts(out, argv[i]);
			continue;
		}
		buf_putc(out, '\'');
		for (const char *c = argv[i]; *c; c++)
			if (*c == '\'')
				buf_puts(out, "'\\''");
			else
				buf_putc(out, *c);
		buf_putc(out, '\'');
	}
}
