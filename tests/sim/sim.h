/*
 * sim.h - one simulated world: stores, gateways, clients, controllers, and the faults that a seed
 * chooses.  Core, engine and verbs run unchanged; everything below the contracts is simulated.
 */
#ifndef AIRLOCK_TESTS_SIM_SIM_H
#define AIRLOCK_TESTS_SIM_SIM_H

#include <signal.h>

#include "engine/engine.h"
#include "sched.h"
#include "store/fake/audit.h"
#include "store/fake/fake.h"

#define SIM_STORES_MAX 3
#define SIM_CONTROLLERS_MAX 16
#define SIM_FAULTS_MAX 12
#define SIM_REPAIRS_MAX 16
#define SIM_PEOPLE_MAX 32

enum bug {
	BUG_NONE,
#define RULE(name, sentence) BUG_##name,
#include "store/fake/rules.def"
#undef RULE
#define BUG(name, sentence) BUG_##name,
#include "bugs.def"
#undef BUG
	BUG_COUNT
};

struct sim;

/* What carries clients to one store.  Its memory survives controllers. */
struct gateway {
	struct sim *sim;
	size_t store;
	struct task *task;
	bool holding;
	int64_t attempt;       /* the newest it was told */
	int64_t hold_until_us; /* by its own clock */
	int64_t epoch_seen;
	enum side target;
	unsigned running; /* requests under way */
	long held, refused, released;
};

struct controller;

struct sim_route {
	struct route route; /* first */
	struct controller *controller;
	struct gateway *gateway;
};

/* One process of `airlock`. */
struct controller {
	struct env env; /* first */
	struct sim *sim;
	unsigned id;
	struct task *task; /* the engine's */
	bool waiting;	   /* in env_next */
	bool woken;
	struct job *done_head, **done_tail;
	bool dead, finished;
	int64_t paused_until_us;
	bool parted[SIM_STORES_MAX][SIDE_COUNT]; /* cannot reach this side */
	bool journal_broken;
	volatile sig_atomic_t abort_asked;
	int64_t believed_revoked[SIM_STORES_MAX]; /* for BUG_NO_REVOKE */
	struct fake_store store[SIM_STORES_MAX];
	struct sim_route route[SIM_STORES_MAX];
	struct engine_config config;
	struct engine_report report;
};

/* A client, or something that happens to a store by itself. */
struct person {
	struct sim *sim;
	size_t store;
	int budget; /* rows it still wants to write */
};

/* Something broken that becomes good again. */
struct repair {
	struct sim *sim;
	bool *flag, good;
	int64_t after_us;
};

enum fault_kind {
	FAULT_CRASH,
	FAULT_KILL,
	FAULT_PAUSE,
	FAULT_PART,	  /* a controller from a side */
	FAULT_PART_SIDES, /* the sides from each other */
	FAULT_SECOND,	  /* another controller starts at once */
	FAULT_ABORT,
	FAULT_JOURNAL,
	FAULT_SKEW,
	FAULT_EXPIRE, /* a gateway that missed the hold calls abort_if_expired */
	FAULT_KIND_COUNT
};

/* Happens when so many journeys and points have been passed; with a name, so long after the point
 * of that name was passed for the nth time: the rare steps get their share. */
struct fault {
	enum fault_kind kind;
	const char *name; /* of env_points, or NULL */
	int nth;
	long at_point;
	bool done;
};

struct sim_totals {
	long seeds, slices, cutovers, undone, rows, held, refused;
	long verdicts[VERDICT_UNKNOWN + 1];
	long cell[PHASE_COUNT][SIGNAL_COUNT];
	long faults[FAULT_KIND_COUNT];
};

struct sim {
	struct sched sched;
	uint64_t seed;
	bool tracing;
	enum bug bug;
	struct sim_totals *totals; /* borrowed */

	size_t stores, decider;
	struct fake_world world[SIM_STORES_MAX];
	struct gateway gateway[SIM_STORES_MAX];
	struct person person[SIM_PEOPLE_MAX];
	size_t people;
	struct task *operator;
	struct controller controller[SIM_CONTROLLERS_MAX];
	size_t controllers;

	/* The weather of this seed. */
	unsigned lost_per_mille; /* of journeys, each way */
	int64_t latency_us;	 /* typical */
	struct repair repair[SIM_REPAIRS_MAX];
	size_t repairs;
	struct fault fault[SIM_FAULTS_MAX];
	size_t faults;
	long points;
	bool calm; /* nothing fails any more, nobody writes */

	bool over;
	char failure[240]; /* "" = passed */
};

/* scenario.c: runs one seed from beginning to end; false when something did not hold. */
void sim_init(struct sim *sim, struct fiber_pool *pool, struct sim_totals *totals);
void sim_fini(struct sim *sim);
bool sim_run(struct sim *sim, uint64_t seed);
void sim_fail(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_trace(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* controller.c */
struct controller *controller_start(struct sim *sim, enum core_mode mode, enum side goal);
void controller_kill(struct controller *c);

/* network.c */
int network_travel(struct fake_store *store, enum side side, enum fake_leg leg, struct err *err);
int network_journey(struct controller *c, struct err *err);
void network_point(struct controller *c, const char *when, const char *what);

/* gateway.c */
void gateway_init(struct gateway *g, struct sim *sim, size_t store);
extern const struct route_ops gateway_route_ops;
void gateway_release(struct gateway *g, enum side side, int64_t epoch);

/* people.c: clients, replication, visits. */
void people_start(struct sim *sim);

/* chaos.c */
void chaos_choose(struct sim *sim);
/* Called at each point; `c` is who passes it. */
void chaos_point(struct sim *sim, struct controller *c);
void chaos_named(struct sim *sim, const char *name);
void chaos_calm(struct sim *sim);
const char *fault_name(enum fault_kind kind);

/* watch.c: what must hold of the wave as a whole. */
bool watch_slice(struct sim *sim);
void watch_release(struct sim *sim, const struct gateway *g, enum side side, int64_t epoch);
void watch_rest(struct sim *sim);

/* bugs.c */
void bug_plant(struct sim *sim);
void bug_wrap(struct controller *c, size_t store);
const char *bug_name(enum bug bug);
const char *bug_sentence(enum bug bug);

#endif
