#include "discover/reconcile.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

static bool is_of(const struct writer *w, const struct plan *plan, size_t store, enum side side)
{
	return w->here && w->side == side && strcmp(w->store, plan->stores[store].name) == 0;
}

static struct finding begun(const struct plan *plan, size_t store, enum side side,
	enum finding_kind kind, enum finding_how how)
{
	struct finding one = {.kind = kind, .how = how, .side = side};

	FIELD(one.store, "%s", plan->stores[store].name);
	return one;
}

/* ---- somebody unseen ------------------------------------------------------------------------- */

static void tell_unseen(const struct plan *plan, size_t store, enum side side,
	const struct writers *w, bool told, struct findings *f)
{
	bool explained = told || writers_explain(plan, store, side, w);
	struct finding one =
		begun(plan, store, side, FOUND_UNSEEN, explained ? HOW_UNOBSERVABLE : HOW_SEEN);

	if (w->counted.unseen == 0 && (w->counted.rows == 0 || explained))
		return;
	if (w->counted.rows == 0)
		one.how = HOW_UNOBSERVABLE;
	FIELD(one.place, "counters of the server");
	FIELD(one.what,
		"%" PRId64 " of %" PRId64 " new sessions came and went between two looks; "
		"meanwhile %" PRId64 " rows were written%s",
		w->counted.unseen, w->counted.sessions, w->counted.rows,
		w->counted.rows == 0 ? ""
		: !explained	     ? ", and nobody was seen who could have written them"
		: told		     ? ", by the roles that pg_stat_statements names"
				     : ": by whom of those seen and unseen is not observable");
	findings_add(f, &one);
}

/* ---- poolers --------------------------------------------------------------------------------- */

static const char *pooler_in(const char *text)
{
	static const char *const names[] = {
		"pgbouncer", "odyssey", "pgpool", "pgcat", "pgagroal", "supavisor", "pgdog"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasestr(text, names[i]) != NULL)
			return names[i];
	return NULL;
}

static void tell_pooler(
	const struct plan *plan, size_t store, const struct writer *w, struct findings *f)
{
	const char *pooler = pooler_in(w->application);
	struct finding one = begun(plan, store, w->side, FOUND_POOLER, HOW_UNOBSERVABLE);

	if (pooler == NULL)
		pooler = pooler_in(w->process);
	if (pooler == NULL)
		return;
	FIELD(one.place, "sessions of %s from %s (%s)", w->user, w->address,
		w->application[0] ? w->application : "no application name");
	FIELD(one.user, "%s", w->user);
	FIELD(one.application, "%s", w->application);
	FIELD(one.address, "%s", w->address);
	FIELD(one.process, "%s", w->process);
	FIELD(one.what, "behind %s: who is behind it is not observable here (SHOW CLIENTS there)",
		pooler);
	findings_add(f, &one);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void tell_names(
	const struct plan *plan, size_t store, const struct writer *w, struct findings *f)
{
	struct finding one = begun(plan, store, w->side, FOUND_NAMES, HOW_SEEN);
	size_t count = 1;

	if (w->also[0] == '\0')
		return;
	for (const char *c = w->also; *c != '\0'; c++)
		count += *c == '\n';
	FIELD(one.place, "sessions of %s from %s", w->user, w->address);
	FIELD(one.user, "%s", w->user);
	FIELD(one.application, "%s", w->application);
	FIELD(one.address, "%s", w->address);
	FIELD(one.process, "%s", w->process);
	FIELD(one.what, "one session by %zu application names, first '%s': it is one writer", count,
		w->application);
	findings_add(f, &one);
}

void reconcile(const struct plan *plan, size_t store, enum side side, const struct writers *w,
	bool told, struct findings *f)
{
	f->sessions_new += w->counted.sessions;
	f->sessions_unseen += w->counted.unseen;
	f->rows_written += w->counted.rows;
	tell_unseen(plan, store, side, w, told, f);
	for (size_t i = 0; i < w->count; i++) {
		if (!is_of(&w->rows[i], plan, store, side))
			continue;
		tell_pooler(plan, store, &w->rows[i], f);
		tell_names(plan, store, &w->rows[i], f);
	}
}
