#include "core/table.h"

#include "base/check.h"

enum { H = PHASE_HOLDS, B = PHASE_BEFORE, A = PHASE_AFTER, E = PHASE_ENDS };

static const struct {
	const char *name, *sentence;
	int flags;
} phases[PHASE_COUNT] = {
#define PHASE(name, flags, sentence) [PHASE_##name] = {#name, sentence, flags},
#include "core/phases.def"
#undef PHASE
};

static const struct {
	const char *name, *sentence;
} signals[SIGNAL_COUNT] = {
#define SIGNAL(name, sentence) [SIGNAL_##name] = {#name, sentence},
#include "core/signals.def"
#undef SIGNAL
};

static const struct {
	const char *word, *undo;
} verbs[VERB_COUNT] = {
#define VERB(name, word, undo) [VERB_##name] = {word, undo},
#include "core/verbs.def"
#undef VERB
};

/* Two rows for one cell are a compile error: -Werror=override-init. */
static const struct edge edges[PHASE_COUNT][SIGNAL_COUNT] = {
#define EDGE(from, sig, to, text) [PHASE_##from][SIGNAL_##sig] = {EDGE_MOVE, PHASE_##to, text},
#define STAY(from, sig, text) [PHASE_##from][SIGNAL_##sig] = {EDGE_STAY, PHASE_##from, text},
#include "core/edges.def"
#undef EDGE
#undef STAY
};

static const struct step steps[] = {
#define STEP(phase, group, order, verb) {PHASE_##phase, group, ORDER_##order, VERB_##verb},
#include "core/steps.def"
#undef STEP
};

struct edge table_edge(enum phase phase, enum signal signal)
{
	REQUIRE(phase < PHASE_COUNT);
	REQUIRE(signal < SIGNAL_COUNT);
	return edges[phase][signal];
}

const struct step *table_steps(enum phase phase, size_t *ret_count)
{
	size_t first = 0, last;

	REQUIRE(phase < PHASE_COUNT);
	while (first < ARRAY_LEN(steps) && steps[first].phase != phase)
		first++;
	last = first;
	while (last < ARRAY_LEN(steps) && steps[last].phase == phase)
		last++;
	*ret_count = last - first;
	return &steps[first < ARRAY_LEN(steps) ? first : 0];
}

const char *phase_name(enum phase phase)
{
	REQUIRE(phase < PHASE_COUNT);
	return phases[phase].name;
}

const char *phase_sentence(enum phase phase)
{
	REQUIRE(phase < PHASE_COUNT);
	return phases[phase].sentence;
}

int phase_flags(enum phase phase)
{
	REQUIRE(phase < PHASE_COUNT);
	return phases[phase].flags;
}

const char *signal_name(enum signal signal)
{
	REQUIRE(signal < SIGNAL_COUNT);
	return signals[signal].name;
}

const char *signal_sentence(enum signal signal)
{
	REQUIRE(signal < SIGNAL_COUNT);
	return signals[signal].sentence;
}

const char *verb_word(enum verb verb)
{
	REQUIRE(verb < VERB_COUNT);
	return verbs[verb].word;
}

const char *verb_undo(enum verb verb)
{
	REQUIRE(verb < VERB_COUNT);
	return verbs[verb].undo;
}
