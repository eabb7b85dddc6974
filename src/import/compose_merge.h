/*
 * compose_merge.h - how compose lays one file over another (compose specification, "Merge").
 *
 * First every service is brought into one form (compose_normalise): short forms become long ones,
 * lists of KEY=value become maps.  Then compose_merge needs few rules: maps are merged, lists
 * appended, commands replaced, ports and volumes are the same when they lead to the same place.
 * The tags !reset and !override are obeyed.
 */
#ifndef AIRLOCK_IMPORT_COMPOSE_MERGE_H
#define AIRLOCK_IMPORT_COMPOSE_MERGE_H

#include "import/notes.h"

/* The key under which a volume keeps the directory that its relative path begins in. */
#define COMPOSE_DIR "x-directory"

/* A new node; what is under it may be shared with `service`.  `dir`: where relative paths begin. */
struct node *compose_normalise(struct notes *notes, const struct node *service, const char *dir);

/* A service laid over another; either may be NULL.  The result may share nodes with both. */
struct node *compose_merge(struct arena *arena, struct node *base, struct node *over);

#endif
