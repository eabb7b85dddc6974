/*
 * doors.h - what the gateway knows of the two doors: it reads the registers of both sides itself,
 * over one control connection for each (libpq, non-blocking, on the uv loop), as the route's
 * register_user in the control database.
 *
 * A door counts as open only when its register says so, in an answer to a statement that was sent
 * after the question, at an epoch not lower than any that was seen or told (decision 8).  Nothing
 * is remembered between questions but that epoch.
 *
 * A gateway that has just begun knows no epoch, and a server that was restored from a backup can
 * say ACTIVE again though its door was shut for good.  So before the first answer about one side
 * the other one is asked too, whose epoch is then known; if it does not answer, that is waited for
 * once.
 *
 * Every question is answered exactly once, on the loop, never from inside the call that asks.  A
 * question has a deadline, connecting included (the first read has that of two); after it the
 * connection is given up (its outcome is unknown) and made again at the next question, with a
 * growing pause when that fails.
 *
 * Errors: ERR_UNREACHABLE (no connection, or it was lost: a move may or may not have happened),
 * ERR_TIMEOUT (likewise), ERR_BLOCKED (somebody holds the register's lock: nothing was moved),
 * ERR_RIGHTS (init-roles has not been run, or could not grant that), ERR_SQL.
 *
 * Thread: the loop's.  Connecting happens on uv's worker threads, because libpq resolves names.
 */
#ifndef AIRLOCK_GATEWAY_DOORS_H
#define AIRLOCK_GATEWAY_DOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "control/control.h"

struct doors;

enum door_state { DOOR_ABSENT, DOOR_ACTIVE, DOOR_SEALED, DOOR_COMMITTING, DOOR_STANDBY };

struct door_view {
	/* ACTIVE here, on a server that takes writes, at an epoch that is not stale; or old, while
	 * nothing is being moved */
	bool open;
	enum door_state state;
	int64_t attempt, epoch, promoted, revoked;
	int64_t left_ms; /* of the hold, by that side's clock; only in SEALED, negative = expired */
};

/* What the gateway names when somebody stands in the way. */
struct door_session {
	int32_t pid;
	int64_t age_ms; /* of its transaction, or else of its newest statement */
	char user[64], application[64], state[32];
	char text[96]; /* its newest statement, cut */
};

struct doors_options {
	uv_loop_t *loop;
	const char *plan, *store;  /* the key of the registers */
	const char *conninfo[2];   /* of each enum control_side, as the plan has it */
	const char *register_user; /* as whom */
	int64_t answer_ms;	   /* deadline of every question, from asking on */
};

/* Strings are copied; nothing is connected yet.  Out of memory aborts.  Returns owned: doors_close.
 */
struct doors *doors_new(const struct doors_options *options);
/* Open questions are answered (ERR_UNREACHABLE) first, then `closed` is called, once, on the loop,
 * when no handle of it is left.  `closed` may be NULL.  Nothing may be asked from then on. */
void doors_close(struct doors *doors, void (*closed)(void *ctx), void *ctx);

/* err->code is ERR_OK (0) exactly when the rest is valid; everything is borrowed for the call. */
typedef void (*doors_read_cb)(void *ctx, const struct door_view *view, const struct err *err);
typedef void (*doors_moved_cb)(void *ctx, bool moved, const struct err *err);
/* verifier: "SCRAM-SHA-256$...", or NULL: nobody of that name can log in by SCRAM here. */
typedef void (*doors_verifier_cb)(void *ctx, const char *verifier, const struct err *err);
typedef void (*doors_sessions_cb)(
	void *ctx, const struct door_session *sessions, size_t count, const struct err *err);

/* Questions that wait for the same statement share it.  Before `sync` and after `abandon` neither
 * side has a register: then nothing is being moved, and old counts as open, if new was asked in
 * the same question and has none either (docs/decisions/0011), and new was not the last to be read
 * open. */
void doors_read(struct doors *doors, enum control_side side, doors_read_cb cb, void *ctx);
/* Law 6, on the side that attempt `attempt` leaves: SEALED(attempt) becomes ACTIVE, with admission
 * restored, if the deadline in its register has passed by its own clock.  `moved` is false when it
 * has not, or when the register stands elsewhere: read it. */
void doors_abort_if_expired(
	struct doors *doors, enum control_side side, int64_t attempt, doors_moved_cb cb, void *ctx);
void doors_verifier(struct doors *doors, enum control_side side, const char *user,
	doors_verifier_cb cb, void *ctx);
/* Of those pids that are sessions of the migrated database; in no order. */
#define DOORS_PIDS_MAX 64
void doors_sessions(struct doors *doors, enum control_side side, const int32_t *pids, size_t count,
	doors_sessions_cb cb, void *ctx);

/* The epoch that a controller named at release: no door below it is open any more. */
void doors_told(struct doors *doors, int64_t epoch);
int64_t doors_epoch(const struct doors *doors); /* the highest seen or told; 0 = none */

#endif
