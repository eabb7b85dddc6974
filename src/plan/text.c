#include "plan/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "plan/secret.h"

#define QUOTED_CHARS 60
#define WORD_MAX 63
#define EDITS_MAX 4

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* C1 controls, zero-width and bidirectional controls, line and paragraph separators. */
static bool is_treacherous(uint32_t code)
{
	return (code >= 0x80 && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff;
}

void text_visible(const char *text, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len;) {
		unsigned char c = (unsigned char)text[at];
		uint32_t code;
		size_t need = utf8_next(text + at, &code);

		if (need > len - at)
			need = 0;
		if (c == '\t')
			buf_putc(out, ' ');
		else if (c < 0x20 || c == 0x7f) /* U+2400 and on: the pictures of controls */
			buf_printf(out, "\xe2\x90%c", c == 0x7f ? 0xa1 : 0x80 + c);
		else if (need == 0 || is_treacherous(code))
			buf_puts(out, replacement);
		else
			buf_add(out, text + at, need);
		at += need ? need : 1;
	}
}

const char *text_quote(const char *text, size_t len, char ret[TEXT_QUOTE_BYTES])
{
	BUF_AUTO shown = BUF_INIT;
	/* One more than is shown, so that it is seen that there is more. */
	const size_t most = 4 * (QUOTED_CHARS + 1);
	size_t cut = 0;

	if (secret_suspected(text, len))
		return strcpy(ret, "(hidden)");
	text_visible(text, len < most ? len : most, &shown);
	for (int chars = 0; cut < shown.len; cut++)
		if (((unsigned char)shown.data[cut] & 0xc0) != 0x80 && chars++ == QUOTED_CHARS)
			break;
	while (cut > TEXT_QUOTE_BYTES - 8)
		cut--;
	while (cut < shown.len && ((unsigned char)shown.data[cut] & 0xc0) == 0x80)
		cut--;
	snprintf(ret, TEXT_QUOTE_BYTES, "'%.*s%s'", (int)cut, buf_str(&shown),
		cut < shown.len ? "\xe2\x80\xa6" : "");
	return ret;
}

void text_trim(char *text)
{
	size_t len = strlen(text), at = len;
	uint32_t code;

	while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && (unsigned char)text[at - 1] >= 0xc0 && utf8_next(text + at - 1, &code) == 0)
		text[at - 1] = '\0';
}

bool text_is_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > TEXT_NAME_MAX || text[0] == '-' || text[0] == '_')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80 || !(isalnum(c) || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static size_t fold(const char *word, char ret[WORD_MAX + 1])
{
	size_t len = strnlen(word, WORD_MAX);

	for (size_t i = 0; i < len; i++)
		ret[i] = word[i] == '_' ? '-' : (char)tolower((unsigned char)word[i]);
	ret[len] = '\0';
	return len;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Insertions, deletions, replacements and swaps of neighbours that lead from one to the other;
 * more than `most` when it is more than that, found out early.
 */
static size_t edit_distance(const char *one, const char *two, size_t most)
{
	char a[WORD_MAX + 1], b[WORD_MAX + 1];
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t len_a = fold(one, a), len_b = fold(two, b);

	for (size_t j = 0; j <= len_b; j++)
		last[j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		size_t *spare = before, nearest = i;

		now[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			now[j] = least(last[j], now[j - 1]) + 1;
			now[j] = least(now[j], last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
			nearest = least(nearest, now[j]);
		}
		/* A swap may come back from the row before, at the price of one. */
		if (nearest > most + 1)
			return nearest;
		before = last;
		last = now;
		now = spare;
	}
	return last[len_b];
}

void text_nearest_try(struct text_nearest *n, const char *candidate)
{
	size_t len = strlen(n->word), other = strlen(candidate);
	size_t most = len < 3 ? 1 : least(len / 3, EDITS_MAX), distance;

	if (len > WORD_MAX || other > WORD_MAX || len > other + most || other > len + most)
		return;
	distance = edit_distance(n->word, candidate, most);
	if (distance > most || distance >= least(len, other))
		return;
	if (n->best && n->distance <= distance)
		return;
	n->best = candidate;
	n->distance = distance;
}

static enum text_number digits(const char **text, int64_t *ret)
{
	int64_t value = 0;

	if (!isdigit((unsigned char)**text))
		return TEXT_NOT_A_NUMBER;
	for (; isdigit((unsigned char)**text); (*text)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, **text - '0', &value))
			return TEXT_OVERFLOW;
	*ret = value;
	return TEXT_OK;
}

enum text_number text_integer(const char *text, int64_t *ret)
{
	int64_t value;
	enum text_number status = digits(&text, &value);

	if (status != TEXT_OK)
		return status;
	if (*text)
		return TEXT_NOT_A_NUMBER;
	*ret = value;
	return TEXT_OK;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* From small to large. */
static const struct unit times[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
static const struct unit sizes[] = {
	{"B", 1}, {"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", (int64_t)1 << 40}};

static enum text_number with_unit(
	const char *text, const struct unit *units, size_t count, int64_t *ret)
{
	int64_t value, scaled;
	enum text_number status = digits(&text, &value);

	if (status != TEXT_OK)
		return status;
	if (!*text)
		return TEXT_NO_UNIT;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(units[i].name, text) != 0)
			continue;
		if (__builtin_mul_overflow(value, units[i].factor, &scaled))
			return TEXT_OVERFLOW;
		*ret = scaled;
		return TEXT_OK;
	}
	return TEXT_BAD_UNIT;
}

enum text_number text_time_ms(const char *text, int64_t *ret_ms)
{
	return with_unit(text, times, ARRAY_LEN(times), ret_ms);
}

enum text_number text_size_bytes(const char *text, int64_t *ret_bytes)
{
	return with_unit(text, sizes, ARRAY_LEN(sizes), ret_bytes);
}

static const char *print_unit(
	int64_t value, const struct unit *units, size_t count, char ret[TEXT_NUMBER_BYTES])
{
	const struct unit *best = &units[0];

	for (size_t i = 1; i < count && value; i++)
		if (value % units[i].factor == 0)
			best = &units[i];
	snprintf(ret, TEXT_NUMBER_BYTES, "%" PRId64 "%s", value / best->factor, best->name);
	return ret;
}

const char *text_time_print(int64_t ms, char ret[TEXT_NUMBER_BYTES])
{
	return print_unit(ms, times, ARRAY_LEN(times), ret);
}

const char *text_size_print(int64_t bytes, char ret[TEXT_NUMBER_BYTES])
{
	return print_unit(bytes, sizes, ARRAY_LEN(sizes), ret);
}

/* One of "*", "7", "1-5", each perhaps with a step "/2". */
static bool cron_part(const char **text, int64_t low, int64_t high)
{
	int64_t from = low, to = high, step;

	if (**text == '*') {
		(*text)++;
	} else {
		if (digits(text, &from) != TEXT_OK)
			return false;
		to = from;
		if (**text == '-' && (*text)++ && digits(text, &to) != TEXT_OK)
			return false;
	}
	if (**text == '/' && (*text)++ && (digits(text, &step) != TEXT_OK || step < 1))
		return false;
	return from >= low && to <= high && from <= to;
}

bool text_is_cron(const char *text)
{
	static const int64_t ranges[5][2] = {{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}};

	for (size_t field = 0; field < ARRAY_LEN(ranges); field++) {
		text += strspn(text, " ");
		do {
			if (!cron_part(&text, ranges[field][0], ranges[field][1]))
				return false;
		} while (*text == ',' && text++);
		if (*text && *text != ' ')
			return false;
	}
	return text[strspn(text, " ")] == '\0';
}
