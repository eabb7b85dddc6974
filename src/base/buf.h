/*
 * buf.h - a growable, always NUL-terminated string.
 *
 * Owned by whoever declared it; BUF_AUTO frees it at the end of the scope.  Out of memory aborts:
 * nothing is held in a string when the process dies that a register does not hold too.
 */
#ifndef AIRLOCK_BASE_BUF_H
#define AIRLOCK_BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* NULL until the first append; use buf_str() to read */
	size_t len; /* bytes without the terminating NUL */
	size_t cap;
};

#define BUF_INIT ((struct buf){0})
#define BUF_AUTO __attribute__((cleanup(buf_fini))) struct buf

void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_puts(struct buf *b, const char *str);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Borrowed until the next change of b; "" when empty. */
const char *buf_str(const struct buf *b);
/* Returns owned (free()); b is empty afterwards. */
char *buf_steal(struct buf *b);

#endif
