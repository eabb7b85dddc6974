#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/check.h"
#include "discover/finding_json.h"
#include "discover/writers_json.h"

#define KEEP_AGAIN_S 600
#define KEY_BYTES 33

static bool take_row(const struct journal_row *row, void *arg)
{
	json_t *object = json_loads(row->entry.detail, 0, NULL);

	if (object != NULL)
		writers_recall(arg, object);
	json_decref(object);
	return true;
}

void memory_recall(struct cmd_ctx *ctx, struct writers *w)
{
	struct journal_filter filter = {.kind = "writer"};
	struct err err = ERR_INIT;

	if (ctx->journal != NULL && journal_each(ctx->journal, &filter, take_row, w, &err))
		out_warn(ctx->out, "what was seen earlier cannot be read: %s", err.msg);
}

/* Names may hold any character: the key of a fact is their digest. */
static void make_key(const struct buf *text, char ret[KEY_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	ENSURE(EVP_Digest(buf_str(text), text->len, digest, &len, EVP_sha256(), NULL) == 1);
	for (size_t i = 0; i < KEY_BYTES / 2; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

/* Is there a fact of this key whose time `member` is `since_s` or later? */
static bool was_kept(
	struct cmd_ctx *ctx, const char *kind, const char *key, const char *member, int64_t since_s)
{
	struct journal_fact fact;
	struct err err = ERR_INIT;
	bool found = false;
	json_t *object;
	int64_t last_s;

	if (journal_get(ctx->journal, kind, key, &found, &fact, &err) || !found)
		return false;
	object = json_loads(fact.detail, 0, NULL);
	last_s = json_integer_value(json_object_get(object, member));
	json_decref(object);
	journal_fact_fini(&fact);
	return last_s >= since_s;
}

/* Takes object. */
static int put(struct cmd_ctx *ctx, struct journal_entry entry, json_t *object, struct err *err)
{
	char *detail = json_dumps(object, JSON_COMPACT);
	int rc;

	ENSURE(detail != NULL);
	entry.detail = detail;
	rc = journal_put(ctx->journal, &entry, err);
	free(detail);
	json_decref(object);
	return rc;
}

static int keep(struct cmd_ctx *ctx, const struct writer *w, struct err *err)
{
	char key[KEY_BYTES];
	BUF_AUTO text = BUF_INIT;

	buf_printf(&text, "%s\n%s\n%s\n%s\n%s", w->store, side_name(w->side), w->user,
		w->application, w->address);
	make_key(&text, key);
	if (was_kept(ctx, "writer", key, "last_write", w->wrote_s - KEEP_AGAIN_S))
		return 0;
	buf_clear(&text);
	buf_printf(&text, "undeclared writer on %s: ", side_name(w->side));
	writer_describe(w, &text);
	return put(ctx,
		(struct journal_entry){
			.kind = "writer", .store = w->store, .key = key, .text = buf_str(&text)},
		writer_json(w), err);
}

static size_t store_index(const struct plan *plan, const char *name)
{
	size_t i = 0;

	while (i < plan->stores_count && strcmp(plan->stores[i].name, name) != 0)
		i++;
	return i;
}

void memory_keep(struct cmd_ctx *ctx, const struct writers *w)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; ctx->journal != NULL && i < w->count; i++) {
		size_t store = store_index(ctx->plan, w->rows[i].store);

		if (store == ctx->plan->stores_count || !w->rows[i].here ||
			!writer_is_undeclared(ctx->plan, store, &w->rows[i], 0))
			continue;
		if (keep(ctx, &w->rows[i], &err)) {
			out_warn(ctx->out, "what was seen cannot be written down: %s", err.msg);
			return;
		}
	}
}

static bool take_finding(const struct journal_row *row, void *arg)
{
	json_t *object = json_loads(row->entry.detail, 0, NULL);

	if (object != NULL)
		findings_recall(arg, object);
	json_decref(object);
	return true;
}

void memory_recall_findings(struct cmd_ctx *ctx, struct findings *f)
{
	struct journal_filter filter = {.kind = "dependency"};
	struct err err = ERR_INIT;

	if (ctx->journal != NULL && journal_each(ctx->journal, &filter, take_finding, f, &err))
		out_warn(ctx->out, "what was found earlier cannot be read: %s", err.msg);
}

static int keep_finding(struct cmd_ctx *ctx, const struct finding *f, struct err *err)
{
	char key[KEY_BYTES];
	BUF_AUTO text = BUF_INIT;

	buf_printf(&text, "%s\n%s\n%s\n%s\n%s", finding_id(f->kind), f->store, side_name(f->side),
		f->place, f->target);
	make_key(&text, key);
	if (was_kept(ctx, "dependency", key, "last_seen", f->last_s - KEEP_AGAIN_S))
		return 0;
	buf_clear(&text);
	buf_printf(&text, "%s: %s%s%s", finding_title(f->kind), f->place,
		f->target[0] ? " leads to " : "", f->target);
	return put(ctx,
		(struct journal_entry){.kind = "dependency",
			.store = f->store[0] ? f->store : NULL,
			.key = key,
			.text = buf_str(&text)},
		finding_json(f), err);
}

void memory_keep_findings(struct cmd_ctx *ctx, const struct findings *f)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; ctx->journal != NULL && i < f->count; i++) {
		if (!f->rows[i].here || f->rows[i].how == HOW_UNOBSERVABLE)
			continue;
		if (keep_finding(ctx, &f->rows[i], &err)) {
			out_warn(ctx->out, "what was found cannot be written down: %s", err.msg);
			return;
		}
	}
}
