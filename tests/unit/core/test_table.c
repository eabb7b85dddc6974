/*
 * test_table.c - what the laws ask of the machine's tables.
 *
 * AIRLOCK_WRITE_GOLDEN=1 rewrites the golden file and the document from the tables.
 */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/table.h"
#include "dump.h"

static const char *golden_path, *document_path;

static enum phase moved(enum phase from, enum signal signal)
{
	struct edge edge = table_edge(from, signal);

	assert_int_equal(edge.kind, EDGE_MOVE);
	return edge.next;
}

static bool has(enum phase phase, int flag)
{
	return (phase_flags(phase) & flag) != 0;
}

static void reach(enum phase from, bool seen[PHASE_COUNT])
{
	if (seen[from])
		return;
	seen[from] = true;
	for (int s = 0; s < SIGNAL_COUNT; s++) {
		struct edge edge = table_edge(from, (enum signal)s);

		if (edge.kind == EDGE_MOVE)
			reach(edge.next, seen);
	}
}

static void every_phase_is_reachable(void **state)
{
	bool seen[PHASE_COUNT] = {false};

	(void)state;
	reach(PHASE_IDLE, seen);
	for (int p = 0; p < PHASE_COUNT; p++)
		assert_true(seen[p]);
}

static void every_phase_can_end(void **state)
{
	(void)state;
	for (int p = 0; p < PHASE_COUNT; p++) {
		bool seen[PHASE_COUNT] = {false}, ends = false;

		reach((enum phase)p, seen);
		for (int q = 0; q < PHASE_COUNT; q++)
			ends |= seen[q] && has((enum phase)q, PHASE_ENDS);
		assert_true(ends);
	}
}

static void every_signal_is_used(void **state)
{
	(void)state;
	for (int s = 0; s < SIGNAL_COUNT; s++) {
		int used = 0;

		for (int p = 0; p < PHASE_COUNT; p++)
			used += table_edge((enum phase)p, (enum signal)s).kind != EDGE_ILLEGAL;
		assert_true(used > 0);
	}
}

/* Law 6 and the commit point: before it failure, deadline and a person all lead to the undo. */
static void before_the_commit_point_everything_can_be_undone(void **state)
{
	int phases = 0;

	(void)state;
	for (int p = 0; p < PHASE_COUNT; p++) {
		enum phase phase = (enum phase)p;

		if (!has(phase, PHASE_BEFORE))
			continue;
		assert_int_equal(moved(phase, SIGNAL_FAILED), PHASE_UNDOING);
		assert_int_equal(moved(phase, SIGNAL_DEADLINE), PHASE_UNDOING);
		assert_int_equal(moved(phase, SIGNAL_ABORT), PHASE_UNDOING);
		assert_int_equal(moved(phase, SIGNAL_LOST), PHASE_IDLE);
		phases++;
	}
	assert_int_equal(phases, 4);
}

/*
 * After it nothing goes back: forward, or UNKNOWN, or another look at the registers, which alone
 * may say that the destination refused.
 */
static void after_the_commit_point_nothing_goes_back(void **state)
{
	(void)state;
	for (int p = 0; p < PHASE_COUNT; p++) {
		for (int s = 0; s < SIGNAL_COUNT; s++) {
			struct edge edge = table_edge((enum phase)p, (enum signal)s);

			if (!has((enum phase)p, PHASE_AFTER) || edge.kind != EDGE_MOVE)
				continue;
			assert_int_not_equal(edge.next, PHASE_UNDOING);
			assert_false(has(edge.next, PHASE_BEFORE));
			if (edge.next == PHASE_IDLE)
				assert_int_equal(s, SIGNAL_LOST);
			else
				assert_true((int)edge.next > p);
		}
	}
}

/* Only the destination's answer decides: neither clock nor person moves a committed attempt. */
static void past_the_commit_point_clock_and_person_change_nothing(void **state)
{
	(void)state;
	for (int p = 0; p < PHASE_COUNT; p++) {
		if (!has((enum phase)p, PHASE_AFTER))
			continue;
		assert_int_equal(table_edge((enum phase)p, SIGNAL_DEADLINE).kind, EDGE_STAY);
		assert_int_equal(table_edge((enum phase)p, SIGNAL_ABORT).kind, EDGE_STAY);
	}
}

static void whoever_holds_clients_has_a_deadline(void **state)
{
	(void)state;
	for (int p = 0; p < PHASE_COUNT; p++) {
		if (!has((enum phase)p, PHASE_HOLDS))
			continue;
		assert_int_not_equal(table_edge((enum phase)p, SIGNAL_DEADLINE).kind, EDGE_ILLEGAL);
		/* A phase that fails for ever may not hold for ever. */
		if (!has((enum phase)p, PHASE_BEFORE))
			assert_int_equal(table_edge((enum phase)p, SIGNAL_SPENT).kind, EDGE_MOVE);
	}
}

/* A signal that somebody else leads always ends in another look, never in a belief. */
static void lost_always_looks_again(void **state)
{
	(void)state;
	for (int p = 0; p < PHASE_COUNT; p++) {
		struct edge edge = table_edge((enum phase)p, SIGNAL_LOST);

		if (edge.kind != EDGE_ILLEGAL)
			assert_int_equal(edge.next, PHASE_IDLE);
	}
}

/* What the classifier says is taken in IDLE and nowhere else; what steps say, nowhere in IDLE. */
static void sights_belong_to_idle(void **state)
{
	(void)state;
	for (int s = 0; s < SIGNAL_COUNT; s++) {
		bool sight = strncmp(signal_name((enum signal)s), "SEEN_", 5) == 0;

		for (int p = 0; p < PHASE_COUNT; p++) {
			enum edge_kind kind = table_edge((enum phase)p, (enum signal)s).kind;

			if (sight)
				assert_int_equal(kind != EDGE_ILLEGAL, p == PHASE_IDLE);
			else if (p == PHASE_IDLE && s < SIGNAL_SPENT)
				assert_int_equal(kind, EDGE_ILLEGAL);
		}
	}
}

static void ends_have_no_way_out(void **state)
{
	(void)state;
	for (int s = 0; s < SIGNAL_COUNT; s++) {
		assert_int_equal(table_edge(PHASE_FINAL, (enum signal)s).kind, EDGE_ILLEGAL);
		assert_int_equal(table_edge(PHASE_UNKNOWN, (enum signal)s).kind, EDGE_ILLEGAL);
	}
}

static void a_phase_with_steps_can_take_their_answers(void **state)
{
	int used[VERB_COUNT] = {0};

	(void)state;
	for (int p = 0; p < PHASE_COUNT; p++) {
		size_t count;
		const struct step *step = table_steps((enum phase)p, &count);

		for (size_t i = 0; i < count; i++) {
			unsigned before = i == 0 ? 0 : step[i - 1].group;

			used[step[i].verb]++;
			assert_true(step[i].group == before || step[i].group == before + 1);
		}
		if (count == 0)
			continue;
		assert_int_equal(table_edge((enum phase)p, SIGNAL_DONE).kind, EDGE_MOVE);
		assert_int_not_equal(table_edge((enum phase)p, SIGNAL_FAILED).kind, EDGE_ILLEGAL);
		assert_int_equal(table_edge((enum phase)p, SIGNAL_LOST).kind, EDGE_MOVE);
	}
	for (int v = 0; v < VERB_COUNT; v++)
		assert_true(used[v] > 0);
}

/* --- files that people read ----------------------------------------------------------------- */

static void read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "r");
	char chunk[4096];
	size_t n;

	assert_non_null(file);
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		buf_add(out, chunk, n);
	fclose(file);
}

static void must_equal_file(const char *path, const struct buf *now)
{
	BUF_AUTO then = BUF_INIT;

	if (getenv("AIRLOCK_WRITE_GOLDEN")) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(buf_str(now), file);
		assert_int_equal(fclose(file), 0);
	}
	read_file(path, &then);
	if (strcmp(buf_str(&then), buf_str(now)) != 0)
		print_message("%s differs from the tables; run this test with "
			      "AIRLOCK_WRITE_GOLDEN=1 and review the difference\n",
			path);
	assert_string_equal(buf_str(&then), buf_str(now));
}

static void the_golden_file_is_the_table(void **state)
{
	BUF_AUTO out = BUF_INIT;

	(void)state;
	dump_table(&out);
	must_equal_file(golden_path, &out);
}

static void the_document_is_the_table(void **state)
{
	BUF_AUTO out = BUF_INIT;

	(void)state;
	dump_document(&out);
	must_equal_file(document_path, &out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_phase_is_reachable),
		cmocka_unit_test(every_phase_can_end),
		cmocka_unit_test(every_signal_is_used),
		cmocka_unit_test(before_the_commit_point_everything_can_be_undone),
		cmocka_unit_test(after_the_commit_point_nothing_goes_back),
		cmocka_unit_test(past_the_commit_point_clock_and_person_change_nothing),
		cmocka_unit_test(whoever_holds_clients_has_a_deadline),
		cmocka_unit_test(lost_always_looks_again),
		cmocka_unit_test(sights_belong_to_idle),
		cmocka_unit_test(ends_have_no_way_out),
		cmocka_unit_test(a_phase_with_steps_can_take_their_answers),
		cmocka_unit_test(the_golden_file_is_the_table),
		cmocka_unit_test(the_document_is_the_table),
	};

	if (argc != 3)
		return 2;
	golden_path = argv[1];
	document_path = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
