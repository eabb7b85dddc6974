/*
 * identity.h - who we are, for rows and locks.
 */
#ifndef AIRLOCK_JOURNAL_IDENTITY_H
#define AIRLOCK_JOURNAL_IDENTITY_H

#include <stddef.h>

/* "alice", or "root (sudo alice)".  What sudo says is information, no proof. */
void identity_user(char *ret, size_t size);
void identity_host(char *ret, size_t size);
/* "alice@ops1 pid 4711: airlock run" */
void identity_sentence(const char *command, char *ret, size_t size);

#endif
