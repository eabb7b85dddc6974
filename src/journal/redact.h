/*
 * redact.h - journal_redact for JSON, beside the public one in journal.h.
 */
#ifndef AIRLOCK_JOURNAL_REDACT_H
#define AIRLOCK_JOURNAL_REDACT_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"

/*
 * Replaces in place: the value of each key that names a secret, and what journal_redact finds in
 * each other string.  Keys are left: they come from our own code.
 */
void redact_json(json_t *value);

#endif
