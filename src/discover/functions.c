#include "discover/functions.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "discover/writers.h"

static const char functions_sql[] =
	"SELECT n.nspname, p.proname, p.oid::text, p.prosecdef, l.lanname,"
	" left(CASE WHEN l.lanname = 'plpgsql' THEN pg_get_functiondef(p.oid) ELSE p.prosrc END, "
	"32769)"
	" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
	" JOIN pg_language l ON l.oid = p.prolang"
	" WHERE p.provolatile = 'v' AND p.prokind IN ('f', 'p') AND l.lanname NOT IN ('internal', "
	"'c')"
	"  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)"
	"  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'airlock', 'airlock_dba')"
	"  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass"
	"   AND d.objid = p.oid AND d.deptype = 'e')"
	" ORDER BY p.oid LIMIT 5001";

void functions_fini(struct functions *f)
{
	free(f->rows);
	*f = (struct functions){0};
}

static void judge(struct function *f, const char *language, const char *text)
{
	if (strcmp(language, "plpgsql") == 0)
		classify_plpgsql(text, strlen(text), &f->verdict);
	else if (strcmp(language, "sql") == 0 && *text != '\0')
		classify_sql(text, strlen(text), &f->verdict);
	else
		f->verdict = (struct sql_verdict){.cls = SQL_MAY_WRITE, .verb = "not understood"};
}

const struct function *functions_called(
	const struct functions *f, const struct sql_verdict *verdict)
{
	for (size_t c = 0; c < verdict->calls_count; c++)
		for (size_t i = 0; i < f->count; i++)
			if (f->rows[i].verdict.cls == SQL_WRITES &&
				strcmp(f->rows[i].name, verdict->calls[c]) == 0)
				return &f->rows[i];
	return NULL;
}

/* What calls one that writes, writes: until nothing changes any more. */
static void spread(struct functions *f)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < f->count; i++) {
			struct sql_verdict *v = &f->rows[i].verdict;
			const struct function *called;

			if (v->cls == SQL_WRITES)
				continue;
			called = functions_called(f, v);
			if (called == NULL)
				continue;
			v->cls = SQL_WRITES;
			memcpy(v->verb, called->verdict.verb, sizeof v->verb);
			changed = true;
		}
	}
}

int functions_load(struct pg *pg, int64_t deadline_ms, struct functions *f, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_exec(pg, deadline_ms, functions_sql, 0, NULL, &rows, err))
		return err_wrap(err, "the functions");
	functions_fini(f);
	f->loaded = true;
	f->cut = rows.rows > FUNCTIONS_MAX;
	f->count = f->cut ? FUNCTIONS_MAX : rows.rows;
	f->rows = calloc(f->count + 1, sizeof *f->rows);
	ENSURE(f->rows != NULL);
	for (size_t i = 0; i < f->count; i++) {
		struct function *one = &f->rows[i];

		FIELD(one->schema, "%s", pg_text(&rows, i, 0));
		FIELD(one->name, "%s", pg_text(&rows, i, 1));
		FIELD(one->oid, "%s", pg_text(&rows, i, 2));
		one->definer = pg_bool(&rows, i, 3);
		judge(one, pg_text(&rows, i, 4), pg_text(&rows, i, 5));
	}
	spread(f);
	return 0;
}

/* ---- readers that may execute one ------------------------------------------------------------ */

static const char executors_sql[] =
	"SELECT r.rolname FROM pg_roles r, pg_proc p WHERE p.oid = $1::oid AND r.rolcanlogin"
	" AND NOT r.rolsuper AND has_function_privilege(r.oid, p.oid, 'EXECUTE')"
	" AND has_schema_privilege(r.oid, p.pronamespace, 'USAGE') ORDER BY 1";

/* A role that services of the plan use to read the store, and none to write to it. */
static bool is_reader(const struct plan *plan, size_t store, const char *role)
{
	bool reads = false;

	for (size_t i = 0; i < plan->services_count; i++) {
		const struct plan_service *s = &plan->services[i];

		for (size_t m = 0; m < s->matches_count; m++) {
			if (s->matches[m].user == NULL || fnmatch(s->matches[m].user, role, 0) != 0)
				continue;
			for (size_t w = 0; w < s->writes_count; w++)
				if (s->writes[w] == store)
					return false;
			for (size_t r = 0; r < s->reads_count; r++)
				reads = reads || s->reads[r] == store;
		}
	}
	return reads;
}

static int tell(struct store_pg *store, enum side side, struct pg *pg, int64_t deadline_ms,
	const struct function *f, struct findings *findings, struct err *err)
{
	size_t index = (size_t)(store->plan_store - store->plan->stores);
	const char *params[] = {f->oid};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_exec(pg, deadline_ms, executors_sql, 1, params, &rows, err))
		return -1;
	for (size_t i = 0; i < rows.rows; i++) {
		struct finding one = {.kind = FOUND_FUNCTION, .how = HOW_CONFIGURED, .side = side};

		if (!is_reader(store->plan, index, pg_text(&rows, i, 0)))
			continue;
		FIELD(one.store, "%s", store->plan_store->name);
		FIELD(one.place, "function %s.%s", f->schema, f->name);
		FIELD(one.name, "%s", f->name);
		FIELD(one.user, "%s", pg_text(&rows, i, 0));
		FIELD(one.what, "%s (%s) with its owner's rights, and %s, a reader, may execute it",
			sql_class_name(f->verdict.cls), f->verdict.verb, one.user);
		findings_add(findings, &one);
	}
	return 0;
}

static void tell_hidden(
	struct store_pg *store, enum side side, const char *why, struct findings *findings)
{
	struct finding one = {.kind = FOUND_HIDDEN, .how = HOW_UNOBSERVABLE, .side = side};

	FIELD(one.store, "%s", store->plan_store->name);
	FIELD(one.place, "functions of %s", side_name(side));
	FIELD(one.what, "which of them write: %s", why);
	findings_add(findings, &one);
}

void functions_look(
	struct store_pg *store, enum side side, int64_t deadline_ms, struct findings *findings)
{
	struct functions f = {0};
	struct err err = ERR_INIT;
	struct pg *pg;
	int rc = pg_data(store, side, deadline_ms, &pg, &err);

	if (rc == 0)
		rc = functions_load(pg, deadline_ms, &f, &err);
	for (size_t i = 0; rc == 0 && i < f.count; i++)
		if (f.rows[i].definer && f.rows[i].verdict.cls != SQL_READS)
			rc = tell(store, side, pg, deadline_ms, &f.rows[i], findings, &err);
	if (rc != 0)
		tell_hidden(store, side, err.msg, findings);
	if (f.cut)
		tell_hidden(store, side, "there are more than are read (5000)", findings);
	functions_fini(&f);
}
