#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void grows_and_stays_terminated(void **state)
{
	BUF_AUTO b = BUF_INIT;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	assert_int_equal(strlen(buf_str(&b)), b.len);
	assert_memory_equal(buf_str(&b), "0,1,2,", 6);
	buf_clear(&b);
	assert_string_equal(buf_str(&b), "");
}

static void steal_hands_over(void **state)
{
	BUF_AUTO b = BUF_INIT;
	char *owned;

	(void)state;
	buf_puts(&b, "door");
	buf_putc(&b, '!');
	owned = buf_steal(&b);
	assert_string_equal(owned, "door!");
	assert_int_equal(b.len, 0);
	free(owned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_terminated),
		cmocka_unit_test(steal_hands_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
