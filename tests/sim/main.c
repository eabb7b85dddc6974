/*
 * main.c - sim [--seeds N] [--from S] [--seconds T] [--seed S] [--trace] [--bug NAME] [--json]
 *
 * Exit 0: all seeds passed; 1: one did not (with --bug that is what is wanted); 2: usage.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "sim.h"

struct options {
	uint64_t from, seeds;
	double seconds;
	bool trace, json, twice;
	enum bug bug;
};

struct result {
	uint64_t hash; /* of all traces */
	long failed, twice;
	uint64_t first_failed;
	char failure[240];
	double seconds;
};

/* Only for the handler: which seed was running when an assertion failed. */
static volatile uint64_t current_seed;
static volatile int current_bug;

static void on_abort(int sig)
{
	char line[160];
	int n = snprintf(line, sizeof line, "seed %llu died; replay: sim --seed %llu --trace%s%s\n",
		(unsigned long long)current_seed, (unsigned long long)current_seed,
		current_bug ? " --bug " : "", current_bug ? bug_name((enum bug)current_bug) : "");

	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		_exit(3);
	signal(sig, SIG_DFL);
	raise(sig);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void note_failure(const struct sim *sim, struct result *r)
{
	if (r->failed++ > 0)
		return;
	r->first_failed = sim->seed;
	snprintf(r->failure, sizeof r->failure, "%s", sim->failure);
}

/* Law of the simulator: same seed, same trace. */
static void run_again(struct sim *sim, uint64_t seed, struct result *r)
{
	uint64_t hash = sim->sched.hash;

	r->twice++;
	sim_run(sim, seed);
	if (sim->sched.hash == hash)
		return;
	sim_fail(sim, "the same seed took another way");
	note_failure(sim, r);
}

static void run_all(const struct options *o, struct sim *sim, struct result *r)
{
	double start = now_s();

	for (uint64_t seed = o->from; seed < o->from + o->seeds; seed++) {
		bool passed;

		if (o->seconds > 0 && now_s() - start > o->seconds)
			break;
		current_seed = seed;
		passed = sim_run(sim, seed);
		r->hash = (r->hash ^ sim->sched.hash) * UINT64_C(0x100000001b3);
		if (!passed)
			note_failure(sim, r);
		if (o->twice || seed % 100 == 0)
			run_again(sim, seed, r);
		if (r->failed > 0 && o->bug != BUG_NONE)
			break;
	}
	r->seconds = now_s() - start;
}

/* --- the report ------------------------------------------------------------------------------- */

/* Clock and person are asked only where they can change something. */
static bool is_counted(enum phase phase, enum signal signal)
{
	enum edge_kind kind = table_edge(phase, signal).kind;
	bool timed = signal == SIGNAL_DEADLINE || signal == SIGNAL_ABORT;

	return kind == EDGE_MOVE || (kind == EDGE_STAY && !timed);
}

static void count_cells(const struct sim_totals *t, int *ret_hit, int *ret_legal)
{
	*ret_hit = *ret_legal = 0;
	for (int p = 0; p < PHASE_COUNT; p++) {
		for (int s = 0; s < SIGNAL_COUNT; s++) {
			if (!is_counted((enum phase)p, (enum signal)s))
				continue;
			++*ret_legal;
			*ret_hit += t->cell[p][s] > 0;
		}
	}
}

static void print_missed(const struct sim_totals *t, const char *before, const char *between)
{
	const char *sep = before;

	for (int p = 0; p < PHASE_COUNT; p++) {
		for (int s = 0; s < SIGNAL_COUNT; s++) {
			if (!is_counted((enum phase)p, (enum signal)s) || t->cell[p][s] > 0)
				continue;
			printf("%s%s %s", sep, phase_name((enum phase)p),
				signal_name((enum signal)s));
			sep = between;
		}
	}
}

static void print_json(const struct options *o, const struct sim_totals *t, const struct result *r)
{
	int hit, legal;

	count_cells(t, &hit, &legal);
	printf("{\"schema\":\"airlock.sim/1\",\"from\":%llu,\"seeds\":%ld,\"failed\":%ld,"
	       "\"run_twice\":%ld,\"seconds\":%.2f,\"per_second\":%.0f,\"hash\":\"%016llx\","
	       "\"slices\":%ld,\"promotions\":%ld,\"rows\":%ld,\"holds\":%ld,\"refused\":%ld,",
		(unsigned long long)o->from, t->seeds, r->failed, r->twice, r->seconds,
		(double)t->seeds / r->seconds, (unsigned long long)r->hash, t->slices, t->cutovers,
		t->rows, t->held, t->refused);
	printf("\"verdicts\":{");
	for (int v = VERDICT_DONE; v <= VERDICT_UNKNOWN; v++)
		printf("%s\"%s\":%ld", v > VERDICT_DONE ? "," : "",
			core_verdict_name((enum core_verdict)v), t->verdicts[v]);
	printf("},\"faults\":{");
	for (int k = 0; k < FAULT_KIND_COUNT; k++)
		printf("%s\"%s\":%ld", k > 0 ? "," : "", fault_name((enum fault_kind)k),
			t->faults[k]);
	printf("},\"cells\":{\"hit\":%d,\"legal\":%d,\"missed\":[", hit, legal);
	if (hit < legal) {
		print_missed(t, "\"", "\",\"");
		printf("\"");
	}
	printf("]},\"first_failed\":");
	if (r->failed)
		printf("{\"seed\":%llu,\"why\":\"%s\"}}\n", (unsigned long long)r->first_failed,
			r->failure);
	else
		printf("null}\n");
}

static void print_text(const struct options *o, const struct sim_totals *t, const struct result *r)
{
	int hit, legal;

	count_cells(t, &hit, &legal);
	printf("%ld seeds from %llu in %.1f s (%.0f/s), %ld run twice, %ld slices; "
	       "%ld promotions, %ld rows, %ld holds; cells %d of %d; hash %016llx\n",
		t->seeds, (unsigned long long)o->from, r->seconds, (double)t->seeds / r->seconds,
		r->twice, t->slices, t->cutovers, t->rows, t->held, hit, legal,
		(unsigned long long)r->hash);
	print_missed(t, "never seen: ", ", ");
	if (hit < legal)
		putchar('\n');
	if (r->failed)
		printf("%ld FAILED; seed %llu: %s\nreplay: sim --seed %llu --trace%s%s\n",
			r->failed, (unsigned long long)r->first_failed, r->failure,
			(unsigned long long)r->first_failed, o->bug ? " --bug " : "",
			o->bug ? bug_name(o->bug) : "");
}

/* --- the command line ------------------------------------------------------------------------- */

static int usage(void)
{
	fprintf(stderr, "usage: sim [--seeds N] [--from S] [--seconds T] [--seed S] [--trace] "
			"[--twice] [--bug NAME] [--bugs] [--json]\n");
	return 2;
}

static int list_bugs(void)
{
	for (int b = BUG_NONE + 1; b < BUG_COUNT; b++)
		printf("%-20s %s\n", bug_name((enum bug)b), bug_sentence((enum bug)b));
	return 0;
}

static bool parse_bug(const char *name, enum bug *ret_bug)
{
	for (int b = BUG_NONE; b < BUG_COUNT; b++) {
		if (strcmp(name, bug_name((enum bug)b)) != 0)
			continue;
		*ret_bug = (enum bug)b;
		return true;
	}
	return false;
}

static bool parse(int argc, char **argv, struct options *o, bool *ret_list)
{
	static const struct option longs[] = {{"seeds", required_argument, NULL, 'n'},
		{"from", required_argument, NULL, 'f'}, {"seconds", required_argument, NULL, 't'},
		{"seed", required_argument, NULL, 's'}, {"trace", no_argument, NULL, 'v'},
		{"twice", no_argument, NULL, '2'}, {"bug", required_argument, NULL, 'b'},
		{"bugs", no_argument, NULL, 'l'}, {"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			o->seeds = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			o->from = strtoull(optarg, NULL, 10);
			break;
		case 't':
			o->seconds = strtod(optarg, NULL);
			break;
		case 's':
			o->from = strtoull(optarg, NULL, 10);
			o->seeds = 1;
			break;
		case 'v':
			o->trace = true;
			break;
		case '2':
			o->twice = true;
			break;
		case 'b':
			if (!parse_bug(optarg, &o->bug))
				return false;
			break;
		case 'l':
			*ret_list = true;
			break;
		case 'j':
			o->json = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct options o = {.from = 1, .seeds = 1000};
	struct sim_totals totals = {0};
	struct result r = {.hash = UINT64_C(0xcbf29ce484222325)};
	struct fiber_pool *pool;
	struct sim *sim;
	bool list = false;

	if (!parse(argc, argv, &o, &list))
		return usage();
	if (list)
		return list_bugs();
	pool = fiber_pool_new();
	sim = calloc(1, sizeof *sim);
	INVARIANT(sim != NULL);
	sim_init(sim, pool, &totals);
	sim->tracing = o.trace;
	sim->bug = o.bug;
	current_bug = (int)o.bug;
	signal(SIGABRT, on_abort);
	run_all(&o, sim, &r);
	(o.json ? print_json : print_text)(&o, &totals, &r);
	sim_fini(sim);
	free(sim);
	fiber_pool_free(pool);
	return r.failed > 0;
}
