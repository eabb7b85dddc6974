#include "scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/prng.h"

static int setup(void **state)
{
	struct scratch *s = calloc(1, sizeof *s);

	scratch_make(s);
	scratch_fill(s, 9);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

static void an_untouched_chain_is_sound(void **state)
{
	struct journal_report r = scratch_verify(*state, NULL);

	assert_true(r.sound);
	assert_int_equal(r.rows, 9);
	assert_int_equal(r.bad_seq, 0);
	assert_string_equal(r.why, "");
	assert_int_equal(r.head, JOURNAL_HEAD_SAME);
	assert_true(scratch_verify(*state, r.hash).sound);
}

static void each_column_of_each_row_is_covered(void **state)
{
	static const char *const changes[] = {
		"at = at || ' '",
		"at = ''",
		"who = replace(who, 'airlock', 'airlocK')",
		"run = ''",
		"wave = wave + 1",
		"attempt = -attempt",
		"store = 'orderS'",
		"kind = kind || x'00'",
		"key = 'k'",
		"text = text || '.'",
		"text = substr(text, 2)",
		"detail = '{}'",
		"hash = upper(hash)",
		"hash = substr(hash, 1, 63) || iif(substr(hash, 64) = '0', '1', '0')",
	};

	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		for (int seq = 1; seq <= 9; seq += 4) {
			struct scratch s;
			struct journal_report r;
			char sql[240];

			(void)state;
			scratch_make(&s);
			scratch_fill(&s, 9);
			snprintf(sql, sizeof sql, "UPDATE entry SET %s WHERE seq = %d", changes[i],
				seq);
			scratch_sql(&s, sql);
			r = scratch_verify(&s, NULL);
			if (r.sound || r.bad_seq != seq || r.rows != seq - 1)
				fail_msg("%s: sound %d, row %d: %s", sql, r.sound, (int)r.bad_seq,
					r.why);
			scratch_remove(&s);
		}
}

static void a_removed_row_is_missed(void **state)
{
	struct journal_report r;

	scratch_sql(*state, "DELETE FROM entry WHERE seq = 4");
	r = scratch_verify(*state, NULL);
	assert_false(r.sound);
	assert_int_equal(r.bad_seq, 4);
	assert_non_null(strstr(r.why, "removed"));
	/* ... and still when the others close the gap. */
	scratch_sql(*state, "UPDATE entry SET seq = seq - 1 WHERE seq > 4");
	r = scratch_verify(*state, NULL);
	assert_false(r.sound);
	assert_int_equal(r.bad_seq, 4);
}

static void an_inserted_row_does_not_follow(void **state)
{
	struct journal_report r;

	scratch_sql(*state,
		"UPDATE entry SET seq = -seq - 1 WHERE seq > 5; UPDATE entry SET seq = -seq WHERE "
		"seq < 0;"
		"INSERT INTO entry SELECT 6, at, who, run, wave, attempt, store, kind, key,"
		" 'was never done', detail, hash FROM entry WHERE seq = 5");
	r = scratch_verify(*state, NULL);
	assert_false(r.sound);
	assert_int_equal(r.bad_seq, 6);
}

static void exchanged_rows_do_not_follow(void **state)
{
	struct journal_report r;

	scratch_sql(*state, "UPDATE entry SET seq = 99 WHERE seq = 3;"
			    "UPDATE entry SET seq = 3 WHERE seq = 4;"
			    "UPDATE entry SET seq = 4 WHERE seq = 99");
	r = scratch_verify(*state, NULL);
	assert_false(r.sound);
	assert_int_equal(r.bad_seq, 3);
}

static void a_cut_tail_is_known_to_the_head_file(void **state)
{
	struct scratch *s = *state;
	struct journal_report r, whole = scratch_verify(s, NULL);

	scratch_sql(s, "DELETE FROM entry WHERE seq > 7");
	r = scratch_verify(s, NULL);
	assert_false(r.sound);
	assert_int_equal(r.bad_seq, 8);
	assert_int_equal(r.rows, 7);
	/* Without the head file it looks sound, and the report says how little that means. */
	assert_int_equal(unlink(s->head), 0);
	r = scratch_verify(s, NULL);
	assert_true(r.sound);
	assert_int_equal(r.head, JOURNAL_HEAD_NONE);
	/* A hash kept elsewhere finds it even then. */
	assert_false(scratch_verify(s, whole.hash).sound);
}

static void an_older_head_file_is_no_alarm(void **state)
{
	struct scratch *s = *state;
	char old[300];
	int fd = open(s->head, O_RDWR);
	ssize_t len = read(fd, old, sizeof old);
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	struct journal_report r;

	scratch_append(j, "one more");
	journal_close(j);
	assert_int_equal(pwrite(fd, old, (size_t)len, 0), len);
	r = scratch_verify(s, NULL);
	assert_true(r.sound);
	assert_int_equal(r.head, JOURNAL_HEAD_BEHIND);
	/* A head that nobody wrote is none. */
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_int_equal(scratch_verify(s, NULL).head, JOURNAL_HEAD_NONE);
	close(fd);
}

static void another_journal_in_its_place_is_noticed(void **state)
{
	struct scratch *s = *state, other;
	struct journal_report r;

	scratch_make(&other);
	scratch_fill(&other, 12);
	assert_int_equal(rename(other.file, s->file), 0);
	r = scratch_verify(s, NULL);
	assert_false(r.sound);
	scratch_remove(&other);
}

static void an_old_copy_in_its_place_is_noticed(void **state)
{
	struct scratch *s = *state;
	BUF_AUTO copy = BUF_INIT;
	struct journal_report r;
	struct journal *j;

	buf_printf(&copy, "VACUUM INTO '%s/copy'", s->dir);
	scratch_sql(s, buf_str(&copy));
	j = scratch_open(s, JOURNAL_WRITE);
	scratch_append(j, "after the copy");
	journal_close(j);
	buf_clear(&copy);
	buf_printf(&copy, "%s/copy", s->dir);
	assert_int_equal(chmod(buf_str(&copy), 0600), 0);
	assert_int_equal(rename(buf_str(&copy), s->file), 0);
	r = scratch_verify(s, NULL);
	assert_false(r.sound);
	assert_int_equal(r.bad_seq, 10);
}

static void additions_to_the_file_are_noticed(void **state)
{
	scratch_sql(*state, "CREATE TRIGGER hide AFTER INSERT ON entry BEGIN SELECT 1; END");
	assert_false(scratch_verify(*state, NULL).sound);
	scratch_sql(*state, "DROP TRIGGER hide; CREATE VIEW v AS SELECT * FROM entry");
	assert_false(scratch_verify(*state, NULL).sound);
	scratch_sql(*state, "DROP VIEW v");
	assert_true(scratch_verify(*state, NULL).sound);
}

static bool add_row(const struct journal_row *row, void *arg)
{
	journal_row_json(row, arg);
	return true;
}

/* False when it was noticed that something is wrong. */
static bool read_all(const struct scratch *s, struct buf *out)
{
	struct err err = ERR_INIT;
	struct journal_report r;
	JOURNAL_AUTO j = NULL;

	buf_clear(out);
	if (journal_open(s->state, JOURNAL_READ, "t", &j, &err))
		return false;
	if (journal_verify(j, NULL, &r, &err) || !r.sound)
		return false;
	return journal_each(j, NULL, add_row, out, &err) == 0;
}

/* A flipped bit anywhere in the file is noticed, or stands where nothing is kept. */
static void no_flipped_bit_changes_a_row_unnoticed(void **state)
{
	struct scratch *s = *state;
	struct prng prng = {.state = 20260101};
	BUF_AUTO before = BUF_INIT;
	BUF_AUTO after = BUF_INIT;
	int fd = open(s->file, O_RDWR), noticed = 0;
	off_t size = lseek(fd, 0, SEEK_END);

	assert_true(read_all(s, &before));
	assert_true(size > 8192);
	for (int i = 0; i < 400; i++) {
		off_t at = (off_t)prng_below(&prng, (uint64_t)size);
		unsigned char byte, flipped;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		flipped = byte ^ (unsigned char)(1u << prng_below(&prng, 8));
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		if (!read_all(s, &after))
			noticed++;
		else if (strcmp(buf_str(&before), buf_str(&after)))
			fail_msg("byte %ld", (long)at);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_true(noticed > 25);
	assert_true(read_all(s, &after));
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_untouched_chain_is_sound),
		CASE(each_column_of_each_row_is_covered),
		CASE(a_removed_row_is_missed),
		CASE(an_inserted_row_does_not_follow),
		CASE(exchanged_rows_do_not_follow),
		CASE(a_cut_tail_is_known_to_the_head_file),
		CASE(an_older_head_file_is_no_alarm),
		CASE(another_journal_in_its_place_is_noticed),
		CASE(an_old_copy_in_its_place_is_noticed),
		CASE(additions_to_the_file_are_noticed),
		CASE(no_flipped_bit_changes_a_row_unnoticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
