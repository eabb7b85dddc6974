#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/check.h"
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
static void make_key(const struct writer *w, char ret[KEY_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	BUF_AUTO text = BUF_INIT;

	buf_printf(&text, "%s\n%s\n%s\n%s\n%s", w->store, side_name(w->side), w->user,
		w->application, w->address);
	ENSURE(EVP_Digest(buf_str(&text), text.len, digest, &len, EVP_sha256(), NULL) == 1);
	for (size_t i = 0; i < KEY_BYTES / 2; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static bool was_kept(struct cmd_ctx *ctx, const char *key, int64_t since_s)
{
	struct journal_fact fact;
	struct err err = ERR_INIT;
	bool found = false;
	json_t *object;
	int64_t last_s;

	if (journal_get(ctx->journal, "writer", key, &found, &fact, &err) || !found)
		return false;
	object = json_loads(fact.detail, 0, NULL);
	last_s = json_integer_value(json_object_get(object, "last_write"));
	json_decref(object);
	journal_fact_fini(&fact);
	return last_s >= since_s;
}

static int keep(struct cmd_ctx *ctx, const struct writer *w, struct err *err)
{
	char key[KEY_BYTES];
	BUF_AUTO text = BUF_INIT;
	json_t *object;
	char *detail;
	int rc;

	make_key(w, key);
	if (was_kept(ctx, key, w->wrote_s - KEEP_AGAIN_S))
		return 0;
	object = writer_json(w);
	detail = json_dumps(object, JSON_COMPACT);
	ENSURE(detail != NULL);
	buf_printf(&text, "undeclared writer on %s: ", side_name(w->side));
	writer_describe(w, &text);
	rc = journal_put(ctx->journal,
		&(struct journal_entry){.kind = "writer",
			.store = w->store,
			.key = key,
			.text = buf_str(&text),
			.detail = detail},
		err);
	free(detail);
	json_decref(object);
	return rc;
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
