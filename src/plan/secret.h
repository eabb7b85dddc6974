/*
 * secret.h - finds passwords and the like in a text.  No secret is allowed in a plan, and none may
 * be echoed (law 12).
 *
 * Two strengths: secret_find is what makes an error, so it is strict; secret_suspected is what
 * keeps a line from being shown, so it is broad.
 */
#ifndef AIRLOCK_PLAN_SECRET_H
#define AIRLOCK_PLAN_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* "password=..." and its relatives with something behind the sign, or "scheme://user:password@".
 * Gives the bytes of the secret itself. */
bool secret_find(const char *text, size_t len, size_t *ret_start, size_t *ret_len);
/* A key whose value would be a secret: "password", "token", ... */
bool secret_key(const char *key);
/* Also "password: ...", as YAML writes it, and secrets cut off in the middle. */
bool secret_suspected(const char *text, size_t len);

#endif
