#include "verify/look.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/check.h"
#include "base/grow.h"

/* ---- keys and listings --------------------------------------------------------------------- */

struct bound bound_copy(const char *bytes, size_t len)
{
	struct bound bound = {.len = len};

	if (!bytes)
		return bound;
	bound.bytes = malloc(len + 1);
	REQUIRE(bound.bytes != NULL);
	memcpy(bound.bytes, bytes, len);
	return bound;
}

void bound_fini(struct bound *bound)
{
	free(bound->bytes);
	*bound = (struct bound){0};
}

void listing_fini(struct listing *listing)
{
	buf_fini(&listing->keys);
	free(listing->seen);
	*listing = (struct listing){0};
}

const char *listing_key(const struct listing *listing, const struct seen *seen)
{
	return listing->keys.data + seen->key_at;
}

void listing_add(struct listing *listing, const char *key, size_t len, const uint64_t hash[2],
	uint64_t version)
{
	listing->seen = grow(listing->seen, listing->count, &listing->cap, sizeof *listing->seen);
	listing->seen[listing->count++] =
		(struct seen){listing->keys.len, len, {hash[0], hash[1]}, version};
	buf_add(&listing->keys, key, len);
}

static int key_cmp(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int cmp = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return cmp ? cmp : (a_len > b_len) - (a_len < b_len);
}

static int seen_cmp(const void *a, const void *b, void *arg)
{
	const struct seen *x = a, *y = b;

	return key_cmp(listing_key(arg, x), x->key_len, listing_key(arg, y), y->key_len);
}

void listing_sort(struct listing *listing)
{
	if (listing->count > 1)
		qsort_r(listing->seen, listing->count, sizeof(struct seen), seen_cmp, listing);
}

const struct seen *listing_find(const struct listing *listing, const char *key, size_t len)
{
	size_t lo = 0, hi = listing->count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct seen *seen = &listing->seen[mid];
		int cmp = key_cmp(listing_key(listing, seen), seen->key_len, key, len);

		if (cmp == 0)
			return seen;
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* ---- conditions ---------------------------------------------------------------------------- */

static void literals(struct buf *out, const struct shape *shape, const char *key)
{
	buf_putc(out, '(');
	for (size_t i = 0; i < shape->keys; i++, key += strlen(key) + 1) {
		buf_puts(out, i ? ", " : "");
		pg_quote_literal(out, key);
		buf_printf(out, "::%s", shape->key[i].type);
	}
	buf_putc(out, ')');
}

static void order(struct buf *out, const struct shape *shape)
{
	for (size_t i = 0; i < shape->keys; i++)
		buf_printf(out, "%s%s", i ? ", " : "", shape->key[i].order);
}

void where_range(
	struct buf *out, const struct shape *shape, const struct bound *lo, const struct bound *hi)
{
	buf_puts(out, "true");
	if (lo->bytes) {
		buf_puts(out, " AND (");
		order(out, shape);
		buf_puts(out, ") > ");
		literals(out, shape, lo->bytes);
	}
	if (hi->bytes) {
		buf_puts(out, " AND (");
		order(out, shape);
		buf_puts(out, ") <= ");
		literals(out, shape, hi->bytes);
	}
}

void where_key(struct buf *out, const struct shape *shape, const char *key)
{
	buf_putc(out, '(');
	for (size_t i = 0; i < shape->keys; i++, key += strlen(key) + 1) {
		buf_printf(out, "%s%s = ", i ? " AND " : "", shape->key[i].order);
		pg_quote_literal(out, key);
		buf_printf(out, "::%s", shape->key[i].type);
	}
	buf_putc(out, ')');
}

static void key_texts(struct buf *out, const struct shape *shape)
{
	for (size_t i = 0; i < shape->keys; i++)
		buf_printf(out, "%st.%s::text", i ? ", " : "", shape->key[i].ident);
}

static void key_of_row(struct buf *out, const struct pg_rows *rows, size_t row, size_t keys)
{
	buf_clear(out);
	for (size_t i = 0; i < keys; i++) {
		const char *text = pg_text(rows, row, i);

		buf_add(out, text, strlen(text) + 1);
	}
}

int look_boundary(struct pg *pg, const struct shape *shape, const struct bound *lo,
	const struct bound *hi, int64_t rows, int64_t deadline_ms, struct bound *ret,
	struct err *err)
{
	PG_ROWS_AUTO found = PG_ROWS_INIT;
	BUF_AUTO sql = BUF_INIT;
	BUF_AUTO key = BUF_INIT;

	REQUIRE(rows > 0);
	buf_puts(&sql, "SELECT ");
	key_texts(&sql, shape);
	buf_printf(&sql, " FROM ONLY %s t WHERE ", shape->sql);
	where_range(&sql, shape, lo, hi);
	buf_puts(&sql, " ORDER BY ");
	order(&sql, shape);
	buf_printf(&sql, " OFFSET %" PRId64 " LIMIT 1", rows - 1);
	if (pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, &found, err))
		return -1;
	*ret = (struct bound){0};
	if (found.rows) {
		key_of_row(&key, &found, 0, shape->keys);
		*ret = bound_copy(key.data, key.len);
	}
	return 0;
}

int look_cuts(struct pg *pg, const struct shape *shape, size_t want, int64_t deadline_ms,
	struct bound *ret_cuts, size_t *ret_count, struct err *err)
{
	int64_t pages = shape->pages > 0 ? shape->pages : 1;
	PG_ROWS_AUTO found = PG_ROWS_INIT;
	BUF_AUTO sql = BUF_INIT;
	BUF_AUTO key = BUF_INIT;

	/* Some pages by chance: where exactly a table is cut does not matter. */
	buf_puts(&sql, "SELECT ");
	for (size_t i = 0; i < shape->keys; i++)
		buf_printf(&sql, "%sk%zu", i ? ", " : "", i);
	buf_puts(&sql, " FROM (SELECT ");
	for (size_t i = 0; i < shape->keys; i++)
		buf_printf(&sql, "t.%s::text k%zu, ", shape->key[i].ident, i);
	buf_puts(&sql, "row_number() OVER (ORDER BY ");
	order(&sql, shape);
	buf_printf(&sql,
		") n, count(*) OVER () c FROM ONLY %s t TABLESAMPLE SYSTEM (%.6f)) x"
		" WHERE n %% (c / %zu + 1) = 0 ORDER BY n LIMIT %zu",
		shape->sql, pages <= 64 ? 100.0 : 6400.0 / (double)pages, want + 1, want);
	if (pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, &found, err))
		return -1;
	for (size_t i = 0; i < found.rows; i++) {
		key_of_row(&key, &found, i, shape->keys);
		ret_cuts[i] = bound_copy(key.data, key.len);
	}
	*ret_count = found.rows;
	return 0;
}

/* ---- rows as bytes ------------------------------------------------------------------------- */

/* What is done with each row of a binary COPY: its first fields are the key's texts. */
struct stream {
	size_t keys;
	bool versions; /* one more field before the row's own: the version */
	struct sum *sum, *buckets;
	const bool *wanted;
	struct listing *listing;
	struct buf key;
	bool torn;
};

static const char copy_signature[11] = "PGCOPY\n\377\r\n\0";

static bool field(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	uint32_t len;

	if (end - *at < 4)
		return false;
	memcpy(&len, *at, 4);
	len = be32toh(len);
	*at += 4;
	if (len == UINT32_MAX)
		len = 0; /* null: the length itself is hashed with the row */
	if ((size_t)(end - *at) < len)
		return false;
	*ret = *at;
	*ret_len = len;
	*at += len;
	return true;
}

static void stream_take(struct stream *s, const uint64_t hash[2], uint64_t version)
{
	size_t bucket = hash[0] % BUCKETS;
	struct sum *sum = s->buckets ? &s->buckets[bucket] : s->sum;

	if (s->listing && s->keys) {
		listing_add(s->listing, s->key.data, s->key.len, hash, version);
	} else if (s->listing) {
		char text[40];

		if (!s->wanted[bucket])
			return;
		snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, hash[0], hash[1]);
		listing_add(s->listing, text, strlen(text) + 1, (uint64_t[]){1, 0}, 0);
	} else if (s->buckets) {
		sum->rows++;
		sum->hash[0] += hash[0];
		sum->hash[1] += hash[1];
	} else {
		sum->rows++;
		sum->hash[0] ^= hash[0];
		sum->hash[1] ^= hash[1];
	}
}

static void stream_row(void *arg, const char *bytes, size_t len)
{
	struct stream *s = arg;
	const char *at = bytes, *end = bytes + len, *text;
	size_t text_len;
	uint64_t version = 0;
	XXH128_hash_t hash;

	/* The header stands before the first row, in the same message or in one of its own. */
	if (len >= 19 && memcmp(at, copy_signature, sizeof copy_signature) == 0)
		at += 19;
	if (at == end || (end - at == 2 && memcmp(at, "\377\377", 2) == 0))
		return;
	at += 2; /* how many fields: the same in every row */
	buf_clear(&s->key);
	for (size_t i = 0; i < s->keys; i++) {
		if (!field(&at, end, &text, &text_len)) {
			s->torn = true;
			return;
		}
		buf_add(&s->key, text, text_len);
		buf_putc(&s->key, '\0');
	}
	if (s->versions) {
		if (!field(&at, end, &text, &text_len)) {
			s->torn = true;
			return;
		}
		version = XXH3_64bits(text, text_len);
	}
	hash = XXH3_128bits(at, (size_t)(end - at));
	stream_take(s, (uint64_t[]){hash.low64, hash.high64}, version);
}

#define VERSION_SQL "t.xmin::text || t.ctid::text"

static int stream(struct pg *pg, const struct shape *shape, const char *where, struct stream *s,
	int64_t deadline_ms, struct err *err)
{
	BUF_AUTO sql = BUF_INIT;
	int rc;

	s->keys = shape->keys;
	s->versions = shape->keys && s->listing;
	buf_puts(&sql, "COPY (SELECT ");
	key_texts(&sql, shape);
	buf_printf(&sql, "%s%s FROM ONLY %s t WHERE %s) TO STDOUT (FORMAT binary)",
		shape->keys ? (s->versions ? ", " VERSION_SQL ", " : ", ") : "", shape->fields,
		shape->sql, where);
	rc = pg_copy_out(pg, deadline_ms, buf_str(&sql), stream_row, s, err);
	buf_fini(&s->key);
	if (rc == 0 && s->torn)
		return err_set(err, ERR_INTERNAL, "%s: a row of the copy is cut off", shape->name);
	return rc;
}

/* ---- questions ----------------------------------------------------------------------------- */

static uint64_t word(const char *text)
{
	return (uint64_t)strtoll(text, NULL, 10);
}

int look_sum(struct pg *pg, const struct shape *shape, enum method method, const struct bound *lo,
	const struct bound *hi, int64_t deadline_ms, struct sum *ret, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	BUF_AUTO where = BUF_INIT;
	BUF_AUTO sql = BUF_INIT;

	*ret = (struct sum){0};
	where_range(&where, shape, lo, hi);
	if (method == METHOD_BYTES) {
		struct stream s = {.sum = ret};

		return stream(pg, shape, buf_str(&where), &s, deadline_ms, err);
	}
	buf_printf(&sql, "SELECT count(*), coalesce(bit_xor(%s), 0) FROM ONLY %s t WHERE %s",
		shape->hash, shape->sql, buf_str(&where));
	if (pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, &rows, err))
		return -1;
	ret->rows = pg_int(&rows, 0, 0);
	ret->hash[0] = word(pg_text(&rows, 0, 1));
	return 0;
}

int look_list(struct pg *pg, const struct shape *shape, enum method method, const char *where,
	int64_t deadline_ms, struct listing *ret, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	BUF_AUTO sql = BUF_INIT;
	BUF_AUTO key = BUF_INIT;

	listing_fini(ret);
	if (method == METHOD_BYTES) {
		struct stream s = {.listing = ret};

		if (stream(pg, shape, where, &s, deadline_ms, err))
			return -1;
		listing_sort(ret);
		return 0;
	}
	buf_puts(&sql, "SELECT ");
	key_texts(&sql, shape);
	buf_printf(&sql, ", %s, " VERSION_SQL " FROM ONLY %s t WHERE %s", shape->hash, shape->sql,
		where);
	if (pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, &rows, err))
		return -1;
	for (size_t i = 0; i < rows.rows; i++) {
		const char *version = pg_text(&rows, i, shape->keys + 1);

		key_of_row(&key, &rows, i, shape->keys);
		listing_add(ret, key.data, key.len,
			(uint64_t[]){word(pg_text(&rows, i, shape->keys)), 0},
			XXH3_64bits(version, strlen(version)));
	}
	listing_sort(ret);
	return 0;
}

int look_buckets(struct pg *pg, const struct shape *shape, enum method method, int64_t deadline_ms,
	struct sum ret[BUCKETS], struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	BUF_AUTO sql = BUF_INIT;

	memset(ret, 0, BUCKETS * sizeof *ret);
	if (method == METHOD_BYTES) {
		struct stream s = {.buckets = ret};

		return stream(pg, shape, "true", &s, deadline_ms, err);
	}
	buf_printf(&sql,
		"SELECT h & %d, count(*), mod(sum(h), 9223372036854775807)::bigint"
		" FROM (SELECT %s h FROM ONLY %s t OFFSET 0) x GROUP BY 1",
		BUCKETS - 1, shape->hash, shape->sql);
	if (pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, &rows, err))
		return -1;
	for (size_t i = 0; i < rows.rows; i++) {
		size_t bucket = (size_t)pg_int(&rows, i, 0);

		REQUIRE(bucket < BUCKETS);
		ret[bucket].rows = pg_int(&rows, i, 1);
		ret[bucket].hash[0] = word(pg_text(&rows, i, 2));
	}
	return 0;
}

/* Equal neighbours become one with their number. */
static void count_equals(struct listing *listing)
{
	size_t kept = 0;

	listing_sort(listing);
	for (size_t i = 0; i < listing->count; i++) {
		struct seen *last = kept ? &listing->seen[kept - 1] : NULL;

		if (last && seen_cmp(last, &listing->seen[i], listing) == 0)
			last->hash[0]++;
		else
			listing->seen[kept++] = listing->seen[i];
	}
	listing->count = kept;
}

int look_members(struct pg *pg, const struct shape *shape, enum method method,
	const bool wanted[BUCKETS], int64_t deadline_ms, struct listing *ret, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	BUF_AUTO sql = BUF_INIT;

	listing_fini(ret);
	if (method == METHOD_BYTES) {
		struct stream s = {.listing = ret, .wanted = wanted};

		if (stream(pg, shape, "true", &s, deadline_ms, err))
			return -1;
		count_equals(ret);
		return 0;
	}
	buf_printf(&sql,
		"SELECT h::text, count(*) FROM (SELECT %s h FROM ONLY %s t OFFSET 0) x"
		" WHERE (h & %d) = ANY ('{",
		shape->hash, shape->sql, BUCKETS - 1);
	for (int i = 0, any = 0; i < BUCKETS; i++)
		if (wanted[i])
			buf_printf(&sql, "%s%d", any++ ? "," : "", i);
	buf_puts(&sql, "}'::bigint[]) GROUP BY 1");
	if (pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, &rows, err))
		return -1;
	for (size_t i = 0; i < rows.rows; i++)
		listing_add(ret, pg_text(&rows, i, 0), strlen(pg_text(&rows, i, 0)) + 1,
			(uint64_t[]){(uint64_t)pg_int(&rows, i, 1), 0}, 0);
	listing_sort(ret);
	return 0;
}
