/* test_accounts.c - the pages of accounts: read back as they were written, never longer than a line,
 * and refused when they are not what a gateway says. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "control/control.h"

static void write_page(const struct control_reply *reply, struct buf *out)
{
	buf_clear(out);
	control_reply_write(reply, out);
}

static struct control_account account(void)
{
	return (struct control_account){.number = 12,
		.pid = 4711,
		.side = CONTROL_NEW,
		.address = "2001:db8::7",
		.via = "local",
		.port = 50123,
		.user = "shop_app",
		.database = "shop",
		.application = "web 7",
		.came_ms = 90000,
		.asked_ms = 3,
		.transactions = 812,
		.bytes_in = 1 << 20,
		.bytes_out = INT64_MAX,
		.writes = 9,
		.rows = 30,
		.wrote_ms = 70,
		.wrote = "UPDATE"};
}

static void a_page_is_read_back_as_it_was_written(void **state)
{
	struct control_request asked = {.id = 3, .cmd = CONTROL_ACCOUNTS,
				       .accounts = {.ended = true, .before = 77}},
			       got;
	struct control_reply *said = calloc(2, sizeof *said), *heard = said + 1;
	struct err err = ERR_INIT;
	BUF_AUTO line = BUF_INIT;
	int64_t id;

	(void)state;
	control_request_write(&asked, &line);
	assert_int_equal(control_request_read(line.data, line.len - 1, &got, &id, &err), 0);
	assert_true(got.accounts.ended);
	assert_int_equal(got.accounts.before, 77);
	said->id = 4;
	said->cmd = CONTROL_ACCOUNTS;
	said->ok = true;
	said->accounts.sessions = 4000;
	said->accounts.ended = 5000;
	said->accounts.next = 12;
	said->accounts.count = 2;
	said->accounts.rows[0] = said->accounts.rows[1] = account();
	said->accounts.rows[1].ended_ms = 5;
	write_page(said, &line);
	assert_int_equal(
		control_reply_read(line.data, line.len - 1, CONTROL_ACCOUNTS, heard, &err), 0);
	assert_memory_equal(said, heard, sizeof *said);
	free(said);
}

/* Whatever names clients give themselves, and however long they stay. */
static void the_longest_page_is_a_line(void **state)
{
	struct control_reply *said = calloc(1, sizeof *said);
	BUF_AUTO line = BUF_INIT;

	(void)state;
	said->cmd = CONTROL_ACCOUNTS;
	said->ok = true;
	said->id = said->accounts.sessions = said->accounts.ended = said->accounts.next = INT64_MAX;
	said->accounts.count = CONTROL_ACCOUNTS_MAX;
	for (size_t i = 0; i < CONTROL_ACCOUNTS_MAX; i++) {
		struct control_account *a = &said->accounts.rows[i];

		a->number = a->pid = a->came_ms = a->asked_ms = a->ended_ms = INT64_MAX;
		a->transactions = a->bytes_in = a->bytes_out = INT64_MAX;
		a->writes = a->rows = a->wrote_ms = INT64_MAX;
		a->port = a->via_port = UINT16_MAX;
		memset(a->user, '"', sizeof a->user - 1);
		memset(a->database, '\\', sizeof a->database - 1);
		memset(a->application, '"', sizeof a->application - 1);
		memset(a->address, '"', sizeof a->address - 1);
		memset(a->via, '"', sizeof a->via - 1);
		memset(a->wrote, '"', sizeof a->wrote - 1);
	}
	write_page(said, &line);
	assert_in_range(line.len, CONTROL_LINE_MAX / 2, CONTROL_LINE_MAX);
	free(said);
}

static void what_acts_on_a_terminal_or_is_no_text_is_shown_as_a_mark(void **state)
{
	struct control_reply *said = calloc(2, sizeof *said), *heard = said + 1;
	struct err err = ERR_INIT;
	BUF_AUTO line = BUF_INIT;

	(void)state;
	said->cmd = CONTROL_ACCOUNTS;
	said->ok = true;
	said->accounts.count = 1;
	said->accounts.rows[0] = account();
	strcpy(said->accounts.rows[0].application, "\x1b[2J\n\xff.");
	write_page(said, &line);
	assert_int_equal(
		control_reply_read(line.data, line.len - 1, CONTROL_ACCOUNTS, heard, &err), 0);
	assert_string_equal(heard->accounts.rows[0].application, "?[2J??.");
	free(said);
}

#define ROW                                                                                        \
	"{\"number\":1,\"pid\":2,\"side\":\"old\",\"port\":%s,\"via_port\":4,\"came_ms\":5,"      \
	"\"asked_ms\":6,\"ended_ms\":0,\"transactions\":7,\"bytes_in\":8,\"bytes_out\":9,"         \
	"\"writes\":0,\"rows\":0,\"wrote_ms\":0}"

static int read_rows(const char *port, size_t count, struct control_reply *ret, struct err *err)
{
	BUF_AUTO line = BUF_INIT;

	buf_puts(&line, "{\"id\":1,\"ok\":true,\"sessions\":1,\"ended\":2,\"next\":0,\"accounts\":[");
	for (size_t i = 0; i < count; i++)
		buf_printf(&line, "%s" ROW, i > 0 ? "," : "", port);
	buf_puts(&line, "]}");
	return control_reply_read(line.data, line.len, CONTROL_ACCOUNTS, ret, err);
}

static void what_no_gateway_says_is_refused(void **state)
{
	static const char *const requests[] = {"{\"id\":1,\"cmd\":\"accounts\"}",
		"{\"id\":1,\"cmd\":\"accounts\",\"ended\":1,\"before\":0}",
		"{\"id\":1,\"cmd\":\"accounts\",\"ended\":false,\"before\":-1}",
		"{\"id\":1,\"cmd\":\"accounts\",\"ended\":false,\"before\":\"0\"}"};
	struct control_reply *heard = calloc(1, sizeof *heard);
	struct control_request got;
	int64_t id;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(control_request_read(requests[i], strlen(requests[i]), &got, &id,
					 &err), -1);
		assert_int_equal(id, 1);
	}
	struct err err = ERR_INIT;

	assert_int_equal(read_rows("65535", CONTROL_ACCOUNTS_MAX, heard, &err), 0);
	assert_int_equal(heard->accounts.count, CONTROL_ACCOUNTS_MAX);
	assert_int_equal(read_rows("65535", CONTROL_ACCOUNTS_MAX + 1, heard, &err), -1);
	assert_int_equal(read_rows("65536", 1, heard, &err), -1);
	assert_int_equal(read_rows("-1", 1, heard, &err), -1);
	assert_int_equal(read_rows("null", 1, heard, &err), -1);
	free(heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_read_back_as_it_was_written),
		cmocka_unit_test(the_longest_page_is_a_line),
		cmocka_unit_test(what_acts_on_a_terminal_or_is_no_text_is_shown_as_a_mark),
		cmocka_unit_test(what_no_gateway_says_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
