/*
 * prober - tries to write to both sides, all the time, as every role class, and records who got in.
 *
 * One thread for each side wakes up every --every-ms and tries the next role in turn: over the
 * session it has, or a new one.  Log DIR/probe-SIDE.log, one line for each try:
 *
 *	P ROLE SEQ in|out|unknown SERVER_US BEGIN_NS END_NS
 *
 * in: the write was acknowledged; SERVER_US is clock_timestamp() in that very write, so at that
 * instant a session stood on this side and was allowed to write, and its commit came later.  out:
 *it was refused.  unknown: the session broke before the answer.  (0 for SERVER_US but with `in`.)
 */
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define ROLES_MAX 16
#define ANSWER_NS ((int64_t)2 * 1000000000) /* longer without an answer: session given up */

struct role {
	const char *name, *dsn;
};

struct options {
	struct role roles[2][ROLES_MAX];
	int counts[2];
	const char *log_dir;
	long long run;
	int64_t every_ns, seconds;
};

struct prober {
	const struct options *options;
	struct client_log log;
	pthread_t thread;
	int side;
	PGconn *connections[ROLES_MAX];
	long long seq;
};

static void let_go(struct prober *prober, int role)
{
	PQfinish(prober->connections[role]);
	prober->connections[role] = NULL;
}

/* False when the answer did not come in time or the session broke. */
static bool await_answer(PGconn *connection)
{
	int64_t give_up = client_now_ns() + ANSWER_NS;

	while (PQisBusy(connection)) {
		struct pollfd fd = {PQsocket(connection), POLLIN, 0};

		if (client_now_ns() > give_up)
			return false;
		if (poll(&fd, 1, 50) > 0 && PQconsumeInput(connection) == 0)
			return false;
	}
	return true;
}

/* "in", "out" or "unknown"; the session is closed unless it can be used again. */
static const char *try_write(struct prober *prober, int role, long long *ret_server_us)
{
	PGconn *connection = prober->connections[role];
	const char *verdict = "unknown";
	PGresult *result;
	char sql[256];

	snprintf(sql, sizeof sql,
		"INSERT INTO ledger.probe VALUES (%lld, %d, %lld)"
		" RETURNING (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
		prober->options->run, prober->side * ROLES_MAX + role, prober->seq);
	if (PQsendQuery(connection, sql) == 0) {
		let_go(prober, role);
		return verdict;
	}
	while (await_answer(connection) && (result = PQgetResult(connection)) != NULL) {
		if (PQresultStatus(result) == PGRES_TUPLES_OK) {
			*ret_server_us = atoll(PQgetvalue(result, 0, 0));
			verdict = "in";
		} else if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
			/* Without a server's word the write may have been done. */
			char sqlstate[6];
			client_sqlstate(result, sqlstate);
			verdict = strcmp(sqlstate, SQLSTATE_NONE) == 0 ? "unknown" : "out";
		}
		PQclear(result);
	}
	if (PQtransactionStatus(connection) != PQTRANS_IDLE) {
		if (strcmp(verdict, "out") == 0)
			verdict = "unknown"; /* a FATAL can overtake the answer to a commit */
		let_go(prober, role);
	}
	return verdict;
}

static void probe(struct prober *prober, int role)
{
	const struct role *who = &prober->options->roles[prober->side][role];
	int64_t begin_ns = client_now_ns();
	long long server_us = 0;
	const char *verdict = "out";

	if (prober->connections[role] == NULL) {
		char name[64];
		snprintf(name, sizeof name, "probe-%s", who->name);
		prober->connections[role] = client_connect(who->dsn, name);
	}
	if (prober->connections[role] != NULL)
		verdict = try_write(prober, role, &server_us);
	client_log_line(&prober->log, "P %s %lld %s %lld %lld %lld\n", who->name, prober->seq,
		verdict, strcmp(verdict, "in") == 0 ? server_us : 0, (long long)begin_ns,
		(long long)client_now_ns());
	prober->seq++;
}

static void *prober_main(void *argument)
{
	struct prober *prober = argument;
	int count = prober->options->counts[prober->side];
	int64_t due_ns = client_now_ns();

	for (int role = 0; !client_stopping(); role = (role + 1) % count) {
		probe(prober, role);
		due_ns += prober->options->every_ns;
		if (due_ns < client_now_ns())
			due_ns = client_now_ns();
		client_sleep_until(due_ns);
	}
	for (int role = 0; role < count; role++)
		if (prober->connections[role] != NULL)
			let_go(prober, role);
	client_log_close(&prober->log);
	return NULL;
}

static void run(const struct options *options)
{
	static const char *const names[] = {"probe-old.log", "probe-new.log"};
	static struct prober probers[2];
	int64_t end_ns =
		options->seconds > 0 ? client_now_ns() + options->seconds * 1000000000 : INT64_MAX;

	for (int side = 0; side < 2; side++) {
		probers[side].options = options;
		probers[side].side = side;
		client_log_open(&probers[side].log, options->log_dir, names[side]);
		if (pthread_create(&probers[side].thread, NULL, prober_main, &probers[side]) != 0) {
			fputs("prober: no more threads\n", stderr);
			exit(2);
		}
	}
	client_sleep_until(end_ns);
	client_stop();
	for (int side = 0; side < 2; side++)
		pthread_join(probers[side].thread, NULL);
}

static void usage(void)
{
	fputs("usage: prober --run N --log DIR [--every-ms 5] [--seconds N]\n"
	      "         --old ROLE=DSN ... --new ROLE=DSN ...\n"
	      "Ends after N seconds or at SIGTERM.\n",
		stderr);
	exit(2);
}

static void add_role(struct options *options, int side, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL || options->counts[side] == ROLES_MAX)
		usage();
	*equals = '\0';
	options->roles[side][options->counts[side]++] = (struct role){text, equals + 1};
}

int main(int argc, char **argv)
{
	static const struct option names[] = {{"old", 1, NULL, 'o'}, {"new", 1, NULL, 'n'},
		{"log", 1, NULL, 'l'}, {"run", 1, NULL, 'r'}, {"every-ms", 1, NULL, 'e'},
		{"seconds", 1, NULL, 's'}, {NULL, 0, NULL, 0}};
	struct options options = {.every_ns = 5 * 1000 * 1000};

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		switch (c) {
		case 'o':
			add_role(&options, 0, optarg);
			break;
		case 'n':
			add_role(&options, 1, optarg);
			break;
		case 'l':
			options.log_dir = optarg;
			break;
		case 'r':
			options.run = atoll(optarg);
			break;
		case 'e':
			options.every_ns = atoll(optarg) * 1000 * 1000;
			break;
		case 's':
			options.seconds = atoll(optarg);
			break;
		default:
			usage();
		}
	}
	if (options.log_dir == NULL || options.counts[0] == 0 || options.counts[1] == 0 ||
		options.every_ns <= 0 || optind != argc)
		usage();
	client_catch_signals();
	run(&options);
	return 0;
}
