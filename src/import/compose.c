#include "import/compose.h"

#include <string.h>

#include "base/check.h"
#include "import/compose_keys.h"
#include "import/compose_mounts.h"
#include "import/crontab.h"
#include "import/images.h"
#include "import/schedule.h"

struct compose {
	struct model *model;
	struct reader *reader;
	struct keys keys;
	const struct node *variables;
	const char *profiles;
	struct compose_mounts mounts;
};

/* ---- profiles ---- */

static bool is_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == len && strncmp(at, word, len) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct compose *c, const struct node *service)
{
	const struct node *profiles = node_get(service, "profiles");

	if (!service)
		return false;
	if (node_items(profiles) == 0 || is_listed(c->profiles, "*"))
		return true;
	/* The profile "" is the one of who asks for none. */
	for (size_t i = 0; !c->profiles && i < node_items(profiles); i++)
		if (node_item(profiles, i)->kind == NODE_TEXT && !*node_item(profiles, i)->text)
			return true;
	for (size_t i = 0; i < node_items(profiles); i++)
		if (node_item(profiles, i)->kind == NODE_TEXT &&
			is_listed(c->profiles, node_item(profiles, i)->text))
			return true;
	return false;
}

static void tell_left_out(struct compose *c, const struct entry *service)
{
	const struct node *profiles = node_get(service->value, "profiles");
	const struct node *first = node_item(profiles, 0);

	facts_add(c->model, &c->model->left_out, service->key, NULL, service->at);
	notes_add(c->model->notes, NOTE_LEFT_OUT, service->at,
		"services.%.80s belongs to a profile (--profile %.60s)", service->key,
		first->kind == NODE_TEXT && *first->text ? first->text : "NAME");
}

/* ---- environment ---- */

static void add_variable(
	struct compose *c, struct part *part, const char *name, const struct node *value)
{
	const struct node *from = value;

	/* KEY without a value comes from the environment, of which .env is the part we know. */
	if (value->kind == NODE_NULL)
		from = node_get(c->variables, name);
	if (from && from->kind == NODE_TEXT)
		facts_set(c->model, &part->env, name, from->text, from->blank, value->at);
	else
		facts_set(c->model, &part->env, name, NULL, true, value->at);
}

static void read_env_file(struct compose *c, struct part *part, const struct node *file)
{
	const char *path = node_get_text(file, "path");
	const char *required = node_get_text(file, "required");
	struct node *variables = node_copy(c->model->arena, c->variables);
	struct node *own = node_new(c->model->arena, NODE_MAP, file->at);
	struct interpolation ip = {.variables = variables, .notes = c->model->notes};
	struct err err = ERR_INIT;
	const char *text;
	size_t len;

	if (!path)
		return;
	if (reader_file(c->reader, path, &text, &len, &err)) {
		if (!required || strcmp(required, "false") != 0)
			notes_add(c->model->notes, NOTE_ASSUMED, file->at,
				"services.%.80s.env_file: %s; connections named there are not seen",
				part->name, err.msg);
		return;
	}
	dotenv_read(&ip, path, text, len, own);
	interpolate_tell(&ip);
	for (size_t i = 0; i < own->count; i++)
		add_variable(c, part, own->entries[i].key, own->entries[i].value);
}

static void read_environment(struct compose *c, struct part *part, const struct node *service)
{
	const struct node *files = node_get(service, "env_file");
	const struct node *environment = node_get(service, "environment");

	for (size_t i = 0; i < node_items(files); i++)
		read_env_file(c, part, node_item(files, i));
	for (size_t i = 0; environment && environment->kind == NODE_MAP && i < environment->count;
		i++)
		add_variable(c, part, environment->entries[i].key, environment->entries[i].value);
}

/* ---- what it needs and who reaches it ---- */

static void read_needs(struct compose *c, struct part *part, const struct node *service)
{
	const struct node *depends = node_get(service, "depends_on");
	const struct node *links = node_get(service, "links");
	const char *mode = node_get_text(service, "network_mode");

	for (size_t i = 0; depends && depends->kind == NODE_MAP && i < depends->count; i++) {
		const char *condition = node_get_text(depends->entries[i].value, "condition");
		const char *required = node_get_text(depends->entries[i].value, "required");

		if (required && strcmp(required, "false") == 0 &&
			!is_wanted(c, node_get(c->mounts.services, depends->entries[i].key)))
			continue;
		facts_add(c->model, &part->needs, depends->entries[i].key,
			condition && strcmp(condition, "service_completed_successfully") == 0
				? "depends_on, once it has finished"
				: "depends_on",
			depends->entries[i].at);
	}
	for (size_t i = 0; i < node_items(links); i++) {
		const struct node *link = node_item(links, i);

		if (link->kind == NODE_TEXT)
			facts_add(c->model, &part->needs,
				arena_strndup(
					c->model->arena, link->text, strcspn(link->text, ":")),
				"links", link->at);
	}
	if (mode && strncmp(mode, "service:", 8) == 0)
		facts_add(c->model, &part->needs, mode + 8, "network_mode",
			node_get(service, "network_mode")->at);
}

static void read_hosts(struct compose *c, struct part *part, const struct node *service)
{
	static const char *const names[] = {"container_name", "hostname"};
	const struct node *networks = node_get(service, "networks");

	facts_add(c->model, &part->hosts, part->name, NULL, part->at);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (node_get_text(service, names[i]))
			facts_add(c->model, &part->hosts, node_get_text(service, names[i]), NULL,
				node_get(service, names[i])->at);
	for (size_t i = 0; networks && networks->kind == NODE_MAP && i < networks->count; i++) {
		const struct node *aliases = node_get(networks->entries[i].value, "aliases");

		for (size_t k = 0; k < node_items(aliases); k++)
			if (node_item(aliases, k)->kind == NODE_TEXT)
				facts_add(c->model, &part->hosts, node_item(aliases, k)->text, NULL,
					node_item(aliases, k)->at);
	}
}

static bool is_loopback(const char *ip)
{
	return ip && (strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0 ||
			     strcmp(ip, "[::1]") == 0 || strcmp(ip, "localhost") == 0);
}

static void read_ports(struct compose *c, struct part *part, const struct node *service)
{
	const struct node *ports = node_get(service, "ports");

	for (size_t i = 0; i < node_items(ports); i++) {
		const struct node *port = node_item(ports, i);
		const char *target = node_get_text(port, "target");
		const char *published = node_get_text(port, "published");

		/* Without a published port docker takes any: nobody outside knows it.  Empty is one
		 * whose variable has no value. */
		if (!target || !published || is_loopback(node_get_text(port, "host_ip")))
			continue;
		facts_add(c->model, &part->entries,
			*published
				? arena_printf(c->model->arena, "port %s is published", published)
				: arena_printf(c->model->arena, "its port %s is published", target),
			NULL, port->at);
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

/* A label_file of KEY=value lines; what the service says itself goes before it. */
static const struct node *labels_of(
	struct compose *c, const struct part *part, const struct node *service)
{
	const struct node *files = node_get(service, "label_file");
	const struct node *own = node_get(service, "labels");
	struct interpolation ip = {.variables = c->variables, .notes = c->model->notes};
	struct node *labels;

	if (!files)
		return own;
	labels = node_new(c->model->arena, NODE_MAP, files->at);
	for (size_t i = 0; i < node_items(files); i++) {
		const char *path = node_get_text(node_item(files, i), "path");
		struct err err = ERR_INIT;
		const char *text;
		size_t len;

		if (path && reader_file(c->reader, path, &text, &len, &err) == 0)
			dotenv_read(&ip, path, text, len, labels);
		else if (path)
			notes_add(c->model->notes, NOTE_ASSUMED, files->at,
				"services.%.80s.label_file: %s; labels there are not seen",
				part->name, err.msg);
	}
	for (size_t i = 0; own && own->kind == NODE_MAP && i < own->count; i++)
		node_put(c->model->arena, labels, own->entries[i].key, own->entries[i].at,
			own->entries[i].value);
	return labels;
}

static void read_proxy_labels(struct compose *c, struct part *part, const struct node *labels)
{
	for (size_t i = 0; labels && labels->kind == NODE_MAP && i < labels->count; i++) {
		const struct entry *label = &labels->entries[i];

		if (strncmp(label->key, "traefik.", 8) == 0 && ends_with(label->key, ".rule"))
			facts_add(c->model, &part->entries, "a rule of Traefik", NULL, label->at);
		else if (strcmp(label->key, "caddy") == 0)
			facts_add(c->model, &part->entries, "a site of Caddy", NULL, label->at);
	}
	if (facts_get(&part->env, "VIRTUAL_HOST"))
		facts_add(c->model, &part->entries, "a VIRTUAL_HOST of nginx-proxy", NULL,
			facts_get(&part->env, "VIRTUAL_HOST")->at);
}

/* ---- what it runs ---- */

static void add_words(struct buf *out, const struct node *node)
{
	for (size_t i = 0; i < node_items(node); i++)
		if (node_item(node, i)->kind == NODE_TEXT)
			buf_printf(out, "%s%s", out->len ? " " : "", node_item(node, i)->text);
}

static const char *command_of(struct compose *c, const struct node *service)
{
	BUF_AUTO words = BUF_INIT;

	add_words(&words, node_get(service, "entrypoint"));
	add_words(&words, node_get(service, "command"));
	return arena_strdup(c->model->arena, buf_str(&words));
}

/* ---- a service ---- */

static const char *stop_of(struct compose *c, const char *name)
{
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")])
		return NULL;
	return arena_printf(c->model->arena,
		"exec: [docker, compose, stop, %s], observe: [sh, -c, \"test -z \\\"$(docker "
		"compose "
		"ps -q --status running %s)\\\"\"], undo: [docker, compose, start, %s]",
		name, name, name);
}

static void read_schedules(struct compose *c, struct part *part, const struct node *service)
{
	struct schedule_labels labels = {.model = c->model,
		.part = part,
		.labels = labels_of(c, part, service),
		.deploy_labels = node_at(service, "deploy", "labels", NULL),
		.stop = stop_of(c, part->name)};

	schedule_from_labels(&labels);
	crontab_read(c->model, part, stop_of(c, part->name));
	schedule_from_part(c->model, part);
	if (part->schedule && !part->stop)
		part->stop = stop_of(c, part->name);
}

static void read_service(struct compose *c, const struct entry *entry)
{
	const struct node *service = entry->value, *image;
	struct part *part = model_part(c->model, entry->key, "service", entry->at);

	if (!part)
		return;
	keys_check(&c->keys, COMPOSE_SERVICE,
		arena_printf(c->model->arena, "services.%.80s.", entry->key), service);
	image = node_get(service, "image");
	part->image = image && image->kind == NODE_TEXT ? image->text : NULL;
	part->build = node_get_text(node_get(service, "build"), "context");
	part->command = command_of(c, service);
	read_environment(c, part, service);
	read_needs(c, part, service);
	read_hosts(c, part, service);
	read_ports(c, part, service);
	read_proxy_labels(c, part, labels_of(c, part, service));
	compose_mounts_read(&c->mounts, part, service);
	read_schedules(c, part, service);
}

/* Who stops the scheduler keeps its jobs from running. */
static void stop_jobs(struct compose *c)
{
	const struct part *scheduler = NULL;
	size_t services = c->model->parts_count;

	for (size_t i = 0; i < services; i++) {
		struct image image = image_look(c->model->parts[i]->image, c->model->arena);

		if (image.role != IMAGE_SCHEDULER)
			continue;
		scheduler = c->model->parts[i];
		schedule_from_settings(c->model, c->model->parts[i]);
	}
	for (size_t i = 0; scheduler && i < c->model->parts_count; i++) {
		struct part *part = c->model->parts[i];

		if (strncmp(part->what, "job of ", 7) == 0 && !part->stop)
			part->stop = stop_of(c, scheduler->name);
	}
}

int compose_import(const struct compose_files *files, const char *profiles, struct model *model,
	struct err *err)
{
	struct compose c = {.model = model, .reader = files->reader, .profiles = profiles};
	struct node *services, *top, *variables;

	keys_init(&c.keys, model->notes, &compose_keys);
	if (compose_files_load(files, &c.keys, &services, &top, &variables, err))
		return -1;
	c.variables = variables;
	c.mounts = (struct compose_mounts){.top = top,
		.services = services,
		.files = {.model = model,
			.reader = files->reader,
			.project = reader_dir(model->arena, files->paths[0])}};
	if (!profiles)
		c.profiles = node_get_text(variables, "COMPOSE_PROFILES");
	model->compose = true;
	model->name = node_get_text(top, "name");
	if (!model->name)
		model->name = node_get_text(variables, "COMPOSE_PROJECT_NAME");
	keys_check(&c.keys, COMPOSE_TOP, "", top);
	for (size_t i = 0; i < services->count; i++) {
		if (is_wanted(&c, services->entries[i].value))
			read_service(&c, &services->entries[i]);
		else
			tell_left_out(&c, &services->entries[i]);
	}
	keys_tell(&c.keys);
	stop_jobs(&c);
	return 0;
}
