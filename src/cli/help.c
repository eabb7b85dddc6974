#include "cli/help.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"

#define COLUMNS 80

static const char *const group_titles[GROUP_COUNT] = {
	[GROUP_PREPARE] = "Prepare",
	[GROUP_MOVE] = "Move",
	[GROUP_DECIDE] = "Decide",
	[GROUP_LOOK] = "Look",
};

static bool is_shown(const struct flag_row *flag, enum command_id command)
{
	return flag->command == command && flag->kind != KIND_LATER;
}

static size_t line_width(const struct buf *text)
{
	const char *start = text->len ? strrchr(text->data, '\n') : NULL;

	return start ? strlen(start + 1) : text->len;
}

static void add_word(struct buf *out, const char *word)
{
	if (line_width(out) + 1 + strlen(word) > COLUMNS)
		buf_puts(out, "\n        ");
	buf_putc(out, ' ');
	buf_puts(out, word);
}

void help_synopsis(const struct command *command, struct buf *out)
{
	const struct arg_row *args;
	size_t count;

	buf_printf(out, "airlock %s", command->name);
	args = args_of(command->id, &count);
	for (size_t i = 0; i < count; i++) {
		BUF_AUTO word = BUF_INIT;

		buf_printf(&word, args[i].required ? "%s%s" : "[%s]%s", args[i].name,
			args[i].many ? "..." : "");
		add_word(out, buf_str(&word));
	}
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);
		BUF_AUTO word = BUF_INIT;

		if (!is_shown(flag, command->id))
			continue;
		buf_printf(&word, "%s--%s%s%s%s", flag->required ? "" : "[", flag->name,
			flag->value ? " " : "", flag->value ? flag->value : "",
			flag->required ? "" : "]");
		add_word(out, buf_str(&word));
	}
	buf_putc(out, '\n');
}

static void print_flags(struct out *out, enum command_id command, const char *title)
{
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);
		BUF_AUTO left = BUF_INIT;

		if (!is_shown(flag, command))
			continue;
		if (title)
			out_data(out, "\n%s\n", title);
		title = NULL;
		if (flag->letter)
			buf_printf(&left, "-%c, ", flag->letter);
		buf_printf(&left, "--%s%s%s", flag->name, flag->value ? " " : "",
			flag->value ? flag->value : "");
		out_data(out, "  %-22s %s\n", buf_str(&left), flag->help);
	}
}

static void print_overview(struct out *out)
{
	out_data(out, "Moves live PostgreSQL applications to a new server and back.\n\n"
		      "  airlock [GLOBAL FLAGS] COMMAND [ARGUMENTS] [FLAGS]\n");
	for (int group = 0; group < GROUP_COUNT; group++) {
		out_data(out, "\n%s\n", group_titles[group]);
		for (int i = 0; i < COMMAND_COUNT; i++) {
			const struct command *command = command_get((enum command_id)i);

			if (command->group == (enum command_group)group)
				out_data(out, "  %-12s %s\n", command->name, command->summary);
		}
	}
	print_flags(out, COMMAND_GLOBAL, "Global flags");
	out_data(out, "\n`airlock help COMMAND` says more; `airlock explain` lists the exit codes\n"
		      "and every error and refusal.\n");
}

void help_print(struct out *out, const struct command *command)
{
	BUF_AUTO synopsis = BUF_INIT;

	if (!command) {
		print_overview(out);
		return;
	}
	help_synopsis(command, &synopsis);
	out_data(out, "%s\n%s: %s.\n\n%s\n", buf_str(&synopsis), command->name, command->summary,
		command->help);
	print_flags(out, command->id, "Flags");
	out_data(out, "\nGlobal flags: -f FILE, --state DIR, %s%s-q, -v, --no-color, -h\n",
		command->forms & JSON ? "--json, " : "",
		command->forms & NDJSON ? "--ndjson, " : "");
}
