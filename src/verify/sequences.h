/*
 * sequences.h - sequences of both sides.  Replication does not carry them; a hold moves those of
 * the side that will open, past the other's by SEQUENCE_MARGIN steps.  So they are never equal, and
 * what counts is whether the open side will hand out a number that the shut one has handed out.
 */
#ifndef AIRLOCK_VERIFY_SEQUENCES_H
#define AIRLOCK_VERIFY_SEQUENCES_H

#include "verify/direction.h"

struct sequence {
	int64_t increment, last;
	bool called; /* false: `last` is the next one to be handed out */
	bool cycles;
};

enum sequence_verdict {
	SEQUENCE_FINE,
	SEQUENCE_BEHIND, /* the shut side's: expected, the next hold moves it */
	SEQUENCE_AHEAD,	 /* the shut side's, by numbers that nobody was given: expected */
	/* Differences. */
	SEQUENCE_USED,	  /* the open side will hand out what the shut side has handed out */
	SEQUENCE_MISSING, /* on the shut side */
	SEQUENCE_STEPS,	  /* another increment, or one of them cycles */
	SEQUENCE_VERDICT_COUNT
};

/*
 * Pure.  `shut` NULL = missing.  Ahead is harmless when the shut side was never open, or when an
 * attempt that was undone had moved it, which is at most by the margin.
 */
enum sequence_verdict sequence_judge(const struct sequence *open, const struct sequence *shut,
	const struct direction *direction);
bool sequence_is_difference(enum sequence_verdict verdict);

#define SEQUENCES_NAMED_MAX 100
struct sequence_named {
	char *name, *why; /* owned */
};

struct sequences {
	int64_t count[SEQUENCE_VERDICT_COUNT];
	struct sequence_named named[SEQUENCES_NAMED_MAX]; /* differences */
	size_t named_count;
};

/* All but temporary ones and Airlock's own.  Owned: sequences_fini. */
int sequences_compare(struct pg *const side[SIDE_COUNT], const struct direction *direction,
	int64_t deadline_ms, struct sequences *ret, struct err *err) MUST_CHECK;
int64_t sequences_total(const struct sequences *sequences);
int64_t sequences_different(const struct sequences *sequences);
void sequences_fini(struct sequences *sequences);

#endif
