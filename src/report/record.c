#include "report/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

#define ROOM_FIRST 256

int64_t stamp_ms(const char *stamp)
{
	struct tm tm = {0};
	const char *rest = strptime(stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ms = 0, unit = 100;

	if (rest == NULL)
		return -1;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			ms += unit * (*rest - '0');
	return *rest == 'Z' && rest[1] == '\0' ? (int64_t)timegm(&tm) * 1000 + ms : -1;
}

void stamp_text(int64_t ms, char ret[STAMP_BYTES])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	REQUIRE(ms >= 0);
	gmtime_r(&seconds, &tm);
	n = strftime(ret, STAMP_BYTES, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(ret + n, STAMP_BYTES - n, ".%03d", (int)(ms % 1000));
}

void record_add(struct record *record, struct arena *arena, const struct journal_row *row)
{
	const struct journal_entry *e = &row->entry;
	int64_t at_ms = stamp_ms(row->at);

	if (at_ms < 0) /* nobody of ours wrote that: it happened after the row before it */
		at_ms = record->count > 0 ? record->rows[record->count - 1].at_ms : 0;
	if (record->count == record->room) {
		size_t room = record->room ? 2 * record->room : ROOM_FIRST;
		struct record_row *rows = arena_calloc(arena, room, sizeof *rows);

		if (record->count > 0)
			memcpy(rows, record->rows, record->count * sizeof *rows);
		record->rows = rows;
		record->room = room;
	}
	record->rows[record->count++] = (struct record_row){
		.seq = row->seq,
		.at_ms = at_ms,
		.at = arena_strdup(arena, row->at),
		.who = arena_strdup(arena, row->who),
		.run = arena_strdup(arena, e->run),
		.store = arena_strdup(arena, e->store),
		.kind = arena_strdup(arena, e->kind),
		.key = arena_strdup(arena, e->key),
		.text = arena_strdup(arena, e->text),
		.hash = arena_strdup(arena, row->hash),
		.wave = e->wave,
		.attempt = e->attempt,
		.detail = json_loads(e->detail, 0, NULL),
	};
}

struct taking {
	struct record *record;
	struct arena *arena;
};

static bool take(const struct journal_row *row, void *arg)
{
	struct taking *taking = arg;

	record_add(taking->record, taking->arena, row);
	return true;
}

int record_read(
	struct journal *journal, struct arena *arena, struct record *ret_record, struct err *err)
{
	struct record record = {0};
	struct taking taking = {&record, arena};

	/* The chain first: rows that are appended meanwhile are only more. */
	if (journal_verify(journal, NULL, &record.chain, err) ||
		journal_each(journal, NULL, take, &taking, err)) {
		record_fini(&record);
		return -1;
	}
	*ret_record = record;
	return 0;
}

void record_fini(struct record *record)
{
	for (size_t i = 0; i < record->count; i++)
		json_decref(record->rows[i].detail);
	*record = (struct record){0};
}

const char *row_string(const struct record_row *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row->detail, key));

	return text ? text : "";
}

int64_t row_integer(const struct record_row *row, const char *key)
{
	const json_t *value = json_object_get(row->detail, key);

	return json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
}
