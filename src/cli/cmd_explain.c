#include <ctype.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/explained.h"
#include "cli/wrap.h"
#include "plan/text.h"

static bool ends_brief(const char *at)
{
	return (*at == '.' || *at == ':') && (!at[1] || at[1] == ' ' || at[1] == '\n');
}

/* The first sentence, or its first part, on one line. */
static void brief_of(const struct explained *source, size_t i, struct buf *out)
{
	BUF_AUTO text = BUF_INIT;
	bool quoted = false; /* in `...` a colon is a letter */

	source->text(i, &text);
	for (size_t k = 0; k < text.len && (quoted || !ends_brief(text.data + k)); k++) {
		quoted ^= text.data[k] == '`';
		buf_putc(out, text.data[k] == '\n' ? ' ' : text.data[k]);
	}
}

static void list_text(struct out *out)
{
	size_t count;
	const struct explained *sources = explained_sources(&count);
	BUF_AUTO all = BUF_INIT;
	char id[EXPLAINED_ID_BYTES];

	for (size_t s = 0; s < count; s++) {
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
	size_t count;
	const struct explained *sources = explained_sources(&count);
	json_t *ids = json_array();
	char id[EXPLAINED_ID_BYTES];

	for (size_t s = 0; s < count; s++)
		for (size_t i = 0; i < sources[s].count(); i++) {
			BUF_AUTO brief = BUF_INIT;

			sources[s].id(i, id);
			brief_of(&sources[s], i, &brief);
			json_array_append_new(
				ids, json_pack("{s:s, s:s}", "id", id, "brief", buf_str(&brief)));
		}
	out_json(out, json_pack("{s:s, s:o}", "schema", "airlock.explain-list/1", "ids", ids));
}

static void explain(struct out *out, const struct explained *source, size_t i)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO shown = BUF_INIT;
	char id[EXPLAINED_ID_BYTES];

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

/* As it stands where a reader meets it: "3" of an exit code, "links" in check's table, "TIMEOUT" in
 * a document. */
static bool is_without_family(const char *id, const char *wanted)
{
	const char *dash = strchr(id, '-');

	return dash && !strcasecmp(dash + 1, wanted);
}

static bool is_it(const char *id, const char *wanted)
{
	return !strcasecmp(id, wanted);
}

/* Explains the first ID that `fits` what is wanted; false when none does. */
static bool explain_first(
	struct out *out, const char *wanted, bool (*fits)(const char *id, const char *wanted))
{
	size_t count;
	const struct explained *sources = explained_sources(&count);
	char id[EXPLAINED_ID_BYTES];

	for (size_t s = 0; s < count; s++)
		for (size_t i = 0; i < sources[s].count(); i++) {
			sources[s].id(i, id);
			if (fits(id, wanted)) {
				explain(out, &sources[s], i);
				return true;
			}
		}
	return false;
}

static int nothing_has(const char *wanted, struct err *err)
{
	size_t count;
	const struct explained *sources = explained_sources(&count);
	struct text_nearest nearest = TEXT_NEAREST(wanted);
	char id[EXPLAINED_ID_BYTES], best[EXPLAINED_ID_BYTES] = "";

	for (size_t s = 0; s < count; s++)
		for (size_t i = 0; i < sources[s].count(); i++) {
			sources[s].id(i, id);
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

int cmd_explain(struct cmd_ctx *ctx, struct err *err)
{
	const char *wanted = ctx->opt->args[0];

	if (!wanted) {
		(ctx->out->json ? list_json : list_text)(ctx->out);
		return EXIT_DONE;
	}
	if (explain_first(ctx->out, wanted, is_it) ||
		explain_first(ctx->out, wanted, is_without_family))
		return EXIT_DONE;
	return nothing_has(wanted, err);
}
