#include <string.h>

#include "cli/cmd.h"
#include "cli/newfile.h"
#include "import/import.h"

static const char *const kind_titles[NOTE_KINDS] = {
	[NOTE_ERROR] = "could not be read",
	[NOTE_UNKNOWN] = "not understood",
	[NOTE_ASSUMED] = "look at",
	[NOTE_LEFT_OUT] = "left out",
};

/* "compose.yaml:41: not understood: ..." one line each, by place. */
static void say_notes(struct cmd_ctx *ctx, const struct notes *notes)
{
	BUF_AUTO text = BUF_INIT;
	size_t total = 0;

	for (size_t i = 0; i < notes->count; i++) {
		const struct note *note = &notes->rows[i];
		BUF_AUTO place = BUF_INIT;

		if (ctx->out->quiet && note->kind != NOTE_ERROR)
			continue;
		place_print(note->at, &place);
		buf_printf(&text, "%s%s%s: %s\n", buf_str(&place), place.len ? ": " : "",
			kind_titles[note->kind], note->text);
	}
	for (int kind = 0; kind < NOTE_KINDS; kind++)
		total += notes->total[kind];
	if (total > notes->count)
		buf_printf(&text, "and %zu more\n", total - notes->count);
	if (text.len)
		out_message_text(ctx->out, &text);
}

static void say_summary(struct cmd_ctx *ctx, const struct import_result *r)
{
	out_note(ctx->out,
		"%zu store%s and %zu service%s; %zu in comments, because this version does not "
		"move "
		"them; %zu line%s to FILL IN",
		r->written.stores, r->written.stores == 1 ? "" : "s", r->written.services,
		r->written.services == 1 ? "" : "s", r->written.commented, r->written.blanks,
		r->written.blanks == 1 ? "" : "s");
	if (r->written.crossings)
		out_note(ctx->out,
			"%zu crossing%s between the environments to declare or to take out: "
			"proposed in comments at its end",
			r->written.crossings, r->written.crossings == 1 ? "" : "s");
}

static json_t *notes_json(const struct notes *notes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < notes->count; i++) {
		const struct note *note = &notes->rows[i];

		json_array_append_new(list,
			json_pack("{s:s, s:o, s:i, s:o, s:o}", "kind", note_kind_name(note->kind),
				"file", out_json_string(note->at.file), "line", note->at.line,
				"address", out_json_string(note->at.address), "message",
				out_json_string(note->text)));
	}
	return list;
}

static json_t *result_json(const struct import_result *r, const char *path)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "schema",
		"airlock.import/1", "from", import_from_name(r->from), "file",
		out_json_string(path), "stores", (json_int_t)r->written.stores, "services",
		(json_int_t)r->written.services, "commented", (json_int_t)r->written.commented,
		"fill_in", (json_int_t)r->written.blanks, "crossings",
		(json_int_t)r->written.crossings, "notes", notes_json(&r->notes), "plan",
		out_json_string(path ? NULL : r->plan));
}

static enum import_from from_of(const char *word)
{
	for (int from = IMPORT_COMPOSE; word && from <= IMPORT_TERRAFORM; from++)
		if (strcmp(word, import_from_name((enum import_from)from)) == 0)
			return (enum import_from)from;
	return IMPORT_GUESS;
}

int cmd_import(struct cmd_ctx *ctx, struct err *err)
{
	const char *path = opt_text(ctx->opt, FLAG_IMPORT_OUTPUT);
	struct import_request request = {.from = from_of(opt_text(ctx->opt, FLAG_IMPORT_FROM)),
		.sources = ctx->opt->args,
		.sources_count = ctx->opt->args_count,
		.profiles = opt_text(ctx->opt, FLAG_IMPORT_PROFILE),
		.env_file = opt_text(ctx->opt, FLAG_IMPORT_ENV_FILE)};
	struct import_result result;
	int failed = import_run(&request, &ctx->arena, &result, err);

	if (!ctx->out->json || failed)
		say_notes(ctx, &result.notes);
	if (failed || (path && newfile_write(path, result.plan, err)))
		return -1;
	if (ctx->out->json) {
		out_json(ctx->out, result_json(&result, path));
		return EXIT_DONE;
	}
	if (!path)
		out_data(ctx->out, "%s", result.plan);
	say_summary(ctx, &result);
	if (path)
		newfile_say(ctx, path);
	return EXIT_DONE;
}
