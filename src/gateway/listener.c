#include "gateway/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "gateway/say.h"
#include "gateway/session.h"

#define BACKLOG 512
#define PAUSE_MS 200
#define ACCEPTS_MAX 64 /* in one turn, so that the sessions get theirs */

static void on_client(uv_poll_t *poll, int status, int events);

static void listen_all(struct listener *l)
{
	for (size_t i = 0; i < l->count; i++)
		ENSURE(uv_poll_start(&l->sockets[i].poll, UV_READABLE, on_client) == 0);
}

static void on_pause_over(uv_timer_t *timer)
{
	listen_all(timer->data);
}

/* Who waits would be announced again and again. */
static void not_accepted(struct listener *l, int why)
{
	if (why == EAGAIN || why == EINTR || why == ECONNABORTED)
		return;
	say("a client cannot be accepted: %s", strerror(why));
	for (size_t i = 0; i < l->count; i++)
		uv_poll_stop(&l->sockets[i].poll);
	uv_timer_start(&l->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct listener_socket *socket = (struct listener_socket *)poll;

	(void)events;
	if (status < 0)
		return;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			not_accepted(l, errno);
			return;
		}
		session_new(l->gateway, fd);
	}
}

/* The host and the port of "host:port", in which an IPv6 address stands in brackets. */
static bool take_apart(const char *where, char host[256], char port[32])
{
	const char *colon = strrchr(where, ':');
	size_t len;

	if (!colon || !colon[1] || strlen(colon + 1) >= 32)
		return false;
	snprintf(port, 32, "%s", colon + 1);
	len = (size_t)(colon - where);
	if (len >= 2 && where[0] == '[' && where[len - 1] == ']') {
		where++;
		len -= 2;
	}
	if (len >= 256)
		return false;
	snprintf(host, 256, "%.*s", (int)len, where);
	return true;
}

static int bind_one(
	struct listener *l, const struct addrinfo *at, const char *where, struct err *err)
{
	struct listener_socket *s = &l->sockets[l->count];
	int on = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set_errno(err, ERR_IO, "listening on %s", where);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		err_set_errno(err, ERR_IO, "listening on %s", where);
		close(fd);
		return -1;
	}
	s->fd = fd;
	ENSURE(uv_poll_init(&l->gateway->loop, &s->poll, fd) == 0);
	s->poll.data = l;
	l->count++;
	return 0;
}

int listener_open(struct listener *l, struct gateway *gateway, const char *where, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *all = NULL;
	char host[256], port[32];
	bool any;
	int rc;

	*l = (struct listener){.gateway = gateway};
	ENSURE(uv_timer_init(&gateway->loop, &l->pause) == 0);
	l->pause.data = l;
	if (!take_apart(where, host, port))
		return err_set(err, ERR_PLAN, "listen: not HOST:PORT: %s", where);
	any = !*host || strcmp(host, "*") == 0;
	rc = getaddrinfo(any ? NULL : host, port, &hints, &all);
	if (rc)
		return err_set(err, ERR_PLAN, "listen: %s: %s", where, gai_strerror(rc));
	rc = 0;
	for (const struct addrinfo *at = all; at && !rc && l->count < LISTENER_SOCKETS_MAX;
		at = at->ai_next)
		rc = bind_one(l, at, where, err);
	freeaddrinfo(all);
	if (rc)
		listener_close(l);
	else
		listen_all(l);
	return rc;
}

void listener_close(struct listener *l)
{
	if (!l->gateway || l->closed)
		return;
	l->closed = true;
	uv_close((uv_handle_t *)&l->pause, NULL);
	for (size_t i = 0; i < l->count; i++) {
		uv_close((uv_handle_t *)&l->sockets[i].poll, NULL);
		close(l->sockets[i].fd);
	}
	l->count = 0;
}
