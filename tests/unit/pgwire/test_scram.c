/* Both ends against each other, and each against RFC 7677's example. */
#include "../testing.h"

#include <string.h>

#include "pgwire/scram.h"

/* RFC 7677, section 3: user "user", password "pencil". */
#define RFC_VERIFIER                                                                               \
	"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=" \
	":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define RFC_CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"

#define BYTES(text) (const uint8_t *)(text), strlen(text)

static void the_servers_end_is_the_rfcs(void **state)
{
	static const char first[] = "n,,n=user,r=" RFC_CLIENT_NONCE;
	static const char final[] = "c=biws,r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE
				    ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
	struct scram_server s = {0};
	uint8_t key[SCRAM_KEY_BYTES];
	char answer[SCRAM_TEXT_MAX];
	struct err err = ERR_INIT;

	(void)state;
	assert_true(scram_verifier_parse(RFC_VERIFIER, &s.verifier));
	assert_int_equal(scram_server_first(&s, false, BYTES(first), RFC_SERVER_NONCE, &err), 0);
	assert_string_equal(s.first,
		"r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
	assert_int_equal(scram_server_final(&s, BYTES(final), key, answer, &err), 0);
	assert_string_equal(answer, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

/* A whole exchange; 0 when both ends are satisfied. */
static int exchange(struct scram_client *c, const char *verifier, const char *binding, bool plus,
	uint8_t *ret_key, struct err *err)
{
	struct scram_server s = {0};
	char answer[SCRAM_TEXT_MAX];

	if (verifier)
		assert_true(scram_verifier_parse(verifier, &s.verifier));
	else
		scram_verifier_fake(
			"user", (const uint8_t *)"0123456789abcdef0123456789abcdef", &s.verifier);
	s.binding.len = strlen(binding);
	memcpy(s.binding.hash, binding, s.binding.len);
	if (scram_client_first(c, "client-nonce", err) ||
		scram_server_first(&s, plus, BYTES(c->first), "server-nonce", err) ||
		scram_client_final(c, BYTES(s.first), answer, err) ||
		scram_server_final(&s, BYTES(answer), ret_key, answer, err))
		return -1;
	return scram_client_check(c, BYTES(answer), err);
}

static void a_key_taken_from_a_proof_logs_in_again(void **state)
{
	struct scram_client c = {.password = "pencil"}, again = {.has_key = true};
	uint8_t key[SCRAM_KEY_BYTES], second[SCRAM_KEY_BYTES];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(exchange(&c, RFC_VERIFIER, "", false, key, &err), 0);
	memcpy(again.client_key, key, sizeof key);
	assert_int_equal(exchange(&again, RFC_VERIFIER, "", false, second, &err), 0);
	assert_memory_equal(key, second, sizeof key);
}

static void a_wrong_password_is_refused(void **state)
{
	struct scram_client c = {.password = "pencils"};
	uint8_t key[SCRAM_KEY_BYTES] = {0}, zero[SCRAM_KEY_BYTES] = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(exchange(&c, RFC_VERIFIER, "", false, key, &err), -1);
	assert_int_equal(err.code, ERR_RIGHTS);
	assert_memory_equal(key, zero, sizeof key);
}

static void nobody_is_let_in_for_an_unknown_user(void **state)
{
	struct scram_client c = {.password = "pencil"};
	uint8_t key[SCRAM_KEY_BYTES];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(exchange(&c, NULL, "", false, key, &err), -1);
	assert_int_equal(err.code, ERR_RIGHTS);
}

static void channel_binding(void **state)
{
	struct scram_client bound = {.password = "pencil", .binding = {4, "hash"}};
	struct scram_client other = {.password = "pencil", .binding = {4, "mitm"}};
	struct scram_client plain = {.password = "pencil"};
	uint8_t key[SCRAM_KEY_BYTES];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(exchange(&bound, RFC_VERIFIER, "hash", true, key, &err), 0);
	assert_int_equal(exchange(&other, RFC_VERIFIER, "hash", true, key, &err), -1);
	assert_int_equal(exchange(&bound, RFC_VERIFIER, "", true, key, &err), -1);
	assert_int_equal(exchange(&plain, RFC_VERIFIER, "hash", false, key, &err), 0);
}

/* "y": the client could bind and was told that we cannot. */
static void a_stripped_offer_is_seen(void **state)
{
	static const char first[] = "y,,n=,r=0123456789";
	struct scram_server s = {.binding = {4, "hash"}};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(scram_server_first(&s, false, BYTES(first), "n", &err), -1);
	s.binding.len = 0;
	assert_int_equal(scram_server_first(&s, false, BYTES(first), "n", &err), 0);
}

static void a_server_without_the_verifier_is_found_out(void **state)
{
	struct scram_client c = {.password = "pencil"};
	struct err err = ERR_INIT;
	char answer[SCRAM_TEXT_MAX];
	static const char first[] = "r=client-nonceXY,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
	static const char final[] = "v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

	(void)state;
	assert_int_equal(scram_client_first(&c, "client-nonce", &err), 0);
	assert_int_equal(scram_client_final(&c, BYTES(first), answer, &err), 0);
	assert_int_equal(scram_client_check(&c, BYTES(final), &err), -1);
}

static void malformed_texts_are_refused(void **state)
{
	static const char *const verifiers[] = {"", "md5aa", "SCRAM-SHA-256$",
		"SCRAM-SHA-256$0:a$b:c", "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d:wfPL",
		"SCRAM-SHA-256$99999999999:W22ZaJ0SNY7soEsUEjb6gQ==$a:b"};
	static const char *const firsts[] = {"", "n", "n,,", "n,,r=0123456789", "n,,n=,r=short",
		"n,,n=,r=\x01\x02 345678", "x,,n=,r=0123456789", "n,a=x,n=,r=0123456789"};
	static const char *const from_server[] = {"", "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"r=client-nonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=client-nonceX,s=,i=4096",
		"r=client-nonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",
		"r=client-nonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999"};
	struct scram_verifier v;

	(void)state;
	for (size_t i = 0; i < sizeof verifiers / sizeof verifiers[0]; i++)
		assert_false(scram_verifier_parse(verifiers[i], &v));
	for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
		struct scram_server s = {0};
		struct err err = ERR_INIT;

		assert_int_equal(scram_server_first(&s, false, BYTES(firsts[i]), "n", &err), -1);
	}
	for (size_t i = 0; i < sizeof from_server / sizeof from_server[0]; i++) {
		struct scram_client c = {.password = "pencil"};
		struct err err = ERR_INIT;
		char answer[SCRAM_TEXT_MAX];

		assert_int_equal(scram_client_first(&c, "client-nonce", &err), 0);
		assert_int_equal(scram_client_final(&c, BYTES(from_server[i]), answer, &err), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_servers_end_is_the_rfcs),
		cmocka_unit_test(a_key_taken_from_a_proof_logs_in_again),
		cmocka_unit_test(a_wrong_password_is_refused),
		cmocka_unit_test(nobody_is_let_in_for_an_unknown_user),
		cmocka_unit_test(channel_binding),
		cmocka_unit_test(a_stripped_offer_is_seen),
		cmocka_unit_test(a_server_without_the_verifier_is_found_out),
		cmocka_unit_test(malformed_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
