/*
 * problem.h - what is wrong with a text, with its place, said the way compilers say it.
 *
 * All problems of a file are collected in one pass and printed in file order:
 *
 *   airlock.yaml:41:12: error: stores.orders.pattern: unknown pattern 'replica_promotion' (did you
 *   mean 'replica-promotion'?)
 *      41 |     pattern: replica_promotion
 *         |              ^~~~~~~~~~~~~~~~~
 *   help: airlock explain P-ENUM
 *
 * No secret is ever in a message or a source line: a line that holds one is not shown at all.
 *
 * Memory: every string lives in the arena that the list was made with.
 */
#ifndef AIRLOCK_PLAN_PROBLEM_H
#define AIRLOCK_PLAN_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

/*
 * A refusal is no error of the text: the plan is understood and can be shown, and what is under way
 * can be finished, but nothing new is begun with it (plan/refusal.h).
 */
enum problem_severity { PROBLEM_ERROR, PROBLEM_WARNING, PROBLEM_NOTE, PROBLEM_REFUSAL };

struct problem {
	const char *id; /* stable, "P-UNKNOWN-KEY"; a row of problems.def */
	enum problem_severity severity;
	const char *file;
	int line;   /* from 1; 0 = the whole file */
	int column; /* from 1, in characters, not bytes */
	int width;  /* characters to underline, at least 1 */
	const char *message;
	const char *help;   /* the remedy, or NULL */
	const char *source; /* the line itself, control characters made visible; NULL if none */
};

struct problems {
	struct arena *arena; /* borrowed */
	struct problem *rows;
	size_t count;
	size_t cap;
	size_t errors;	 /* how many of them are PROBLEM_ERROR */
	size_t refusals; /* and how many PROBLEM_REFUSAL */
};

void problems_init(struct problems *ps, struct arena *arena);
/* Appends a copy.  Past 200 rows only the counts grow. */
void problems_add(struct problems *ps, const struct problem *p);
/* Whether problems_add would only count: then no text needs to be made. */
bool problems_full(const struct problems *ps);
/* By place; equal places keep the order in which they were added. */
void problems_sort(struct problems *ps);
/* Sorts by place, then appends the text of all to `out`. */
void problems_print(struct problems *ps, bool color, struct buf *out);
/* The same without refusals, for commands that they do not concern; and only those. */
void problems_print_others(struct problems *ps, bool color, struct buf *out);
void problems_print_refusals(struct problems *ps, bool color, struct buf *out);
const char *problem_severity_name(enum problem_severity severity);
/* The explanation behind `airlock explain ID`, or NULL. */
const char *problem_explain(const char *id);
/* Every id that problem_explain knows, sorted; returns how many. */
size_t problem_ids(const char *const **ret_ids);

#endif
