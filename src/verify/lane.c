#include "verify/lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "verify/commits.h"

#define ANSWER_MS 20000 /* for what takes a fraction of a second */
#define PAGES_PER_MS 2	/* 16 MB/s: more time for what reads a whole table */
#define CHUNK_MS 200	/* what a chunk aims at, one side */
#define CHUNK_ROWS_MIN 1000
#define CHUNK_ROWS_MAX 262144
#define LIST_ROWS 16384 /* fewer than these are listed, more are halved */
#define BY_KEY_MAX 256	/* so many keys are asked for by name */
#define ROUNDS_MAX 12
#define PASS_MS 20000	/* a link that does not move for so long stands still */
#define TRIES_MAX 6	/* with pauses of 6 s in all: a server that restarts is waited for */
#define TURNS_MAX 20	/* a chunk that so many cutovers disturb is given up */
#define TURN_MS 60000	/* a cutover ends, one way or the other, within that */
#define CONFIRM_MS 1000 /* how often a pass that waits looks at the direction */
#define MEMBERS_MAX 200000

struct lane {
	struct verify *v;
	struct pg *side[SIDE_COUNT];
	struct direction direction;
	bool directed; /* `direction` was read since the connections were last opened */
};

static const char session_sql[] =
	"SET max_parallel_workers_per_gather = 0; SET jit = off; SET plan_cache_mode = auto;"
	" SET row_security = off; SET synchronous_commit = local;"
	" SET default_transaction_read_only = on";

int lane_open(struct store_pg *s, enum side side, struct pg **ret, struct err *err)
{
	struct pg_target target = {.conninfo = s->side[side].conninfo};
	int64_t deadline_ms = clock_now_ms() + ANSWER_MS;

	if (*ret && !pg_is_broken(*ret))
		return 0;
	pg_close(*ret);
	*ret = NULL;
	if (pg_open(ret, &target, deadline_ms, err) ||
		pg_exec(*ret, deadline_ms, session_sql, 0, NULL, NULL, err)) {
		pg_close(*ret);
		*ret = NULL;
		return err_wrap(err, "%s", side_name(side));
	}
	return 0;
}

static int64_t answer_by(const struct shape *shape)
{
	bool whole = shape->sorted || shape->keys == 0;

	return clock_now_ms() + ANSWER_MS + (whole ? shape->pages / PAGES_PER_MS : 0);
}

static struct pg *src_of(struct lane *lane)
{
	return lane->side[lane->direction.src];
}

static struct pg *dst_of(struct lane *lane)
{
	return lane->side[side_other(lane->direction.src)];
}

static bool stopped(const struct verify *v)
{
	return (v->options->stop && *v->options->stop) || v->lanes->ending;
}

/* ---- the direction --------------------------------------------------------------------------- */

int lane_direction(struct verify *verify, struct direction *ret, struct err *err)
{
	int rc;

	if (verify->lanes)
		pthread_mutex_lock(&verify->lanes->look);
	rc = direction_read(verify->store, TURN_MS, verify->options->stop, ret, err);
	if (verify->lanes)
		pthread_mutex_unlock(&verify->lanes->look);
	return rc;
}

/* What was asked in one direction is worth nothing in another: ERR_LOST. */
static int confirm(struct lane *lane, struct err *err)
{
	struct direction now;

	if (lane_direction(lane->v, &now, err))
		return -1;
	if (now.epoch == lane->direction.epoch && now.src == lane->direction.src)
		return 0;
	lane->directed = false;
	return err_set(err, ERR_LOST, "a cutover changed the direction of the comparison");
}

/* ---- the link passes ----------------------------------------------------------------------- */

/* Everything that a look at the source has seen lies before this message, and it is flushed. */
static int point(struct lane *lane, char ret[INT_TEXT_BYTES], struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_exec(src_of(lane), clock_now_ms() + ANSWER_MS,
		    "SELECT pg_logical_emit_message(true, 'airlock.verify', '')::text", 0, NULL,
		    &rows, err))
		return -1;
	snprintf(ret, INT_TEXT_BYTES, "%s", pg_text(&rows, 0, 0));
	return 0;
}

static int passed(
	struct lane *lane, const char *lsn, bool *ret_passed, int64_t *ret_left, struct err *err)
{
	const char *params[] = {lane->v->store->link[lane->direction.src], lsn};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_exec(src_of(lane), clock_now_ms() + ANSWER_MS,
		    "SELECT ($2::pg_lsn - r.replay_lsn)::bigint FROM pg_replication_slots s"
		    " JOIN pg_stat_replication r ON r.pid = s.active_pid"
		    " WHERE s.slot_name = $1 AND r.replay_lsn IS NOT NULL",
		    2, params, &rows, err))
		return -1;
	*ret_left = rows.rows ? pg_int(&rows, 0, 0) : INT64_MAX;
	*ret_passed = rows.rows && *ret_left <= 0;
	return 0;
}

/* The destination has applied what the message follows.  A link that moves is waited for. */
static int pass(struct lane *lane, struct err *err)
{
	int64_t left = INT64_MAX, best = INT64_MAX, moved_ms = clock_now_ms();
	int64_t confirm_ms = moved_ms + CONFIRM_MS;
	char lsn[INT_TEXT_BYTES];
	bool there = false;

	if (point(lane, lsn, err))
		return -1;
	for (;;) {
		if (passed(lane, lsn, &there, &left, err))
			return -1;
		if (there)
			return 0;
		if (left < best) {
			best = left;
			moved_ms = clock_now_ms();
		}
		if (stopped(lane->v))
			return err_set(err, ERR_TIMEOUT, "stopped");
		if (clock_now_ms() - moved_ms > PASS_MS)
			return err_set(err, ERR_TIMEOUT,
				"link %s has not moved for %d s, so rows that differ cannot be "
				"judged: `airlock status`",
				lane->v->store->link[lane->direction.src], PASS_MS / 1000);
		/* A link that a cutover has cut never passes. */
		if (clock_now_ms() > confirm_ms) {
			if (confirm(lane, err))
				return -1;
			confirm_ms = clock_now_ms() + CONFIRM_MS;
		}
		env_pause(lane->v->store->store.env, 1000);
	}
}

/* ---- rows in doubt ------------------------------------------------------------------------- */

/* How the rows in doubt are asked for: by a condition, or a multiset's by their buckets. */
struct question {
	const struct shape *shape;
	const char *where;
	const bool *buckets;
};

static int ask(struct lane *lane, enum side side, const struct question *q, struct listing *ret,
	struct err *err)
{
	enum method method = lane->v->method;
	int64_t until_ms = answer_by(q->shape);

	if (q->buckets)
		return look_members(
			lane->side[side], q->shape, method, q->buckets, until_ms, ret, err);
	return look_list(lane->side[side], q->shape, method, q->where, until_ms, ret, err);
}

/* A row that the source does not show yet is none that it lacks. */
static int settle(struct lane *lane, struct doubts *doubts, bool *ret_known, struct err *err)
{
	*ret_known = true;
	if (doubts_any_suspect(doubts) &&
		commits_settle(src_of(lane), lane->v->store->store.env, ret_known, err))
		return -1;
	if (!*ret_known)
		doubts_suspect_none(doubts);
	return 0;
}

static int round_of(struct lane *lane, const struct question *q, struct doubts *doubts,
	struct listing *before, size_t *ret_open, struct err *err)
{
	enum side src = lane->direction.src;
	struct listing dst = {0}, after = {0};
	bool known;
	int rc = -1;

	if (pass(lane, err) == 0 && ask(lane, side_other(src), q, &dst, err) == 0 &&
		settle(lane, doubts, &known, err) == 0 && ask(lane, src, q, &after, err) == 0) {
		*ret_open = doubts_round(doubts, before, &dst, &after);
		if (!known)
			*ret_open = 0; /* no other round would know more */
		listing_fini(before);
		*before = after;
		after = (struct listing){0};
		rc = 0;
	}
	listing_fini(&dst);
	listing_fini(&after);
	return rc;
}

static int rounds(
	struct lane *lane, const struct question *q, struct doubts *doubts, struct err *err)
{
	struct listing before = {0};
	size_t open = doubts->count;
	int rc = ask(lane, lane->direction.src, q, &before, err);

	for (int i = 0; rc == 0 && open > 0 && i < ROUNDS_MAX; i++) {
		if (i > 2)
			env_pause(lane->v->store->store.env, 5000 * i);
		rc = round_of(lane, q, doubts, &before, &open, err);
	}
	listing_fini(&before);
	return rc;
}

static const char *what_of(enum side src, const struct doubt *d)
{
	if (d->src.there && d->dst.there)
		return "differs";
	return (d->src.there ? src : side_other(src)) == SIDE_OLD ? "only on old" : "only on new";
}

static char *text_of(const struct doubt *d)
{
	BUF_AUTO text = BUF_INIT;

	for (size_t i = 0; i + 1 < d->key.len; i++)
		buf_putc(&text, d->key.bytes[i] ? d->key.bytes[i] : ',');
	return strdup(buf_str(&text));
}

/* A multiset's row has no name but itself. */
static char *row_text(struct lane *lane, const struct shape *shape, const struct doubt *d)
{
	enum side side = d->src.hash[0] > d->dst.hash[0] ? lane->direction.src
							 : side_other(lane->direction.src);
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct err ignored = ERR_INIT;
	BUF_AUTO sql = BUF_INIT;

	if (lane->v->method == METHOD_BYTES)
		return text_of(d);
	buf_printf(&sql, "SELECT left(%s, 200) FROM ONLY %s t WHERE %s = %s LIMIT 1",
		shape->row_text, shape->sql, shape->hash, d->key.bytes);
	if (pg_exec(lane->side[side], answer_by(shape), buf_str(&sql), 0, NULL, &rows, &ignored) ||
		rows.rows == 0)
		return text_of(d);
	return strdup(pg_text(&rows, 0, 0));
}

/* What one chunk came to: given to the table only when all of it is known, so that a chunk that is
 * done again is not counted twice. */
struct outcome {
	int64_t compared, different, moving;
	struct verify_key keys[VERIFY_KEYS_MAX];
	size_t keys_count;
};

static void outcome_fini(struct outcome *o)
{
	for (size_t i = 0; i < o->keys_count; i++)
		free(o->keys[i].text);
	o->keys_count = 0;
}

static int64_t copies(const struct shape *shape, const struct doubt *d)
{
	int64_t delta = (int64_t)(d->src.hash[0] - d->dst.hash[0]);

	return shape->keys ? 1 : delta < 0 ? -delta : delta;
}

static void conclude(struct lane *lane, const struct shape *shape, const struct doubts *doubts,
	struct outcome *o)
{
	for (size_t i = 0; i < doubts->count; i++) {
		const struct doubt *d = &doubts->at[i];

		o->moving += d->state == DOUBT_OPEN;
		if (d->state != DOUBT_DIFFERENT)
			continue;
		o->different += copies(shape, d);
		/* A name of a multiset's costs a scan. */
		if (o->keys_count < (shape->keys ? VERIFY_KEYS_MAX : 10))
			o->keys[o->keys_count++] = (struct verify_key){
				shape->keys ? text_of(d) : row_text(lane, shape, d),
				what_of(lane->direction.src, d)};
	}
}

static void where_doubts(struct buf *out, const struct shape *shape, const struct doubts *doubts)
{
	for (size_t i = 0; i < doubts->count; i++) {
		buf_puts(out, i ? " OR " : "");
		where_key(out, shape, doubts->at[i].key.bytes);
	}
}

/* ---- a chunk ------------------------------------------------------------------------------- */

static int list_range(struct lane *lane, const struct shape *shape, const char *where,
	struct outcome *o, struct err *err)
{
	struct question q = {.shape = shape, .where = where};
	struct listing src = {0}, dst = {0};
	struct doubts doubts = {0};
	BUF_AUTO by_key = BUF_INIT;
	int rc = -1;

	if (ask(lane, lane->direction.src, &q, &src, err) == 0 &&
		ask(lane, side_other(lane->direction.src), &q, &dst, err) == 0) {
		doubts_find(&doubts, &src, &dst);
		if (doubts.count > 0 && doubts.count <= BY_KEY_MAX && !shape->sorted) {
			where_doubts(&by_key, shape, &doubts);
			q.where = buf_str(&by_key);
		}
		rc = doubts.count ? rounds(lane, &q, &doubts, err) : 0;
	}
	if (rc == 0)
		conclude(lane, shape, &doubts, o);
	listing_fini(&src);
	listing_fini(&dst);
	doubts_fini(&doubts);
	return rc;
}

static int sums(struct lane *lane, const struct shape *shape, const struct bound *lo,
	const struct bound *hi, struct sum ret[SIDE_COUNT], struct err *err)
{
	enum method method = lane->v->method;

	if (look_sum(src_of(lane), shape, method, lo, hi, answer_by(shape), &ret[0], err) ||
		look_sum(dst_of(lane), shape, method, lo, hi, answer_by(shape), &ret[1], err))
		return -1;
	return 0;
}

static int compare(struct lane *lane, const struct shape *shape, const struct bound *lo,
	const struct bound *hi, bool *ret_differed, struct outcome *o, struct err *err);

/* Both halves by the side that has more rows there. */
static int halve(struct lane *lane, const struct shape *shape, const struct bound *lo,
	const struct bound *hi, const struct sum sum[SIDE_COUNT], struct outcome *o,
	struct err *err)
{
	bool more = sum[1].rows > sum[0].rows, ignored;
	struct bound mid = {0};
	int rc = look_boundary(more ? dst_of(lane) : src_of(lane), shape, lo, hi,
		sum[more].rows / 2, answer_by(shape), &mid, err);

	if (rc == 0)
		rc = compare(lane, shape, lo, mid.bytes ? &mid : hi, &ignored, o, err);
	/* Rows may have gone meanwhile; then the first half was all there is. */
	if (rc == 0 && mid.bytes)
		rc = compare(lane, shape, &mid, hi, &ignored, o, err);
	bound_fini(&mid);
	return rc;
}

static int compare(struct lane *lane, const struct shape *shape, const struct bound *lo,
	const struct bound *hi, bool *ret_differed, struct outcome *o, struct err *err)
{
	struct sum sum[SIDE_COUNT];
	BUF_AUTO where = BUF_INIT;

	if (sums(lane, shape, lo, hi, sum, err))
		return -1;
	*ret_differed = !sum_equal(&sum[0], &sum[1]);
	if (*ret_differed && (sum[0].rows > LIST_ROWS || sum[1].rows > LIST_ROWS))
		return halve(lane, shape, lo, hi, sum, o, err);
	o->compared += sum[0].rows > sum[1].rows ? sum[0].rows : sum[1].rows;
	if (!*ret_differed)
		return 0;
	where_range(&where, shape, lo, hi);
	return list_range(lane, shape, buf_str(&where), o, err);
}

static int compare_bags(
	struct lane *lane, const struct shape *shape, struct outcome *o, struct err *err)
{
	struct sum *sum = calloc((size_t)2 * BUCKETS, sizeof *sum), *dst = sum + BUCKETS;
	enum method method = lane->v->method;
	int rc = -1, at = 0;

	REQUIRE(sum != NULL);
	if (look_buckets(src_of(lane), shape, method, answer_by(shape), sum, err) == 0)
		rc = look_buckets(dst_of(lane), shape, method, answer_by(shape), dst, err);
	for (int i = 0; rc == 0 && i < BUCKETS; i++)
		o->compared += sum[i].rows > dst[i].rows ? sum[i].rows : dst[i].rows;
	while (rc == 0 && at < BUCKETS) {
		struct question q = {.shape = shape};
		struct listing a = {0}, b = {0};
		struct doubts doubts = {0};
		bool wanted[BUCKETS] = {false};
		int64_t rows = 0;

		for (; at < BUCKETS && rows < MEMBERS_MAX; at++)
			if (!sum_equal(&sum[at], &dst[at])) {
				wanted[at] = true;
				rows += sum[at].rows + dst[at].rows;
			}
		q.buckets = wanted;
		if (rows > 0) {
			rc = ask(lane, lane->direction.src, &q, &a, err);
			rc = rc ? rc : ask(lane, side_other(lane->direction.src), &q, &b, err);
			doubts_find(&doubts, &a, &b);
			rc = rc ? rc : rounds(lane, &q, &doubts, err);
		}
		if (rc == 0)
			conclude(lane, shape, &doubts, o);
		listing_fini(&a);
		listing_fini(&b);
		doubts_fini(&doubts);
	}
	free(sum);
	return rc;
}

/* ---- the lane ------------------------------------------------------------------------------ */

static void deliver(struct verify_table *table, struct outcome *o)
{
	table->compared += o->compared;
	table->different += o->different;
	table->moving += o->moving;
	for (size_t i = 0; i < o->keys_count; i++) {
		if (table->keys_count < VERIFY_KEYS_MAX) {
			table->keys[table->keys_count++] = o->keys[i];
			o->keys[i].text = NULL;
		}
	}
}

/* Larger while chunks are equal and quick, smaller where rows differ. */
static int64_t next_rows(int64_t rows, int64_t took_ms, bool differed, const struct shape *shape)
{
	if (shape->sorted) {
		int64_t part = shape->rows / 16; /* each chunk sorts: few of them */

		return part > CHUNK_ROWS_MAX ? part : CHUNK_ROWS_MAX;
	}
	if (differed || took_ms > 2 * CHUNK_MS)
		rows /= 2;
	else if (took_ms < CHUNK_MS)
		rows *= 2;
	return rows < CHUNK_ROWS_MIN   ? CHUNK_ROWS_MIN
	       : rows > CHUNK_ROWS_MAX ? CHUNK_ROWS_MAX
				       : rows;
}

struct work {
	struct verify_table *table;
	struct piece *piece;
	struct bound lo, hi; /* copies */
	int64_t rows;
};

static int chunk(struct lane *lane, struct work *w, struct outcome *o, bool *ret_last,
	bool *ret_differed, struct err *err)
{
	const struct shape *shape = &w->table->shape;
	struct bound end = {0};
	int rc;

	*ret_differed = false;
	*ret_last = true;
	if (shape->keys == 0)
		return compare_bags(lane, shape, o, err);
	if (look_boundary(
		    src_of(lane), shape, &w->lo, &w->hi, w->rows, answer_by(shape), &end, err))
		return -1;
	*ret_last = end.bytes == NULL;
	rc = compare(lane, shape, &w->lo, *ret_last ? &w->hi : &end, ret_differed, o, err);
	bound_fini(&w->lo);
	w->lo = end;
	return rc;
}

static int ready(struct lane *lane, struct err *err)
{
	if (!lane->directed && lane_direction(lane->v, &lane->direction, err))
		return -1;
	lane->directed = true;
	return lane_open(lane->v->store, SIDE_OLD, &lane->side[SIDE_OLD], err) ||
			       lane_open(lane->v->store, SIDE_NEW, &lane->side[SIDE_NEW], err)
		       ? -1
		       : 0;
}

/* Differences count only when no cutover has come between. */
static int try_chunk(struct lane *lane, struct work *w, struct outcome *o, bool *ret_last,
	bool *ret_differed, struct err *err)
{
	if (ready(lane, err) || chunk(lane, w, o, ret_last, ret_differed, err))
		return -1;
	return o->different + o->moving > 0 ? confirm(lane, err) : 0;
}

/* Is it worth another try?  A cutover ends every session, a network resets them. */
static bool again(struct lane *lane, enum err_code code, int *tries, int *turns)
{
	if (stopped(lane->v))
		return false;
	if (code == ERR_LOST)
		return ++*turns < TURNS_MAX;
	if (code != ERR_UNREACHABLE || ++*tries == TRIES_MAX)
		return false;
	lane->directed = false;
	if (*tries > 1)
		env_pause(lane->v->store->store.env, INT64_C(100000) << *tries);
	return true;
}

static int with_connections(struct lane *lane, struct work *w, struct outcome *o, bool *ret_last,
	bool *ret_differed, struct err *err)
{
	struct bound lo = bound_copy(w->lo.bytes, w->lo.len);
	int rc, tries = 0, turns = 0;
	struct err now;

	do {
		now = ERR_INIT;
		outcome_fini(o);
		*o = (struct outcome){0};
		bound_fini(&w->lo);
		w->lo = bound_copy(lo.bytes, lo.len);
		rc = try_chunk(lane, w, o, ret_last, ret_differed, &now);
	} while (rc && again(lane, now.code, &tries, &turns));
	if (rc)
		*err = now;
	bound_fini(&lo);
	return rc;
}

/* Under the mutex. */
static bool take(struct verify *v, struct work *w)
{
	for (size_t t = 0; t < v->tables_count; t++)
		for (size_t p = 0; p < v->tables[t].pieces; p++) {
			struct piece *piece = &v->tables[t].piece[p];

			if (piece->busy || piece->done)
				continue;
			piece->busy = true;
			*w = (struct work){&v->tables[t], piece,
				bound_copy(piece->from.bytes, piece->from.len),
				bound_copy(piece->to.bytes, piece->to.len),
				v->tables[t].chunk_rows};
			return true;
		}
	return false;
}

static int one_chunk(struct lane *lane, struct work *w, struct err *err)
{
	struct lanes *lanes = lane->v->lanes;
	struct outcome *o = calloc(1, sizeof *o);
	int64_t began_ms = clock_now_ms();
	bool last = true, differed = false;
	int rc;

	REQUIRE(o != NULL);
	rc = with_connections(lane, w, o, &last, &differed, err);
	if (rc)
		err_wrap(err, "table %s", w->table->shape.name);
	pthread_mutex_lock(&lanes->mutex);
	if (rc == 0) {
		deliver(w->table, o);
		bound_fini(&w->piece->from);
		w->piece->from = w->lo;
		w->lo = (struct bound){0};
		w->piece->done = last;
		w->table->chunk_rows = next_rows(
			w->rows, (clock_now_ms() - began_ms) / 2, differed, &w->table->shape);
	}
	w->piece->busy = false;
	pthread_mutex_unlock(&lanes->mutex);
	outcome_fini(o);
	free(o);
	bound_fini(&w->lo);
	bound_fini(&w->hi);
	return rc;
}

static void *run(void *arg)
{
	struct lane lane = {.v = arg};
	struct lanes *lanes = lane.v->lanes;
	struct err err = ERR_INIT;
	struct work w;
	int rc = 0;

	while (rc == 0 && !stopped(lane.v)) {
		bool more;

		pthread_mutex_lock(&lanes->mutex);
		more = take(lane.v, &w);
		pthread_mutex_unlock(&lanes->mutex);
		if (!more)
			break;
		rc = one_chunk(&lane, &w, &err);
	}
	pg_close(lane.side[SIDE_OLD]);
	pg_close(lane.side[SIDE_NEW]);
	pthread_mutex_lock(&lanes->mutex);
	if (rc && lanes->err.code == ERR_OK)
		lanes->err = err;
	if (rc)
		lanes->ending = true;
	lanes->running--;
	pthread_cond_signal(&lanes->changed);
	pthread_mutex_unlock(&lanes->mutex);
	return NULL;
}

int lane_start(struct verify *verify, pthread_t *ret_thread, struct err *err)
{
	if (pthread_create(ret_thread, NULL, run, verify))
		return err_set(err, ERR_NOMEM, "no thread for a comparison");
	return 0;
}
