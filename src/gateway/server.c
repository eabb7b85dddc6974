#include "gateway/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "gateway/side.h"
#include "pgwire/message.h"

static void on_ready(struct leg *leg);

static void reach(struct server *s, enum server_phase phase)
{
	s->phase = phase;
	s->changed(s);
}

static void fail(struct server *s, enum err_code code, const char *what)
{
	err_set(&s->err, code, "%s: %s", s->gateway->side[s->side].host, what);
	reach(s, SERVER_FAILED);
}

static int begin(struct server *s, const struct gateway_address *at, struct err *err)
{
	struct gateway_side *to = &s->gateway->side[s->side];
	int on = 1, fd;

	fd = socket(at->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, ERR_UNREACHABLE, "a socket to %s", to->host);
	if (at->address.ss_family != AF_UNIX) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	}
	/* An error of connect() shows when the socket is looked at. */
	if (connect(fd, (const struct sockaddr *)&at->address, at->len) < 0 &&
		errno != EINPROGRESS) {
		err_set_errno(err, ERR_UNREACHABLE, "connecting to %s", to->host);
		side_next_address(to);
		close(fd);
		return -1;
	}
	s->leg = leg_new(&s->gateway->legs, fd, on_ready, s);
	if (!s->leg)
		return err_set(err, ERR_NOMEM, "all connections are in use");
	s->phase = SERVER_CONNECTING;
	s->leg->reading = false;
	s->leg->blocked = true; /* writable = connected */
	leg_arm(s->leg);
	return 0;
}

static void prepare(struct server *s, struct gateway *gateway, enum control_side side)
{
	void (*changed)(struct server *) = s->changed;
	void *owner = s->owner;

	REQUIRE(s->leg == NULL && changed != NULL);
	*s = (struct server){.gateway = gateway, .side = side, .changed = changed, .owner = owner};
}

int server_open(struct server *s, struct gateway *gateway, enum control_side side,
	const struct server_login *login, struct err *err)
{
	const struct gateway_side *to = &gateway->side[side];
	bool park = s->park;

	prepare(s, gateway, side);
	s->login = *login;
	s->park = park;
	return begin(s, &to->addresses[to->at], err);
}

int server_cancel(struct server *s, const struct server *of, struct err *err)
{
	struct gateway_address at = {.len = sizeof at.address};

	REQUIRE(of->phase == SERVER_IN);
	prepare(s, of->gateway, of->side);
	s->cancelling = true;
	s->pid = of->pid;
	s->secret = of->secret;
	/* Not where the side's name leads by now. */
	if (getpeername(of->leg->fd, (struct sockaddr *)&at.address, &at.len) < 0)
		return err_set_errno(err, ERR_UNREACHABLE, "the session's server");
	return begin(s, &at, err);
}

void server_close(struct server *s)
{
	uint8_t bytes[8];
	struct wire_out out = wire_out(bytes, sizeof bytes);

	if (!s->leg)
		return;
	if (s->phase == SERVER_CONNECTING) /* it took too long */
		side_next_address(&s->gateway->side[s->side]);
	if (s->phase == SERVER_IN && !s->leg->gone && !s->leg->broken) {
		message_terminate(&out);
		leg_send(s->leg, bytes, out.len);
	}
	leg_close(s->leg);
	s->leg = NULL;
	scram_forget(&s->scram, sizeof s->scram);
}

/* ---- the first packet ------------------------------------------------------------------------ */

static void send_cancel(struct server *s)
{
	uint8_t bytes[32];
	struct wire_out out = wire_out(bytes, sizeof bytes);

	message_cancel(&out, s->pid, s->secret);
	s->phase = SERVER_LOGIN;
	s->leg->reading = true;
	leg_send(s->leg, bytes, out.len);
}

static void send_startup(struct server *s)
{
	uint8_t bytes[WIRE_STARTUP_BYTES_MAX];
	struct wire_out out = wire_out(bytes, sizeof bytes);
	const char *pairs[4 + 2 * 48];

	REQUIRE(s->login.pairs_count <= ARRAY_LEN(pairs) - 4);
	pairs[0] = "user";
	pairs[1] = s->login.user;
	pairs[2] = "database";
	pairs[3] = s->gateway->side[s->side].database;
	memcpy(pairs + 4, s->login.pairs, s->login.pairs_count * sizeof *pairs);
	message_startup(&out, pairs, 4 + s->login.pairs_count);
	if (out.full) {
		fail(s, ERR_REFUSED, "the startup parameters are too long");
		return;
	}
	s->phase = SERVER_LOGIN;
	s->leg->reading = true;
	leg_send(s->leg, bytes, out.len);
}

static void speak(struct server *s)
{
	if (s->cancelling)
		send_cancel(s);
	else
		send_startup(s);
}

static void connected(struct server *s)
{
	uint8_t bytes[8];
	struct wire_out out = wire_out(bytes, sizeof bytes);
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(s->leg->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0 ||
		s->leg->broken) {
		side_next_address(&s->gateway->side[s->side]);
		fail(s, ERR_UNREACHABLE, error ? strerror(error) : "cannot be reached");
		return;
	}
	s->leg->blocked = false;
	s->leg->reading = true;
	if (!s->gateway->side[s->side].tls_try) {
		speak(s);
		return;
	}
	message_tls_request(&out);
	s->phase = SERVER_TLS_ASKED;
	leg_send(s->leg, bytes, out.len);
}

static void tls_on(struct server *s)
{
	if (leg_handshake(s->leg)) {
		if (SSL_version(s->leg->ssl) >= TLS1_2_VERSION && !s->cancelling)
			tls_binding(s->leg->ssl, false, &s->scram.binding);
		speak(s);
	} else if (s->leg->broken || s->leg->gone) {
		long why = SSL_get_verify_result(s->leg->ssl);

		fail(s, ERR_REFUSED,
			why != X509_V_OK ? X509_verify_cert_error_string(why) : "TLS failed");
	}
}

static void tls_answered(struct server *s)
{
	const struct gateway_side *to = &s->gateway->side[s->side];
	struct leg *leg = s->leg;
	uint8_t answer;

	if (leg_unseen(leg) == 0)
		return;
	answer = leg->in[leg->start];
	/* Bytes behind it came before TLS, from whoever. */
	if (leg_unseen(leg) > 1 || (answer != 'S' && answer != 'N')) {
		fail(s, ERR_REFUSED, "the answer to SSLRequest is no such answer");
		return;
	}
	leg_drop(leg, 1);
	if (answer == 'N' && to->tls_must) {
		fail(s, ERR_REFUSED, "the server does not speak TLS, and sslmode asks for it");
	} else if (answer == 'N') {
		speak(s);
	} else if (leg_tls_connect(leg, to->tls, to->host, to->verify_host)) {
		s->phase = SERVER_TLS;
		tls_on(s);
	} else {
		fail(s, ERR_INTERNAL, "TLS cannot be begun");
	}
}

/* ---- its messages ---------------------------------------------------------------------------- */

static void sasl_begin(struct server *s, const uint8_t *body, size_t len)
{
	uint8_t bytes[2 * SCRAM_TEXT_MAX];
	struct wire_out out = wire_out(bytes, sizeof bytes);
	char nonce[25];
	bool plus = s->scram.binding.len > 0 && message_has_mechanism(body, len, SCRAM_PLUS);

	if (!plus && !message_has_mechanism(body, len, SCRAM_PLAIN)) {
		fail(s, ERR_REFUSED, "the server offers no SCRAM-SHA-256");
		return;
	}
	if (!plus)
		s->scram.binding.len = 0;
	memcpy(s->scram.client_key, s->login.client_key, SCRAM_KEY_BYTES);
	memcpy(s->scram.server_key, s->login.server_key, SCRAM_KEY_BYTES);
	s->scram.has_key = s->scram.has_server_key = true;
	gateway_nonce(nonce, sizeof nonce);
	if (scram_client_first(&s->scram, nonce, &s->err)) {
		reach(s, SERVER_FAILED);
		return;
	}
	message_sasl_first(&out, plus ? SCRAM_PLUS : SCRAM_PLAIN, s->scram.first);
	leg_send(s->leg, bytes, out.len);
}

void server_go_on(struct server *s)
{
	uint8_t bytes[SCRAM_TEXT_MAX + 8];
	struct wire_out out = wire_out(bytes, sizeof bytes);

	REQUIRE(s->phase == SERVER_PARKED);
	s->phase = SERVER_LOGIN;
	message_sasl(&out, s->answer);
	leg_send(s->leg, bytes, out.len);
}

static void sasl_continue(struct server *s, const uint8_t *text, size_t len)
{
	if (scram_client_final(&s->scram, text, len, s->answer, &s->err)) {
		reach(s, SERVER_FAILED);
		return;
	}
	s->phase = SERVER_PARKED;
	if (s->park)
		s->changed(s);
	else
		server_go_on(s);
}

static void on_auth(struct server *s, const uint8_t *body, size_t len)
{
	struct wire_in in = wire_in(body, len);
	uint32_t code = wire_u32(&in);

	if (in.broken) {
		fail(s, ERR_REFUSED, "an authentication message is cut");
	} else if (code == AUTH_SASL) {
		sasl_begin(s, body, len);
	} else if (code == AUTH_SASL_CONTINUE) {
		sasl_continue(s, in.at, wire_left(&in));
	} else if (code == AUTH_SASL_FINAL) {
		if (scram_client_check(&s->scram, in.at, wire_left(&in), &s->err))
			reach(s, SERVER_FAILED);
	} else if (code != AUTH_OK) {
		fail(s, ERR_REFUSED, "the server asks for another proof than SCRAM-SHA-256");
	}
}

static void on_error(struct server *s, const uint8_t *body, size_t len)
{
	struct message_fields f;

	if (!message_fields(body, len, &f)) {
		fail(s, ERR_REFUSED, "the server refuses without a reason");
		return;
	}
	err_set(&s->err, ERR_SQL, "%.400s", f.text);
	snprintf(s->err.sqlstate, sizeof s->err.sqlstate, "%.5s", f.sqlstate);
	reach(s, SERVER_FAILED);
}

static void on_key(struct server *s, const uint8_t *body, size_t len)
{
	struct wire_in in = wire_in(body, len);

	s->pid = wire_u32(&in);
	s->secret = wire_u32(&in);
	if (in.broken)
		fail(s, ERR_REFUSED, "its BackendKeyData is cut");
}

static void on_message(struct server *s, uint8_t type, const uint8_t *body, size_t len)
{
	switch (type) {
	case 'R':
		on_auth(s, body, len);
		break;
	case 'S':
		if (!params_take(&s->params, body, len))
			fail(s, ERR_REFUSED, "it reports more settings than can be kept");
		break;
	case 'K':
		on_key(s, body, len);
		break;
	case 'E':
		on_error(s, body, len);
		break;
	case 'N':
	case 'v':
		break;
	default:
		fail(s, ERR_REFUSED, "a message that does not belong into a login");
	}
}

/* One whole message; false when there is none. */
static bool next_message(struct server *s)
{
	struct leg *leg = s->leg;
	struct wire_head head;
	enum wire_got got =
		wire_head_read(leg->in + leg->start, leg_unseen(leg), WIRE_LOGIN_BODY_MAX, &head);
	const uint8_t *body;

	if (got == WIRE_BROKEN)
		fail(s, ERR_REFUSED, "its bytes are not PostgreSQL's protocol");
	if (got != WIRE_WHOLE)
		return false;
	if (leg_unseen(leg) < WIRE_HEAD_BYTES + head.body) {
		leg_compact(leg);
		return false;
	}
	if (head.type == 'Z') { /* what follows is the owner's */
		leg_drop(leg, WIRE_HEAD_BYTES + head.body);
		reach(s, SERVER_IN);
		return false;
	}
	body = leg->in + leg->start + WIRE_HEAD_BYTES;
	on_message(s, head.type, body, head.body);
	if (s->leg != leg) /* its owner has closed it */
		return false;
	leg_drop(leg, WIRE_HEAD_BYTES + head.body);
	return true;
}

static void read_login(struct server *s)
{
	while (s->leg && (s->phase == SERVER_LOGIN || s->phase == SERVER_PARKED) &&
		leg_unseen(s->leg) > 0)
		if (!next_message(s))
			return;
}

static void hung_up(struct server *s)
{
	if (s->cancelling)
		reach(s, SERVER_CANCELLED);
	else
		fail(s, ERR_UNREACHABLE, "the server hung up");
}

static void read_some(struct server *s)
{
	struct leg *leg = s->leg;
	bool came;

	do {
		came = leg_read(leg);
		if (s->phase == SERVER_TLS_ASKED)
			tls_answered(s);
		else
			read_login(s);
	} while (came && s->leg == leg && leg->ssl && s->phase == SERVER_LOGIN);
	if (s->leg == leg && (leg->gone || leg->broken) && s->phase <= SERVER_PARKED)
		hung_up(s);
}

static void on_ready(struct leg *leg)
{
	struct server *s = leg->owner;

	REQUIRE(s->leg == leg);
	if (s->phase == SERVER_CONNECTING) {
		connected(s);
	} else {
		leg_flush(leg);
		if (s->phase == SERVER_TLS)
			tls_on(s);
		else
			read_some(s);
	}
	if (s->leg == leg)
		leg_arm(leg);
}
