/*
 * scram.h - SCRAM-SHA-256 (RFC 5802, 7677), both ends, message by message; libcrypto does the sums.
 *
 * The server end works from a verifier as PostgreSQL stores it and, when the proof is right, hands
 * out the ClientKey: with it the client end logs in to any server that holds the same verifier,
 * without a password ever being known.  Nonces are given by the caller, who owns randomness.
 * Channel binding is tls-server-end-point; its bytes are the caller's, none = not offered.
 *
 * Keys lie in the caller's structs; scram_forget() wipes them.  No allocation but libcrypto's own.
 */
#ifndef AIRLOCK_PGWIRE_SCRAM_H
#define AIRLOCK_PGWIRE_SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SCRAM_KEY_BYTES 32
#define SCRAM_SALT_MAX 64
#define SCRAM_TEXT_MAX 512   /* of any message of the exchange */
#define SCRAM_NONCE_MAX 128  /* of either end, as text */
#define SCRAM_BINDING_MAX 64 /* a certificate's hash */
#define SCRAM_ITERATIONS_MAX 1000000u
#define SCRAM_VERIFIER_MAX 256
#define SCRAM_PLAIN "SCRAM-SHA-256"
#define SCRAM_PLUS "SCRAM-SHA-256-PLUS"

struct scram_verifier {
	uint32_t iterations;
	size_t salt_len;
	uint8_t salt[SCRAM_SALT_MAX];
	uint8_t stored_key[SCRAM_KEY_BYTES], server_key[SCRAM_KEY_BYTES];
	bool fake; /* no proof can be right */
};

struct scram_binding {
	size_t len; /* 0 = none */
	uint8_t hash[SCRAM_BINDING_MAX];
};

/* "SCRAM-SHA-256$4096:salt$stored:server"; false when the text is anything else. */
bool scram_verifier_parse(const char *text, struct scram_verifier *ret);
/* For a user that does not exist: the same salt each time, so that nobody learns it. */
void scram_verifier_fake(
	const char *user, const uint8_t secret[SCRAM_KEY_BYTES], struct scram_verifier *ret);

struct scram_server {
	struct scram_verifier verifier;
	struct scram_binding binding;
	bool plus; /* the client chose the mechanism with binding */
	char gs2[64];
	char bare[SCRAM_TEXT_MAX];  /* client-first-message-bare */
	char first[SCRAM_TEXT_MAX]; /* server-first-message */
	char nonce[2 * SCRAM_NONCE_MAX];
};

/* Takes the client's first message and fills s->first, the answer.  s->verifier and s->binding are
 * set before; `nonce` is printable text without commas. */
int scram_server_first(struct scram_server *s, bool plus, const uint8_t *message, size_t len,
	const char *nonce, struct err *err) MUST_CHECK;
/* Checks the proof.  On success the client's key and the answer; ERR_RIGHTS when it is wrong. */
int scram_server_final(struct scram_server *s, const uint8_t *message, size_t len,
	uint8_t ret_client_key[SCRAM_KEY_BYTES], char ret_answer[SCRAM_TEXT_MAX],
	struct err *err) MUST_CHECK;

struct scram_client {
	/* One of the two is set before. */
	const char *password; /* borrowed until scram_client_final */
	bool has_key;
	uint8_t client_key[SCRAM_KEY_BYTES];
	/* Known with the key when the verifier is: checks that the server holds it too. */
	bool has_server_key;
	uint8_t server_key[SCRAM_KEY_BYTES];
	struct scram_binding binding;
	char nonce[SCRAM_NONCE_MAX];
	char first[SCRAM_TEXT_MAX]; /* client-first-message, whole */
	char expected[64];	    /* the server's signature, base64 */
};

int scram_client_first(struct scram_client *c, const char *nonce, struct err *err) MUST_CHECK;
int scram_client_final(struct scram_client *c, const uint8_t *message, size_t len,
	char ret_answer[SCRAM_TEXT_MAX], struct err *err) MUST_CHECK;
int scram_client_check(
	struct scram_client *c, const uint8_t *message, size_t len, struct err *err) MUST_CHECK;

void scram_forget(void *secret, size_t len);

#endif
