/*
 * test_fake.c - the conformance suite over the fake store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conformance.h"
#include "store/fake/audit.h"
#include "store/fake/fake.h"

/* Time passes only when somebody waits, and then the links get on with their work. */
struct fake_env {
	struct env env; /* first */
	int64_t now_us;
	struct fake_world *world;
};

struct bench {
	struct fake_env env;
	struct fake_world world;
	struct fake_store first, second;
	int broken; /* a rule that this world does not keep, or -1 */
	struct fake_session *stayer;
	unsigned stayer_id;
};

static int64_t env_now(struct env *env)
{
	return ((struct fake_env *)env)->now_us;
}

static void env_wait(struct env *env, int64_t us)
{
	struct fake_env *e = (struct fake_env *)env;

	e->now_us += us;
	fake_link_step(e->world, SIDE_OLD);
	fake_link_step(e->world, SIDE_NEW);
	fake_flush(e->world, SIDE_OLD);
	fake_flush(e->world, SIDE_NEW);
}

static void env_passes(struct env *env, const char *when, const char *what)
{
	(void)env;
	(void)when;
	(void)what;
}

static const struct env_ops env_ops = {.now_us = env_now, .pause = env_wait, .point = env_passes};

static int64_t world_now(void *arg)
{
	return ((struct fake_env *)arg)->now_us;
}

static void reset(struct conformance_world *w)
{
	struct bench *b = w->arg;
	int broken = b->broken;

	memset(b, 0, sizeof *b);
	b->broken = broken;
	fake_world_init(&b->world, "fake");
	b->env = (struct fake_env){.env = {.ops = &env_ops}, .now_us = 1000, .world = &b->world};
	if (broken >= 0)
		b->world.broken[broken] = true;
	b->world.now_us = world_now;
	b->world.now_arg = &b->env;
	fake_store_init(&b->first, &b->world, &b->env.env);
	fake_store_init(&b->second, &b->world, &b->env.env);
	w->store = &b->first.store;
	w->other = &b->second.store;
}

static struct fake_session *log_in(struct bench *b, enum side side, unsigned *ret_id)
{
	struct fake_session *s = fake_connect(&b->world, side);

	if (!s)
		return NULL;
	*ret_id = s->id;
	if (!fake_login_step(&b->world, s, *ret_id) || !fake_login_step(&b->world, s, *ret_id))
		return NULL;
	return s;
}

static bool write_row(void *arg, enum side side)
{
	struct bench *b = arg;
	unsigned id = 0;
	struct fake_session *s = log_in(b, side, &id);
	size_t row;
	bool done = s && fake_write(&b->world, s, id, &row);

	if (s)
		fake_disconnect(s, id);
	return done;
}

static long rows(void *arg, enum side side)
{
	const struct fake_side *at = &((struct bench *)arg)->world.side[side];
	long count = 0;

	for (size_t i = 0; i < at->end; i++)
		count += at->log[i].kind == FAKE_ROW;
	return count;
}

static void catch_up(void *arg)
{
	fake_settle(&((struct bench *)arg)->world);
}

static int64_t sequence(void *arg, enum side side)
{
	return ((struct bench *)arg)->world.side[side].sequence;
}

static int64_t draw(void *arg, enum side side)
{
	return ++((struct bench *)arg)->world.side[side].sequence;
}

static void stay(void *arg, enum side side)
{
	struct bench *b = arg;

	b->stayer = log_in(b, side, &b->stayer_id);
}

static bool stays(void *arg)
{
	struct bench *b = arg;

	return b->stayer && fake_alive(&b->world, b->stayer, b->stayer_id);
}

/* The suite is worth something: a driver that breaks one of these rules does not pass it. */
static int count_unnoticed(struct bench *b, struct conformance_world *world)
{
	static const enum fake_rule noticed[] = {FAKE_RULE_GUARD_CAS, FAKE_RULE_GUARD_PAIR,
		FAKE_RULE_FENCE, FAKE_RULE_PROOF, FAKE_RULE_SEQUENCES, FAKE_RULE_REVOKED,
		FAKE_RULE_REOPEN_FROM, FAKE_RULE_WAYBACK_AFTER_BARRIER, FAKE_RULE_TURN_ADVANCE,
		FAKE_RULE_TURN_ONCE, FAKE_RULE_RELINK_PAIR};
	int unnoticed = 0;

	world->quiet = true;
	for (size_t i = 0; i < ARRAY_LEN(noticed); i++) {
		b->broken = (int)noticed[i];
		if (conformance_run(world) > 0)
			continue;
		printf("a store that breaks rule %d passes\n", b->broken);
		unnoticed++;
	}
	return unnoticed;
}

int main(void)
{
	struct bench *b = calloc(1, sizeof *b);
	struct conformance_world world = {
		.name = "fake",
		.arg = b,
		.patience_ms = 5000,
		.reset = reset,
		.write = write_row,
		.rows = rows,
		.catch_up = catch_up,
		.sequence = sequence,
		.draw = draw,
		.stay = stay,
		.stays = stays,
	};
	int failed;

	INVARIANT(b != NULL);
	b->broken = -1;
	failed = conformance_run(&world);
	failed += count_unnoticed(b, &world);
	free(b);
	return failed > 0;
}
