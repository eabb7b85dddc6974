#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct {
	const char *name;
	const char *text;
	enum err_class cls;
	int exit_code;
} rows[ERR_CODE_COUNT] = {
#define ERR(name, class, exit, text) [ERR_##name] = {#name, text, ERR_CLASS_##class, exit},
#include "base/errors.def"
#undef ERR
};

static void set_message(struct err *err, enum err_code code, const char *fmt, va_list ap)
{
	REQUIRE(code > ERR_OK && code < ERR_CODE_COUNT);
	err->code = code;
	err->sys = 0;
	err->sqlstate[0] = '\0';
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	REQUIRE(err != NULL);
	va_start(ap, fmt);
	set_message(err, code, fmt, ap);
	va_end(ap);
	return -1;
}

int err_set_errno(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	int sys = errno;
	size_t len;

	REQUIRE(err != NULL);
	va_start(ap, fmt);
	set_message(err, code, fmt, ap);
	va_end(ap);
	err->sys = sys;
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof err->msg - len, ": %s", strerror(sys));
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char was[sizeof err->msg];
	va_list ap;
	size_t len;

	REQUIRE(err->code != ERR_OK);
	memcpy(was, err->msg, sizeof was);
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof err->msg - len, ": %s", was);
	return -1;
}

const char *err_name(enum err_code code)
{
	REQUIRE(code < ERR_CODE_COUNT);
	return rows[code].name;
}

const char *err_text(enum err_code code)
{
	REQUIRE(code < ERR_CODE_COUNT);
	return rows[code].text;
}

enum err_class err_class(enum err_code code)
{
	REQUIRE(code < ERR_CODE_COUNT);
	return rows[code].cls;
}

const char *err_class_name(enum err_class cls)
{
	static const char *const names[] = {"retry", "operator", "fatal", "bug"};

	REQUIRE(cls <= ERR_CLASS_BUG);
	return names[cls];
}

int err_exit_code(enum err_code code)
{
	REQUIRE(code < ERR_CODE_COUNT);
	return rows[code].exit_code;
}
