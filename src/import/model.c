#include "import/model.h"

#include "base/check.h"

void model_init(struct model *model, struct arena *arena, struct notes *notes)
{
	*model = (struct model){.arena = arena, .notes = notes};
	model->records_last = &model->records;
}

struct part *model_part(struct model *model, const char *name, const char *what, struct place at)
{
	struct part *part;

	REQUIRE(name != NULL);
	if (model->parts_count == MODEL_PARTS_MAX) {
		notes_add(model->notes, NOTE_ERROR, (struct place){.file = at.file},
			"more than %d services: the rest is left out", MODEL_PARTS_MAX);
		return NULL;
	}
	model->parts = arena_grow(model->arena, model->parts, model->parts_count, &model->parts_cap,
		sizeof *model->parts);
	part = arena_alloc(model->arena, sizeof *part);
	part->name = name;
	part->what = what;
	part->scope = "";
	part->command = "";
	part->at = at;
	part->number = model->parts_count;
	model->parts[model->parts_count++] = part;
	return part;
}

static struct fact *append(
	struct model *model, struct facts *facts, const char *name, struct place at)
{
	struct fact *fact;

	if (facts->count >= FACTS_MAX || model->facts_count++ >= MODEL_FACTS_MAX) {
		notes_add(model->notes, NOTE_ERROR, (struct place){.file = at.file},
			"more than %d settings of one service, or %d of all: the rest is left out",
			FACTS_MAX, MODEL_FACTS_MAX);
		return NULL;
	}
	fact = arena_alloc(model->arena, sizeof *fact);
	fact->name = name;
	fact->at = at;
	if (!facts->last) {
		facts->last = &facts->first;
		facts->index = node_new(model->arena, NODE_MAP, at);
	}
	if (!node_entry(facts->index, name)) {
		struct node *node = node_new(model->arena, NODE_NULL, at);

		node->ref = fact;
		node_put(model->arena, facts->index, name, at, node);
	}
	*facts->last = fact;
	facts->last = &fact->next;
	facts->count++;
	return fact;
}

struct fact *facts_add(struct model *model, struct facts *facts, const char *name,
	const char *value, struct place at)
{
	struct fact *fact = append(model, facts, name, at);

	if (fact)
		fact->value = value;
	return fact;
}

static struct fact *find(const struct facts *facts, const char *name)
{
	const struct node *node = node_get(facts->index, name);

	return node ? node->ref : NULL;
}

void facts_set(struct model *model, struct facts *facts, const char *name, const char *value,
	bool blank, struct place at)
{
	struct fact *fact = find(facts, name);

	if (!fact)
		fact = append(model, facts, name, at);
	if (!fact)
		return;
	fact->value = value;
	fact->blank = blank;
	fact->at = at;
}

const struct fact *facts_get(const struct facts *facts, const char *name)
{
	return find(facts, name);
}

const char *facts_text(const struct facts *facts, const char *name)
{
	const struct fact *fact = find(facts, name);

	return fact && !fact->blank && fact->value && *fact->value ? fact->value : NULL;
}

void model_record(
	struct model *model, const char *name, const char *type, const char *value, struct place at)
{
	struct record *record = arena_alloc(model->arena, sizeof *record);

	*record = (struct record){.name = name, .type = type, .value = value, .at = at};
	*model->records_last = record;
	model->records_last = &record->next;
}
