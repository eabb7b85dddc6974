#include "client.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
	(void)number;
	stopping = 1;
}

int64_t client_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void client_sleep_until(int64_t when_ns)
{
	/* In pieces, since a signal reaches only one of the threads. */
	const int64_t piece_ns = 50 * 1000 * 1000;

	for (int64_t now = client_now_ns(); now < when_ns && !stopping; now = client_now_ns()) {
		int64_t end = when_ns - now > piece_ns ? now + piece_ns : when_ns;
		struct timespec until = {end / 1000000000, end % 1000000000};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}

void client_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool client_stopping(void)
{
	return stopping != 0;
}

void client_stop(void)
{
	stopping = 1;
}

void client_log_open(struct client_log *log, const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	log->file = fopen(path, "wx"); /* never over an older record */
	log->flushed_ns = 0;
	if (log->file == NULL) {
		perror(path);
		exit(2);
	}
}

void client_log_line(struct client_log *log, const char *format, ...)
{
	va_list arguments;
	int64_t now = client_now_ns();

	va_start(arguments, format);
	int written = vfprintf(log->file, format, arguments);
	va_end(arguments);
	if (written < 0 || (now - log->flushed_ns > LOG_FLUSH_NS && fflush(log->file) != 0)) {
		perror("log");
		exit(2); /* a record with holes would prove nothing */
	}
	if (now - log->flushed_ns > LOG_FLUSH_NS)
		log->flushed_ns = now;
}

void client_log_close(struct client_log *log)
{
	if (fclose(log->file) != 0) {
		perror("log");
		exit(2);
	}
}

/* What a server says out of turn ("terminating connection") is expected here, again and again. */
static void ignore_notice(void *nobody, const char *message)
{
	(void)nobody;
	(void)message;
}

PGconn *client_connect(const char *dsn, const char *application)
{
	const char *const keys[] = {"dbname", "application_name", "connect_timeout", NULL};
	const char *const values[] = {dsn, application, "2", NULL};
	PGconn *connection = PQconnectdbParams(keys, values, 1);

	PQsetNoticeProcessor(connection, ignore_notice, NULL);
	if (PQstatus(connection) == CONNECTION_OK)
		return connection;
	PQfinish(connection);
	return NULL;
}

void client_sqlstate(const PGresult *result, char *ret)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	snprintf(ret, 6, "%.5s", state != NULL && *state != '\0' ? state : SQLSTATE_NONE);
}
