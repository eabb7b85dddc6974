#include "verify/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "verify/lane.h"
#include "verify/state.h"

#define LOOK_MS 20000
#define START_MS 10000 /* several windows: it may be asked for in the middle of one */
#define TURNS_MAX 5
#define LANES_MAX 16
#define CUT_ROWS 200000 /* smaller tables stay in one piece */
#define CHUNK_ROWS_FIRST 8192

/* ---- what is compared ---------------------------------------------------------------------- */

static const char tables_sql[] =
	"SELECT format('%I.%I', schemaname, tablename), schemaname || '.' || tablename, tablename"
	" FROM pg_publication_tables WHERE pubname = $1 AND schemaname <> 'airlock' ORDER BY 1";

static const char copying_sql[] =
	"SELECT r.srrelid::regclass::text FROM pg_subscription_rel r JOIN pg_subscription s"
	" ON s.oid = r.srsubid JOIN pg_database d ON d.oid = s.subdbid"
	" WHERE s.subname = $1 AND d.datname = current_database() AND r.srsubstate <> 'r' LIMIT 1";

static bool wanted(const struct verify *v, const struct pg_rows *rows, size_t i)
{
	const char *table = v->options->table;

	return !table || strcmp(table, pg_text(rows, i, 1)) == 0 ||
	       strcmp(table, pg_text(rows, i, 2)) == 0;
}

static int find_tables(struct verify *v, struct pg *const side[SIDE_COUNT], struct err *err)
{
	const char *params[] = {v->store->link[v->src]};
	int64_t until_ms = clock_now_ms() + LOOK_MS;
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	PG_ROWS_AUTO copying = PG_ROWS_INIT;

	if (pg_exec(side[v->src], until_ms, tables_sql, 1, params, &rows, err) ||
		pg_exec(side[side_other(v->src)], until_ms, copying_sql, 1, params, &copying, err))
		return -1;
	if (rows.rows == 0)
		return err_set(
			err, ERR_REFUSED, "link %s publishes no table: `airlock sync`", params[0]);
	if (copying.rows > 0)
		return err_set(err, ERR_REFUSED,
			"%s is still being copied: `airlock sync` waits for it",
			pg_text(&copying, 0, 0));
	v->tables = calloc(rows.rows, sizeof *v->tables);
	REQUIRE(v->tables != NULL);
	for (size_t i = 0; i < rows.rows; i++) {
		struct verify_table *t = &v->tables[v->tables_count];

		if (!wanted(v, &rows, i))
			continue;
		if (shape_read(side, v->src, pg_text(&rows, i, 0), pg_text(&rows, i, 1),
			    clock_now_ms() + LOOK_MS, &t->shape, err))
			return -1;
		v->tables_count++;
	}
	if (v->tables_count == 0)
		return err_set(err, ERR_USAGE, "link %s publishes no table %s", params[0],
			v->options->table);
	return 0;
}

static void tables_fini(struct verify *v)
{
	for (size_t i = 0; i < v->tables_count; i++) {
		struct verify_table *t = &v->tables[i];

		shape_fini(&t->shape);
		for (size_t k = 0; k < t->pieces; k++) {
			bound_fini(&t->piece[k].from);
			bound_fini(&t->piece[k].to);
		}
		for (size_t k = 0; k < t->keys_count; k++)
			free(t->keys[k].text);
	}
	free(v->tables);
	v->tables = NULL;
	v->tables_count = 0;
}

/* In pieces, so that several lanes find work in one table. */
static int cut(struct verify_table *t, struct pg *src, struct err *err)
{
	struct bound cuts[VERIFY_PIECES_MAX - 1];
	size_t count = 0;

	if (t->shape.keys > 0 && !t->shape.sorted && t->shape.rows >= CUT_ROWS &&
		look_cuts(src, &t->shape, VERIFY_PIECES_MAX - 1, clock_now_ms() + LOOK_MS, cuts,
			&count, err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		t->piece[i].to = cuts[i];
		t->piece[i + 1].from = bound_copy(cuts[i].bytes, cuts[i].len);
	}
	t->pieces = count + 1;
	t->cut = true;
	return 0;
}

/* ---- the run ------------------------------------------------------------------------------- */

static int describe(struct verify *v, struct pg *side[SIDE_COUNT], struct err *err)
{
	if (lane_open(v->store, SIDE_OLD, &side[SIDE_OLD], err) ||
		lane_open(v->store, SIDE_NEW, &side[SIDE_NEW], err) ||
		shape_method(side, clock_now_ms() + LOOK_MS, &v->method, err))
		return -1;
	if (v->options->bytes)
		v->method = METHOD_BYTES;
	if (find_tables(v, side, err))
		return -1;
	v->resumed = verify_state_load(v);
	for (size_t i = 0; i < v->tables_count; i++) {
		v->tables[i].chunk_rows = CHUNK_ROWS_FIRST;
		if (!v->tables[i].cut && cut(&v->tables[i], side[v->src], err))
			return -1;
	}
	return 0;
}

/* A cutover ends sessions in the middle of it: then once more, from what is open by then. */
static int prepare(struct verify *v, struct err *err)
{
	struct pg *side[SIDE_COUNT] = {NULL, NULL};
	struct err now = ERR_INIT;
	int rc = direction_read(v->store, START_MS, v->options->stop, &v->end, err);

	if (rc)
		return -1;
	v->began_epoch = v->end.epoch;
	for (int i = 0; i < TURNS_MAX; i++) {
		v->src = v->end.src;
		now = ERR_INIT;
		rc = describe(v, side, &now);
		if (rc == 0 || now.code != ERR_UNREACHABLE ||
			lane_direction(v, &v->end, &(struct err){0}))
			break;
		tables_fini(v);
	}
	if (rc)
		*err = now;
	pg_close(side[SIDE_OLD]);
	pg_close(side[SIDE_NEW]);
	return rc;
}

bool verify_table_done(const struct verify_table *table)
{
	for (size_t i = 0; i < table->pieces; i++)
		if (!table->piece[i].done)
			return false;
	return table->cut;
}

int64_t verify_different(const struct verify *verify)
{
	int64_t different = sequences_different(&verify->sequences);

	for (size_t i = 0; i < verify->tables_count; i++)
		different += verify->tables[i].different;
	return different;
}

/* Under the mutex.  `from_rows` were compared by an earlier run. */
static struct verify_progress progress_of(
	const struct verify *v, int64_t began_ms, int64_t from_rows)
{
	struct verify_progress p = {
		.tables = v->tables_count, .left_ms = -1, .different = verify_different(v)};
	int64_t took_ms = clock_now_ms() - began_ms, left = 0;

	for (size_t i = 0; i < v->tables_count; i++) {
		const struct verify_table *t = &v->tables[i];
		bool done = verify_table_done(t);

		p.rows += t->compared;
		p.tables_done += done;
		if (!done && t->shape.rows > t->compared)
			left += t->shape.rows - t->compared;
		if (!done && !p.table)
			p.table = t->shape.name;
	}
	p.rows_total = p.rows + left;
	if (p.rows > from_rows && took_ms > 500)
		p.left_ms =
			(int64_t)((double)left * (double)took_ms / (double)(p.rows - from_rows));
	return p;
}

/* Until the last lane has ended; tells and saves once a second. */
static int watch(struct verify *v, struct err *err)
{
	struct lanes *lanes = v->lanes;
	int64_t began_ms = clock_now_ms(), next_ms = began_ms + 1000, from_rows;
	int rc = 0;

	pthread_mutex_lock(&lanes->mutex);
	from_rows = progress_of(v, began_ms, 0).rows;
	while (lanes->running > 0) {
		struct timespec until;
		struct verify_progress p;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&lanes->changed, &lanes->mutex, &until);
		if (clock_now_ms() < next_ms)
			continue;
		next_ms = clock_now_ms() + 1000;
		p = progress_of(v, began_ms, from_rows);
		if (rc == 0 && verify_state_save(v, err)) {
			rc = -1;
			lanes->ending = true;
		}
		if (v->options->progress)
			v->options->progress(v->options->arg, &p);
	}
	pthread_mutex_unlock(&lanes->mutex);
	return rc;
}

static void lanes_init(struct lanes *lanes)
{
	pthread_condattr_t attr;

	*lanes = (struct lanes){.err = ERR_INIT};
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&lanes->mutex, NULL);
	pthread_mutex_init(&lanes->look, NULL);
	pthread_cond_init(&lanes->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static int work(struct verify *v, struct err *err)
{
	unsigned count = v->options->lanes < LANES_MAX ? v->options->lanes : LANES_MAX, started = 0;
	pthread_t thread[LANES_MAX];
	struct lanes lanes;
	int rc = 0;

	REQUIRE(count > 0);
	lanes_init(&lanes);
	v->lanes = &lanes;
	lanes.running = count;
	while (started < count && lane_start(v, &thread[started], err) == 0)
		started++;
	if (started < count) {
		rc = -1;
		pthread_mutex_lock(&lanes.mutex);
		lanes.ending = true;
		lanes.running -= count - started;
		pthread_mutex_unlock(&lanes.mutex);
	}
	if (watch(v, rc ? &(struct err){0} : err))
		rc = -1;
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	if (rc == 0 && lanes.err.code != ERR_OK) {
		*err = lanes.err;
		rc = -1;
	}
	pthread_mutex_destroy(&lanes.mutex);
	pthread_mutex_destroy(&lanes.look);
	pthread_cond_destroy(&lanes.changed);
	v->lanes = NULL;
	return rc;
}

/* The direction before and after has to be the same, or they were judged by the wrong side. */
static int judge_sequences(struct verify *v, struct err *err)
{
	struct pg *side[SIDE_COUNT] = {NULL, NULL};
	struct direction after;
	struct err now = ERR_INIT;
	int rc = -1;

	for (int i = 0; i < TURNS_MAX && rc; i++) {
		sequences_fini(&v->sequences);
		now = ERR_INIT;
		rc = lane_open(v->store, SIDE_OLD, &side[SIDE_OLD], &now) ||
		     lane_open(v->store, SIDE_NEW, &side[SIDE_NEW], &now) ||
		     sequences_compare(
			     side, &v->end, clock_now_ms() + LOOK_MS, &v->sequences, &now);
		if (rc && now.code != ERR_UNREACHABLE)
			break;
		if (lane_direction(v, &after, &now)) {
			rc = -1; /* judged by a side that may not be the open one any more */
			break;
		}
		if (after.epoch != v->end.epoch)
			rc = err_set(&now, ERR_LOST,
				"cutovers follow each other faster than sequences are read");
		v->end = after;
	}
	if (rc)
		*err = now;
	pg_close(side[SIDE_OLD]);
	pg_close(side[SIDE_NEW]);
	return rc ? -1 : 0;
}

static int conclude(struct verify *v, struct err *err)
{
	if (lane_direction(v, &v->end, err) || (!v->options->table && judge_sequences(v, err)))
		return -1;
	v->crossed = v->end.epoch != v->began_epoch;
	return 0;
}

static int run_locked(struct verify *v, struct err *err)
{
	struct err ignored = ERR_INIT;
	int rc;

	if (prepare(v, err))
		return -1;
	rc = work(v, err);
	for (size_t i = 0; rc == 0 && i < v->tables_count; i++)
		if (!verify_table_done(&v->tables[i]))
			rc = err_set(err, ERR_TIMEOUT,
				"stopped before everything was compared; the same command goes on");
	if (rc == 0)
		rc = conclude(v, err);
	if (rc == 0)
		verify_state_forget(v);
	else if (verify_state_save(v, &ignored))
		return err_wrap(err, "(its place is not kept: %.80s)", ignored.msg);
	return rc;
}

int verify_run(struct store_pg *store, const struct verify_options *options, struct verify *ret,
	struct err *err)
{
	int lock, rc;

	*ret = (struct verify){.options = options, .store = store};
	if (verify_state_lock(ret, &lock, err))
		return -1;
	rc = run_locked(ret, err);
	close(lock);
	return rc;
}

void verify_fini(struct verify *verify)
{
	sequences_fini(&verify->sequences);
	tables_fini(verify);
}
