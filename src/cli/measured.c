#include "cli/measured.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"

#define FACT "measured"

/* A number, or GRAVITY_UNKNOWN where the row has none. */
static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : GRAVITY_UNKNOWN;
}

static int64_t integer(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? (int64_t)json_integer_value(value) : GRAVITY_UNKNOWN;
}

struct recalling {
	const struct plan *plan;
	struct gravity_book *book;
	size_t room; /* of edges */
	struct arena *arena;
};

static void take_store(struct recalling *r, const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "store"));
	size_t store = name ? plan_store_find(r->plan, name) : PLAN_NONE;

	if (store == PLAN_NONE)
		return;
	r->book->stores[store] = (struct gravity_store){
		.measured_at_ms = integer(row, "measured_at_ms"),
		.watched_ms = integer(row, "watched_ms"),
		.bytes = integer(row, "bytes"),
		.rows_written_s = number(row, "rows_written_s"),
		.xacts_s = number(row, "xacts_s"),
		.writers = integer(row, "writers"),
		.writers_declared = integer(row, "writers_declared"),
	};
}

static size_t node_find(const struct plan *plan, const char *name)
{
	for (size_t n = 0; name && n < plan->stores_count + plan->services_count; n++)
		if (strcmp(plan_node_name(plan, n), name) == 0)
			return n;
	return PLAN_NONE;
}

static struct gravity_edge *edge_slot(struct recalling *r, size_t from, size_t to)
{
	struct gravity_book *book = r->book;

	for (size_t i = 0; i < book->edges_count; i++)
		if (book->edges[i].from == from && book->edges[i].to == to)
			return &book->edges[i];
	if (book->edges_count == r->room) {
		size_t room = r->room ? 2 * r->room : 16;
		struct gravity_edge *edges = arena_calloc(r->arena, room, sizeof *edges);

		if (book->edges_count)
			memcpy(edges, book->edges, book->edges_count * sizeof *edges);
		book->edges = edges;
		r->room = room;
	}
	return &book->edges[book->edges_count++];
}

static void take_edge(struct recalling *r, const json_t *row)
{
	size_t from = node_find(r->plan, json_string_value(json_object_get(row, "from")));
	size_t to = node_find(r->plan, json_string_value(json_object_get(row, "to")));

	if (from == PLAN_NONE || to == PLAN_NONE)
		return;
	*edge_slot(r, from, to) = (struct gravity_edge){
		.from = from,
		.to = to,
		.measured_at_ms = integer(row, "measured_at_ms"),
		.calls_s = number(row, "calls_s"),
		.round_trip_added_ms = number(row, "round_trip_added_ms"),
	};
}

static bool take_row(const struct journal_row *row, void *arg)
{
	json_t *object = json_loads(row->entry.detail, 0, NULL);

	if (json_object_get(object, "store"))
		take_store(arg, object);
	else if (json_object_get(object, "from"))
		take_edge(arg, object);
	json_decref(object);
	return true;
}

void measured_recall(struct cmd_ctx *ctx, struct gravity_book *ret)
{
	struct journal_filter filter = {.kind = FACT};
	struct recalling r = {.plan = ctx->plan, .book = ret, .arena = &ctx->arena};
	struct err err = ERR_INIT;

	*ret = (struct gravity_book){
		.stores = arena_calloc(
			&ctx->arena, ctx->plan->stores_count + 1, sizeof(struct gravity_store))};
	for (size_t i = 0; i < ctx->plan->stores_count; i++)
		gravity_store_init(&ret->stores[i]);
	if (ctx->journal && journal_each(ctx->journal, &filter, take_row, &r, &err))
		out_warn(ctx->out, "what was measured earlier cannot be read: %s", err.msg);
}

static void set_number(json_t *row, const char *key, double value)
{
	if (value >= 0)
		json_object_set_new(row, key, json_real(value));
}

static void set_integer(json_t *row, const char *key, int64_t value)
{
	if (value >= 0)
		json_object_set_new(row, key, json_integer(value));
}

/* Takes `row`. */
static int put(struct cmd_ctx *ctx, const char *store, const char *key, const char *text,
	json_t *row, struct err *err)
{
	char *detail = json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(9));
	int rc = 0;

	ENSURE(detail != NULL);
	if (ctx->journal)
		rc = journal_put(ctx->journal,
			&(struct journal_entry){.kind = FACT,
				.store = store,
				.key = key,
				.text = text,
				.detail = detail},
			err);
	free(detail);
	json_decref(row);
	return rc;
}

int measured_keep_store(
	struct cmd_ctx *ctx, size_t store, const struct gravity_store *seen, struct err *err)
{
	const char *name = plan_node_name(ctx->plan, store);
	json_t *row = json_pack("{s:s}", "store", name);

	REQUIRE(store < ctx->plan->stores_count);
	set_integer(row, "measured_at_ms", seen->measured_at_ms);
	set_integer(row, "watched_ms", seen->watched_ms);
	set_integer(row, "bytes", seen->bytes);
	set_number(row, "rows_written_s", seen->rows_written_s);
	set_number(row, "xacts_s", seen->xacts_s);
	set_integer(row, "writers", seen->writers);
	set_integer(row, "writers_declared", seen->writers_declared);
	return put(ctx, name, arena_printf(&ctx->arena, "store %s", name),
		arena_printf(&ctx->arena, "%s was measured", name), row, err);
}

int measured_keep_edge(struct cmd_ctx *ctx, const struct gravity_edge *seen, struct err *err)
{
	const char *from = plan_node_name(ctx->plan, seen->from);
	const char *to = plan_node_name(ctx->plan, seen->to);
	json_t *row = json_pack("{s:s, s:s}", "from", from, "to", to);

	set_integer(row, "measured_at_ms", seen->measured_at_ms);
	set_number(row, "calls_s", seen->calls_s);
	set_number(row, "round_trip_added_ms", seen->round_trip_added_ms);
	return put(ctx, NULL, arena_printf(&ctx->arena, "edge %s %s", from, to),
		arena_printf(&ctx->arena, "what %s asks of %s was measured", from, to), row, err);
}
