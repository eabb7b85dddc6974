/*
 * text.h - small questions about words: how to show one safely, which known one was meant, what
 * number a time or a size stands for.
 */
#ifndef AIRLOCK_PLAN_TEXT_H
#define AIRLOCK_PLAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TEXT_NAME_MAX 63
#define TEXT_QUOTE_BYTES 256

/*
 * Appends the text with every character that could move a cursor or turn the direction of writing
 * replaced by a visible one; each character remains one character.  Bytes that are not UTF-8 become
 * U+FFFD.  A NUL must follow the text, or a byte that continues no character.
 */
void text_visible(const char *text, size_t len, struct buf *out);
/* 'text', visible, cut after 60 characters, or "(hidden)" when a secret seems to be in it. */
const char *text_quote(const char *text, size_t len, char ret[TEXT_QUOTE_BYTES]);

/* Takes away the beginning of a character that was cut off at the end. */
void text_trim(char *text);

/* Letters, digits, - and _, beginning with a letter or digit, at most TEXT_NAME_MAX. */
bool text_is_name(const char *text);

/*
 * The nearest of the candidates, or NULL when none is near enough to be offered.  Case and the
 * difference between - and _ do not count.
 */
struct text_nearest {
	const char *word; /* what was written */
	const char *best;
	size_t distance;
};
#define TEXT_NEAREST(w) ((struct text_nearest){.word = (w)})
void text_nearest_try(struct text_nearest *n, const char *candidate);

enum text_number {
	TEXT_OK,
	TEXT_NOT_A_NUMBER,
	TEXT_NO_UNIT,  /* a bare number */
	TEXT_BAD_UNIT, /* a number and something else */
	TEXT_OVERFLOW,
};

/* Whole numbers without sign; *ret only when TEXT_OK. */
enum text_number text_integer(const char *text, int64_t *ret);
enum text_number text_time_ms(const char *text, int64_t *ret_ms);
enum text_number text_size_bytes(const char *text, int64_t *ret_bytes);

/* In the largest unit that divides it: "250ms", "1h", "16MB". */
#define TEXT_NUMBER_BYTES 32
const char *text_time_print(int64_t ms, char ret[TEXT_NUMBER_BYTES]);
const char *text_size_print(int64_t bytes, char ret[TEXT_NUMBER_BYTES]);

/* Five cron fields that are in range. */
bool text_is_cron(const char *text);

#endif
