#include "pgwire/wire.h"

#include <string.h>

#include "base/check.h"

uint16_t wire_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t wire_get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void wire_put32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

enum wire_got wire_head_read(
	const uint8_t *at, size_t len, uint32_t body_max, struct wire_head *ret)
{
	uint32_t length;

	REQUIRE(body_max <= WIRE_BODY_MAX);
	if (len < WIRE_HEAD_BYTES)
		return WIRE_MORE;
	length = wire_get32(at + 1);
	if (length < WIRE_LENGTH_BYTES || length - WIRE_LENGTH_BYTES > body_max)
		return WIRE_BROKEN;
	*ret = (struct wire_head){at[0], length - WIRE_LENGTH_BYTES};
	return WIRE_WHOLE;
}

struct wire_in wire_in(const uint8_t *body, size_t len)
{
	return (struct wire_in){body, body + len, false};
}

size_t wire_left(const struct wire_in *in)
{
	return in->broken ? 0 : (size_t)(in->end - in->at);
}

const uint8_t *wire_bytes(struct wire_in *in, size_t len)
{
	const uint8_t *at = in->at;

	if (in->broken || len > (size_t)(in->end - in->at)) {
		in->broken = true;
		return NULL;
	}
	in->at += len;
	return at;
}

uint8_t wire_u8(struct wire_in *in)
{
	const uint8_t *at = wire_bytes(in, 1);

	return at ? at[0] : 0;
}

uint16_t wire_u16(struct wire_in *in)
{
	const uint8_t *at = wire_bytes(in, 2);

	return at ? wire_get16(at) : 0;
}

uint32_t wire_u32(struct wire_in *in)
{
	const uint8_t *at = wire_bytes(in, 4);

	return at ? wire_get32(at) : 0;
}

const char *wire_str(struct wire_in *in)
{
	const uint8_t *end = in->broken ? NULL : memchr(in->at, 0, (size_t)(in->end - in->at));

	if (!end) {
		in->broken = true;
		return NULL;
	}
	return (const char *)wire_bytes(in, (size_t)(end - in->at) + 1);
}

struct wire_out wire_out(uint8_t *data, size_t cap)
{
	return (struct wire_out){.data = data, .cap = cap};
}

void wire_add(struct wire_out *out, const void *bytes, size_t len)
{
	if (out->full || len > out->cap - out->next) {
		out->full = true;
		return;
	}
	if (len)
		memcpy(out->data + out->next, bytes, len);
	out->next += len;
}

void wire_add_u8(struct wire_out *out, uint8_t value)
{
	wire_add(out, &value, 1);
}

void wire_add_u16(struct wire_out *out, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	wire_add(out, bytes, sizeof bytes);
}

void wire_add_u32(struct wire_out *out, uint32_t value)
{
	uint8_t bytes[4];

	wire_put32(bytes, value);
	wire_add(out, bytes, sizeof bytes);
}

void wire_add_str(struct wire_out *out, const char *str)
{
	wire_add(out, str, strlen(str) + 1);
}

void wire_begin_untyped(struct wire_out *out)
{
	REQUIRE(out->full || out->next == out->len);
	wire_add_u32(out, 0);
}

void wire_begin(struct wire_out *out, uint8_t type)
{
	REQUIRE(out->full || out->next == out->len);
	wire_add_u8(out, type);
	wire_add_u32(out, 0);
}

/* A typed message begins with a letter, an untyped one with the zero of its length word. */
void wire_end(struct wire_out *out)
{
	size_t at = out->len;

	if (out->full)
		return;
	if (out->data[at] != 0)
		at++;
	wire_put32(out->data + at, (uint32_t)(out->next - at));
	out->len = out->next;
}

void wire_copy(struct wire_out *out, const uint8_t *message, size_t len)
{
	REQUIRE(out->full || out->next == out->len);
	wire_add(out, message, len);
	if (!out->full)
		out->len = out->next;
}
