#include "pgwire/startup.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

#define CODE_CANCEL 80877102u
#define CODE_TLS 80877103u
#define CODE_GSS 80877104u
#define CANCEL_BYTES 16u
#define REQUEST_BYTES 8u

static const char *const allowed[] = {
#define PARAMETER(name) name,
#include "pgwire/startup.def"
#undef PARAMETER
};

bool startup_allows(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		if (strcasecmp(name, allowed[i]) == 0)
			return true;
	return false;
}

enum wire_got startup_size(const uint8_t *at, size_t len, size_t *ret_size)
{
	uint32_t size;

	if (len < WIRE_LENGTH_BYTES)
		return WIRE_MORE;
	size = wire_get32(at);
	if (size < REQUEST_BYTES || size > WIRE_STARTUP_BYTES_MAX)
		return WIRE_BROKEN;
	*ret_size = size;
	return WIRE_WHOLE;
}

/* With the SQLSTATE that PostgreSQL gives in the same place. */
static int refuse(struct err *err, const char *sqlstate, const char *what, const char *name)
{
	err_set(err, ERR_REFUSED, "%s%.100s", what, name);
	snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
	return -1;
}

static int take_parameter(struct startup *s, const char *name, const char *value, struct err *err)
{
	if (strcmp(name, "user") == 0) {
		s->user = value;
		return 0;
	}
	if (strcmp(name, "database") == 0) {
		s->database = value;
		return 0;
	}
	if (strncmp(name, "_pq_.", 5) == 0) {
		if (s->unknown_options == STARTUP_OPTIONS_MAX)
			return refuse(err, "08P01", "too many protocol options", "");
		s->options[s->unknown_options++] = name;
		return 0;
	}
	if (strcmp(name, "replication") == 0)
		return refuse(err, "0A000", "replication does not go through this gateway", "");
	if (!startup_allows(name))
		return refuse(err, "08P01", "unsupported startup parameter: ", name);
	if (s->count == STARTUP_PARAMETERS_MAX)
		return refuse(err, "08P01", "too many startup parameters", "");
	s->parameters[s->count].name = name;
	s->parameters[s->count++].value = value;
	return 0;
}

static int take_login(struct wire_in *in, struct startup *s, struct err *err)
{
	for (;;) {
		const char *name = wire_str(in), *value;

		if (name && !*name)
			break;
		value = wire_str(in);
		if (!name || !value)
			return refuse(err, "08P01", "invalid startup packet layout", "");
		if (take_parameter(s, name, value, err))
			return -1;
	}
	if (wire_left(in) > 0)
		return refuse(err, "08P01", "invalid startup packet layout", "");
	if (!s->user || !*s->user)
		return refuse(err, "28000", "no PostgreSQL user name in startup packet", "");
	if (!s->database || !*s->database)
		s->database = s->user;
	return 0;
}

int startup_parse(const uint8_t *packet, size_t size, struct startup *ret, struct err *err)
{
	struct wire_in in = wire_in(packet, size);
	uint32_t length = wire_u32(&in), code = wire_u32(&in);

	*ret = (struct startup){.kind = STARTUP_LOGIN, .minor = (uint16_t)code};
	if (in.broken || length != size)
		return refuse(err, "08P01", "invalid length of startup packet", "");
	if (code == CODE_TLS || code == CODE_GSS) {
		ret->kind = code == CODE_TLS ? STARTUP_TLS : STARTUP_GSS;
		return size == REQUEST_BYTES
			       ? 0
			       : refuse(err, "08P01", "invalid length of startup packet", "");
	}
	if (code == CODE_CANCEL) {
		ret->kind = STARTUP_CANCEL;
		ret->pid = wire_u32(&in);
		ret->secret = wire_u32(&in);
		return size == CANCEL_BYTES
			       ? 0
			       : refuse(err, "08P01", "invalid length of startup packet", "");
	}
	if (code >> 16 != 3)
		return refuse(err, "0A000", "unsupported frontend protocol", "");
	return take_login(&in, ret, err);
}
