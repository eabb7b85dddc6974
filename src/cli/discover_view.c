#include "cli/discover_view.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/discover_window.h"
#include "cli/gateways_view.h"
#include "cli/wrap.h"
#include "discover/finding_json.h"
#include "discover/writers_json.h"

#define INDENT 11

void discovered_fini(struct discovered *d)
{
	writers_fini(&d->writers);
	findings_fini(&d->findings);
}

size_t discovered_undeclared(const struct plan *plan, const struct discovered *d)
{
	size_t count = 0;

	for (size_t store = 0; store < plan->stores_count; store++)
		for (size_t i = 0; i < d->writers.count; i++)
			count += writer_is_undeclared(plan, store, &d->writers.rows[i], 0);
	for (size_t i = 0; i < d->findings.count; i++)
		count += finding_is_undeclared(&d->findings.rows[i]);
	return count;
}

/* ---- writers --------------------------------------------------------------------------------- */

static const char *source_of(const struct writer *w)
{
	if (!w->here)
		return "journal";
	return w->gateway.told ? "gateway" : "session";
}

static json_t *writer_row_json(const struct plan *plan, size_t store, const struct writer *w)
{
	json_t *object = writer_json(w);
	bool writes;
	const struct plan_service *s = writer_service(plan, store, w, &writes);

	json_object_set_new(object, "declared_as", s != NULL ? json_string(s->name) : json_null());
	json_object_set_new(object, "source", json_string(source_of(w)));
	json_object_set_new(
		object, "undeclared", json_boolean(writer_is_undeclared(plan, store, w, 0)));
	return object;
}

static void writer_text(
	struct buf *out, const struct plan *plan, size_t store, const struct writer *w)
{
	bool writes, undeclared = writer_is_undeclared(plan, store, w, 0);
	const struct plan_service *s = writer_service(plan, store, w, &writes);
	BUF_AUTO who = BUF_INIT;
	char last[CLOCK_STAMP_BYTES], first[CLOCK_STAMP_BYTES];

	buf_printf(&who, "%s %s: ", w->store, side_name(w->side));
	writer_describe(w, &who);
	if (w->gateway.sessions > 0)
		buf_printf(&who,
			"; the gateway counted %" PRId64 " transactions, and at least %" PRId64
			" commands that wrote %" PRId64 " rows",
			w->gateway.transactions, w->gateway.writes, w->gateway.rows);
	if (!w->fresh)
		buf_printf(&who, "; first seen %s", clock_date(w->first_s, first));
	buf_printf(&who, "; last seen %s", clock_date(w->last_s, last));
	if (s != NULL)
		buf_printf(&who, "; is %s, which %s %s", s->name,
			writes ? "writes to" : "only reads", w->store);
	buf_printf(out, "%-10s ", undeclared ? "UNDECLARED" : s != NULL ? "declared" : "unknown");
	wrap_text(out, buf_str(&who), INDENT, INDENT);
	if (undeclared) {
		buf_clear(&who);
		buf_puts(&who, "to declare it: ");
		writer_plan_lines(w, &who);
		buf_printf(out, "%*s", INDENT, "");
		wrap_text(out, buf_str(&who), INDENT, INDENT);
	}
}

/* Calls fn-like code once per writer of a store of the plan. */
static void show_writers(struct cmd_ctx *ctx, const struct writers *w, json_t *rows)
{
	for (size_t store = 0; store < ctx->plan->stores_count; store++)
		for (size_t i = 0; i < w->count; i++) {
			BUF_AUTO text = BUF_INIT;

			if (strcmp(w->rows[i].store, ctx->plan->stores[store].name) != 0)
				continue;
			if (rows != NULL) {
				json_array_append_new(
					rows, writer_row_json(ctx->plan, store, &w->rows[i]));
				continue;
			}
			writer_text(&text, ctx->plan, store, &w->rows[i]);
			out_text(ctx->out, &text);
		}
}

/* ---- findings -------------------------------------------------------------------------------- */

static const char *word_of(const struct finding *f)
{
	return f->how == HOW_UNOBSERVABLE ? "NOT SEEN"
	       : !f->here		  ? "earlier"
	       : finding_is_undeclared(f) ? "UNDECLARED"
	       : f->declared_as[0]	  ? "declared"
	       : f->how == HOW_MENTIONED  ? "mentioned"
					  : "found";
}

static void say_next(const struct finding *f, struct buf *out)
{
	char stamp[CLOCK_STAMP_BYTES];
	int64_t minutes = (f->next_s - (int64_t)time(NULL)) / 60;

	if (f->next_s == 0)
		return;
	buf_printf(out, "; next run %s, in ", clock_date(f->next_s, stamp));
	if (minutes < 120)
		buf_printf(out, "%" PRId64 " min", minutes);
	else
		buf_printf(out, "%" PRId64 " h", minutes / 60);
}

static void finding_sentence(const struct finding *f, struct buf *out)
{
	char stamp[CLOCK_STAMP_BYTES];

	if (f->store[0])
		buf_printf(out, "%s %s: ", f->store, side_name(f->side));
	buf_printf(out, "%s: %s", finding_id(f->kind), f->place);
	if (f->what[0])
		buf_printf(out, ": %s", f->what);
	if (f->target[0])
		buf_printf(out, "; leads to %s", f->target);
	if (f->process[0])
		buf_printf(out, "; %s", f->process);
	else if (f->process_why[0])
		buf_printf(out, "; process not known (%s)", f->process_why);
	if (f->owner[0])
		buf_printf(out, "; owner %s", f->owner);
	say_next(f, out);
	window_say_runs(f, out);
	if (f->declared_as[0])
		buf_printf(out, "; is %s", f->declared_as);
	if (f->how != HOW_UNOBSERVABLE)
		buf_printf(out, " (%s)", finding_how_name(f->how));
	if (!f->fresh)
		buf_printf(out, "; first found %s", clock_date(f->first_s, stamp));
	if (!f->here)
		buf_printf(out, "; last found %s", clock_date(f->last_s, stamp));
}

static void finding_text(const struct finding *f, struct buf *out)
{
	char name[SERVICE_NAME_BYTES];
	BUF_AUTO text = BUF_INIT;

	finding_sentence(f, &text);
	buf_printf(out, "%-10s ", word_of(f));
	wrap_text(out, buf_str(&text), INDENT, INDENT);
	buf_clear(&text);
	if (finding_service_entry(f, name, &text)) {
		BUF_AUTO line = BUF_INIT;

		buf_printf(&line, "to declare it: services: {%s: %s}", name, buf_str(&text));
		buf_printf(out, "%*s", INDENT, "");
		wrap_text(out, buf_str(&line), INDENT, INDENT);
	}
}

static json_t *finding_row_json(const struct finding *f)
{
	json_t *object = finding_json(f);

	window_add_json(object, f);
	json_object_set_new(object, "source", json_string(f->here ? "now" : "journal"));
	json_object_set_new(object, "undeclared", json_boolean(finding_is_undeclared(f)));
	return object;
}

static void show_findings(struct cmd_ctx *ctx, const struct findings *f, json_t *rows)
{
	for (size_t i = 0; i < f->count; i++) {
		BUF_AUTO text = BUF_INIT;

		if (rows != NULL) {
			json_array_append_new(rows, finding_row_json(&f->rows[i]));
			continue;
		}
		finding_text(&f->rows[i], &text);
		out_text(ctx->out, &text);
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void show_json(struct cmd_ctx *ctx, const struct discovered *d)
{
	const struct writers *w = &d->writers;
	const struct findings *f = &d->findings;
	json_t *writers = json_array(), *found = json_array();

	show_writers(ctx, w, writers);
	show_findings(ctx, f, found);
	out_json(ctx->out,
		json_pack("{s:s, s:o, s:o, s:o, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			  "s:I, s:I, s:I, s:I, s:o}",
			"schema", "airlock.discover/1", "writers", writers, "gateways",
			gateways_json(w), "dependencies", found,
			"undeclared", (json_int_t)discovered_undeclared(ctx->plan, d), "blind",
			w->blind, "watched_ms", (json_int_t)w->watched_ms, "looks",
			(json_int_t)w->looks, "cost_us", (json_int_t)w->cost_us, "queries",
			(json_int_t)f->queries, "query_us", (json_int_t)f->query_us, "files",
			(json_int_t)f->files, "files_skipped", (json_int_t)f->files_skipped, "jobs",
			(json_int_t)f->jobs, "sessions_new", (json_int_t)f->sessions_new,
			"sessions_unseen", (json_int_t)f->sessions_unseen, "rows_written",
			(json_int_t)f->rows_written, "names", (json_int_t)f->names, "names_us",
			(json_int_t)f->names_us, "window", window_json(f)));
}

static void say_cost(const struct discovered *d, size_t undeclared, struct buf *out)
{
	const struct writers *w = &d->writers;
	const struct findings *f = &d->findings;

	buf_printf(out,
		"%zu undeclared; watched for %.1f s, %" PRId64
		" looks of %.1f ms; catalogs: %" PRId64 " questions, %.0f ms in all; %" PRId64
		" files read, %" PRId64 " skipped; %" PRId64
		" jobs of this host looked at; %" PRId64 " names asked for, %.0f ms in all. ",
		undeclared, (double)w->watched_ms / 1000, w->looks,
		w->looks ? (double)w->cost_us / 1000 / (double)w->looks : 0.0, f->queries,
		(double)f->query_us / 1000, f->files, f->files_skipped, f->jobs, f->names,
		(double)f->names_us / 1000);
	buf_puts(out, "A writer that did not write meanwhile is not seen in the look-back, not "
		      "absent.");
	if (w->blind)
		buf_puts(out, " The server hides what some sessions do (GRANT pg_monitor TO "
			      "airlock).");
}

void discovered_show(struct cmd_ctx *ctx, const struct discovered *d)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO wrapped = BUF_INIT;

	if (ctx->out->json) {
		show_json(ctx, d);
		return;
	}
	show_writers(ctx, &d->writers, NULL);
	gateways_text(&d->writers, &text);
	out_text(ctx->out, &text);
	buf_clear(&text);
	show_findings(ctx, &d->findings, NULL);
	window_say(&d->findings, &wrapped);
	say_cost(d, discovered_undeclared(ctx->plan, d), &text);
	wrap_text(&wrapped, buf_str(&text), 0, 0);
	out_text(ctx->out, &wrapped);
}

/* A gateway that does not tell any more who its clients are. */
static size_t show_silent(struct cmd_ctx *ctx, const struct writers *w)
{
	size_t count = 0;

	for (size_t i = 0; i < w->gateways_count; i++) {
		BUF_AUTO text = BUF_INIT;

		if (!w->gateways[i].fell_silent)
			continue;
		count++;
		if (ctx->out->json) {
			out_json_line(ctx->out, gateway_json(&w->gateways[i]));
			continue;
		}
		gateway_text(&w->gateways[i], &text);
		out_text(ctx->out, &text);
	}
	return count;
}

size_t discovered_show_new(struct cmd_ctx *ctx, const struct discovered *d)
{
	size_t count = show_silent(ctx, &d->writers);

	for (size_t store = 0; store < ctx->plan->stores_count; store++)
		for (size_t i = 0; i < d->writers.count; i++) {
			const struct writer *w = &d->writers.rows[i];
			BUF_AUTO text = BUF_INIT;

			if (!w->fresh || strcmp(w->store, ctx->plan->stores[store].name) != 0)
				continue;
			count++;
			if (ctx->out->json) {
				out_json_line(ctx->out, writer_row_json(ctx->plan, store, w));
				continue;
			}
			writer_text(&text, ctx->plan, store, w);
			out_text(ctx->out, &text);
		}
	for (size_t i = 0; i < d->findings.count; i++) {
		BUF_AUTO text = BUF_INIT;

		if (!d->findings.rows[i].fresh)
			continue;
		count++;
		if (ctx->out->json) {
			out_json_line(ctx->out, finding_row_json(&d->findings.rows[i]));
			continue;
		}
		finding_text(&d->findings.rows[i], &text);
		out_text(ctx->out, &text);
	}
	return count;
}
