#include "control/control.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"

#define JSON_AUTO __attribute__((cleanup(json_decrefp))) json_t *

static const char *const side_names[] = {"old", "new"};
static const char *const cmd_names[] = {"hello", "arm", "hold", "release", "status", "survey", "accounts"};
static const char *const phase_names[] = {"run", "draining", "held", "flipping", "shut"};

const char *control_side_name(enum control_side side)
{
	REQUIRE(side < ARRAY_LEN(side_names));
	return side_names[side];
}

const char *control_cmd_name(enum control_cmd cmd)
{
	REQUIRE(cmd < ARRAY_LEN(cmd_names));
	return cmd_names[cmd];
}

const char *control_phase_name(enum control_phase phase)
{
	REQUIRE(phase < ARRAY_LEN(phase_names));
	return phase_names[phase];
}

/* --- writing ------------------------------------------------------------------------------- */

/* Names come from clients: what is no UTF-8 is shown as '?'. */
static void put_text(json_t *to, const char *key, const char *text)
{
	BUF_AUTO clean = BUF_INIT;
	uint32_t code;

	for (size_t step; *text; text += step) {
		step = utf8_next(text, &code);
		if (step == 0 || code < 0x20) {
			buf_putc(&clean, '?');
			step = step ? step : 1;
		} else {
			buf_add(&clean, text, step);
		}
	}
	ENSURE(json_object_set_new(to, key, json_string(buf_str(&clean))) == 0);
}

static void put_int(json_t *to, const char *key, int64_t value)
{
	ENSURE(json_object_set_new(to, key, json_integer(value)) == 0);
}

static void write_line(json_t *doc, struct buf *out)
{
	char *text = json_dumps(doc, JSON_COMPACT);

	ENSURE(text != NULL);
	buf_puts(out, text);
	buf_putc(out, '\n');
	free(text);
	json_decref(doc);
}

static void put_policies(json_t *doc, const struct policies *policies)
{
	json_t *carry = json_object();

	for (int i = 0; i < CLASS_COUNT; i++)
		put_text(carry, policy_class_key((enum policy_class)i),
			policy_name(policies->of[i]));
	json_object_set_new(doc, "carry", carry);
}

void control_request_write(const struct control_request *r, struct buf *out)
{
	json_t *doc = json_object();

	put_int(doc, "id", r->id);
	put_text(doc, "cmd", control_cmd_name(r->cmd));
	switch (r->cmd) {
	case CONTROL_ARM:
		put_int(doc, "attempt", r->arm.attempt);
		put_text(doc, "src", control_side_name(r->arm.src));
		put_text(doc, "dst", control_side_name(r->arm.dst));
		put_int(doc, "share", r->arm.share);
		break;
	case CONTROL_HOLD:
		put_int(doc, "attempt", r->hold.attempt);
		put_text(doc, "src", control_side_name(r->hold.src));
		put_int(doc, "hold_ms", r->hold.hold_ms);
		put_int(doc, "drain_ms", r->hold.drain_ms);
		put_int(doc, "lull_ms", r->hold.lull_ms);
		break;
	case CONTROL_RELEASE:
		put_text(doc, "side", control_side_name(r->release.side));
		put_int(doc, "epoch", r->release.epoch);
		break;
	case CONTROL_ACCOUNTS:
		json_object_set_new(doc, "ended", json_boolean(r->accounts.ended));
		put_int(doc, "before", r->accounts.before);
		break;
	case CONTROL_HELLO:
	case CONTROL_STATUS:
	case CONTROL_SURVEY:
	case CONTROL_CMD_COUNT:
		break;
	}
	if (r->has_policies)
		put_policies(doc, &r->policies);
	write_line(doc, out);
}

static void put_blockers(json_t *doc, const struct control_reply *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->blockers_count; i++) {
		const struct control_blocker *b = &r->blockers[i];
		json_t *row = json_object();

		put_int(row, "pid", b->pid);
		put_text(row, "user", b->user);
		put_text(row, "application", b->application);
		put_text(row, "address", b->address);
		put_int(row, "port", b->port);
		put_int(row, "age_ms", b->age_ms);
		put_text(row, "class", b->cls);
		put_text(row, "policy", b->policy);
		put_int(row, "looked_ms", b->looked_ms);
		put_text(row, "text", b->text);
		json_array_append_new(list, row);
	}
	json_object_set_new(doc, "blockers", list);
}

static json_t *account_row(const struct control_account *a)
{
	json_t *row = json_object();

	put_int(row, "number", a->number);
	put_int(row, "pid", a->pid);
	put_text(row, "side", control_side_name(a->side));
	put_text(row, "address", a->address);
	put_int(row, "port", a->port);
	put_text(row, "via", a->via);
	put_int(row, "via_port", a->via_port);
	put_text(row, "user", a->user);
	put_text(row, "database", a->database);
	put_text(row, "application", a->application);
	put_int(row, "came_ms", a->came_ms);
	put_int(row, "asked_ms", a->asked_ms);
	put_int(row, "ended_ms", a->ended_ms);
	put_int(row, "transactions", a->transactions);
	put_int(row, "bytes_in", a->bytes_in);
	put_int(row, "bytes_out", a->bytes_out);
	put_int(row, "writes", a->writes);
	put_int(row, "rows", a->rows);
	put_int(row, "wrote_ms", a->wrote_ms);
	put_text(row, "wrote", a->wrote);
	return row;
}

static void put_accounts(json_t *doc, const struct control_accounts_reply *accounts)
{
	json_t *list = json_array();

	put_int(doc, "sessions", accounts->sessions);
	put_int(doc, "ended", accounts->ended);
	put_int(doc, "next", accounts->next);
	for (size_t i = 0; i < accounts->count; i++)
		json_array_append_new(list, account_row(&accounts->rows[i]));
	json_object_set_new(doc, "accounts", list);
}

static void put_answer(json_t *doc, const struct control_reply *r)
{
	switch (r->cmd) {
	case CONTROL_HELLO:
		put_int(doc, "proto", r->hello.proto);
		put_text(doc, "plan", r->hello.plan);
		put_text(doc, "store", r->hello.store);
		put_text(doc, "route", r->hello.route);
		put_int(doc, "pid", r->hello.pid);
		break;
	case CONTROL_ARM:
		put_int(doc, "sessions", r->arm.sessions);
		put_int(doc, "parked", r->arm.parked);
		put_blockers(doc, r);
		break;
	case CONTROL_HOLD:
		put_int(doc, "held", r->hold.held);
		put_int(doc, "drain_ms", r->hold.drain_ms);
		put_int(doc, "lull_ms", r->hold.lull_ms);
		put_int(doc, "disconnected", r->hold.disconnected);
		put_blockers(doc, r);
		break;
	case CONTROL_RELEASE:
		put_int(doc, "released", r->release.released);
		put_int(doc, "failed", r->release.failed);
		put_int(doc, "waiting_ms_max", r->release.waiting_ms_max);
		put_int(doc, "served_ms", r->release.served_ms);
		break;
	case CONTROL_STATUS:
		put_text(doc, "phase", control_phase_name(r->status.phase));
		put_int(doc, "held", r->status.held);
		put_int(doc, "oldest_ms", r->status.oldest_ms);
		put_int(doc, "sessions", r->status.sessions);
		put_text(doc, "side", control_side_name(r->status.side));
		put_int(doc, "epoch", r->status.epoch);
		put_blockers(doc, r);
		break;
	case CONTROL_SURVEY:
		put_int(doc, "sessions", r->survey.sessions);
		put_int(doc, "looked", r->survey.looked);
		put_int(doc, "let_in", r->survey.let_in);
		put_blockers(doc, r);
		break;
	case CONTROL_ACCOUNTS:
		put_accounts(doc, &r->accounts);
		break;
	case CONTROL_CMD_COUNT:
		break;
	}
}

void control_reply_write(const struct control_reply *r, struct buf *out)
{
	json_t *doc = json_object();

	put_int(doc, "id", r->id);
	json_object_set_new(doc, "ok", json_boolean(r->ok));
	if (r->ok) {
		put_answer(doc, r);
	} else {
		put_text(doc, "code", r->code);
		put_text(doc, "error", r->error);
		if (r->cmd == CONTROL_HOLD && r->hold.disconnected > 0)
			put_int(doc, "disconnected", r->hold.disconnected);
		if (r->blockers_count > 0)
			put_blockers(doc, r);
	}
	write_line(doc, out);
}

/* --- reading ------------------------------------------------------------------------------- */

static json_t *parse(const char *line, size_t len, struct err *err)
{
	json_error_t bad;
	json_t *doc;

	if (len >= CONTROL_LINE_MAX) {
		err_set(err, ERR_USAGE, "a line is longer than %u bytes", CONTROL_LINE_MAX);
		return NULL;
	}
	doc = json_loadb(line, len, JSON_REJECT_DUPLICATES, &bad);
	if (doc && json_is_object(doc))
		return doc;
	err_set(err, ERR_USAGE, "not a JSON object: %s", doc ? "another kind of value" : bad.text);
	json_decref(doc);
	return NULL;
}

static int get_int(const json_t *doc, const char *key, int64_t *ret, struct err *err)
{
	const json_t *value = json_object_get(doc, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return err_set(err, ERR_USAGE, "'%s' must be a whole number from 0 on", key);
	*ret = json_integer_value(value);
	return 0;
}

/* One that earlier versions do not say: 0 then. */
static int get_later_int(const json_t *doc, const char *key, int64_t *ret, struct err *err)
{
	return json_object_get(doc, key) ? get_int(doc, key, ret, err) : 0;
}

static int get_word(const json_t *doc, const char *key, const char *const *words, size_t count,
	unsigned *ret, struct err *err)
{
	const char *text = json_string_value(json_object_get(doc, key));

	for (size_t i = 0; text && i < count; i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = (unsigned)i;
			return 0;
		}
	return err_set(err, ERR_USAGE, "'%s' must be one of %s, %s ...", key, words[0], words[1]);
}

static int get_side(const json_t *doc, const char *key, enum control_side *ret, struct err *err)
{
	unsigned index;

	if (get_word(doc, key, side_names, ARRAY_LEN(side_names), &index, err))
		return -1;
	*ret = (enum control_side)index;
	return 0;
}

static int read_accounts_request(const json_t *doc, struct control_request *r, struct err *err)
{
	const json_t *ended = json_object_get(doc, "ended");

	if (!json_is_boolean(ended))
		return err_set(err, ERR_USAGE, "'ended' must be true or false");
	r->accounts.ended = json_is_true(ended);
	return get_int(doc, "before", &r->accounts.before, err);
}

static int read_arguments(const json_t *doc, struct control_request *r, struct err *err)
{
	switch (r->cmd) {
	case CONTROL_ARM:
		if (get_int(doc, "attempt", &r->arm.attempt, err) ||
			get_side(doc, "src", &r->arm.src, err) ||
			get_side(doc, "dst", &r->arm.dst, err) ||
			get_int(doc, "share", &r->arm.share, err))
			return -1;
		if (r->arm.src == r->arm.dst)
			return err_set(err, ERR_USAGE, "'src' and 'dst' are the same side");
		return 0;
	case CONTROL_HOLD:
		if (get_int(doc, "attempt", &r->hold.attempt, err) ||
			get_side(doc, "src", &r->hold.src, err) ||
			get_int(doc, "hold_ms", &r->hold.hold_ms, err) ||
			get_int(doc, "drain_ms", &r->hold.drain_ms, err) ||
			get_later_int(doc, "lull_ms", &r->hold.lull_ms, err))
			return -1;
		if (r->hold.attempt == 0 || r->hold.hold_ms == 0)
			return err_set(err, ERR_USAGE, "'attempt' and 'hold_ms' must not be 0");
		return 0;
	case CONTROL_RELEASE:
		return get_side(doc, "side", &r->release.side, err) ||
				       get_int(doc, "epoch", &r->release.epoch, err)
			       ? -1
			       : 0;
	case CONTROL_ACCOUNTS:
		return read_accounts_request(doc, r, err);
	case CONTROL_HELLO:
	case CONTROL_STATUS:
	case CONTROL_SURVEY:
	case CONTROL_CMD_COUNT:
		break;
	}
	return 0;
}

/* A class that is not known here comes from a later version; a word that is not, from nobody. */
static int read_policies(const json_t *doc, struct control_request *r, struct err *err)
{
	const json_t *carry = json_object_get(doc, "carry");

	r->policies = policies_default;
	r->has_policies = json_is_object(carry);
	for (int i = 0; r->has_policies && i < CLASS_COUNT; i++) {
		const char *key = policy_class_key((enum policy_class)i);
		const json_t *word = json_object_get(carry, key);

		if (word &&
			(!json_is_string(word) || !policies_set(&r->policies, (enum policy_class)i,
							  json_string_value(word))))
			return err_set(err, ERR_USAGE, "'%s' is no policy of '%s'",
				json_is_string(word) ? json_string_value(word) : "that", key);
	}
	return 0;
}

int control_request_read(
	const char *line, size_t len, struct control_request *ret, int64_t *ret_id, struct err *err)
{
	JSON_AUTO doc = parse(line, len, err);
	struct control_request r = {0};
	unsigned cmd;

	*ret_id = -1;
	if (!doc || get_int(doc, "id", &r.id, err))
		return -1;
	*ret_id = r.id;
	if (get_word(doc, "cmd", cmd_names, ARRAY_LEN(cmd_names), &cmd, err))
		return -1;
	r.cmd = (enum control_cmd)cmd;
	if (read_arguments(doc, &r, err) || read_policies(doc, &r, err))
		return -1;
	*ret = r;
	return 0;
}

static void get_text(const json_t *doc, const char *key, char *ret, size_t cap)
{
	const char *text = json_string_value(json_object_get(doc, key));

	snprintf(ret, cap, "%s", text ? text : "");
}

static int read_blockers(const json_t *doc, struct control_reply *r, struct err *err)
{
	const json_t *list = json_object_get(doc, "blockers"), *row;
	size_t index;

	json_array_foreach(list, index, row)
	{
		struct control_blocker *b = &r->blockers[index];

		if (index == CONTROL_BLOCKERS_MAX)
			return err_set(
				err, ERR_CORRUPT, "more than %d blockers", CONTROL_BLOCKERS_MAX);
		if (get_int(row, "pid", &b->pid, err) || get_int(row, "age_ms", &b->age_ms, err))
			return -1;
		get_text(row, "user", b->user, sizeof b->user);
		get_text(row, "application", b->application, sizeof b->application);
		get_text(row, "address", b->address, sizeof b->address);
		b->port = json_integer_value(json_object_get(row, "port"));
		get_text(row, "class", b->cls, sizeof b->cls);
		get_text(row, "policy", b->policy, sizeof b->policy);
		b->looked_ms = json_integer_value(json_object_get(row, "looked_ms"));
		get_text(row, "text", b->text, sizeof b->text);
		r->blockers_count = index + 1;
	}
	return 0;
}

static int read_account(const json_t *row, struct control_account *a, struct err *err)
{
	const struct {
		const char *key;
		int64_t *ret;
	} numbers[] = {{"number", &a->number}, {"pid", &a->pid}, {"port", &a->port},
		{"via_port", &a->via_port}, {"came_ms", &a->came_ms}, {"asked_ms", &a->asked_ms},
		{"ended_ms", &a->ended_ms}, {"transactions", &a->transactions},
		{"bytes_in", &a->bytes_in}, {"bytes_out", &a->bytes_out}, {"writes", &a->writes},
		{"rows", &a->rows}, {"wrote_ms", &a->wrote_ms}};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (get_int(row, numbers[i].key, numbers[i].ret, err))
			return -1;
	if (a->port > UINT16_MAX || a->via_port > UINT16_MAX)
		return err_set(err, ERR_CORRUPT, "a port has at most 16 bits");
	get_text(row, "address", a->address, sizeof a->address);
	get_text(row, "via", a->via, sizeof a->via);
	get_text(row, "user", a->user, sizeof a->user);
	get_text(row, "database", a->database, sizeof a->database);
	get_text(row, "application", a->application, sizeof a->application);
	get_text(row, "wrote", a->wrote, sizeof a->wrote);
	return get_side(row, "side", &a->side, err);
}

static int read_accounts(const json_t *doc, struct control_accounts_reply *r, struct err *err)
{
	const json_t *list = json_object_get(doc, "accounts"), *row;
	size_t index;

	if (get_int(doc, "sessions", &r->sessions, err) || get_int(doc, "ended", &r->ended, err) ||
		get_int(doc, "next", &r->next, err))
		return -1;
	if (json_array_size(list) > CONTROL_ACCOUNTS_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d accounts", CONTROL_ACCOUNTS_MAX);
	json_array_foreach(list, index, row)
	{
		if (read_account(row, &r->rows[index], err))
			return -1;
		r->count = index + 1;
	}
	return 0;
}

static int read_status(const json_t *doc, struct control_reply *r, struct err *err)
{
	unsigned phase;

	if (get_word(doc, "phase", phase_names, ARRAY_LEN(phase_names), &phase, err) ||
		get_int(doc, "held", &r->status.held, err) ||
		get_int(doc, "oldest_ms", &r->status.oldest_ms, err) ||
		get_int(doc, "sessions", &r->status.sessions, err) ||
		get_side(doc, "side", &r->status.side, err))
		return -1;
	r->status.phase = (enum control_phase)phase;
	return get_int(doc, "epoch", &r->status.epoch, err);
}

static int read_answer(const json_t *doc, struct control_reply *r, struct err *err)
{
	int rc = 0;

	switch (r->cmd) {
	case CONTROL_HELLO:
		rc = get_int(doc, "proto", &r->hello.proto, err) ||
		     get_int(doc, "pid", &r->hello.pid, err);
		get_text(doc, "plan", r->hello.plan, sizeof r->hello.plan);
		get_text(doc, "store", r->hello.store, sizeof r->hello.store);
		get_text(doc, "route", r->hello.route, sizeof r->hello.route);
		break;
	case CONTROL_ARM:
		rc = get_int(doc, "sessions", &r->arm.sessions, err) ||
		     get_int(doc, "parked", &r->arm.parked, err);
		break;
	case CONTROL_HOLD:
		rc = get_int(doc, "held", &r->hold.held, err) ||
		     get_int(doc, "drain_ms", &r->hold.drain_ms, err) ||
		     get_later_int(doc, "lull_ms", &r->hold.lull_ms, err);
		break;
	case CONTROL_RELEASE:
		rc = get_int(doc, "released", &r->release.released, err) ||
		     get_int(doc, "failed", &r->release.failed, err) ||
		     get_int(doc, "waiting_ms_max", &r->release.waiting_ms_max, err) ||
		     get_int(doc, "served_ms", &r->release.served_ms, err);
		break;
	case CONTROL_STATUS:
		rc = read_status(doc, r, err);
		break;
	case CONTROL_SURVEY:
		rc = get_int(doc, "sessions", &r->survey.sessions, err) ||
		     get_int(doc, "looked", &r->survey.looked, err) ||
		     get_later_int(doc, "let_in", &r->survey.let_in, err);
		break;
	case CONTROL_ACCOUNTS:
		rc = read_accounts(doc, &r->accounts, err);
		break;
	case CONTROL_CMD_COUNT:
		break;
	}
	return rc ? -1 : 0;
}

int control_reply_read(const char *line, size_t len, enum control_cmd cmd,
	struct control_reply *ret, struct err *err)
{
	JSON_AUTO doc = parse(line, len, err);
	const json_t *ok;

	REQUIRE(cmd < CONTROL_CMD_COUNT);
	memset(ret, 0, sizeof *ret);
	ret->cmd = cmd;
	if (!doc || get_int(doc, "id", &ret->id, err))
		return -1;
	ok = json_object_get(doc, "ok");
	if (!json_is_boolean(ok))
		return err_set(err, ERR_CORRUPT, "an answer without 'ok'");
	ret->ok = json_is_true(ok);
	get_text(doc, "code", ret->code, sizeof ret->code);
	get_text(doc, "error", ret->error, sizeof ret->error);
	if (cmd == CONTROL_HOLD)
		ret->hold.disconnected = json_integer_value(json_object_get(doc, "disconnected"));
	if (ret->ok && read_answer(doc, ret, err))
		return -1;
	return read_blockers(doc, ret, err);
}
