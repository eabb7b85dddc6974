#include "discover/writers_json.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* What a server says need not be UTF-8: such bytes become '?'. */
static json_t *string_of(const char *text)
{
	json_t *string = json_string(text);
	char ascii[PROCESS_BYTES];
	size_t n = 0;

	if (string != NULL)
		return string;
	for (; text[n] != '\0' && n < sizeof ascii - 1; n++)
		ascii[n] = (unsigned char)text[n] < 0x80 ? text[n] : '?';
	ascii[n] = '\0';
	return json_string(ascii);
}

static json_t *time_of(int64_t s)
{
	return s > 0 ? json_integer(s) : json_null();
}

/* The further names as an array. */
static json_t *names_of(const char *also)
{
	json_t *names = json_array();

	while (*also != '\0') {
		char name[sizeof(((struct writer *)NULL)->application)];

		snprintf(name, sizeof name, "%.*s", (int)strcspn(also + 1, "\n"), also + 1);
		json_array_append_new(names, string_of(name));
		also = strchr(also, '\n') + 1;
	}
	return names;
}

/* How it came, where the store has a gateway; null where it has none, or that was not asked. */
static json_t *gateway_of(const struct writer *writer)
{
	if (writer->gateway.route[0] == '\0')
		return json_null();
	return json_pack("{s:o, s:I, s:I, s:b, s:I, s:I, s:I}", "route",
		string_of(writer->gateway.route), "sessions", (json_int_t)writer->gateway.sessions,
		"past", (json_int_t)writer->gateway.past, "untold", writer->gateway.untold,
		"transactions", (json_int_t)writer->gateway.transactions, "writes",
		(json_int_t)writer->gateway.writes, "rows", (json_int_t)writer->gateway.rows);
}

json_t *writer_json(const struct writer *writer)
{
	json_t *object = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}",
		"store", string_of(writer->store), "side", side_name(writer->side), "user",
		string_of(writer->user), "application", string_of(writer->application), "address",
		string_of(writer->address), "process", string_of(writer->process), "evidence",
		string_of(writer->evidence), "writes", (json_int_t)writer->writes, "first_seen",
		time_of(writer->first_s), "last_seen", time_of(writer->last_s), "last_write",
		time_of(writer->wrote_s));

	ENSURE(object != NULL);
	json_object_set_new(object, "names", names_of(writer->also));
	json_object_set_new(object, "process_why",
		writer->process[0] || !writer->why[0] ? json_null() : string_of(writer->why));
	json_object_set_new(object, "gateway", gateway_of(writer));
	return object;
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static int64_t number_at(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key)); /* 0 for null */
}

static void recall_names(struct writer *row, const json_t *names)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (json_is_string(name))
			writer_called(row, json_string_value(name), true);
	}
}

bool writers_recall(struct writers *w, const json_t *object)
{
	const char *side = text_at(object, "side");
	struct writer *row;

	if (strcmp(side, "old") != 0 && strcmp(side, "new") != 0)
		return false;
	if (*text_at(object, "store") == '\0' || *text_at(object, "user") == '\0')
		return false;
	row = writers_at(w, text_at(object, "store"), *side == 'o' ? SIDE_OLD : SIDE_NEW,
		text_at(object, "user"), text_at(object, "application"),
		text_at(object, "address"));
	snprintf(row->process, sizeof row->process, "%s", text_at(object, "process"));
	snprintf(row->evidence, sizeof row->evidence, "%s", text_at(object, "evidence"));
	recall_names(row, json_object_get(object, "names"));
	row->first_s = number_at(object, "first_seen");
	row->last_s = number_at(object, "last_seen");
	row->wrote_s = number_at(object, "last_write");
	row->wrote = row->wrote_s > 0;
	row->wrote_as_first = row->wrote; /* which of them it was, is not kept */
	return true;
}
