#include "cli/manual.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/cmd.h"
#include "cli/explained.h"

void manual_text(struct buf *out, const char *text)
{
	bool line_begins = true;

	for (const char *c = text; *c; c++) {
		if (line_begins && (*c == '.' || *c == '\''))
			buf_puts(out, "\\&"); /* would be a request */
		if (*c == '\\')
			buf_puts(out, "\\e");
		else if (*c == '-') /* as typed, never a hyphen */
			buf_puts(out, "\\-");
		else if (*c == '`')
			buf_puts(out, "\\(ga");
		else
			buf_putc(out, *c);
		line_begins = *c == '\n';
	}
}

static void heading(const char *name, const char *section, const char *version, struct buf *out)
{
	buf_puts(out, ".\\\" Made from the program's own tables; not edited by hand.\n");
	buf_printf(out, ".TH %s %s \"\" \"airlock %s\" \"Airlock\"\n.nh\n.ad l\n", name, section,
		version);
}

/* "  word  what it means": a row of a table; what is indented further goes on. */
static void table_line(struct buf *line, struct buf *out)
{
	char *text = line->data + strspn(line->data, " ");
	char *gap = strstr(text, "  ");

	if (text == line->data + 2 && gap != NULL) {
		*gap = '\0';
		buf_puts(out, ".TP\n\\fB");
		manual_text(out, text);
		buf_puts(out, "\\fR\n");
		text = gap + 2 + strspn(gap + 2, " ");
	}
	manual_text(out, text);
}

static void paragraphs(const char *text, struct buf *out)
{
	bool table = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		bool indented = text[0] == ' ';
		BUF_AUTO line = BUF_INIT;

		if (table && !indented)
			buf_puts(out, ".PP\n");
		table = indented;
		buf_add(&line, text, len);
		if (indented)
			table_line(&line, out);
		else
			manual_text(out, buf_str(&line));
		buf_putc(out, '\n');
		text += len + (text[len] == '\n');
	}
}

/* ---- airlock(1) ------------------------------------------------------------------------------ */

static bool is_shown(const struct flag_row *flag, enum command_id command)
{
	return flag->command == command && flag->kind != KIND_LATER;
}

static void flags_of(enum command_id command, struct buf *out)
{
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);

		if (!is_shown(flag, command))
			continue;
		buf_puts(out, ".TP\n");
		if (flag->letter)
			buf_printf(out, "\\fB\\-%c\\fR, ", flag->letter);
		buf_puts(out, "\\fB\\-\\-");
		manual_text(out, flag->name);
		buf_puts(out, "\\fR");
		if (flag->value) {
			buf_puts(out, " \\fI");
			manual_text(out, flag->value);
			buf_puts(out, "\\fR");
		}
		buf_putc(out, '\n');
		manual_text(out, flag->help);
		buf_puts(out, flag->required ? "; must be given\n" : "\n");
	}
}

static void synopsis(const struct command *command, struct buf *out)
{
	size_t count;
	const struct arg_row *args = args_of(command->id, &count);

	buf_puts(out, ".SS \"");
	manual_text(out, command->name);
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, args[i].required ? " " : " [");
		manual_text(out, args[i].name);
		buf_puts(out, args[i].required ? "" : "]");
		buf_puts(out, args[i].many ? "..." : "");
	}
	buf_puts(out, " [FLAGS]\"\n");
}

static void command_section(const struct command *command, struct buf *out)
{
	synopsis(command, out);
	buf_putc(out, command->summary[0] - 'a' + 'A');
	manual_text(out, command->summary + 1);
	buf_puts(out, command->help[0] == ' ' ? ".\n" : ".\n.PP\n");
	paragraphs(command->help, out);
	if (command->forms != TEXT_ONLY)
		buf_printf(out, ".PP\nTakes %s%s%s.\n", command->forms & JSON ? "\\-\\-json" : "",
			command->forms == JSON_NDJSON ? " and " : "",
			command->forms & NDJSON ? "\\-\\-ndjson" : "");
	flags_of(command->id, out);
}

static void exit_codes(struct buf *out)
{
	size_t count;
	const struct exit_row *rows = exit_rows(&count);

	buf_puts(out, ".SH \"EXIT STATUS\"\n");
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, ".TP\n\\fB%d\\fR\n", rows[i].number);
		manual_text(out, rows[i].brief);
		buf_puts(out, ".\n");
		manual_text(out, rows[i].meaning);
		buf_putc(out, '\n');
	}
}

static void surroundings(struct buf *out)
{
	buf_puts(out,
		".SH FILES\n.TP\n\\fIairlock.yaml\\fR\nthe plan; \\fBairlock init\\fR writes one "
		"to "
		"start from\n.TP\n\\fI.airlock/journal.sqlite\\fR\nthe record of what was done, "
		"beside "
		"the plan; losing it loses no data\n"
		".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nno colours when it is set and not empty\n"
		".TP\n\\fBPGPASSFILE\\fR, \\fBPGSERVICEFILE\\fR\nas libpq knows them: passwords "
		"stand "
		"there, never in a plan or a flag\n"
		".SH \"SEE ALSO\"\n\\fBairlock\\-explain\\fR(7), \\fBpsql\\fR(1)\n");
}

void manual_program(const char *version, struct buf *out)
{
	heading("AIRLOCK", "1", version, out);
	buf_puts(out,
		".SH NAME\nairlock \\- moves live PostgreSQL applications to a new server and "
		"back\n"
		".SH SYNOPSIS\n\\fBairlock\\fR [\\fIGLOBAL FLAGS\\fR] \\fICOMMAND\\fR "
		"[\\fIARGUMENTS\\fR] [\\fIFLAGS\\fR]\n"
		".SH DESCRIPTION\nAn airlock has two doors that are never open at once: of the two "
		"sides of a store, at most one accepts writes, at every instant, whatever crashes. "
		"Data goes to standard output, messages to standard error. A usage error touches "
		"nothing. Whatever ends in the middle, \\fBairlock resume\\fR settles.\n"
		".SH \"GLOBAL FLAGS\"\n");
	flags_of(COMMAND_GLOBAL, out);
	buf_puts(out, ".SH COMMANDS\n");
	for (int i = 0; i < COMMAND_COUNT; i++)
		command_section(command_get((enum command_id)i), out);
	exit_codes(out);
	surroundings(out);
}

/* ---- airlock-explain(7) ---------------------------------------------------------------------- */

static void source_section(const struct explained *source, struct buf *out)
{
	char id[EXPLAINED_ID_BYTES];

	buf_puts(out, ".SH \"");
	for (const char *c = source->title; *c; c++)
		buf_putc(out, *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	buf_puts(out, "\"\n");
	for (size_t i = 0; i < source->count(); i++) {
		BUF_AUTO text = BUF_INIT;

		source->id(i, id);
		source->text(i, &text);
		buf_puts(out, ".TP\n\\fB");
		manual_text(out, id);
		buf_puts(out, "\\fR\n");
		manual_text(out, buf_str(&text));
		buf_putc(out, '\n');
	}
}

void manual_ids(const char *version, struct buf *out)
{
	size_t count;
	const struct explained *sources = explained_sources(&count);

	heading("AIRLOCK\\-EXPLAIN", "7", version, out);
	buf_puts(out,
		".SH NAME\nairlock\\-explain \\- what each error, refusal, gate, hazard and exit "
		"code of airlock means\n.SH DESCRIPTION\n\\fBairlock explain\\fR \\fIID\\fR "
		"prints one of these.\n");
	for (size_t i = 0; i < count; i++)
		source_section(&sources[i], out);
	buf_puts(out, ".SH \"SEE ALSO\"\n\\fBairlock\\fR(1)\n");
}
