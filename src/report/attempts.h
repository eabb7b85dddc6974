/*
 * attempts.h - rows of a run become attempts: steps with their times, moves of the machine, the
 * window's parts, how it ended and why.  Pure.
 *
 * An attempt that one controller began and another finished is two of them with the same number:
 * each tells what its own controller did.
 */
#ifndef AIRLOCK_REPORT_ATTEMPTS_H
#define AIRLOCK_REPORT_ATTEMPTS_H

#include "core/door.h"
#include "engine/engine.h"
#include "report/record.h"

/* One verb on one store, once. */
struct attempt_step {
	enum verb verb;
	const char *store, *outcome, *text;
	int64_t began_us, ended_us; /* by the run's own clock: only differences mean something */
	int64_t seq;
};

struct attempt_move {
	enum phase from, to;
	enum signal signal;
	const char *text;
	int64_t at_us, at_ms;
	int64_t seq;
};

enum attempt_end {
	ATTEMPT_DONE,	  /* the other side is open */
	ATTEMPT_UNDONE,	  /* given back; nothing moved */
	ATTEMPT_REFUSED,  /* nobody was held */
	ATTEMPT_PENDING,  /* one side is open and serves; something remained for `resume` */
	ATTEMPT_UNKNOWN,  /* nobody could tell */
	ATTEMPT_CUT_SHORT /* its controller's rows end in the middle */
};

struct attempt {
	const char *run, *who;
	int wave;
	int64_t number; /* 0: the run ended before one began */
	bool src_known;
	enum side src;
	int64_t began_ms, ended_ms; /* first and last row */
	const char *plan_hash;	    /* of the intent; "" when this run did not write one */
	struct attempt_step *steps;
	size_t steps_count;
	struct attempt_move *moves;
	size_t moves_count;
	struct engine_part verbs[VERB_COUNT];
	bool has_window;
	double window_ms;
	bool has_held; /* from the run's answer, for its newest attempt */
	int64_t held_max;
	int64_t lag_bytes; /* not confirmed by the other side just before the hold; -1: not recorded
			    */
	double drain_ms;   /* -1: nobody was drained */
	double stall_ms;   /* the longest wait of a request, as the route saw it; -1: it could not
			      tell */
	enum attempt_end end;
	const char *why; /* the newest failure; "" when there was none */
};

struct attempts {
	struct attempt *list;
	size_t count;
	size_t looks; /* entries after `count`: runs that found nothing to do, and know their side
		       */
};

/* In order of their first row; in `arena`, pointing into the record. */
void attempts_make(const struct record *record, struct arena *arena, struct attempts *ret);

const char *attempt_end_name(enum attempt_end end);	/* "cut-short" */
const char *attempt_end_sentence(enum attempt_end end); /* "its controller's record ends ..." */

/* PHASE_COUNT, SIGNAL_COUNT and VERB_COUNT when there is no such name. */
enum phase phase_find(const char *name);
enum signal signal_find(const char *name);
enum verb verb_find(const char *word);

#endif
