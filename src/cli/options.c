#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/word.h"
#include "plan/text.h"

#define FLAG_VALUE 256 /* getopt's val of flag n is FLAG_VALUE + n: no clash with letters */

struct parse {
	struct options *opt;
	char **argv; /* all of it, for the numbers in messages; the modes used here never reorder it
		      */
	int argc;
	struct err *err;
};

static int place_of(const struct parse *p, const char *word)
{
	for (int i = 1; i < p->argc; i++)
		if (p->argv[i] == word)
			return i;
	return p->argc;
}

static int wrong(const struct parse *p, const char *word, const char *what, const char *meant,
	const char *meant_prefix)
{
	if (meant)
		return err_set(p->err, ERR_USAGE, "argument %d '%.60s': %s (did you mean '%s%s'?)",
			place_of(p, word), word, what, meant_prefix, meant);
	return err_set(p->err, ERR_USAGE, "argument %d '%.60s': %s", place_of(p, word), word, what);
}

static bool flag_applies(const struct flag_row *flag, enum command_id command)
{
	return flag->command == COMMAND_GLOBAL || flag->command == command;
}

struct getopt_tables {
	struct option longs[FLAG_COUNT + 1];
	char shorts[3 + 2 * FLAG_COUNT];
};

static void tables_make(struct getopt_tables *t, enum command_id command)
{
	size_t longs = 0;
	char *s = t->shorts;

	*s++ = command == COMMAND_GLOBAL ? '+' : '-'; /* '+' stops at the command's name, */
	*s++ = ':';				      /* '-' hands arguments over in their place */
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);
		bool value = flag->value != NULL;

		if (!flag_applies(flag, command))
			continue;
		t->longs[longs++] = (struct option){
			flag->name, value ? required_argument : no_argument, NULL, FLAG_VALUE + i};
		if (flag->letter) {
			*s++ = flag->letter;
			if (value)
				*s++ = ':';
		}
	}
	t->longs[longs] = (struct option){0};
	*s = '\0';
}

static enum flag_id flag_of_letter(int letter, enum command_id command)
{
	int i = 0;

	while (flag_get((enum flag_id)i)->letter != letter ||
		!flag_applies(flag_get((enum flag_id)i), command))
		i++;
	return (enum flag_id)i;
}

/* Another command's flag, typed at the wrong place, deserves a better answer than "unknown". */
static const struct command *flag_owner(const char *name, size_t len)
{
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);

		if (flag->command != COMMAND_GLOBAL && strlen(flag->name) == len &&
			!strncmp(flag->name, name, len))
			return command_get(flag->command);
	}
	return NULL;
}

static int unknown_flag(const struct parse *p, const char *word, enum command_id command)
{
	char typed[64], what[160];
	struct text_nearest s;
	size_t len = 0;
	bool is_long = word[0] == '-' && word[1] == '-';
	const struct command *owner;

	if (is_long)
		len = strcspn(word + 2, "=");
	snprintf(typed, sizeof typed, "%.*s", (int)(len < 60 ? len : 60), is_long ? word + 2 : "");
	s = TEXT_NEAREST(typed);
	for (int i = 0; i < FLAG_COUNT && is_long; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);

		if (flag_applies(flag, command) && flag->kind != KIND_LATER)
			text_nearest_try(&s, flag->name);
	}
	owner = is_long ? flag_owner(word + 2, len) : NULL;
	if (command == COMMAND_GLOBAL && owner)
		snprintf(what, sizeof what, "a flag of '%s' stands after the command's name",
			owner->name);
	else if (command == COMMAND_GLOBAL)
		snprintf(what, sizeof what, "no such global flag");
	else
		snprintf(what, sizeof what, "'%s' has no such flag", command_get(command)->name);
	return wrong(p, word, what, command == COMMAND_GLOBAL && owner ? NULL : s.best, "--");
}

static int later_flag(const struct parse *p, const char *word, const struct flag_row *flag)
{
	return err_set(p->err, ERR_CANNOT,
		"argument %d: '--%s' of '%s' is not available in this version", place_of(p, word),
		flag->name, command_get(flag->command)->name);
}

/* What getopt calls '?': unknown, ambiguous, or a switch that was given a value. */
static int not_understood(const struct parse *p, char **argv, int at, enum command_id command)
{
	const char *word = argv[at];
	char letter[48];

	if (optopt >= FLAG_VALUE)
		return wrong(p, word, "takes no value: leave out '=' and what follows", NULL, "");
	if (word[0] == '-' && word[1] == '-')
		return unknown_flag(p, word, command);
	snprintf(letter, sizeof letter, "no such flag '-%c'", optopt);
	return wrong(p, word, letter, NULL, "");
}

static int flag_store(const struct parse *p, const char *word, enum flag_id id)
{
	const struct flag_row *flag = flag_get(id);
	const char **slot = &p->opt->values[id];

	if (flag->kind == KIND_LATER)
		return later_flag(p, word, flag);
	if (flag->kind == KIND_SWITCH) {
		*slot = "";
		return 0;
	}
	if (*slot)
		return wrong(p, word, "was given already: give it once", NULL, "");
	if (word_check(flag->kind, flag->value, optarg, p->err)) {
		struct err why = *p->err;
		bool own_word = place_of(p, optarg) < p->argc;

		return err_set(p->err, ERR_USAGE, "argument %d '%.60s': --%s %s",
			place_of(p, own_word ? optarg : word), own_word ? optarg : word, flag->name,
			why.msg);
	}
	*slot = optarg;
	return 0;
}

/* getopt_long accepts abbreviations; they would become part of the interface. */
static bool written_out(const char *word, const char *name)
{
	size_t len;

	if (word[0] != '-' || word[1] != '-')
		return true;
	len = strcspn(word + 2, "=");
	return strlen(name) == len && !strncmp(word + 2, name, len);
}

/* The word in which the flag just returned stands: before its value, if that is a word of its own.
 */
static int flag_at(char **argv, const struct flag_row *flag)
{
	bool own_word = flag->value && optarg == argv[optind - 1];

	return own_word ? optind - 2 : optind - 1;
}

static int argument(const struct parse *p, const char *word, enum command_id command)
{
	struct options *opt = p->opt;
	const struct arg_row *rows, *row = NULL;
	size_t count;

	rows = args_of(command, &count);
	if (count && rows[count - 1].many && opt->args_count >= count - 1) {
		row = &rows[count - 1];
		if (opt->args_count == ARGS_MAX)
			return wrong(p, word, "is one argument too many", NULL, "");
	} else if (opt->args_count == count) {
		char what[96];

		snprintf(what, sizeof what, "'%s' takes %s", command_get(command)->name,
			count == 0   ? "no argument"
			: count == 1 ? "only one argument"
				     : "only two arguments");
		return wrong(p, word, what, NULL, "");
	}
	if (!row)
		row = &rows[opt->args_count];
	if (word_check(row->kind, row->name, word, p->err)) {
		struct err why = *p->err;

		return wrong(p, word, why.msg, NULL, "");
	}
	opt->args[opt->args_count++] = word;
	return 0;
}

static int flag_found(const struct parse *p, int c, char **argv, enum command_id command)
{
	enum flag_id id =
		c >= FLAG_VALUE ? (enum flag_id)(c - FLAG_VALUE) : flag_of_letter(c, command);
	const char *word = argv[flag_at(argv, flag_get(id))];

	if (c >= FLAG_VALUE && !written_out(word, flag_get(id)->name))
		return wrong(p, word, "flags must be written out", flag_get(id)->name, "--");
	return flag_store(p, word, id);
}

/*
 * One pass of getopt over argv[1..]: global flags up to the command's name when `command` is
 * COMMAND_GLOBAL, otherwise all that follows it.
 */
static int pass(const struct parse *p, int argc, char **argv, enum command_id command)
{
	struct getopt_tables t;
	int c, before;

	tables_make(&t, command);
	optind = 0; /* glibc: start afresh, with this optstring's mode */
	opterr = 0;
	for (;;) {
		before = optind ? optind : 1;
		optopt = 0;
		c = getopt_long(argc, argv, t.shorts, t.longs, NULL);
		if (c == -1)
			break;
		if (c == '?' && not_understood(p, argv, before < argc ? before : argc - 1, command))
			return -1;
		if (c == ':')
			return wrong(p, argv[optind - 1], "needs a value after it", NULL, "");
		if (c == 1 ? argument(p, optarg, command) : flag_found(p, c, argv, command))
			return -1;
	}
	for (int i = optind; command != COMMAND_GLOBAL && i < argc; i++) /* after "--" */
		if (argument(p, argv[i], command))
			return -1;
	return 0;
}

static int command_choose(const struct parse *p, const char *name)
{
	const struct absent_row *absent = absent_find(name);
	struct text_nearest s;

	p->opt->command = command_find(name);
	if (p->opt->command)
		return 0;
	if (absent)
		return err_set(p->err, ERR_CANNOT, "'%s' is not available in this version; %s",
			name, absent->instead);
	s = TEXT_NEAREST(name);
	for (int i = 0; i < COMMAND_COUNT; i++)
		text_nearest_try(&s, command_get((enum command_id)i)->name);
	return wrong(p, name, "no such command", s.best, "");
}

static int nothing_missing(const struct parse *p)
{
	const struct options *opt = p->opt;
	const struct arg_row *rows;
	size_t count;

	rows = args_of(opt->command->id, &count);
	for (size_t i = opt->args_count; i < count; i++)
		if (rows[i].required)
			return err_set(p->err, ERR_USAGE, "'%s' needs %s after its name",
				opt->command->name, rows[i].name);
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);

		if (flag->command == opt->command->id && flag->required && !opt->values[i])
			return err_set(p->err, ERR_USAGE, "'%s' needs --%s %s", opt->command->name,
				flag->name, flag->value);
	}
	return 0;
}

static int nothing_excluded(const struct parse *p)
{
	const struct options *opt = p->opt;
	const struct exclude_row *rows;
	size_t count;

	rows = excludes(&count);
	for (size_t i = 0; i < count; i++)
		if (opt->values[rows[i].one] && opt->values[rows[i].other])
			return err_set(p->err, ERR_USAGE,
				"--%s and --%s exclude each other: give one",
				flag_get(rows[i].one)->name, flag_get(rows[i].other)->name);
	return 0;
}

static int form_exists(const struct parse *p)
{
	const struct options *opt = p->opt;
	bool json = opt_given(opt, FLAG_GLOBAL_JSON) && !(opt->command->forms & JSON);
	bool ndjson = opt_given(opt, FLAG_GLOBAL_NDJSON) && !(opt->command->forms & NDJSON);

	if (json || ndjson)
		return err_set(p->err, ERR_USAGE, "'%s' has no --%s form: leave it out",
			opt->command->name, json ? "json" : "ndjson");
	return 0;
}

static int parse_all(const struct parse *p, int argc, char **argv)
{
	struct options *opt = p->opt;
	int at;

	if (pass(p, argc, argv, COMMAND_GLOBAL))
		return -1;
	at = optind;
	if (at < argc) {
		if (command_choose(p, argv[at]) || pass(p, argc - at, argv + at, opt->command->id))
			return -1;
	}
	if (opt_given(opt, FLAG_GLOBAL_HELP) || opt_given(opt, FLAG_GLOBAL_VERSION))
		return 0;
	if (!opt->command)
		return err_set(p->err, ERR_USAGE, "a command is missing");
	return nothing_missing(p) || nothing_excluded(p) || form_exists(p) ? -1 : 0;
}

int options_parse(int argc, char **argv, struct options *ret_opt, struct err *err)
{
	struct parse p = {.opt = ret_opt, .argv = argv, .argc = argc, .err = err};

	REQUIRE(ret_opt != NULL);
	memset(ret_opt, 0, sizeof *ret_opt);
	if (argc < 1) /* execve allows it */
		return err_set(err, ERR_USAGE, "a command is missing");
	return parse_all(&p, argc, argv);
}

bool opt_given(const struct options *opt, enum flag_id flag)
{
	REQUIRE(flag < FLAG_COUNT);
	return opt->values[flag] != NULL;
}

const char *opt_text(const struct options *opt, enum flag_id flag)
{
	REQUIRE(flag < FLAG_COUNT);
	return opt->values[flag];
}

int64_t opt_number(const struct options *opt, enum flag_id flag, int64_t otherwise)
{
	REQUIRE(flag < FLAG_COUNT);
	REQUIRE(flag_get(flag)->kind == KIND_NUMBER);
	return opt->values[flag] ? strtoll(opt->values[flag], NULL, 10) : otherwise;
}

int64_t opt_time_ms(const struct options *opt, enum flag_id flag, int64_t otherwise_ms)
{
	int64_t ms = otherwise_ms;

	REQUIRE(flag < FLAG_COUNT);
	REQUIRE(flag_get(flag)->kind == KIND_TIME);
	if (opt->values[flag])
		ENSURE(text_time_ms(opt->values[flag], &ms) == TEXT_OK);
	return ms;
}
