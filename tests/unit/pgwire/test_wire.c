#include "../testing.h"

#include <string.h>

#include "pgwire/message.h"
#include "pgwire/startup.h"
#include "pgwire/wire.h"

static void a_header_is_read_or_refused(void **state)
{
	static const uint8_t least[] = {'S', 0, 0, 0, 4}, below[] = {'S', 0, 0, 0, 3};
	static const uint8_t most[] = {'d', 0x3f, 0xff, 0xff, 0xfe},
			     above[] = {'d', 0x3f, 0xff, 0xff, 0xff};
	static const uint8_t negative[] = {'d', 0xff, 0xff, 0xff, 0xff}, zero[] = {'d', 0, 0, 0, 0};
	struct wire_head head;

	(void)state;
	for (size_t len = 0; len < WIRE_HEAD_BYTES; len++)
		assert_int_equal(wire_head_read(negative, len, WIRE_BODY_MAX, &head), WIRE_MORE);
	assert_int_equal(wire_head_read(least, 5, WIRE_BODY_MAX, &head), WIRE_WHOLE);
	assert_int_equal(head.body, 0);
	assert_int_equal(wire_head_read(below, 5, WIRE_BODY_MAX, &head), WIRE_BROKEN);
	assert_int_equal(wire_head_read(zero, 5, WIRE_BODY_MAX, &head), WIRE_BROKEN);
	assert_int_equal(wire_head_read(most, 5, WIRE_BODY_MAX, &head), WIRE_WHOLE);
	assert_int_equal(head.body, WIRE_BODY_MAX);
	assert_int_equal(wire_head_read(above, 5, WIRE_BODY_MAX, &head), WIRE_BROKEN);
	assert_int_equal(wire_head_read(negative, 5, WIRE_BODY_MAX, &head), WIRE_BROKEN);
	assert_int_equal(wire_head_read(most, 5, WIRE_AUTH_BODY_MAX, &head), WIRE_BROKEN);
}

static void reading_past_the_end_is_remembered(void **state)
{
	static const uint8_t body[] = {0, 1, 'a', 0, 'b'};
	struct wire_in in = wire_in(body, sizeof body);

	(void)state;
	assert_int_equal(wire_u16(&in), 1);
	assert_string_equal(wire_str(&in), "a");
	assert_null(wire_str(&in)); /* no NUL before the end */
	assert_true(in.broken);
	assert_int_equal(wire_u8(&in), 0);
	assert_int_equal(wire_left(&in), 0);
	in = wire_in(body, sizeof body);
	assert_null(wire_bytes(&in, SIZE_MAX));
	assert_true(in.broken);
}

static void what_does_not_fit_leaves_no_half_message(void **state)
{
	uint8_t memory[16];
	struct wire_out out = wire_out(memory, sizeof memory);

	(void)state;
	message_ready(&out, 'I');
	assert_int_equal(out.len, 6);
	message_query(&out, "select 1 from somewhere");
	assert_true(out.full);
	assert_int_equal(out.len, 6);
	message_ready(&out, 'T');
	assert_int_equal(out.len, 6);
}

static void messages_are_as_the_protocol_says(void **state)
{
	uint8_t memory[256];
	struct wire_out out = wire_out(memory, sizeof memory);
	static const char *const pairs[] = {"user", "u"};

	(void)state;
	message_cancel(&out, 0x01020304, 0x05060708);
	assert_memory_equal(
		memory, "\0\0\0\x10\x04\xd2\x16\x2e\x01\x02\x03\x04\x05\x06\x07\x08", 16);
	out = wire_out(memory, sizeof memory);
	message_startup(&out, pairs, 2);
	assert_memory_equal(memory, "\0\0\0\x10\0\3\0\0user\0u\0\0", 16);
	assert_int_equal(out.len, 16);
	out = wire_out(memory, sizeof memory);
	message_parse(&out, "s", "x", (const uint32_t[]){23}, 1);
	assert_memory_equal(memory, "P\0\0\0\x0es\0x\0\0\1\0\0\0\x17", 15);
	out = wire_out(memory, sizeof memory);
	message_bind_execute(&out, "s", (const char *const[]){"v", NULL}, 2);
	assert_memory_equal(memory,
		"B\0\0\0\x16\0s\0\0\0\0\2\0\0\0\1v\xff\xff\xff\xff\0\0"
		"E\0\0\0\x9\0\0\0\0\0",
		34 - 1);
}

static void errors_are_written_and_read(void **state)
{
	uint8_t memory[256];
	struct wire_out out = wire_out(memory, sizeof memory);
	struct message_fields fields;

	(void)state;
	message_error(&out, "FATAL", "57P03", "no door is open");
	assert_true(message_fields(memory + 5, out.len - 5, &fields));
	assert_string_equal(fields.severity, "FATAL");
	assert_string_equal(fields.sqlstate, "57P03");
	assert_string_equal(fields.text, "no door is open");
	for (size_t cut = 0; cut < out.len - 5; cut++)
		assert_false(message_fields(memory + 5, cut, &fields));
}

static void a_row_has_the_columns_asked_for(void **state)
{
	static const uint8_t body[] = {0, 2, 0, 0, 0, 1, 'x', 0xff, 0xff, 0xff, 0xff};
	struct message_column columns[2];

	(void)state;
	assert_true(message_row(body, sizeof body, columns, 2));
	assert_int_equal(columns[0].len, 1);
	assert_memory_equal(columns[0].value, "x", 1);
	assert_null(columns[1].value);
	assert_false(message_row(body, sizeof body, columns, 1));
	for (size_t cut = 0; cut < sizeof body; cut++)
		assert_false(message_row(body, cut, columns, 2));
}

/* The oid of a table differs between two sides; the type of a column must not. */
static void a_shape_leaves_the_table_out_and_keeps_the_type(void **state)
{
	uint8_t a[] = {
		0, 1, 'c', 0, 0, 0, 0, 9, 0, 1, 0, 0, 0, 23, 0, 4, 0xff, 0xff, 0xff, 0xff, 0, 0};
	uint8_t b[sizeof a];
	uint64_t hash = message_shape(MESSAGE_SHAPE_INIT, 'T', a, sizeof a);

	(void)state;
	memcpy(b, a, sizeof a);
	b[7] = 200;
	assert_true(hash == message_shape(MESSAGE_SHAPE_INIT, 'T', b, sizeof b));
	b[13] = 20;
	assert_false(hash == message_shape(MESSAGE_SHAPE_INIT, 'T', b, sizeof b));
	assert_false(hash == message_shape(MESSAGE_SHAPE_INIT, 'n', a, 0));
	assert_true(message_shape(5, 'Z', a, sizeof a) == 5);
}

/* A type of the database's own has another oid on each server, so only that it is one can be told.
 */
static void a_shape_does_not_tell_a_databases_own_types_apart(void **state)
{
	const uint8_t mine[] = {0, 1, 0, 0, 0x40, 7}, theirs[] = {0, 1, 0, 1, 0x40, 9};
	const uint8_t systems[] = {0, 1, 0, 0, 0, 25};
	uint64_t hash = message_shape(MESSAGE_SHAPE_INIT, 't', mine, sizeof mine);

	(void)state;
	assert_true(hash == message_shape(MESSAGE_SHAPE_INIT, 't', theirs, sizeof theirs));
	assert_false(hash == message_shape(MESSAGE_SHAPE_INIT, 't', systems, sizeof systems));
}

static int parse(const char *packet, size_t size, struct startup *ret, struct err *err)
{
	*err = ERR_INIT;
	return startup_parse((const uint8_t *)packet, size, ret, err);
}

static size_t login(char *packet, const char *parameters, size_t len)
{
	size_t size = 8 + len;

	wire_put32((uint8_t *)packet, (uint32_t)size);
	wire_put32((uint8_t *)packet + 4, 0x30000);
	memcpy(packet + 8, parameters, len);
	return size;
}

static void logins_are_taken_by_list(void **state)
{
	char packet[256];
	struct startup s;
	struct err err;

	(void)state;
	assert_int_equal(parse(packet, login(packet, "user\0u\0database\0d\0TIMEZONE\0UTC\0\0", 32),
				 &s, &err),
		0);
	assert_string_equal(s.user, "u");
	assert_string_equal(s.database, "d");
	assert_int_equal(s.count, 1);
	assert_string_equal(s.parameters[0].value, "UTC");
	assert_int_equal(parse(packet, login(packet, "user\0u\0\0", 8), &s, &err), 0);
	assert_string_equal(s.database, "u");
	assert_int_equal(parse(packet, login(packet, "user\0u\0_pq_.x\0y\0\0", 17), &s, &err), 0);
	assert_int_equal(s.unknown_options, 1);
	assert_string_equal(s.options[0], "_pq_.x");
	assert_int_equal(parse(packet, login(packet, "user\0u\0fsync\0off\0\0", 18), &s, &err), -1);
	assert_string_equal(err.sqlstate, "08P01");
	assert_non_null(strstr(err.msg, "fsync"));
	assert_int_equal(
		parse(packet, login(packet, "user\0u\0replication\0on\0\0", 23), &s, &err), -1);
	assert_string_equal(err.sqlstate, "0A000");
	assert_int_equal(parse(packet, login(packet, "database\0u\0\0", 12), &s, &err), -1);
	assert_string_equal(err.sqlstate, "28000");
	assert_int_equal(parse(packet, login(packet, "user\0u\0\0x", 9), &s, &err), -1);
}

static void startup_sizes_have_a_cap(void **state)
{
	uint8_t at[4];
	size_t size;

	(void)state;
	wire_put32(at, WIRE_STARTUP_BYTES_MAX + 1);
	assert_int_equal(startup_size(at, 3, &size), WIRE_MORE);
	assert_int_equal(startup_size(at, 4, &size), WIRE_BROKEN);
	wire_put32(at, UINT32_MAX);
	assert_int_equal(startup_size(at, 4, &size), WIRE_BROKEN);
	wire_put32(at, 7);
	assert_int_equal(startup_size(at, 4, &size), WIRE_BROKEN);
	wire_put32(at, WIRE_STARTUP_BYTES_MAX);
	assert_int_equal(startup_size(at, 4, &size), WIRE_WHOLE);
	assert_int_equal(size, WIRE_STARTUP_BYTES_MAX);
}

static void requests_before_a_login(void **state)
{
	struct startup s;
	struct err err;

	(void)state;
	assert_int_equal(parse("\0\0\0\x08\x04\xd2\x16\x2f", 8, &s, &err), 0);
	assert_int_equal(s.kind, STARTUP_TLS);
	assert_int_equal(parse("\0\0\0\x08\x04\xd2\x16\x30", 8, &s, &err), 0);
	assert_int_equal(s.kind, STARTUP_GSS);
	assert_int_equal(parse("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2", 16, &s, &err), 0);
	assert_int_equal(s.kind, STARTUP_CANCEL);
	assert_int_equal(s.pid, 1);
	assert_int_equal(s.secret, 2);
	assert_int_equal(parse("\0\0\0\x09\x04\xd2\x16\x2f\0", 9, &s, &err), -1);
	assert_int_equal(parse("\0\0\0\x0c\x04\xd2\x16\x2e\0\0\0\1", 12, &s, &err), -1);
	assert_int_equal(parse("\0\0\0\x08\0\2\0\0", 8, &s, &err), -1);
	assert_string_equal(err.sqlstate, "0A000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_or_refused),
		cmocka_unit_test(reading_past_the_end_is_remembered),
		cmocka_unit_test(what_does_not_fit_leaves_no_half_message),
		cmocka_unit_test(messages_are_as_the_protocol_says),
		cmocka_unit_test(errors_are_written_and_read),
		cmocka_unit_test(a_row_has_the_columns_asked_for),
		cmocka_unit_test(a_shape_leaves_the_table_out_and_keeps_the_type),
		cmocka_unit_test(a_shape_does_not_tell_a_databases_own_types_apart),
		cmocka_unit_test(logins_are_taken_by_list),
		cmocka_unit_test(startup_sizes_have_a_cap),
		cmocka_unit_test(requests_before_a_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
