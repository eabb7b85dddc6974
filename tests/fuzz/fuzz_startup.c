/* fuzz_startup.c - any bytes as a client's first packet and as SCRAM messages of either end. */
#include <string.h>

#include "base/check.h"
#include "pgwire/scram.h"
#include "pgwire/startup.h"

#include "fuzz_target.h"

static void as_packet(const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	struct startup s;
	size_t size;

	if (startup_size(data, len, &size) != WIRE_WHOLE || size > len)
		return;
	ENSURE(size <= WIRE_STARTUP_BYTES_MAX);
	if (startup_parse(data, size, &s, &err)) {
		ENSURE(err.code == ERR_REFUSED);
		ENSURE(strlen(err.sqlstate) == 5);
		return;
	}
	ENSURE(s.kind != STARTUP_LOGIN || (s.user && *s.user && s.database && *s.database));
	for (size_t i = 0; i < s.count; i++)
		ENSURE(startup_allows(s.parameters[i].name));
}

static void as_scram(const uint8_t *data, size_t len)
{
	static const char verifier[] =
		"SCRAM-SHA-256$1:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT"
		"4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
	struct scram_server server = {.binding = {4, "hash"}};
	struct scram_client client = {.has_key = true};
	struct err err = ERR_INIT;
	char answer[SCRAM_TEXT_MAX];
	uint8_t key[SCRAM_KEY_BYTES];

	ENSURE(scram_verifier_parse(verifier, &server.verifier));
	if (scram_server_first(&server, len % 2, data, len, "nonce", &err) == 0)
		ENSURE(scram_server_final(&server, data, len, key, answer, &err) != 0);
	ENSURE(scram_client_first(&client, "client-nonce", &err) == 0);
	if (scram_client_final(&client, data, len, answer, &err) == 0)
		ENSURE(strlen(answer) < SCRAM_TEXT_MAX);
	if (scram_client_check(&client, data, len, &err) == 0)
		ENSURE(data[0] == 'v');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_packet(data, size);
	as_scram(data, size);
	return 0;
}
