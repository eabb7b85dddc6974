/*
 * chain.h - the hash of a row: SHA-256 over the predecessor's hash and every field of the row.
 *
 * The encoding is unambiguous, so that no two different rows give the same bytes: numbers are 8
 * bytes, most significant first; a text is its length as such a number, then its bytes.  In order:
 * predecessor's hash (32 bytes), seq, at, who, run, wave, attempt, store, kind, key, text, detail.
 * The first row's predecessor is the root: SHA-256 over the text "airlock.journal/1" and the text
 * of the journal's random id, encoded likewise.
 */
#ifndef AIRLOCK_JOURNAL_CHAIN_H
#define AIRLOCK_JOURNAL_CHAIN_H

#include <stdbool.h>

#include "journal/journal.h"

struct chain_hash {
	unsigned char bytes[32];
};

void chain_root(const char *journal_id, struct chain_hash *ret_hash);
/* row->hash is not looked at; its strings must not be NULL. */
void chain_next(const struct chain_hash *previous, const struct journal_row *row,
	struct chain_hash *ret_hash);

void chain_hex(const struct chain_hash *hash, char ret_hex[JOURNAL_HASH_BYTES]);
/* False when it is not 64 lower-case hex digits. */
bool chain_unhex(const char *hex, struct chain_hash *ret_hash);

#endif
