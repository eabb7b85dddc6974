/*
 * hold_priv.h - what hold.c, arm.c, expire.c and release.c share.
 */
#ifndef AIRLOCK_GATEWAY_HOLD_PRIV_H
#define AIRLOCK_GATEWAY_HOLD_PRIV_H

#include "gateway/ending.h"
#include "gateway/hold.h"
#include "gateway/listeners.h"
#include "gateway/lull.h"
#include "gateway/pace.h"

struct hold {
	struct gateway *gateway;
	enum control_phase phase;
	int64_t attempt; /* the newest that was held */
	bool ended;	 /* that hold is over */
	enum control_side src;
	bool looks;	    /* somebody is still to be looked at, without a hold */
	int64_t looking_ms; /* since when; the loop's clock */
	bool scouts;	    /* nobody could be looked at when this turn began */
	size_t looked_at;   /* of how many a probe is under way, or was when this turn began */
	int64_t asked_ms;   /* when the controller asked for it */
	int64_t got_on_ms;  /* when somebody was seen to have been looked at, parked or tried last */
	size_t left;	    /* who had to be looked at when that was counted last, */
	int64_t parked;	    /* and who was parked, */
	size_t tried;	    /* and which roles were tried */
	int64_t began_us, flipping_us, drained_ms, hold_ms, lull_ms;
	unsigned aborts;
	bool expiring;	     /* a register is being read, or moved, for the deadline */
	bool surveying;	     /* what arms is a survey */
	bool flushed;	     /* those who listen have what was sent to them */
	bool listeners_wake; /* they would never ask for their server */
	int64_t drain_ms;
	struct ending ending; /* whom it ended by policy */
	uv_timer_t drain, deadline, arm, calm, serve;
	uv_idle_t look; /* active = something may follow from news */
	uv_check_t lulling; /* active = the hold waits for a good moment to begin */
	struct lull lull;
	struct controld_request *arming, *holding, *releasing; /* unanswered, or NULL */
	uint64_t release_number; /* of the newest release; a request's address may serve again */
	bool release_read; /* the register that `releasing` names was read open, and obeyed */
	int64_t released, failed, waiting_us_max; /* since a controller was told of the ones before */
	bool told;
	size_t flipping; /* sessions that are to be counted still, by the release under way */
	struct session *going[PACE_MAX]; /* whom it let go; a struct that serves again is none */
	size_t going_count;
	bool queues; /* who has been served once waits for those who have not */
	int64_t let_go_us;
	int64_t on_us; /* when the last who waited had gone on; 0 = not yet */
	struct pace pace;
	struct listeners listeners;
};

/* Of all that it concerns; and whether somebody cannot be carried over. */
void hold_count(
	const struct hold *h, int64_t *ret_sessions, int64_t *ret_held, bool *ret_stuck);
/* Of a request that is accepted: one that is refused changes nothing of what goes on. */
void hold_take_policies(struct hold *h, const struct policies *policies);
/* Whoever waits for everybody to be held is told that this hold is over. */
void hold_refuse(struct hold *h, const char *why);
/* A controller that asks again, or another one, takes the place of who asked before. */
void hold_take_over(struct controld_request **place, struct controld_request *request);
/* Where `side` reads open at `epoch`.  A server of another side or time is of no use any more. */
void hold_let_go(struct hold *h, enum control_side side, int64_t epoch);
/* release.c: back to where they were; nothing has been sealed. */
void release_give_up(struct hold *h);
/* What became of one whom the hold's end lets go. */
void release_count(struct hold *h, struct session *s);
void release_count_anew(struct hold *h);
/* What may follow from news, while sessions go on. */
void release_look(struct hold *h);
void release_answer(struct hold *h);
/* Another hold begins. */
void release_stop(struct hold *h);
void release_on(
	void *ctx, struct controld_request *request, const struct control_release *release);
/* arm.c */
void arm_on(void *ctx, struct controld_request *request, const struct control_arm *arm,
	const struct policies *policies);
void arm_on_survey(void *ctx, struct controld_request *request, const struct policies *policies);
/* What may follow from news while sessions are looked at. */
void arm_look(struct hold *h);
/* expire.c: of the timer `deadline`. */
void hold_on_deadline(uv_timer_t *timer);

#endif
