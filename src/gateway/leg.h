/*
 * leg.h - one socket of a session, plain or TLS: to a client, or to a server.
 *
 * What has come stands in the leg's in-buffer: `in` + [start, end).  [start, mid) has been looked
 * at and may go on to the other leg, [mid, end) has not.  What we say ourselves goes out by
 * leg_send(), which keeps what the socket does not take at once.
 *
 * An owner is told by `ready` that something can go on, never from inside one of these calls, and
 * then tries: reads until nothing comes, writes until nothing goes.
 *
 * Thread: the loop's.  Legs and buffers come from slabs; nothing is allocated after legs_init but
 * what OpenSSL does for TLS.
 */
#ifndef AIRLOCK_GATEWAY_LEG_H
#define AIRLOCK_GATEWAY_LEG_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "gateway/pool.h"

struct leg;
typedef void (*leg_ready_cb)(struct leg *leg);

struct leg {
	uv_poll_t poll;
	struct legs *legs;
	struct leg *next_free;
	int fd; /* -1 once closed */
	int events;
	SSL *ssl;
	bool ssl_wants_write; /* whatever it is that it was asked to do */

	uint8_t *in; /* NULL = empty */
	uint32_t start, mid, end;
	uint8_t *out; /* NULL = nothing of ours waits */
	uint32_t out_start, out_end;

	bool reading;  /* the owner wants what comes */
	bool blocked;  /* the owner has bytes that the socket did not take */
	bool watching; /* not reading, but wants to know when the peer goes */
	bool gone;     /* the peer has closed; all that it sent was read, or it was only watched */
	bool broken;
	bool deaf; /* nothing can be written any more; what it says can still be read */

	leg_ready_cb ready;
	void *owner;
};

struct legs {
	uv_loop_t *loop;
	struct pool *pool;
	struct leg *slab, *free;
	size_t cap, used;
};

int legs_init(struct legs *legs, uv_loop_t *loop, struct pool *pool, size_t cap,
	struct err *err) MUST_CHECK;
void legs_fini(struct legs *legs);

/* Takes the socket, which is made non-blocking.  NULL, and the socket is closed, when all legs are
 * in use. */
struct leg *leg_new(struct legs *legs, int fd, leg_ready_cb ready, void *owner);
/* Closes the socket.  `ready` is not called any more. */
void leg_close(struct leg *leg);
/* To be called after whatever changed what is waited for; cheap when nothing did. */
void leg_arm(struct leg *leg);

/* Reads once into what is free of the in-buffer: true when something came.  Sets gone or broken. */
bool leg_read(struct leg *leg);
uint32_t leg_room(const struct leg *leg);
/* Drops n bytes from the front.  The buffer goes back when nothing is left. */
void leg_drop(struct leg *leg, uint32_t n);
/* Drops n bytes at mid, before which others still wait. */
void leg_drop_mid(struct leg *leg, uint32_t n);
/* Moves what is there to the front of the buffer, so that a message can become whole. */
void leg_compact(struct leg *leg);
static inline uint32_t leg_unseen(const struct leg *leg)
{
	return leg->end - leg->mid;
}

/* Writes what the socket takes of from's [start, mid) and drops it.  True when all went. */
bool leg_pass(struct leg *from, struct leg *to);
/* What the socket takes now, in bytes; `blocked` is set when that is not all. */
size_t leg_write(struct leg *leg, const void *bytes, size_t len);
/* Nothing more will be written; what the peer still sends can be read, so that closing does not
 * destroy what is on its way to it. */
void leg_goodbye(struct leg *leg);
/* Ours: false when it is more than can be kept (the leg is broken then). */
bool leg_send(struct leg *leg, const uint8_t *bytes, size_t len);
/* True when nothing of ours waits any more. */
bool leg_flush(struct leg *leg);

/* TLS from here on.  leg_handshake: true when it is done; broken says no. */
bool leg_tls_accept(struct leg *leg, SSL_CTX *ctx);
bool leg_tls_connect(struct leg *leg, SSL_CTX *ctx, const char *host, bool verify_host);
bool leg_handshake(struct leg *leg);

#endif
