/*
 * rehearse.c - what the window does to registers, marker and link, done and taken back before the
 * hold.
 *
 * One statement for each connection, so that a controller that sleeps in the middle holds no lock: a
 * block that does it and then always raises, inside one that catches just that.  What was done could
 * become visible only by the inner block's end, which no path reaches.  Whatever else goes wrong
 * fails the statement as a whole.
 *
 * Rehearsed is only what a rollback takes back wholly.  Never sequences (setval is not rolled back)
 * and never the end of a session or of a walsender.
 */
#include "store/postgres/rehearse.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"

/*
 * While it waits for the database's row it holds the register's, for which the move of another
 * controller would have to wait (2 s at most): so it gives up much earlier.  A GRANT of a DBA lasts
 * a few ms; who holds the row for longer has left a transaction open.
 */
#define REHEARSE_LOCK_TIMEOUT "200ms"
/* It holds nothing while it waits for the guard, which a visit of an audit slot by `airlock guard`
 * locks for half a second, on a busy machine for longer: that is no reason to refuse. */
#define REHEARSE_GUARD_TIMEOUT "2s"
#define REHEARSE_TRIES_MAX 3
#define REHEARSE_PAUSE_US 20000

/* Variables outlive the rollback of what was done beside them. */
#define BEGIN_REHEARSAL                                                                            \
	" ga bigint; gp text; began boolean := true; shut boolean := true;"                        \
	" BEGIN PERFORM set_config('lock_timeout', '" REHEARSE_LOCK_TIMEOUT "', true);"            \
	" BEGIN"
#define END_REHEARSAL                                                                              \
	" RAISE EXCEPTION USING ERRCODE = 'AL002';"                                                \
	" EXCEPTION WHEN SQLSTATE 'AL002' THEN END;"                                               \
	" IF NOT began THEN RAISE EXCEPTION USING ERRCODE = 'AL003', MESSAGE ="                    \
	"  'the register does not stand where this attempt may begin'; END IF;"                    \
	" IF NOT shut THEN RAISE EXCEPTION USING ERRCODE = 'AL004', MESSAGE ="                     \
	"  'a role of the applications could still connect'; END IF; END"

/* Shut, let go, and given back: the way back of an abort is rehearsed as well.  `commit` reads the
 * door again, and is false where it would not be shut. */
static const char seal_sql[] = BEGIN_REHEARSAL
	" began := airlock.seal(p, s, sd, a, 3600000, '', 'rehearsal');"
	" shut := airlock.commit(p, s, sd, a, 0, 'rehearsal');"
	" PERFORM airlock.reopen(p, s, sd, a, 'COMMITTING', 'rehearsal');" END_REHEARSAL;

static const char promote_sql[] = BEGIN_REHEARSAL
	" began := airlock.promote(p, s, sd, a, 0, '', 'rehearsal');" END_REHEARSAL;

/* Effects in the migrated database ask for the guard at (a, held). */
#define MOVE_GUARD                                                                                 \
	" PERFORM set_config('lock_timeout', '" REHEARSE_GUARD_TIMEOUT "', true);"                 \
	" SELECT attempt, phase INTO ga, gp FROM airlock.guard WHERE plan = p AND store = s;"      \
	" PERFORM airlock.guard_move(p, s, ga, gp, a, 'held');"                                    \
	" PERFORM set_config('lock_timeout', '" REHEARSE_LOCK_TIMEOUT "', true);"

static const char mark_sql[] =
	BEGIN_REHEARSAL MOVE_GUARD " PERFORM airlock.mark(p, s, a, sd);" END_REHEARSAL;

static const char cut_sql[] = BEGIN_REHEARSAL MOVE_GUARD
	" PERFORM airlock.barrier(p, s, a); PERFORM airlock.cut(p, s, a, link);" END_REHEARSAL;

/* A row that is locked or changed names the transaction.  (GRANT gives its table's lock back at once,
 * so pg_locks alone does not show it.) */
#define HOLDER(rows)                                                                               \
	"SELECT CASE WHEN a.pid IS NULL THEN format('prepared transaction %s', x.gid)"             \
	"  ELSE format('pid %s (%s, %s), whose transaction is open for %s ms', a.pid, a.usename,"  \
	"   a.application_name,"                                                                   \
	"   round(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)) END"               \
	" FROM (" rows ") held JOIN pg_locks l ON l.locktype = 'transactionid' AND l.granted"      \
	"  AND l.transactionid = held.xmax"                                                        \
	" LEFT JOIN pg_stat_activity a ON a.pid = l.pid"                                           \
	" LEFT JOIN pg_prepared_xacts x ON x.transaction = held.xmax"                              \
	" WHERE a.pid IS NOT NULL OR x.gid IS NOT NULL LIMIT 1"

static const char door_holder_sql[] =
	HOLDER("SELECT xmax FROM airlock.register WHERE plan = $1 AND store = $2 AND side = $3"
	       " UNION ALL SELECT d.xmax FROM pg_database d, airlock.register r"
	       " WHERE d.datname = r.dbname AND plan = $1 AND store = $2 AND side = $3");
static const char guard_holder_sql[] =
	HOLDER("SELECT xmax FROM airlock.guard WHERE plan = $1 AND store = $2 AND $3 <> ''");

struct scene {
	const char *what;
	bool of_src, in_control;
	const char *sql;
	const char *needs, *holder_sql; /* the lock, where somebody else may hold it */
};

#define DOOR_LOCK "the register or who may connect to the database (an open GRANT?)"

static const struct scene scenes[] = {
	{"seal", true, true, seal_sql, DOOR_LOCK, door_holder_sql},
	{"promote", false, true, promote_sql, DOOR_LOCK, door_holder_sql},
	{"marker", true, false, mark_sql, "the guard or the marker", guard_holder_sql},
	{"cut", false, false, cut_sql, "the guard or the subscription", guard_holder_sql},
};

/* DO takes no parameters: its body is one literal, in which they are others. */
static void make_do(const struct store_pg *s, const struct scene *scene, enum side side,
	const struct store_call *call, struct buf *ret_sql)
{
	BUF_AUTO body = BUF_INIT;
	char a[INT_TEXT_BYTES];

	buf_puts(&body, "DECLARE p text := ");
	pg_quote_literal(&body, s->plan->name);
	buf_puts(&body, "; s text := ");
	pg_quote_literal(&body, s->plan_store->name);
	buf_printf(&body, "; sd text := '%s'; a bigint := %s; link text := '%s';%s",
		side_name(side), int_text(a, call->attempt), s->link[call->src], scene->sql);
	buf_puts(ret_sql, "DO ");
	pg_quote_literal(ret_sql, buf_str(&body));
}

static int blocked(struct store_pg *s, struct pg *pg, const struct scene *scene, enum side side,
	int64_t deadline_ms, struct err *err)
{
	const char *params[] = {s->plan->name, s->plan_store->name, side_name(side)};
	PG_ROWS_AUTO holder = PG_ROWS_INIT;

	if (pg_exec(pg, deadline_ms, scene->holder_sql, ARRAY_LEN(params), params, &holder, err))
		return -1;
	return err_set(err, ERR_BLOCKED, "%s would have to wait on %s: %s is locked by %s",
		scene->what, side_name(side), scene->needs,
		holder.rows > 0 ? pg_text(&holder, 0, 0) : "somebody who cannot be seen");
}

static int failed(struct store_pg *s, struct pg *pg, const struct scene *scene, enum side side,
	int64_t deadline_ms, struct err *err)
{
	if (err->code == ERR_BLOCKED)
		return blocked(s, pg, scene, side, deadline_ms, err);
	if (strcmp(err->sqlstate, "AL001") == 0 || strcmp(err->sqlstate, "AL003") == 0)
		err->code = ERR_LOST;
	if (strcmp(err->sqlstate, "AL004") == 0)
		err->code = ERR_REFUSED;
	return err_wrap(err, "%s, rehearsed on %s", scene->what, side_name(side));
}

static int rehearse(struct store_pg *s, const struct scene *scene, const struct store_call *call,
	struct err *err)
{
	enum side side = scene->of_src ? call->src : side_other(call->src);
	BUF_AUTO sql = BUF_INIT;
	struct pg *pg;

	make_do(s, scene, side, call, &sql);
	if (scene->in_control ? pg_control(s, side, call->deadline_ms, &pg, err)
			      : pg_data(s, side, call->deadline_ms, &pg, err))
		return -1;
	for (int tries = 1;; tries++) {
		struct err why = ERR_INIT;

		if (pg_exec(pg, call->deadline_ms, buf_str(&sql), 0, NULL, NULL, &why) == 0)
			return 0;
		if (!pg_move_may_retry(&why) || tries == REHEARSE_TRIES_MAX) {
			*err = why;
			return failed(s, pg, scene, side, call->deadline_ms, err);
		}
		env_pause(s->store.env, REHEARSE_PAUSE_US);
	}
}

int pg_rehearse(struct store_pg *s, const struct store_call *call, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		if (rehearse(s, &scenes[i], call, err))
			return -1;
	return 0;
}
