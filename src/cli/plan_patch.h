/*
 * plan_patch.h - lines put into a plan's text, as a patch in unified form.  The text itself is
 * never changed: comments and layout of its author stay as they are.
 */
#ifndef AIRLOCK_CLI_PLAN_PATCH_H
#define AIRLOCK_CLI_PLAN_PATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define PATCH_PLACES_MAX 4

/* Whole lines behind a line of the text. */
struct patch_place {
	size_t behind;	/* as many lines of the text come before */
	size_t indent;	/* blanks with which an entry begins there */
	bool with_head; /* the section is not there: its head comes first */
	struct buf added;
};

struct plan_patch {
	const char *text; /* borrowed; ends in a newline */
	size_t lines;
	struct patch_place places[PATCH_PLACES_MAX];
	size_t count;
};

#define PLAN_PATCH_AUTO __attribute__((cleanup(plan_patch_fini))) struct plan_patch
void plan_patch_init(struct plan_patch *p, const char *text);
void plan_patch_fini(struct plan_patch *p);

/*
 * Where entries of a section ("services", "overlap") are put: on top of it, or at the end of the
 * text under a head of its own.  `list`: its entries begin with "- ".  Borrowed.  ERR_REFUSED when
 * it is written on one line: the message says what to do.
 */
struct patch_place *plan_patch_section(
	struct plan_patch *p, const char *section, bool list, struct err *err) MUST_CHECK;

/* The text with everything in it. */
void plan_patch_apply(const struct plan_patch *p, struct buf *out);
/* "--- path" and so on; places close to each other share a hunk. */
void plan_patch_write(const struct plan_patch *p, const char *path, struct buf *out);

#endif
