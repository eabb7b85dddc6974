#include "plan/yaml_syntax.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* libyaml's words, ours, and the remedy.  What has no row is shown in libyaml's words. */
static const struct {
	const char *theirs, *ours, *help;
} phrases[] = {
	{"mapping values are not allowed in this context", "a ':' where no key can be",
		"put quotes around a value that contains ': '"},
	{"could not find expected ':'", "a key without ':'",
		"write `key: value`, with a space after the ':'"},
	{"did not find expected key", "this line does not fit in with the ones above",
		"indent it like its neighbours, and put quotes around values with special "
		"characters"},
	{"did not find expected ',' or '}'", "a ',' or '}' is missing", NULL},
	{"did not find expected ',' or ']'", "a ',' or ']' is missing", NULL},
	{"did not find expected '-' indicator", "a list item without '-'",
		"indent the items of a list alike"},
	{"did not find expected node content", "a value is missing here", NULL},
	{"found unexpected end of stream", "a quote is not closed before the end of the file",
		NULL},
	{"found unexpected document indicator",
		"a quote is not closed before the end of the document", NULL},
	{"found unknown escape character", "an escape that double quotes do not know",
		"use single quotes, or write \\\\ for a backslash"},
	{"found undefined tag handle", "a tag; plans use none", "remove it"},
	{"block sequence entries are not allowed in this context", "a list item where none can be",
		"begin the list on a line of its own"},
	{"found character that cannot start any token", "a character that can not begin a value",
		"put the value in quotes"},
};

static struct span one_char(size_t chr)
{
	return (struct span){.start = chr, .end = chr + 1};
}

static void report_encoding(
	const yaml_parser_t *parser, const struct source *src, struct problems *ps)
{
	size_t byte = parser->problem_offset;
	bool control = parser->problem && strstr(parser->problem, "control characters");
	struct span at;

	/* An octet that does not continue a character: the character is what is wrong. */
	while (parser->problem && strstr(parser->problem, "trailing") && byte > 0 &&
		(unsigned char)src->text[byte] < 0xc0)
		byte--;
	at = one_char(source_chr(src, byte));
	if (control)
		source_report(src, ps, "P-CONTROL", PROBLEM_ERROR, at, "remove it",
			"a control character (code %d)", parser->problem_value);
	else
		source_report(src, ps, "P-UTF8", PROBLEM_ERROR, at,
			"convert the file to UTF-8, for example with iconv -f latin1 -t utf-8",
			"this is not UTF-8");
}

/* libyaml says only that no token begins with a tab, or that a line does not fit. */
static bool is_tab(const struct source *src, size_t chr)
{
	size_t byte = source_byte(src, chr);

	while (byte > 0 && (src->text[byte - 1] == ' ' || src->text[byte - 1] == '\t')) {
		if (src->text[byte - 1] == '\t')
			return true;
		byte--;
	}
	return source_byte(src, chr) < src->len && src->text[source_byte(src, chr)] == '\t';
}

/* The words, and a remedy that says where the bracket was opened if that is what is wrong. */
static const char *find_help(const yaml_parser_t *parser, const struct source *src,
	const char **message, char *scratch, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if (strcmp(phrases[i].theirs, *message) != 0)
			continue;
		*message = phrases[i].ours;
		if (phrases[i].help)
			return phrases[i].help;
		break;
	}
	if (!parser->context || !strstr(parser->context, "flow"))
		return NULL;
	snprintf(scratch, size, "close what was opened in line %d",
		source_pos(src, parser->context_mark.index).line);
	return scratch;
}

void yaml_syntax_report(const yaml_parser_t *parser, const struct source *src, struct problems *ps)
{
	const char *message = parser->problem ? parser->problem : "not YAML";
	struct span at = one_char(parser->problem_mark.index);
	char scratch[64];
	const char *help;

	REQUIRE(parser->error != YAML_NO_ERROR);
	if (parser->error == YAML_READER_ERROR) {
		report_encoding(parser, src, ps);
		return;
	}
	if (is_tab(src, at.start)) {
		source_report(src, ps, "P-TAB", PROBLEM_ERROR, at, "indent with spaces",
			"a tab where YAML wants spaces");
		return;
	}
	/* An open quote is noticed at the end of the file; it is at its beginning that one looks.
	 */
	if (parser->context && strstr(parser->context, "quoted scalar") &&
		strstr(message, "unexpected"))
		at = one_char(parser->context_mark.index);
	help = find_help(parser, src, &message, scratch, sizeof scratch);
	source_report(src, ps, "P-SYNTAX", PROBLEM_ERROR, at, help, "%s", message);
}
