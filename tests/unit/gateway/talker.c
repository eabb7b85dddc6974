#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/capture.h"
#include "gateway/packet.h"
#include "gateway/replay.h"
#include "pgwire/message.h"
#include "pgwire/wire.h"
#include "talker.h"

static const uint8_t *body(const struct talker *t)
{
	return (const uint8_t *)t->body.data;
}

bool talker_next(struct talker *t)
{
	struct wire_head head;
	char bytes[65536];
	ssize_t n;

	while (wire_head_read((const uint8_t *)t->in.data, t->in.len, WIRE_BODY_MAX, &head) ==
			WIRE_MORE ||
		t->in.len < WIRE_HEAD_BYTES + head.body) {
		n = recv(t->fd, bytes, sizeof bytes, 0);
		if (n <= 0)
			return false;
		buf_add(&t->in, bytes, (size_t)n);
	}
	t->type = head.type;
	buf_clear(&t->body);
	buf_add(&t->body, t->in.data + WIRE_HEAD_BYTES, head.body);
	t->in.len -= WIRE_HEAD_BYTES + head.body;
	memmove(t->in.data, t->in.data + WIRE_HEAD_BYTES + head.body, t->in.len);
	return true;
}

void talker_send(struct talker *t, const struct buf *bytes)
{
	for (size_t sent = 0; sent < bytes->len;) {
		ssize_t n = send(t->fd, bytes->data + sent, bytes->len - sent, MSG_NOSIGNAL);

		assert_true(n > 0);
		sent += (size_t)n;
	}
}

void talker_open(struct talker *t, const char *user, const char *dbname, const char *const *more)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *pairs[16] = {"user", user, "database", dbname};
	struct wire_out out;
	struct buf hello = BUF_INIT;
	uint8_t memory[1024];
	size_t count = 4;

	*t = (struct talker){.user = user};
	for (; more != NULL && *more != NULL; more++)
		pairs[count++] = *more;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%s", getenv("PGHOST"),
		getenv("PGPORT"));
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(t->fd, (struct sockaddr *)&address, sizeof address), 0);
	out = wire_out(memory, sizeof memory);
	message_startup(&out, pairs, count);
	buf_add(&hello, out.data, out.len);
	talker_send(t, &hello);
	buf_fini(&hello);
	do {
		assert_true(talker_next(t));
		assert_int_not_equal(t->type, 'E');
	} while (t->type != 'Z');
}

void talker_close(struct talker *t)
{
	close(t->fd);
	buf_fini(&t->in);
	buf_fini(&t->body);
}

/* To ReadyForQuery.  Keeps the first column of the newest row, and an error's SQLSTATE. */
static void answer(struct talker *t, char ret_value[256], char ret_sqlstate[6])
{
	ret_value[0] = ret_sqlstate[0] = '\0';
	while (talker_next(t) && t->type != 'Z') {
		struct message_fields e;

		if (t->type == 'D') {
			struct wire_in in = wire_in(body(t), t->body.len);
			uint32_t len;

			wire_u16(&in);
			len = wire_u32(&in);
			if (len != UINT32_MAX)
				snprintf(ret_value, 256, "%.*s", (int)len,
					(const char *)wire_bytes(&in, len));
		}
		if (t->type == 'E' && message_fields(body(t), t->body.len, &e))
			snprintf(ret_sqlstate, 6, "%s", e.sqlstate);
	}
	assert_int_equal(t->type, 'Z');
}

static void say(struct talker *t, const char *sql)
{
	struct wire_out out = wire_out(malloc(strlen(sql) + 64), strlen(sql) + 64);
	struct buf bytes = BUF_INIT;

	message_query(&out, sql);
	buf_add(&bytes, out.data, out.len);
	talker_send(t, &bytes);
	buf_fini(&bytes);
	free(out.data);
}

void talker_fails(struct talker *t, const char *sql, const char *sqlstate)
{
	char value[256], got[6];

	say(t, sql);
	answer(t, value, got);
	if (strcmp(got, sqlstate) != 0)
		fail_msg("%s: '%s' instead of '%s'", sql, got, sqlstate);
}

void talker_query(struct talker *t, const char *sql)
{
	talker_fails(t, sql, "");
}

const char *talker_value(struct talker *t, const char *sql)
{
	static char value[256];
	char sqlstate[6];

	say(t, sql);
	answer(t, value, sqlstate);
	if (sqlstate[0] != '\0')
		fail_msg("%s: %s", sql, sqlstate);
	return value;
}

void talker_parse(struct talker *t, const char *name, const char *sql, uint32_t type)
{
	struct buf bytes = BUF_INIT;
	char value[256], sqlstate[6];

	packet_parse(&bytes, name, sql, &type, type != 0);
	packet_sync(&bytes);
	talker_send(t, &bytes);
	buf_fini(&bytes);
	answer(t, value, sqlstate);
	if (sqlstate[0] != '\0')
		fail_msg("%s: %s", sql, sqlstate);
}

const char *talker_execute(struct talker *t, const char *name)
{
	static char value[256];
	static char sqlstate[6];
	struct buf bytes = BUF_INIT;

	packet_bind_execute(&bytes, name, NULL, 0);
	packet_sync(&bytes);
	talker_send(t, &bytes);
	buf_fini(&bytes);
	answer(t, value, sqlstate);
	return sqlstate[0] != '\0' ? sqlstate : value;
}

int talker_capture(struct talker *t, const struct capture_options *options,
	struct session_state *state, char why[200])
{
	struct buf out = BUF_INIT;
	struct capture c;
	enum capture_step step = CAPTURE_MORE;

	capture_begin(&c, options, state, &out);
	talker_send(t, &out);
	while (step == CAPTURE_MORE || step == CAPTURE_SEND) {
		assert_true(talker_next(t));
		buf_clear(&out);
		if (t->type == 'N')
			assert_true(capture_notice(&c, body(t), t->body.len));
		else
			step = capture_feed(&c, t->type, body(t), t->body.len, &out);
		if (step == CAPTURE_SEND)
			talker_send(t, &out);
	}
	snprintf(why, 200, "%s", capture_why(&c));
	buf_fini(&out);
	return (int)step;
}

int talker_replay(struct talker *t, const struct session_state *state, char why[200])
{
	struct buf out = BUF_INIT;
	struct replay r;
	enum replay_step step = replay_is_empty(state) ? REPLAY_DONE : REPLAY_MORE;

	replay_begin(&r, state, &out);
	talker_send(t, &out);
	while (step == REPLAY_MORE) {
		assert_true(talker_next(t));
		if (t->type != 'N' && t->type != 'S')
			step = replay_feed(&r, t->type, body(t), t->body.len);
	}
	snprintf(why, 200, "%s", replay_why(&r));
	buf_fini(&out);
	return (int)step;
}
