/*
 * status_view.h - where one store stands, as `status` and `watch` tell it: text, JSON and lines
 * come from this one struct.
 */
#ifndef AIRLOCK_CLI_STATUS_VIEW_H
#define AIRLOCK_CLI_STATUS_VIEW_H

#include "cli/cmd.h"
#include "cli/fleet.h"

#define STATUS_EARLY_MAX 8
#define STATUS_NAME_COLUMNS 15 /* of stores and services in the table */

struct status_view {
	const char *name, *actual, *goal, *why;
	char waits_for[320];	       /* law 10: what, and below who can end it */
	const char *who, *next, *undo; /* undo: what taking it back is, and costs */
	const char *writes, *way_back; /* "old", "new", "none", "unknown"; "following" ... */
	int64_t lag_bytes, deadline_ms, undo_ms; /* -1 = unknown, or there is none */
	int64_t attempt;
	int64_t seen_us; /* clock_now_us of the reading */
	bool blind;	 /* a side that is needed did not answer */
	bool carried;	 /* clients come through a route that can hold them */
	bool silent;	 /* and it does not answer */
	struct route_view clients;
	/* Who reads new before it is promoted: watched. */
	struct {
		char role[64];
		int64_t sessions;
	} early[STATUS_EARLY_MAX];
	size_t early_count;
};

/* Reads the registers, the link and the route; takes look_ms at most for each of them.  Never
 * fails: what does not answer is unknown. */
void status_look(struct fleet *fleet, size_t store, int64_t look_ms, struct status_view *ret);
/* What a way back would cost by the newest window in the journal; leaves undo_ms where none is. */
void status_cost(struct cmd_ctx *ctx, struct status_view *view);

/* One element of airlock.status/1; owned. */
json_t *status_json(const struct status_view *view);
/* The whole document; takes both lists. */
json_t *status_document(json_t *stores, json_t *services);

void status_head(struct out *out);
void status_text(struct out *out, const struct status_view *view);
/* Everything that matters on one line, safe for a terminal, without a newline at the end. */
void status_line(const struct status_view *view, struct buf *line);

#endif
