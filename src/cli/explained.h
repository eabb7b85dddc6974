/*
 * explained.h - every id that `airlock explain` knows, by where it comes from; the manual lists
 * them.
 */
#ifndef AIRLOCK_CLI_EXPLAINED_H
#define AIRLOCK_CLI_EXPLAINED_H

#include "base/buf.h"

#define EXPLAINED_ID_BYTES 64

/* Each source counts its own from 0. */
struct explained {
	const char *title;
	size_t (*count)(void);
	void (*id)(size_t i, char ret_id[EXPLAINED_ID_BYTES]);
	void (*text)(size_t i, struct buf *out); /* sentences; a newline begins a paragraph */
};

const struct explained *explained_sources(size_t *ret_count);

#endif
