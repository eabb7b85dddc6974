/*
 * finding_json.h - a finding as a JSON object, for `discover --json` and for the journal.
 *
 * {"kind", "store", "side", "how", "what", "where", "target", "process", "process_why", "file", "line",
 *  "owner", "user", "application", "address", "name", "schedule", "next_run", "first_seen",
 *  "last_seen", "declared_as"}; what is not known is null, times are seconds since 1970.
 */
#ifndef AIRLOCK_DISCOVER_FINDING_JSON_H
#define AIRLOCK_DISCOVER_FINDING_JSON_H

#include <jansson.h>

#include "discover/finding.h"

json_t *finding_json(const struct finding *f); /* owned */
/* Adds what an earlier look wrote down.  False, and nothing is added, when it is no such object. */
bool findings_recall(struct findings *f, const json_t *object);

#endif
