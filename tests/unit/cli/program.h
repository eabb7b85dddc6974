/*
 * program.h - the real airlock, run with arguments of a test's choice in a directory of its own.
 * The binary's path is in AIRLOCK_BIN.
 */
#ifndef AIRLOCK_TESTS_CLI_PROGRAM_H
#define AIRLOCK_TESTS_CLI_PROGRAM_H

#include "../testing.h"

#include "base/buf.h"

struct program {
	char dir[64]; /* current directory of the program */
};

struct ran {
	int exit_code; /* -1 when a signal ended it */
	struct buf out, err;
};

void program_make(struct program *p);
void program_remove(struct program *p);
/* Writes dir/name. */
void program_file(struct program *p, const char *name, const char *text);

/* argv[0] is left out; argv ends with NULL.  Release with ran_fini. */
struct ran program_run(struct program *p, const char *const *argv);
#define RUN(p, ...) program_run(p, (const char *const[]){__VA_ARGS__, NULL})
void ran_fini(struct ran *ran);
#define RAN_AUTO __attribute__((cleanup(ran_fini))) struct ran

#endif
