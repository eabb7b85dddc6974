/*
 * fuzz_plan.c - any bytes as a plan: never a crash, never a hang, and what comes out is whole.
 *
 * With clang and -Dfuzz=true this is a libFuzzer target (seeds: tests/plans).  Always it is an
 * ordinary test too: corpus_main.c feeds it the same files, cut and damaged in many places.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"
#include "plan/plan.h"
#include "plan/sequence.h"

#include "fuzz_target.h"

static void check_utf8(const char *text)
{
	uint32_t code;

	for (; text && *text; text += utf8_next(text, &code))
		ENSURE(utf8_next(text, &code) > 0);
}

static void check_problems(struct problems *ps)
{
	BUF_AUTO out = BUF_INIT;

	for (size_t i = 0; i < ps->count; i++) {
		const struct problem *p = &ps->rows[i];

		ENSURE(problem_explain(p->id) != NULL);
		ENSURE(p->line >= 1);
		ENSURE(p->column >= 1);
		ENSURE(p->width >= 1);
		/* They go into JSON documents. */
		check_utf8(p->message);
		check_utf8(p->help);
		check_utf8(p->source);
		ENSURE(i == 0 || ps->rows[i - 1].line <= p->line);
	}
	problems_print(ps, true, &out);
	/* Nothing that a terminal would obey: only our own colours. */
	for (const char *c = buf_str(&out); *c; c++)
		ENSURE((unsigned char)*c >= 0x20 || *c == '\n' || strncmp(c, "\033[", 2) == 0);
}

/* All members once, in waves that exist. */
static void check_sequence(const struct plan *plan)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	size_t members = 0;

	sequence_make(plan, &arena, &q);
	for (size_t n = 0; n < q.count; n++)
		members += q.waves[n].members_count;
	ENSURE(members == plan->stores_count + plan->services_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ARENA_AUTO arena = ARENA_INIT;
	PLAN_AUTO plan = NULL;
	struct problems ps;
	struct err err = ERR_INIT;
	int failed;

	problems_init(&ps, &arena);
	failed = plan_parse("fuzz", (const char *)data, size, &plan, &ps, &err);
	ENSURE(!failed == !ps.errors);
	ENSURE(!failed == (plan != NULL));
	ENSURE(!failed || err.code == ERR_PLAN);
	check_problems(&ps);
	if (plan)
		check_sequence(plan);
	return 0;
}
