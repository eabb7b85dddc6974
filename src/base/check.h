/*
 * check.h - assertions that stay on in production.
 *
 * REQUIRE    what the caller had to guarantee.
 * ENSURE     what this function promised about its result.
 * INVARIANT  what must always hold of an object.
 *
 * One fact each, no side effects.  A failed check aborts: a program that no longer knows its own
 * state must not decide about a database.  Aborting is safe at every instruction (law 4): the
 * registers in the stores are the truth and `airlock resume` reads them.
 */
#ifndef AIRLOCK_BASE_CHECK_H
#define AIRLOCK_BASE_CHECK_H

_Noreturn void check_failed(
	const char *kind, const char *what, const char *file, int line, const char *func);

#define CHECK_(kind, cond)                                                                         \
	((cond) ? (void)0 : check_failed(kind, #cond, __FILE__, __LINE__, __func__))

#define REQUIRE(cond) CHECK_("REQUIRE", cond)
#define ENSURE(cond) CHECK_("ENSURE", cond)
#define INVARIANT(cond) CHECK_("INVARIANT", cond)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
