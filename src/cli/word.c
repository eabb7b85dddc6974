#include "cli/word.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/text.h"

#define TEXT_MAX 2000
#define PATH_BYTES_MAX 4000
#define NAME_MAX_BYTES 63

static const char digits[] = "0123456789";
static const char hex_digits[] = "0123456789abcdef";
static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

static bool made_of(const char *word, const char *chars)
{
	return word[0] && !word[strspn(word, chars)];
}

static bool is_number(const char *word)
{
	return made_of(word, digits) && word[0] != '0' && strlen(word) <= 7 &&
	       strtol(word, NULL, 10) <= WORD_NUMBER_MAX;
}

static bool is_hash(const char *word)
{
	size_t len = strlen(word);

	return made_of(word, hex_digits) && len >= 8 && len <= 64;
}

static bool is_name(const char *word)
{
	return made_of(word, name_chars) && word[0] != '-' && strlen(word) <= NAME_MAX_BYTES;
}

static bool is_side(const char *word)
{
	char store[NAME_MAX_BYTES + 1];
	const char *dot = strrchr(word, '.');
	const char *side = dot ? dot + 1 : word;

	if (strcmp(side, "old") && strcmp(side, "new"))
		return false;
	if (!dot)
		return true;
	if ((size_t)(dot - word) >= sizeof store)
		return false;
	snprintf(store, sizeof store, "%.*s", (int)(dot - word), word);
	return is_name(store);
}

static int check_choice(const char *spec, const char *word, struct err *err)
{
	char all[128], *save = NULL;
	struct text_nearest s;

	snprintf(all, sizeof all, "%s", spec);
	s = TEXT_NEAREST(word);
	for (char *one = strtok_r(all, "|", &save); one; one = strtok_r(NULL, "|", &save)) {
		if (!strcmp(one, word))
			return 0;
		text_nearest_try(&s, one);
	}
	if (s.best)
		return err_set(
			err, ERR_USAGE, "must be one of %s (did you mean '%s'?)", spec, s.best);
	return err_set(err, ERR_USAGE, "must be one of %s", spec);
}

int word_check(enum word_kind kind, const char *spec, const char *word, struct err *err)
{
	switch (kind) {
	case KIND_TEXT:
		if (!word[0] || strlen(word) > TEXT_MAX)
			return err_set(err, ERR_USAGE, "must have 1 to %d bytes", TEXT_MAX);
		return 0;
	case KIND_PATH:
		if (!word[0] || strlen(word) > PATH_BYTES_MAX)
			return err_set(err, ERR_USAGE, "must be a path");
		return 0;
	case KIND_NUMBER:
		if (!is_number(word))
			return err_set(err, ERR_USAGE, "must be a whole number from 1 to %d",
				WORD_NUMBER_MAX);
		return 0;
	case KIND_TIME:
		if (text_time_ms(word, &(int64_t){0}) != TEXT_OK)
			return err_set(
				err, ERR_USAGE, "must be a time with its unit, like 30s or 10m");
		return 0;
	case KIND_HASH:
		if (!is_hash(word))
			return err_set(err, ERR_USAGE,
				"must be 8 to 64 lower-case hex digits, as `airlock plan` prints "
				"them");
		return 0;
	case KIND_NAME:
		if (!is_name(word))
			return err_set(err, ERR_USAGE,
				"must be a name: letters, digits, '-' and '_', at most %d",
				NAME_MAX_BYTES);
		return 0;
	case KIND_SIDE:
		if (!is_side(word))
			return err_set(err, ERR_USAGE, "must be old, new, STORE.old or STORE.new");
		return 0;
	case KIND_WORD:
		if (strcmp(word, spec))
			return err_set(err, ERR_USAGE, "must be the word '%s' here", spec);
		return 0;
	case KIND_CHOICE:
		return check_choice(spec, word, err);
	case KIND_SWITCH:
	case KIND_LATER:
		break;
	}
	REQUIRE(!"a kind without a value");
	return -1;
}
