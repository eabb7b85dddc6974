#include "verify/sequences.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"

/* ---- the rule -------------------------------------------------------------------------------- */

/* How many steps the shut one is ahead of the open one; 128 bits, for the span of a bigint. */
static __int128 lead_of(const struct sequence *open, const struct sequence *shut)
{
	__int128 used = (__int128)open->last - (open->called ? 0 : open->increment);

	return ((__int128)shut->last - used) / open->increment;
}

enum sequence_verdict sequence_judge(
	const struct sequence *open, const struct sequence *shut, const struct direction *direction)
{
	__int128 lead;

	if (shut == NULL)
		return SEQUENCE_MISSING;
	if (open->increment != shut->increment || open->cycles != shut->cycles)
		return SEQUENCE_STEPS;
	if (open->cycles)
		return SEQUENCE_FINE; /* numbers come again by design */
	if (!shut->called)
		return open->called ? SEQUENCE_BEHIND : SEQUENCE_FINE;
	lead = lead_of(open, shut);
	if (lead <= 0)
		return lead < 0 ? SEQUENCE_BEHIND : SEQUENCE_FINE;
	if (!direction->shut_was_open || (direction->undone && lead <= SEQUENCE_MARGIN))
		return SEQUENCE_AHEAD;
	return SEQUENCE_USED;
}

bool sequence_is_difference(enum sequence_verdict verdict)
{
	return verdict == SEQUENCE_USED || verdict == SEQUENCE_MISSING || verdict == SEQUENCE_STEPS;
}

/* ---- both sides ------------------------------------------------------------------------------ */

/* Values are read from each sequence itself: what pg_sequences says after RESTART is null. */
static const char query_sql[] =
	"SELECT coalesce(string_agg(format('SELECT %L::text, %s::bigint, %L::boolean, last_value,"
	" is_called FROM %I.%I', quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
	" s.seqincrement, s.seqcycle, n.nspname, c.relname), ' UNION ALL '),"
	" 'SELECT NULL::text, 0::bigint, false, 0::bigint, false WHERE false')"
	" FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid"
	" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't'"
	" AND n.nspname NOT IN ('airlock', 'airlock_dba')";

static int read_side(struct pg *pg, int64_t deadline_ms, struct pg_rows *ret, struct err *err)
{
	PG_ROWS_AUTO query = PG_ROWS_INIT;

	if (pg_exec(pg, deadline_ms, query_sql, 0, NULL, &query, err))
		return -1;
	return pg_exec(pg, deadline_ms, pg_text(&query, 0, 0), 0, NULL, ret, err);
}

static struct sequence sequence_at(const struct pg_rows *rows, size_t i)
{
	return (struct sequence){.increment = pg_int(rows, i, 1),
		.cycles = pg_bool(rows, i, 2),
		.last = pg_int(rows, i, 3),
		.called = pg_bool(rows, i, 4)};
}

static void name_it(struct sequences *s, const char *name, enum sequence_verdict verdict,
	const struct sequence *open, const struct sequence *shut, enum side src)
{
	const char *at = side_name(src), *other = side_name(side_other(src));
	BUF_AUTO why = BUF_INIT;

	if (s->named_count == SEQUENCES_NAMED_MAX)
		return;
	if (verdict == SEQUENCE_USED)
		buf_printf(&why,
			"%s stands at %" PRId64 ", but %s has handed out %" PRId64
			": %s will hand out numbers again; setval it on %s",
			at, open->last, other, shut->last, at, at);
	else if (verdict == SEQUENCE_MISSING)
		buf_printf(&why, "missing on %s", other);
	else
		buf_printf(&why, "other steps on %s, or only one of them cycles", other);
	s->named[s->named_count++] = (struct sequence_named){strdup(name), buf_steal(&why)};
}

static void take(struct sequences *s, const struct pg_rows *open_rows, size_t i,
	const struct pg_rows *shut_rows, const struct direction *direction)
{
	const char *name = pg_text(open_rows, i, 0);
	struct sequence open = sequence_at(open_rows, i), shut;
	enum sequence_verdict verdict;
	size_t k = 0;

	while (k < shut_rows->rows && strcmp(pg_text(shut_rows, k, 0), name) != 0)
		k++;
	if (k < shut_rows->rows)
		shut = sequence_at(shut_rows, k);
	verdict = sequence_judge(&open, k < shut_rows->rows ? &shut : NULL, direction);
	s->count[verdict]++;
	if (sequence_is_difference(verdict))
		name_it(s, name, verdict, &open, &shut, direction->src);
}

/* The shut side first: it stands still, and the open side only goes on. */
int sequences_compare(struct pg *const side[SIDE_COUNT], const struct direction *direction,
	int64_t deadline_ms, struct sequences *ret, struct err *err)
{
	PG_ROWS_AUTO open = PG_ROWS_INIT;
	PG_ROWS_AUTO shut = PG_ROWS_INIT;

	if (read_side(side[side_other(direction->src)], deadline_ms, &shut, err) ||
		read_side(side[direction->src], deadline_ms, &open, err))
		return err_wrap(err, "sequences");
	*ret = (struct sequences){.named_count = 0};
	for (size_t i = 0; i < open.rows; i++)
		take(ret, &open, i, &shut, direction);
	return 0;
}

int64_t sequences_total(const struct sequences *sequences)
{
	int64_t total = 0;

	for (int i = 0; i < SEQUENCE_VERDICT_COUNT; i++)
		total += sequences->count[i];
	return total;
}

int64_t sequences_different(const struct sequences *sequences)
{
	int64_t different = 0;

	for (int i = 0; i < SEQUENCE_VERDICT_COUNT; i++)
		if (sequence_is_difference((enum sequence_verdict)i))
			different += sequences->count[i];
	return different;
}

void sequences_fini(struct sequences *sequences)
{
	for (size_t i = 0; i < sequences->named_count; i++) {
		free(sequences->named[i].name);
		free(sequences->named[i].why);
	}
	sequences->named_count = 0;
}
