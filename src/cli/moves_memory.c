#include "cli/moves_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* A detail that the journal had to cut would be forgotten: see JOURNAL_TEXT_MAX. */
#define DETAIL_MAX (JOURNAL_TEXT_MAX - 8192)

bool wave_is_under_way(const struct wave_record *record)
{
	return record->state == WAVE_BEGUN || record->state == WAVE_UNDOING;
}

bool wave_concerns(const struct wave_record *record, const char *service)
{
	for (size_t i = 0; i < record->services_count; i++)
		if (strcmp(record->services[i], service) == 0)
			return true;
	return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *doc, const char *key)
{
	const char *text = json_string_value(json_object_get(doc, key));

	return text ? text : "";
}

static enum side side_of(const json_t *doc, const char *key)
{
	return strcmp(text_of(doc, key), side_name(SIDE_NEW)) == 0 ? SIDE_NEW : SIDE_OLD;
}

struct recalling {
	const char *plan;
	struct arena *arena;
	struct wave_record *by_number;
};

/* Names, or objects with a name where the commands are written out. */
static void take_services(const json_t *doc, struct arena *arena, struct wave_record *record)
{
	json_t *list = json_object_get(doc, "services"), *row;
	size_t i;

	record->services = arena_calloc(arena, json_array_size(list) + 1, sizeof(char *));
	json_array_foreach(list, i, row) record->services[record->services_count++] = arena_strdup(
		arena, json_is_string(row) ? json_string_value(row) : text_of(row, "service"));
}

static bool take_wave(const struct journal_row *row, void *arg)
{
	struct recalling *recalling = arg;
	json_t *doc = json_loads(row->entry.detail, 0, NULL);
	enum wave_state state = wave_state_find(text_of(doc, "state"));
	struct wave_record *record;

	if (state < WAVE_STATE_COUNT && row->entry.wave > 0 &&
		row->entry.wave <= PLAN_MEMBERS_MAX &&
		strcmp(text_of(doc, "plan"), recalling->plan) == 0) {
		record = &recalling->by_number[row->entry.wave];
		*record = (struct wave_record){.state = state,
			.goal = side_of(doc, "goal"),
			.attempt = json_integer_value(json_object_get(doc, "attempt"))};
		snprintf(record->at, sizeof record->at, "%s", row->at);
		take_services(doc, recalling->arena, record);
	}
	json_decref(doc);
	return true;
}

int moves_recall_waves(struct cmd_ctx *ctx, struct wave_record **ret_by_number, struct err *err)
{
	struct journal_filter filter = {.kind = MOVEMENT_WAVE};
	struct recalling recalling = {.plan = ctx->plan->name, .arena = &ctx->arena};

	recalling.by_number =
		arena_calloc(&ctx->arena, PLAN_MEMBERS_MAX + 1, sizeof *recalling.by_number);
	if (ctx->journal && journal_each(ctx->journal, &filter, take_wave, &recalling, err))
		return err_wrap(err, "what moved earlier cannot be read");
	*ret_by_number = recalling.by_number;
	return 0;
}

static enum move_state state_from(const json_t *doc)
{
	enum move_state state = move_state_find(text_of(doc, "state"));
	bool undoing = json_is_true(json_object_get(doc, "undoing"));

	if (state == MOVE_STATE_COUNT || state == MOVE_NONE)
		return MOVE_NONE;
	if (state == MOVE_THERE)
		return MOVE_THERE;
	return undoing && state == MOVE_MOVED ? MOVE_NONE : MOVE_INTENT;
}

struct items_recalling {
	const char *plan;
	size_t wave;
	int64_t attempt;
	struct movement *m;
};

/* Several plans may share a journal, and the names of their services. */
static bool take_item(const struct journal_row *row, void *arg)
{
	const struct items_recalling *r = arg;
	json_t *doc = json_loads(row->entry.detail, 0, NULL);
	bool ours = strcmp(text_of(doc, "plan"), r->plan) == 0 &&
		    json_integer_value(json_object_get(doc, "wave")) == (json_int_t)r->wave &&
		    json_integer_value(json_object_get(doc, "attempt")) == r->attempt;

	for (size_t i = 0; ours && i < r->m->count; i++)
		if (strcmp(r->m->items[i].service->name, text_of(doc, "service")) == 0)
			r->m->items[i].state = state_from(doc);
	json_decref(doc);
	return true;
}

int moves_recall_items(struct cmd_ctx *ctx, size_t wave, const struct wave_record *record,
	struct movement *m, struct err *err)
{
	const struct journal_filter filter = {.kind = MOVEMENT_MOVE};
	struct items_recalling recalling = {ctx->plan->name, wave, record->attempt, m};
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++)
		if (wave_concerns(record, m->items[i].service->name))
			m->items[kept++] = m->items[i];
	m->count = kept;
	if (ctx->journal && journal_each(ctx->journal, &filter, take_item, &recalling, err))
		return err_wrap(err, "what became of the services cannot be read");
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static json_t *words_json(char *const *argv)
{
	BUF_AUTO line = BUF_INIT;

	action_words(&line, argv);
	return out_json_string(buf_str(&line));
}

static json_t *service_json(const struct move_item *item)
{
	const struct plan_service *s = item->service;

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I}", "service", s->name, "tier",
		plan_tier_name(s->tier), "when", item->after ? "after" : "before", "exec",
		words_json(s->move.exec), "observe", words_json(s->move.observe), "undo",
		words_json(s->move.undo), "timeout_ms", (json_int_t)s->move.timeout_ms);
}

static json_t *wave_json(const struct moves_writer *w, enum wave_state state, bool whole)
{
	const struct movement *m = w->movement;
	json_t *services = json_array(), *stores = json_array();

	for (size_t i = 0; i < m->count; i++)
		json_array_append_new(services, whole ? service_json(&m->items[i])
						      : json_string(m->items[i].service->name));
	for (size_t i = 0; i < w->stores_count; i++)
		json_array_append_new(stores, json_string(w->ctx->plan->stores[w->stores[i]].name));
	return json_pack("{s:o, s:s, s:s, s:s, s:I, s:o, s:o}", "plan",
		out_json_string(w->ctx->plan->name), "hash", w->ctx->plan->hash, "goal",
		side_name(m->goal), "state", wave_state_name(state), "attempt",
		(json_int_t)w->attempt, "stores", stores, "services", services);
}

/* Takes doc. */
static char *dump(json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT);

	ENSURE(text != NULL);
	json_decref(doc);
	return text;
}

static const char *wave_sentence(enum wave_state state)
{
	static const char *const sentences[WAVE_STATE_COUNT] = {
		[WAVE_NONE] = "nothing was moved",
		[WAVE_BEGUN] = "begins",
		[WAVE_UNDOING] = "is taken back",
		[WAVE_PENDING] = "remains: the stores are across, a service is not",
		[WAVE_DONE] = "is done",
		[WAVE_UNDONE] = "was undone: everything is back, as observed",
		[WAVE_LEFT] = "is left: the plan no longer moves any of its services",
	};

	return sentences[state];
}

static int no_journal(struct err *err)
{
	return err_set(err, ERR_REFUSED,
		"without a journal nobody would know what has to be finished or taken back");
}

int moves_remember_wave(const struct moves_writer *w, enum wave_state state, struct err *err)
{
	char key[32];
	BUF_AUTO text = BUF_INIT;
	char *detail;
	int rc;

	if (!w->ctx->journal)
		return no_journal(err);
	snprintf(key, sizeof key, "wave-%zu", w->wave);
	buf_printf(&text, "moving the services of wave %zu to %s %s", w->wave,
		side_name(w->movement->goal), wave_sentence(state));
	/* The commands belong to the intent; what follows only says how it went on. */
	detail = dump(wave_json(w, state, state == WAVE_BEGUN));
	if (strlen(detail) > DETAIL_MAX) {
		free(detail);
		detail = dump(wave_json(w, state, false));
	}
	rc = journal_put(w->ctx->journal,
		&(struct journal_entry){.run = w->run,
			.wave = (int)w->wave,
			.kind = MOVEMENT_WAVE,
			.key = key,
			.text = buf_str(&text),
			.detail = detail},
		err);
	free(detail);
	return rc;
}

static void note_sentence(const struct move_note *note, struct buf *out)
{
	const char *name = note->item->service->name, *side = side_name(note->goal);
	const char *verb = note->undoing ? "taken back" : "moved";

	switch (note->state) {
	case MOVE_INTENT:
		buf_printf(out, "%s is about to be %s to %s", name, verb, side);
		return;
	case MOVE_MOVED:
		buf_printf(out, "%s was %s to %s, as observed", name, verb, side);
		return;
	case MOVE_THERE:
		buf_printf(out, "%s stood on %s already", name, side);
		return;
	case MOVE_FAILED:
		buf_printf(out, "%s was not %s to %s: %s", name, verb, side, note->why);
		return;
	case MOVE_NONE:
	case MOVE_STATE_COUNT:
		break;
	}
	buf_printf(out, "%s was not touched", name);
}

static json_t *note_json(const struct moves_writer *w, const struct move_note *note)
{
	const struct move_seen *seen = &note->item->seen;
	json_t *doc = json_pack("{s:o, s:s, s:s, s:b, s:s, s:s, s:I, s:I}", "plan",
		out_json_string(w->ctx->plan->name), "service", note->item->service->name, "state",
		move_state_name(note->state), "undoing", note->undoing, "goal",
		side_name(note->goal), "observed", seen->known ? side_name(seen->side) : "unknown",
		"wave", (json_int_t)w->wave, "attempt", (json_int_t)w->attempt);

	if (note->command != NULL) {
		json_object_set_new(doc, "command", words_json(note->command));
		json_object_set_new(doc, "undo", words_json(note->undo));
	}
	if (note->report != NULL) {
		json_object_set_new(doc, "status", json_integer(note->report->status));
		json_object_set_new(doc, "ms", json_integer(note->report->ms));
		json_object_set_new(doc, "output", out_json_string(note->report->output));
	}
	if (note->why[0])
		json_object_set_new(doc, "why", out_json_string(note->why));
	return doc;
}

int moves_remember(const struct moves_writer *w, const struct move_note *note, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	char *detail;
	int rc;

	if (!w->ctx->journal)
		return no_journal(err);
	note_sentence(note, &text);
	detail = dump(note_json(w, note));
	rc = journal_put(w->ctx->journal,
		&(struct journal_entry){.run = w->run,
			.wave = (int)w->wave,
			.kind = MOVEMENT_MOVE,
			.key = note->item->service->name,
			.text = buf_str(&text),
			.detail = detail},
		err);
	free(detail);
	return rc;
}
