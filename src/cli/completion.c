#include "cli/completion.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/cmd.h"
#include "cli/explained.h"

static bool is_offered(const struct flag_row *flag, enum command_id command)
{
	if (flag->command == COMMAND_GLOBAL && command < COMMAND_COUNT) {
		enum command_forms forms = command_get(command)->forms;

		if (strcmp(flag->name, "json") == 0)
			return (forms & JSON) != 0;
		if (strcmp(flag->name, "ndjson") == 0)
			return (forms & NDJSON) != 0;
		return true;
	}
	return flag->command == command && flag->kind != KIND_LATER;
}

/* "a|b" as "a b". */
static void add_choices(struct buf *out, const char *choices)
{
	for (const char *c = choices; *c; c++)
		buf_putc(out, *c == '|' ? ' ' : *c);
}

static void add_ids(struct buf *out)
{
	size_t count;
	const struct explained *sources = explained_sources(&count);
	char id[EXPLAINED_ID_BYTES];

	for (size_t s = 0; s < count; s++)
		for (size_t i = 0; i < sources[s].count(); i++) {
			sources[s].id(i, id);
			buf_printf(out, " %s", id);
		}
}

static void add_commands(struct buf *out)
{
	for (int i = 0; i < COMMAND_COUNT; i++)
		buf_printf(out, " %s", command_get((enum command_id)i)->name);
}

/* The words that an argument can be; none where only the user knows. */
static void add_argument(const struct arg_row *arg, struct buf *out)
{
	if (arg->kind == KIND_CHOICE) {
		buf_putc(out, ' ');
		add_choices(out, arg->name);
	} else if (arg->kind == KIND_WORD) {
		buf_printf(out, " %s", arg->name);
	} else if (arg->kind == KIND_SIDE) {
		buf_puts(out, " old new");
	} else if (arg->command == COMMAND_EXPLAIN) {
		add_ids(out);
	} else if (arg->command == COMMAND_HELP) {
		add_commands(out);
	}
}

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_pattern(const char *command, const struct flag_row *flag, struct buf *out)
{
	buf_printf(out, "\t%s,--%s", command, flag->name);
	if (flag->letter)
		buf_printf(out, " | %s,-%c", command, flag->letter);
	buf_putc(out, ')');
}

/* What stands after a flag that takes a value. */
static void bash_values(struct buf *out)
{
	buf_puts(out, "\tcase $command,$before in\n");
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);

		if (flag->value == NULL || flag->kind == KIND_LATER)
			continue;
		bash_pattern(
			flag->command == COMMAND_GLOBAL ? "*" : command_get(flag->command)->name,
			flag, out);
		if (flag->kind == KIND_PATH)
			buf_puts(out,
				" compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); "
				"return ;;\n");
		else if (flag->kind == KIND_CHOICE) {
			buf_puts(out, " COMPREPLY=($(compgen -W \"");
			add_choices(out, flag->value);
			buf_puts(out, "\" -- \"$current\")); return ;;\n");
		} else
			buf_puts(out, " return ;;\n");
	}
	buf_puts(out, "\tesac\n");
}

static void bash_words(enum command_id id, struct buf *out)
{
	size_t count = 0;
	const struct arg_row *args = id < COMMAND_COUNT ? args_of(id, &count) : NULL;

	buf_printf(out, "\t%s) words=\"", id < COMMAND_COUNT ? command_get(id)->name : "''");
	for (int i = 0; i < FLAG_COUNT; i++)
		if (is_offered(flag_get((enum flag_id)i), id))
			buf_printf(out, " --%s", flag_get((enum flag_id)i)->name);
	for (size_t i = 0; i < count; i++)
		add_argument(&args[i], out);
	if (id == COMMAND_GLOBAL)
		add_commands(out);
	buf_puts(out, "\" ;;\n");
}

/* Global flags with a value, whose value is no command. */
static void bash_skips(struct buf *out)
{
	bool first = true;

	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);

		if (flag->command != COMMAND_GLOBAL || flag->value == NULL)
			continue;
		buf_printf(out, "%s--%s", first ? "" : " | ", flag->name);
		if (flag->letter)
			buf_printf(out, " | -%c", flag->letter);
		first = false;
	}
}

void completion_bash(struct buf *out)
{
	buf_puts(out,
		"# bash completion for airlock; made from the program's own tables.\n"
		"_airlock() {\n\tlocal current=${COMP_WORDS[COMP_CWORD]} "
		"before=${COMP_WORDS[COMP_CWORD-1]} command= words= i\n\tCOMPREPLY=()\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n\t\t");
	bash_skips(out);
	buf_puts(out, ") ((i++)) ;;\n\t\t-*) ;;\n\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
		      "\t\tesac\n\tdone\n");
	bash_values(out);
	buf_puts(out, "\tcase $command in\n");
	for (int i = 0; i <= COMMAND_COUNT; i++)
		bash_words((enum command_id)i, out);
	buf_puts(out, "\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
		      "complete -F _airlock airlock\n");
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* Within single quotes, and within the brackets of a specification. */
static void zsh_text(struct buf *out, const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c == '\'')
			buf_puts(out, "'\\''");
		else if (strchr("[]:\\", *c))
			buf_printf(out, "\\%c", *c);
		else
			buf_putc(out, *c);
}

static void zsh_action(enum word_kind kind, const char *choices, struct buf *out)
{
	if (kind == KIND_PATH)
		buf_puts(out, "_files");
	else if (kind == KIND_CHOICE) {
		buf_putc(out, '(');
		add_choices(out, choices);
		buf_putc(out, ')');
	}
}

static void zsh_flag(const struct flag_row *flag, struct buf *out)
{
	buf_puts(out, " \\\n\t\t\t");
	if (flag->letter)
		buf_printf(out, "{-%c,--%s}", flag->letter, flag->name);
	else
		buf_printf(out, "--%s", flag->name);
	buf_puts(out, "'[");
	zsh_text(out, flag->help);
	buf_putc(out, ']');
	if (flag->value) {
		buf_putc(out, ':');
		zsh_text(out, flag->value);
		buf_putc(out, ':');
		zsh_action(flag->kind, flag->value, out);
	}
	buf_putc(out, '\'');
}

static void zsh_flags(enum command_id id, struct buf *out)
{
	for (int i = 0; i < FLAG_COUNT; i++)
		if (is_offered(flag_get((enum flag_id)i), id))
			zsh_flag(flag_get((enum flag_id)i), out);
}

static void zsh_command(const struct command *command, struct buf *out)
{
	size_t count;
	const struct arg_row *args = args_of(command->id, &count);

	buf_printf(out, "\t\t%s) _arguments", command->name);
	zsh_flags(command->id, out);
	for (size_t i = 0; i < count; i++) {
		BUF_AUTO words = BUF_INIT;

		add_argument(&args[i], &words);
		buf_printf(out, " \\\n\t\t\t'%zu:", i + 1);
		zsh_text(out, args[i].name);
		buf_printf(out, ":(%s)'", buf_str(&words));
	}
	buf_puts(out, " ;;\n");
}

void completion_zsh(struct buf *out)
{
	buf_puts(out, "#compdef airlock\n# Made from the program's own tables.\n_airlock() {\n"
		      "\tlocal curcontext=$curcontext state line\n\tlocal -a commands=(\n");
	for (int i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = command_get((enum command_id)i);

		buf_printf(out, "\t\t'%s:", command->name);
		zsh_text(out, command->summary);
		buf_puts(out, "'\n");
	}
	buf_puts(out, "\t)\n\t_arguments -C");
	zsh_flags(COMMAND_GLOBAL, out);
	buf_puts(out, " \\\n\t\t\t'1:command:->command' '*::argument:->argument'\n"
		      "\tcase $state in\n\tcommand) _describe command commands ;;\n\targument)\n"
		      "\t\tcase $words[1] in\n");
	for (int i = 0; i < COMMAND_COUNT; i++)
		zsh_command(command_get((enum command_id)i), out);
	buf_puts(out, "\t\tesac ;;\n\tesac\n}\n_airlock \"$@\"\n");
}
