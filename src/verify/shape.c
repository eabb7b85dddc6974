#include "verify/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* What is used as it is: one value has one image, and the image decides equality.  Integers of 8
 * bytes are not here: the server folds them to 4 before it hashes (1 and 4294967296 collide). */
static const char *const as_it_is[] = {
	"int2", "int4", "bool", "oid", "char", "date", "bytea", "uuid", "text", "varchar"};

/* Bytes that do not depend on the server. */
static const struct {
	const char *type, *send;
} sends[] = {{"int8", "int8send"}, {"numeric", "numeric_send"}, {"float4", "float4send"},
	{"float8", "float8send"}, {"bpchar", "bpcharsend"}, {"timestamp", "timestamp_send"},
	{"timestamptz", "timestamptz_send"}, {"time", "time_send"}, {"timetz", "timetz_send"},
	{"interval", "interval_send"}, {"money", "cash_send"}};

static const char *const ordered[] = {"int2", "int4", "int8", "oid", "bool", "char", "date",
	"bytea", "uuid", "text", "varchar", "bpchar", "name", "numeric", "float4", "float8",
	"timestamp", "timestamptz", "time", "pg_lsn", "macaddr"};

static bool among(const char *const *list, size_t count, const char *word)
{
	for (size_t i = 0; word && i < count; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

bool shape_orders(const char *base)
{
	return among(ordered, ARRAY_LEN(ordered), base);
}

void shape_expression(struct buf *out, const char *ident, const char *base, bool plain)
{
	if (plain && among(as_it_is, ARRAY_LEN(as_it_is), base)) {
		buf_printf(out, "t.%s", ident);
		return;
	}
	for (size_t i = 0; plain && base && i < ARRAY_LEN(sends); i++)
		if (strcmp(sends[i].type, base) == 0) {
			buf_printf(out, "%s(t.%s)", sends[i].send, ident);
			return;
		}
	/* textsend: no nondeterministic collation may call two texts equal */
	buf_printf(out, "textsend(t.%s::text)", ident);
}

const char *method_name(enum method method)
{
	return method == METHOD_SERVER ? "server" : "bytes";
}

/* Columns: quoted name, type, base type in pg_catalog or null, deterministic, what orders its
 * texts ('' = not collatable, null = not known). */
static const char columns_sql[] =
	"WITH RECURSIVE base(num, typ) AS ("
	" SELECT attnum, atttypid FROM pg_attribute"
	"  WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped"
	" UNION ALL SELECT b.num, t.typbasetype FROM base b"
	"  JOIN pg_type t ON t.oid = b.typ WHERE t.typtype = 'd')"
	"SELECT quote_ident(a.attname), format_type(a.atttypid, -1),"
	" (SELECT t.typname FROM base b JOIN pg_type t ON t.oid = b.typ WHERE b.num = a.attnum"
	"   AND t.typtype <> 'd' AND t.typnamespace = 'pg_catalog'::regnamespace),"
	" coalesce(l.collisdeterministic, true),"
	" CASE WHEN l.oid IS NULL THEN ''"
	"  WHEN l.collname = 'default' THEN (SELECT CASE"
	"    WHEN d.datcollate IN ('C', 'POSIX') AND coalesce(j->>'datlocprovider', 'c') = 'c' THEN 'C'"
	"    WHEN d.datcollate ~ '^C[.]' AND coalesce(j->>'datlocprovider', 'c') = 'c' THEN d.datcollate"
	"    ELSE concat_ws('/', j->>'datlocprovider', d.datcollate, j->>'daticulocale',"
	"     j->>'datlocale') || '/' || %s END"
	"   FROM pg_database d, to_jsonb(d) j WHERE d.datname = current_database())"
	"  WHEN l.collcollate IN ('C', 'POSIX') THEN 'C'"
	"  ELSE concat_ws('/', l.collprovider, l.collname, l.collcollate) || '/'"
	"   || pg_collation_actual_version(l.oid) END"
	" FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation"
	" WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/* Unique keys without nulls, the primary one first, as lists of quoted names. */
static const char keys_sql[] =
	"SELECT string_agg(quote_ident(a.attname), ',' ORDER BY k.ord) FROM pg_index i"
	" CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(num, ord)"
	" JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num"
	" WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate"
	"  AND i.indpred IS NULL AND i.indexprs IS NULL AND k.ord <= i.indnkeyatts"
	" GROUP BY i.indexrelid, i.indisprimary, i.indisreplident, i.indnkeyatts"
	" HAVING bool_and(a.attnotnull) AND i.indnkeyatts <= 32"
	" ORDER BY i.indisprimary DESC, i.indisreplident DESC, i.indexrelid";

struct described {
	struct pg_rows columns[SIDE_COUNT], keys[SIDE_COUNT];
};

static int describe(struct pg *pg, const char *sql_name, int64_t deadline_ms,
	struct pg_rows *ret_columns, struct pg_rows *ret_keys, struct err *err)
{
	const char *params[] = {sql_name};
	BUF_AUTO sql = BUF_INIT;

	buf_printf(&sql, columns_sql,
		pg_server_version(pg) >= 150000 ? "pg_database_collation_actual_version(d.oid)"
						: "NULL");
	if (pg_exec(pg, deadline_ms, buf_str(&sql), 1, params, ret_columns, err) ||
		pg_exec(pg, deadline_ms, keys_sql, 1, params, ret_keys, err))
		return -1;
	return 0;
}

static size_t find(const struct pg_rows *rows, const char *ident)
{
	size_t i = 0;

	while (i < rows->rows && strcmp(pg_text(rows, i, 0), ident) != 0)
		i++;
	return i;
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static void add_key(struct shape *shape, const struct described *d, enum side src, size_t at)
{
	const struct pg_rows *mine = &d->columns[src], *theirs = &d->columns[side_other(src)];
	const char *ident = pg_text(mine, at, 0), *base = pg_text(mine, at, 2);
	size_t other = find(theirs, ident);
	struct shape_key *key = &shape->key[shape->keys++];
	BUF_AUTO order = BUF_INIT;
	bool agrees = same(pg_text(mine, at, 1), pg_text(theirs, other, 1)) && shape_orders(base);
	const char *collation = pg_text(mine, at, 4);

	key->ident = strdup(ident);
	key->type = strdup(agrees ? pg_text(mine, at, 1) : "text");
	if (agrees && same(collation, pg_text(theirs, other, 4))) {
		buf_printf(&order, "t.%s", ident);
	} else {
		buf_printf(&order, "t.%s%s COLLATE \"C\"", ident, agrees ? "" : "::text");
		shape->sorted = true;
	}
	key->order = buf_steal(&order);
}

/* The next quoted name of a list; a comma inside of quotes is a letter.  NULL at the end. */
static const char *next_name(const char *list, struct buf *ret)
{
	bool quoted = false;

	buf_clear(ret);
	if (*list == '\0')
		return NULL;
	for (; *list && (quoted || *list != ','); list++) {
		quoted ^= *list == '"';
		buf_putc(ret, *list);
	}
	return *list ? list + 1 : list;
}

/* The source's first key that the destination has too, in the order of its index. */
static void choose_key(struct shape *shape, const struct described *d, enum side src)
{
	const struct pg_rows *mine = &d->keys[src], *theirs = &d->keys[side_other(src)];
	BUF_AUTO name = BUF_INIT;
	size_t i = 0;

	while (i < mine->rows && find(theirs, pg_text(mine, i, 0)) == theirs->rows)
		i++;
	if (i == mine->rows)
		return;
	for (const char *at = next_name(pg_text(mine, i, 0), &name); at; at = next_name(at, &name))
		add_key(shape, d, src, find(&d->columns[src], buf_str(&name)));
}

static void add_column(const struct described *d, enum side src, size_t at,
	struct buf *fields, struct buf *texts)
{
	const struct pg_rows *mine = &d->columns[src], *theirs = &d->columns[side_other(src)];
	const char *ident = pg_text(mine, at, 0);
	size_t other = find(theirs, ident);
	bool plain = same(pg_text(mine, at, 1), pg_text(theirs, other, 1)) &&
		     pg_bool(mine, at, 3) && pg_bool(theirs, other, 3);

	buf_puts(fields, at ? ", " : "");
	shape_expression(fields, ident, pg_text(mine, at, 2), plain);
	buf_printf(texts, "%st.%s", at ? ", " : "", ident);
}

static bool is_integer(const char *type)
{
	return same(type, "bigint") || same(type, "integer") || same(type, "smallint");
}

/*
 * The server's record hash is linear in the hashes of the columns, so without more a value that two
 * rows exchanged would cancel out.  The key as seed makes every row's hash a function of its own; a
 * multiset's row is hashed once more as bytes.
 */
static void make_hash(struct shape *shape)
{
	BUF_AUTO hash = BUF_INIT;

	if (shape->keys == 0) {
		buf_printf(&hash,
			"hash_record_extended(ROW(int8send(hash_record_extended(ROW(%s), 0))), 0)",
			shape->fields);
	} else if (shape->keys == 1 && is_integer(shape->key[0].type)) {
		buf_printf(&hash, "hash_record_extended(ROW(%s), t.%s::bigint)", shape->fields,
			shape->key[0].ident);
	} else {
		buf_printf(&hash, "hash_record_extended(ROW(%s), hash_record_extended(ROW(",
			shape->fields);
		for (size_t i = 0; i < shape->keys; i++)
			buf_printf(&hash, "%stextsend(t.%s::text)", i ? ", " : "",
				shape->key[i].ident);
		buf_puts(&hash, "), 0))");
	}
	shape->hash = buf_steal(&hash);
}

static int same_columns(const struct described *d, enum side src, const char *name, struct err *err)
{
	for (int side = 0; side < SIDE_COUNT; side++) {
		const struct pg_rows *a = &d->columns[side], *b = &d->columns[1 - side];

		for (size_t i = 0; i < a->rows; i++)
			if (find(b, pg_text(a, i, 0)) == b->rows)
				return err_set(err, ERR_REFUSED,
					"%s: column %s is on %s only; make the schemas equal first",
					name, pg_text(a, i, 0), side_name((enum side)side));
	}
	if (d->columns[src].rows == 0)
		return err_set(err, ERR_REFUSED, "%s has no column to compare", name);
	return 0;
}

static int read_size(struct pg *pg, const char *sql_name, int64_t deadline_ms, struct shape *shape,
	struct err *err)
{
	const char *params[] = {sql_name};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_exec(pg, deadline_ms,
		    "SELECT greatest(reltuples, 0)::bigint,"
		    " pg_relation_size(oid) / current_setting('block_size')::bigint"
		    " FROM pg_class WHERE oid = $1::regclass",
		    1, params, &rows, err))
		return -1;
	shape->rows = pg_int(&rows, 0, 0);
	shape->pages = pg_int(&rows, 0, 1);
	return 0;
}

static int build(const struct described *d, enum side src, struct shape *shape, struct err *err)
{
	BUF_AUTO fields = BUF_INIT;
	BUF_AUTO texts = BUF_INIT;
	BUF_AUTO row = BUF_INIT;

	if (same_columns(d, src, shape->name, err))
		return -1;
	choose_key(shape, d, src);
	for (size_t i = 0; i < d->columns[src].rows; i++)
		add_column(d, src, i, &fields, &texts);
	buf_printf(&row, "ROW(%s)::text", buf_str(&texts));
	shape->fields = buf_steal(&fields);
	shape->row_text = buf_steal(&row);
	make_hash(shape);
	return 0;
}

int shape_read(struct pg *const side[SIDE_COUNT], enum side src, const char *sql_name,
	const char *name, int64_t deadline_ms, struct shape *ret, struct err *err)
{
	struct described d = {0};
	struct shape shape = {.name = strdup(name), .sql = strdup(sql_name)};
	int rc = 0;

	for (int i = 0; i < SIDE_COUNT && rc == 0; i++)
		rc = describe(side[i], sql_name, deadline_ms, &d.columns[i], &d.keys[i], err);
	if (rc == 0)
		rc = build(&d, src, &shape, err);
	if (rc == 0)
		rc = read_size(side[src], sql_name, deadline_ms, &shape, err);
	for (int i = 0; i < SIDE_COUNT; i++) {
		pg_rows_fini(&d.columns[i]);
		pg_rows_fini(&d.keys[i]);
	}
	if (rc)
		shape_fini(&shape);
	else
		*ret = shape;
	return rc ? err_wrap(err, "table %s", name) : 0;
}

void shape_fini(struct shape *shape)
{
	for (size_t i = 0; i < shape->keys; i++) {
		free(shape->key[i].ident);
		free(shape->key[i].type);
		free(shape->key[i].order);
	}
	free(shape->name);
	free(shape->sql);
	free(shape->hash);
	free(shape->fields);
	free(shape->row_text);
	*shape = (struct shape){0};
}

/* Every kind that goes into a record hash; the letters differ by server encoding. */
static const char probe_sql[] =
	"SELECT hash_record_extended(ROW(1::int2, 2::int4, true, 3::oid, 'x'::\"char\","
	" '2026-11-25'::date, '\\x00ff'::bytea, '00000000-0000-0000-0000-0000000000ff'::uuid,"
	" U&'\\00e9\\20ac'::text, 'v'::varchar, int8send(4294967296), numeric_send(1.00),"
	" float8send('-0'), interval_send('1 mon'), timestamptz_send('2026-11-25 00:00:00Z')),"
	" 81985529216486895)::text, current_setting('server_version_num')::int / 10000";

int shape_method(struct pg *const side[SIDE_COUNT], int64_t deadline_ms, enum method *ret,
	struct err *err)
{
	PG_ROWS_AUTO one = PG_ROWS_INIT;
	PG_ROWS_AUTO two = PG_ROWS_INIT;

	*ret = METHOD_BYTES;
	if (pg_exec(side[SIDE_OLD], deadline_ms, probe_sql, 0, NULL, &one, err) ||
		pg_exec(side[SIDE_NEW], deadline_ms, probe_sql, 0, NULL, &two, err)) {
		if (err->code != ERR_SQL)
			return -1;
		*err = ERR_INIT; /* no such function there, or no such letters */
		return 0;
	}
	if (same(pg_text(&one, 0, 0), pg_text(&two, 0, 0)) && pg_int(&one, 0, 1) == pg_int(&two, 0, 1))
		*ret = METHOD_SERVER;
	return 0;
}
