#include <string.h>

#include "import/k8s_priv.h"
#include "import/mounted.h"
#include "import/settings.h"

struct mount {
	struct k8s *k;
	struct part *part;
	const char *path, *sub_path; /* of the container; within the volume, or NULL */
	struct place at;
};

/* ---- what a ConfigMap or Secret holds ---- */

/* A value of one line is one setting, called as its key: files "host", "dbname", "url". */
static void add_value(const struct mount *m, const char *map, const char *key,
	const struct node *value, const char *target)
{
	struct model *model = m->k->model;
	const char *name = arena_printf(model->arena, "%s/%s", map, key);
	const char *newline = strchr(value->text, '\n');
	struct place first = value->at;
	struct fact *fact;

	if ((newline && newline[1]) || settings_is_crontab(name, target)) {
		first.line += newline && newline[1];
		mounted_text(model, m->part, name, target, value->text, first);
		return;
	}
	fact = facts_add(model, &m->part->settings, name,
		arena_strndup(model->arena, value->text, strcspn(value->text, "\r\n")), value->at);
	if (fact)
		fact->file = map;
}

/* Where `items` puts a key; NULL when it leaves it out. */
static const char *path_of(const struct node *items, const char *key)
{
	if (node_items(items) == 0)
		return key;
	for (size_t i = 0; i < node_items(items); i++) {
		const char *own = node_get_text(node_item(items, i), "key");
		const char *path = node_get_text(node_item(items, i), "path");

		if (own && strcmp(own, key) == 0)
			return path ? path : key;
	}
	return NULL;
}

static void add_all(
	const struct mount *m, const char *map, const struct node *data, const struct node *items)
{
	for (size_t i = 0; data && data->kind == NODE_MAP && i < data->count; i++) {
		const struct entry *e = &data->entries[i];
		const char *path = path_of(items, e->key);

		if (!path || e->value->kind != NODE_TEXT ||
			(m->sub_path && strcmp(m->sub_path, path) != 0))
			continue;
		add_value(m, map, e->key, e->value,
			m->sub_path ? m->path
				    : arena_printf(m->k->model->arena, "%s/%s", m->path, path));
	}
}

/* `source`: a volume, or one of those of a projected one. */
static bool add_source(const struct mount *m, const struct node *source)
{
	const struct node *map = node_get(source, "configMap"),
			  *secret = node_get(source, "secret");
	const char *name = node_get_text(map, "name");

	if (name)
		add_all(m, name, k8s_map(m->k, m->part->scope, name), node_get(map, "items"));
	name = node_get_text(secret, "secretName");
	if (!name)
		name = node_get_text(secret, "name");
	if (name) {
		facts_set(m->k->model, &m->part->secrets, name, NULL, false, m->at);
		add_all(m, name, k8s_secret(m->k, m->part->scope, name), node_get(secret, "items"));
	}
	return map || secret;
}

/* ---- mounts ---- */

static const struct node *named(const struct node *list, const char *name)
{
	for (size_t i = 0; name && i < node_items(list); i++) {
		const char *own = node_get_text(node_item(list, i), "name");

		if (own && strcmp(own, name) == 0)
			return node_item(list, i);
	}
	return NULL;
}

static bool is_claim(const struct node *claims, const char *name)
{
	for (size_t i = 0; i < node_items(claims); i++) {
		const char *own = node_get_text(node_get(node_item(claims, i), "metadata"), "name");

		if (own && strcmp(own, name) == 0)
			return true;
	}
	return false;
}

static void read_mount(const struct mount *m, const struct node *volume, const struct node *claims,
	const char *name)
{
	const char *claim = node_get_text(node_get(volume, "persistentVolumeClaim"), "claimName");
	const struct node *projected = node_at(volume, "projected", "sources", NULL);
	bool data = add_source(m, volume) || projected;

	for (size_t i = 0; i < node_items(projected); i++)
		add_source(m, node_item(projected, i));
	if (claim)
		facts_add(m->k->model, &m->part->volumes, claim, m->path, m->at);
	else if (!volume && is_claim(claims, name))
		facts_add(m->k->model, &m->part->volumes, name, m->path, m->at);
	else if (volume && !data)
		/* emptyDir and the like of a server: no volume to keep, but it says what it is. */
		facts_add(m->k->model, &m->part->volumes, "", m->path, m->at);
}

void k8s_mounts_read(struct k8s *k, struct part *part, const struct node *spec,
	const struct node *claims, const struct node *container)
{
	const struct node *mounts = node_get(container, "volumeMounts");

	for (size_t i = 0; i < node_items(mounts); i++) {
		const struct node *item = node_item(mounts, i);
		const char *name = node_get_text(item, "name");
		struct mount m = {.k = k,
			.part = part,
			.path = node_get_text(item, "mountPath"),
			.sub_path = node_get_text(item, "subPath"),
			.at = item->at};

		if (name && m.path)
			read_mount(&m, named(node_get(spec, "volumes"), name), claims, name);
	}
}
