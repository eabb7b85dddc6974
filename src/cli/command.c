#include "cli/command.h"

#include <string.h>

#include "base/check.h"
#include "cli/cmd.h"

#define REQUIRED 1
#define OPTIONAL 0
#define MANY 2
#define ANY 3

static const struct command commands[COMMAND_COUNT] = {
#define COMMAND(id, name, group, function, plan, journal, forms, summary, help)                    \
	[COMMAND_##id] = {                                                                         \
		COMMAND_##id, name, GROUP_##group, function, plan, journal, forms, summary, help},
#include "cli/commands.def"
};

static const struct arg_row args[] = {
#define ARG(command, name, kind, presence)                                                         \
	{COMMAND_##command, name, KIND_##kind, (presence) == REQUIRED || (presence) == MANY,       \
		(presence) == MANY || (presence) == ANY},
#include "cli/commands.def"
};

static const struct flag_row flags[FLAG_COUNT] = {
#define FLAG(command, id, name, letter, value, kind, presence, help)                               \
	[FLAG_##command##_##id] = {                                                                \
		COMMAND_##command, name, letter, value, KIND_##kind, presence, help},
#include "cli/commands.def"
};

static const struct exclude_row exclude_rows[] = {
#define EXCLUDE(command, one, other)                                                               \
	{COMMAND_##command, FLAG_##command##_##one, FLAG_##command##_##other},
#include "cli/commands.def"
};

static const struct absent_row absents[] = {
#define ABSENT(name, instead) {name, instead},
#include "cli/commands.def"
};

static const struct exit_row exits[] = {
#define EXIT(number, name, brief, meaning) {number, #name, brief, meaning},
#include "cli/exit_codes.def"
#undef EXIT
};

const struct command *command_get(enum command_id id)
{
	REQUIRE(id < COMMAND_COUNT);
	return &commands[id];
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

const struct absent_row *absent_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(absents); i++)
		if (!strcmp(absents[i].name, name))
			return &absents[i];
	return NULL;
}

const struct flag_row *flag_get(enum flag_id id)
{
	REQUIRE(id < FLAG_COUNT);
	return &flags[id];
}

const struct exclude_row *excludes(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(exclude_rows);
	return exclude_rows;
}

const struct arg_row *args_of(enum command_id id, size_t *ret_count)
{
	size_t first = 0, end;

	while (first < ARRAY_LEN(args) && args[first].command != id)
		first++;
	for (end = first; end < ARRAY_LEN(args) && args[end].command == id; end++)
		;
	ENSURE(end - first <= ARGS_MAX);
	*ret_count = end - first;
	return &args[first];
}

const struct exit_row *exit_rows(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(exits);
	return exits;
}
