#include "gateway/leg.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

int legs_init(struct legs *legs, uv_loop_t *loop, struct pool *pool, size_t cap, struct err *err)
{
	*legs = (struct legs){.loop = loop, .pool = pool, .cap = cap};
	legs->slab = calloc(cap, sizeof *legs->slab);
	if (!legs->slab)
		return err_set(err, ERR_NOMEM, "no memory for %zu connections", cap);
	return 0;
}

void legs_fini(struct legs *legs)
{
	free(legs->slab);
	*legs = (struct legs){0};
}

static struct leg *slab_take(struct legs *legs)
{
	struct leg *leg = legs->free;

	if (leg)
		legs->free = leg->next_free;
	else if (legs->used < legs->cap)
		leg = &legs->slab[legs->used++];
	return leg;
}

static void slab_give(uv_handle_t *handle)
{
	struct leg *leg = handle->data;

	leg->next_free = leg->legs->free;
	leg->legs->free = leg;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct leg *leg = poll->data;

	if (status < 0) { /* libuv has stopped; what the peer said before its reset can be read */
		leg->events = 0;
		leg->broken = !leg->reading;
	}
	if ((events & UV_DISCONNECT) && leg->watching && !leg->reading)
		leg->gone = true;
	leg->ready(leg);
}

struct leg *leg_new(struct legs *legs, int fd, leg_ready_cb ready, void *owner)
{
	struct leg *leg;
	int flags = fcntl(fd, F_GETFL);

	REQUIRE(fd >= 0 && ready != NULL);
	leg = flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? slab_take(legs) : NULL;
	if (!leg) {
		close(fd);
		return NULL;
	}
	*leg = (struct leg){
		.legs = legs, .fd = fd, .ready = ready, .owner = owner, .reading = true};
	ENSURE(uv_poll_init(legs->loop, &leg->poll, fd) == 0);
	leg->poll.data = leg;
	leg_arm(leg);
	return leg;
}

static void give_in(struct leg *leg)
{
	if (leg->in)
		pool_give(leg->legs->pool, leg->in);
	leg->in = NULL;
	leg->start = leg->mid = leg->end = 0;
}

static void give_out(struct leg *leg)
{
	if (leg->out)
		pool_give(leg->legs->pool, leg->out);
	leg->out = NULL;
	leg->out_start = leg->out_end = 0;
}

void leg_close(struct leg *leg)
{
	REQUIRE(leg->fd >= 0);
	give_in(leg);
	give_out(leg);
	if (leg->ssl) {
		if (!leg->broken && !leg->deaf && SSL_is_init_finished(leg->ssl))
			SSL_shutdown(leg->ssl); /* says goodbye, waits for nothing */
		SSL_free(leg->ssl);
		leg->ssl = NULL;
	}
	uv_poll_stop(&leg->poll);
	close(leg->fd);
	leg->fd = -1;
	uv_close((uv_handle_t *)&leg->poll, slab_give);
}

void leg_arm(struct leg *leg)
{
	int events = 0;

	if (leg->fd < 0)
		return;
	if (leg->reading && !leg->gone && !leg->broken && (leg->start > 0 || leg_room(leg) > 0))
		events |= UV_READABLE;
	else if (leg->watching && !leg->gone)
		events |= UV_DISCONNECT;
	if ((leg->blocked || leg->out || leg->ssl_wants_write) && !leg->deaf)
		events |= UV_WRITABLE;
	if (events == leg->events)
		return;
	leg->events = events;
	if (events)
		ENSURE(uv_poll_start(&leg->poll, events, on_poll) == 0);
	else
		ENSURE(uv_poll_stop(&leg->poll) == 0);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Of a call that did nothing: is it to be made again? */
static bool tls_again(struct leg *leg, int rc)
{
	int said = SSL_get_error(leg->ssl, rc);

	leg->ssl_wants_write |= said == SSL_ERROR_WANT_WRITE;
	leg->gone |= said == SSL_ERROR_ZERO_RETURN;
	return said == SSL_ERROR_WANT_READ || said == SSL_ERROR_WANT_WRITE;
}

static ssize_t tls_read(struct leg *leg, uint8_t *to, size_t room)
{
	int n;

	ERR_clear_error();
	n = SSL_read(leg->ssl, to, room > INT_MAX ? INT_MAX : (int)room);
	if (n <= 0 && !tls_again(leg, n))
		leg->broken = !leg->gone;
	return n;
}

static ssize_t tls_write(struct leg *leg, const uint8_t *from, size_t len)
{
	int n;

	ERR_clear_error();
	n = SSL_write(leg->ssl, from, len > INT_MAX ? INT_MAX : (int)len);
	if (n > 0)
		return n;
	if (tls_again(leg, n))
		return 0;
	leg->deaf = true; /* no more than that: whoever reads is told of the end */
	return -1;
}

static ssize_t plain_read(struct leg *leg, uint8_t *to, size_t room)
{
	ssize_t n = recv(leg->fd, to, room, 0);

	if (n == 0)
		leg->gone = true;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		leg->broken = true;
	return n;
}

static ssize_t plain_write(struct leg *leg, const uint8_t *from, size_t len)
{
	ssize_t n = send(leg->fd, from, len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		leg->deaf = true;
	return n;
}

uint32_t leg_room(const struct leg *leg)
{
	return leg->in ? POOL_BUFFER_BYTES - leg->end : POOL_BUFFER_BYTES;
}

bool leg_read(struct leg *leg)
{
	ssize_t n;

	if (leg->gone || leg->broken)
		return false;
	if (leg_room(leg) == 0)
		leg_compact(leg);
	if (leg_room(leg) == 0)
		return false;
	if (!leg->in)
		leg->in = pool_take(leg->legs->pool);
	leg->ssl_wants_write = false;
	n = leg->ssl ? tls_read(leg, leg->in + leg->end, leg_room(leg))
		     : plain_read(leg, leg->in + leg->end, leg_room(leg));
	if (n > 0)
		leg->end += (uint32_t)n;
	else if (leg->start == leg->end)
		give_in(leg);
	return n > 0;
}

void leg_drop(struct leg *leg, uint32_t n)
{
	REQUIRE(n <= leg->end - leg->start);
	leg->start += n;
	if (leg->mid < leg->start)
		leg->mid = leg->start;
	if (leg->start == leg->end)
		give_in(leg);
}

void leg_drop_mid(struct leg *leg, uint32_t n)
{
	REQUIRE(n <= leg_unseen(leg));
	if (leg->start == leg->mid) {
		leg_drop(leg, n);
		return;
	}
	memmove(leg->in + leg->mid, leg->in + leg->mid + n, leg->end - leg->mid - n);
	leg->end -= n;
}

void leg_compact(struct leg *leg)
{
	if (leg->start == 0 || !leg->in)
		return;
	memmove(leg->in, leg->in + leg->start, leg->end - leg->start);
	leg->mid -= leg->start;
	leg->end -= leg->start;
	leg->start = 0;
}

static ssize_t write_some(struct leg *leg, const uint8_t *from, size_t len)
{
	if (leg->deaf || leg->broken)
		return -1;
	leg->ssl_wants_write = false;
	return leg->ssl ? tls_write(leg, from, len) : plain_write(leg, from, len);
}

bool leg_flush(struct leg *leg)
{
	while (leg->out) {
		ssize_t n =
			write_some(leg, leg->out + leg->out_start, leg->out_end - leg->out_start);

		if (n <= 0)
			break;
		leg->out_start += (uint32_t)n;
		if (leg->out_start == leg->out_end)
			give_out(leg);
	}
	return leg->out == NULL;
}

static bool keep_out(struct leg *leg, const uint8_t *bytes, size_t len)
{
	if (!leg->out)
		leg->out = pool_take(leg->legs->pool);
	if (leg->out_start > 0) {
		memmove(leg->out, leg->out + leg->out_start, leg->out_end - leg->out_start);
		leg->out_end -= leg->out_start;
		leg->out_start = 0;
	}
	if (len > POOL_BUFFER_BYTES - leg->out_end) {
		leg->deaf = true;
		return false;
	}
	memcpy(leg->out + leg->out_end, bytes, len);
	leg->out_end += (uint32_t)len;
	return true;
}

bool leg_send(struct leg *leg, const uint8_t *bytes, size_t len)
{
	bool kept = true;

	if (leg->broken || leg->deaf)
		return false;
	if (leg_flush(leg)) {
		ssize_t n = len > 0 ? write_some(leg, bytes, len) : 0;

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	if (len > 0 && !leg->deaf)
		kept = keep_out(leg, bytes, len);
	leg_arm(leg);
	return kept && !leg->deaf;
}

size_t leg_write(struct leg *leg, const void *bytes, size_t len)
{
	ssize_t n = 0;

	if (len > 0 && leg_flush(leg))
		n = write_some(leg, bytes, len);
	leg->blocked = !leg->deaf && (n <= 0 ? len > 0 : (size_t)n < len);
	return n > 0 ? (size_t)n : 0;
}

void leg_goodbye(struct leg *leg)
{
	if (leg->ssl && !leg->broken && !leg->deaf)
		SSL_shutdown(leg->ssl);
	shutdown(leg->fd, SHUT_WR);
}

bool leg_pass(struct leg *from, struct leg *to)
{
	to->blocked = false;
	while (from->mid > from->start) {
		ssize_t n = leg_flush(to) ? write_some(to, from->in + from->start,
						    from->mid - from->start)
					  : 0;

		if (n <= 0) {
			to->blocked = !to->deaf;
			return false;
		}
		leg_drop(from, (uint32_t)n);
	}
	return true;
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static bool tls_begin(struct leg *leg, SSL_CTX *ctx)
{
	REQUIRE(leg->ssl == NULL);
	leg->ssl = SSL_new(ctx);
	if (leg->ssl && SSL_set_fd(leg->ssl, leg->fd) == 1)
		return true;
	leg->broken = true;
	return false;
}

bool leg_tls_accept(struct leg *leg, SSL_CTX *ctx)
{
	if (!tls_begin(leg, ctx))
		return false;
	SSL_set_accept_state(leg->ssl);
	return true;
}

/* OpenSSL's macro for this casts the const away, and says that it does not write. */
static bool name_server(SSL *ssl, const char *host)
{
	char name[256];

	snprintf(name, sizeof name, "%s", host);
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1;
}

bool leg_tls_connect(struct leg *leg, SSL_CTX *ctx, const char *host, bool verify_host)
{
	bool ok = tls_begin(leg, ctx);

	if (ok && host && !strpbrk(host, ":/") && strspn(host, "0123456789.") != strlen(host))
		ok = name_server(leg->ssl, host);
	if (ok && verify_host) {
		X509_VERIFY_PARAM *param = SSL_get0_param(leg->ssl);

		/* An address stands in another field of the certificate than a name. */
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1 ||
		     X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
	}
	if (ok)
		SSL_set_connect_state(leg->ssl);
	leg->broken |= !ok;
	return ok;
}

bool leg_handshake(struct leg *leg)
{
	int rc;

	REQUIRE(leg->ssl != NULL);
	if (leg->broken)
		return false;
	leg->ssl_wants_write = false;
	ERR_clear_error();
	rc = SSL_do_handshake(leg->ssl);
	if (rc != 1 && !tls_again(leg, rc))
		leg->broken = !leg->gone;
	return rc == 1;
}
