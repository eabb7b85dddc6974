#include "scratch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

static int setup(void **state)
{
	struct scratch *s = calloc(1, sizeof *s);

	scratch_make(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

struct seen {
	int count;
	int64_t last_seq;
	char texts[4096];
	struct journal_entry first;
	char first_who[256];
};

static bool see(const struct journal_row *row, void *arg)
{
	struct seen *seen = arg;

	if (seen->count++ == 0) {
		seen->first = row->entry; /* numbers only: the strings are gone soon */
		snprintf(seen->first_who, sizeof seen->first_who, "%s", row->who);
	}
	seen->last_seq = row->seq;
	if (strlen(seen->texts) + strlen(row->entry.text) + 2 < sizeof seen->texts) {
		strcat(seen->texts, row->entry.text);
		strcat(seen->texts, "|");
	}
	return true;
}

static struct seen look(const struct scratch *s, const struct journal_filter *filter)
{
	JOURNAL_AUTO j = scratch_open(s, JOURNAL_READ);
	struct seen seen = {0};
	struct err err = ERR_INIT;

	if (journal_each(j, filter, see, &seen, &err))
		fail_msg("%s", err.msg);
	return seen;
}

static void rows_come_back_as_they_went_in(void **state)
{
	struct scratch *s = *state;
	struct seen seen;
	char host[65] = "";

	scratch_fill(s, 3);
	seen = look(s, NULL);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.last_seq, 3);
	assert_string_equal(seen.texts, "row 1|row 2|row 3|");
	assert_int_equal(seen.first.wave, 2);
	assert_int_equal(seen.first.attempt, 7);
	gethostname(host, sizeof host - 1);
	assert_non_null(strstr(seen.first_who, host));
	assert_non_null(strstr(seen.first_who, ": airlock test"));
}

static void files_are_for_the_owner_alone(void **state)
{
	struct scratch *s = *state;
	struct stat st;

	scratch_fill(s, 1);
	assert_int_equal(stat(s->state, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(s->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(s->head, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void filters_choose(void **state)
{
	struct scratch *s = *state;
	struct journal *j;
	struct err err = ERR_INIT;

	scratch_fill(s, 4);
	j = scratch_open(s, JOURNAL_WRITE);
	assert_int_equal(
		journal_append(j,
			&(struct journal_entry){.kind = "other", .text = "x", .run = "r2"}, &err),
		0);
	journal_close(j);
	assert_string_equal(look(s, &(struct journal_filter){.run = "r2"}).texts, "x|");
	assert_string_equal(
		look(s, &(struct journal_filter){.kind = "test", .last = 2}).texts, "row 3|row 4|");
	assert_int_equal(look(s, &(struct journal_filter){.store = "orders"}).count, 4);
	assert_int_equal(look(s, &(struct journal_filter){.store = "or'ders"}).count, 0);
}

static void odd_input_is_tamed(void **state)
{
	struct scratch *s = *state;
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	struct err err = ERR_INIT;
	char *huge = malloc(300000);
	struct seen seen;

	memset(huge, 'x', 299999);
	huge[299999] = '\0';
	assert_int_equal(journal_append(j,
				 &(struct journal_entry){.kind = "k",
					 .text = "bad \xff\xc0\x80 utf8 password=hunter2",
					 .detail = "no json"},
				 &err),
		0);
	assert_int_equal(
		journal_append(j, &(struct journal_entry){.kind = "k", .text = huge}, &err), 0);
	assert_int_equal(
		journal_append(j,
			&(struct journal_entry){.kind = "k", .text = "t", .detail = "[1]"}, &err),
		0);
	journal_close(j);
	free(huge);
	seen = look(s, &(struct journal_filter){.last = 3});
	assert_int_equal(seen.count, 3);
	assert_null(strstr(seen.texts, "hunter2"));
	assert_non_null(strstr(seen.texts, "\xef\xbf\xbd utf8 password=***"));
	assert_true(scratch_verify(s, NULL).sound);
}

static void not_there_is_a_usage_error(void **state)
{
	struct scratch *s = *state;
	struct err err = ERR_INIT;
	struct journal *j;

	assert_int_equal(journal_open(s->state, JOURNAL_READ, "t", &j, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(mkdir(s->state, 0700), 0);
	assert_int_equal(journal_open(s->state, JOURNAL_READ, "t", &j, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "--state"));
}

static void refuses_what_it_did_not_make(void **state)
{
	struct scratch *s = *state;
	struct err err = ERR_INIT;
	struct journal *j;
	FILE *f;

	scratch_fill(s, 1);
	scratch_sql(s, "PRAGMA user_version = 2");
	assert_int_equal(journal_open(s->state, JOURNAL_WRITE, "t", &j, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "newer"));
	scratch_sql(s, "PRAGMA user_version = 1; PRAGMA application_id = 1");
	assert_int_equal(journal_open(s->state, JOURNAL_READ, "t", &j, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	f = fopen(s->file, "w");
	assert_non_null(f);
	for (int i = 0; i < 4096; i++)
		fputs("this is not a database ", f);
	fclose(f);
	assert_int_equal(journal_open(s->state, JOURNAL_WRITE, "t", &j, &err), -1);
	assert_int_equal(err.code, ERR_CORRUPT);
}

#define THREADS 4
#define EACH 25

static void *append_many(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		struct err err = ERR_INIT;

		if (journal_append(arg, &(struct journal_entry){.kind = "t", .text = "x"}, &err))
			return arg;
	}
	return NULL;
}

static void threads_may_append_at_once(void **state)
{
	struct scratch *s = *state;
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	pthread_t threads[THREADS];
	struct journal_report report;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, append_many, j), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	journal_close(j);
	report = scratch_verify(s, NULL);
	assert_true(report.sound);
	assert_int_equal(report.rows, THREADS * EACH);
	assert_int_equal(report.head, JOURNAL_HEAD_SAME);
}

static void processes_may_append_at_once(void **state)
{
	struct scratch *s = *state;
	pid_t pids[3];
	struct journal_report report;

	for (size_t i = 0; i < 3; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct journal *j;
			struct err err = ERR_INIT;

			if (journal_open(s->state, JOURNAL_WRITE, "c", &j, &err)) {
				fprintf(stderr, "%s\n", err.msg);
				_exit(1);
			}
			_exit(append_many(j) ? 2 : 0); /* without closing: as a crash would */
		}
	}
	for (size_t i = 0; i < 3; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	report = scratch_verify(s, NULL);
	assert_true(report.sound);
	assert_int_equal(report.rows, 3 * EACH);
}

static void behind_is_written_in_order(void **state)
{
	struct scratch *s = *state;
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	struct err err = ERR_INIT;

	journal_append_behind(j, &(struct journal_entry){.kind = "w", .text = "hold"});
	journal_append_behind(j, &(struct journal_entry){.kind = "w", .text = "seal"});
	assert_int_equal(journal_behind(j), 2);
	scratch_append(j, "after");
	assert_int_equal(journal_behind(j), 0);
	journal_append_behind(j, &(struct journal_entry){.kind = "w", .text = "released"});
	assert_int_equal(journal_flush(j, &err), 0);
	assert_int_equal(journal_flush(j, &err), 0); /* nothing left: nothing written */
	journal_append_behind(j, &(struct journal_entry){.kind = "w", .text = "at close"});
	journal_close(j);
	assert_string_equal(look(s, NULL).texts, "hold|seal|after|released|at close|");
	assert_true(scratch_verify(s, NULL).sound);
}

static void a_full_ring_says_what_it_dropped(void **state)
{
	struct scratch *s = *state;
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	struct err err = ERR_INIT;
	struct seen seen;

	for (int i = 0; i < JOURNAL_BEHIND_MAX + 5; i++)
		journal_append_behind(j, &(struct journal_entry){.kind = "w", .text = "x"});
	assert_int_equal(journal_behind(j), JOURNAL_BEHIND_MAX);
	assert_int_equal(journal_flush(j, &err), 0);
	journal_close(j);
	seen = look(s, NULL);
	assert_int_equal(seen.count, JOURNAL_BEHIND_MAX + 1);
	seen = look(s, &(struct journal_filter){.kind = "dropped"});
	assert_int_equal(seen.count, 1);
	assert_int_equal(strncmp(seen.texts, "5 rows", 6), 0);
}

static void slots_cut_what_is_too_long(void **state)
{
	struct scratch *s = *state;
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	char text[2000], detail[2100];

	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	snprintf(detail, sizeof detail, "{\"a\":\"%s\"}", text);
	journal_append_behind(
		j, &(struct journal_entry){.kind = "w", .text = text, .detail = detail});
	journal_close(j);
	assert_int_equal(strlen(look(s, NULL).texts), 240 + 1);
	assert_true(scratch_verify(s, NULL).sound);
}

struct flusher {
	struct journal *j;
	atomic_bool ended;
	int rc;
};

static void *flush_in_thread(void *arg)
{
	struct flusher *f = arg;
	struct err err = ERR_INIT;

	f->rc = journal_flush(f->j, &err);
	atomic_store(&f->ended, true);
	return NULL;
}

/* Law 11: whoever is inside the window does not wait for somebody else's disk. */
static void behind_does_not_wait_for_the_disk(void **state)
{
	struct scratch *s = *state;
	struct flusher f = {.j = scratch_open(s, JOURNAL_WRITE)};
	sqlite3 *other;
	pthread_t thread;

	scratch_append(f.j, "first");
	journal_append_behind(f.j, &(struct journal_entry){.kind = "w", .text = "a"});
	assert_int_equal(sqlite3_open(s->file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(pthread_create(&thread, NULL, flush_in_thread, &f), 0);
	for (int i = 0; i < 50; i++)
		journal_append_behind(f.j, &(struct journal_entry){.kind = "w", .text = "b"});
	assert_false(atomic_load(&f.ended));
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	pthread_join(thread, NULL);
	assert_int_equal(f.rc, 0);
	sqlite3_close(other);
	journal_close(f.j);
	assert_int_equal(look(s, NULL).count, 52);
	assert_true(scratch_verify(s, NULL).sound);
}

static void the_newest_fact_holds(void **state)
{
	struct scratch *s = *state;
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	struct journal_entry approval = {.kind = "approval", .key = "abc", .detail = "{\"n\":1}"};
	struct journal_fact fact;
	struct err err = ERR_INIT;
	bool found = true;

	assert_int_equal(journal_get(j, "approval", "abc", &found, &fact, &err), 0);
	assert_false(found);
	assert_int_equal(journal_put(j, &approval, &err), 0);
	approval.detail = "{\"n\":2}";
	assert_int_equal(journal_put(j, &approval, &err), 0);
	scratch_append(j, "something else");
	assert_int_equal(journal_get(j, "approval", "abc", &found, &fact, &err), 0);
	assert_true(found);
	assert_int_equal(fact.seq, 2);
	assert_string_equal(fact.detail, "{\"n\":2}");
	journal_fact_fini(&fact);
	assert_int_equal(journal_get(j, "waiver", "abc", &found, &fact, &err), 0);
	assert_false(found);
	scratch_sql(s, "UPDATE entry SET key = 'def' WHERE seq = 2");
	assert_int_equal(journal_get(j, "approval", "def", &found, &fact, &err), -1);
	assert_int_equal(err.code, ERR_CORRUPT);
	journal_close(j);
}

static void ready_leaves_room_inside(void **state)
{
	struct scratch *s = *state;
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	struct err err = ERR_INIT;
	struct stat before, after;

	assert_int_equal(journal_ready(j, &err), 0);
	assert_int_equal(stat(s->file, &before), 0);
	assert_true(before.st_size > JOURNAL_RESERVE_BYTES);
	for (int i = 0; i < 100; i++)
		scratch_append(j, "fits into the room that was made");
	assert_int_equal(journal_ready(j, &err), 0);
	journal_close(j);
	assert_int_equal(stat(s->file, &after), 0);
	assert_true(after.st_size < before.st_size + 65536);
	assert_true(scratch_verify(s, NULL).sound);
}

static void rows_become_json(void **state)
{
	const struct journal_row row = {.seq = 3,
		.at = "t",
		.who = "w",
		.entry = {.run = "",
			.store = "s\x1b",
			.kind = "k",
			.key = "",
			.text = "caf\xc3\xa9\n",
			.detail = "{\"x\":[1]}"},
		.hash = "h"};
	BUF_AUTO out = BUF_INIT;
	json_t *doc;

	(void)state;
	journal_row_json(&row, &out);
	assert_int_equal(out.data[out.len - 1], '\n');
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
	doc = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(doc, "schema")), "airlock.journal/1");
	assert_string_equal(json_string_value(json_object_get(doc, "text")), "caf\xc3\xa9\n");
	assert_true(json_is_array(json_object_get(json_object_get(doc, "detail"), "x")));
	json_decref(doc);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rows_come_back_as_they_went_in),
		CASE(files_are_for_the_owner_alone),
		CASE(filters_choose),
		CASE(odd_input_is_tamed),
		CASE(not_there_is_a_usage_error),
		CASE(refuses_what_it_did_not_make),
		CASE(threads_may_append_at_once),
		CASE(processes_may_append_at_once),
		CASE(behind_is_written_in_order),
		CASE(a_full_ring_says_what_it_dropped),
		CASE(slots_cut_what_is_too_long),
		CASE(behind_does_not_wait_for_the_disk),
		CASE(the_newest_fact_holds),
		CASE(ready_leaves_room_inside),
		CASE(rows_become_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
