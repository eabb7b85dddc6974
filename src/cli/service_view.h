/*
 * service_view.h - where the services that move stand (engine/movement.h), as `status` and `watch`
 * tell it: on which side by their own observation, and what the journal says was wanted.
 *
 * Without the journal the side is told all the same.
 */
#ifndef AIRLOCK_CLI_SERVICE_VIEW_H
#define AIRLOCK_CLI_SERVICE_VIEW_H

#include "cli/cmd.h"
#include "cli/moves_memory.h"

struct service_view {
	const struct plan_service *service;
	size_t wave;
	struct move_seen seen;
	const char *goal; /* "old" or "new"; what it is, where nothing is under way */
	char why[480];
	const char *next;
	char undo[200];	 /* what takes it back; "nothing to undo" */
	int64_t seen_us; /* clock_now_us of the observation */
};

/* Every service with a `move`, in the order of the waves; in the context's arena. */
struct service_view *service_views_make(struct cmd_ctx *ctx, size_t *ret_count);
/* Runs each one's `observe`, for look_ms at most, and reads the records again.  Never fails: what
 * does not answer is unknown. */
void service_views_look(
	struct cmd_ctx *ctx, int64_t look_ms, struct service_view *views, size_t count);

/* The list "services" of airlock.status/1; owned. */
json_t *service_views_json(const struct service_view *views, size_t count);
void service_views_text(struct out *out, const struct service_view *views, size_t count);
/* On one line, safe for a terminal, without a newline at the end. */
void service_view_line(const struct service_view *view, struct buf *line);

#endif
