#include "journal/behind.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"

struct slot {
	char at[CLOCK_STAMP_BYTES];
	char run[64];
	char store[64];
	char kind[32];
	char text[241];
	char detail[961];
	int wave;
	int64_t attempt;
};

struct behind {
	pthread_mutex_t lock;
	size_t first, count;
	uint64_t dropped;
	struct slot slots[JOURNAL_BEHIND_MAX];
};

struct behind *behind_new(void)
{
	struct behind *b = malloc(sizeof *b);
	int rc;

	ENSURE(b != NULL);
	/* Not zero, which malloc could answer with pages that do not exist yet. */
	memset(b, 0x55, sizeof *b);
	b->first = b->count = 0;
	b->dropped = 0;
	rc = pthread_mutex_init(&b->lock, NULL);
	ENSURE(rc == 0);
	return b;
}

void behind_free(struct behind *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static void copy(char *to, size_t size, const char *from)
{
	size_t len = from ? strnlen(from, size - 1) : 0;

	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
}

static void slot_fill(struct slot *slot, const struct journal_entry *e)
{
	clock_stamp(slot->at);
	copy(slot->run, sizeof slot->run, e->run);
	copy(slot->store, sizeof slot->store, e->store);
	copy(slot->kind, sizeof slot->kind, e->kind);
	copy(slot->text, sizeof slot->text, e->text);
	/* Half a JSON document is none: the row that is written says that it was too long. */
	copy(slot->detail, sizeof slot->detail, e->detail);
	slot->wave = e->wave;
	slot->attempt = e->attempt;
}

void behind_add(struct behind *b, const struct journal_entry *entry)
{
	REQUIRE(entry->kind != NULL);
	pthread_mutex_lock(&b->lock);
	if (b->count == JOURNAL_BEHIND_MAX) {
		b->dropped++;
	} else {
		slot_fill(&b->slots[(b->first + b->count) % JOURNAL_BEHIND_MAX], entry);
		b->count++;
	}
	pthread_mutex_unlock(&b->lock);
}

size_t behind_count(struct behind *b, uint64_t *ret_dropped)
{
	size_t count;

	pthread_mutex_lock(&b->lock);
	count = b->count;
	*ret_dropped = b->dropped;
	pthread_mutex_unlock(&b->lock);
	return count;
}

void behind_peek(struct behind *b, size_t i, struct journal_row *ret_row)
{
	const struct slot *slot = &b->slots[(b->first + i) % JOURNAL_BEHIND_MAX];

	REQUIRE(i < JOURNAL_BEHIND_MAX);
	*ret_row = (struct journal_row){
		.at = slot->at,
		.entry = {.run = slot->run,
			.wave = slot->wave,
			.attempt = slot->attempt,
			.store = slot->store,
			.kind = slot->kind,
			.text = slot->text,
			.detail = slot->detail},
	};
}

void behind_done(struct behind *b, size_t count, uint64_t dropped)
{
	pthread_mutex_lock(&b->lock);
	INVARIANT(count <= b->count);
	INVARIANT(dropped <= b->dropped);
	b->first = (b->first + count) % JOURNAL_BEHIND_MAX;
	b->count -= count;
	b->dropped -= dropped;
	pthread_mutex_unlock(&b->lock);
}
