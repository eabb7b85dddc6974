#include "discover/finding_json.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"

/* The fields that are text, by their key. */
static const struct {
	const char *key;
	size_t at, size;
} texts[] = {
#define TEXT(key, field)                                                                           \
	{                                                                                          \
		key, offsetof(struct finding, field), sizeof(((struct finding *)NULL)->field)      \
	}
	TEXT("store", store),
	TEXT("what", what),
	TEXT("where", place),
	TEXT("target", target),
	TEXT("process", process),
	TEXT("process_why", process_why),
	TEXT("file", file),
	TEXT("owner", owner),
	TEXT("user", user),
	TEXT("application", application),
	TEXT("address", address),
	TEXT("name", name),
	TEXT("schedule", schedule),
	TEXT("declared_as", declared_as),
#undef TEXT
};

static const struct {
	const char *key;
	size_t at;
} times[] = {
	{"next_run", offsetof(struct finding, next_s)},
	{"first_seen", offsetof(struct finding, first_s)},
	{"last_seen", offsetof(struct finding, last_s)},
};

static json_t *text_of(const char *text)
{
	BUF_AUTO clean = BUF_INIT;

	if (*text == '\0')
		return json_null();
	utf8_clean(&clean, text);
	return json_string(buf_str(&clean));
}

static int64_t *time_at(struct finding *f, size_t at)
{
	return (int64_t *)(void *)((char *)f + at);
}

json_t *finding_json(const struct finding *f)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:o}", "kind", finding_id(f->kind), "how",
		finding_how_name(f->how), "side", side_name(f->side), "line",
		f->line > 0 ? json_integer(f->line) : json_null());
	struct finding copy = *f;

	ENSURE(object != NULL);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_object_set_new(object, texts[i].key, text_of((const char *)f + texts[i].at));
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int64_t s = *time_at(&copy, times[i].at);

		json_object_set_new(object, times[i].key, s > 0 ? json_integer(s) : json_null());
	}
	return object;
}

static const char *string_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static bool read_names(struct finding *f, const json_t *object)
{
	const char *kind = string_at(object, "kind"), *how = string_at(object, "how"),
		   *side = string_at(object, "side");
	int k = 0, h = HOW_SEEN;

	while (k < FOUND_KINDS && strcmp(finding_id((enum finding_kind)k), kind) != 0)
		k++;
	while (h <= HOW_UNOBSERVABLE && strcmp(finding_how_name((enum finding_how)h), how) != 0)
		h++;
	if (k == FOUND_KINDS || h > HOW_UNOBSERVABLE ||
		(strcmp(side, "old") != 0 && strcmp(side, "new") != 0))
		return false;
	f->kind = (enum finding_kind)k;
	f->how = (enum finding_how)h;
	f->side = *side == 'o' ? SIDE_OLD : SIDE_NEW;
	return true;
}

bool findings_recall(struct findings *f, const json_t *object)
{
	struct finding one = {0}, *row;

	if (!read_names(&one, object))
		return false;
	one.line = (int)json_integer_value(json_object_get(object, "line"));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		snprintf((char *)&one + texts[i].at, texts[i].size, "%s",
			string_at(object, texts[i].key));
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		*time_at(&one, times[i].at) =
			json_integer_value(json_object_get(object, times[i].key));
	row = findings_add(f, &one);
	row->first_s = one.first_s;
	row->last_s = one.last_s;
	row->here = false;
	row->fresh = false;
	return true;
}
