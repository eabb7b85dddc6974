#include "journal/chain.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/check.h"

static void add_number(struct buf *out, uint64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_putc(out, (char)(value >> shift));
}

static void add_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	add_number(out, len);
	buf_add(out, text, len);
}

static void digest(const struct buf *in, struct chain_hash *ret_hash)
{
	unsigned int len = 0;
	int ok = EVP_Digest(in->data, in->len, ret_hash->bytes, &len, EVP_sha256(), NULL);

	ENSURE(ok == 1);
	ENSURE(len == sizeof ret_hash->bytes);
}

void chain_root(const char *journal_id, struct chain_hash *ret_hash)
{
	BUF_AUTO in = BUF_INIT;

	add_text(&in, "airlock.journal/1");
	add_text(&in, journal_id);
	digest(&in, ret_hash);
}

void chain_next(const struct chain_hash *previous, const struct journal_row *row,
	struct chain_hash *ret_hash)
{
	const struct journal_entry *e = &row->entry;
	BUF_AUTO in = BUF_INIT;

	REQUIRE(row->seq > 0);
	buf_add(&in, previous->bytes, sizeof previous->bytes);
	add_number(&in, (uint64_t)row->seq);
	add_text(&in, row->at);
	add_text(&in, row->who);
	add_text(&in, e->run);
	add_number(&in, (uint64_t)(int64_t)e->wave);
	add_number(&in, (uint64_t)e->attempt);
	add_text(&in, e->store);
	add_text(&in, e->kind);
	add_text(&in, e->key);
	add_text(&in, e->text);
	add_text(&in, e->detail);
	digest(&in, ret_hash);
}

static const char digits[] = "0123456789abcdef";

void chain_hex(const struct chain_hash *hash, char ret_hex[JOURNAL_HASH_BYTES])
{
	for (size_t i = 0; i < sizeof hash->bytes; i++) {
		ret_hex[2 * i] = digits[hash->bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[hash->bytes[i] & 15];
	}
	ret_hex[2 * sizeof hash->bytes] = '\0';
}

bool chain_unhex(const char *hex, struct chain_hash *ret_hash)
{
	struct chain_hash hash;

	if (strlen(hex) != JOURNAL_HASH_BYTES - 1 || hex[strspn(hex, digits)])
		return false;
	for (size_t i = 0; i < sizeof hash.bytes; i++) {
		size_t high = (size_t)(strchr(digits, hex[2 * i]) - digits);
		size_t low = (size_t)(strchr(digits, hex[2 * i + 1]) - digits);

		hash.bytes[i] = (unsigned char)(high << 4 | low);
	}
	*ret_hash = hash;
	return true;
}
