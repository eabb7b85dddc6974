/*
 * err.h - the one error value.
 *
 * It lives on the caller's stack, is the last parameter of every function that can fail, and is
 * never NULL.  Functions return 0 on success and -1 on failure; on success *err is untouched.
 * Nothing is allocated, so reporting "out of memory" cannot fail.  Library code never logs an
 * error; the program that receives it at the top logs it once.
 */
#ifndef AIRLOCK_BASE_ERR_H
#define AIRLOCK_BASE_ERR_H

enum err_code {
#define ERR(name, class, exit, text) ERR_##name,
#include "base/errors.def"
#undef ERR
	ERR_CODE_COUNT
};

enum err_class { ERR_CLASS_RETRY, ERR_CLASS_OPERATOR, ERR_CLASS_FATAL, ERR_CLASS_BUG };

struct err {
	enum err_code code;
	int sys;	  /* errno, or 0 */
	char sqlstate[6]; /* "" when no server spoke */
	char msg[480];	  /* complete enough to be printed alone; no trailing newline */
};

#define ERR_INIT ((struct err){.code = ERR_OK})

/* Each returns -1 so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds ": strerror(errno)" and keeps errno. */
int err_set_errno(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Prefixes the message with what the caller was about to do. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *err_name(enum err_code code); /* "REFUSED" */
const char *err_text(enum err_code code);
enum err_class err_class(enum err_code code);
const char *err_class_name(enum err_class cls);
int err_exit_code(enum err_code code);

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
