#include "pgwire/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define BASE64_MAX(bytes) (((bytes) + 2) / 3 * 4 + 1)

void scram_forget(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}

static void hmac(const uint8_t key[SCRAM_KEY_BYTES], const char *text, uint8_t ret[SCRAM_KEY_BYTES])
{
	unsigned len = 0;

	ENSURE(HMAC(EVP_sha256(), key, SCRAM_KEY_BYTES, (const uint8_t *)text, strlen(text), ret,
		       &len) != NULL);
	ENSURE(len == SCRAM_KEY_BYTES);
}

/* `cap` is the room for bytes; the number written, or -1. */
static int base64_read(const char *text, size_t len, uint8_t *ret, size_t cap)
{
	uint8_t bytes[SCRAM_TEXT_MAX];
	int got;

	if (len == 0 || len % 4 || len / 4 * 3 > sizeof bytes)
		return -1;
	got = EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)len);
	if (got < 0)
		return -1;
	got -= (text[len - 1] == '=') + (text[len - 2] == '=');
	if (got < 0 || (size_t)got > cap)
		return -1;
	memcpy(ret, bytes, (size_t)got);
	return got;
}

static bool base64_key(const char *text, size_t len, uint8_t ret[SCRAM_KEY_BYTES])
{
	return base64_read(text, len, ret, SCRAM_KEY_BYTES) == SCRAM_KEY_BYTES;
}

static void base64_write(const uint8_t *bytes, size_t len, char *ret)
{
	EVP_EncodeBlock((uint8_t *)ret, bytes, (int)len);
}

bool scram_verifier_parse(const char *text, struct scram_verifier *ret)
{
	static const char prefix[] = "SCRAM-SHA-256$";
	struct scram_verifier v = {0};
	const char *salt, *stored, *server;
	char *end;
	unsigned long iterations;
	int salt_len;

	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return false;
	text += strlen(prefix);
	iterations = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (iterations == 0 || iterations > SCRAM_ITERATIONS_MAX || *end != ':')
		return false;
	salt = end + 1;
	stored = strchr(salt, '$');
	server = stored ? strchr(stored, ':') : NULL;
	if (!server)
		return false;
	salt_len = base64_read(salt, (size_t)(stored - salt), v.salt, sizeof v.salt);
	if (salt_len <= 0 || !base64_key(stored + 1, (size_t)(server - stored - 1), v.stored_key) ||
		!base64_key(server + 1, strlen(server + 1), v.server_key))
		return false;
	v.iterations = (uint32_t)iterations;
	v.salt_len = (size_t)salt_len;
	*ret = v;
	return true;
}

void scram_verifier_fake(
	const char *user, const uint8_t secret[SCRAM_KEY_BYTES], struct scram_verifier *ret)
{
	uint8_t salt[SCRAM_KEY_BYTES];

	hmac(secret, user, salt);
	*ret = (struct scram_verifier){.iterations = 4096, .salt_len = 16, .fake = true};
	memcpy(ret->salt, salt, ret->salt_len);
}

/* Copies a message into text; false when it is too long or not printable ASCII. */
static bool take_text(const uint8_t *message, size_t len, char *ret, size_t cap)
{
	if (len == 0 || len >= cap)
		return false;
	for (size_t i = 0; i < len; i++)
		if (message[i] < 0x20 || message[i] > 0x7e)
			return false;
	memcpy(ret, message, len);
	ret[len] = 0;
	return true;
}

/* The value of attribute `name` at *at, which ends at a comma or the end; steps behind it.  NULL
 * when the next attribute is another one. */
static const char *attribute(char **at, char name)
{
	char *value = *at, *end;

	if (!value || value[0] != name || value[1] != '=')
		return NULL;
	value += 2;
	end = strchr(value, ',');
	if (end)
		*end = 0;
	*at = end ? end + 1 : NULL;
	return value;
}

static int broken(struct err *err, const char *what)
{
	return err_set(err, ERR_REFUSED, "malformed SCRAM message: %s", what);
}

/* The part before the bare message: "n,,", "y,,", "p=tls-server-end-point,,". */
static int take_gs2(struct scram_server *s, bool plus, const char *text, struct err *err)
{
	static const char bound[] = "p=tls-server-end-point,,";
	size_t len = 3;

	s->plus = plus;
	if (plus) {
		if (s->binding.len == 0 || strncmp(text, bound, strlen(bound)) != 0)
			return broken(err, "unknown channel binding");
		len = strlen(bound);
	} else if (strncmp(text, "y,,", 3) == 0) {
		/* The client could have bound and believes that we cannot: somebody is between. */
		if (s->binding.len > 0)
			return err_set(err, ERR_REFUSED, "SCRAM channel binding negotiation error");
	} else if (strncmp(text, "n,,", 3) != 0) {
		return broken(err, "channel binding flag");
	}
	snprintf(s->gs2, sizeof s->gs2, "%.*s", (int)len, text);
	return 0;
}

int scram_server_first(struct scram_server *s, bool plus, const uint8_t *message, size_t len,
	const char *nonce, struct err *err)
{
	char text[SCRAM_TEXT_MAX], salt[BASE64_MAX(SCRAM_SALT_MAX)], copy[SCRAM_TEXT_MAX];
	char *at = copy;
	const char *theirs;

	REQUIRE(strlen(nonce) < SCRAM_NONCE_MAX);
	if (!take_text(message, len, text, sizeof text))
		return broken(err, "text");
	if (take_gs2(s, plus, text, err))
		return -1;
	snprintf(s->bare, sizeof s->bare, "%s", text + strlen(s->gs2));
	snprintf(copy, sizeof copy, "%s", s->bare);
	/* The name is empty from libpq, and not looked at: the startup packet has told it. */
	if (!attribute(&at, 'n'))
		return broken(err, "no name");
	theirs = attribute(&at, 'r');
	if (!theirs || strlen(theirs) < 8 || strlen(theirs) >= SCRAM_NONCE_MAX)
		return broken(err, "nonce");
	snprintf(s->nonce, sizeof s->nonce, "%s%s", theirs, nonce);
	base64_write(s->verifier.salt, s->verifier.salt_len, salt);
	snprintf(s->first, sizeof s->first, "r=%s,s=%s,i=%u", s->nonce, salt,
		s->verifier.iterations);
	return 0;
}

/* "c=" of the final message: the gs2 header and, when bound, the certificate's hash. */
static void binding_text(const char *gs2, const struct scram_binding *binding, bool plus,
	char ret[BASE64_MAX(64 + SCRAM_BINDING_MAX)])
{
	uint8_t bytes[64 + SCRAM_BINDING_MAX];
	size_t len = strlen(gs2);

	REQUIRE(len < 64 && binding->len <= SCRAM_BINDING_MAX);
	memcpy(bytes, gs2, len);
	if (plus) {
		memcpy(bytes + len, binding->hash, binding->len);
		len += binding->len;
	}
	base64_write(bytes, len, ret);
}

static void make_auth(char *ret, size_t cap, const char *bare, const char *first, const char *final)
{
	int len = snprintf(ret, cap, "%s,%s,%s", bare, first, final);

	ENSURE(len > 0 && (size_t)len < cap);
}

int scram_server_final(struct scram_server *s, const uint8_t *message, size_t len,
	uint8_t ret_client_key[SCRAM_KEY_BYTES], char ret_answer[SCRAM_TEXT_MAX], struct err *err)
{
	char text[SCRAM_TEXT_MAX], bare[SCRAM_TEXT_MAX], auth[3 * SCRAM_TEXT_MAX + 8];
	char bound[BASE64_MAX(64 + SCRAM_BINDING_MAX)], signature[BASE64_MAX(SCRAM_KEY_BYTES)];
	uint8_t key[SCRAM_KEY_BYTES], sum[SCRAM_KEY_BYTES];
	const char *c, *r, *p;
	char *at, *proof;

	if (!take_text(message, len, text, sizeof text))
		return broken(err, "text");
	proof = strstr(text, ",p=");
	if (!proof)
		return broken(err, "no proof");
	snprintf(bare, sizeof bare, "%.*s", (int)(proof - text), text);
	make_auth(auth, sizeof auth, s->bare, s->first, bare);
	at = text;
	c = attribute(&at, 'c');
	r = attribute(&at, 'r');
	p = attribute(&at, 'p');
	binding_text(s->gs2, &s->binding, s->plus, bound);
	if (!c || !r || !p || strcmp(c, bound) != 0 || strcmp(r, s->nonce) != 0)
		return broken(err, "channel binding or nonce differs");
	if (!base64_key(p, strlen(p), key))
		return broken(err, "proof");
	hmac(s->verifier.stored_key, auth, sum);
	for (size_t i = 0; i < sizeof key; i++)
		key[i] ^= sum[i];
	SHA256(key, sizeof key, sum);
	if (CRYPTO_memcmp(sum, s->verifier.stored_key, sizeof sum) != 0 || s->verifier.fake) {
		scram_forget(key, sizeof key);
		return err_set(err, ERR_RIGHTS, "password authentication failed");
	}
	hmac(s->verifier.server_key, auth, sum);
	base64_write(sum, sizeof sum, signature);
	snprintf(ret_answer, SCRAM_TEXT_MAX, "v=%s", signature);
	memcpy(ret_client_key, key, sizeof key);
	scram_forget(key, sizeof key);
	return 0;
}

int scram_client_first(struct scram_client *c, const char *nonce, struct err *err)
{
	const char *gs2 = c->binding.len ? "p=tls-server-end-point,," : "n,,";

	if (strlen(nonce) >= sizeof c->nonce)
		return err_set(err, ERR_INTERNAL, "the nonce is too long");
	snprintf(c->nonce, sizeof c->nonce, "%s", nonce);
	snprintf(c->first, sizeof c->first, "%sn=,r=%s", gs2, c->nonce);
	return 0;
}

/* From the password, where no key is given. */
static void derive_keys(
	struct scram_client *c, const uint8_t *salt, int salt_len, uint32_t iterations)
{
	uint8_t salted[SCRAM_KEY_BYTES];

	ENSURE(PKCS5_PBKDF2_HMAC(c->password, (int)strlen(c->password), salt, salt_len,
		       (int)iterations, EVP_sha256(), sizeof salted, salted) == 1);
	hmac(salted, "Client Key", c->client_key);
	hmac(salted, "Server Key", c->server_key);
	c->has_key = c->has_server_key = true;
	scram_forget(salted, sizeof salted);
}

static int take_server_first(
	struct scram_client *c, char *text, const char **ret_nonce, struct err *err)
{
	uint8_t salt[SCRAM_SALT_MAX];
	char *at = text, *end;
	const char *r = attribute(&at, 'r');
	const char *s = attribute(&at, 's');
	const char *i = attribute(&at, 'i');
	unsigned long iterations;
	int salt_len;

	if (!r || !s || !i || strncmp(r, c->nonce, strlen(c->nonce)) != 0 ||
		strlen(r) <= strlen(c->nonce))
		return broken(err, "server-first");
	salt_len = base64_read(s, strlen(s), salt, sizeof salt);
	iterations = strtoul(i, &end, 10);
	if (salt_len <= 0 || *end || iterations == 0 || iterations > SCRAM_ITERATIONS_MAX)
		return broken(err, "salt or iterations");
	if (!c->has_key) {
		REQUIRE(c->password != NULL);
		derive_keys(c, salt, salt_len, (uint32_t)iterations);
	}
	*ret_nonce = r;
	return 0;
}

int scram_client_final(struct scram_client *c, const uint8_t *message, size_t len,
	char ret_answer[SCRAM_TEXT_MAX], struct err *err)
{
	char first[SCRAM_TEXT_MAX], text[SCRAM_TEXT_MAX], bare[SCRAM_TEXT_MAX];
	char auth[3 * SCRAM_TEXT_MAX + 8], bound[BASE64_MAX(64 + SCRAM_BINDING_MAX)];
	char proof[BASE64_MAX(SCRAM_KEY_BYTES)];
	uint8_t stored[SCRAM_KEY_BYTES], sum[SCRAM_KEY_BYTES];
	const char *nonce = NULL, *gs2_end;
	char gs2[64];

	if (!take_text(message, len, first, sizeof first))
		return broken(err, "text");
	memcpy(text, first, sizeof text);
	if (take_server_first(c, text, &nonce, err))
		return -1;
	gs2_end = strstr(c->first, "n=,r=");
	REQUIRE(gs2_end != NULL);
	snprintf(gs2, sizeof gs2, "%.*s", (int)(gs2_end - c->first), c->first);
	binding_text(gs2, &c->binding, c->binding.len > 0, bound);
	if ((size_t)snprintf(bare, sizeof bare, "c=%s,r=%s", bound, nonce) >= sizeof bare)
		return broken(err, "nonce too long");
	make_auth(auth, sizeof auth, gs2_end, first, bare);
	SHA256(c->client_key, sizeof c->client_key, stored);
	hmac(stored, auth, sum);
	for (size_t i = 0; i < sizeof sum; i++)
		sum[i] ^= c->client_key[i];
	base64_write(sum, sizeof sum, proof);
	if ((size_t)snprintf(ret_answer, SCRAM_TEXT_MAX, "%s,p=%s", bare, proof) >= SCRAM_TEXT_MAX)
		return broken(err, "nonce too long");
	if (c->has_server_key) {
		hmac(c->server_key, auth, sum);
		base64_write(sum, sizeof sum, c->expected);
	}
	return 0;
}

int scram_client_check(struct scram_client *c, const uint8_t *message, size_t len, struct err *err)
{
	char text[SCRAM_TEXT_MAX], *at = text;
	const char *v;

	if (!take_text(message, len, text, sizeof text))
		return broken(err, "text");
	v = attribute(&at, 'v');
	if (!v)
		return broken(err, "server-final");
	if (c->has_server_key && strcmp(v, c->expected) != 0)
		return err_set(err, ERR_RIGHTS, "the server does not hold the same verifier");
	return 0;
}
