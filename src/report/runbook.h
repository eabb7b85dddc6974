/*
 * runbook.h - who does what in which order, with undo, and how many decisions people take: from the
 * plan alone.  Pure; shown by cli/runbook_text.c.
 */
#ifndef AIRLOCK_REPORT_RUNBOOK_H
#define AIRLOCK_REPORT_RUNBOOK_H

#include "plan/sequence.h"

/* What a person does, or Airlock does for them, one after the other. */
struct runbook_step {
	const char *who; /* "operator", "approver", "airlock" */
	bool decision;	 /* a person judges, and may stop here */
	const char *what;
	const char *command; /* "" when there is none to type */
	const char *undo;
	size_t wave; /* 0: before the first or after the last */
};

struct runbook {
	const struct plan *plan;
	struct runbook_step *steps;
	size_t count;
	size_t decisions;
};

/* Everything is in `arena`. */
void runbook_make(const struct plan *plan, const struct sequence *sequence, struct arena *arena,
	struct runbook *ret);

#endif
