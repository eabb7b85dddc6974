#include <string.h>

#include "base/check.h"
#include "import/k8s_priv.h"

/* ---- Services ---- */

/* Every label of the selector is a label of the pods; an empty selector selects nothing here. */
static bool selects(const struct node *selector, const struct node *labels)
{
	if (!selector || selector->kind != NODE_MAP || selector->count == 0)
		return false;
	for (size_t i = 0; i < selector->count; i++) {
		const char *wanted = node_get_text(selector, selector->entries[i].key);
		const char *label = node_get_text(labels, selector->entries[i].key);

		if (!wanted || !label || strcmp(wanted, label) != 0)
			return false;
	}
	return true;
}

/* A Service that selects only copies ("role: replica") is named so, and its clients only read. */
static void add_hosts(struct k8s *k, struct part *part, const struct node *service)
{
	struct arena *arena = k->model->arena;
	const char *name = k8s_name(service), *space = k8s_namespace(k, service);

	facts_add(k->model, &part->hosts, name, NULL, service->at);
	facts_add(k->model, &part->hosts, arena_printf(arena, "%s.%s", name, space), NULL,
		service->at);
	facts_add(k->model, &part->hosts, arena_printf(arena, "%s.%s.svc", name, space), NULL,
		service->at);
	facts_add(k->model, &part->hosts,
		arena_printf(arena, "%s.%s.svc.cluster.local", name, space), NULL, service->at);
}

/* Clients are told the Service, and come out at its external name. */
static void add_alias(struct k8s *k, const struct node *service, const char *target)
{
	static const char *const domains[] = {"", ".svc", ".svc.cluster.local"};
	const char *name = k8s_name(service), *space = k8s_namespace(k, service);
	struct arena *arena = k->model->arena;

	if (!target)
		return;
	facts_add(k->model, &k->model->aliases, arena_printf(arena, "%s/%s", space, name), target,
		service->at);
	for (size_t i = 0; i < ARRAY_LEN(domains); i++)
		facts_add(k->model, &k->model->aliases,
			arena_printf(arena, "/%s.%s%s", name, space, domains[i]), target,
			service->at);
}

static void read_service(struct k8s *k, const struct node *service)
{
	const struct node *spec = node_get(service, "spec");
	const char *type = node_get_text(spec, "type");
	bool outside = type && (strcmp(type, "LoadBalancer") == 0 || strcmp(type, "NodePort") == 0);
	bool found = false;

	if (type && strcmp(type, "ExternalName") == 0) {
		add_alias(k, service, node_get_text(spec, "externalName"));
		return;
	}
	for (size_t i = 0; i < k->pods_count; i++) {
		struct part *part = k->pods[i].part;

		if (strcmp(part->scope, k8s_namespace(k, service)) != 0 ||
			!selects(node_get(spec, "selector"), k->pods[i].labels))
			continue;
		found = true;
		add_hosts(k, part, service);
		if (outside)
			facts_add(k->model, &part->entries,
				arena_printf(k->model->arena, "Service %s is a %s",
					k8s_name(service), type),
				NULL, service->at);
	}
	if (!found)
		notes_add(k->model->notes, NOTE_ASSUMED, service->at,
			"Service %.80s leads to nothing in these files", k8s_name(service));
}

/* ---- what stands in front of Services ---- */

struct front {
	struct k8s *k;
	const struct node *object;
	const char *kind;
};

static void enter(const struct front *f, const char *service)
{
	const char *space = k8s_namespace(f->k, f->object);

	for (size_t i = 0; service && i < f->k->pods_count; i++) {
		struct part *part = f->k->pods[i].part;
		const char *why = arena_printf(
			f->k->model->arena, "%s %s leads to it", f->kind, k8s_name(f->object));

		if (strcmp(part->scope, space) == 0 && facts_get(&part->hosts, service) &&
			!facts_get(&part->entries, why))
			facts_add(f->k->model, &part->entries, why, NULL, f->object->at);
	}
}

/*
 * The names of Services stand at different depths in each kind and version: service.name,
 * serviceName, backendRefs[].name, destination.host, services[].name, to.name.
 */
static void walk(const struct front *f, const struct node *node, const char *under)
{
	static const char *const holders[] = {
		"service", "backendRefs", "services", "to", "alternateBackends"};

	for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
		walk(f, node->items[i], under);
	if (node->kind != NODE_MAP)
		return;
	for (size_t i = 0; i < ARRAY_LEN(holders); i++)
		if (strcmp(under, holders[i]) == 0)
			enter(f, node_get_text(node, "name"));
	if (strcmp(under, "destination") == 0 && node_get_text(node, "host"))
		enter(f, arena_strndup(f->k->model->arena, node_get_text(node, "host"),
				 strcspn(node_get_text(node, "host"), ".")));
	enter(f, node_get_text(node, "serviceName"));
	for (size_t i = 0; i < node->count; i++)
		walk(f, node->entries[i].value, node->entries[i].key);
}

void k8s_network_read(struct k8s *k)
{
	for (size_t i = 0; i < k->networks_count; i++) {
		const char *kind = node_get_text(k->networks[i], "kind");

		if (strcmp(kind, "Service") == 0 &&
			!node_at(k->networks[i], "spec", "template", NULL))
			read_service(k, k->networks[i]);
	}
	for (size_t i = 0; i < k->networks_count; i++) {
		struct front f = {k, k->networks[i], node_get_text(k->networks[i], "kind")};
		const struct node *spec = node_get(k->networks[i], "spec");

		if (strcmp(f.kind, "Service") != 0 && spec)
			walk(&f, spec, "");
	}
}
