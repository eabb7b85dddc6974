/* A file of verifiers: what is taken, what is refused, and that a change is seen. */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/verifiers.h"

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define VERIFIER "SCRAM-SHA-256$4096:c2FsdA==$" KEY ":" KEY
#define OTHER "SCRAM-SHA-256$64:c2FsdA==$" KEY ":" KEY

struct place {
	char dir[64], path[96];
};

static void put(const struct place *p, const char *text, mode_t mode)
{
	char fresh[112];
	FILE *file;

	snprintf(fresh, sizeof fresh, "%s.fresh", p->path);
	file = fopen(fresh, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(fresh, mode), 0);
	assert_int_equal(rename(fresh, p->path), 0); /* another inode: no clock decides */
}

static int make(void **state)
{
	static struct place p;

	snprintf(p.dir, sizeof p.dir, "/tmp/airlock-verifiers-XXXXXX");
	assert_non_null(mkdtemp(p.dir));
	snprintf(p.path, sizeof p.path, "%s/verifiers", p.dir);
	*state = &p;
	return 0;
}

static int unmake(void **state)
{
	const struct place *p = *state;

	unlink(p->path); /* one test ends without it */
	return rmdir(p->dir);
}

static void users_are_found_by_their_names(void **state)
{
	const struct place *p = *state;
	struct verifiers *v = NULL;
	struct err err = ERR_INIT;

	put(p,
		"# by the DBA\n\n  \"shop\" \"" VERIFIER
		"\" \r\n; another\n\"a \"\"b\"\"\" \"" OTHER "\"",
		0600);
	assert_int_equal(verifiers_open(p->path, &v, &err), 0);
	assert_string_equal(verifiers_find(v, "shop"), VERIFIER);
	assert_string_equal(verifiers_find(v, "a \"b\""), OTHER);
	assert_null(verifiers_find(v, "sho"));
	assert_null(verifiers_find(v, ""));
	verifiers_close(v);
}

static void assert_refused(
	const struct place *p, const char *text, mode_t mode, enum err_code code, const char *words)
{
	struct verifiers *v = NULL;
	struct err err = ERR_INIT;

	put(p, text, mode);
	assert_int_equal(verifiers_open(p->path, &v, &err), -1);
	if (err.code != code || !strstr(err.msg, words) || strstr(err.msg, KEY))
		fail_msg("%s: %s", err_name(err.code), err.msg);
}

static void what_is_no_such_file_is_refused_by_its_line(void **state)
{
	const struct place *p = *state;
	static const char good[] = "\"a\" \"" VERIFIER "\"\n";
	struct verifiers *none = NULL;
	struct err err = ERR_INIT;

	assert_refused(p, good, 0640, ERR_RIGHTS, "chmod 600");
	assert_refused(p, good, 0604, ERR_RIGHTS, "chmod 600");
	assert_refused(p, "\"a\" \"" VERIFIER "\"\n\"b\" \"md5aa\"\n", 0600, ERR_PLAN, ":2:");
	assert_refused(p, "\"a\"\n\"" VERIFIER "\"\n", 0600, ERR_PLAN, ":1:");
	assert_refused(p, "\"a\" \"" VERIFIER, 0600, ERR_PLAN, ":1:");
	assert_refused(p, "\n\"\" \"" VERIFIER "\"\n", 0600, ERR_PLAN, ":2:");
	assert_refused(p, "a " VERIFIER "\n", 0600, ERR_PLAN, ":1:");
	assert_refused(p, "\"a\" \"" VERIFIER "\" \"x\"\n", 0600, ERR_PLAN, ":1:");
	assert_refused(p, "\"a\" \"" VERIFIER "\"\n\"b\" \"" OTHER "\"\n\"a\" \"" OTHER "\"\n",
		0600, ERR_PLAN, "twice");
	unlink(p->path);
	assert_int_equal(verifiers_open(p->path, &none, &err), -1);
}

static void a_change_is_seen_and_a_bad_one_changes_nothing(void **state)
{
	const struct place *p = *state;
	struct verifiers *v = NULL;
	struct err err = ERR_INIT;

	put(p, "\"a\" \"" VERIFIER "\"\n", 0600);
	assert_int_equal(verifiers_open(p->path, &v, &err), 0);
	put(p, "\"a\" \"" OTHER "\"\n\"b\" \"" OTHER "\"\n", 0400);
	assert_string_equal(verifiers_find(v, "a"), OTHER);
	assert_string_equal(verifiers_find(v, "b"), OTHER);
	put(p, "nonsense\n", 0600);
	assert_string_equal(verifiers_find(v, "b"), OTHER);
	put(p, "\"c\" \"" VERIFIER "\"\n", 0644);
	assert_null(verifiers_find(v, "c"));
	assert_int_equal(chmod(p->path, 0600), 0);
	assert_string_equal(verifiers_find(v, "c"), VERIFIER);
	assert_null(verifiers_find(v, "b"));
	unlink(p->path);
	assert_string_equal(verifiers_find(v, "c"), VERIFIER);
	put(p, "", 0600);
	assert_null(verifiers_find(v, "c"));
	verifiers_close(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(users_are_found_by_their_names, make, unmake),
		cmocka_unit_test_setup_teardown(
			a_change_is_seen_and_a_bad_one_changes_nothing, make, unmake),
		cmocka_unit_test_setup_teardown(
			what_is_no_such_file_is_refused_by_its_line, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
