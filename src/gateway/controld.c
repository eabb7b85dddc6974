#include "gateway/controld.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

#define BACKLOG 16
#define UNREAD_BYTES_MAX (4 * CONTROL_LINE_MAX) /* answers that an asker may leave unread */

struct connection {
	uv_pipe_t pipe; /* first: closing frees it */
	struct controld *controld;
	struct connection *next;
	struct controld_request *open; /* handed out, not answered */
	size_t open_count, in_len;
	char in[CONTROL_LINE_MAX]; /* begun lines */
};

struct controld_request {
	struct connection *from; /* NULL: it hung up */
	struct controld_request *next;
	int64_t id;
	enum control_cmd cmd;
};

struct controld {
	uv_pipe_t listener;
	char *path, *plan, *store, *route;
	dev_t dev; /* the socket file as it was made */
	ino_t ino;
	const struct controld_ops *ops;
	void *ctx;
	controld_accounts_cb accounts;
	void *accounts_ctx;
	struct connection *connections;
	size_t connections_count;
	size_t handles; /* still on the loop */
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

/* ---- the end of things ----------------------------------------------------------------------- */

static void handle_gone(struct controld *d)
{
	INVARIANT(d->handles > 0);
	if (--d->handles > 0)
		return;
	INVARIANT(d->closing && d->connections == NULL);
	if (d->closed != NULL)
		d->closed(d->closed_ctx);
	free(d->path);
	free(d->plan);
	free(d->store);
	free(d->route);
	free(d);
}

static void listener_gone(uv_handle_t *handle)
{
	handle_gone(handle->data);
}

static void connection_gone(uv_handle_t *handle)
{
	struct connection *c = handle->data;
	struct controld *d = c->controld;

	free(c);
	handle_gone(d);
}

/* Its requests stay with whoever was handed them. */
static void hang_up(struct connection *c)
{
	struct connection **at = &c->controld->connections;

	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->controld->connections_count--;
	for (struct controld_request *r = c->open; r != NULL; r = r->next)
		r->from = NULL;
	uv_close((uv_handle_t *)&c->pipe, connection_gone);
}

/* ---- answering ------------------------------------------------------------------------------- */

struct answer {
	uv_write_t write; /* first */
	char *line;
};

static void written(uv_write_t *write, int status)
{
	struct answer *answer = (struct answer *)write;
	struct connection *c = write->handle->data;

	free(answer->line);
	free(answer);
	if (status < 0)
		hang_up(c);
}

static void send_reply(struct connection *c, const struct control_reply *reply)
{
	struct answer *answer = calloc(1, sizeof *answer);
	BUF_AUTO line = BUF_INIT;
	uv_buf_t bytes;

	REQUIRE(answer != NULL);
	control_reply_write(reply, &line);
	bytes = uv_buf_init(NULL, (unsigned)line.len);
	bytes.base = answer->line = buf_steal(&line);
	if (uv_write(&answer->write, (uv_stream_t *)&c->pipe, &bytes, 1, written) != 0) {
		free(answer->line);
		free(answer);
		hang_up(c);
	} else if (uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) > UNREAD_BYTES_MAX) {
		hang_up(c);
	}
}

static void leave(struct controld_request *request)
{
	struct connection *c = request->from;
	struct controld_request **at = &c->open;

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
	c->open_count--;
}

bool controld_listens(const struct controld_request *request)
{
	return request->from != NULL;
}

void controld_reply(struct controld_request *request, struct control_reply *reply)
{
	struct connection *c = request->from;

	reply->id = request->id;
	reply->cmd = request->cmd;
	if (c != NULL) {
		leave(request);
		send_reply(c, reply);
	}
	free(request);
}

static void say_no(struct control_reply *reply, const char *code, const char *fmt, va_list args)
{
	*reply = (struct control_reply){.ok = false};
	snprintf(reply->code, sizeof reply->code, "%s", code);
	vsnprintf(reply->error, sizeof reply->error, fmt, args);
}

void controld_refuse(struct controld_request *request, const char *code, const char *fmt, ...)
{
	struct control_reply reply;
	va_list args;

	va_start(args, fmt);
	say_no(&reply, code, fmt, args);
	va_end(args);
	controld_reply(request, &reply);
}

static void refuse_line(struct connection *c, int64_t id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse_line(struct connection *c, int64_t id, const char *fmt, ...)
{
	struct control_reply reply;
	va_list args;

	va_start(args, fmt);
	say_no(&reply, "request", fmt, args);
	va_end(args);
	reply.id = id;
	send_reply(c, &reply);
}

static void greet(struct connection *c, int64_t id)
{
	struct control_reply reply = {.id = id,
		.cmd = CONTROL_HELLO,
		.ok = true,
		.hello = {.proto = CONTROL_PROTO, .pid = getpid()}};

	snprintf(reply.hello.plan, sizeof reply.hello.plan, "%s", c->controld->plan);
	snprintf(reply.hello.store, sizeof reply.hello.store, "%s", c->controld->store);
	snprintf(reply.hello.route, sizeof reply.hello.route, "%s", c->controld->route);
	send_reply(c, &reply);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void hand_on(struct connection *c, const struct control_request *asked)
{
	const struct controld_ops *ops = c->controld->ops;
	const struct policies *policies = asked->has_policies ? &asked->policies : NULL;
	void *ctx = c->controld->ctx;
	struct controld_request *request = calloc(1, sizeof *request);

	REQUIRE(request != NULL);
	*request = (struct controld_request){c, c->open, asked->id, asked->cmd};
	c->open = request;
	c->open_count++;
	switch (asked->cmd) {
	case CONTROL_ARM:
		ops->arm(ctx, request, &asked->arm, policies);
		return;
	case CONTROL_HOLD:
		ops->hold(ctx, request, &asked->hold, policies);
		return;
	case CONTROL_RELEASE:
		ops->release(ctx, request, &asked->release);
		return;
	case CONTROL_STATUS:
		ops->status(ctx, request);
		return;
	case CONTROL_SURVEY:
		ops->survey(ctx, request, policies);
		return;
	case CONTROL_ACCOUNTS:
		c->controld->accounts(c->controld->accounts_ctx, request, &asked->accounts);
		return;
	case CONTROL_HELLO:
	case CONTROL_CMD_COUNT:
		break;
	}
	REQUIRE(!"a command of the codec's");
}

static void take_line(struct connection *c, const char *line, size_t len)
{
	struct control_request asked;
	struct err err = ERR_INIT;
	int64_t id = -1;

	if (control_request_read(line, len, &asked, &id, &err) != 0) {
		if (id < 0)
			hang_up(c); /* there is nobody to answer */
		else
			refuse_line(c, id, "%s", err.msg);
	} else if (asked.cmd == CONTROL_HELLO) {
		greet(c, asked.id);
	} else if (c->open_count == CONTROLD_OPEN_MAX) {
		hang_up(c);
	} else {
		hand_on(c, &asked);
	}
}

/* An answer can hang up in between. */
static void take_lines(struct connection *c)
{
	size_t done = 0;
	char *end;

	while (!uv_is_closing((uv_handle_t *)&c->pipe) &&
		(end = memchr(c->in + done, '\n', c->in_len - done)) != NULL) {
		size_t len = (size_t)(end - c->in) - done;

		take_line(c, c->in + done, len);
		done += len + 1;
	}
	c->in_len -= done;
	memmove(c->in, c->in + done, c->in_len);
	if (c->in_len == sizeof c->in)
		hang_up(c); /* a line without end */
}

static void room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct connection *c = handle->data;

	(void)suggested;
	*ret = uv_buf_init(c->in + c->in_len, (unsigned)(sizeof c->in - c->in_len));
}

static void received(uv_stream_t *stream, ssize_t len, const uv_buf_t *into)
{
	struct connection *c = stream->data;

	(void)into;
	if (len < 0) {
		hang_up(c);
		return;
	}
	c->in_len += (size_t)len;
	take_lines(c);
}

static void connected(uv_stream_t *listener, int status)
{
	struct controld *d = listener->data;
	struct connection *c;

	if (status < 0)
		return;
	c = calloc(1, sizeof *c);
	REQUIRE(c != NULL);
	uv_pipe_init(listener->loop, &c->pipe, 0);
	c->pipe.data = c;
	c->controld = d;
	c->next = d->connections;
	d->connections = c;
	d->connections_count++;
	d->handles++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) != 0 ||
		d->connections_count > CONTROLD_CONNECTIONS_MAX ||
		uv_read_start((uv_stream_t *)&c->pipe, room, received) != 0)
		hang_up(c);
}

/* ---- the socket ------------------------------------------------------------------------------ */

static int address_of(const char *path, struct sockaddr_un *ret, struct err *err)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof ret->sun_path)
		return err_set(err, ERR_PLAN, "control: a socket's path has at most %zu bytes: %s",
			sizeof ret->sun_path - 1, path);
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

/* A socket that a gateway left behind when it was killed; nothing else is ever removed. */
static int clear_path(const char *path, const struct sockaddr_un *address, struct err *err)
{
	struct stat st;
	int fd, answers;

	if (lstat(path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_IO, "control: %s is there and is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, "control: a socket");
	answers = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
		  errno != ECONNREFUSED;
	close(fd);
	if (answers)
		return err_set(err, ERR_BUSY, "control: another gateway listens at %s", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set_errno(err, ERR_IO, "control: removing the old %s", path);
	return 0;
}

/* The mask makes the file the owner's alone from its first instant. */
static int bind_socket(
	const char *path, const struct sockaddr_un *address, int *ret_fd, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	int rc = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)address, sizeof *address);
	int code = errno;

	umask(mask);
	if (rc == 0) {
		*ret_fd = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	if (code == ENOENT)
		return err_set(err, ERR_IO,
			"control: %s: its directory is missing; make it, as a place of whoever "
			"runs the "
			"gateway (RuntimeDirectory= of a systemd unit does)",
			path);
	errno = code;
	return err_set_errno(err, ERR_IO, "control: %s", path);
}

/* The descriptor is the listener's, or closed. */
static int listen_at(struct controld *d, uv_loop_t *loop, int fd, struct err *err)
{
	struct stat st;

	uv_pipe_init(loop, &d->listener, 0);
	d->listener.data = d;
	d->handles = 1;
	if (uv_pipe_open(&d->listener, fd) != 0) {
		close(fd);
		return err_set(err, ERR_IO, "control: can not use %s", d->path);
	}
	if (stat(d->path, &st) != 0)
		return err_set_errno(err, ERR_IO, "control: %s", d->path);
	d->dev = st.st_dev;
	d->ino = st.st_ino;
	if (uv_listen((uv_stream_t *)&d->listener, BACKLOG, connected) != 0)
		return err_set(err, ERR_IO, "control: can not listen at %s", d->path);
	return 0;
}

int controld_open(
	const struct controld_options *options, struct controld **ret_controld, struct err *err)
{
	struct sockaddr_un address;
	struct controld *d;
	int fd = -1;

	if (address_of(options->path, &address, err) || clear_path(options->path, &address, err) ||
		bind_socket(options->path, &address, &fd, err))
		return -1;
	d = calloc(1, sizeof *d);
	REQUIRE(d != NULL);
	d->path = strdup(options->path);
	d->plan = strdup(options->plan);
	d->store = strdup(options->store);
	d->route = strdup(options->route);
	REQUIRE(d->path != NULL && d->plan != NULL && d->store != NULL && d->route != NULL);
	d->ops = options->ops;
	d->ctx = options->ctx;
	d->accounts = options->accounts;
	d->accounts_ctx = options->accounts_ctx;
	if (listen_at(d, options->loop, fd, err)) {
		controld_close(d, NULL, NULL);
		return -1;
	}
	*ret_controld = d;
	return 0;
}

/* A gateway that was started in our place has made its own. */
static void remove_socket(const struct controld *d)
{
	struct stat st;

	if (stat(d->path, &st) == 0 && st.st_dev == d->dev && st.st_ino == d->ino)
		unlink(d->path);
}

void controld_close(struct controld *d, void (*closed)(void *ctx), void *ctx)
{
	REQUIRE(!d->closing);
	d->closing = true;
	d->closed = closed;
	d->closed_ctx = ctx;
	remove_socket(d);
	while (d->connections != NULL)
		hang_up(d->connections);
	uv_close((uv_handle_t *)&d->listener, listener_gone);
}
