/*
 * tryout.h - would the other side let the clients in?  Before a hold its register is read, without
 * which this gateway would let nobody go there after the commit point, and one login of each role
 * that has a session here is tried there, with that session's own startup packet and keys.
 *
 * A shut side refuses it by its door (42501), and asks about that last: pg_hba.conf, the password
 * and the role come before it.  So that refusal is the proof, as a login that gets in would be (it
 * is closed at once, nothing having been asked).  What else keeps it out would keep out every
 * session of the role at the flip, after the commit point: such sessions are in the way, class
 * `login`.  What may pass by itself (a server that starts, no free connection) proves nothing.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_TRYOUT_H
#define AIRLOCK_GATEWAY_TRYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gateway;
struct session;

struct tryouts;

/* Returns owned: tryout_free, after the loop's last turn. */
struct tryouts *tryout_new(struct gateway *gateway);
void tryout_free(struct tryouts *t); /* accepts NULL */

/* All are to be tried anew; what was found before is forgotten. */
void tryout_begin(struct tryouts *t);
/* Begins the next one, one after the other.  True while there is more to do. */
bool tryout_some(struct tryouts *t);
/* Whoever was not tried is not tried any more; who has not been answered for long is refused. */
void tryout_end(struct tryouts *t);
/* Its session goes: with another one of that role, then. */
void tryout_leave(struct session *s);
/* Roles that were tried, and that were let in. */
size_t tryout_count(const struct tryouts *t);
int64_t tryout_let_in(const struct tryouts *t);
/* Why the other side's register could not be read; NULL = it could.  Borrowed. */
const char *tryout_blind(const struct tryouts *t);
/* Why the side where the session is not would not let it in; NULL = not known.  Borrowed. */
const char *tryout_refusal(const struct session *s);

#endif
