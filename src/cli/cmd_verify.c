/* `airlock verify`: both sides compared, live; what differs is named and counted. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/fleet.h"
#include "cli/stop.h"
#include "verify/verify.h"

#define LANES_DEFAULT_MAX 4
#define KEYS_SHOWN 10

struct teller {
	struct out *out;
	const char *store;
	bool terminal;
};

static void tell_json(struct teller *teller, const struct verify_progress *p)
{
	out_json_line(teller->out,
		json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "schema",
			"airlock.verify-progress/1", "store", teller->store, "table",
			out_json_string(p->table), "tables_done", (json_int_t)p->tables_done,
			"tables", (json_int_t)p->tables, "rows", (json_int_t)p->rows, "rows_total",
			(json_int_t)p->rows_total, "different", (json_int_t)p->different, "left_ms",
			p->left_ms < 0 ? json_null() : json_integer(p->left_ms)));
}

static void on_progress(void *arg, const struct verify_progress *p)
{
	struct teller *teller = arg;
	char left[48] = "";
	BUF_AUTO table = BUF_INIT;

	if (teller->out->ndjson) {
		tell_json(teller, p);
		return;
	}
	if (!teller->terminal && !teller->out->verbose)
		return;
	if (p->left_ms >= 0)
		snprintf(
			left, sizeof left, ", about %" PRId64 " s left", (p->left_ms + 999) / 1000);
	out_safe(&table, p->table ? p->table : "");
	out_note(teller->out,
		"%s: %zu/%zu tables, %" PRId64 " of about %" PRId64 " rows, %" PRId64
		" different%s; now %s",
		teller->store, p->tables_done, p->tables, p->rows, p->rows_total, p->different,
		left, buf_str(&table));
}

/* ---- the answer ---------------------------------------------------------------------------- */

/* All of a pass: text, JSON and exit code come from it. */
struct answer {
	struct cmd_ctx *ctx;
	struct verify *stores;
	size_t count;
	struct err err; /* ERR_OK = everything was compared */
};

static int64_t different(const struct answer *a)
{
	int64_t sum = 0;

	for (size_t i = 0; i < a->count; i++)
		sum += verify_different(&a->stores[i]);
	return sum;
}

/* A difference that was found stays one, whatever could not be looked at after it. */
static const char *verdict(const struct answer *a)
{
	if (different(a) > 0)
		return "different";
	return a->err.code == ERR_OK ? "equal" : "unknown";
}

static json_t *table_json(const struct verify *v, const struct verify_table *t)
{
	json_t *keys = json_array();
	int64_t rows =
		verify_table_done(t) || t->shape.rows < t->compared ? t->compared : t->shape.rows;

	for (size_t i = 0; i < t->keys_count; i++)
		json_array_append_new(
			keys, json_pack("{s:o, s:s}", "key", out_json_string(t->keys[i].text),
				      "kind", t->keys[i].what));
	return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:b, s:s, s:s, s:o}", "store",
		v->store->store.name, "name", out_json_string(t->shape.name), "rows",
		(json_int_t)rows, "compared", (json_int_t)t->compared, "different",
		(json_int_t)t->different, "moving", (json_int_t)t->moving, "done",
		verify_table_done(t), "method", method_name(v->method), "order",
		t->shape.keys == 0 ? "multiset"
		: t->shape.sorted  ? "C"
				   : "index",
		"keys", keys);
}

static json_t *sequences_json(const struct verify *v)
{
	const struct sequences *s = &v->sequences;
	json_t *named = json_array();

	for (size_t i = 0; i < s->named_count; i++)
		json_array_append_new(
			named, json_pack("{s:o, s:o}", "key", out_json_string(s->named[i].name),
				       "kind", out_json_string(s->named[i].why)));
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "store", v->store->store.name,
		"compared", (json_int_t)sequences_total(s), "behind",
		(json_int_t)s->count[SEQUENCE_BEHIND], "ahead",
		(json_int_t)s->count[SEQUENCE_AHEAD], "different",
		(json_int_t)sequences_different(s), "keys", named);
}

static json_t *answer_json(const struct answer *a)
{
	json_t *tables = json_array(), *sequences = json_array(), *stores = json_array();

	for (size_t i = 0; i < a->count; i++) {
		const struct verify *v = &a->stores[i];

		for (size_t t = 0; t < v->tables_count; t++)
			json_array_append_new(tables, table_json(v, &v->tables[t]));
		json_array_append_new(sequences, sequences_json(v));
		json_array_append_new(
			stores, json_pack("{s:s, s:s, s:b}", "name", v->store->store.name, "open",
					side_name(v->end.src), "crossed", v->crossed));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:o}", "schema", "airlock.verify/1",
		"verdict", verdict(a), "stores", stores, "tables", tables, "sequences", sequences,
		"resumed", a->count > 0 && a->stores[0].resumed, "reason",
		a->err.code == ERR_OK ? json_null() : out_json_string(a->err.msg));
}

static void table_text(struct out *out, const struct verify *v, const struct verify_table *t)
{
	BUF_AUTO line = BUF_INIT;

	out_safe(&line, t->shape.name);
	buf_printf(&line, ": %" PRId64 " rows compared%s, %" PRId64 " different", t->compared,
		verify_table_done(t) ? "" : " so far", t->different);
	if (t->moving)
		buf_printf(&line, ", %" PRId64 " changed in every look and say nothing", t->moving);
	if (t->shape.keys == 0)
		buf_puts(&line, " (no key on both sides: as a multiset)");
	else if (t->shape.sorted)
		buf_puts(&line, " (sorted: the sides' collations are not the same)");
	buf_printf(&line, "%s\n", v->method == METHOD_BYTES ? " (hashed here)" : "");
	for (size_t i = 0; i < t->keys_count && i < KEYS_SHOWN; i++) {
		buf_printf(&line, "  %s: ", t->keys[i].what);
		out_safe(&line, t->keys[i].text);
		buf_putc(&line, '\n');
	}
	if (t->different > KEYS_SHOWN && t->keys_count > KEYS_SHOWN)
		buf_puts(&line, "  ... --json names up to 100\n");
	out_text(out, &line);
}

static void sequences_text(struct out *out, const struct verify *v)
{
	const struct sequences *s = &v->sequences;
	const char *shut = side_name(side_other(v->end.src));
	BUF_AUTO text = BUF_INIT;

	for (size_t i = 0; i < s->named_count && i < KEYS_SHOWN; i++) {
		buf_puts(&text, "sequence ");
		out_safe(&text, s->named[i].name);
		buf_puts(&text, ": ");
		out_safe(&text, s->named[i].why);
		buf_putc(&text, '\n');
	}
	if (sequences_different(s) > KEYS_SHOWN)
		buf_printf(&text, "  ... %" PRId64 " sequences in all; --json names up to %d\n",
			sequences_different(s), SEQUENCES_NAMED_MAX);
	if (s->count[SEQUENCE_BEHIND])
		buf_printf(&text,
			"%" PRId64 " of %" PRId64
			" sequences are behind on %s, the shut side, as they should be: the next "
			"hold moves them\n",
			s->count[SEQUENCE_BEHIND], sequences_total(s), shut);
	if (s->count[SEQUENCE_AHEAD])
		buf_printf(&text,
			"%" PRId64 " of %" PRId64
			" sequences are ahead on %s, the shut side, by numbers that nobody was "
			"given: harmless\n",
			s->count[SEQUENCE_AHEAD], sequences_total(s), shut);
	out_text(out, &text);
}

static void answer_text(const struct answer *a)
{
	struct out *out = a->ctx->out;

	for (size_t i = 0; i < a->count; i++) {
		const struct verify *v = &a->stores[i];

		for (size_t t = 0; t < v->tables_count; t++)
			table_text(out, v, &v->tables[t]);
		sequences_text(out, v);
		if (v->crossed)
			out_data(out,
				"store %s: a cutover came between; %s is open now, and what was "
				"in hand was compared again\n",
				v->store->store.name, side_name(v->end.src));
	}
	out_data(out, "%s%s%s\n",
		out_color(out, different(a)  ? COLOR_RED
			       : a->err.code ? COLOR_YELLOW
					     : COLOR_GREEN),
		verdict(a), out_color(out, COLOR_NONE));
}

static void record(const struct answer *a)
{
	struct journal_entry entry = {.kind = "verify"};
	struct err err = ERR_INIT;
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO detail = BUF_INIT;
	int64_t rows = 0, tables = 0;

	for (size_t i = 0; i < a->count; i++)
		for (size_t t = 0; t < a->stores[i].tables_count; t++, tables++)
			rows += a->stores[i].tables[t].compared;
	buf_printf(&detail,
		"{\"verdict\":\"%s\",\"tables\":%" PRId64 ",\"rows\":%" PRId64
		",\"different\":%" PRId64 "}",
		verdict(a), tables, rows, different(a));
	buf_printf(&text, "%s: %" PRId64 " rows compared, %" PRId64 " different", verdict(a), rows,
		different(a));
	entry.text = buf_str(&text);
	entry.detail = buf_str(&detail);
	if (a->ctx->journal && journal_append(a->ctx->journal, &entry, &err))
		out_warn(a->ctx->out, "not recorded: %s", err.msg);
}

/* ---- the command --------------------------------------------------------------------------- */

/* What an operator can do about a side that did not answer. */
static const char *help_of(const struct answer *a)
{
	bool began = false;

	for (size_t i = 0; i < a->count; i++)
		for (size_t t = 0; t < a->stores[i].tables_count; t++)
			began = began || a->stores[i].tables[t].compared > 0;
	if (err_class(a->err.code) != ERR_CLASS_RETRY || !began)
		return NULL;
	return "what was compared is kept for a day: the same command goes on from there";
}

static int finish(struct answer *a)
{
	struct out *out = a->ctx->out;

	record(a);
	if (out->ndjson)
		out_json_line(out, answer_json(a));
	else if (out->json)
		out_json(out, answer_json(a));
	else if (a->count > 0 && a->stores[0].tables_count > 0)
		answer_text(a);
	if (a->err.code != ERR_OK && !*stop_asked)
		out_error(out, a->err.msg, help_of(a));
	if (different(a) > 0)
		return EXIT_DIFFERENT;
	if (a->err.code == ERR_OK)
		return EXIT_DONE;
	return *stop_asked ? EXIT_DETACHED : err_exit_code(a->err.code);
}

static unsigned lanes_of(const struct options *opt)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long lanes = cores < 2 ? 2 : cores > LANES_DEFAULT_MAX ? LANES_DEFAULT_MAX : cores;

	return (unsigned)opt_number(opt, FLAG_VERIFY_JOBS, lanes);
}

static int pass(struct cmd_ctx *ctx, struct fleet *fleet)
{
	struct answer a = {.ctx = ctx,
		.stores = arena_calloc(&ctx->arena, ctx->plan->stores_count, sizeof(struct verify)),
		.err = ERR_INIT};
	struct teller teller = {ctx->out, NULL, isatty(STDERR_FILENO) == 1};
	struct verify_options options = {.table = opt_text(ctx->opt, FLAG_VERIFY_TABLE),
		.lanes = lanes_of(ctx->opt),
		.bytes = opt_given(ctx->opt, FLAG_VERIFY_BYTES),
		.state_dir = ctx->state_dir,
		.stop = stop_asked,
		.progress = on_progress,
		.arg = &teller};
	int rc;

	for (size_t i = 0; i < ctx->plan->stores_count && a.err.code == ERR_OK; i++) {
		teller.store = ctx->plan->stores[i].name;
		if (verify_run(fleet->stores[i], &options, &a.stores[a.count++], &a.err))
			err_wrap(&a.err, "store %s", teller.store);
	}
	rc = finish(&a);
	for (size_t i = 0; i < a.count; i++)
		verify_fini(&a.stores[i]);
	return rc;
}

int cmd_verify(struct cmd_ctx *ctx, struct err *err)
{
	bool again = opt_given(ctx->opt, FLAG_VERIFY_CONTINUOUS);
	FLEET_AUTO fleet = {0};
	int rc;

	if (again && ctx->out->json)
		return err_set(err, ERR_USAGE,
			"--continuous has many documents: use --ndjson, or leave --json out");
	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	stop_listen(NULL);
	do
		rc = pass(ctx, &fleet);
	while (again && rc == EXIT_DONE && !*stop_asked);
	return again && rc == EXIT_DONE ? EXIT_DETACHED : rc;
}
