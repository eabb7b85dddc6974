/*
 * links.c - creating and dropping the parts of the two links: publications, slots, subscriptions.
 * Each is created once by sync and reused by every turn; only abandon and finalize drop it.
 */
#include <libpq-fe.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "store/postgres/driver.h"
#include "store/postgres/sync.h"

/* What moves: ordinary tables, leaves of partitioned ones included, of applications. */
#define TABLES_SQL                                                                                 \
	"SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "              \
	"c.relnamespace"                                                                           \
	" WHERE c.relkind = 'r' AND c.relpersistence = 'p'"                                        \
	"  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'airlock', 'airlock_dba')"    \
	"  AND n.nspname !~ '^pg_'"                                                                \
	"  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"         \
	"    AND d.objid = c.oid AND d.deptype = 'e')"                                             \
	" ORDER BY 1, 2"

static int read_tables(struct store_pg *s, enum side side, int64_t deadline_ms, struct pg_rows *ret,
	struct err *err)
{
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err))
		return -1;
	return pg_exec(pg, deadline_ms, TABLES_SQL, 0, NULL, ret, err);
}

int links_count_tables(
	struct store_pg *s, enum side side, int64_t deadline_ms, size_t *ret_count, struct err *err)
{
	PG_ROWS_AUTO tables = PG_ROWS_INIT;

	if (read_tables(s, side, deadline_ms, &tables, err))
		return -1;
	*ret_count = tables.rows;
	return 0;
}

static bool has_table(const struct pg_rows *tables, const char *schema, const char *name)
{
	for (size_t i = 0; i < tables->rows; i++)
		if (strcmp(pg_text(tables, i, 0), schema) == 0 &&
			strcmp(pg_text(tables, i, 1), name) == 0)
			return true;
	return false;
}

static int same_tables(
	const struct pg_rows *a, const struct pg_rows *b, enum side lacks, struct err *err)
{
	for (size_t i = 0; i < a->rows; i++)
		if (!has_table(b, pg_text(a, i, 0), pg_text(a, i, 1)))
			return err_set(err, ERR_REFUSED,
				"%s has no table %s.%s: copy the schema first, with pg_dump "
				"--schema-only of the other side into psql on %s",
				side_name(lacks), pg_text(a, i, 0), pg_text(a, i, 1),
				side_name(lacks));
	return 0;
}

static void publication_sql(struct buf *sql, const char *name, const struct pg_rows *tables)
{
	buf_puts(sql, "CREATE PUBLICATION ");
	pg_quote_ident(sql, name);
	buf_puts(sql, " FOR TABLE airlock.marker");
	for (size_t i = 0; i < tables->rows; i++) {
		buf_puts(sql, ", ONLY ");
		pg_quote_ident(sql, pg_text(tables, i, 0));
		buf_putc(sql, '.');
		pg_quote_ident(sql, pg_text(tables, i, 1));
	}
}

static int publish(struct store_pg *s, enum side side, const struct pg_rows *tables,
	int64_t deadline_ms, struct err *err)
{
	const char *params[] = {s->link[side]};
	PG_ROWS_AUTO there = PG_ROWS_INIT;
	BUF_AUTO sql = BUF_INIT;
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT count(t.*) FROM pg_publication p LEFT JOIN pg_publication_tables t"
			" ON t.pubname = p.pubname WHERE p.pubname = $1 GROUP BY p.oid",
			1, params, &there, err))
		return -1;
	if (there.rows > 0) {
		if ((size_t)pg_int(&there, 0, 0) == tables->rows + 1)
			return 0;
		return err_set(err, ERR_REFUSED,
			"publication %s on %s does not list the tables that are there now: "
			"`airlock abandon`, then sync again",
			s->link[side], side_name(side));
	}
	/* Attempts begin at 1 again, and the copy would carry an earlier migration's marker of the same
	 * number over: it would be there before anything had caught up. */
	if (pg_exec(pg, deadline_ms, "DELETE FROM airlock.marker", 0, NULL, NULL, err))
		return -1;
	publication_sql(&sql, s->link[side], tables);
	return pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, NULL, err);
}

/* A copy into a table that has rows would stop at the first duplicate, or double what has no key.
 */
static int refuse_rows(
	struct store_pg *s, const struct pg_rows *tables, int64_t deadline_ms, struct err *err)
{
	struct pg *pg;

	if (pg_data(s, SIDE_NEW, deadline_ms, &pg, err))
		return -1;
	for (size_t i = 0; i < tables->rows; i++) {
		PG_ROWS_AUTO any = PG_ROWS_INIT;
		BUF_AUTO sql = BUF_INIT;

		buf_puts(&sql, "SELECT FROM ONLY ");
		pg_quote_ident(&sql, pg_text(tables, i, 0));
		buf_putc(&sql, '.');
		pg_quote_ident(&sql, pg_text(tables, i, 1));
		buf_puts(&sql, " LIMIT 1");
		if (pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, &any, err))
			return -1;
		if (any.rows > 0)
			return err_set(err, ERR_REFUSED,
				"table %s.%s on new is not empty: TRUNCATE it there",
				pg_text(tables, i, 0), pg_text(tables, i, 1));
	}
	return 0;
}

static int both_tables(struct store_pg *s, int64_t deadline_ms, struct pg_rows *ret_old,
	struct pg_rows *ret_new, struct err *err)
{
	if (read_tables(s, SIDE_OLD, deadline_ms, ret_old, err) ||
		read_tables(s, SIDE_NEW, deadline_ms, ret_new, err))
		return -1;
	return same_tables(ret_old, ret_new, SIDE_NEW, err) ||
			       same_tables(ret_new, ret_old, SIDE_OLD, err)
		       ? -1
		       : 0;
}

int links_check_tables(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	PG_ROWS_AUTO old = PG_ROWS_INIT;
	PG_ROWS_AUTO new = PG_ROWS_INIT;
	enum link_seen seen;

	if (both_tables(s, deadline_ms, &old, &new, err) ||
		pg_link_seen(&s->store, SIDE_OLD, deadline_ms, &seen, err))
		return -1;
	return seen == LINK_UNSEEN ? refuse_rows(s, &new, deadline_ms, err) : 0;
}

int links_publish(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	PG_ROWS_AUTO old = PG_ROWS_INIT;
	PG_ROWS_AUTO new = PG_ROWS_INIT;

	if (both_tables(s, deadline_ms, &old, &new, err))
		return -1;
	if (publish(s, SIDE_OLD, &old, deadline_ms, err) ||
		publish(s, SIDE_NEW, &new, deadline_ms, err))
		return err_wrap(err, "publication");
	return 0;
}

int links_create_slot(struct store_pg *s, enum side side, const char *slot, const char *plugin,
	int64_t deadline_ms, struct err *err)
{
	const char *params[] = {slot, plugin};
	struct pg *pg;

	/* Waits for every transaction that is open on the cluster: outside any of ours. */
	if (pg_data(s, side, deadline_ms, &pg, err))
		return -1;
	if (pg_exec(pg, deadline_ms,
		    "SELECT pg_create_logical_replication_slot($1, $2)"
		    " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)",
		    2, params, NULL, err) == 0)
		return 0;
	if (err->code == ERR_TIMEOUT)
		return err_wrap(err,
			"slot %s on %s waits for a transaction that is open there (a prepared "
			"one?)",
			slot, side_name(side));
	return err_wrap(err, "slot %s on %s", slot, side_name(side));
}

/* The plan's conninfo as the other server uses it: as airlock_repl, without any password. */
static int link_conninfo(struct store_pg *s, enum side publisher, struct buf *out, struct err *err)
{
	PQconninfoOption *options = PQconninfoParse(s->side[publisher].conninfo, NULL);

	if (!options)
		return err_set(err, ERR_PLAN, "bad conninfo of %s", side_name(publisher));
	for (PQconninfoOption *o = options; o->keyword; o++) {
		if (!o->val || strcmp(o->keyword, "password") == 0 ||
			strcmp(o->keyword, "user") == 0)
			continue;
		buf_printf(out, "%s='", o->keyword);
		for (const char *c = o->val; *c; c++) {
			if (*c == '\'' || *c == '\\')
				buf_putc(out, '\\');
			buf_putc(out, *c);
		}
		buf_puts(out, "' ");
	}
	buf_puts(out, "user=airlock_repl");
	PQconninfoFree(options);
	return 0;
}

int links_subscribe(
	struct store_pg *s, enum side publisher, bool active, int64_t deadline_ms, struct err *err)
{
	enum side subscriber = side_other(publisher);
	const char *flag = active ? "true" : "false";
	BUF_AUTO conninfo = BUF_INIT;
	enum link_seen seen;
	struct pg *pg;

	if (pg_link_seen(&s->store, publisher, deadline_ms, &seen, err))
		return -1;
	if (seen != LINK_UNSEEN)
		return 0;
	if (link_conninfo(s, publisher, &conninfo, err) ||
		pg_data(s, subscriber, deadline_ms, &pg, err))
		return -1;

	const char *params[] = {s->link[publisher], buf_str(&conninfo), flag};

	if (pg_exec(pg, deadline_ms, "SELECT airlock_dba.link_create($1, $2, $3, $3)", 3, params,
		    NULL, err))
		return err_wrap(
			err, "subscription %s on %s", s->link[publisher], side_name(subscriber));
	return 0;
}

/* The subscription of publisher's link, and the slots that its table copies may have left on the
 * publisher (it lets go of its own slot, so it cannot drop these itself). */
static int drop_subscription(
	struct store_pg *s, enum side publisher, int64_t deadline_ms, struct err *err)
{
	const char *params[] = {s->link[publisher]};
	PG_ROWS_AUTO oid = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side_other(publisher), deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT u.oid FROM pg_subscription u JOIN pg_database d"
			" ON d.oid = u.subdbid WHERE u.subname = $1"
			" AND d.datname = current_database()",
			1, params, &oid, err))
		return -1;
	if (oid.rows == 0)
		return 0;
	if (pg_exec(pg, deadline_ms, "SELECT airlock_dba.link_drop($1)", 1, params, NULL, err))
		return -1;

	const char *sub[] = {pg_text(&oid, 0, 0)};

	if (pg_data(s, publisher, deadline_ms, &pg, err))
		return -1;
	return pg_exec(pg, deadline_ms,
		"SELECT pg_terminate_backend(active_pid, 2000), pg_drop_replication_slot(slot_name)"
		" FROM pg_replication_slots WHERE slot_name LIKE 'pg\\_' || $1 || '\\_sync\\_%'",
		1, sub, NULL, err);
}

static int drop_slot(
	struct store_pg *s, enum side side, const char *slot, int64_t deadline_ms, struct err *err)
{
	const char *params[] = {slot};

	for (;;) {
		bool sends = false;
		struct pg *pg;

		if (pg_sender_end(s, side, slot, deadline_ms, &sends, err) ||
			pg_data(s, side, deadline_ms, &pg, err))
			return -1;
		if (!sends)
			return pg_exec(pg, deadline_ms,
				"SELECT pg_drop_replication_slot(slot_name)"
				" FROM pg_replication_slots WHERE slot_name = $1",
				1, params, NULL, err);
		if (env_now_ms(s->store.env) >= deadline_ms)
			return err_set(err, ERR_TIMEOUT, "slot %s on %s is still in use", slot,
				side_name(side));
		env_pause(s->store.env, 5000);
	}
}

static int drop_publication(
	struct store_pg *s, enum side side, int64_t deadline_ms, struct err *err)
{
	BUF_AUTO sql = BUF_INIT;
	struct pg *pg;

	buf_puts(&sql, "DROP PUBLICATION IF EXISTS ");
	pg_quote_ident(&sql, s->link[side]);
	if (pg_data(s, side, deadline_ms, &pg, err))
		return -1;
	return pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, NULL, err);
}

static int drop_slots(struct store_pg *s, enum side side, int64_t deadline_ms, struct err *err)
{
	if (drop_slot(s, side, s->link[side], deadline_ms, err) ||
		drop_slot(s, side, s->audit[side], deadline_ms, err))
		return -1;
	return drop_publication(s, side, deadline_ms, err);
}

int links_drop(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	for (int side = 0; side < SIDE_COUNT; side++)
		if (ENV_STEP(s->store.env, side == SIDE_OLD ? "drop-link-old" : "drop-link-new",
			    drop_subscription(s, (enum side)side, deadline_ms, err)))
			return err_wrap(err, "dropping the links");
	for (int side = 0; side < SIDE_COUNT; side++)
		if (ENV_STEP(s->store.env, side == SIDE_OLD ? "drop-slots-old" : "drop-slots-new",
			    drop_slots(s, (enum side)side, deadline_ms, err)))
			return err_wrap(err, "dropping the links");
	return 0;
}
