/*
 * judge.h - pure: which rows differ, while both sides are live.
 *
 * A round looks three times: at the source, at the destination after it has passed a point of the
 * log that lies behind that look, and at the source again.  A row is
 *   equal      when the destination shows what one of the two looks at the source showed;
 *   different  when the source did not change it in between and the destination shows something
 *              else, in two rounds one after the other with neither side touching it: once would
 *              not do for a row that came and went between two looks.  Before the last look whoever
 *              was committing is shown (commits.h), for his commit may be at the destination;
 *   open       otherwise: it is changing, and says nothing.
 */
#ifndef AIRLOCK_VERIFY_JUDGE_H
#define AIRLOCK_VERIFY_JUDGE_H

#include "verify/look.h"

enum doubt_state { DOUBT_OPEN, DOUBT_EQUAL, DOUBT_DIFFERENT };

struct image {
	bool there;
	uint64_t hash[2], version;
};

struct doubt {
	struct bound key;
	enum doubt_state state;
	bool suspect; /* the round before said different, of these images: */
	struct image src, dst;
};

/* Owned: doubts_fini. */
struct doubts {
	struct doubt *at;
	size_t count, cap;
};

void doubts_fini(struct doubts *doubts);
/* Appends what is not the same in both. */
void doubts_find(struct doubts *doubts, const struct listing *src, const struct listing *dst);
/* Is there one that the next round may find different? */
bool doubts_any_suspect(const struct doubts *doubts);
/* The next round finds none different. */
void doubts_suspect_none(struct doubts *doubts);
/* Judges those that are open; returns how many still are. */
size_t doubts_round(struct doubts *doubts, const struct listing *src_before,
	const struct listing *dst, const struct listing *src_after);

#endif
