#include "report/window.h"

#include "base/check.h"

static const struct {
	const char *name;
	enum verb from, to;
	const char *sentence;
} parts[] = {
	{"hold", VERB_HOLD, VERB_HOLD, "clients come to a boundary and wait"},
	{"seal", VERB_SEAL, VERB_SEAL, "the door is shut, in the register's own transaction"},
	{"proof", VERB_END, VERB_END, "sessions are ended until nobody is left"},
	{"marker", VERB_MARKER, VERB_MARKER, "the last row is committed on the shut side"},
	{"catchup", VERB_REACHED, VERB_REACHED, "it arrives on the other side and is durable"},
	{"cut", VERB_CUT, VERB_CUT, "the link is stopped"},
	/* beside marker .. cut */
	{"try", VERB_TRY, VERB_TRY, "a write is tried on the shut side and must be refused"},
	/* beside catchup and cut */
	{"sequences", VERB_SEQUENCES, VERB_SEQUENCES, "sequences are moved forward"},
	{"commit", VERB_COMMIT, VERB_PROMOTE, "the decision, then the other door is opened"},
	{"release", VERB_RELEASE, VERB_RELEASE, "clients go on"},
};

size_t window_parts(void)
{
	return ARRAY_LEN(parts);
}

const char *window_part_name(size_t part)
{
	REQUIRE(part < ARRAY_LEN(parts));
	return parts[part].name;
}

const char *window_part_sentence(size_t part)
{
	REQUIRE(part < ARRAY_LEN(parts));
	return parts[part].sentence;
}

enum verb window_part_verb(size_t part)
{
	REQUIRE(part < ARRAY_LEN(parts));
	return parts[part].from;
}

bool window_part_ms(const struct engine_part *verbs, size_t part, double *ret_ms)
{
	const struct engine_part *from = &verbs[parts[part].from];
	const struct engine_part *to = &verbs[parts[part].to];
	int64_t end = to->ended_us > from->ended_us ? to->ended_us : from->ended_us;

	if (!from->ran || !to->ran)
		return false;
	*ret_ms = (double)(end - from->began_us) / 1000;
	return true;
}

bool window_ms(const struct engine_part *verbs, double *ret_ms)
{
	const struct engine_part *hold = &verbs[VERB_HOLD];
	const struct engine_part *promote = &verbs[VERB_PROMOTE];
	const struct engine_part *release = &verbs[VERB_RELEASE];

	if (!hold->ran || !promote->ran)
		return false;
	*ret_ms =
		(double)((release->ran ? release->ended_us : promote->ended_us) - hold->began_us) /
		1000;
	return true;
}
