/*
 * userlist.h - a file of verifiers, line by line: "user" "SCRAM-SHA-256$iterations:salt$StoredKey:
 * ServerKey", a quote in a name doubled; empty lines and those that begin with ; or # say nothing.
 * The form is PgBouncer's.
 *
 * Pure: cuts the text in place.
 */
#ifndef AIRLOCK_PGWIRE_USERLIST_H
#define AIRLOCK_PGWIRE_USERLIST_H

enum userlist_line { USERLIST_USER, USERLIST_EMPTY, USERLIST_BROKEN };

/* The line that begins at *at; *at is moved to its newline, or the text's end.  The words are
 * borrowed from the text.  After BROKEN *at is somewhere in the line. */
enum userlist_line userlist_line(char **at, const char **ret_user, const char **ret_verifier);

#endif
