#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "journal/journal_priv.h"

/* Always the same length, so that one write in place replaces all of it. */
#define HEAD_FORMAT "airlock.journal/1 %s %020lld %s\n"
#define HEAD_BYTES (18 + 32 + 1 + 20 + 1 + 64 + 1)

void head_write(int fd, const char *journal_id, int64_t seq, const struct chain_hash *hash)
{
	char line[HEAD_BYTES + 1], hex[JOURNAL_HASH_BYTES];
	ssize_t written;
	int len;

	REQUIRE(seq > 0);
	chain_hex(hash, hex);
	len = snprintf(line, sizeof line, HEAD_FORMAT, journal_id, (long long)seq, hex);
	ENSURE(len == HEAD_BYTES);
	written = pwrite(fd, line, HEAD_BYTES, 0);
	(void)written;
}

bool head_read(int fd, struct head *ret_head)
{
	char line[HEAD_BYTES + 1], hex[JOURNAL_HASH_BYTES], again[HEAD_BYTES + 1];
	struct head head;
	long long seq;

	if (fd < 0 || pread(fd, line, sizeof line, 0) != HEAD_BYTES)
		return false;
	line[HEAD_BYTES] = '\0';
	if (sscanf(line, "airlock.journal/1 %32[0-9a-f] %20lld %64[0-9a-f]", head.id, &seq, hex) !=
			3 ||
		seq < 1 || !chain_unhex(hex, &head.hash))
		return false;
	/* Only what we would have written ourselves counts. */
	snprintf(again, sizeof again, HEAD_FORMAT, head.id, seq, hex);
	if (memcmp(again, line, HEAD_BYTES))
		return false;
	head.seq = seq;
	*ret_head = head;
	return true;
}
