/*
 * ledger_client - live clients that remember outside the databases what was acknowledged to them.
 *
 * Each client is a thread with one session and a log of its own (DIR/client-N.log).  It makes one
 * transaction after the other, each under the next seq, each tried exactly once:
 *
 *	T SEQ ok|fail|unknown SIDE SQLSTATE BEGIN_NS END_NS WAIT_US
 *
 * ok: the server said COMMIT.  fail: it is certain that nothing was committed.  unknown: the
 *session was lost after the commit had been sent; such a transaction is never tried again, since
 *that could apply it twice.  WAIT_US of an ok line is how long the client had wanted to get a
 *transaction through: from when the first try of this streak was due until now.
 *
 * A client whose session is lost or refused tries the other side, and so on in turn, with a pause
 *of
 * --backoff-ms and as much again at random, doubled after each round up to sixteenfold.  That is
 *what direct clients are advised to do: a storm of refused logins is what slows a crossing down
 *most.
 *
 *	G LOST_NS BACK_NS FROM_SIDE TO_SIDE TRIES
 *
 * A client that is still waiting when it is stopped says so in its last line:
 *
 *	E WAIT_US
 *
 * Even clients send the work and the COMMIT apart, odd ones all in one message: the first kind
 *knows more often that nothing was committed, the second is what an autocommit application does.
 */
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define CLIENTS_MAX 2048
#define BACKOFF_DOUBLINGS 4
#define PATIENCE_NS ((int64_t)3 * 1000000000) /* for an answer, once a stop was asked for */

enum side { OLD, NEW };
enum outcome { OK, FAIL, UNKNOWN };
static const char *const side_name[] = {"old", "new"};
static const char *const outcome_name[] = {"ok", "fail", "unknown"};

struct options {
	const char *dsn[2];
	const char *log_dir;
	int clients, first;
	enum side start;
	double rate; /* transactions per second of all clients together; 0 = as fast as it goes */
	int64_t seconds, backoff_ns;
	bool progress;
};

struct totals {
	atomic_long outcomes[3];
	atomic_int side;
	atomic_long wait_us_max;
};

struct client {
	const struct options *options;
	struct totals *totals;
	struct client_log log;
	pthread_t thread;
	PGconn *connection;
	enum side side;
	int id;
	unsigned seed;
	int64_t seq;
	int64_t due_ns;	   /* when the next transaction is to begin */
	int64_t wanted_ns; /* since when a transaction is wanted in vain; 0 = not waiting */
};

/* What came back for one message. */
struct answer {
	bool lost; /* the session is gone, or was given up */
	bool error;
	char sqlstate[6];
	char tag[32]; /* of the last command that succeeded */
};

static bool await_input(struct client *client)
{
	int64_t give_up = 0;

	while (PQisBusy(client->connection)) {
		struct pollfd fd = {PQsocket(client->connection), POLLIN, 0};
		int64_t now = client_now_ns();

		if (client_stopping() && give_up == 0)
			give_up = now + PATIENCE_NS;
		if (give_up != 0 && now > give_up)
			return false;
		if (poll(&fd, 1, 100) > 0 && PQconsumeInput(client->connection) == 0)
			return false;
	}
	return true;
}

static void take_result(PGresult *result, struct answer *ret)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		snprintf(ret->tag, sizeof ret->tag, "%s", PQcmdStatus(result));
		return;
	}
	if (!ret->error)
		client_sqlstate(result, ret->sqlstate);
	ret->error = true;
}

static struct answer ask(struct client *client, const char *sql)
{
	struct answer answer = {.sqlstate = SQLSTATE_NONE};
	PGresult *result;

	if (PQsendQuery(client->connection, sql) == 0) {
		answer.lost = true;
		return answer;
	}
	while (await_input(client) && (result = PQgetResult(client->connection)) != NULL) {
		take_result(result, &answer);
		PQclear(result);
	}
	answer.lost = PQstatus(client->connection) != CONNECTION_OK ||
		      PQtransactionStatus(client->connection) == PQTRANS_ACTIVE;
	return answer;
}

static void work_sql(const struct client *client, char *ret, size_t size)
{
	snprintf(ret, size,
		"WITH chain AS (INSERT INTO ledger.counter AS c VALUES (%d, 1)"
		" ON CONFLICT (client) DO UPDATE SET n = c.n + 1 RETURNING n)"
		" INSERT INTO ledger.entry (client, seq, n) SELECT %d, %lld, n FROM chain;"
		" INSERT INTO ledger.trace VALUES (%d, %lld)",
		client->id, client->id, (long long)client->seq, client->id, (long long)client->seq);
}

/* All in one message: whatever is lost on the way may have been committed. */
static enum outcome transact_at_once(struct client *client, struct answer *ret)
{
	char work[512], sql[560];

	work_sql(client, work, sizeof work);
	snprintf(sql, sizeof sql, "BEGIN; %s; COMMIT", work);
	*ret = ask(client, sql);
	if (ret->lost)
		return UNKNOWN;
	return !ret->error && strcmp(ret->tag, "COMMIT") == 0 ? OK : FAIL;
}

/* Until COMMIT has been sent it is certain that nothing is committed. */
static enum outcome transact_apart(struct client *client, struct answer *ret)
{
	char work[512], sql[560];

	work_sql(client, work, sizeof work);
	snprintf(sql, sizeof sql, "BEGIN; %s", work);
	*ret = ask(client, sql);
	if (ret->lost || ret->error)
		return FAIL;
	*ret = ask(client, "COMMIT");
	if (ret->lost)
		return UNKNOWN;
	return !ret->error && strcmp(ret->tag, "COMMIT") == 0 ? OK : FAIL;
}

/* Nothing more can be said to this session; or the side says that it is not the one to write to. */
static bool must_switch(const struct answer *answer)
{
	static const char *const states[] = {"42501", "57P01", "57P02", "57P03", "25006"};

	if (answer->lost)
		return true;
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		if (answer->error && strcmp(answer->sqlstate, states[i]) == 0)
			return true;
	return false;
}

static void pause_before_retry(struct client *client, int tries)
{
	int rounds = tries / 2 < BACKOFF_DOUBLINGS ? tries / 2 : BACKOFF_DOUBLINGS;
	int64_t backoff_ns = client->options->backoff_ns << rounds;
	int64_t jitter_ns = backoff_ns > 0 ? (int64_t)rand_r(&client->seed) % backoff_ns : 0;

	client_sleep_until(client_now_ns() + backoff_ns + jitter_ns);
}

/* Tries both sides in turn until one lets the client in; false when a stop was asked for. */
static bool reconnect(struct client *client, enum side first)
{
	enum side from = client->side;
	int64_t lost_ns = client_now_ns();
	char name[32];
	int tries = 0;

	snprintf(name, sizeof name, "web-%d", client->id);
	if (client->connection != NULL)
		PQfinish(client->connection);
	client->connection = NULL;
	for (enum side side = first; !client_stopping(); side = !side) {
		tries++;
		client->connection = client_connect(client->options->dsn[side], name);
		if (client->connection != NULL) {
			client->side = side;
			atomic_store(&client->totals->side, side);
			client_log_line(&client->log, "G %lld %lld %s %s %d\n", (long long)lost_ns,
				(long long)client_now_ns(), side_name[from], side_name[side],
				tries);
			return true;
		}
		pause_before_retry(client, tries);
	}
	return false;
}

static void note_wait(struct client *client, int64_t wait_us)
{
	long seen = atomic_load(&client->totals->wait_us_max);

	while (wait_us > seen &&
		!atomic_compare_exchange_weak(&client->totals->wait_us_max, &seen, wait_us))
		;
}

/* One transaction under one seq, tried once and recorded; true when the session can go on. */
static bool transact(struct client *client)
{
	struct answer answer;
	int64_t begin_ns = client_now_ns();
	enum outcome outcome = client->id % 2 == 0 ? transact_apart(client, &answer)
						   : transact_at_once(client, &answer);
	int64_t end_ns = client_now_ns();
	int64_t wait_us = (end_ns - client->wanted_ns) / 1000;

	client_log_line(&client->log, "T %lld %s %s %s %lld %lld %lld\n", (long long)client->seq,
		outcome_name[outcome], side_name[client->side], answer.sqlstate,
		(long long)begin_ns, (long long)end_ns, (long long)wait_us);
	client->seq++;
	atomic_fetch_add(&client->totals->outcomes[outcome], 1);
	if (outcome == OK) {
		note_wait(client, wait_us);
		client->wanted_ns = 0;
	}
	if (must_switch(&answer))
		return false;
	if (PQtransactionStatus(client->connection) != PQTRANS_IDLE)
		return !ask(client, "ROLLBACK").lost;
	return true;
}

static void wait_for_turn(struct client *client)
{
	const struct options *options = client->options;
	int64_t now = client_now_ns();

	if (options->rate > 0) {
		client->due_ns += (int64_t)(1e9 * options->clients / options->rate);
		if (client->due_ns < now) /* what a stall cost is not made up for by a burst */
			client->due_ns = now;
		client_sleep_until(client->due_ns);
	} else {
		client->due_ns = now;
	}
	if (client->wanted_ns == 0)
		client->wanted_ns = client->due_ns;
}

static void *client_main(void *argument)
{
	struct client *client = argument;

	client->due_ns = client->wanted_ns = client_now_ns();
	bool usable = reconnect(client, client->options->start);

	while (usable && !client_stopping()) {
		wait_for_turn(client);
		if (client_stopping())
			break;
		if (!transact(client))
			usable = reconnect(client, !client->side);
	}
	if (client->connection != NULL)
		PQfinish(client->connection);
	if (client->wanted_ns != 0)
		client_log_line(&client->log, "E %lld\n",
			(long long)(client_now_ns() - client->wanted_ns) / 1000);
	client_log_close(&client->log);
	return NULL;
}

static void print_progress(struct totals *totals, int64_t started_ns)
{
	printf("%.1f %ld %ld %ld %s %.1f\n", (double)(client_now_ns() - started_ns) / 1e9,
		atomic_load(&totals->outcomes[OK]), atomic_load(&totals->outcomes[FAIL]),
		atomic_load(&totals->outcomes[UNKNOWN]), side_name[atomic_load(&totals->side)],
		(double)atomic_load(&totals->wait_us_max) / 1e3);
	fflush(stdout);
}

static void run(const struct options *options)
{
	static struct client clients[CLIENTS_MAX];
	static struct totals totals;
	int64_t started_ns = client_now_ns();
	int64_t end_ns =
		options->seconds > 0 ? started_ns + options->seconds * 1000000000 : INT64_MAX;

	for (int i = 0; i < options->clients; i++) {
		struct client *client = &clients[i];
		char name[32];

		client->options = options;
		client->totals = &totals;
		client->id = options->first + i;
		client->seed = (unsigned)client->id + 1;
		snprintf(name, sizeof name, "client-%d.log", client->id);
		client_log_open(&client->log, options->log_dir, name);
		if (pthread_create(&client->thread, NULL, client_main, client) != 0) {
			fputs("ledger_client: no more threads\n", stderr);
			exit(2);
		}
	}
	while (!client_stopping() && client_now_ns() < end_ns) {
		int64_t next = client_now_ns() + 100 * 1000 * 1000;

		client_sleep_until(next < end_ns ? next : end_ns);
		if (options->progress)
			print_progress(&totals, started_ns);
	}
	client_stop();
	for (int i = 0; i < options->clients; i++)
		pthread_join(clients[i].thread, NULL);
	print_progress(&totals, started_ns);
}

static void usage(void)
{
	fputs("usage: ledger_client --old DSN --new DSN --log DIR [--clients 16] [--first 0]\n"
	      "         [--rate PER_SECOND] [--seconds N] [--backoff-ms 5] [--start old|new] "
	      "[--progress]\n"
	      "Ends after N seconds or at SIGTERM. Prints: seconds ok fail unknown side "
	      "worst_wait_ms.\n",
		stderr);
	exit(2);
}

static struct options parse(int argc, char **argv)
{
	static const struct option names[] = {{"old", 1, NULL, 'o'}, {"new", 1, NULL, 'n'},
		{"log", 1, NULL, 'l'}, {"clients", 1, NULL, 'c'}, {"first", 1, NULL, 'f'},
		{"rate", 1, NULL, 'r'}, {"seconds", 1, NULL, 's'}, {"backoff-ms", 1, NULL, 'b'},
		{"start", 1, NULL, 't'}, {"progress", 0, NULL, 'p'}, {NULL, 0, NULL, 0}};
	struct options options = {.clients = 16, .backoff_ns = 5 * 1000 * 1000};

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		switch (c) {
		case 'o':
			options.dsn[OLD] = optarg;
			break;
		case 'n':
			options.dsn[NEW] = optarg;
			break;
		case 'l':
			options.log_dir = optarg;
			break;
		case 'c':
			options.clients = atoi(optarg);
			break;
		case 'f':
			options.first = atoi(optarg);
			break;
		case 'r':
			options.rate = atof(optarg);
			break;
		case 's':
			options.seconds = atoll(optarg);
			break;
		case 'b':
			options.backoff_ns = atoll(optarg) * 1000 * 1000;
			break;
		case 't':
			options.start = strcmp(optarg, "new") == 0 ? NEW : OLD;
			break;
		case 'p':
			options.progress = true;
			break;
		default:
			usage();
		}
	}
	if (options.dsn[OLD] == NULL || options.dsn[NEW] == NULL || options.log_dir == NULL ||
		options.clients < 1 || options.clients > CLIENTS_MAX || optind != argc)
		usage();
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);

	client_catch_signals();
	run(&options);
	return 0;
}
