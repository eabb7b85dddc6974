/*
 * world.h - what gates may look at: the plan, one of its stores, where that store stands.
 *
 * Some gates know more than fits one line of evidence; what they found in detail stays here for
 * whoever prints it.  Owned by who made it (gate_world_fini), the pointers in it are borrowed.
 */
#ifndef AIRLOCK_GATE_WORLD_H
#define AIRLOCK_GATE_WORLD_H

#include "discover/writers.h"
#include "plan/plan.h"
#include "port/gate.h"
#include "port/route.h"
#include "store/postgres/driver.h"
#include "store/postgres/hazards.h"

enum law_state { LAW_ENFORCED, LAW_WATCHED, LAW_NOT_PROVEN };

/* One line of what the rights given are worth. */
struct law_row {
	int law;
	enum side side;
	enum law_state state;
	char what[240];
};

#define LAW_ROWS_MAX 24

struct gate_world {
	const struct plan *plan;
	const struct plan_store *plan_store;
	struct store_pg *store;
	struct route *route; /* what carries its clients */
	int64_t deadline_ms;
	struct writers *writers; /* seen earlier, and now: gate_writers adds to it */

	/* Where the store stands, by its registers. */
	enum side src; /* the side that is open: the next move leaves it */
	bool synced;   /* the links exist */
	bool final;    /* there is no move any more */
	struct door door[SIDE_COUNT];

	/* Found in detail. */
	struct hazard_report hazards;
	struct law_row laws[LAW_ROWS_MAX];
	size_t laws_count;
};

/*
 * Reads the registers.  A side that is not set up yet counts as one that was never moved; a side
 * that does not answer is ERR_UNREACHABLE or ERR_TIMEOUT.
 */
int gate_world_init(struct gate_world *world, const struct plan *plan, size_t store_index,
	struct store_pg *store, int64_t deadline_ms, struct err *err) MUST_CHECK;
void gate_world_fini(struct gate_world *world);

/* Adds a line to `laws`; what has no room any more is left out. */
void gate_law(struct gate_world *world, int number, enum side side, enum law_state state,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
const char *law_state_name(enum law_state state); /* "NOT PROVEN" */

/* What the plan says of a gate; NULL when it does not ask for it. */
const struct plan_gate *gate_asked(const struct plan *plan, const char *id);
/* A time of the plan's gate; false when it is not given. */
bool gate_setting_ms(const struct plan_gate *gate, const char *key, int64_t *ret_ms);

/* What every gate does with its answer; `valid_s` from now on. */
void gate_answer_init(struct gate_answer *answer, int64_t valid_s);
void gate_answer_fini(struct gate_answer *answer);
#define GATE_ANSWER_AUTO __attribute__((cleanup(gate_answer_fini))) struct gate_answer
/* Never makes a worse answer better: FAIL stays before NOT PROVEN before PASS. */
void gate_answer_lower(struct gate_answer *answer, enum gate_state state);
/* Appends one more sentence to the evidence. */
void gate_answer_say(struct gate_answer *answer, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The first remedy stays. */
void gate_answer_advise(struct gate_answer *answer, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
