#include <string.h>

#include "base/check.h"
#include "import/k8s_priv.h"

/* The text of base64 (RFC 4648); NULL when it is none, or holds no text. */
static const char *decode(struct arena *arena, const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text), count = 0;
	char *out = arena_calloc(arena, len / 4 * 3 + 4, 1);
	unsigned bits = 0, kept = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (strchr("\r\n ", *text))
			continue;
		if (!digit)
			return NULL;
		bits = bits << 6 | (unsigned)(digit - digits);
		kept += 6;
		if (kept < 8)
			continue;
		kept -= 8;
		out[count] = (char)(bits >> kept & 0xff);
		if (out[count++] == '\0')
			return NULL;
	}
	return out;
}

static void put(struct k8s *k, struct node *in, const struct node *object, struct node *data)
{
	node_put(k->model->arena, in,
		arena_printf(k->model->arena, "%s/%s", k8s_namespace(k, object), k8s_name(object)),
		object->at, data);
}

/* `data` is in base64, `stringData` as it is and goes before it. */
static struct node *secret_data(struct k8s *k, const struct node *object)
{
	struct arena *arena = k->model->arena;
	const struct node *coded = node_get(object, "data"),
			  *plain = node_get(object, "stringData");
	struct node *all = node_new(arena, NODE_MAP, object->at);

	for (size_t i = 0; coded && coded->kind == NODE_MAP && i < coded->count; i++) {
		const struct entry *e = &coded->entries[i];
		const char *text =
			e->value->kind == NODE_TEXT ? decode(arena, e->value->text) : NULL;
		/* Lines in it are not lines of the file. */
		struct place at = {
			.file = e->at.file, .line = e->at.line, .address = e->at.address};

		if (text)
			node_put(arena, all, e->key, e->at, node_text(arena, text, at));
	}
	for (size_t i = 0; plain && plain->kind == NODE_MAP && i < plain->count; i++)
		node_put(arena, all, plain->entries[i].key, plain->entries[i].at,
			plain->entries[i].value);
	return all;
}

void k8s_data_add(struct k8s *k, const struct node *object)
{
	const char *kind = node_get_text(object, "kind");

	if (strcmp(kind, "ConfigMap") == 0 && node_get(object, "data"))
		put(k, k->maps, object, node_get(object, "data"));
	else if (strcmp(kind, "Secret") == 0)
		put(k, k->secrets, object, secret_data(k, object));
}

static const struct node *find(
	const struct k8s *k, const struct node *in, const char *scope, const char *name)
{
	return name ? node_get(in, arena_printf(k->model->arena, "%s/%s", scope, name)) : NULL;
}

const struct node *k8s_map(const struct k8s *k, const char *scope, const char *name)
{
	return find(k, k->maps, scope, name);
}

const struct node *k8s_secret(const struct k8s *k, const char *scope, const char *name)
{
	return find(k, k->secrets, scope, name);
}
