/*
 * listener.h - accepts clients on every address of a "host:port" text.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_LISTENER_H
#define AIRLOCK_GATEWAY_LISTENER_H

#include "gateway/gateway.h"

#define LISTENER_SOCKETS_MAX 8u

struct listener {
	struct gateway *gateway;
	uv_timer_t pause; /* no file is left for another client: nobody is accepted for a while */
	bool closed;
	size_t count;
	struct listener_socket {
		uv_poll_t poll;
		int fd;
	} sockets[LISTENER_SOCKETS_MAX];
};

/* "127.0.0.1:6432", "[::1]:6432", "gw.example.com:6432", ":6432" or "*:6432" for all addresses.
 * `l` must outlive the loop's last turn after listener_close. */
int listener_open(
	struct listener *l, struct gateway *gateway, const char *where, struct err *err) MUST_CHECK;
/* Nothing happens when it was not opened, or was closed before. */
void listener_close(struct listener *l);

#endif
