/*
 * texts.h - what the statements of sessions do, each text read once: a look brings only the hash of
 * a text, and what has not been read before is fetched by it.
 */
#ifndef AIRLOCK_DISCOVER_TEXTS_H
#define AIRLOCK_DISCOVER_TEXTS_H

#include "discover/functions.h"

#define TEXTS_MAX 4096

struct text {
	int64_t hash;
	enum sql_class cls;
	char verb[32];
	char calls[64]; /* the function that it calls and that writes; "" = none */
	bool definer;	/* and it does so with its owner's rights */
};

struct texts {
	struct text *rows; /* owned */
	size_t count, room;
	int64_t wanted[64];
	size_t wanted_count;
	struct functions functions; /* loaded at the first call of one */
	int64_t load_ms;	    /* what that took: a watch is longer by it */
};

void texts_fini(struct texts *t);
/* What is known of it; NULL when it has to be fetched first, and then it is wanted. */
const struct text *texts_find(struct texts *t, int64_t hash);
/* Fetches and reads what is wanted, as far as sessions still have it. */
int texts_fetch(struct texts *t, struct pg *pg, int64_t deadline_ms, struct err *err) MUST_CHECK;

/* The text without what stands before its first word: comments, blanks. */
#define TEXTS_BARE                                                                                 \
	"regexp_replace(a.query, '^(\\s|/\\*([^*]|\\*+[^*/])*\\*+/|--[^\\n]*(\\n|$))+', '')"

#endif
