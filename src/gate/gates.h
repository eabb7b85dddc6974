/*
 * gates.h - every gate there is, and one round over them.
 *
 * A required gate refuses unless it passes.  One that is not required refuses only when it FAILS:
 * what it could not prove is told.
 */
#ifndef AIRLOCK_GATE_GATES_H
#define AIRLOCK_GATE_GATES_H

#include "gate/world.h"
#include "port/gate.h"

/* One per gate; `gates_count()` of them. */
const struct gate *gate_at(size_t i);
size_t gates_count(void);
const struct gate *gate_find(const char *id); /* NULL = no such gate */
/* ERR_USAGE that lists those there are. */
int gate_must_exist(const char *id, struct err *err) MUST_CHECK;

struct gate_result {
	const char *id, *what;
	bool required;
	struct gate_answer answer; /* the worst of all stores; evidence says which */
};

struct gates_round {
	struct gate_result *results;
	size_t count;
	struct gate_world *worlds; /* one per store, for details */
	size_t worlds_count;
};

#define GATES_ROUND_AUTO __attribute__((cleanup(gates_round_fini))) struct gates_round

/*
 * Asks every gate, or only `only` (which must exist), about every store; `stores` and `routes` by
 * the plan's index of the store.  Gates that the design knows and this version has not built are listed NOT PROVEN and not
 * required.  `writers` holds what was seen earlier and gets what is seen now.  Fails for lack of
 * memory only: what a server does not answer is NOT PROVEN.
 */
int gates_ask(const struct plan *plan, struct store_pg *const *stores,
	struct route *const *routes, const char *only, int64_t deadline_ms, struct writers *writers, struct gates_round *ret_round,
	struct err *err) MUST_CHECK;
void gates_round_fini(struct gates_round *round);

bool gate_refuses(const struct gate_result *result);
bool gates_ready(const struct gates_round *round);
/* ERR_REFUSED that names the first gate that refuses, its evidence and remedy; 0 when ready. */
int gates_verdict(const struct gates_round *round, struct err *err) MUST_CHECK;

/* early.c, of the gate `rights`: the plan's early readers hold no right to write on new. */
int gate_early(struct gate_world *world, struct gate_answer *ret, struct err *err) MUST_CHECK;

extern const struct gate gate_audit, gate_clock, gate_hazards, gate_lag, gate_links, gate_rights,
	gate_sessions, gate_verifiers, gate_writers;

#endif
