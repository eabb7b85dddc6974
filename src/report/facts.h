/*
 * facts.h - rows that say something by themselves: evidence, decisions, comparisons, alarms,
 * writers.  Pure.
 */
#ifndef AIRLOCK_REPORT_FACTS_H
#define AIRLOCK_REPORT_FACTS_H

#include "report/record.h"

/* Rows in order, borrowed from the record. */
struct rows {
	const struct record_row **list;
	size_t count;
};

struct gate_fact {
	const struct record_row *row; /* the newest evidence */
	const char *id, *state, *evidence, *remedy;
	bool required;
	int64_t measured_ms, until_ms; /* -1 = not said */
	size_t asked;		       /* how often it is in the record */
};

struct facts {
	struct gate_fact *gates;
	size_t gates_count;
	struct rows decisions; /* approval, waiver and its use, declare, sync, abandon */
	struct rows verifies;
	struct rows alarms;  /* what `airlock guard` noted: an alarm, or that it ended */
	struct rows writers; /* undeclared ones, the newest row of each */
};

void facts_make(const struct record *record, struct arena *arena, struct facts *ret);

/* Whether the evidence still held then. */
bool gate_fact_fresh(const struct gate_fact *gate, int64_t at_ms);

#endif
