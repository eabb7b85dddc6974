/*
 * route.h - the contract of what carries clients to a store.
 *
 * A route that cannot hold says so by its capability bits; the engine then relies on the fence
 * alone and clients reconnect by themselves.  A route never decides: it sends clients where a
 * register was read open.
 *
 * Every call is idempotent at its attempt (or epoch).
 *
 * Thread: one call at a time per route.
 */
#ifndef AIRLOCK_PORT_ROUTE_H
#define AIRLOCK_PORT_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/door.h"
#include "port/env.h"

enum route_can { ROUTE_CAN_HOLD = 1 };

struct route;

struct route_call {
	enum side src; /* the side that is being left */
	int64_t attempt;
	int64_t share;	     /* arm: logins that may wait at the other side's door */
	int64_t hold_ms;     /* hold: it ends by itself after so long, where a door is open */
	int64_t drain_ms;    /* hold: given up when somebody is then not at a boundary */
	int64_t lull_ms;     /* hold: so long a moment may be waited for when few are at work */
	int64_t deadline_ms; /* absolute, env_now_ms */
};

/* What a hold took. */
struct route_held {
	int64_t held;	  /* sessions that wait */
	int64_t lull_ms;  /* before anybody was stopped */
	int64_t drain_ms; /* until the last of them was at a transaction boundary */
	int64_t ended;	  /* sessions that the plan wanted ended rather than waited for */
	char who[320];	  /* those, by name */
};

/* What a release let go. */
struct route_released {
	int64_t released, failed; /* sessions that went on, and that could not */
	int64_t stall_ms; /* the longest that a client waited with a request; -1 = unknown */
	/* Since the last of those had gone on, for their requests to be answered: no stall any
	 * more, and no part of the window. */
	int64_t served_ms;
};

/* A session that cannot cross, or not now. */
struct route_blocker {
	int64_t pid, age_ms;
	char user[64], application[64];
	char client[72]; /* "10.0.0.7:50123"; "" where it is not known */
	char kind[16]; /* "transaction", "temp", "advisory", ... */
	char policy[12];   /* what the plan wants then: "block", "wait", "disconnect", "tell" */
	int64_t looked_ms; /* how old that knowledge is */
	char text[96]; /* its newest statement, or what it holds */
};

#define ROUTE_BLOCKERS_MAX 64

struct route_view {
	char phase[16]; /* "run", "draining", "held", "flipping", "shut" */
	int64_t sessions, held, oldest_ms;
	int64_t looked; /* survey: of the sessions, those whose state is known as it is now */
	int64_t let_in; /* survey: their roles whose login the other side was seen to take */
	struct route_blocker blockers[ROUTE_BLOCKERS_MAX];
	size_t blockers_count;
};

/* A client's session, as the route has seen it: whom the server takes for the route itself.  Times
 * are ages; counts are of the client's doing since it came. */
struct route_account {
	int64_t number; /* of its coming, or of its end */
	bool ended;
	int64_t pid;	/* its server's process: of the newest; 0 = it has none now */
	enum side side; /* of that server */
	char address[64], via[64]; /* the client's; what that server takes for it */
	unsigned port, via_port;
	char user[64], application[64];
	int64_t came_ms, asked_ms, ended_ms;
	int64_t transactions, bytes_in, bytes_out;
	int64_t writes, rows; /* commands that wrote, and their rows: at least */
	int64_t wrote_ms;     /* the newest of them; meaningless when there is none */
	char wrote[12];	      /* "INSERT", ... */
};

/* Zeroed before the first call. */
struct route_accounts {
	struct route_account *rows; /* owned */
	size_t count, room;
	int64_t carrier; /* the process that carries them; of its host */
	int64_t clients; /* that are there */
	/* From where the next call goes on: the newest numbers of those that came, and that ended.
	 * came = 0 asks for everybody who is there. */
	int64_t came, ended;
	int64_t forgotten; /* that ended since the last call and are told of no more */
};

#define ROUTE_ACCOUNTS_AUTO __attribute__((cleanup(route_accounts_fini))) struct route_accounts
void route_accounts_fini(struct route_accounts *accounts);
/* A new row, zeroed; valid until the next one. */
struct route_account *route_accounts_add(struct route_accounts *accounts);

struct route_ops {
	const char *name;
	unsigned can; /* ROUTE_CAN_* */
	/* Outside the hold: whatever can be prepared for sending clients to the other side.
	 * ERR_BLOCKED when a session cannot be carried there, by name. */
	int (*arm)(struct route *route, const struct route_call *call, struct err *err);
	/* Clients wait at their next transaction boundary; returns when all do (drained).
	 * ERR_BLOCKED, and the hold is over, when drain_ms did not suffice; whom it had ended by
	 * then is told even so. */
	int (*hold)(struct route *route, const struct route_call *call, struct route_held *ret_held,
		struct err *err);
	/* Sends clients to `side`, whose register was read open at `epoch`, and lets them go. */
	int (*release)(struct route *route, enum side side, int64_t epoch, int64_t deadline_ms,
		struct route_released *ret_released, struct err *err);
	int (*look)(struct route *route, int64_t deadline_ms, struct route_view *ret_view,
		struct err *err);
	/* look, after every session was looked at anew; nothing is changed. */
	int (*survey)(struct route *route, int64_t deadline_ms, struct route_view *ret_view,
		struct err *err);
	/* Who its clients are: appends those that are there and came since accounts->came, and
	 * those that ended since accounts->ended. */
	int (*accounts)(struct route *route, int64_t deadline_ms, struct route_accounts *accounts,
		struct err *err);
	void (*free)(struct route *route);
};

struct route {
	const struct route_ops *ops;
	struct env *env;  /* borrowed */
	const char *name; /* borrowed */
};

static inline bool route_can_hold(const struct route *route)
{
	return (route->ops->can & ROUTE_CAN_HOLD) != 0;
}

int route_arm(struct route *route, const struct route_call *call, struct err *err) MUST_CHECK;
int route_hold(struct route *route, const struct route_call *call, struct route_held *ret_held,
	struct err *err) MUST_CHECK;
int route_release(struct route *route, enum side side, int64_t epoch, int64_t deadline_ms,
	struct route_released *ret_released, struct err *err) MUST_CHECK;
/* Of a route that cannot hold: nobody. */
int route_look(struct route *route, int64_t deadline_ms, struct route_view *ret_view,
	struct err *err) MUST_CHECK;
int route_survey(struct route *route, int64_t deadline_ms, struct route_view *ret_view,
	struct err *err) MUST_CHECK;
/* Replaces the rows: who is there and came since the last call, and who ended since then (at the
 * first: as far back as the route remembers).  Where it fails there are no rows, and the next call
 * goes on from the same place.  Of a route that cannot hold: nobody. */
int route_accounts(struct route *route, int64_t deadline_ms, struct route_accounts *accounts,
	struct err *err) MUST_CHECK;
void route_free(struct route *route); /* accepts NULL */

#endif
