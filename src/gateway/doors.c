#include "gateway/doors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "gateway/controldb.h"

enum ask { ASK_DOOR, ASK_ABORT, ASK_VERIFIER, ASK_SESSIONS };

/* Only functions of sql/gateway.sql: the role may nothing else. */
static const char *const statements[] = {
	[ASK_DOOR] = "SELECT state, attempt, epoch, promoted, revoked, left_ms, writable"
		     " FROM airlock.door($1::text, $2::text, $3::text)",
	[ASK_ABORT] = "SELECT airlock.abort_if_expired($1::text, $2::text, $3::text, $4::bigint)",
	[ASK_VERIFIER] = "SELECT airlock_dba.verifier($1::text)",
	[ASK_SESSIONS] = "SELECT pid, usename, application, state, age_ms, query"
			 " FROM airlock.sessions($1::text, $2::text, $3::text, $4::integer[])",
};

struct reader {
	doors_read_cb cb;
	void *ctx;
	struct reader *next;
};

/* One statement and everybody who waits for its answer (several only of ASK_DOOR). */
struct question {
	struct controldb_question base; /* first */
	struct doors *doors;
	enum control_side side;
	struct reader *readers, **readers_end;
	union {
		doors_moved_cb moved;
		doors_verifier_cb verifier;
		doors_sessions_cb sessions;
	} cb;
	void *ctx;
	char *text; /* the parameter that is its own */
};

struct doors {
	char *plan, *store;
	struct controldb *db[2];
	/* The newest read of each side, to be joined until it is sent. */
	struct question *reading[2];
	bool looked[2], looking[2]; /* was the side ever asked: answered or given up; under way */
	struct reader *waiting[2];  /* readers of a side that wait for a look at the other one */
	bool closing;
	bool new_leads; /* of all that was read open, new at the highest epoch */
	int64_t epoch;
	size_t open; /* of db */
	void (*closed)(void *ctx);
	void *closed_ctx;
};

/* ---- asking ---------------------------------------------------------------------------------- */

static struct question *question_new(
	struct doors *d, enum control_side side, enum ask ask, void *ctx)
{
	struct question *q = calloc(1, sizeof *q);

	REQUIRE(q != NULL);
	q->doors = d;
	q->side = side;
	q->ctx = ctx;
	q->readers_end = &q->readers;
	q->base.statement = ask;
	return q;
}

static void question_free(struct question *q)
{
	free(q->text);
	free(q);
}

static void key_params(struct question *q)
{
	q->base.params[0] = q->doors->plan;
	q->base.params[1] = q->doors->store;
	q->base.params[2] = control_side_name(q->side);
	q->base.params_count = 3;
}

/* `text` becomes the question's. */
static void own_param(struct question *q, char *text)
{
	REQUIRE(text != NULL);
	q->text = text;
	q->base.params[q->base.params_count++] = text;
}

static void send_off(struct question *q, controldb_cb cb)
{
	q->base.cb = cb;
	controldb_ask(q->doors->db[q->side], &q->base);
}

static const char *value(const PGresult *rows, int row, int column)
{
	return PQgetvalue(rows, row, column);
}

static int64_t number(const PGresult *rows, int row, int column)
{
	return strtoll(value(rows, row, column), NULL, 10);
}

static bool truth(const PGresult *rows, int row, int column)
{
	return value(rows, row, column)[0] == 't';
}

/* ---- the registers --------------------------------------------------------------------------- */

static enum door_state state_of(const char *text)
{
	static const char *const names[] = {
		[DOOR_ABSENT] = "ABSENT",
		[DOOR_ACTIVE] = "ACTIVE",
		[DOOR_SEALED] = "SEALED",
		[DOOR_COMMITTING] = "COMMITTING",
		[DOOR_STANDBY] = "STANDBY",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], text) == 0)
			return (enum door_state)i;
	return DOOR_ABSENT; /* of a later version: surely not open for this one */
}

static void take_view(
	struct doors *d, enum control_side side, const PGresult *rows, struct door_view *ret)
{
	*ret = (struct door_view){
		.state = state_of(value(rows, 0, 0)),
		.attempt = number(rows, 0, 1),
		.epoch = number(rows, 0, 2),
		.promoted = number(rows, 0, 3),
		.revoked = number(rows, 0, 4),
		.left_ms = number(rows, 0, 5),
	};
	doors_told(d, ret->epoch);
	ret->open = ret->state == DOOR_ACTIVE && truth(rows, 0, 6) && ret->epoch >= d->epoch;
	if (ret->open)
		d->new_leads = side == CONTROL_NEW;
}

/* A question about old that found no register, and now asks whether new has one. */
struct unmoved {
	struct doors *doors;
	doors_read_cb cb;
	void *ctx;
	struct door_view old;
};

static void new_read(void *ctx, const struct door_view *view, const struct err *err)
{
	struct unmoved *u = ctx;

	/* `abandon` is refused once new leads: registers that are gone then were lost. */
	u->old.open = err->code == ERR_OK && view->state == DOOR_ABSENT && !u->doors->new_leads;
	u->cb(u->ctx, &u->old, err);
	free(u);
}

static void ask_new(struct doors *d, const struct reader *reader, const struct door_view *old)
{
	struct unmoved *u = calloc(1, sizeof *u);

	REQUIRE(u != NULL);
	*u = (struct unmoved){d, reader->cb, reader->ctx, *old};
	doors_read(d, CONTROL_NEW, new_read, u);
}

static void begin_read(struct doors *d, enum control_side side, struct reader *reader);

/* Whoever waited for a first look at this side reads the other one now. */
static void looked_at(struct doors *d, enum control_side side, const struct err *err)
{
	enum control_side other = side == CONTROL_OLD ? CONTROL_NEW : CONTROL_OLD;
	const struct door_view nothing = {.state = DOOR_ABSENT};
	struct reader *reader = d->waiting[other], *next;

	d->waiting[other] = NULL;
	for (; reader != NULL; reader = next) {
		next = reader->next;
		reader->next = NULL;
		if (!d->closing) {
			begin_read(d, other, reader);
			continue;
		}
		reader->cb(reader->ctx, &nothing, err);
		free(reader);
	}
}

static void door_read(struct controldb_question *base, const PGresult *rows, const struct err *err)
{
	struct question *q = (struct question *)base;
	struct door_view view = {.state = DOOR_ABSENT};
	struct reader *reader, *next;
	bool unmoved = false;

	q->doors->looked[q->side] = true;
	if (q->doors->reading[q->side] == q)
		q->doors->reading[q->side] = NULL;
	if (err->code == ERR_OK)
		take_view(q->doors, q->side, rows, &view);
	if (err->code == ERR_OK && q->side == CONTROL_OLD)
		unmoved = strcmp(value(rows, 0, 0), "ABSENT") == 0 && truth(rows, 0, 6);
	for (reader = q->readers; reader != NULL; reader = next) {
		next = reader->next;
		if (unmoved)
			ask_new(q->doors, reader, &view);
		else
			reader->cb(reader->ctx, &view, err);
		free(reader);
	}
	looked_at(q->doors, q->side, err);
	question_free(q);
}

static struct question *reading(struct doors *d, enum control_side side)
{
	struct question *q = d->reading[side];

	if (q != NULL && !q->base.sent)
		return q;
	q = question_new(d, side, ASK_DOOR, NULL);
	key_params(q);
	d->reading[side] = q;
	send_off(q, door_read);
	return q;
}

static void begin_read(struct doors *d, enum control_side side, struct reader *reader)
{
	struct question *q = reading(d, side);

	*q->readers_end = reader;
	q->readers_end = &reader->next;
}

void doors_read(struct doors *d, enum control_side side, doors_read_cb cb, void *ctx)
{
	enum control_side other = side == CONTROL_OLD ? CONTROL_NEW : CONTROL_OLD;
	struct reader *reader = calloc(1, sizeof *reader);

	REQUIRE(reader != NULL && !d->closing);
	reader->cb = cb;
	reader->ctx = ctx;
	if (d->looked[other]) {
		begin_read(d, side, reader);
		return;
	}
	reader->next = d->waiting[side];
	d->waiting[side] = reader;
	if (!d->looking[other])
		reading(d, other);
	d->looking[other] = true;
}

void doors_told(struct doors *d, int64_t epoch)
{
	if (epoch > d->epoch)
		d->epoch = epoch;
}

int64_t doors_epoch(const struct doors *d)
{
	return d->epoch;
}

/* ---- the expired hold ------------------------------------------------------------------------ */

static void moved(struct controldb_question *base, const PGresult *rows, const struct err *err)
{
	struct question *q = (struct question *)base;

	q->cb.moved(q->ctx, err->code == ERR_OK && truth(rows, 0, 0), err);
	question_free(q);
}

void doors_abort_if_expired(
	struct doors *d, enum control_side side, int64_t attempt, doors_moved_cb cb, void *ctx)
{
	struct question *q = question_new(d, side, ASK_ABORT, ctx);
	BUF_AUTO text = BUF_INIT;

	q->cb.moved = cb;
	key_params(q);
	buf_printf(&text, "%lld", (long long)attempt);
	own_param(q, buf_steal(&text));
	send_off(q, moved);
}

/* ---- verifiers ------------------------------------------------------------------------------- */

/* libpq frees the answer without wiping it; a verifier is no password, and the server's own memory
 * holds it as plainly. */
static void verified(struct controldb_question *base, const PGresult *rows, const struct err *err)
{
	struct question *q = (struct question *)base;
	struct err told = *err;

	if (err->code == ERR_RIGHTS)
		(void)err_wrap(&told, "verifiers can not be read (pg_authid)");
	q->cb.verifier(q->ctx,
		err->code == ERR_OK && !PQgetisnull(rows, 0, 0) ? value(rows, 0, 0) : NULL, &told);
	question_free(q);
}

void doors_verifier(
	struct doors *d, enum control_side side, const char *user, doors_verifier_cb cb, void *ctx)
{
	struct question *q = question_new(d, side, ASK_VERIFIER, ctx);

	q->cb.verifier = cb;
	own_param(q, strdup(user));
	send_off(q, verified);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static void take_session(const PGresult *rows, int row, struct door_session *ret)
{
	*ret = (struct door_session){
		.pid = (int32_t)number(rows, row, 0), .age_ms = number(rows, row, 4)};
	snprintf(ret->user, sizeof ret->user, "%s", value(rows, row, 1));
	snprintf(ret->application, sizeof ret->application, "%s", value(rows, row, 2));
	snprintf(ret->state, sizeof ret->state, "%s", value(rows, row, 3));
	snprintf(ret->text, sizeof ret->text, "%s", value(rows, row, 5));
}

static void seen(struct controldb_question *base, const PGresult *rows, const struct err *err)
{
	struct question *q = (struct question *)base;
	struct door_session sessions[DOORS_PIDS_MAX];
	size_t count = 0;

	if (err->code == ERR_OK)
		for (int row = 0; row < PQntuples(rows) && count < DOORS_PIDS_MAX; row++)
			take_session(rows, row, &sessions[count++]);
	q->cb.sessions(q->ctx, sessions, count, err);
	question_free(q);
}

void doors_sessions(struct doors *d, enum control_side side, const int32_t *pids, size_t count,
	doors_sessions_cb cb, void *ctx)
{
	struct question *q = question_new(d, side, ASK_SESSIONS, ctx);
	BUF_AUTO array = BUF_INIT;

	REQUIRE(count <= DOORS_PIDS_MAX);
	q->cb.sessions = cb;
	key_params(q);
	buf_putc(&array, '{');
	for (size_t i = 0; i < count; i++)
		buf_printf(&array, "%s%d", i > 0 ? "," : "", (int)pids[i]);
	buf_putc(&array, '}');
	own_param(q, buf_steal(&array));
	send_off(q, seen);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void doors_free(struct doors *d)
{
	free(d->plan);
	free(d->store);
	free(d);
}

struct doors *doors_new(const struct doors_options *options)
{
	struct doors *d = calloc(1, sizeof *d);

	REQUIRE(d != NULL);
	d->plan = strdup(options->plan);
	d->store = strdup(options->store);
	REQUIRE(d->plan != NULL && d->store != NULL);
	for (size_t side = 0; side < ARRAY_LEN(d->db); side++) {
		struct controldb_options db = {.loop = options->loop,
			.conninfo = options->conninfo[side],
			.user = options->register_user,
			.name = control_side_name((enum control_side)side),
			.statements = statements,
			.statements_count = ARRAY_LEN(statements),
			.answer_ms = options->answer_ms};

		d->db[side] = controldb_new(&db);
		d->open++;
	}
	return d;
}

static void one_closed(void *ctx)
{
	struct doors *d = ctx;

	if (--d->open > 0)
		return;
	if (d->closed != NULL)
		d->closed(d->closed_ctx);
	doors_free(d);
}

void doors_close(struct doors *d, void (*closed)(void *ctx), void *ctx)
{
	d->closing = true;
	d->closed = closed;
	d->closed_ctx = ctx;
	for (size_t side = 0; side < ARRAY_LEN(d->db); side++)
		controldb_close(d->db[side], one_closed, d);
}
