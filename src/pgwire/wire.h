/*
 * wire.h - the bytes of PostgreSQL's protocol 3.0: headers, a reader and a writer over memory.
 *
 * A message is one type byte, a big-endian length that counts itself, and a body.  Lengths from the
 * wire are compared with a cap before anything is added to them, so no sum can overflow.  Nothing
 * here allocates, reads or writes; memory is the caller's and only borrowed.
 *
 * Source: PostgreSQL documentation, "Message Formats"; the caps are the server's own
 * (MAX_STARTUP_PACKET_LENGTH, PG_MAX_AUTH_TOKEN_LENGTH, PQ_LARGE_MESSAGE_LIMIT).
 */
#ifndef AIRLOCK_PGWIRE_WIRE_H
#define AIRLOCK_PGWIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEAD_BYTES 5u
#define WIRE_LENGTH_BYTES 4u
#define WIRE_BODY_MAX 0x3ffffffau     /* of any message after login */
#define WIRE_STARTUP_BYTES_MAX 10000u /* the whole packet, its length word included */
#define WIRE_AUTH_BODY_MAX 4096u      /* before the client is known: SASL needs at most 1024 */
#define WIRE_LOGIN_BODY_MAX 30000u    /* what a server may say before it is ready */

enum wire_got { WIRE_MORE, WIRE_WHOLE, WIRE_BROKEN };

struct wire_head {
	uint8_t type;
	uint32_t body; /* bytes that follow the header */
};

/* Reads a header.  WIRE_MORE: fewer than 5 bytes are there; WIRE_BROKEN: the length is below 4 or
 * the body would be longer than body_max. */
enum wire_got wire_head_read(
	const uint8_t *at, size_t len, uint32_t body_max, struct wire_head *ret);

uint16_t wire_get16(const uint8_t *at);
uint32_t wire_get32(const uint8_t *at);
void wire_put32(uint8_t *at, uint32_t value);

/* Reads fields of a body.  The first read past the end sets `broken`, yields zeroes and NULL, and
 * so does every read after it: check once at the end. */
struct wire_in {
	const uint8_t *at, *end;
	bool broken;
};

struct wire_in wire_in(const uint8_t *body, size_t len);
uint8_t wire_u8(struct wire_in *in);
uint16_t wire_u16(struct wire_in *in);
uint32_t wire_u32(struct wire_in *in);
const uint8_t *wire_bytes(struct wire_in *in, size_t len);
/* NUL-terminated, borrowed from the body. */
const char *wire_str(struct wire_in *in);
size_t wire_left(const struct wire_in *in);

/* Writes messages into memory of a fixed size.  What does not fit sets `full` and leaves the
 * message that was begun out: `len` never counts half a message. */
struct wire_out {
	uint8_t *data;
	size_t cap, len; /* len: whole messages */
	size_t next;	 /* end of the message being written */
	bool full;
};

struct wire_out wire_out(uint8_t *data, size_t cap);
void wire_begin(struct wire_out *out, uint8_t type);
void wire_begin_untyped(struct wire_out *out); /* startup packets */
void wire_add_u8(struct wire_out *out, uint8_t value);
void wire_add_u16(struct wire_out *out, uint16_t value);
void wire_add_u32(struct wire_out *out, uint32_t value);
void wire_add(struct wire_out *out, const void *bytes, size_t len);
void wire_add_str(struct wire_out *out, const char *str); /* with its NUL */
/* Closes the message: fills in its length. */
void wire_end(struct wire_out *out);
/* A whole message that exists already. */
void wire_copy(struct wire_out *out, const uint8_t *message, size_t len);

#endif
