#include "cli/suggest.h"

#include <string.h>

#include "base/check.h"

#define WORD_MAX 32 /* longer words are nobody's typing error */

void suggest_init(struct suggest *s, const char *typed)
{
	size_t len = strlen(typed);

	s->typed = typed;
	s->best = NULL;
	s->distance = len < 3 ? 2 : len / 3 + 2; /* one more than what is still close */
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment (restricted Damerau-Levenshtein). */
static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t row[WORD_MAX + 1][WORD_MAX + 1];

	REQUIRE(alen <= WORD_MAX);
	REQUIRE(blen <= WORD_MAX);
	for (size_t i = 0; i <= alen; i++)
		row[i][0] = i;
	for (size_t k = 0; k <= blen; k++)
		row[0][k] = k;
	for (size_t i = 1; i <= alen; i++)
		for (size_t k = 1; k <= blen; k++) {
			size_t cost = a[i - 1] != b[k - 1];

			row[i][k] = least(
				row[i - 1][k - 1] + cost, 1 + least(row[i - 1][k], row[i][k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				row[i][k] = least(row[i][k], row[i - 2][k - 2] + 1);
		}
	return row[alen][blen];
}

void suggest_offer(struct suggest *s, const char *candidate)
{
	size_t typed_len = strlen(s->typed), len = strlen(candidate), d;

	if (typed_len > WORD_MAX || len > WORD_MAX)
		return;
	d = distance(s->typed, typed_len, candidate, len);
	/* A short name is close to everything: at least one of its letters must have been typed. */
	if (d < s->distance && d < len) {
		s->distance = d;
		s->best = candidate;
	}
}
