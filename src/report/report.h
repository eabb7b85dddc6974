/*
 * report.h - everything a report says, as one struct; HTML, JSON and the tests read it.
 *
 *     report_make(&report, plan, journal, latency_path, now_ms, &arena, &err)
 *     report_html(&report, &buf)      page.h
 *     report_json(&report)
 *
 * Thread: one owner.  Everything is in the arena, but for what report_fini gives back.
 */
#ifndef AIRLOCK_REPORT_REPORT_H
#define AIRLOCK_REPORT_REPORT_H

#include "plan/plan.h"
#include "plan/sequence.h"
#include "report/facts.h"
#include "report/latency.h"
#include "report/timeline.h"

/* The worst that the record says, worst first. */
enum report_verdict {
	REPORT_UNSOUND,	  /* the chain is broken: what is below may not be what happened */
	REPORT_BOTH_OPEN, /* two doors were open at once */
	REPORT_DIFFERENT, /* the newest comparison found differences */
	REPORT_UNKNOWN,	  /* where some store stands is not in the record */
	REPORT_SPLIT,	  /* some stores on new, some on old */
	REPORT_NEW,	  /* every store on new */
	REPORT_OLD	  /* every store on old */
};

struct report {
	const struct plan *plan; /* borrowed */
	struct sequence sequence;
	struct record record;
	struct attempts attempts;
	struct timeline timeline;
	struct facts facts;
	struct latency latency;
	int64_t made_ms;
	bool plan_changed; /* the newest intent carries another hash */
	enum report_verdict verdict;
	const char *summary; /* what happened, in one paragraph */
};

#define REPORT_AUTO __attribute__((cleanup(report_fini))) struct report

/* `latency_path` may be NULL.  Borrows the plan; the journal is read and not changed. */
int report_make(struct report *ret, const struct plan *plan, struct journal *journal,
	const char *latency_path, int64_t now_ms, struct arena *arena, struct err *err) MUST_CHECK;
/* The same from a record that was read already; takes it. */
void report_from(struct report *ret, const struct plan *plan, struct record *record, int64_t now_ms,
	struct arena *arena);
void report_fini(struct report *report);

const char *report_verdict_name(enum report_verdict verdict);	  /* "unsound" */
const char *report_verdict_sentence(enum report_verdict verdict); /* no full stop */

/* The side that a store's clients write to as the record ends: doors_writes(). */
const char *report_writes(const struct report *report, size_t store);
/* The longest window of all attempts; false when there was none. */
bool report_longest_window(const struct report *report, double *ret_ms);
/* The longest wait of a client across the window of an attempt, as the route saw it or as clients
 * measured it, whichever is longer; -1 = neither. */
double report_stall_of(const struct report *report, const struct attempt *attempt);
/* Of all attempts. */
double report_stall_ms(const struct report *report);
/* All stretches in which both doors of a store were shut. */
int64_t report_shut_ms(const struct report *report, size_t store);

/* "167 ms", "2.9 s", "3 min 4 s", "2 d 4 h": two figures are enough for people. */
#define SPAN_BYTES 32
void span_text(double ms, char ret[SPAN_BYTES]);

/* Returns owned: airlock.report/1. */
json_t *report_json(const struct report *report);

#endif
