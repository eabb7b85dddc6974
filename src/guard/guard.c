#include "guard/guard.h"

#include "base/check.h"

static int64_t most_kept(const struct store_tended *tended)
{
	int64_t most = 0;

	for (size_t i = 0; i < tended->idle_count; i++)
		if (tended->idle[i].kept_bytes > most)
			most = tended->idle[i].kept_bytes;
	return most;
}

/* One that is visited lets go within a round or two, so only what lasts is told. */
static bool keeps_too_long(struct guard_watch *watch, const struct guard_view *view)
{
	bool keeps = most_kept(&view->tended) > watch->budgets->lag_bytes;

	if (keeps && !watch->keeps)
		watch->keeps_since_ms = view->seen_ms;
	watch->keeps = keeps;
	return keeps && view->seen_ms - watch->keeps_since_ms >= GUARD_KEEPS_MS;
}

static unsigned alarms_of(const struct guard_watch *watch, const struct guard_view *view)
{
	const struct store_tended *tended = &view->tended;
	unsigned alarms = tended->follows ? 0 : GUARD_CUT;

	if (tended->open == SIDE_NEW && view->behind_ms > watch->budgets->rollback_lag_ms)
		alarms |= GUARD_LATE;
	for (size_t i = 0; i < tended->idle_count; i++) {
		if (!tended->idle[i].usable)
			alarms |= GUARD_UNUSABLE;
		if (tended->idle[i].strays > 0)
			alarms |= GUARD_STRAY;
	}
	return alarms;
}

static void measure(struct guard_watch *watch, struct guard_view *view)
{
	const struct store_tended *tended = &view->tended;

	if (tended->open != watch->open)
		watch->lag = (struct lag){0};
	watch->open = tended->open;
	view->behind_bytes = (int64_t)(tended->log_end - tended->log_confirmed);
	view->behind_ms =
		lag_note(&watch->lag, tended->log_end, tended->log_confirmed, view->seen_ms);
}

void guard_round(struct guard_watch *watch, int64_t deadline_ms, struct guard_view *ret_view)
{
	struct guard_view view = {.why = ERR_INIT};

	view.at_rest = store_tend(watch->store, deadline_ms, &view.tended, &view.why) == 0;
	view.seen_ms = env_now_ms(watch->store->env);
	if (view.at_rest) {
		measure(watch, &view);
		view.alarms = alarms_of(watch, &view);
		if (keeps_too_long(watch, &view))
			view.alarms |= GUARD_KEEPS;
	} else if (view.why.code != ERR_LOST) {
		view.alarms = GUARD_BLIND;
	}
	*ret_view = view;
}

const char *guard_alarm_name(enum guard_alarm alarm)
{
	switch (alarm) {
	case GUARD_BLIND:
		return "blind";
	case GUARD_CUT:
		return "cut";
	case GUARD_LATE:
		return "late";
	case GUARD_STRAY:
		return "stray";
	case GUARD_UNUSABLE:
		return "unusable";
	case GUARD_KEEPS:
		return "keeps";
	}
	INVARIANT(!"an alarm");
	return "";
}
