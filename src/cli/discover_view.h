/*
 * discover_view.h - what `airlock discover` found, for eyes (80 columns) and for programs
 * (airlock.discover/1).
 */
#ifndef AIRLOCK_CLI_DISCOVER_VIEW_H
#define AIRLOCK_CLI_DISCOVER_VIEW_H

#include "cli/cmd.h"
#include "discover/finding.h"
#include "discover/writers.h"

struct discovered {
	struct writers writers;
	struct findings findings;
};

#define DISCOVERED_AUTO __attribute__((cleanup(discovered_fini))) struct discovered
void discovered_fini(struct discovered *d);

size_t discovered_undeclared(const struct plan *plan, const struct discovered *d);
/* All of it, in one document with --json. */
void discovered_show(struct cmd_ctx *ctx, const struct discovered *d);
/* Only what was never seen before; how much that was.  One line of JSON each with --json. */
size_t discovered_show_new(struct cmd_ctx *ctx, const struct discovered *d);

#endif
