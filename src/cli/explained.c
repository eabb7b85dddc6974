#include "cli/explained.h"

#include <stdio.h>

#include "base/check.h"
#include "cli/command.h"
#include "discover/finding.h"
#include "gate/gates.h"
#include "plan/problem.h"
#include "store/postgres/hazards.h"

static size_t exit_count(void)
{
	size_t count;

	exit_rows(&count);
	return count;
}

static const struct exit_row *exit_at(size_t i)
{
	size_t count;

	return &exit_rows(&count)[i];
}

static void exit_id(size_t i, char ret_id[EXPLAINED_ID_BYTES])
{
	snprintf(ret_id, EXPLAINED_ID_BYTES, "exit-%d", exit_at(i)->number);
}

static void exit_text(size_t i, struct buf *out)
{
	const struct exit_row *row = exit_at(i);

	buf_printf(out, "%s.\n%s", row->brief, row->meaning);
}

/* ERR_OK is no error. */
static size_t error_count(void)
{
	return ERR_CODE_COUNT - 1;
}

static enum err_code error_at(size_t i)
{
	return (enum err_code)(i + 1);
}

static void error_id(size_t i, char ret_id[EXPLAINED_ID_BYTES])
{
	snprintf(ret_id, EXPLAINED_ID_BYTES, "E-%s", err_name(error_at(i)));
}

static const char *what_to_do(enum err_class cls)
{
	switch (cls) {
	case ERR_CLASS_RETRY:
		return "The same command may succeed later; nothing has to be changed for that.";
	case ERR_CLASS_OPERATOR:
		return "Somebody must change something first; the message names what.";
	case ERR_CLASS_FATAL:
		return "A resource or durable state is broken: see to it, then look at `airlock "
		       "status`.";
	case ERR_CLASS_BUG:
		return "This is a bug in airlock: please report it. `airlock status` says where "
		       "things stand.";
	}
	return "";
}

static void error_text(size_t i, struct buf *out)
{
	enum err_code code = error_at(i);

	buf_printf(out, "%s.\n%s\nThe command ends with exit code %d.", err_text(code),
		what_to_do(err_class(code)), err_exit_code(code));
}

static size_t problem_count(void)
{
	const char *const *ids;

	return problem_ids(&ids);
}

static void problem_id(size_t i, char ret_id[EXPLAINED_ID_BYTES])
{
	const char *const *ids;
	size_t count = problem_ids(&ids);

	REQUIRE(i < count);
	snprintf(ret_id, EXPLAINED_ID_BYTES, "%s", ids[i]);
}

static void problem_text(size_t i, struct buf *out)
{
	const char *const *ids;
	size_t count = problem_ids(&ids);

	REQUIRE(i < count);
	buf_puts(out, problem_explain(ids[i]));
}

static size_t hazard_count(void)
{
	return HAZARD_COUNT;
}

static void hazard_id_text(size_t i, char ret_id[EXPLAINED_ID_BYTES])
{
	snprintf(ret_id, EXPLAINED_ID_BYTES, "%s", hazard_get((enum hazard_id)i)->name);
}

static void hazard_text(size_t i, struct buf *out)
{
	const struct hazard *hazard = hazard_get((enum hazard_id)i);

	buf_printf(out, "%c%s.\n%s\nRemedy: ", hazard->title[0] - 'a' + 'A', hazard->title + 1,
		hazard->why);
	hazard_remedy_text(hazard, out);
	buf_printf(out, "\n`airlock check` looks for it; severity: %s.",
		hazard_severity_name(hazard->severity));
}

static void gate_id(size_t i, char ret_id[EXPLAINED_ID_BYTES])
{
	snprintf(ret_id, EXPLAINED_ID_BYTES, "gate-%s", gate_at(i)->id);
}

static void gate_text(size_t i, struct buf *out)
{
	const struct gate *gate = gate_at(i);

	buf_printf(out, "%c%s.\n`airlock check --gate %s` exercises it.", gate->what[0] - 'a' + 'A',
		gate->what + 1, gate->id);
}

static size_t found_count(void)
{
	return FOUND_KINDS;
}

static void found_id(size_t i, char ret_id[EXPLAINED_ID_BYTES])
{
	snprintf(ret_id, EXPLAINED_ID_BYTES, "found-%s", finding_id((enum finding_kind)i));
}

static void found_text(size_t i, struct buf *out)
{
	const char *title = finding_title((enum finding_kind)i);

	buf_printf(out, "%c%s.\n%s\n`airlock discover` looks for it.", title[0] - 'a' + 'A',
		title + 1, finding_explain((enum finding_kind)i));
}

static const struct {
	const char *id, *text;
} notes[] = {
#define NOTE(id, text) {id, text},
#include "cli/run_notes.def"
#undef NOTE
};

static size_t note_count(void)
{
	return ARRAY_LEN(notes);
}

static void note_id(size_t i, char ret_id[EXPLAINED_ID_BYTES])
{
	snprintf(ret_id, EXPLAINED_ID_BYTES, "%s", notes[i].id);
}

static void note_text(size_t i, struct buf *out)
{
	buf_puts(out, notes[i].text);
}

static const struct explained sources[] = {
	{"Exit codes", exit_count, exit_id, exit_text},
	{"Errors", error_count, error_id, error_text},
	{"Problems of a plan", problem_count, problem_id, problem_text},
	{"Gates", gates_count, gate_id, gate_text},
	{"Dependencies", found_count, found_id, found_text},
	{"Runs, sessions and alarms", note_count, note_id, note_text},
	{"Hazards", hazard_count, hazard_id_text, hazard_text},
};

const struct explained *explained_sources(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(sources);
	return sources;
}
