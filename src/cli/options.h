/*
 * options.h - the command line, parsed with getopt_long and checked against commands.def.
 *
 * What was accepted needs no second look: every flag is one of the table and stands with a value of
 * its kind, required ones are there, excluding ones are not together, the arguments have the right
 * number and kind.  Flags must be written out (no abbreviations: they would become part of the
 * interface), and stand before or after the arguments; global flags also before the command.
 */
#ifndef AIRLOCK_CLI_OPTIONS_H
#define AIRLOCK_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"

struct options {
	const struct command *command;	/* NULL: none was given, only --help and --version can be */
	const char *values[FLAG_COUNT]; /* borrowed from argv; "" for a switch; NULL = not given */
	const char *args[ARGS_MAX];
	size_t args_count;
};

/*
 * ERR_USAGE names the argument by its number and says what would be right; ERR_CANNOT is a command
 * or flag that this version does not have.  ret_opt->command is set as soon as it is known, also on
 * failure, so that the caller can point to its help.  With --help or --version given, what else is
 * missing is not complained about.  Not thread-safe (getopt).
 */
int options_parse(int argc, char **argv, struct options *ret_opt, struct err *err) MUST_CHECK;

bool opt_given(const struct options *opt, enum flag_id flag);
const char *opt_text(const struct options *opt, enum flag_id flag); /* NULL = not given */
int64_t opt_number(const struct options *opt, enum flag_id flag, int64_t otherwise);
int64_t opt_time_ms(const struct options *opt, enum flag_id flag, int64_t otherwise_ms);

#endif
