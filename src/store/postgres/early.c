#include "store/postgres/early.h"

#include "base/buf.h"
#include "base/check.h"

static const char *reader_at(const struct store_pg *s, size_t i)
{
	return plan_early_reader(s->plan, (size_t)(s->plan_store - s->plan->stores), i);
}

bool early_is_wanted(const struct store_pg *s)
{
	return reader_at(s, 0) != NULL;
}

/* An array literal: {"a","b"}. */
static void put_roles(const struct store_pg *s, struct buf *out)
{
	const char *role;

	buf_putc(out, '{');
	for (size_t i = 0; (role = reader_at(s, i)) != NULL; i++) {
		buf_puts(out, i > 0 ? ",\"" : "\"");
		for (; *role != '\0'; role++) {
			if (*role == '"' || *role == '\\')
				buf_putc(out, '\\');
			buf_putc(out, *role);
		}
		buf_putc(out, '"');
	}
	buf_putc(out, '}');
}

/* Both databases have what init-roles of this version installs. */
static int is_installed(
	struct store_pg *s, int64_t deadline_ms, bool *ret_installed, struct err *err)
{
	PG_ROWS_AUTO control_rows = PG_ROWS_INIT;
	PG_ROWS_AUTO data_rows = PG_ROWS_INIT;
	struct pg *control, *data;

	if (pg_control(s, SIDE_NEW, deadline_ms, &control, err) ||
		pg_exec(control, deadline_ms,
			"SELECT to_regprocedure('airlock.early_admit(text, text, name[])') IS NOT NULL",
			0, NULL, &control_rows, err) ||
		pg_data(s, SIDE_NEW, deadline_ms, &data, err) ||
		pg_exec(data, deadline_ms,
			"SELECT to_regprocedure('airlock.early_rights(name, boolean)') IS NOT NULL", 0,
			NULL, &data_rows, err))
		return -1;
	*ret_installed = pg_bool(&control_rows, 0, 0) && pg_bool(&data_rows, 0, 0);
	return 0;
}

/* *ret_skip: nothing of it is there, and nothing is wanted. */
static int need_installed(struct store_pg *s, int64_t deadline_ms, bool *ret_skip, struct err *err)
{
	bool installed;

	if (is_installed(s, deadline_ms, &installed, err))
		return -1;
	if (!installed && early_is_wanted(s))
		return err_set(err, ERR_RIGHTS,
			"early_reader: new has roles and functions of an older version: "
			"`airlock init-roles --print --side new` again");
	*ret_skip = !installed;
	return 0;
}

int early_rights(struct store_pg *s, const char *role, bool admitted, int64_t deadline_ms,
	struct pg_rows *ret_rows, struct err *err)
{
	const char *params[] = {role, admitted ? "false" : "true"};
	struct pg *pg;
	bool skip;

	if (need_installed(s, deadline_ms, &skip, err) ||
		pg_data(s, SIDE_NEW, deadline_ms, &pg, err))
		return -1;
	return pg_exec_kept(pg, deadline_ms, "SELECT what, fix FROM airlock.early_rights($1, $2)",
		2, params, ret_rows, err);
}

static const char seen_sql[] =
	"SELECT r.role, (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = g.dbname"
	"  AND a.usename = r.role), r.role = ANY ($3::name[])"
	" FROM airlock.register g, unnest(g.readers) AS r(role)"
	" WHERE g.plan = $1 AND g.store = $2 AND g.side = 'new' AND g.state = 'STANDBY' ORDER BY 1";

int early_seen(
	struct store_pg *s, int64_t deadline_ms, struct pg_rows *ret_rows, struct err *err)
{
	BUF_AUTO roles = BUF_INIT;
	const char *params[] = {s->plan->name, s->plan_store->name, NULL};
	struct pg *pg;
	bool skip;

	if (need_installed(s, deadline_ms, &skip, err))
		return -1;
	if (skip) {
		*ret_rows = PG_ROWS_INIT;
		return 0;
	}
	put_roles(s, &roles);
	params[2] = buf_str(&roles);
	if (pg_control(s, SIDE_NEW, deadline_ms, &pg, err))
		return -1;
	return pg_exec(pg, deadline_ms, seen_sql, 3, params, ret_rows, err);
}

int early_temp_withheld(
	struct store_pg *s, int64_t deadline_ms, bool *ret_withheld, struct err *err)
{
	const char *params[] = {s->plan->name, s->plan_store->name};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_control(s, SIDE_NEW, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT FROM airlock.register WHERE plan = $1 AND store = $2"
			" AND side = 'new' AND undo @> '[{\"privilege\": \"TEMPORARY\"}]'",
			2, params, &rows, err))
		return -1;
	*ret_withheld = rows.rows > 0;
	return 0;
}

static int may_not_write(
	struct store_pg *s, const char *role, bool admitted, int64_t deadline_ms, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (early_rights(s, role, admitted, deadline_ms, &rows, err))
		return -1;
	if (rows.rows == 0)
		return 0;
	return err_set(err, ERR_REFUSED,
		"%.63s, who reads new before it is promoted, could write there: %.200s%s; on new, "
		"and on old where it is the same there: %.200s;",
		role, pg_text(&rows, 0, 0), rows.rows > 1 ? " (and more)" : "",
		pg_text(&rows, 0, 1));
}

int early_refuse(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	for (size_t i = 0; reader_at(s, i) != NULL; i++)
		if (may_not_write(s, reader_at(s, i), false, deadline_ms, err))
			return -1;
	return 0;
}

/* ---- letting in and out ---------------------------------------------------------------------- */

static int for_guard(struct store_pg *s, const char *sql, int64_t deadline_ms, struct err *err)
{
	return pg_data_exec(s, SIDE_NEW, deadline_ms, sql, 0, NULL, NULL, err);
}

static int end_dismissed(
	struct store_pg *s, const char *roles, int64_t deadline_ms, struct err *err)
{
	struct pg *pg;

	if (pg_data(s, SIDE_NEW, deadline_ms, &pg, err))
		return -1;
	return pg_exec(pg, deadline_ms,
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		" WHERE datname = current_database() AND usename = ANY ($1::name[])",
		1, &roles, NULL, err);
}

static int admit(struct store_pg *s, const char *roles, int64_t deadline_ms, struct err *err)
{
	const char *params[] = {s->plan->name, s->plan_store->name, roles};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_control(s, SIDE_NEW, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms, "SELECT * FROM airlock.early_admit($1, $2, $3::name[])", 3,
			params, &rows, err))
		return err_wrap(err, "early readers of new");
	return end_dismissed(s, pg_text(&rows, 0, 1), deadline_ms, err);
}

int early_give_back(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	bool installed;

	if (is_installed(s, deadline_ms, &installed, err))
		return -1;
	return installed ? for_guard(s, "SELECT airlock.early_give_back($1, $2)", deadline_ms, err)
			 : 0;
}

int early_admit(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	BUF_AUTO roles = BUF_INIT;
	struct reg reg;
	bool skip;

	if (pg_register(s, SIDE_NEW, deadline_ms, &reg, err) ||
		need_installed(s, deadline_ms, &skip, err))
		return -1;
	if (skip || reg.state != REG_STANDBY || reg.final)
		return 0;
	/* First what is taken from PUBLIC, then the look: it must find nothing left. */
	if (early_is_wanted(s) &&
		for_guard(s, "SELECT airlock.early_withhold($1, $2)", deadline_ms, err))
		return -1;
	if (early_refuse(s, deadline_ms, err))
		return -1;
	put_roles(s, &roles);
	if (admit(s, buf_str(&roles), deadline_ms, err))
		return -1;
	return early_is_wanted(s) ? 0 : early_give_back(s, deadline_ms, err);
}

int early_dismiss(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	bool installed;

	if (is_installed(s, deadline_ms, &installed, err))
		return -1;
	return installed ? admit(s, "{}", deadline_ms, err) : 0;
}

int early_opened(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	struct reg reg;

	if (pg_register(s, SIDE_NEW, deadline_ms, &reg, err))
		return -1;
	return reg.state == REG_ACTIVE ? early_give_back(s, deadline_ms, err) : 0;
}

int early_check(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (early_seen(s, deadline_ms, &rows, err))
		return -1;
	for (size_t i = 0; i < rows.rows; i++) {
		const char *role = pg_text(&rows, i, 0);

		if (!pg_bool(&rows, i, 2))
			return err_set(err, ERR_REFUSED,
				"%s may enter new, which is shut, and the plan does not name it: "
				"`airlock sync` shuts it out",
				role);
		if (may_not_write(s, role, true, deadline_ms, err))
			return -1;
	}
	return 0;
}
