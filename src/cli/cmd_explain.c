#include <string.h>

#include "base/check.h"
#include "cli/cmd.h"
#include "cli/wrap.h"
#include "gate/gates.h"
#include "plan/problem.h"
#include "plan/text.h"
#include "store/postgres/hazards.h"

#define ID_BYTES 64

/* Where ids come from: each source counts its own from 0. */
struct source {
	const char *title;
	size_t (*count)(void);
	void (*id)(size_t i, char ret_id[ID_BYTES]);
	void (*text)(size_t i, struct buf *out);
};

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

static void exit_id(size_t i, char ret_id[ID_BYTES])
{
	snprintf(ret_id, ID_BYTES, "exit-%d", exit_at(i)->number);
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

static void error_id(size_t i, char ret_id[ID_BYTES])
{
	snprintf(ret_id, ID_BYTES, "E-%s", err_name(error_at(i)));
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

static void problem_id(size_t i, char ret_id[ID_BYTES])
{
	const char *const *ids;
	size_t count = problem_ids(&ids);

	REQUIRE(i < count);
	snprintf(ret_id, ID_BYTES, "%s", ids[i]);
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

static void hazard_id_text(size_t i, char ret_id[ID_BYTES])
{
	snprintf(ret_id, ID_BYTES, "%s", hazard_get((enum hazard_id)i)->name);
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

static void gate_id(size_t i, char ret_id[ID_BYTES])
{
	snprintf(ret_id, ID_BYTES, "gate-%s", gate_at(i)->id);
}

static void gate_text(size_t i, struct buf *out)
{
	const struct gate *gate = gate_at(i);

	buf_printf(out, "%c%s.\n`airlock check --gate %s` exercises it.", gate->what[0] - 'a' + 'A',
		gate->what + 1, gate->id);
}

static const struct source sources[] = {
	{"Exit codes", exit_count, exit_id, exit_text},
	{"Errors", error_count, error_id, error_text},
	{"Problems of a plan", problem_count, problem_id, problem_text},
	{"Gates", gates_count, gate_id, gate_text},
	{"Hazards", hazard_count, hazard_id_text, hazard_text},
};

static bool ends_brief(const char *at)
{
	return (*at == '.' || *at == ':') && (!at[1] || at[1] == ' ' || at[1] == '\n');
}

/* The first sentence, or its first part, on one line. */
static void brief_of(const struct source *source, size_t i, struct buf *out)
{
	BUF_AUTO text = BUF_INIT;

	source->text(i, &text);
	for (size_t k = 0; k < text.len && !ends_brief(text.data + k); k++)
		buf_putc(out, text.data[k] == '\n' ? ' ' : text.data[k]);
}

static void list_text(struct out *out)
{
	BUF_AUTO all = BUF_INIT;
	char id[ID_BYTES];

	for (size_t s = 0; s < ARRAY_LEN(sources); s++) {
		buf_printf(&all, "%s%s\n", s ? "\n" : "", sources[s].title);
		for (size_t i = 0; i < sources[s].count(); i++) {
			BUF_AUTO brief = BUF_INIT;

			sources[s].id(i, id);
			brief_of(&sources[s], i, &brief);
			buf_printf(&all, "  %-24s", id);
			wrap_text(&all, buf_str(&brief), 26, 26);
		}
	}
	out_text(out, &all);
}

static void list_json(struct out *out)
{
	json_t *ids = json_array();
	char id[ID_BYTES];

	for (size_t s = 0; s < ARRAY_LEN(sources); s++)
		for (size_t i = 0; i < sources[s].count(); i++) {
			BUF_AUTO brief = BUF_INIT;

			sources[s].id(i, id);
			brief_of(&sources[s], i, &brief);
			json_array_append_new(
				ids, json_pack("{s:s, s:s}", "id", id, "brief", buf_str(&brief)));
		}
	out_json(out, json_pack("{s:s, s:o}", "schema", "airlock.explain-list/1", "ids", ids));
}

static void explain(struct out *out, const struct source *source, size_t i)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO shown = BUF_INIT;
	char id[ID_BYTES];

	source->id(i, id);
	source->text(i, &text);
	if (out->json) {
		out_json(out, json_pack("{s:s, s:s, s:s}", "schema", "airlock.explain/1", "id", id,
				      "text", buf_str(&text)));
		return;
	}
	buf_printf(&shown, "%s\n", id);
	wrap_text(&shown, buf_str(&text), 0, 2);
	out_text(out, &shown);
}

int cmd_explain(struct cmd_ctx *ctx, struct err *err)
{
	const char *wanted = ctx->opt->args[0];
	struct text_nearest nearest;
	char id[ID_BYTES], best[ID_BYTES] = "";

	if (!wanted) {
		(ctx->out->json ? list_json : list_text)(ctx->out);
		return EXIT_DONE;
	}
	nearest = TEXT_NEAREST(wanted);
	for (size_t s = 0; s < ARRAY_LEN(sources); s++)
		for (size_t i = 0; i < sources[s].count(); i++) {
			sources[s].id(i, id);
			if (!strcasecmp(id, wanted)) {
				explain(ctx->out, &sources[s], i);
				return EXIT_DONE;
			}
			text_nearest_try(&nearest, id);
			if (nearest.best == id) /* id is about to be overwritten */
				nearest.best = strcpy(best, id);
		}
	if (nearest.best)
		return err_set(err, ERR_USAGE, "nothing has the id '%.60s' (did you mean '%s'?)",
			wanted, best);
	return err_set(err, ERR_USAGE,
		"nothing has the id '%.60s': `airlock explain` lists what there is", wanted);
}
