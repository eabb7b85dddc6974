#include "store/postgres/roles.h"

#include "base/check.h"
#include "store/postgres/sql.h"

/* Whoever runs it for the first time should not have to read what was not there to be dropped. */
#define QUIET "SET client_min_messages = warning;\n"

static const char create_roles_sql[] =
	"DO $$\n"
	"DECLARE\n"
	"\tr name;\n"
	"BEGIN\n"
	"\tFOREACH r IN ARRAY ARRAY['airlock', 'airlock_repl', 'airlock_probe',"
	" 'airlock_probe_owner', 'airlock_gateway'] LOOP\n"
	"\t\tIF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN\n"
	"\t\t\tEXECUTE format('CREATE ROLE %I LOGIN', r);\n"
	"\t\tEND IF;\n"
	"\tEND LOOP;\n"
	"END $$;\n"
	"ALTER ROLE airlock_repl LOGIN REPLICATION NOSUPERUSER;\n"
	"ALTER ROLE airlock_gateway LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
	" NOBYPASSRLS NOINHERIT;\n"
	"GRANT pg_monitor, pg_signal_backend TO airlock;\n"
	"DO $$\n"
	"BEGIN\n"
	"\tIF current_setting('server_version_num')::int >= 140000 THEN\n"
	"\t\tGRANT pg_read_all_data TO airlock, airlock_repl;\n"
	"\tEND IF;\n"
	"END $$;\n";

/* The database's owner is looked up where the script runs. */
static void grants_sql(const struct store_pg *s, enum side side, int level, struct buf *out)
{
	BUF_AUTO db = BUF_INIT;
	BUF_AUTO literal = BUF_INIT;

	pg_quote_ident(&db, s->side[side].dbname);
	pg_quote_literal(&literal, s->side[side].dbname);
	buf_printf(
		out, "ALTER ROLE airlock LOGIN REPLICATION %sSUPERUSER;\n", level == 3 ? "" : "NO");
	buf_printf(out, "GRANT CONNECT ON DATABASE %s TO airlock, airlock_repl;\n", buf_str(&db));
	buf_printf(out,
		"DO $$\n"
		"DECLARE\n"
		"\to name;\n"
		"BEGIN\n"
		"\tSELECT r.rolname INTO o FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba\n"
		"\tWHERE d.datname = %s AND NOT r.rolsuper;\n"
		"\tIF FOUND THEN\n"
		"\t\tEXECUTE format('GRANT %%I TO airlock, airlock_probe_owner', o);\n"
		"\tEND IF;\n"
		"END $$;\n",
		buf_str(&literal));
}

static const char control_grants_sql[] =
	"REVOKE CONNECT ON DATABASE " CONTROL_DATABASE " FROM PUBLIC;\n"
	"GRANT CONNECT ON DATABASE " CONTROL_DATABASE " TO airlock, airlock_gateway;\n";

void roles_script(const struct store_pg *s, enum side side, int level, struct buf *out)
{
	REQUIRE(level == 2 || level == 3);
	buf_printf(out,
		"-- Airlock: roles and control objects for the %s side of store %s, rights level "
		"%d.\n"
		"-- Run by a superuser: psql -X -d postgres -f THIS_FILE.  Repeatable.\n"
		"-- Afterwards give airlock, airlock_repl, airlock_probe, airlock_probe_owner "
		"and,\n"
		"-- where there is a gateway, airlock_gateway a way to log in (\\password, or\n"
		"-- certificates).  airlock_gateway is for database " CONTROL_DATABASE
		" alone: where PUBLIC may\n"
		"-- CONNECT to other databases, say so in pg_hba.conf, above the general lines:\n"
		"--   host " CONTROL_DATABASE " airlock_gateway ADDRESS scram-sha-256\n"
		"--   host all airlock_gateway all reject\n"
		"\\set ON_ERROR_STOP on\n" QUIET,
		side_name(side), s->plan_store->name, level);
	buf_puts(out, create_roles_sql);
	grants_sql(s, side, level, out);
	buf_puts(out, "SELECT 'CREATE DATABASE " CONTROL_DATABASE " OWNER airlock'\n"
		      "WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = "
		      "'" CONTROL_DATABASE "') \\gexec\n");
	buf_puts(out, control_grants_sql);
	buf_puts(out, "\\connect " CONTROL_DATABASE "\n" QUIET);
	buf_puts(out, sql_control);
	buf_puts(out, sql_gateway);
	buf_puts(out, "\\connect ");
	pg_quote_ident(out, s->side[side].dbname);
	buf_puts(out, "\n" QUIET);
	buf_puts(out, sql_migrated);
}

static int apply_in(struct store_pg *s, enum side side, const char *user, const char *dbname,
	const char *sql, int64_t deadline_ms, struct err *err)
{
	struct pg_target target = {
		.conninfo = s->side[side].conninfo, .user = user, .dbname = dbname};
	PG_AUTO pg = NULL;

	if (pg_open(&pg, &target, deadline_ms, err))
		return err_wrap(err, "%s", side_name(side));
	return pg_exec(pg, deadline_ms, sql, 0, NULL, NULL, err);
}

static int create_control(
	struct store_pg *s, enum side side, const char *user, int64_t deadline_ms, struct err *err)
{
	struct pg_target target = {
		.conninfo = s->side[side].conninfo, .user = user, .dbname = "postgres"};
	PG_ROWS_AUTO there = PG_ROWS_INIT;
	PG_AUTO pg = NULL;

	if (pg_open(&pg, &target, deadline_ms, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT FROM pg_database WHERE datname = '" CONTROL_DATABASE "'", 0, NULL,
			&there, err))
		return -1;
	if (there.rows == 0 &&
		pg_exec(pg, deadline_ms, "CREATE DATABASE " CONTROL_DATABASE " OWNER airlock", 0,
			NULL, NULL, err))
		return -1;
	return pg_exec(pg, deadline_ms, control_grants_sql, 0, NULL, NULL, err);
}

int roles_apply(struct store_pg *s, enum side side, int level, const char *user,
	int64_t deadline_ms, struct err *err)
{
	BUF_AUTO sql = BUF_INIT;

	REQUIRE(level == 2 || level == 3);
	buf_puts(&sql, create_roles_sql);
	grants_sql(s, side, level, &sql);
	if (apply_in(s, side, user, "postgres", buf_str(&sql), deadline_ms, err) ||
		create_control(s, side, user, deadline_ms, err) ||
		apply_in(s, side, user, CONTROL_DATABASE, sql_control, deadline_ms, err) ||
		apply_in(s, side, user, CONTROL_DATABASE, sql_gateway, deadline_ms, err))
		return -1;
	return apply_in(s, side, user, s->side[side].dbname, sql_migrated, deadline_ms, err);
}

int roles_level(
	struct store_pg *s, enum side side, int64_t deadline_ms, int *ret_level, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT CASE WHEN r.rolsuper THEN 3"
			" WHEN NOT r.rolreplication THEN 0"
			" WHEN to_regprocedure('airlock_dba.link_set(text, boolean)') IS NOT NULL"
			"  AND has_function_privilege('airlock_dba.link_set(text, boolean)',"
			"   'EXECUTE') THEN 2 ELSE 1 END"
			" FROM pg_roles r WHERE r.rolname = current_user",
			0, NULL, &rows, err))
		return -1;
	*ret_level = (int)pg_int(&rows, 0, 0);
	return 0;
}
