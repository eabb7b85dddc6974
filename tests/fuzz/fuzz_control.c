/* fuzz_control.c - any bytes as lines of the control protocol, either way.  What is understood is
 * written and read again, and is the same. */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "control/control.h"

#include "fuzz_target.h"

static void as_request(const char *line, size_t len)
{
	struct control_request request, again;
	struct err err = ERR_INIT;
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO twice = BUF_INIT;
	int64_t id = 0;

	if (control_request_read(line, len, &request, &id, &err) != 0) {
		ENSURE(err.code != ERR_OK && *err.msg != '\0' && id >= -1);
		return;
	}
	ENSURE(id == request.id);
	control_request_write(&request, &text);
	ENSURE(text.len > 0 && text.len <= CONTROL_LINE_MAX && text.data[text.len - 1] == '\n');
	ENSURE(control_request_read(text.data, text.len - 1, &again, &id, &err) == 0);
	control_request_write(&again, &twice);
	ENSURE(strcmp(buf_str(&text), buf_str(&twice)) == 0);
}

static void as_reply(const char *line, size_t len, enum control_cmd cmd)
{
	struct control_reply reply, again;
	struct err err = ERR_INIT;
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO twice = BUF_INIT;

	if (control_reply_read(line, len, cmd, &reply, &err) != 0) {
		ENSURE(err.code != ERR_OK && *err.msg != '\0');
		return;
	}
	ENSURE(reply.blockers_count <= CONTROL_BLOCKERS_MAX);
	ENSURE(cmd != CONTROL_ACCOUNTS || reply.accounts.count <= CONTROL_ACCOUNTS_MAX);
	control_reply_write(&reply, &text);
	ENSURE(text.len > 0 && text.len <= CONTROL_LINE_MAX && text.data[text.len - 1] == '\n');
	ENSURE(control_reply_read(text.data, text.len - 1, cmd, &again, &err) == 0);
	control_reply_write(&again, &twice);
	ENSURE(strcmp(buf_str(&text), buf_str(&twice)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		as_request(at, len);
		for (int cmd = 0; cmd < CONTROL_CMD_COUNT; cmd++)
			as_reply(at, len, (enum control_cmd)cmd);
		at += len + 1;
	}
	return 0;
}
