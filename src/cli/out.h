/*
 * out.h - where a command speaks: stdout carries data, stderr messages.
 *
 * Text that came from outside (a plan, a server, a host name, an argument) goes through out_safe()
 * before it reaches a terminal; out_error() and out_warn() do that themselves.  Colour only on a
 * terminal, never with NO_COLOR or --no-color, and never as the only carrier of a meaning.
 */
#ifndef AIRLOCK_CLI_OUT_H
#define AIRLOCK_CLI_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum out_color { COLOR_NONE, COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_BOLD, COLOR_DIM };

struct out {
	FILE *data;	/* stdout */
	FILE *messages; /* stderr */
	bool color_data, color_messages;
	bool quiet, verbose;
	bool json, ndjson; /* data is JSON: print no human text there */
};

/* Borrows both streams; looks at the terminal and at NO_COLOR. */
void out_init(struct out *out, FILE *data, FILE *messages, bool no_color);

/*
 * Appends `text` with everything that could act on a terminal made visible: C0 and C1 control
 * characters, DEL, the characters that reorder text, and bytes that are not UTF-8 become \n, \t,
 * \x1b or \u202e.  A backslash stays one, so this is for eyes and not for parsing back.
 */
void out_safe(struct buf *out, const char *text);

/* To stdout as it is; the caller has made strange text safe. */
void out_data(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void out_text(struct out *out, const struct buf *text);
/* One document, with --ndjson or `line` on one line, otherwise indented.  Takes doc. */
void out_json(struct out *out, json_t *doc);
void out_json_line(struct out *out, json_t *doc);
/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD.  NULL becomes null.  Returns owned.
 */
json_t *out_json_string(const char *text);

/* To stderr as it is, several lines; made safe by the caller. */
void out_message_text(struct out *out, const struct buf *text);

/* One line on stderr. */
void out_note(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void out_detail(struct out *out, const char *fmt, ...) /* only with -v */
	__attribute__((format(printf, 2, 3)));
void out_warn(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "airlock: ..." and, when not NULL, "help: ..." on a line of its own. */
void out_error(struct out *out, const char *message, const char *help);

/* The escape sequence that starts or ends a colour, "" when there is none on stdout. */
const char *out_color(const struct out *out, enum out_color color);

/* ERR_IO when something could not be written to stdout. */
int out_finish(struct out *out, struct err *err) MUST_CHECK;

#endif
