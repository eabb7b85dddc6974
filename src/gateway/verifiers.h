/*
 * verifiers.h - who may log in, out of a file, where pg_authid cannot be read.
 *
 * The form is pgwire/userlist.h's.  A line that is none refuses the whole file, by its number and
 * never with its text.  The file must belong to whoever runs the gateway, or to root, and be open to
 * nobody else.
 *
 * It is looked at before each answer and read again when it has changed.  A change that cannot be
 * taken is said, and what was read before goes on to count.  Both servers must hold the very same
 * verifiers (a client's proof is good for no other), which `airlock check --gate verifiers` compares.
 *
 * Errors: ERR_IO (it cannot be read), ERR_RIGHTS (others can), ERR_PLAN (a line that is none).
 * Thread: the loop's; the file is small and local.
 */
#ifndef AIRLOCK_GATEWAY_VERIFIERS_H
#define AIRLOCK_GATEWAY_VERIFIERS_H

#include <stddef.h>

#include "base/err.h"

#define VERIFIERS_FILE_MAX (8u << 20)

struct verifiers;

/* Reads it.  `path` is copied.  Returns owned: verifiers_close. */
int verifiers_open(const char *path, struct verifiers **ret, struct err *err) MUST_CHECK;
void verifiers_close(struct verifiers *v); /* accepts NULL; wipes what it held */
/* Borrowed until the next call; NULL: nobody of that name can log in. */
const char *verifiers_find(struct verifiers *v, const char *user);

#endif
