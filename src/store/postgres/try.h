/*
 * try.h - logging in as the canary roles, for the proof inside the hold and for `check` before it.
 */
#ifndef AIRLOCK_STORE_POSTGRES_TRY_H
#define AIRLOCK_STORE_POSTGRES_TRY_H

#include "store/postgres/driver.h"

enum try_answer {
	TRY_ENTERED, /* logged in: this path can write */
	TRY_REFUSED, /* refused for lack of CONNECT: this path is fenced */
	TRY_UNUSABLE /* the login cannot work in any case: proves nothing */
};

const char *try_role(size_t path);
/* Fails only when the server could not be asked. */
int try_path(struct store_pg *s, enum side side, size_t path, int64_t deadline_ms,
	enum try_answer *ret_answer, struct err *err) MUST_CHECK;

#endif
