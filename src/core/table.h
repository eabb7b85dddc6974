/*
 * table.h - the machine's tables as data, compiled from the .def files.
 */
#ifndef AIRLOCK_CORE_TABLE_H
#define AIRLOCK_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum phase {
#define PHASE(name, flags, sentence) PHASE_##name,
#include "core/phases.def"
#undef PHASE
	PHASE_COUNT
};

enum signal {
#define SIGNAL(name, sentence) SIGNAL_##name,
#include "core/signals.def"
#undef SIGNAL
	SIGNAL_COUNT
};

enum verb {
#define VERB(name, word, undo) VERB_##name,
#include "core/verbs.def"
#undef VERB
	VERB_COUNT
};

enum phase_flag { PHASE_HOLDS = 1, PHASE_BEFORE = 2, PHASE_AFTER = 4, PHASE_ENDS = 8 };

enum edge_kind { EDGE_ILLEGAL, EDGE_MOVE, EDGE_STAY };

struct edge {
	enum edge_kind kind;
	enum phase next; /* == the phase itself for EDGE_STAY */
	const char *sentence;
};

enum step_order {
	ORDER_ALL,
	ORDER_FIRST,
	ORDER_LAST,
	ORDER_DECIDER,
	ORDER_OTHERS,
	ORDER_BESIDE
};

struct step {
	enum phase phase;
	unsigned group;
	enum step_order order;
	enum verb verb;
};

struct edge table_edge(enum phase phase, enum signal signal);
/* The steps of a phase are adjacent rows; *ret_count is 0 when it has none. */
const struct step *table_steps(enum phase phase, size_t *ret_count);

const char *phase_name(enum phase phase); /* "CAUGHT_UP" */
const char *phase_sentence(enum phase phase);
int phase_flags(enum phase phase);
const char *signal_name(enum signal signal);
const char *signal_sentence(enum signal signal);
const char *verb_word(enum verb verb); /* "seal" */
const char *verb_undo(enum verb verb);

#endif
