/*
 * message.h - the few messages that we write ourselves, and the few whose fields we read.
 *
 * Writers append one whole message to `out` (wire.h says what happens when it does not fit).
 */
#ifndef AIRLOCK_PGWIRE_MESSAGE_H
#define AIRLOCK_PGWIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgwire/wire.h"

/* --- as a client --------------------------------------------------------------------------- */
void message_tls_request(struct wire_out *out);
void message_cancel(struct wire_out *out, uint32_t pid, uint32_t secret);
/* pairs: name, value, name, value ..., count of both together. */
void message_startup(struct wire_out *out, const char *const *pairs, size_t count);
void message_sasl_first(struct wire_out *out, const char *mechanism, const char *text);
void message_sasl(struct wire_out *out, const char *text);
void message_query(struct wire_out *out, const char *sql);
/* parameter types may be NULL when count is 0; they are in the byte order of the host. */
void message_parse(struct wire_out *out, const char *name, const char *sql, const uint32_t *types,
	size_t count);
/* Binds text parameters (NULL = null) to the unnamed portal and runs it to the end. */
void message_bind_execute(
	struct wire_out *out, const char *statement, const char *const *values, size_t count);
void message_describe_statement(struct wire_out *out, const char *name);
void message_close_statement(struct wire_out *out, const char *name);
void message_sync(struct wire_out *out);
void message_terminate(struct wire_out *out);

/* --- as a server --------------------------------------------------------------------------- */
enum auth_code { AUTH_OK = 0, AUTH_SASL = 10, AUTH_SASL_CONTINUE = 11, AUTH_SASL_FINAL = 12 };

void message_auth_ok(struct wire_out *out);
void message_auth_sasl(struct wire_out *out, bool with_binding);
void message_auth_text(struct wire_out *out, enum auth_code code, const char *text);
void message_backend_key(struct wire_out *out, uint32_t pid, uint32_t secret);
void message_parameter_status(struct wire_out *out, const char *name, const char *value);
void message_ready(struct wire_out *out, char status);
/* Only minor 0 is spoken; the options are those that were asked for and are not known. */
void message_negotiate(struct wire_out *out, const char *const *options, size_t count);
void message_error(
	struct wire_out *out, const char *severity, const char *sqlstate, const char *text);

/* --- reading ------------------------------------------------------------------------------- */
/* Fields of an ErrorResponse or a NoticeResponse, borrowed; "" where there is none. */
struct message_fields {
	const char *severity; /* not translated */
	const char *sqlstate;
	const char *text;
};

bool message_fields(const uint8_t *body, size_t len, struct message_fields *ret);
/* Is `name` among the mechanisms of an AuthenticationSASL body? */
bool message_has_mechanism(const uint8_t *body, size_t len, const char *name);
/* The columns of a DataRow; a null has value NULL.  False when it is malformed or has another
 * count. */
struct message_column {
	const uint8_t *value;
	size_t len;
};
bool message_row(const uint8_t *body, size_t len, struct message_column *ret, size_t count);

/*
 * What a statement looks like from outside: a hash over ParameterDescription, RowDescription or
 * NoData, which leaves out what may differ between two sides that hold the same schema: the oid of
 * the table, the number of the column in it, and which of the types that the server itself has not
 * numbered (from MESSAGE_LOCAL_OID on) it is.
 */
#define MESSAGE_LOCAL_OID 10000u
#define MESSAGE_SHAPE_INIT 0xcbf29ce484222325ull
uint64_t message_shape(uint64_t hash, uint8_t type, const uint8_t *body, size_t len);

#endif
