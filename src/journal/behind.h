/*
 * behind.h - rows that wait in memory while nothing may be written: a ring, made at open, with one
 * writer's lock that is held for a copy and nothing else.
 */
#ifndef AIRLOCK_JOURNAL_BEHIND_H
#define AIRLOCK_JOURNAL_BEHIND_H

#include "journal/journal.h"

struct behind;

/* All memory is there, and has been touched, when this returns. */
struct behind *behind_new(void);
void behind_free(struct behind *b); /* accepts NULL */

/* Never waits, never fails; counts what finds no slot. */
void behind_add(struct behind *b, const struct journal_entry *entry);

/*
 * For the one who flushes, one thread at a time.  *ret_dropped is how many found no slot so far.
 * The slots below the count are stable until behind_done.
 */
size_t behind_count(struct behind *b, uint64_t *ret_dropped);
/* i < behind_count.  ret_row->entry and ->at point into the slot; the rest is zero. */
void behind_peek(struct behind *b, size_t i, struct journal_row *ret_row);
/* The first `count` are safe on disk, and the loss of `dropped` has been recorded. */
void behind_done(struct behind *b, size_t count, uint64_t dropped);

#endif
