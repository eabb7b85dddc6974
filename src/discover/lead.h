/*
 * lead.h - a text of this host, searched for what leads to the plan's stores; each becomes a
 * finding.  What leads elsewhere is nobody's business and is not kept.
 */
#ifndef AIRLOCK_DISCOVER_LEAD_H
#define AIRLOCK_DISCOVER_LEAD_H

#include "base/buf.h"
#include "discover/finding.h"
#include "discover/target.h"

#define LEAD_FILE_MAX (4u << 20)

struct lead {
	const struct plan *plan;
	struct targets *targets;
	struct findings *f;
	struct finding base; /* what every finding of this text begins as: kind, name, what, ... */
	bool people;	     /* written for people: nothing in it is configured */
	bool lifetimes;	     /* tell lifetimes and host names as well */
	int line;	     /* of the whole text, which is one line of a file; 0 = as counted */
	struct dsn env;	     /* PG* of the surroundings; all zero = none */
	struct manager *manager;   /* of units; NULL = none answers */
	const struct units *units; /* of units.c: those that are looked at */
	const char *root;	   /* of the host that the text lies on; NULL = "" */
	size_t told;
};

/* `file` is where the text stands.  A base.place that is set stays, otherwise it is file:line. */
void lead_scan(struct lead *lead, const char *file, const char *text, size_t len);
/* Reads a file and scans it.  False when it is none, is too big, cannot be read or holds no text.
 */
bool lead_scan_file(struct lead *lead, const char *path);
/* The scripts under `root` that a command line names. */
void lead_scan_scripts(struct lead *lead, const char *root, const char *command);

/* The text of a regular file of at most LEAD_FILE_MAX bytes without NUL in its first 8 KiB; its
 * owner's name goes to `ret_owner` of 64 bytes unless that is NULL. */
bool lead_read(const char *path, struct buf *out, char *ret_owner);

#endif
