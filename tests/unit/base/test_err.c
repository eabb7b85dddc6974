#include "../testing.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void every_code_has_a_row(void **state)
{
	(void)state;
	for (int code = 0; code < ERR_CODE_COUNT; code++) {
		assert_non_null(err_name((enum err_code)code));
		assert_true(strlen(err_text((enum err_code)code)) > 3);
		assert_in_range(err_exit_code((enum err_code)code), 0, 11);
		assert_non_null(err_class_name(err_class((enum err_code)code)));
	}
}

static void wrap_prefixes_and_truncates(void **state)
{
	struct err err = ERR_INIT;
	char big[600];

	(void)state;
	assert_int_equal(err_set(&err, ERR_SQL, "no %s", "table"), -1);
	err_wrap(&err, "sealing %s", "old");
	assert_string_equal(err.msg, "sealing old: no table");
	assert_int_equal(err.code, ERR_SQL);
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	err_wrap(&err, "%s", big);
	assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

static void errno_is_kept(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	errno = ENOSPC;
	err_set_errno(&err, ERR_IO, "writing");
	assert_int_equal(err.sys, ENOSPC);
	assert_non_null(strstr(err.msg, "No space"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_row),
		cmocka_unit_test(wrap_prefixes_and_truncates),
		cmocka_unit_test(errno_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
