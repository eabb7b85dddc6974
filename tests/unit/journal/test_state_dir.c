#include "scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/state_dir.h"

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

static enum err_code open_code(const struct scratch *s, enum journal_mode mode)
{
	struct err err = ERR_INIT;
	struct journal *j = NULL;

	if (journal_open(s->state, mode, "t", &j, &err) == 0)
		journal_close(j);
	return err.code;
}

static void a_link_in_its_place_is_refused(void **state)
{
	struct scratch *s = *state;
	char real[100];

	snprintf(real, sizeof real, "%s/real", s->dir);
	assert_int_equal(mkdir(real, 0700), 0);
	assert_int_equal(symlink(real, s->state), 0);
	assert_int_equal(open_code(s, JOURNAL_WRITE), ERR_REFUSED);
	assert_int_equal(open_code(s, JOURNAL_READ), ERR_REFUSED);
}

static void a_file_in_its_place_is_refused(void **state)
{
	struct scratch *s = *state;
	int fd = open(s->state, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(open_code(s, JOURNAL_WRITE), ERR_REFUSED);
}

static void linked_files_are_refused(void **state)
{
	static const char *const names[] = {"journal.sqlite", "head"};
	struct scratch *s = *state;
	char path[120], target[120];

	for (size_t i = 0; i < 2; i++) {
		scratch_fill(s, 1);
		snprintf(path, sizeof path, "%s/%s", s->state, names[i]);
		snprintf(target, sizeof target, "%s/elsewhere%zu", s->dir, i);
		assert_int_equal(rename(path, target), 0);
		assert_int_equal(symlink(target, path), 0);
		assert_int_equal(open_code(s, JOURNAL_WRITE), ERR_REFUSED);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rename(target, path), 0);
		assert_int_equal(open_code(s, JOURNAL_WRITE), ERR_OK);
	}
}

static void a_fifo_neither_stops_nor_serves(void **state)
{
	struct scratch *s = *state;

	scratch_fill(s, 1);
	assert_int_equal(unlink(s->file), 0);
	assert_int_equal(mkfifo(s->file, 0600), 0);
	assert_int_equal(open_code(s, JOURNAL_WRITE), ERR_REFUSED);
	assert_int_equal(open_code(s, JOURNAL_READ), ERR_REFUSED);
}

static void what_is_open_to_others_is_refused(void **state)
{
	struct scratch *s = *state;

	scratch_fill(s, 1);
	assert_int_equal(chmod(s->state, 0750), 0);
	assert_int_equal(open_code(s, JOURNAL_WRITE), ERR_REFUSED);
	assert_int_equal(chmod(s->state, 0700), 0);
	assert_int_equal(chmod(s->file, 0644), 0);
	assert_int_equal(open_code(s, JOURNAL_READ), ERR_REFUSED);
}

static void another_owner_is_refused(void **state)
{
	struct scratch *s = *state;

	if (geteuid())
		skip();
	scratch_fill(s, 1);
	assert_int_equal(chown(s->file, 65534, 65534), 0);
	assert_int_equal(open_code(s, JOURNAL_WRITE), ERR_REFUSED);
	assert_int_equal(chown(s->file, 0, 0), 0);
	assert_int_equal(chown(s->state, 65534, 65534), 0);
	assert_int_equal(open_code(s, JOURNAL_READ), ERR_REFUSED);
}

static void only_the_last_component_is_made(void **state)
{
	struct scratch *s = *state;
	struct err err = ERR_INIT;
	char deep[120];
	int fd;

	snprintf(deep, sizeof deep, "%s/a/b", s->dir);
	assert_int_equal(state_dir_open(deep, true, &fd, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(state_dir_open(s->state, false, &fd, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(state_dir_open(s->state, true, &fd, &err), 0);
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_link_in_its_place_is_refused),
		CASE(a_file_in_its_place_is_refused),
		CASE(linked_files_are_refused),
		CASE(a_fifo_neither_stops_nor_serves),
		CASE(what_is_open_to_others_is_refused),
		CASE(another_owner_is_refused),
		CASE(only_the_last_component_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
