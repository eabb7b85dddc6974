/*
 * writers_json.h - a writer as a JSON object, for `discover --json` and for the journal.
 *
 * {"store", "side", "user", "application", "names", "address", "process", "evidence", "writes",
 *  "first_seen", "last_seen", "last_write", "process_why", "gateway"}; times are seconds since 1970,
 * null when never.  process_why is null when there is a process; gateway is null, or {"route", "sessions" that came
 * through it, "past" it, "untold", "transactions", "writes", "rows"} (discover/writers.h).
 */
#ifndef AIRLOCK_DISCOVER_WRITERS_JSON_H
#define AIRLOCK_DISCOVER_WRITERS_JSON_H

#include <jansson.h>

#include "discover/writers.h"

json_t *writer_json(const struct writer *writer); /* owned */
/* Adds what an earlier watch wrote down.  False, and nothing is added, when it is no such object.
 */
bool writers_recall(struct writers *w, const json_t *object);

#endif
