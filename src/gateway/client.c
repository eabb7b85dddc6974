/* client.c - the client's end of a session until it has proven who it is. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "gateway/say.h"
#include "gateway/session.h"
#include "pgwire/message.h"

#define BAD_PACKET "08P01"
#define BLIND_EVERY_MS 10000 /* between two lines of the log about it, however many clients come   \
			      */

enum auth_step { AUTH_VERIFIER, AUTH_FIRST, AUTH_FINAL, AUTH_DONE };

/* ---- proof ----------------------------------------------------------------------------------- */

static void ask_proof(struct session *s, const char *verifier)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out(bytes, sizeof bytes);

	if (!verifier || !scram_verifier_parse(verifier, &s->scram.verifier))
		scram_verifier_fake(s->login.user, s->gateway->secret, &s->scram.verifier);
	if (s->client->ssl)
		tls_binding(s->client->ssl, true, &s->scram.binding);
	message_auth_sasl(&out, s->scram.binding.len > 0);
	s->auth_step = AUTH_FIRST;
	leg_send(s->client, bytes, out.len);
}

static void look_up(struct session *s, enum control_side side);

/* Every client is refused until somebody mends it, and clients' logs are not the operator's. */
static void refuse_blindly(struct session *s, const struct err *err)
{
	struct gateway *g = s->gateway;
	uint64_t now = uv_now(&g->loop);

	if (g->blind_ms == 0 || now - g->blind_ms >= BLIND_EVERY_MS) {
		g->blind_ms = now;
		say("clients are refused, for it cannot be looked up who may log in: %s", err->msg);
	}
	session_refuse(s, "57P03", "the gateway cannot look up who may log in: %s", err->msg);
}

/* What the client has said already is not announced again. */
static void ask_and_go_on(struct session *s, const char *verifier)
{
	ask_proof(s, verifier);
	client_pump(s);
	if (s->client)
		leg_arm(s->client);
}

static void on_verifier(void *ctx, const char *verifier, const struct err *err)
{
	struct session *s = ctx;

	if (s->phase == SESSION_AUTH && s->auth_step == AUTH_VERIFIER) {
		if (err->code == ERR_OK)
			ask_and_go_on(s, verifier);
		else if (s->tries++ == 0) /* the other side holds the same ones */
			look_up(s, gateway_other(s->gateway->likely));
		else
			refuse_blindly(s, err);
	}
	session_unref(s);
}

static void look_up(struct session *s, enum control_side side)
{
	if (s->gateway->verifiers) {
		ask_proof(s, verifiers_find(s->gateway->verifiers, s->login.user));
		return;
	}
	session_ref(s);
	doors_verifier(s->gateway->doors, side, s->login.user, on_verifier, s);
}

static void wrong_proof(struct session *s, const struct err *err)
{
	if (err->code == ERR_RIGHTS)
		session_refuse(s, "28P01", "password authentication failed for user \"%.63s\"",
			s->login.user);
	else
		session_refuse(s, BAD_PACKET, "%s", err->msg);
}

static void take_first(struct session *s, const uint8_t *body, size_t len)
{
	uint8_t bytes[SCRAM_TEXT_MAX + 32];
	struct wire_out out = wire_out(bytes, sizeof bytes);
	struct wire_in in = wire_in(body, len);
	const char *mechanism = wire_str(&in);
	uint32_t text_len = wire_u32(&in);
	const uint8_t *text = wire_bytes(&in, text_len);
	struct err err = ERR_INIT;
	char nonce[25];
	bool plus;

	if (in.broken || wire_left(&in) > 0 || !mechanism || !text) {
		session_refuse(s, BAD_PACKET, "a malformed SASL message");
		return;
	}
	plus = strcmp(mechanism, SCRAM_PLUS) == 0;
	if ((plus && s->scram.binding.len == 0) || (!plus && strcmp(mechanism, SCRAM_PLAIN) != 0)) {
		session_refuse(s, BAD_PACKET, "a SASL mechanism that was not offered");
		return;
	}
	gateway_nonce(nonce, sizeof nonce);
	if (scram_server_first(&s->scram, plus, text, text_len, nonce, &err)) {
		wrong_proof(s, &err);
		return;
	}
	message_auth_text(&out, AUTH_SASL_CONTINUE, s->scram.first);
	s->auth_step = AUTH_FINAL;
	leg_send(s->client, bytes, out.len);
}

static void take_final(struct session *s, const uint8_t *body, size_t len)
{
	uint8_t bytes[SCRAM_TEXT_MAX + 32];
	struct wire_out out = wire_out(bytes, sizeof bytes);
	char answer[SCRAM_TEXT_MAX];
	struct err err = ERR_INIT;

	if (scram_server_final(&s->scram, body, len, s->client_key, answer, &err)) {
		wrong_proof(s, &err);
		return;
	}
	memcpy(s->server_key, s->scram.verifier.server_key, sizeof s->server_key);
	scram_forget(&s->scram, sizeof s->scram);
	s->auth_step = AUTH_DONE;
	message_auth_text(&out, AUTH_SASL_FINAL, answer);
	message_auth_ok(&out);
	if (leg_send(s->client, bytes, out.len))
		session_logged_in(s);
}

static void auth_message(struct session *s)
{
	struct leg *leg = s->client;
	struct wire_head head;
	uint8_t body[WIRE_AUTH_BODY_MAX];

	if (s->auth_step == AUTH_VERIFIER || leg_unseen(leg) == 0)
		return; /* nothing was asked yet */
	switch (wire_head_read(leg->in + leg->start, leg_unseen(leg), sizeof body, &head)) {
	case WIRE_MORE:
		return;
	case WIRE_BROKEN:
		session_refuse(s, BAD_PACKET, "invalid message length");
		return;
	case WIRE_WHOLE:
		break;
	}
	if (head.type != 'p') {
		session_refuse(
			s, BAD_PACKET, "expected SASL response, got message type %d", head.type);
		return;
	}
	if (leg_unseen(leg) < WIRE_HEAD_BYTES + head.body)
		return;
	memcpy(body, leg->in + leg->start + WIRE_HEAD_BYTES, head.body);
	leg_drop(leg, WIRE_HEAD_BYTES + head.body);
	if (s->auth_step == AUTH_FIRST)
		take_first(s, body, head.body);
	else
		take_final(s, body, head.body);
	scram_forget(body, sizeof body);
}

/* ---- the first packet ------------------------------------------------------------------------ */

static void take_pairs(struct session *s)
{
	for (size_t i = 0; i < s->login.count; i++) {
		s->pairs[2 * i] = s->login.parameters[i].name;
		s->pairs[2 * i + 1] = s->login.parameters[i].value;
	}
}

static bool knows_database(const struct session *s)
{
	return strcmp(s->login.database, s->gateway->side[CONTROL_OLD].database) == 0 ||
	       strcmp(s->login.database, s->gateway->side[CONTROL_NEW].database) == 0;
}

static void take_login(struct session *s)
{
	uint8_t bytes[WIRE_STARTUP_BYTES_MAX]; /* names no more than the packet held */
	struct wire_out out = wire_out(bytes, sizeof bytes);

	if (!knows_database(s)) {
		session_refuse(s, "3D000", "database \"%.63s\" is not what this gateway leads to",
			s->login.database);
		return;
	}
	if (s->login.minor > 0 || s->login.unknown_options > 0) {
		message_negotiate(&out, s->login.options, s->login.unknown_options);
		leg_send(s->client, bytes, out.len);
	}
	take_pairs(s);
	s->phase = SESSION_AUTH;
	s->auth_step = AUTH_VERIFIER;
	look_up(s, s->gateway->likely);
}

/* Bytes that came with the request were not protected by what follows it. */
static bool nothing_behind(struct session *s)
{
	if (leg_unseen(s->client) == 0)
		return true;
	session_refuse(s, BAD_PACKET, "received unencrypted data after a request for encryption");
	return false;
}

static void take_tls(struct session *s)
{
	bool yes = s->gateway->tls != NULL;

	if (s->tls_asked || s->client->ssl) {
		session_refuse(s, BAD_PACKET, "TLS was asked for twice");
		return;
	}
	s->tls_asked = true;
	if (yes && !nothing_behind(s))
		return;
	leg_send(s->client, (const uint8_t *)(yes ? "S" : "N"), 1);
	if (yes && !leg_tls_accept(s->client, s->gateway->tls))
		session_close(s);
}

static void take_gss(struct session *s)
{
	if (s->gss_asked || s->client->ssl) {
		session_refuse(s, BAD_PACKET, "GSS encryption was asked for twice");
		return;
	}
	s->gss_asked = true;
	leg_send(s->client, (const uint8_t *)"N", 1);
}

static void take_packet(struct session *s, size_t size)
{
	struct err err = ERR_INIT;

	memcpy(s->startup, s->client->in + s->client->start, size);
	leg_drop(s->client, (uint32_t)size);
	if (startup_parse(s->startup, size, &s->login, &err)) {
		session_refuse_as(s, &err);
		return;
	}
	switch (s->login.kind) {
	case STARTUP_TLS:
		take_tls(s);
		break;
	case STARTUP_GSS:
		take_gss(s);
		break;
	case STARTUP_CANCEL:
		cancel_begin(s, s->login.pid, s->login.secret);
		break;
	case STARTUP_LOGIN:
		take_login(s);
		break;
	}
}

static void hello(struct session *s)
{
	struct leg *leg = s->client;
	size_t size = 0;

	if (leg_unseen(leg) == 0)
		return;
	switch (startup_size(leg->in + leg->start, leg_unseen(leg), &size)) {
	case WIRE_MORE:
		break;
	case WIRE_BROKEN:
		session_close(s); /* as PostgreSQL does: it may be anything, a web browser say */
		break;
	case WIRE_WHOLE:
		if (leg_unseen(leg) >= size)
			take_packet(s, size);
		break;
	}
}

static bool in_login(const struct session *s)
{
	return s->phase == SESSION_HELLO || s->phase == SESSION_AUTH;
}

/* Goes on while what has come leads further. */
void client_pump(struct session *s)
{
	struct leg *leg = s->client;
	uint32_t before;
	bool came;

	if (leg->ssl && !SSL_is_init_finished(leg->ssl) && !leg_handshake(leg)) {
		if (leg->broken || leg->gone)
			session_close(s);
		return;
	}
	do {
		came = leg_read(leg);
		do {
			before = leg_unseen(leg);
			if (s->phase == SESSION_HELLO)
				hello(s);
			else if (s->phase == SESSION_AUTH)
				auth_message(s);
		} while (in_login(s) && leg_unseen(leg) > 0 && leg_unseen(leg) < before);
	} while (came && in_login(s) && leg->ssl && SSL_is_init_finished(leg->ssl));
	if (in_login(s) && (leg->gone || leg->broken))
		session_close(s);
}
