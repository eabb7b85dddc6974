#include "import/k8s.h"

#include <string.h>

#include "base/check.h"
#include "import/k8s_priv.h"

enum kind_use { WORKLOAD, CRON, ONCE, NETWORK, DATA, STORE, POOLER, NOTHING, UNKNOWN };

static const struct {
	const char *name;
	enum kind_use use;
} kinds[] = {
#define KIND(name, use) {name, use},
#include "import/k8s_kinds.def"
#undef KIND
};

static enum kind_use use_of(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			return kinds[i].use;
	return UNKNOWN;
}

const char *k8s_name(const struct node *object)
{
	const char *name = node_get_text(node_get(object, "metadata"), "name");

	if (!name)
		name = node_get_text(node_get(object, "metadata"), "generateName");
	return name ? name : "unnamed";
}

const char *k8s_namespace_written(const struct node *object)
{
	return node_get_text(node_get(object, "metadata"), "namespace");
}

const char *k8s_namespace(const struct k8s *k, const struct node *object)
{
	const char *name = k8s_namespace_written(object);

	return name ? name : k->home;
}

/* Charts write the namespace on some objects only: where they name one alone, it is everybody's. */
static const char *home_of(const struct node *objects)
{
	const char *only = NULL;

	for (size_t i = 0; i < objects->count; i++) {
		const char *name = k8s_namespace_written(objects->items[i]);

		if (!name || use_of(node_get_text(objects->items[i], "kind")) == NOTHING)
			continue;
		if (only && strcmp(only, name) != 0)
			return "default";
		only = name;
	}
	return only ? only : "default";
}

bool k8s_is_object(const struct node *document)
{
	return node_get_text(document, "apiVersion") && node_get_text(document, "kind");
}

/* ---- lists ---- */

struct objects {
	struct arena *arena;
	struct notes *notes;
	struct node *list;
};

/* A List, also "DeploymentList", holds objects; lists in lists are not followed far. */
static void collect(struct objects *all, struct node *object, int depth)
{
	const char *kind = node_get_text(object, "kind");
	bool template = kind && strcmp(kind, "Template") == 0; /* of OpenShift */
	const struct node *items = node_get(object, template ? "objects" : "items");
	size_t len = kind ? strlen(kind) : 0;

	if (!k8s_is_object(object)) {
		notes_add(all->notes, NOTE_UNKNOWN, object->at,
			"no object of Kubernetes, apiVersion or kind is missing");
	} else if ((template || (len >= 4 && strcmp(kind + len - 4, "List") == 0)) && depth < 4) {
		for (size_t i = 0; items && items->kind == NODE_LIST && i < items->count; i++)
			collect(all, items->items[i], depth + 1);
	} else {
		node_append(all->arena, all->list, object);
	}
}

/* ---- objects ---- */

static const struct node *template_of(const struct node *object, const char *kind)
{
	if (strcmp(kind, "Pod") == 0)
		return object;
	if (use_of(kind) == CRON)
		return node_at(object, "spec", "jobTemplate", "spec", "template", NULL);
	return node_at(object, "spec", "template", NULL);
}

static void read_unknown(struct k8s *k, const struct node *object, const char *kind)
{
	if (node_at(object, "spec", "template", "spec", "containers", NULL))
		k8s_pod_read(k, object, node_at(object, "spec", "template", NULL), kind);
	else if (strcmp(kind, "Kustomization") == 0)
		notes_add(k->model->notes, NOTE_ASSUMED, object->at,
			"a kustomization is not carried out here: import what `kubectl kustomize` "
			"prints");
	else
		notes_add(k->model->notes, NOTE_UNKNOWN, object->at, "kind %.80s", kind);
}

static void read_object(struct k8s *k, const struct node *object)
{
	const char *kind = node_get_text(object, "kind");
	enum kind_use use = use_of(kind);

	if (use != ONCE && use != NOTHING)
		k8s_keys_check(&k->keys, object, k8s_name(object));
	switch (use) {
	case WORKLOAD:
	case CRON:
		k8s_pod_read(k, object, template_of(object, kind), kind);
		break;
	case ONCE:
		notes_add(k->model->notes, NOTE_LEFT_OUT, object->at,
			"Job %.80s runs once; do not let it run during the move", k8s_name(object));
		break;
	case NETWORK:
		/* A Service of Knative is a workload. */
		if (node_at(object, "spec", "template", "spec", "containers", NULL))
			k8s_pod_read(k, object, node_at(object, "spec", "template", NULL), kind);
		else
			k->networks[k->networks_count++] = object;
		break;
	case STORE:
		k8s_store_read(k, object, kind);
		break;
	case POOLER:
		k->poolers[k->poolers_count++] = object;
		break;
	case UNKNOWN:
		read_unknown(k, object, kind);
		break;
	case DATA:
	case NOTHING:
		break;
	}
}

void k8s_import(const struct node *documents, struct model *model)
{
	struct k8s k = {.model = model};
	struct objects all = {.arena = model->arena, .notes = model->notes};

	model->kubernetes = true;
	keys_init(&k.keys, model->notes, &k8s_keys);
	all.list = node_new(model->arena, NODE_LIST, documents->at);
	for (size_t i = 0; i < documents->count; i++)
		collect(&all, documents->items[i], 0);
	k.home = home_of(all.list);
	k.maps = node_new(model->arena, NODE_MAP, documents->at);
	k.secrets = node_new(model->arena, NODE_MAP, documents->at);
	k.networks = arena_calloc(model->arena, all.list->count + 1, sizeof(struct node *));
	k.poolers = arena_calloc(model->arena, all.list->count + 1, sizeof(struct node *));
	k.pods = arena_calloc(model->arena, all.list->count + 1, sizeof *k.pods);
	for (size_t i = 0; i < all.list->count; i++)
		k8s_data_add(&k, all.list->items[i]);
	for (size_t i = 0; i < all.list->count; i++)
		read_object(&k, all.list->items[i]);
	keys_tell(&k.keys);
	k8s_network_read(&k);
	k8s_stores_join(&k);
}
