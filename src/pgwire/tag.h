/*
 * tag.h - what a server says a command has done: the tag of its CommandComplete.
 *
 * "INSERT 0 5", "UPDATE 3", "COPY 12", "SELECT 7", "CREATE TABLE".  Of those, INSERT, UPDATE, DELETE
 * and MERGE have written as many rows as they name, and COPY has when it took data from the client.
 * It is the server's word that these rows were written, in a transaction that may still be undone,
 * to a table that may be temporary.  What a function wrote, or a WITH in front of a SELECT, and DDL,
 * is not in it: who counts writes by tags counts at least.
 *
 * Source: PostgreSQL documentation, "Message Formats", CommandComplete.
 *
 * Pure; no allocation.
 */
#ifndef AIRLOCK_PGWIRE_TAG_H
#define AIRLOCK_PGWIRE_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAG_BYTES_MAX 64u /* COMPLETION_TAG_BUFSIZE of the server's, the NUL included */
#define TAG_VERB_BYTES 12u

struct tag {
	char verb[TAG_VERB_BYTES]; /* "INSERT", "COPY FROM" */
	uint64_t rows;		   /* that it has written, at least 1 */
};

/* True when the body of a CommandComplete says that rows were written; copy_in: a COPY took data
 * from the client. */
bool tag_wrote(const uint8_t *body, size_t len, bool copy_in, struct tag *ret);

#endif
