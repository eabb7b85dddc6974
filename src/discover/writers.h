/*
 * writers.h - the sessions of a store's side, watched for a moment: who writes?
 *
 * Evidence, strongest first: a session that holds a transaction id has written in the transaction
 * it is in; a session whose newest statement is an INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY
 * FROM, CALL or DO, or anything else that PostgreSQL's grammar calls a write (classify.h), says so
 * by its text, and so does a SELECT of a function that writes (functions.h).  A transaction shorter
 * than a look may be missed: what was not seen is "not seen in the look-back", not absent, and what
 * the server counted beyond what was seen is said.
 *
 * Where clients come through a gateway, the address is the client's own, as the gateway accounts for
 * it, and what it was told of writes is evidence as well (writers_behind.h).
 *
 * Thread: the store's.
 */
#ifndef AIRLOCK_DISCOVER_WRITERS_H
#define AIRLOCK_DISCOVER_WRITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "discover/process.h"
#include "plan/plan.h"
#include "port/route.h"
#include "store/postgres/driver.h"

/* One kind of session: the same role, application and address on one side of one store. */
struct writer {
	char store[64];
	enum side side;
	char user[64], application[64],
		address[64]; /* address "local" = a socket in the file system */
	/* Further names of one and the same session, each with '+' (it wrote under this name) or
	 * '-' before and '\n' behind it.  It is one writer under the name that was seen first, and
	 * a service stands for it that matches every name under which it wrote. */
	char also[256];
	bool wrote_as_first;	     /* under `application` */
	char process[PROCESS_BYTES]; /* "" = not to be seen: */
	char why[PROCESS_WHY_BYTES]; /* why; "" as well when it was never looked for */
	/* Of the store's gateway, where it has one; of this watch. */
	struct {
		char route[64];	       /* "" = no gateway, or only remembered */
		int64_t sessions;      /* that came through it */
		int64_t past;	       /* that went straight to the server */
		bool untold;	       /* behind it, but which client that is was not to be learned:
					* the address is the gateway's */
		bool told;	       /* nobody saw it: the gateway has told of it */
		int64_t transactions;  /* that it has counted for these sessions since they came */
		int64_t writes, rows;  /* commands that wrote, and their rows: at least */
	} gateway;
	bool wrote;
	bool definer;		 /* called a function that writes with its owner's rights */
	char evidence[48];	 /* "transaction id", "INSERT"; "" when it was not seen writing */
	int64_t writes;		 /* transactions seen writing in this watch; a lower bound */
	int64_t first_s, last_s; /* wall clock, seconds: first and last seen at all */
	int64_t wrote_s;	 /* last seen writing; 0 = never */
	bool here;		 /* seen in this watch, not only remembered */
	bool fresh;		 /* seen, or seen writing, in this watch and never before */
};

/* What is known of the gateway in front of a store. */
struct writers_gateway {
	char store[64], route[64];
	bool fell_silent;  /* in this watch; also when it was never asked before */
	bool silent;	   /* it cannot be asked: its clients cannot be told apart */
	char why[256];	   /* then */
	int64_t clients;   /* that it has */
	int64_t forgotten; /* sessions that ended in this watch and that it tells of no more */
	int64_t carrier, ended; /* from where to go on (port/route.h) */
};

struct writers {
	struct writer *rows; /* owned */
	size_t count, room;
	struct writers_gateway *gateways; /* owned; of the stores that have one and were watched */
	size_t gateways_count;
	bool blind;		   /* the server hides what its sessions do */
	int64_t looks, watched_ms; /* of this watch, all stores together */
	int64_t cost_us;	   /* what the looks took, from asking to answer */
	/* What the server counted in the newest watch, against what was seen of it. */
	struct {
		bool known; /* the server counts sessions (14 and later) */
		int64_t sessions,
			unseen;	      /* that began; and of those, came and went between looks */
		int64_t transactions; /* committed, Airlock's own too */
		int64_t since_s;      /* wall clock: when that watch began */
		int64_t rows;	      /* of tables, inserted, updated, deleted; Airlock's own not */
	} counted;
};

#define WRITERS_AUTO __attribute__((cleanup(writers_fini))) struct writers
void writers_fini(struct writers *w);

/* The row for these four, also under a further name of it, made when there is none.  Valid until
 * the next call. */
struct writer *writers_at(struct writers *w, const char *store, enum side side, const char *user,
	const char *application, const char *address);

/* The gateway of that store, made when there is none. Valid until the next call. */
struct writers_gateway *writers_gateway_at(struct writers *w, const char *store);
/* NULL when it has none, or was not watched. */
const struct writers_gateway *writers_gateway_of(const struct writers *w, const char *store);

/* Is it one of the roles that Airlock itself comes by? */
bool writers_are_ours(const char *role);

/* The session went by this name, and wrote under it or not. */
void writer_called(struct writer *writer, const char *name, bool wrote);

/*
 * Looks at the sessions of `side` every `pause_ms` for `watch_ms`, at least once, and adds what it
 * sees to `w`.  Airlock's own roles are left out.  route: what carries the store's clients, or NULL.
 * Fails only when the server could not be asked: of a gateway that could not, `w` says so.
 */
int writers_watch(struct store_pg *store, struct route *route, enum side side, int64_t watch_ms,
	int64_t pause_ms, int64_t deadline_ms, struct writers *w, struct err *err) MUST_CHECK;

/* The service of the plan that stands for it: one that writes to the store, else one that only
 * reads; NULL when none matches.  *ret_writes says which. */
const struct plan_service *writer_service(
	const struct plan *plan, size_t store, const struct writer *writer, bool *ret_writes);

/* Likewise, where somebody's calls are laid at its door: of a writer whose address nobody knows
 * (gateway.untold) NULL too where another address would make it another service, or none.
 * writer_may_be: could this be the one? */
const struct plan_service *writer_service_surely(
	const struct plan *plan, size_t store, const struct writer *writer);
bool writer_may_be(const struct plan_service *service, size_t store, const struct writer *writer);

/* What the plan does not allow for: seen writing at or after `since_s`, and no service that writes
 * to the store stands for it. */
bool writer_is_undeclared(
	const struct plan *plan, size_t store, const struct writer *writer, int64_t since_s);

/* Does the plan tell users of this store by their addresses?  Then whoever is behind a gateway that
 * cannot be asked, or not told by it, cannot be told apart. */
bool writers_need_addresses(const struct plan *plan, size_t store);

/* Could somebody who was seen have written the rows that the server counted, if only in a moment
 * that no look fell into?  False: somebody wrote whom nobody saw. */
bool writers_explain(
	const struct plan *plan, size_t store, enum side side, const struct writers *w);

/* "shop_legacy (legacy.py) from 127.0.0.1, pid 4711, legacy.py: INSERT". */
struct buf;
void writer_describe(const struct writer *writer, struct buf *out);
/* What would declare it, by its role alone or by its application too: a name for a service, and the
 * service ("{writes: [orders], ...}"). */
#define SERVICE_NAME_BYTES 64
void writer_service_entry(const struct writer *writer, bool by_role,
	char ret_name[SERVICE_NAME_BYTES], struct buf *out);
/* The same as one line of a plan. */
void writer_plan_lines(const struct writer *writer, struct buf *out);
/* Small letters, digits and '-' made of any text: a name for a service; may be "". */
void writer_plain_name(const char *text, char ret[SERVICE_NAME_BYTES]);
/* Appends a YAML double-quoted scalar. */
void writer_quote(const char *text, struct buf *out);

#endif
