/*
 * world.h - the fake store's two sides, and what happens to them without any controller.
 *
 * Everything here is one atomic step; whoever wants an interruption stops between two of them.
 * Positions count log entries and start at 1, so that 0 can mean "none".  A link is named by its
 * publisher, as everywhere.
 *
 * Thread: none; one owner.
 */
#ifndef AIRLOCK_STORE_FAKE_WORLD_H
#define AIRLOCK_STORE_FAKE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/door.h"

#define FAKE_ROWS_MAX 256 /* rows of clients, over both sides */
#define FAKE_LOG_MAX 1024 /* entries of one side's log */
#define FAKE_SESSIONS_MAX 24
#define FAKE_ATTEMPTS_MAX 64

enum fake_rule {
#define RULE(name, sentence) FAKE_RULE_##name,
#include "store/fake/rules.def"
#undef RULE
	FAKE_RULE_COUNT
};

struct fake_rows {
	uint64_t word[FAKE_ROWS_MAX / 64];
};

enum fake_entry_kind { FAKE_NOISE, FAKE_ROW, FAKE_MARKER };

struct fake_entry {
	enum fake_entry_kind kind;
	size_t row;	 /* ROW */
	int64_t attempt; /* MARKER */
	enum side side;	 /* MARKER: where it was written */
};

struct fake_side {
	bool up;
	unsigned boot; /* grows with every crash: connections of an older one are dead */
	struct guard guard;
	struct reg reg;	       /* reg.open is the admission */
	int64_t hold_until_us; /* by this side's clock; only in SEALED */
	int64_t clock_skew_us;
	struct fake_entry log[FAKE_LOG_MAX];
	size_t end, durable; /* positions: entries 1 .. end - 1 exist */
	struct fake_rows rows;
	int64_t sequence;
};

struct fake_link {
	bool enabled;
	bool worker;		       /* lives on for a while after DISABLE */
	bool dropped;		       /* by finalize */
	size_t at;		       /* the worker's next position in the publisher's log */
	size_t origin, origin_durable; /* on the subscriber */
	size_t slot, slot_durable;     /* on the publisher */
};

/* A client's backend: it takes the database's lock, reads the door, gets listed, drops the lock. */
enum fake_session_state { SESSION_NONE, SESSION_STARTING, SESSION_ADMITTED, SESSION_LISTED };

struct fake_session {
	enum fake_session_state state;
	enum side side;
	unsigned id; /* of this use of the slot */
};

struct fake_world {
	const char *name;
	int64_t (*now_us)(void *arg);
	void *now_arg;
	bool parted; /* the sides cannot reach each other */
	bool broken[FAKE_RULE_COUNT];
	struct fake_side side[SIDE_COUNT];
	struct fake_link link[SIDE_COUNT];
	struct fake_session session[FAKE_SESSIONS_MAX];
	unsigned sessions; /* ids given out */

	/* History, for the audit: nothing in the store reads it. */
	struct fake_rows committed;
	size_t rows;				   /* committed so far */
	bool values[FAKE_ROWS_MAX * 4];		   /* sequence values given to clients */
	int64_t epoch_opened;			   /* of the newest opening */
	uint64_t promoted, revoked;		   /* attempts, as bits */
	size_t wayback_at_seal, wayback_at_commit; /* what a wrong PROMOTE would store */
	char violation[160]; /* the first invariant that failed; "" when none */
};

/* Old open, new shut, the link of old on: what `sync` leaves behind. */
void fake_world_init(struct fake_world *w, const char *name);
static inline bool fake_keeps(const struct fake_world *w, enum fake_rule rule)
{
	return !w->broken[rule];
}

int64_t fake_now_us(const struct fake_world *w, enum side side);
bool fake_has_row(const struct fake_rows *rows, size_t row);
bool fake_has_all(const struct fake_rows *rows, const struct fake_rows *wanted);
/* Records the first violation; later ones are its consequences. */
void fake_violated(struct fake_world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* --- what happens by itself ------------------------------------------------------------------ */

void fake_crash(struct fake_world *w, enum side side);
void fake_start(struct fake_world *w, enum side side);
/* Makes everything that was written or applied durable. */
void fake_flush(struct fake_world *w, enum side side);
/* Writes log that no client asked for: vacuum, hint bits. */
void fake_noise(struct fake_world *w, enum side side);
void fake_checkpoint(struct fake_world *w, enum side side);
/* One step of a link's worker: start, apply one entry, or end.  False when there was nothing. */
bool fake_link_step(struct fake_world *w, enum side publisher);
bool fake_worker_end(struct fake_world *w, enum side publisher);
/* Runs both links until nothing is left to do, then flushes. */
void fake_settle(struct fake_world *w);
/* Everything committed is on both sides. */
bool fake_level(const struct fake_world *w);

/* --- what clients and gateways do ------------------------------------------------------------ */

/* Returns a session, or NULL when the side is down or there is no slot. */
struct fake_session *fake_connect(struct fake_world *w, enum side side);
/* The next state; false when the session was refused or has been ended. */
bool fake_login_step(struct fake_world *w, struct fake_session *s, unsigned id);
bool fake_alive(const struct fake_world *w, const struct fake_session *s, unsigned id);
/* Commits one row; false when the session is gone or the world is full. */
bool fake_write(struct fake_world *w, struct fake_session *s, unsigned id, size_t *ret_row);
/* Commits a given row a second time: only for the bug that executes a held request twice. */
void fake_write_again(struct fake_world *w, enum side side, size_t row);
void fake_disconnect(struct fake_session *s, unsigned id);
/* Law 6: SEALED(a) -> ACTIVE(a) once the hold has passed by the side's own clock. */
bool fake_abort_if_expired(struct fake_world *w, enum side side, int64_t attempt);
/* `guard`'s first half: remembers what it read; its second half acts only if that still holds. */
struct fake_visit {
	struct guard guard;
	bool may;
};
void fake_visit_look(const struct fake_world *w, enum side side, struct fake_visit *ret);
bool fake_visit_act(struct fake_world *w, enum side side, const struct fake_visit *visit);

/* --- for arbiter.c and store.c ---------------------------------------------------------------- */

void fake_append(struct fake_world *w, enum side side, struct fake_entry entry);
bool fake_has_marker(const struct fake_world *w, enum side on, enum side from, int64_t attempt);
/* Both at once, with the invariants of an opening. */
void fake_open_door(struct fake_world *w, enum side side, int64_t epoch);
void fake_enable(struct fake_world *w, enum side publisher);
bool fake_guard_at(const struct fake_world *w, enum side side, struct guard at);
/* Ends listed sessions, or with `starting` those that still start.  Returns how many. */
size_t fake_end_sessions(struct fake_world *w, enum side side, bool starting);

#endif
