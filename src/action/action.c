#include "action/action.h"

#include <stdio.h>
#include <time.h>

#include "action/child.h"
#include "base/check.h"
#include "base/clock.h"

/* Between two observations; what they ask need not be cheap. */
#define OBSERVE_PAUSE_MS 100

static int run(const struct action_call *call, char *const *argv, int64_t timeout_ms,
	struct child_end *ret_end, struct err *err)
{
	char side[32];
	const struct child_call child = {
		.argv = argv, .dir = call->dir, .env_add = side, .timeout_ms = timeout_ms};

	snprintf(side, sizeof side, "AIRLOCK_SIDE=%s", call->side);
	return child_run(&child, ret_end, err);
}

int action_observe(const struct action_call *call, bool *ret_done, struct err *err)
{
	struct child_end end;

	if (run(call, call->action->observe, call->action->timeout_ms, &end, err))
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

int action_make(const struct action_call *call, bool done, struct err *err)
{
	char *const *argv = done ? call->action->exec : call->action->undo;
	int64_t until_ms = clock_now_ms() + call->action->timeout_ms;
	struct child_end end;
	bool is_done = !done;

	REQUIRE(argv != NULL);
	if (run(call, argv, call->action->timeout_ms, &end, err))
		return -1;
	for (;;) {
		if (action_observe(call, &is_done, err))
			return -1;
		if (is_done == done)
			return 0;
		if (clock_now_ms() >= until_ms)
			return err_set(err, ERR_TIMEOUT,
				"%s ended with %d, and the observation %s still says the contrary "
				"after %lld ms%s%s",
				argv[0], end.status, call->action->observe[0],
				(long long)call->action->timeout_ms, end.said[0] ? ": " : "",
				end.said);
		pause_ms(OBSERVE_PAUSE_MS);
	}
}
