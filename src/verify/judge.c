#include "verify/judge.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/grow.h"

void doubts_fini(struct doubts *doubts)
{
	for (size_t i = 0; i < doubts->count; i++)
		bound_fini(&doubts->at[i].key);
	free(doubts->at);
	*doubts = (struct doubts){0};
}

static struct image image_of(const struct seen *seen)
{
	if (!seen)
		return (struct image){0};
	return (struct image){true, {seen->hash[0], seen->hash[1]}, seen->version};
}

static bool same_content(const struct image *a, const struct image *b)
{
	return a->there == b->there && a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1];
}

static bool untouched(const struct image *a, const struct image *b)
{
	return same_content(a, b) && a->version == b->version;
}

static void add(struct doubts *doubts, const struct listing *listing, const struct seen *seen)
{
	doubts->at = grow(doubts->at, doubts->count, &doubts->cap, sizeof *doubts->at);
	doubts->at[doubts->count++] =
		(struct doubt){.key = bound_copy(listing_key(listing, seen), seen->key_len)};
}

void doubts_find(struct doubts *doubts, const struct listing *src, const struct listing *dst)
{
	for (size_t i = 0; i < src->count; i++) {
		const struct seen *seen = &src->seen[i];
		struct image a = image_of(seen),
			     b = image_of(listing_find(dst, listing_key(src, seen), seen->key_len));

		if (!same_content(&a, &b))
			add(doubts, src, seen);
	}
	for (size_t i = 0; i < dst->count; i++) {
		const struct seen *seen = &dst->seen[i];

		if (!listing_find(src, listing_key(dst, seen), seen->key_len))
			add(doubts, dst, seen);
	}
}

static void judge(struct doubt *d, const struct image *before, const struct image *dst,
	const struct image *after)
{
	bool was = d->suspect && untouched(&d->src, after) && untouched(&d->dst, dst);

	if (same_content(dst, before) || same_content(dst, after))
		d->state = DOUBT_EQUAL;
	d->suspect = untouched(before, after);
	if (d->state == DOUBT_OPEN && d->suspect && was)
		d->state = DOUBT_DIFFERENT;
	d->src = *after;
	d->dst = *dst;
}

bool doubts_any_suspect(const struct doubts *doubts)
{
	for (size_t i = 0; i < doubts->count; i++)
		if (doubts->at[i].state == DOUBT_OPEN && doubts->at[i].suspect)
			return true;
	return false;
}

void doubts_suspect_none(struct doubts *doubts)
{
	for (size_t i = 0; i < doubts->count; i++)
		doubts->at[i].suspect = false;
}

size_t doubts_round(struct doubts *doubts, const struct listing *src_before,
	const struct listing *dst, const struct listing *src_after)
{
	size_t open = 0;

	for (size_t i = 0; i < doubts->count; i++) {
		struct doubt *d = &doubts->at[i];
		const char *key = d->key.bytes;
		size_t len = d->key.len;

		if (d->state != DOUBT_OPEN)
			continue;

		struct image before = image_of(listing_find(src_before, key, len));
		struct image there = image_of(listing_find(dst, key, len));
		struct image after = image_of(listing_find(src_after, key, len));

		judge(d, &before, &there, &after);
		open += d->state == DOUBT_OPEN;
	}
	return open;
}
