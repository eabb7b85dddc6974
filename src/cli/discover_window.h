/*
 * discover_window.h - what happens by itself while the stores are to move: jobs that run then, and
 * certificates that end by then.
 */
#ifndef AIRLOCK_CLI_DISCOVER_WINDOW_H
#define AIRLOCK_CLI_DISCOVER_WINDOW_H

#include <jansson.h>

#include "base/buf.h"
#include "discover/finding.h"

/* "; RUNS IN THE WINDOW at ...": of one finding, "" where it is no job. */
void window_say_runs(const struct finding *f, struct buf *out);
/* The window, and a line for each that stands against it; wrapped. */
void window_say(const struct findings *f, struct buf *out);

/* {"from", "to", "given", "jobs", "unknown", "certificates"}. */
json_t *window_json(const struct findings *f);
/* Adds to a finding "in_window" ("runs", "no", "unknown" or null), "window_runs", "window_why" and,
 * of a certificate, "ends". */
void window_add_json(json_t *object, const struct finding *f);

#endif
