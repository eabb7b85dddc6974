/*
 * command.h - what commands.def and exit_codes.def say, as C.  Everything is const.
 */
#ifndef AIRLOCK_CLI_COMMAND_H
#define AIRLOCK_CLI_COMMAND_H

#include <stddef.h>

#include "base/err.h"

enum command_id {
#define COMMAND(id, name, group, function, plan, journal, forms, summary, help) COMMAND_##id,
#include "cli/commands.def"
	COMMAND_COUNT,
	COMMAND_GLOBAL = COMMAND_COUNT /* owner of the flags that every command accepts */
};

enum flag_id {
#define FLAG(command, id, name, letter, value, kind, presence, help) FLAG_##command##_##id,
#include "cli/commands.def"
	FLAG_COUNT
};

enum exit_code {
#define EXIT(number, name, short, meaning) EXIT_##name = number,
#include "cli/exit_codes.def"
#undef EXIT
};

enum command_group { GROUP_PREPARE, GROUP_MOVE, GROUP_DECIDE, GROUP_LOOK, GROUP_COUNT };
enum command_plan { NO_PLAN, LOAD_PLAN, SHOW_PLAN };
enum command_journal { NO_JOURNAL, READ_JOURNAL, PEEK_JOURNAL, WRITE_JOURNAL, TRY_JOURNAL };
enum command_forms { TEXT_ONLY = 0, JSON = 1, NDJSON = 2, JSON_NDJSON = JSON | NDJSON };

enum word_kind {
	KIND_SWITCH,
	KIND_TEXT,
	KIND_PATH,
	KIND_NUMBER,
	KIND_TIME,
	KIND_HASH,
	KIND_NAME,
	KIND_CHOICE,
	KIND_SIDE,
	KIND_WORD,
	KIND_LATER
};

#define ARGS_MAX 256

struct cmd_ctx;

struct command {
	enum command_id id;
	const char *name;
	enum command_group group;
	/* The exit code, or -1 with err set: the dispatcher prints it and exits with its code. */
	int (*function)(struct cmd_ctx *ctx, struct err *err);
	enum command_plan plan;
	enum command_journal journal;
	enum command_forms forms;
	const char *summary, *help;
};

struct arg_row {
	enum command_id command;
	const char *name;
	enum word_kind kind;
	int required;
	int many; /* the last one, given as often as there are words */
};

struct flag_row {
	enum command_id command;
	const char *name;
	char letter;	   /* 0 = none */
	const char *value; /* NULL = none */
	enum word_kind kind;
	int required;
	const char *help;
};

struct exclude_row {
	enum command_id command;
	enum flag_id one, other;
};

struct absent_row {
	const char *name, *instead;
};

struct exit_row {
	int number;
	const char *name, *brief, *meaning;
};

const struct command *command_get(enum command_id id);
const struct command *command_find(const char *name); /* NULL when there is none */
const struct absent_row *absent_find(const char *name);
const struct flag_row *flag_get(enum flag_id id);
const struct exclude_row *excludes(size_t *ret_count);
/* The args of one command are adjacent; *ret_count may be 0. */
const struct arg_row *args_of(enum command_id id, size_t *ret_count);
const struct exit_row *exit_rows(size_t *ret_count);

#endif
