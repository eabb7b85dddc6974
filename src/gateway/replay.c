#include "gateway/replay.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "gateway/packet.h"
#include "pgwire/message.h"

/*
 * A replay is a row of units, each with its own Sync, so that an error stays where it belongs.  The
 * same cursor walks over them twice: once to send, once to understand the answers.
 */
enum unit {
	UNIT_ENCODING,
	UNIT_SETTINGS, /* several at once */
	UNIT_AUTHORIZATION,
	UNIT_ROLE,
	UNIT_STATEMENT,
	UNIT_LISTEN,   /* one for each channel */
	UNIT_CHANNELS, /* read back; they count from the end of the unit before */
	UNIT_LATE,     /* settings that could end what follows them */
	UNIT_UNNAMED,  /* last: every unit before it ends with none */
	UNIT_END
};

#define SETTINGS_PER_UNIT 50
#define CHANNELS_SAME "same"

/* The server compares: $1 is what there should be. */
static const char channels_sql[] =
	"SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.=) 0 THEN '" CHANNELS_SAME "' END"
	" FROM pg_catalog.pg_listening_channels() AS l(c) FULL JOIN pg_catalog.unnest($1) AS w(c)"
	" ON l.c OPERATOR(pg_catalog.=) w.c WHERE l.c IS NULL OR w.c IS NULL";

static bool is_late(const struct state_setting *s)
{
	static const char *const names[] = {"statement_timeout", "lock_timeout",
		"transaction_timeout", "idle_session_timeout",
		"idle_in_transaction_session_timeout"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(s->name, names[i]) == 0)
			return true;
	return false;
}

static bool is_unnamed(const struct state_statement *s)
{
	return s->parse != NULL;
}

/* ---- the cursor ------------------------------------------------------------------------------ */

static const struct state_setting *setting_from(const struct state_setting *s, bool late)
{
	while (s != NULL && is_late(s) != late)
		s = s->next;
	return s;
}

/* What the source refuses is not made, and so is refused here too. */
static const struct state_statement *statement_from(const struct state_statement *s, bool unnamed)
{
	while (s != NULL && (is_unnamed(s) != unnamed || s->broken))
		s = s->next;
	return s;
}

/* The next settings of a kind, *ret_count of them from the cursor on. */
static const struct state_setting *chunk(const struct state_setting *s, bool late,
	const struct state_setting *ret[SETTINGS_PER_UNIT], size_t *ret_count)
{
	size_t count = 0;

	for (s = setting_from(s, late); s != NULL && count < SETTINGS_PER_UNIT;
		s = setting_from(s->next, late))
		ret[count++] = s;
	*ret_count = count;
	return s;
}

static bool is_there(const struct replay *r)
{
	const struct session_state *state = r->state;

	switch ((enum unit)r->unit) {
	case UNIT_ENCODING:
		return state->encoding != NULL;
	case UNIT_AUTHORIZATION:
		return state->authorization != NULL;
	case UNIT_ROLE:
		return state->role != NULL;
	case UNIT_SETTINGS:
	case UNIT_LATE:
		return r->setting != NULL;
	case UNIT_STATEMENT:
	case UNIT_UNNAMED:
		return r->statement != NULL;
	case UNIT_LISTEN:
		return r->channel != NULL;
	case UNIT_CHANNELS:
		return state->channels != NULL;
	case UNIT_END:
		break;
	}
	return true;
}

static void enter(struct replay *r)
{
	const struct session_state *state = r->state;

	if (r->unit == UNIT_SETTINGS || r->unit == UNIT_LATE)
		r->setting = setting_from(state->settings, r->unit == UNIT_LATE);
	if (r->unit == UNIT_STATEMENT || r->unit == UNIT_UNNAMED)
		r->statement = statement_from(state->statements, r->unit == UNIT_UNNAMED);
	if (r->unit == UNIT_LISTEN)
		r->channel = state->channels;
}

/* To the first unit from here on that has something to do. */
static void settle(struct replay *r)
{
	while (!is_there(r)) {
		r->unit++;
		enter(r);
	}
	r->shape = MESSAGE_SHAPE_INIT;
	r->shown = false;
}

static void first(struct replay *r)
{
	r->unit = UNIT_ENCODING;
	settle(r);
}

static void next(struct replay *r)
{
	const struct state_setting *some[SETTINGS_PER_UNIT];
	size_t count;

	if (r->unit == UNIT_SETTINGS || r->unit == UNIT_LATE) {
		r->setting = chunk(r->setting, r->unit == UNIT_LATE, some, &count);
	} else if (r->unit == UNIT_STATEMENT || r->unit == UNIT_UNNAMED) {
		r->statement = statement_from(r->statement->next, r->unit == UNIT_UNNAMED);
	} else if (r->unit == UNIT_LISTEN) {
		r->channel = r->channel->next;
	} else {
		r->unit++;
		enter(r);
	}
	settle(r);
}

/* What a unit of settings sets, and what it is then to show; 0 for other units. */
static size_t settings_of(const struct replay *r, const char *names[SETTINGS_PER_UNIT],
	const char *values[SETTINGS_PER_UNIT])
{
	const struct state_setting *some[SETTINGS_PER_UNIT];
	size_t count = 1;

	switch ((enum unit)r->unit) {
	case UNIT_ENCODING:
		names[0] = "client_encoding";
		values[0] = r->state->encoding;
		return 1;
	case UNIT_AUTHORIZATION:
		names[0] = "session_authorization";
		values[0] = r->state->authorization;
		return 1;
	case UNIT_ROLE:
		names[0] = "role";
		values[0] = r->state->role;
		return 1;
	case UNIT_SETTINGS:
	case UNIT_LATE:
		chunk(r->setting, r->unit == UNIT_LATE, some, &count);
		for (size_t i = 0; i < count; i++) {
			names[i] = some[i]->name;
			values[i] = some[i]->value;
		}
		return count;
	case UNIT_CHANNELS:
		names[0] = "channels";
		values[0] = CHANNELS_SAME;
		return 1;
	case UNIT_STATEMENT:
	case UNIT_LISTEN:
	case UNIT_UNNAMED:
	case UNIT_END:
		break;
	}
	return 0;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* The client may have no unnamed statement, and must not find ours. */
static void close_ours(struct buf *out)
{
	packet_close(out, "");
}

static void send_settings(
	const char *const *names, const char *const *values, size_t count, struct buf *out)
{
	const char *params[2 * SETTINGS_PER_UNIT];
	BUF_AUTO sql = BUF_INIT;

	for (size_t i = 0; i < count; i++) {
		buf_printf(&sql, "%s pg_catalog.set_config($%zu, $%zu, false)",
			i > 0 ? "," : "SELECT", 2 * i + 1, 2 * i + 2);
		params[2 * i] = names[i];
		params[2 * i + 1] = values[i];
	}
	packet_parse(out, "", buf_str(&sql), NULL, 0);
	packet_bind_execute(out, "", params, 2 * count);
	close_ours(out);
	packet_sync(out);
}

static void send_statement(const struct state_statement *s, struct buf *out)
{
	if (is_unnamed(s)) {
		buf_add(out, s->parse, s->parse_len);
	} else if (s->from_sql) {
		/* The extended protocol takes one command only, whatever the text holds. */
		packet_parse(out, "", s->sql, NULL, 0);
		packet_bind_execute(out, "", NULL, 0);
		close_ours(out);
	} else {
		packet_parse(out, s->name, s->sql, s->types, s->types_count);
	}
	packet_describe(out, s->name);
	packet_sync(out);
}

static void send_listen(const char *channel, struct buf *out)
{
	BUF_AUTO sql = BUF_INIT;

	buf_puts(&sql, "LISTEN \"");
	for (const char *at = channel; *at != '\0'; at++) {
		if (*at == '"')
			buf_putc(&sql, '"');
		buf_putc(&sql, *at);
	}
	buf_putc(&sql, '"');
	packet_parse(out, "", buf_str(&sql), NULL, 0);
	packet_bind_execute(out, "", NULL, 0);
	close_ours(out);
	packet_sync(out);
}

static void send_channels(const struct state_name *channels, struct buf *out)
{
	static const uint32_t types[] = {TEXT_ARRAY_OID};
	BUF_AUTO names = BUF_INIT;

	packet_array(&names, channels);
	packet_parse(out, "", channels_sql, types, 1);
	packet_bind_execute(out, "", (const char *const[]){buf_str(&names)}, 1);
	close_ours(out);
	packet_sync(out);
}

static void send_one(const struct replay *r, struct buf *out)
{
	const char *names[SETTINGS_PER_UNIT], *values[SETTINGS_PER_UNIT];
	size_t count = settings_of(r, names, values);

	if (r->unit == UNIT_CHANNELS)
		send_channels(r->state->channels, out);
	else if (r->unit == UNIT_LISTEN)
		send_listen(r->channel->name, out);
	else if (count > 0)
		send_settings(names, values, count, out);
	else
		send_statement(r->statement, out);
}

bool replay_is_empty(const struct session_state *state)
{
	struct replay r = {.state = state};

	first(&r);
	return r.unit == UNIT_END;
}

void replay_begin(struct replay *r, const struct session_state *state, struct buf *out)
{
	*r = (struct replay){.state = state};
	for (first(r); r->unit != UNIT_END; next(r))
		send_one(r, out);
	first(r);
}

/* ---- feeding --------------------------------------------------------------------------------- */

static void differ(struct replay *r, const char *what, const char *name, const char *how)
{
	if (!r->mismatch) /* the first one is the reason of those after it */
		snprintf(r->why, sizeof r->why, "%s %.60s: %.110s", what, name, how);
	r->mismatch = true;
}

static enum replay_step broken(struct replay *r, const char *why)
{
	r->unit = UNIT_END;
	snprintf(r->why, sizeof r->why, "%s", *why ? why : "the server ended the session");
	return REPLAY_BROKEN;
}

static bool same(const struct message_column *column, const char *value)
{
	return column->value != NULL && column->len == strlen(value) &&
	       memcmp(column->value, value, column->len) == 0;
}

static enum replay_step take_row(struct replay *r, const uint8_t *body, size_t len)
{
	const char *names[SETTINGS_PER_UNIT], *values[SETTINGS_PER_UNIT];
	struct message_column column[SETTINGS_PER_UNIT];
	size_t count = settings_of(r, names, values);

	if (count == 0 || r->shown || !message_row(body, len, column, count))
		return broken(r, "a row that nobody asked for");
	r->shown = true;
	for (size_t i = 0; i < count; i++)
		if (!same(&column[i], values[i]))
			differ(r, "setting", names[i], "the server shows another value");
	return REPLAY_MORE;
}

static enum replay_step take_error(struct replay *r, const uint8_t *body, size_t len)
{
	const char *names[SETTINGS_PER_UNIT], *values[SETTINGS_PER_UNIT];
	struct message_fields e;

	if (!message_fields(body, len, &e))
		return broken(r, "an error that cannot be read");
	if (strcmp(e.severity, "ERROR") != 0)
		return broken(r, e.text);
	if (!r->mismatch) /* what comes after it may follow from it */
		r->passing = state_refusal_passes(e.sqlstate);
	if (settings_of(r, names, values) > 0)
		differ(r, "setting", names[0], e.text);
	else if (r->unit == UNIT_LISTEN)
		differ(r, "channel", r->channel->name, e.text);
	else
		differ(r, "statement", r->statement->name, e.text);
	return REPLAY_MORE;
}

static enum replay_step take_ready(struct replay *r, const uint8_t *body, size_t len)
{
	const char *names[SETTINGS_PER_UNIT], *values[SETTINGS_PER_UNIT];

	if (len != 1 || body[0] != 'I')
		return broken(r, "a transaction was left open");
	if (settings_of(r, names, values) > 0) {
		if (!r->shown)
			differ(r, "setting", names[0], "the server did not show it");
	} else if (r->unit != UNIT_LISTEN && r->shape != r->statement->shape) {
		differ(r, "statement", r->statement->name,
			"its parameters or columns are not what they were");
	}
	next(r);
	if (r->unit != UNIT_END)
		return REPLAY_MORE;
	if (!r->mismatch)
		return REPLAY_DONE;
	return r->passing ? REPLAY_PASSING : REPLAY_MISMATCH;
}

enum replay_step replay_feed(struct replay *r, uint8_t type, const uint8_t *body, size_t len)
{
	REQUIRE(r->unit != UNIT_END);
	switch (type) {
	case '1':
	case '2':
	case '3':
	case 'C':
		return REPLAY_MORE;
	case 'D':
		return take_row(r, body, len);
	case 't':
	case 'T':
	case 'n':
		r->shape = message_shape(r->shape, type, body, len);
		return REPLAY_MORE;
	case 'E':
		return take_error(r, body, len);
	case 'Z':
		return take_ready(r, body, len);
	default:
		return broken(r, "a message that is no answer to the replay");
	}
}

const char *replay_why(const struct replay *r)
{
	return r->why;
}
