#include "store/postgres/leave.h"

#include <string.h>

#include "base/check.h"
#include "store/postgres/sql.h"

#define OURS                                                                                       \
	"ARRAY['airlock', 'airlock_repl', 'airlock_probe', 'airlock_probe_owner',"                 \
	" 'airlock_gateway']::name[]"

int pg_left(struct store_pg *s, enum side side, int64_t deadline_ms, struct buf *out,
	bool *ret_shut, struct err *err)
{
	static const char sql[] =
		"SELECT coalesce(string_agg(what, ', ' ORDER BY rank, what), ''), NOT EXISTS ("
		" SELECT FROM pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper"
		"  AND r.rolname <> ALL (" OURS ")"
		"  AND has_database_privilege(r.oid, current_database(), 'CONNECT')) FROM ("
		"SELECT 1 AS rank, 'slot ' || slot_name AS what FROM pg_replication_slots"
		" WHERE database = current_database() AND slot_name LIKE 'airlock\\_%'"
		" UNION ALL SELECT 2, 'subscription ' || subname FROM pg_subscription"
		" WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
		" AND subname LIKE 'airlock\\_%'"
		" UNION ALL SELECT 3, 'publication ' || pubname FROM pg_publication"
		" WHERE pubname LIKE 'airlock\\_%'"
		" UNION ALL SELECT 4, 'event trigger ' || evtname FROM pg_event_trigger"
		" WHERE evtname LIKE 'airlock\\_%'"
		" UNION ALL SELECT 5, 'schema ' || nspname FROM pg_namespace"
		" WHERE nspname IN ('airlock', 'airlock_dba')"
		" UNION ALL SELECT 6, 'database ' || datname FROM pg_database"
		" WHERE datname = '" CONTROL_DATABASE "'"
		" UNION ALL SELECT 7, 'role ' || rolname FROM pg_roles"
		" WHERE rolname = ANY (" OURS ")) AS found";
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms, sql, 0, NULL, &rows, err))
		return -1;
	buf_puts(out, pg_text(&rows, 0, 0));
	*ret_shut = pg_bool(&rows, 0, 1);
	return 0;
}

/* ---- the script ------------------------------------------------------------------------------ */

static const char head_sql[] =
	"-- Run by a superuser, when clients no longer pass through a gateway: without registers "
	"it\n"
	"-- takes old for the side that serves.  psql -X -d postgres -f THIS_FILE.  Repeatable.\n"
	"-- CONNECT is not given back: a side that was shut stays shut.\n"
	"\\set ON_ERROR_STOP on\n"
	"SET client_min_messages = warning;\n"
	"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '" CONTROL_DATABASE
	"') AS registers \\gset\n"
	"\\if :registers\n"
	"\\connect " CONTROL_DATABASE "\n";

/* What is owned beyond our own schemas would go with DROP OWNED: an application's table that
 * somebody made with our login. */
static const char migrated_sql[] =
	"SET client_min_messages = warning;\n"
	"BEGIN;\n"
	"DROP EVENT TRIGGER IF EXISTS airlock_freeze;\n"
	"DROP EVENT TRIGGER IF EXISTS airlock_freeze_drop;\n"
	"DROP SCHEMA IF EXISTS airlock, airlock_dba CASCADE;\n"
	"DO $$\n"
	"DECLARE\n"
	"\tr name;\n"
	"\tkept text;\n"
	"BEGIN\n"
	"\tSELECT string_agg(pg_describe_object(d.classid, d.objid, d.objsubid), ', ') INTO kept\n"
	"\tFROM pg_shdepend d\n"
	"\tWHERE d.deptype = 'o' AND d.refclassid = 'pg_authid'::regclass AND d.dbid =\n"
	"\t\t(SELECT oid FROM pg_database WHERE datname = current_database())\n"
	"\t\tAND d.refobjid IN (SELECT oid FROM pg_roles WHERE rolname = ANY (" OURS "));\n"
	"\tIF kept IS NOT NULL THEN\n"
	"\t\tRAISE EXCEPTION 'a role of Airlock owns % in database %', kept, "
	"current_database()\n"
	"\t\t\tUSING HINT = 'Give it to the application: ALTER ... OWNER TO.  Nothing was "
	"changed.';\n"
	"\tEND IF;\n"
	"\tFOR r IN SELECT rolname FROM pg_roles WHERE rolname = ANY (" OURS ") LOOP\n"
	"\t\tEXECUTE format('DROP OWNED BY %I', r);\n"
	"\tEND LOOP;\n"
	"END $$;\n"
	"COMMIT;\n";

/* A database where `init-roles` was run counts as one that uses them. */
static const char last_sql[] =
	"SELECT NOT EXISTS (SELECT FROM airlock.register) AS last \\gset\n"
	"\\else\n"
	"\\set last true\n"
	"\\endif\n"
	"\\connect postgres\n"
	"SELECT :'last' AND NOT EXISTS (SELECT FROM pg_shdepend d JOIN pg_database b ON b.oid = "
	"d.dbid\n"
	"\tWHERE b.datname NOT IN ('" CONTROL_DATABASE "', 'postgres')\n"
	"\tAND d.refclassid = 'pg_authid'::regclass AND d.refobjid IN\n"
	"\t(SELECT oid FROM pg_roles WHERE rolname = ANY (" OURS "))) AS last \\gset\n"
	"SET client_min_messages = warning;\n"
	"\\if :last\n"
	"DROP DATABASE IF EXISTS " CONTROL_DATABASE ";\n"
	"DO $$\n"
	"DECLARE\n"
	"\tr name;\n"
	"BEGIN\n"
	"\tFOR r IN SELECT rolname FROM pg_roles WHERE rolname = ANY (" OURS ") LOOP\n"
	"\t\tEXECUTE format('DROP OWNED BY %I', r);\n"
	"\t\tEXECUTE format('DROP ROLE %I', r);\n"
	"\tEND LOOP;\n"
	"END $$;\n"
	"\\else\n"
	"\\echo 'other databases here are in use by Airlock: its roles and "
	"database " CONTROL_DATABASE " stay for them'\n"
	"\\endif\n";

void leave_script(const struct store_pg *s, enum side side, struct buf *out)
{
	BUF_AUTO dbname = BUF_INIT;

	REQUIRE(side == SIDE_OLD || side == SIDE_NEW);
	pg_quote_literal(&dbname, s->side[side].dbname);
	buf_printf(out, "-- Airlock: takes away what is left of it on the %s side of store %s.\n",
		side_name(side), s->plan_store->name);
	buf_puts(out, head_sql);
	/* Of any plan: the new side of one migration may be the old side of the next. */
	buf_printf(out,
		"DO $airlock$\nBEGIN\n\tIF EXISTS (SELECT FROM airlock.register\n"
		"\t\tWHERE dbname = %s AND finalized IS NULL) THEN\n"
		"\t\tRAISE EXCEPTION 'a migration of this database stands open: airlock finalize, "
		"or airlock abandon, first';\n\tEND IF;\nEND $airlock$;\n\\endif\n\\connect ",
		buf_str(&dbname));
	pg_quote_ident(out, s->side[side].dbname);
	buf_putc(out, '\n');
	buf_puts(out, migrated_sql);
	buf_printf(out,
		"\\if :registers\n\\connect " CONTROL_DATABASE "\n"
		"DELETE FROM airlock.register WHERE dbname = %s;\n",
		buf_str(&dbname));
	buf_puts(out, last_sql);
}
