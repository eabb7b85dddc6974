#include "gateway/gateway.h"

#include <unistd.h>

#include <openssl/rand.h>

#include "base/check.h"
#include "base/clock.h"

int64_t gateway_now_us(void)
{
	return clock_now_us();
}

void gateway_random(void *ret, size_t len)
{
	ENSURE(len <= 4096);
	ENSURE(RAND_bytes(ret, (int)len) == 1);
}

void gateway_nonce(char *ret, size_t cap)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	gateway_random(ret, cap - 1);
	for (size_t i = 0; i + 1 < cap; i++)
		ret[i] = digits[(unsigned char)ret[i] % 64];
	ret[cap - 1] = '\0';
}

size_t gateway_openings_least(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors > 2 ? 2 * (size_t)processors : 4;
}
