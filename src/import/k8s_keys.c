#include "import/k8s_keys.h"

#include <string.h>

#include "base/check.h"

enum shape {
	SHAPE_FREE = KEYS_FREE,
#define SHAPE(name) SHAPE_##name,
#define READ(name, shape)
#define PASS(name, shape)
#include "import/k8s_keys.def"
#undef SHAPE
#undef READ
#undef PASS
};

static const struct key_row rows[] = {
#define SHAPE(name) {NULL, false, SHAPE_##name},
#define READ(name, shape) {name, true, SHAPE_##shape},
#define PASS(name, shape) {name, false, SHAPE_##shape},
#include "import/k8s_keys.def"
#undef SHAPE
#undef READ
#undef PASS
};

const struct key_table k8s_keys = {rows, ARRAY_LEN(rows), NULL};

static const struct {
	const char *kind;
	enum shape shape;
} kinds[] = {
	{"Pod", SHAPE_POD},
	{"Deployment", SHAPE_DEPLOYMENT},
	{"StatefulSet", SHAPE_STATEFUL_SET},
	{"DaemonSet", SHAPE_DAEMON_SET},
	{"ReplicaSet", SHAPE_REPLICA_SET},
	{"ReplicationController", SHAPE_REPLICATION_CONTROLLER},
	{"CronJob", SHAPE_CRON_JOB},
	{"Service", SHAPE_SERVICE},
	{"Ingress", SHAPE_INGRESS},
	{"ConfigMap", SHAPE_CONFIG_MAP},
	{"Secret", SHAPE_SECRET},
};

/* "v1", "apps/v1", "networking.k8s.io/v1"; not "serving.knative.dev/v1". */
static bool is_own_group(const char *api)
{
	static const char own[] = ".k8s.io";
	size_t len = strcspn(api, "/"), tail = strlen(own);

	return !api[len] || !memchr(api, '.', len) ||
	       (len > tail && strncmp(api + len - tail, own, tail) == 0);
}

static enum shape shape_of(const struct node *object)
{
	const char *kind = node_get_text(object, "kind");

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return is_own_group(node_get_text(object, "apiVersion")) ? kinds[i].shape
										 : SHAPE_FREE;
	return SHAPE_FREE;
}

void k8s_keys_check(struct keys *keys, const struct node *object, const char *name)
{
	static const char *const lists[] = {"initContainers", "containers"};
	struct arena *arena = keys->notes->arena;
	const char *title =
		arena_printf(arena, "%.60s %.80s: ", node_get_text(object, "kind"), name);
	enum shape shape = shape_of(object);

	if (shape != SHAPE_FREE) {
		keys_check(keys, (int)shape, title, object);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		keys_check(keys, SHAPE_CONTAINER,
			arena_printf(arena, "%sspec.template.spec.%s.", title, lists[i]),
			node_at(object, "spec", "template", "spec", lists[i], NULL));
}
