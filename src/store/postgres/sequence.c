/*
 * sequence.c - sequences are not replicated: inside the hold every one of the destination is moved
 * to or past the source's, ownerless ones too, in the direction of its increment.
 *
 * They are read with the marker, when nobody can draw any more, and moved while it travels and the
 * link is cut, on a connection of their own.
 *
 * Values are read from each sequence itself, in one statement prepared before the hold; never from
 * pg_sequences, which says NULL after RESTART.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "store/postgres/driver.h"

static const char list_sql[] =
	"SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind = 'S' AND c.relpersistence <> 't'"
	"  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'airlock', 'airlock_dba')"
	" ORDER BY 1, 2";

static const char setvals_sql[] = "SELECT airlock.setvals($1, $2, $3, $4, $5)";

static void add_sequence(struct buf *sql, const char *schema, const char *name)
{
	BUF_AUTO qualified = BUF_INIT;

	pg_quote_ident(&qualified, schema);
	buf_putc(&qualified, '.');
	pg_quote_ident(&qualified, name);
	buf_puts(sql, sql->len ? " UNION ALL SELECT " : "SELECT ");
	pg_quote_literal(sql, buf_str(&qualified));
	buf_printf(sql, "::text n, last_value v, is_called c FROM %s", buf_str(&qualified));
}

static int make_sql(struct store_pg *s, const struct pg_rows *names)
{
	BUF_AUTO one = BUF_INIT;
	BUF_AUTO sql = BUF_INIT;

	for (size_t i = 0; i < names->rows; i++)
		add_sequence(&one, pg_text(names, i, 0), pg_text(names, i, 1));
	if (names->rows == 0)
		buf_puts(&sql, "SELECT '[]'::text");
	else
		buf_printf(&sql,
			"SELECT jsonb_agg(jsonb_build_object('n', n, 'v', v, 'c', c))::text"
			" FROM (%s) x",
			buf_str(&one));
	free(s->sequence_sql);
	s->sequence_sql = buf_steal(&sql);
	return 0;
}

static int prepare_read(
	struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	PG_ROWS_AUTO names = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, src, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms, list_sql, 0, NULL, &names, err) || make_sql(s, &names))
		return -1;
	if (s->side[src].prepared &&
		pg_exec(pg, deadline_ms, "DEALLOCATE airlock_sequences", 0, NULL, NULL, err))
		return -1;
	s->side[src].prepared = false;
	if (pg_prepare(pg, deadline_ms, "airlock_sequences", s->sequence_sql, err))
		return err_wrap(err, "sequences of %s", side_name(src));
	s->side[src].prepared = true;
	return 0;
}

int pg_sequences_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	struct pg *pg;

	if (prepare_read(s, src, deadline_ms, err) ||
		pg_beside(s, side_other(src), deadline_ms, &pg, err) ||
		pg_keep(pg, deadline_ms, setvals_sql, 5, err))
		return -1;
	return 0;
}

int pg_sequences_read(struct store_pg *s, const struct store_call *call, struct err *err)
{
	PG_ROWS_AUTO values = PG_ROWS_INIT;
	struct pg *pg;

	/* The connection may have broken since arm; a slower window beats a failed one. */
	if (pg_data(s, call->src, call->deadline_ms, &pg, err) ||
		(!s->side[call->src].prepared &&
			prepare_read(s, call->src, call->deadline_ms, err)) ||
		pg_exec_prepared(pg, call->deadline_ms, "airlock_sequences", 0, NULL, &values, err))
		return -1;
	free(s->sequence_values);
	s->sequence_values = strdup(pg_text(&values, 0, 0));
	ENSURE(s->sequence_values != NULL);
	s->sequence_attempt = call->attempt;
	return 0;
}

int pg_sequences(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);
	char a[INT_TEXT_BYTES], margin[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), s->sequence_values,
		int_text(margin, SEQUENCE_MARGIN)};

	if (!s->sequence_values || s->sequence_attempt != call->attempt)
		return err_set(err, ERR_LOST, "attempt %lld has written no marker on %s",
			(long long)call->attempt, side_name(call->src));
	return pg_beside_exec(s, side_other(call->src), call->deadline_ms, setvals_sql, 3, params,
		NULL, err);
}
