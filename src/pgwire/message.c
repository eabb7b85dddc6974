#include "pgwire/message.h"

#include <string.h>

#include "base/check.h"
#include "pgwire/scram.h"

#define PROTOCOL_3_0 0x30000u
#define CODE_CANCEL 80877102u
#define CODE_TLS 80877103u

void message_tls_request(struct wire_out *out)
{
	wire_begin_untyped(out);
	wire_add_u32(out, CODE_TLS);
	wire_end(out);
}

void message_cancel(struct wire_out *out, uint32_t pid, uint32_t secret)
{
	wire_begin_untyped(out);
	wire_add_u32(out, CODE_CANCEL);
	wire_add_u32(out, pid);
	wire_add_u32(out, secret);
	wire_end(out);
}

void message_startup(struct wire_out *out, const char *const *pairs, size_t count)
{
	REQUIRE(count % 2 == 0);
	wire_begin_untyped(out);
	wire_add_u32(out, PROTOCOL_3_0);
	for (size_t i = 0; i < count; i++)
		wire_add_str(out, pairs[i]);
	wire_add_u8(out, 0);
	wire_end(out);
}

void message_sasl_first(struct wire_out *out, const char *mechanism, const char *text)
{
	wire_begin(out, 'p');
	wire_add_str(out, mechanism);
	wire_add_u32(out, (uint32_t)strlen(text));
	wire_add(out, text, strlen(text));
	wire_end(out);
}

void message_sasl(struct wire_out *out, const char *text)
{
	wire_begin(out, 'p');
	wire_add(out, text, strlen(text));
	wire_end(out);
}

void message_query(struct wire_out *out, const char *sql)
{
	wire_begin(out, 'Q');
	wire_add_str(out, sql);
	wire_end(out);
}

void message_parse(struct wire_out *out, const char *name, const char *sql, const uint32_t *types,
	size_t count)
{
	wire_begin(out, 'P');
	wire_add_str(out, name);
	wire_add_str(out, sql);
	wire_add_u16(out, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		wire_add_u32(out, types[i]);
	wire_end(out);
}

void message_bind_execute(
	struct wire_out *out, const char *statement, const char *const *values, size_t count)
{
	wire_begin(out, 'B');
	wire_add_str(out, "");
	wire_add_str(out, statement);
	wire_add_u16(out, 0); /* all parameters as text */
	wire_add_u16(out, (uint16_t)count);
	for (size_t i = 0; i < count; i++) {
		wire_add_u32(out, values[i] ? (uint32_t)strlen(values[i]) : UINT32_MAX);
		if (values[i])
			wire_add(out, values[i], strlen(values[i]));
	}
	wire_add_u16(out, 0); /* all results as text */
	wire_end(out);
	wire_begin(out, 'E');
	wire_add_str(out, "");
	wire_add_u32(out, 0);
	wire_end(out);
}

static void of_statement(struct wire_out *out, uint8_t type, const char *name)
{
	wire_begin(out, type);
	wire_add_u8(out, 'S');
	wire_add_str(out, name);
	wire_end(out);
}

void message_describe_statement(struct wire_out *out, const char *name)
{
	of_statement(out, 'D', name);
}

void message_close_statement(struct wire_out *out, const char *name)
{
	of_statement(out, 'C', name);
}

void message_sync(struct wire_out *out)
{
	wire_begin(out, 'S');
	wire_end(out);
}

void message_terminate(struct wire_out *out)
{
	wire_begin(out, 'X');
	wire_end(out);
}

void message_auth_text(struct wire_out *out, enum auth_code code, const char *text)
{
	wire_begin(out, 'R');
	wire_add_u32(out, code);
	wire_add(out, text, strlen(text));
	wire_end(out);
}

void message_auth_ok(struct wire_out *out)
{
	message_auth_text(out, AUTH_OK, "");
}

void message_auth_sasl(struct wire_out *out, bool with_binding)
{
	wire_begin(out, 'R');
	wire_add_u32(out, AUTH_SASL);
	if (with_binding)
		wire_add_str(out, SCRAM_PLUS);
	wire_add_str(out, SCRAM_PLAIN);
	wire_add_u8(out, 0);
	wire_end(out);
}

void message_backend_key(struct wire_out *out, uint32_t pid, uint32_t secret)
{
	wire_begin(out, 'K');
	wire_add_u32(out, pid);
	wire_add_u32(out, secret);
	wire_end(out);
}

void message_parameter_status(struct wire_out *out, const char *name, const char *value)
{
	wire_begin(out, 'S');
	wire_add_str(out, name);
	wire_add_str(out, value);
	wire_end(out);
}

void message_ready(struct wire_out *out, char status)
{
	wire_begin(out, 'Z');
	wire_add_u8(out, (uint8_t)status);
	wire_end(out);
}

void message_negotiate(struct wire_out *out, const char *const *options, size_t count)
{
	wire_begin(out, 'v');
	wire_add_u32(out, PROTOCOL_3_0); /* whole, as servers say it: the minor alone is taken for 0.0 */
	wire_add_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		wire_add_str(out, options[i]);
	wire_end(out);
}

static void add_field(struct wire_out *out, uint8_t field, const char *text)
{
	wire_add_u8(out, field);
	wire_add_str(out, text);
}

void message_error(
	struct wire_out *out, const char *severity, const char *sqlstate, const char *text)
{
	wire_begin(out, 'E');
	add_field(out, 'S', severity);
	add_field(out, 'V', severity);
	add_field(out, 'C', sqlstate);
	add_field(out, 'M', text);
	wire_add_u8(out, 0);
	wire_end(out);
}

bool message_fields(const uint8_t *body, size_t len, struct message_fields *ret)
{
	struct wire_in in = wire_in(body, len);
	uint8_t field;

	*ret = (struct message_fields){"", "", ""};
	while ((field = wire_u8(&in)) != 0) {
		const char *text = wire_str(&in);

		if (!text)
			return false;
		if (field == 'V' || (field == 'S' && !*ret->severity))
			ret->severity = text;
		else if (field == 'C')
			ret->sqlstate = text;
		else if (field == 'M')
			ret->text = text;
	}
	return !in.broken;
}

bool message_has_mechanism(const uint8_t *body, size_t len, const char *name)
{
	struct wire_in in = wire_in(body, len);

	if (wire_u32(&in) != AUTH_SASL)
		return false;
	for (const char *at = wire_str(&in); at && *at; at = wire_str(&in))
		if (strcmp(at, name) == 0)
			return true;
	return false;
}

bool message_row(const uint8_t *body, size_t len, struct message_column *ret, size_t count)
{
	struct wire_in in = wire_in(body, len);

	if (wire_u16(&in) != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		uint32_t bytes = wire_u32(&in);

		ret[i] = (struct message_column){0};
		if (bytes == UINT32_MAX)
			continue;
		ret[i].value = wire_bytes(&in, bytes);
		ret[i].len = bytes;
	}
	return !in.broken && wire_left(&in) == 0;
}

/* FNV-1a: two descriptions that somebody made are compared, not two that an enemy chose. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ull;
	return hash;
}

/* A type's oid says the same on two servers only if the server's source numbers it; those of a
 * database's own types were given as they came. */
static uint64_t mix_type(uint64_t hash, uint32_t oid)
{
	uint32_t known = oid < MESSAGE_LOCAL_OID ? oid : MESSAGE_LOCAL_OID;

	return mix(hash, &known, sizeof known);
}

static uint64_t mix_parameters(uint64_t hash, struct wire_in *in)
{
	for (unsigned count = wire_u16(in); count > 0 && !in->broken; count--)
		hash = mix_type(hash, wire_u32(in));
	return hash;
}

static uint64_t mix_columns(uint64_t hash, struct wire_in *in)
{
	for (unsigned count = wire_u16(in); count > 0 && !in->broken; count--) {
		const char *name = wire_str(in);
		const uint8_t *rest;

		wire_bytes(in, 6); /* the table and the column in it */
		hash = mix_type(hash, wire_u32(in));
		rest = wire_bytes(in, 8); /* size, modifier, format */
		if (!name || !rest)
			break;
		hash = mix(hash, name, strlen(name) + 1);
		hash = mix(hash, rest, 8);
	}
	return hash;
}

uint64_t message_shape(uint64_t hash, uint8_t type, const uint8_t *body, size_t len)
{
	struct wire_in in = wire_in(body, len);

	if (type != 't' && type != 'T' && type != 'n')
		return hash;
	hash = mix(hash, &type, 1);
	if (type == 'n')
		return hash;
	return type == 'T' ? mix_columns(hash, &in) : mix_parameters(hash, &in);
}
