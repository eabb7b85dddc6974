/*
 * client.h - what the lab's two client programs share: clocks, log lines, one connection that is
 * opened and lost.
 *
 * Both programs stand outside the databases and keep their own record.  A log is a text file of
 * lines with blanks between fields; it belongs to one thread and is flushed at least every
 * LOG_FLUSH_NS while lines are written, so that a reader sees it grow.
 */
#ifndef AIRLOCK_LAB_CLIENT_H
#define AIRLOCK_LAB_CLIENT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define LOG_FLUSH_NS (100 * 1000 * 1000)
#define SQLSTATE_NONE "-----" /* no server said why */

struct client_log {
	FILE *file;
	int64_t flushed_ns;
};

/* CLOCK_MONOTONIC, the same for every process of this machine. */
int64_t client_now_ns(void);

/* Sleeps until then (monotonic), or shorter when a stop was asked for. */
void client_sleep_until(int64_t when_ns);

/* SIGTERM and SIGINT ask for a stop; every thread sees it within one transaction. */
void client_catch_signals(void);
bool client_stopping(void);
void client_stop(void);

/* Creates DIR/NAME; ends the program with a message when it cannot. */
void client_log_open(struct client_log *log, const char *dir, const char *name);
void client_log_line(struct client_log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void client_log_close(struct client_log *log);

/* A session under this application_name, or NULL when it was refused or nobody answered. */
PGconn *client_connect(const char *dsn, const char *application);

/* The SQLSTATE of a result or SQLSTATE_NONE; `ret` has room for 6 bytes. */
void client_sqlstate(const PGresult *result, char *ret);

#endif
