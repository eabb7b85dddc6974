/*
 * utf8.h - one UTF-8 character at a time (RFC 3629: shortest form, no surrogates).
 */
#ifndef AIRLOCK_BASE_UTF8_H
#define AIRLOCK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The length in bytes of the character at `s`, which ends in NUL, and its value; 0 when the bytes
 * there are no character.  NUL itself has length 1.
 */
size_t utf8_next(const char *s, uint32_t *ret_value);
/* Acts on a terminal, or makes text look like other text: C0 and C1 controls, DEL, what reorders or
 * joins text, what is not seen. */
bool utf8_is_unsafe(uint32_t value);
/* Appends `text` with each byte that belongs to no character replaced by U+FFFD. */
void utf8_clean(struct buf *out, const char *text);

#endif
