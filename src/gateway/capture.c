#include "gateway/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "gateway/packet.h"
#include "pgwire/message.h"
#include "pgwire/wire.h"

enum phase { FINDING, PROBING, LASTVAL, DESCRIBING, ENDED };

#define COLUMNS 5
#define NAMES_MAX 500 /* of one database; one that reads more is not like any known */
#define OWN "oid OPERATOR(pg_catalog.>=) CAST(16384 AS pg_catalog.oid)"
/* current_setting('a.b', in any spelling that needs no escape. */
#define NAME_READ "current_setting[(][[:space:]]*''([^'']+[.][^'']+)''"
#define CURRVAL "currval"
#define LASTVAL_NAME "lastval"

/*
 * Every name is qualified, operators too: the session's search_path is its own.  No backslash and
 * no pattern: standard_conforming_strings is its own as well.  Subqueries over catalogs have a
 * condition without variables first, so a session without temporary objects does not scan any.
 * Rows: tag, kind, and three texts.
 *
 * Most of what it costs a server is parsing and planning, which `keep` and `kept` do before the
 * hold instead of in it.  So it has no parameters (they would be planned for anew), asks the
 * functions below the views, and never asks for rows to be made distinct.
 */
static const char probe_sql[] =
	"SELECT '%s', 'who', pg_catalog.current_setting('role'),"
	" CAST(session_user AS pg_catalog.text), NULL"
	" UNION ALL SELECT NULL, 'set', name, pg_catalog.current_setting(name), NULL"
	" FROM pg_catalog.pg_show_all_settings() WHERE source OPERATOR(pg_catalog.=) 'session'"
	" AND name OPERATOR(pg_catalog.<>) 'transaction_isolation'"
	" AND name OPERATOR(pg_catalog.<>) 'transaction_read_only'"
	" AND name OPERATOR(pg_catalog.<>) 'transaction_deferrable'"
	" UNION ALL SELECT NULL, 'set', n, pg_catalog.current_setting(n, true), NULL"
	" FROM (SELECT n FROM pg_catalog.unnest(CAST($%s$%s$%s$ AS pg_catalog.text[])) AS u(n)"
	"  UNION ALL SELECT m[1] FROM pg_catalog.pg_prepared_statement(),"
	"  pg_catalog.regexp_matches(statement, '" NAME_READ "', 'gi') AS r(m)) AS names(n)"
	" WHERE pg_catalog.current_setting(n, true) IS NOT NULL"
	" AND NOT EXISTS (SELECT FROM pg_catalog.pg_show_all_settings() s WHERE"
	"  pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(n))"
	" UNION ALL SELECT CASE WHEN from_sql THEN 'sql' END, 'prep', name, statement,"
	" pg_catalog.array_to_string(CAST(parameter_types AS pg_catalog.oid[]), ',')"
	" FROM pg_catalog.pg_prepared_statement() WHERE name OPERATOR(pg_catalog.<>) '%s'"
	" UNION ALL SELECT NULL, 'temp', CAST(relname AS pg_catalog.text), NULL, NULL"
	" FROM pg_catalog.pg_class"
	" WHERE pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.<>) CAST(0 AS pg_catalog.oid)"
	" AND relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()"
	" UNION ALL SELECT NULL, 'temp', CAST(typname AS pg_catalog.text), NULL, NULL"
	" FROM pg_catalog.pg_type"
	" WHERE pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.<>) CAST(0 AS pg_catalog.oid)"
	" AND typnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()"
	" UNION ALL SELECT NULL, 'temp', CAST(proname AS pg_catalog.text), NULL, NULL"
	" FROM pg_catalog.pg_proc"
	" WHERE pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.<>) CAST(0 AS pg_catalog.oid)"
	" AND pronamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()"
	" UNION ALL SELECT NULL, 'advisory', pg_catalog.concat_ws(',', classid, objid), NULL, NULL"
	" FROM pg_catalog.pg_lock_status() WHERE locktype OPERATOR(pg_catalog.=) 'advisory'"
	" AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()"
	" UNION ALL SELECT NULL, 'cursor', name, NULL, NULL"
	" FROM pg_catalog.pg_cursor() WHERE is_holdable"
	" UNION ALL SELECT NULL, 'listen', c, NULL, NULL"
	" FROM pg_catalog.pg_listening_channels() AS l(c)";

/*
 * Where a database reads settings itself.  What the system brought along reads none; the text of a
 * function is its definition's, because a body in SQL has no other text.
 */
static const char find_sql[] =
	"SELECT DISTINCT '%s', 'name', m[1], NULL, NULL FROM ("
	"SELECT pg_catalog.pg_get_functiondef(oid) FROM pg_catalog.pg_proc"
	" WHERE (prokind OPERATOR(pg_catalog.=) 'f' OR prokind OPERATOR(pg_catalog.=) 'p') AND " OWN
	" UNION ALL SELECT pg_catalog.pg_get_expr(polqual, polrelid) FROM pg_catalog.pg_policy"
	" UNION ALL SELECT pg_catalog.pg_get_expr(polwithcheck, polrelid) FROM pg_catalog.pg_policy"
	" UNION ALL SELECT pg_catalog.pg_get_ruledef(oid) FROM pg_catalog.pg_rewrite WHERE " OWN
	" UNION ALL SELECT pg_catalog.pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef"
	" UNION ALL SELECT pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint"
	"  WHERE contype OPERATOR(pg_catalog.=) 'c' AND " OWN
	" UNION ALL SELECT pg_catalog.pg_get_triggerdef(oid) FROM pg_catalog.pg_trigger"
	"  WHERE tgqual IS NOT NULL"
	") AS texts(t), pg_catalog.regexp_matches(t, '" NAME_READ "', 'gi') AS r(m)";

/* lastval() fails where it is not defined, and a failure is caught only here.  An INFO message
 * reaches the client whatever client_min_messages says. */
static const char lastval_sql[] = "DO $airlock$BEGIN PERFORM pg_catalog.lastval(); RAISE INFO '%s';"
				  " EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL;"
				  " WHEN OTHERS THEN RAISE INFO '%s'; END$airlock$";

struct tag {
	char text[40];
};

static struct tag tag_with(const char *what, uint64_t nonce)
{
	struct tag tag;

	snprintf(tag.text, sizeof tag.text, "airlock_%s_%016llx", what, (unsigned long long)nonce);
	return tag;
}

/* Of the answers, and the name of the probe's statement. */
static struct tag tag_of(const struct capture *c)
{
	return tag_with("probe", c->nonce);
}

/* The name of every other statement of ours: the probe's may be there to stay. */
static struct tag scrap_of(const struct capture *c)
{
	return tag_with("scrap", c->nonce);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Said once and for all, under a name that is free again afterwards. */
static void send_once(const struct capture *c, const char *sql, struct buf *out)
{
	struct tag scrap = scrap_of(c);

	packet_parse(out, scrap.text, sql, NULL, 0);
	packet_bind_execute(out, scrap.text, NULL, 0);
	packet_close(out, scrap.text);
	packet_sync(out);
}

static char *copy_unnamed(struct session_state *state, const struct capture_options *options)
{
	char *copy = arena_alloc(&state->arena, options->unnamed_len);

	memcpy(copy, options->unnamed, options->unnamed_len);
	return copy;
}

/* Types that a server numbers itself are left to be inferred on the other one. */
static bool clear_local_types(
	uint8_t *parse, size_t len, struct arena *arena, struct state_statement *s)
{
	struct wire_in in = wire_in(parse + WIRE_HEAD_BYTES, len - WIRE_HEAD_BYTES);
	const char *name = wire_str(&in);
	const char *sql = wire_str(&in);

	if (name == NULL || name[0] != '\0')
		return false;
	s->sql = sql;
	s->types_count = wire_u16(&in);
	s->types = arena_calloc(arena, s->types_count + 1, sizeof *s->types);
	for (size_t i = 0; i < s->types_count && !in.broken; i++) {
		const uint8_t *at = wire_bytes(&in, 4);

		if (at == NULL)
			break;
		if (wire_get32(at) >= MESSAGE_LOCAL_OID)
			wire_put32(parse + (at - parse), 0);
		s->types[i] = wire_get32(at);
	}
	return !in.broken;
}

static struct state_statement *unnamed_of(
	struct session_state *state, const struct capture_options *options)
{
	struct state_statement *s;
	uint8_t *parse;

	if (options->unnamed == NULL || options->unnamed_len <= WIRE_HEAD_BYTES)
		return NULL;
	parse = (uint8_t *)copy_unnamed(state, options);
	s = arena_alloc(&state->arena, sizeof *s);
	*s = (struct state_statement){
		.name = "", .parse = parse, .parse_len = options->unnamed_len};
	if (!clear_local_types(parse, options->unnamed_len, &state->arena, s))
		return NULL; /* the server refused it too */
	return s;
}

static void add_name(struct capture *c, const char *text)
{
	struct state_name *name = arena_alloc(&c->state->arena, sizeof *name);

	*name = (struct state_name){.name = text};
	*c->names_end = name;
	c->names_end = &name->next;
}

static void send_find(struct capture *c, struct buf *out)
{
	struct tag tag = tag_of(c);
	BUF_AUTO sql = BUF_INIT;

	c->phase = FINDING;
	c->ready_owed++;
	buf_printf(&sql, find_sql, tag.text);
	send_once(c, buf_str(&sql), out);
}

static void prepare_probe(struct capture *c, struct buf *out)
{
	struct tag tag = tag_of(c);
	BUF_AUTO sql = BUF_INIT;
	BUF_AUTO names = BUF_INIT;

	packet_array(&names, c->state->names);
	buf_printf(&sql, probe_sql, tag.text, tag.text, buf_str(&names), tag.text, tag.text);
	packet_parse(out, tag.text, buf_str(&sql), NULL, 0);
}

/* Closed behind a Sync: what is refused before it does not keep it from being closed. */
static void send_probe(struct capture *c, struct buf *out)
{
	struct tag tag = tag_of(c);
	BUF_AUTO sql = BUF_INIT;

	c->phase = PROBING;
	c->ready_owed += 2;
	if (!c->kept)
		prepare_probe(c, out);
	packet_bind_execute(out, tag.text, NULL, 0);
	packet_sync(out);
	if (!c->keep)
		packet_close(out, tag.text);
	buf_printf(&sql, lastval_sql, tag.text, tag.text);
	send_once(c, buf_str(&sql), out);
}

/* What was kept is there no more (DEALLOCATE ALL), or does not serve any more. */
static void send_probe_anew(struct capture *c, struct buf *out)
{
	struct tag tag = tag_of(c);

	c->kept = c->kept_refused = false;
	packet_close(out, tag.text);
	send_probe(c, out);
}

void capture_begin(struct capture *c, const struct capture_options *options,
	struct session_state *state, struct buf *out)
{
	REQUIRE(state->statements == NULL && state->settings == NULL);
	*c = (struct capture){.state = state, .nonce = options->nonce, .finds = options->find};
	c->keep = options->keep;
	c->kept = options->kept != 0 && options->kept_serves && !options->find;
	if (c->kept)
		c->nonce = options->kept;
	else if (options->kept != 0)
		packet_close(out, tag_with("probe", options->kept).text);
	c->user = arena_strdup(&state->arena, options->user);
	c->statements_end = &state->statements;
	c->settings_end = &state->settings;
	c->names_end = &state->names;
	c->unnamed = unnamed_of(state, options);
	for (size_t i = 0; i < options->names_count; i++)
		add_name(c, arena_strdup(&state->arena, options->names[i]));
	if (options->find)
		send_find(c, out);
	else
		send_probe(c, out);
}

/* ---- what the rows say ----------------------------------------------------------------------- */

static const char *text_of(struct capture *c, const struct message_column *column)
{
	c->bytes += column->len;
	return column->value
		       ? arena_strndup(&c->state->arena, (const char *)column->value, column->len)
		       : NULL;
}

static bool is(const struct message_column *column, const char *text)
{
	return column->value != NULL && column->len == strlen(text) &&
	       memcmp(column->value, text, column->len) == 0;
}

static void take_who(struct capture *c, const struct message_column *column)
{
	const char *role = text_of(c, &column[2]);
	const char *user = text_of(c, &column[3]);

	c->tagged = true;
	if (role != NULL && strcmp(role, "none") != 0)
		c->state->role = role;
	if (user != NULL && strcmp(user, c->user) != 0)
		c->state->authorization = user;
}

/* Several statements may read one setting of an application's. */
static bool has_setting(const struct session_state *state, const char *name)
{
	for (const struct state_setting *s = state->settings; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

static void take_setting(struct capture *c, const struct message_column *column)
{
	struct state_setting *s = arena_alloc(&c->state->arena, sizeof *s);

	s->name = text_of(c, &column[2]);
	s->value = text_of(c, &column[3]);
	if (s->name == NULL || s->value == NULL)
		return;
	if (strcmp(s->name, "client_encoding") == 0) {
		c->state->encoding = s->value;
		return;
	}
	if (has_setting(c->state, s->name))
		return;
	*c->settings_end = s;
	c->settings_end = &s->next;
}

static void lose(struct session_state *state, unsigned what, const char *example)
{
	if ((state->lost & what) == 0)
		state->example[__builtin_ctz(what)] = example;
	state->lost |= what;
}

/* The text of PREPARE is what the client sent, so it can hold other commands too, which must not be
 * executed again.  A semicolon anywhere but at the end is enough of a doubt. */
static bool is_prepare_alone(const char *sql)
{
	const char *semicolon = strchr(sql, ';');

	sql += strspn(sql, " \t\r\n");
	if (strncasecmp(sql, "prepare", 7) != 0 || strspn(sql + 7, " \t\r\n") == 0)
		return false;
	return semicolon == NULL || semicolon[strspn(semicolon, "; \t\r\n")] == '\0';
}

static void look_for_currval(struct session_state *state, const struct state_statement *s)
{
	if (strcasestr(s->sql, CURRVAL) != NULL || strcasestr(s->sql, LASTVAL_NAME) != NULL)
		lose(state, STATE_CURRVAL, s->sql);
}

static void take_types(struct capture *c, struct state_statement *s, const char *list)
{
	size_t count = 0;
	char *at = NULL;

	if (list == NULL || *list == '\0')
		return;
	for (const char *p = list; *p != '\0'; p++)
		count += *p == ',';
	s->types_count = count + 1;
	s->types = arena_calloc(&c->state->arena, s->types_count, sizeof *s->types);
	for (size_t i = 0; i < s->types_count; i++) {
		uint32_t oid = (uint32_t)strtoul(list, &at, 10);

		s->types[i] = oid < MESSAGE_LOCAL_OID ? oid : 0;
		list = *at == ',' ? at + 1 : at;
	}
}

static void append(struct capture *c, struct state_statement *s)
{
	*c->statements_end = s;
	c->statements_end = &s->next;
}

static void take_statement(struct capture *c, const struct message_column *column)
{
	struct state_statement *s = arena_alloc(&c->state->arena, sizeof *s);

	*s = (struct state_statement){.from_sql = is(&column[0], "sql")};
	s->name = text_of(c, &column[2]);
	s->sql = text_of(c, &column[3]);
	if (s->name == NULL || s->sql == NULL)
		return;
	if (s->from_sql && !is_prepare_alone(s->sql)) {
		lose(c->state, STATE_STATEMENT, s->name);
		return;
	}
	if (!s->from_sql)
		take_types(c, s, text_of(c, &column[4]));
	look_for_currval(c->state, s);
	append(c, s);
}

static void take_channel(struct capture *c, const struct message_column *column)
{
	struct state_name *channel = arena_alloc(&c->state->arena, sizeof *channel);

	*channel = (struct state_name){c->state->channels, text_of(c, &column[2])};
	c->state->channels = channel;
	lose(c->state, STATE_LISTEN, channel->name);
}

static void take_lost(struct capture *c, const struct message_column *column)
{
	static const struct {
		const char *kind;
		unsigned bit;
	} kinds[] = {{"temp", STATE_TEMP}, {"advisory", STATE_ADVISORY}, {"cursor", STATE_CURSOR}};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (is(&column[1], kinds[i].kind) && (c->state->lost & kinds[i].bit) == 0)
			lose(c->state, kinds[i].bit, text_of(c, &column[2]));
}

static bool take_name(struct capture *c, const uint8_t *body, size_t len)
{
	struct message_column column[COLUMNS];

	if (!message_row(body, len, column, COLUMNS) || !is(&column[0], tag_of(c).text) ||
		column[2].value == NULL || ++c->names > NAMES_MAX)
		return false;
	add_name(c, text_of(c, &column[2]));
	return true;
}

static bool take_row(struct capture *c, const uint8_t *body, size_t len)
{
	struct message_column column[COLUMNS];

	if (!message_row(body, len, column, COLUMNS))
		return false;
	if (c->bytes + len > STATE_BYTES_MAX) {
		lose(c->state, STATE_SIZE, "more than a gateway keeps of one session");
	} else if (is(&column[1], "who")) {
		if (!is(&column[0], tag_of(c).text))
			return false;
		take_who(c, column);
	} else if (is(&column[1], "set")) {
		take_setting(c, column);
	} else if (is(&column[1], "prep")) {
		take_statement(c, column);
	} else if (is(&column[1], "listen") && column[2].value != NULL) {
		take_channel(c, column);
	} else {
		take_lost(c, column);
	}
	return true;
}

/* ---- describing ------------------------------------------------------------------------------ */

static bool can_be_tried(const struct state_statement *s)
{
	return !s->from_sql; /* PREPARE would want the name that is taken */
}

/*
 * A statement can live on what is no longer so: parsed before SET ROLE took the rights away, or
 * under another search_path.  Made again it would be refused, or be another one; so it is parsed
 * here once more, under our own name.  The same happens on the other side, where it is too late.
 */
static void try_again(struct capture *c, const struct state_statement *s, struct buf *out)
{
	struct tag scrap = scrap_of(c);

	packet_parse(out, scrap.text, s->sql, s->types, s->types_count);
	packet_describe(out, scrap.text);
	packet_close(out, scrap.text);
	packet_sync(out);
	c->ready_owed++;
}

/* On to the statement's second description, or to the next statement. */
static void describe_next(struct capture *c)
{
	struct state_statement *s = c->describing;

	if (!c->again && can_be_tried(s)) {
		c->again = true;
		c->again_refused = false;
		c->again_shape = MESSAGE_SHAPE_INIT;
		return;
	}
	if (c->again && !s->broken && (c->again_refused || c->again_shape != s->shape))
		lose(c->state, STATE_STATEMENT, s->name);
	c->again = false;
	c->describing = s->next;
}

static enum capture_step describe_all(struct capture *c, struct buf *out)
{
	if (c->unnamed != NULL) {
		look_for_currval(c->state, c->unnamed);
		append(c, c->unnamed);
	}
	c->describing = c->state->statements;
	c->phase = c->describing != NULL ? DESCRIBING : ENDED;
	for (struct state_statement *s = c->state->statements; s != NULL; s = s->next) {
		s->shape = MESSAGE_SHAPE_INIT;
		packet_describe(out, s->name);
		packet_sync(out);
		c->ready_owed++;
		if (can_be_tried(s))
			try_again(c, s, out);
	}
	return c->phase == ENDED ? CAPTURE_DONE : CAPTURE_SEND;
}

static void forget_unnamed(struct capture *c)
{
	struct state_statement **at = &c->state->statements;

	while (*at != c->unnamed)
		at = &(*at)->next;
	*at = NULL; /* it is the last */
}

static void refused(struct capture *c, const struct message_fields *e)
{
	/* Once it has answered it was only stopped, and what it said is not asked for twice. */
	if (c->phase == PROBING && c->kept && !c->tagged) {
		c->kept_refused = true;
		return;
	}
	if (c->phase == LASTVAL && !state_refusal_passes(e->sqlstate))
		return; /* no PL/pgSQL here, or none for this role: what it was to tell stays open
			 */
	if (c->phase == DESCRIBING && c->again && !state_refusal_passes(e->sqlstate)) {
		c->again_refused = true;
		return;
	}
	if (c->phase == DESCRIBING && !state_refusal_passes(e->sqlstate)) {
		c->describing->broken = true;
		if (c->describing == c->unnamed && strcmp(e->sqlstate, "26000") == 0)
			c->unnamed_gone = true;
		return;
	}
	c->failed = true;
	snprintf(c->why, sizeof c->why, "%s (%s)", e->text, e->sqlstate);
}

/* ---- feeding --------------------------------------------------------------------------------- */

static enum capture_step broken(struct capture *c, const char *why)
{
	c->phase = ENDED;
	snprintf(c->why, sizeof c->why, "%s", *why ? why : "the server ended the session");
	return CAPTURE_BROKEN;
}

static enum capture_step finished(struct capture *c)
{
	c->phase = ENDED;
	if (c->failed)
		return CAPTURE_FAILED;
	if (c->unnamed_gone)
		forget_unnamed(c);
	return CAPTURE_DONE;
}

static enum capture_step take_ready(
	struct capture *c, const uint8_t *body, size_t len, struct buf *out)
{
	INVARIANT(c->ready_owed > 0);
	if (len != 1 || body[0] != 'I')
		return broken(c, "the session is not at a boundary");
	c->ready_owed--;
	switch ((enum phase)c->phase) {
	case FINDING:
		if (c->failed)
			return finished(c);
		send_probe(c, out);
		return CAPTURE_SEND;
	case PROBING:
		if (!c->failed && !c->tagged && !c->kept_refused)
			return broken(c, "these are not the probe's answers");
		c->phase = LASTVAL;
		return CAPTURE_MORE;
	case LASTVAL:
		if (c->kept_refused) {
			send_probe_anew(c, out);
			return CAPTURE_SEND;
		}
		return c->failed ? finished(c) : describe_all(c, out);
	case DESCRIBING:
		describe_next(c);
		return c->ready_owed == 0 ? finished(c) : CAPTURE_MORE;
	case ENDED:
		break;
	}
	return broken(c, "an answer after the last");
}

static void take_shape(struct capture *c, uint8_t type, const uint8_t *body, size_t len)
{
	uint64_t *shape = c->again ? &c->again_shape : &c->describing->shape;

	*shape = message_shape(*shape, type, body, len);
}

static enum capture_step take_error(struct capture *c, const uint8_t *body, size_t len)
{
	struct message_fields e;

	if (!message_fields(body, len, &e))
		return broken(c, "an error that cannot be read");
	if (strcmp(e.severity, "ERROR") != 0)
		return broken(c, e.text); /* FATAL, PANIC */
	refused(c, &e);
	return CAPTURE_MORE;
}

enum capture_step capture_feed(
	struct capture *c, uint8_t type, const uint8_t *body, size_t len, struct buf *out)
{
	REQUIRE(c->phase != ENDED);
	switch (type) {
	case '1': /* parsed, bound, closed, complete, described */
	case '2':
	case '3':
	case 'C':
		return CAPTURE_MORE;
	case 'D':
		if (c->phase == PROBING ? take_row(c, body, len)
					: c->phase == FINDING && take_name(c, body, len))
			return CAPTURE_MORE;
		return broken(c, "a row that the probe did not ask for");
	case 't':
	case 'T':
	case 'n':
		if (c->phase != DESCRIBING)
			return broken(c, "a description that nobody asked for");
		take_shape(c, type, body, len);
		return CAPTURE_MORE;
	case 'E':
		return take_error(c, body, len);
	case 'Z':
		return take_ready(c, body, len, out);
	default:
		return broken(c, "a message that is no answer to the probe");
	}
}

bool capture_notice(struct capture *c, const uint8_t *body, size_t len)
{
	struct message_fields notice;

	if (c->phase != LASTVAL || !message_fields(body, len, &notice) ||
		strcmp(notice.text, tag_of(c).text) != 0)
		return false;
	c->state->lost |= STATE_LASTVAL;
	return true;
}

uint64_t capture_kept(const struct capture *c)
{
	return c->keep ? c->nonce : 0;
}

bool capture_unnamed_is_gone(const struct capture *c)
{
	return c->unnamed_gone;
}

bool capture_finds(const struct capture *c)
{
	return c->finds;
}

const char *capture_why(const struct capture *c)
{
	return c->why;
}
