#include "gateway/controldb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"

#define PAUSE_MS_MIN 20
#define PAUSE_MS_MAX 1000
#define CONNECT_S "4"
#define KEYWORDS_MAX 64

enum line_state {
	LINE_DOWN,
	LINE_CONNECTING, /* a worker thread has the connection */
	LINE_UP,
};

struct queue {
	struct controldb_question *head, **tail;
};

struct controldb {
	struct controldb_options options; /* strings below are copies */
	char *conninfo, *user, *name;
	enum line_state state;
	PGconn *conn;
	uv_poll_t *poll; /* only while up; freed by its own close */
	uv_timer_t kick; /* sends what was asked, at the loop's next turn */
	uv_timer_t due;	 /* the earliest deadline, or the end of a pause */
	uv_work_t work;
	struct queue waiting, sent;
	struct controldb_question prepare; /* asked first on each connection */
	struct err failed;		   /* of the statement being answered */
	PGresult *result;
	int64_t pause_ms, not_before_ms;
	bool closing;
	size_t handles; /* still on the loop */
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void step(struct controldb *db);

/* ---- questions ------------------------------------------------------------------------------- */

static void queue_init(struct queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_add(struct queue *q, struct controldb_question *question)
{
	question->next = NULL;
	*q->tail = question;
	q->tail = &question->next;
}

static struct controldb_question *queue_take(struct queue *q)
{
	struct controldb_question *first = q->head;

	REQUIRE(first != NULL);
	q->head = first->next;
	if (q->head == NULL)
		q->tail = &q->head;
	return first;
}

static void answer(struct controldb *db, struct controldb_question *question,
	const PGresult *result, const struct err *err)
{
	question->sent = true;
	if (question != &db->prepare)
		question->cb(question, result, err);
}

/* Only those that are there now: an answer may make somebody ask again. */
static void fail_all(struct controldb *db, struct queue *q, const struct err *err)
{
	struct queue now = *q;

	if (now.head == NULL)
		return;
	queue_init(q);
	for (struct controldb_question *next; now.head != NULL; now.head = next) {
		next = now.head->next;
		answer(db, now.head, NULL, err);
	}
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void say(struct controldb *db, enum err_code code, const char *what, struct err *ret)
{
	size_t len = strcspn(what, "\n");

	*ret = ERR_INIT;
	(void)err_set(ret, code, "register of the %s side: %.*s", db->name, (int)len, what);
}

static enum err_code code_of(const char *sqlstate)
{
	if (strcmp(sqlstate, "42501") == 0)
		return ERR_RIGHTS;
	return strcmp(sqlstate, "55P03") == 0 ? ERR_BLOCKED : ERR_SQL;
}

static void say_result(struct controldb *db, const PGresult *result, struct err *ret)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (sqlstate == NULL)
		sqlstate = "";
	say(db, code_of(sqlstate), text ? text : PQresultErrorMessage(result), ret);
	snprintf(ret->sqlstate, sizeof ret->sqlstate, "%s", sqlstate);
}

/* ---- connecting, on a worker thread ---------------------------------------------------------- */

/* As the store's own connections: what a DBA set for roles or the database is set back. */
static const char session_options[] =
	"-c search_path=pg_catalog -c DateStyle=ISO,YMD -c TimeZone=UTC "
	"-c client_min_messages=warning -c idle_in_transaction_session_timeout=0 "
	"-c default_transaction_read_only=off -c default_transaction_deferrable=off "
	"-c default_transaction_isolation=read\\ committed "
	"-c plan_cache_mode=force_generic_plan";

struct keywords {
	const char *names[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
	size_t count;
};

static void keyword(struct keywords *kw, const char *name, const char *value)
{
	REQUIRE(kw->count < KEYWORDS_MAX);
	kw->names[kw->count] = name;
	kw->values[kw->count++] = value;
}

static void quiet(void *arg, const PGresult *notice)
{
	(void)arg;
	(void)notice;
}

static PGconn *dial(const struct controldb *db)
{
	PQconninfoOption *given = PQconninfoParse(db->conninfo, NULL);
	struct keywords kw = {.count = 0};
	BUF_AUTO options = BUF_INIT;
	PGconn *conn;

	if (given == NULL)
		return NULL;
	for (const PQconninfoOption *o = given; o->keyword != NULL; o++)
		if (o->val != NULL && strcmp(o->keyword, "options") != 0)
			keyword(&kw, o->keyword, o->val);
	/* A server must not go on with a move that was given up here; and who waits for a lock is
	 * told so while there is still time to hear it. */
	buf_printf(&options, "%s -c statement_timeout=%lld -c lock_timeout=%lld", session_options,
		(long long)db->options.answer_ms, (long long)db->options.answer_ms * 3 / 4 + 1);
	/* The last one of a name wins in libpq. */
	keyword(&kw, "dbname", CONTROLDB_NAME);
	keyword(&kw, "user", db->user);
	keyword(&kw, "application_name", "airlock-gateway");
	keyword(&kw, "client_encoding", "UTF8");
	keyword(&kw, "connect_timeout", CONNECT_S);
	keyword(&kw, "tcp_user_timeout", "10000");
	keyword(&kw, "options", buf_str(&options));
	conn = PQconnectdbParams(kw.names, kw.values, 0);
	PQconninfoFree(given);
	return conn;
}

static void connect_work(uv_work_t *work)
{
	struct controldb *db = work->data;

	db->conn = dial(db);
}

static void gone(struct controldb *db)
{
	INVARIANT(db->handles > 0);
	if (--db->handles > 0)
		return;
	INVARIANT(db->closing && db->waiting.head == NULL && db->sent.head == NULL);
	free(db->conninfo);
	free(db->user);
	free(db->name);
	if (db->closed != NULL)
		db->closed(db->closed_ctx);
	free(db);
}

static void handle_gone(uv_handle_t *handle)
{
	gone(handle->data);
}

static void poll_gone(uv_handle_t *handle)
{
	struct controldb *db = handle->data;

	free(handle);
	gone(db);
}

static void hang_up(struct controldb *db)
{
	if (db->poll != NULL) {
		uv_poll_stop(db->poll);
		uv_close((uv_handle_t *)db->poll, poll_gone);
		db->poll = NULL;
	}
	PQclear(db->result);
	db->result = NULL;
	PQfinish(db->conn);
	db->conn = NULL;
	db->state = LINE_DOWN;
}

/* ---- the line is up -------------------------------------------------------------------------- */

static void lost(struct controldb *db)
{
	struct err err;

	say(db, ERR_UNREACHABLE, PQerrorMessage(db->conn), &err);
	if (err.msg[strlen(err.msg) - 1] == ' ')
		say(db, ERR_UNREACHABLE, "the connection was lost", &err);
	hang_up(db);
	fail_all(db, &db->sent, &err);
	step(db);
}

static void take_result(struct controldb *db, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && db->failed.code == ERR_OK &&
		status != PGRES_PIPELINE_ABORTED)
		say_result(db, result, &db->failed);
	PQclear(db->result);
	db->result = result;
}

/* The statements could not be prepared: whoever waits is told why, and the next question tries a
 * new connection. */
static void not_prepared(struct controldb *db)
{
	struct err err = db->failed;

	db->not_before_ms = clock_now_ms() + db->pause_ms;
	hang_up(db);
	fail_all(db, &db->sent, &err);
	fail_all(db, &db->waiting, &err);
}

/* A statement is complete.  False when the connection is gone with it. */
static bool finish_one(struct controldb *db)
{
	struct controldb_question *question = queue_take(&db->sent);
	PGresult *result = db->result;
	struct err err = db->failed;

	if (question == &db->prepare && err.code != ERR_OK) {
		not_prepared(db);
		return false;
	}
	db->result = NULL;
	db->failed = ERR_INIT;
	if (question == &db->prepare)
		db->pause_ms = PAUSE_MS_MIN;
	answer(db, question, err.code == ERR_OK ? result : NULL, &err);
	PQclear(result);
	return db->state == LINE_UP;
}

static void receive(struct controldb *db)
{
	if (!PQconsumeInput(db->conn)) {
		lost(db);
		return;
	}
	while (db->sent.head != NULL && !PQisBusy(db->conn)) {
		PGresult *result = PQgetResult(db->conn);

		if (result == NULL)
			continue; /* between a statement's rows and its Sync */
		if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
			take_result(db, result);
			continue;
		}
		PQclear(result);
		if (!finish_one(db))
			return;
	}
	if (PQstatus(db->conn) != CONNECTION_OK)
		lost(db);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct controldb *db = poll->data;

	(void)events;
	if (status < 0)
		lost(db);
	else
		receive(db);
	step(db);
}

static int send_prepare(struct controldb *db)
{
	char name[24];

	for (size_t i = 0; i < db->options.statements_count; i++) {
		snprintf(name, sizeof name, "s%zu", i);
		if (!PQsendPrepare(db->conn, name, db->options.statements[i], 0, NULL))
			return 0;
	}
	return 1;
}

static int send_question(struct controldb *db, const struct controldb_question *question)
{
	char name[24];

	snprintf(name, sizeof name, "s%zu", question->statement);
	return PQsendQueryPrepared(
		db->conn, name, (int)question->params_count, question->params, NULL, NULL, 0);
}

static bool send_one(struct controldb *db, struct controldb_question *question)
{
	int ok = question == &db->prepare ? send_prepare(db) : send_question(db, question);

	question->sent = true;
	queue_add(&db->sent, question);
	return ok && PQpipelineSync(db->conn);
}

static void not_connected(struct controldb *db)
{
	struct err err;

	say(db, ERR_UNREACHABLE,
		db->conn ? PQerrorMessage(db->conn) : "the connection string is not usable", &err);
	hang_up(db);
	db->not_before_ms = clock_now_ms() + db->pause_ms;
	db->pause_ms = db->pause_ms * 2 < PAUSE_MS_MAX ? db->pause_ms * 2 : PAUSE_MS_MAX;
	fail_all(db, &db->waiting, &err);
}

static int watch(struct controldb *db)
{
	uv_poll_t *poll = calloc(1, sizeof *poll);

	REQUIRE(poll != NULL);
	if (uv_poll_init(db->options.loop, poll, PQsocket(db->conn)) != 0) {
		free(poll);
		return -1;
	}
	poll->data = db;
	db->poll = poll;
	db->handles++;
	return 0;
}

static void connected(uv_work_t *work, int status)
{
	struct controldb *db = work->data;

	(void)status;
	INVARIANT(db->state == LINE_CONNECTING);
	if (db->closing || db->conn == NULL || PQstatus(db->conn) != CONNECTION_OK) {
		not_connected(db);
		step(db);
		return;
	}
	PQsetNoticeReceiver(db->conn, quiet, NULL);
	db->failed = ERR_INIT;
	db->state = LINE_UP;
	db->prepare.deadline_ms = clock_now_ms() + db->options.answer_ms;
	if (PQsetnonblocking(db->conn, 1) != 0 || !PQenterPipelineMode(db->conn) ||
		watch(db) != 0 || !send_one(db, &db->prepare))
		lost(db);
	else
		step(db);
}

/* ---- one step: whatever can be done now ------------------------------------------------------ */

static void on_kick(uv_timer_t *timer)
{
	step(timer->data);
}

/* A question that waits is answered alone; of one that was sent, the outcome is unknown. */
static void on_due(uv_timer_t *timer)
{
	struct controldb *db = timer->data;
	int64_t now = clock_now_ms();
	struct err err;

	say(db, ERR_TIMEOUT, "no answer in time", &err);
	if (db->sent.head != NULL && db->sent.head->deadline_ms <= now) {
		hang_up(db);
		fail_all(db, &db->sent, &err);
	}
	while (db->waiting.head != NULL && db->waiting.head->deadline_ms <= now)
		answer(db, queue_take(&db->waiting), NULL, &err);
	step(db);
}

static void arm_due(struct controldb *db)
{
	int64_t now = clock_now_ms(), at = INT64_MAX;

	if (db->sent.head != NULL)
		at = db->sent.head->deadline_ms;
	if (db->waiting.head != NULL && db->waiting.head->deadline_ms < at)
		at = db->waiting.head->deadline_ms;
	if (db->waiting.head != NULL && db->state == LINE_DOWN && db->not_before_ms < at)
		at = db->not_before_ms;
	if (at == INT64_MAX) {
		uv_timer_stop(&db->due);
		return;
	}
	uv_update_time(db->options.loop);
	uv_timer_start(&db->due, on_due, at <= now ? 1 : (uint64_t)(at - now), 0);
}

static void dial_if_wanted(struct controldb *db)
{
	if (db->state != LINE_DOWN || db->waiting.head == NULL ||
		clock_now_ms() < db->not_before_ms)
		return;
	db->state = LINE_CONNECTING;
	db->work.data = db;
	REQUIRE(uv_queue_work(db->options.loop, &db->work, connect_work, connected) == 0);
}

static void listen_for(struct controldb *db)
{
	int unsent = PQflush(db->conn);

	if (unsent < 0)
		lost(db);
	else
		uv_poll_start(db->poll,
			UV_READABLE | UV_DISCONNECT | (unsent > 0 ? UV_WRITABLE : 0), on_poll);
}

static void step(struct controldb *db)
{
	if (db->closing) {
		if (db->state != LINE_CONNECTING && !uv_is_closing((uv_handle_t *)&db->kick)) {
			uv_close((uv_handle_t *)&db->kick, handle_gone);
			uv_close((uv_handle_t *)&db->due, handle_gone);
		}
		return;
	}
	while (db->state == LINE_UP && db->waiting.head != NULL)
		if (!send_one(db, queue_take(&db->waiting))) {
			lost(db);
			return;
		}
	dial_if_wanted(db);
	if (db->state == LINE_UP)
		listen_for(db);
	arm_due(db);
}

/* ---- the outside ----------------------------------------------------------------------------- */

void controldb_ask(struct controldb *db, struct controldb_question *question)
{
	REQUIRE(question->statement < db->options.statements_count);
	REQUIRE(question->params_count <= CONTROLDB_PARAMS_MAX);
	REQUIRE(!db->closing);
	question->sent = false;
	question->deadline_ms = clock_now_ms() + db->options.answer_ms;
	queue_add(&db->waiting, question);
	uv_timer_start(&db->kick, on_kick, 0, 0);
}

struct controldb *controldb_new(const struct controldb_options *options)
{
	struct controldb *db = calloc(1, sizeof *db);

	REQUIRE(options->statements_count <= CONTROLDB_STATEMENTS_MAX && options->answer_ms > 0);
	REQUIRE(db != NULL);
	db->options = *options;
	db->conninfo = strdup(options->conninfo);
	db->user = strdup(options->user);
	db->name = strdup(options->name);
	REQUIRE(db->conninfo != NULL && db->user != NULL && db->name != NULL);
	db->pause_ms = PAUSE_MS_MIN;
	db->failed = ERR_INIT;
	queue_init(&db->waiting);
	queue_init(&db->sent);
	uv_timer_init(options->loop, &db->kick);
	uv_timer_init(options->loop, &db->due);
	db->kick.data = db->due.data = db;
	db->handles = 2;
	return db;
}

void controldb_close(struct controldb *db, void (*closed)(void *ctx), void *ctx)
{
	struct err err;

	REQUIRE(!db->closing);
	db->closing = true;
	db->closed = closed;
	db->closed_ctx = ctx;
	say(db, ERR_UNREACHABLE, "the gateway is stopping", &err);
	if (db->state == LINE_UP)
		hang_up(db);
	fail_all(db, &db->sent, &err);
	fail_all(db, &db->waiting, &err);
	step(db);
}
