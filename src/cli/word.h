/*
 * word.h - is one word of the command line of the kind that the table says?
 */
#ifndef AIRLOCK_CLI_WORD_H
#define AIRLOCK_CLI_WORD_H

#include "cli/command.h"

#define WORD_NUMBER_MAX 1000000

/* ERR_USAGE with the rest of a sentence: "needs a whole number from 1 ...".  `spec` as in the row.
 */
int word_check(enum word_kind kind, const char *spec, const char *word, struct err *err) MUST_CHECK;

#endif
