#include "import/terraform.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "import/k8s.h"
#include "import/terraform_priv.h"

#define JSON_DEPTH_MAX 200
#define RESOURCES_MAX 20000

/* ---- JSON ---- */

static struct node *convert(struct arena *arena, json_t *json, struct place at, int depth)
{
	struct node *node;
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(json) && depth < JSON_DEPTH_MAX) {
		node = node_new(arena, NODE_MAP, at);
		json_object_foreach(json, key, value) node_put(arena, node,
			arena_strdup(arena, key), at, convert(arena, value, at, depth + 1));
		return node;
	}
	if (json_is_array(json) && depth < JSON_DEPTH_MAX) {
		node = node_new(arena, NODE_LIST, at);
		json_array_foreach(json, i, value)
			node_append(arena, node, convert(arena, value, at, depth + 1));
		return node;
	}
	if (json_is_string(json))
		return node_text(arena, arena_strdup(arena, json_string_value(json)), at);
	if (json_is_integer(json))
		return node_text(arena,
			arena_printf(arena, "%lld", (long long)json_integer_value(json)), at);
	if (json_is_boolean(json))
		return node_text(arena, json_is_true(json) ? "true" : "false", at);
	return node_new(arena, NODE_NULL, at);
}

struct node *terraform_json(struct arena *arena, const char *text, size_t len, struct place at)
{
	json_error_t error;
	json_t *json = json_loadb(text, len, 0, &error);
	struct node *node;

	if (!json)
		return NULL;
	node = convert(arena, json, at, 0);
	json_decref(json);
	return node;
}

const struct node *terraform_node(const struct node *values, const char *keys)
{
	const struct node *node = values;

	while (node && *keys) {
		char key[64];
		size_t len = strcspn(keys, ".");

		REQUIRE(len < sizeof key);
		memcpy(key, keys, len);
		key[len] = '\0';
		node = node_get(node, key);
		while (node && node->kind == NODE_LIST)
			node = node->count ? node->items[0] : NULL;
		keys += len + (keys[len] == '.');
	}
	return node;
}

const char *terraform_text(const struct node *values, const char *keys)
{
	const struct node *node = *keys ? terraform_node(values, keys) : NULL;

	return node && node->kind == NODE_TEXT && *node->text ? node->text : NULL;
}

/* ---- resources ---- */

static void add_resource(
	struct terraform *tf, const char *path, const char *module, const struct node *json)
{
	const char *address = node_get_text(json, "address"), *type = node_get_text(json, "type");
	const char *name = node_get_text(json, "name");

	if (!address || !type || !name || tf->count == RESOURCES_MAX)
		return;
	tf->resources = arena_grow(
		tf->model->arena, tf->resources, tf->count, &tf->cap, sizeof *tf->resources);
	tf->resources[tf->count++] = (struct resource){.address = address,
		.type = type,
		.name = name,
		.module = module,
		.values = node_get(json, "values"),
		.depends = node_get(json, "depends_on"),
		.at = {.file = path, .address = address}};
}

static void collect(struct terraform *tf, const char *path, const struct node *module)
{
	const char *address = node_get_text(module, "address");
	const struct node *resources = node_get(module, "resources");
	const struct node *children = node_get(module, "child_modules");

	for (size_t i = 0; i < node_items(resources); i++)
		add_resource(tf, path, address ? address : "", node_item(resources, i));
	for (size_t i = 0; i < node_items(children); i++)
		collect(tf, path, node_item(children, i));
}

/* ---- servers ---- */

static const struct server_row {
	const char *type, *engine, *engine_key, *host, *reader, *port, *database, *copy;
} servers[] = {
#define SERVER(type, engine, engine_key, host, reader, port, database, copy)                       \
	{type, engine, engine_key, host, reader, port, database, copy},
#include "import/terraform_types.def"
#undef SERVER
};

static const char *engine_of(const char *word)
{
	static const struct {
		const char *part, *engine;
	} words[] = {{"postgres", "postgresql"}, {"pg", "postgresql"}, {"mysql", "mariadb"},
		{"mariadb", "mariadb"}, {"redis", "redis"}, {"valkey", "redis"},
		{"rabbitmq", "rabbitmq"}, {"memcached", "memcached"}, {"sqlserver", "sqlserver"},
		{"oracle", "oracle"}, {"activemq", "activemq"}, {"mongo", "mongodb"},
		{"kafka", "kafka"}};

	for (size_t i = 0; word && i < ARRAY_LEN(words); i++)
		if (strcasestr(word, words[i].part))
			return words[i].engine;
	return NULL;
}

/* "amqps://b-1.example:5671" and "host:port" -> the host */
static const char *bare_host(struct arena *arena, const char *host)
{
	const char *scheme = host ? strstr(host, "://") : NULL;

	if (!host)
		return NULL;
	if (scheme)
		host = scheme + 3;
	return arena_strndup(arena, host, strcspn(host, ":/,"));
}

static const char *server_name(const struct resource *r)
{
	static const char *const keys[] = {"identifier", "cluster_identifier",
		"replication_group_id", "cluster_id", "broker_name", "domain_name", "name"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (terraform_text(r->values, keys[i]))
			return terraform_text(r->values, keys[i]);
	return r->name;
}

static void add_host(struct terraform *tf, struct part *part, const char *host)
{
	if (host && *host && !facts_get(&part->hosts, host))
		facts_add(tf->model, &part->hosts, host, NULL, part->at);
}

static void read_server(struct terraform *tf, struct resource *r, const struct server_row *row)
{
	static const char *const more[] = {"public_ip_address", "first_ip_address",
		"connection_name", "private_host", "hosted_zone_host",
		"configuration_endpoint_address"};
	struct arena *arena = tf->model->arena;
	const char *engine =
		*row->engine ? row->engine : engine_of(terraform_text(r->values, row->engine_key));
	const char *port = terraform_text(r->values, row->port);
	struct part *part = engine ? model_part(tf->model, server_name(r), r->type, r->at) : NULL;

	if (!part)
		return;
	part->kind = PART_STORE;
	part->engine = engine;
	part->host = bare_host(arena, terraform_text(r->values, row->host));
	if (!part->host)
		part->host = bare_host(arena, terraform_text(r->values, "public_ip_address"));
	part->port = port ? (unsigned)strtoul(port, NULL, 10) % 65536 : 0;
	part->database = terraform_text(r->values, row->database);
	if (!part->database && strcmp(r->type, "aws_db_instance") == 0)
		part->database = terraform_text(r->values, "name");
	part->replica = terraform_text(r->values, row->copy) != NULL;
	add_host(tf, part, part->host);
	add_host(tf, part, bare_host(arena, terraform_text(r->values, row->reader)));
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		add_host(tf, part, terraform_text(r->values, more[i]));
	r->read = true;
	r->part = part;
}

static void read_servers(struct terraform *tf)
{
	for (size_t i = 0; i < tf->count; i++)
		for (size_t k = 0; k < ARRAY_LEN(servers); k++)
			if (strcmp(tf->resources[i].type, servers[k].type) == 0)
				read_server(tf, &tf->resources[i], &servers[k]);
}

static struct part *part_named(struct terraform *tf, const char *name)
{
	for (size_t i = 0; name && i < tf->model->parts_count; i++)
		if (tf->model->parts[i]->kind == PART_STORE &&
			strcmp(tf->model->parts[i]->name, name) == 0)
			return tf->model->parts[i];
	return NULL;
}

/* google_sql_database, azurerm_postgresql_flexible_server_database and the like */
static void read_database(struct terraform *tf, struct resource *r)
{
	const char *name = terraform_text(r->values, "name");
	const char *id = terraform_text(r->values, "server_id");
	struct part *part = part_named(tf, terraform_text(r->values, "instance"));

	if (!part)
		part = part_named(tf, id && strrchr(id, '/') ? strrchr(id, '/') + 1 : id);
	if (!part)
		part = part_named(tf, terraform_text(r->values, "server_name"));
	if (!part || !name)
		return;
	facts_add(tf->model, &part->databases, name, NULL, r->at);
	r->read = true;
}

static void read_databases(struct terraform *tf)
{
	static const char *const types[] = {"google_sql_database", "azurerm_postgresql_database",
		"azurerm_postgresql_flexible_server_database", "azurerm_mysql_flexible_database",
		"scaleway_rdb_database"};

	for (size_t i = 0; i < tf->count; i++)
		for (size_t k = 0; k < ARRAY_LEN(types); k++)
			if (strcmp(tf->resources[i].type, types[k]) == 0)
				read_database(tf, &tf->resources[i]);
}

/* ---- other ways to a server ---- */

/* An endpoint that leads to a server which another resource describes. */
static const struct {
	const char *type, *server, *endpoint;
} endpoints[] = {
	{"aws_rds_cluster_endpoint", "cluster_identifier", "endpoint"},
	{"aws_rds_cluster_instance", "cluster_identifier", "endpoint"},
	{"aws_docdb_cluster_instance", "cluster_identifier", "endpoint"},
	{"digitalocean_database_connection_pool", "cluster_id", "host"},
};

/* A proxy and what it stands in front of are two resources. */
static void read_proxy_target(struct terraform *tf, struct resource *target)
{
	const char *proxy = terraform_text(target->values, "db_proxy_name");
	struct part *part =
		part_named(tf, terraform_text(target->values, "db_instance_identifier"));

	if (!part)
		part = part_named(tf, terraform_text(target->values, "db_cluster_identifier"));
	for (size_t i = 0; part && proxy && i < tf->count; i++) {
		struct resource *r = &tf->resources[i];
		const char *name;

		if (strcmp(r->type, "aws_db_proxy") != 0)
			continue;
		name = terraform_text(r->values, "name");
		if (!name || strcmp(name, proxy) != 0)
			continue;
		add_host(tf, part, terraform_text(r->values, "endpoint"));
		r->read = target->read = true;
	}
}

static void read_endpoints(struct terraform *tf)
{
	for (size_t i = 0; i < tf->count; i++) {
		struct resource *r = &tf->resources[i];

		if (strcmp(r->type, "aws_db_proxy_target") == 0)
			read_proxy_target(tf, r);
		for (size_t k = 0; k < ARRAY_LEN(endpoints); k++) {
			struct part *part;

			if (strcmp(r->type, endpoints[k].type) != 0)
				continue;
			part = part_named(tf, terraform_text(r->values, endpoints[k].server));
			if (part)
				add_host(tf, part,
					bare_host(tf->model->arena,
						terraform_text(r->values, endpoints[k].endpoint)));
			r->read = r->read || part;
		}
	}
}

/* ---- names ---- */

static const char *record_value(const struct resource *r)
{
	static const char *const keys[] = {
		"records", "rrdatas", "alias.name", "record", "content", "value", "target"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (terraform_text(r->values, keys[i]))
			return terraform_text(r->values, keys[i]);
	return NULL;
}

static const char *without_dot(struct arena *arena, const char *name)
{
	size_t len = strlen(name);

	return len && name[len - 1] == '.' ? arena_strndup(arena, name, len - 1) : name;
}

/* A name that leads to a server is one of its hosts: clients are told the name. */
static bool names_server(struct terraform *tf, const char *name, const char *value)
{
	for (size_t i = 0; i < tf->model->parts_count; i++) {
		struct part *part = tf->model->parts[i];

		if (part->kind != PART_STORE || !facts_get(&part->hosts, value))
			continue;
		add_host(tf, part, name);
		return true;
	}
	return false;
}

static void read_record(struct terraform *tf, struct resource *r)
{
	struct arena *arena = tf->model->arena;
	const char *name = terraform_text(r->values, "fqdn");
	const char *type = terraform_text(r->values, "type");
	const char *value = record_value(r);

	if (!name)
		name = terraform_text(r->values, "name");
	r->read = true;
	if (!name || !value)
		return;
	name = without_dot(arena, name);
	value = without_dot(arena, value);
	if (!names_server(tf, name, value) &&
		(!type || strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0 ||
			strcmp(type, "CNAME") == 0))
		model_record(tf->model, name, type ? type : "record", value, r->at);
}

static void read_records(struct terraform *tf)
{
	static const char *const types[] = {"aws_route53_record", "google_dns_record_set",
		"azurerm_dns_a_record", "azurerm_dns_cname_record",
		"azurerm_private_dns_cname_record", "cloudflare_record", "cloudflare_dns_record",
		"digitalocean_record"};

	for (size_t i = 0; i < tf->count; i++)
		for (size_t k = 0; k < ARRAY_LEN(types); k++)
			if (strcmp(tf->resources[i].type, types[k]) == 0)
				read_record(tf, &tf->resources[i]);
}

/* kubernetes_manifest holds an object as it is. */
static void read_manifests(struct terraform *tf)
{
	struct node *objects = node_new(tf->model->arena, NODE_LIST, (struct place){0});

	for (size_t i = 0; i < tf->count; i++) {
		struct resource *r = &tf->resources[i];
		struct entry *manifest = node_entry(r->values, "manifest");

		if (strcmp(r->type, "kubernetes_manifest") != 0 || !manifest ||
			!k8s_is_object(manifest->value))
			continue;
		manifest->value->at = r->at;
		node_append(tf->model->arena, objects, manifest->value);
		r->read = true;
	}
	if (objects->count)
		k8s_import(objects, tf->model);
}

/* One line for each type that nobody knew. */
static void tell_unread(struct terraform *tf, const char *path)
{
	struct node *types = node_new(tf->model->arena, NODE_MAP, (struct place){.file = path});

	for (size_t i = 0; i < tf->count; i++) {
		const struct resource *r = &tf->resources[i];
		struct node *count = node_get(types, r->type);

		if (r->read)
			continue;
		if (!count) {
			count = node_new(tf->model->arena, NODE_NULL, r->at);
			node_put(tf->model->arena, types, r->type, r->at, count);
		}
		count->count++;
	}
	for (size_t i = 0; i < types->count; i++)
		notes_add(tf->model->notes, NOTE_UNKNOWN, types->entries[i].at, "%zu of type %.80s",
			types->entries[i].value->count, types->entries[i].key);
}

int terraform_import(
	const char *path, const char *text, size_t len, struct model *model, struct err *err)
{
	struct terraform tf = {.model = model};
	struct node *root = terraform_json(model->arena, text, len, (struct place){.file = path});
	const struct node *module = node_at(root, "values", "root_module", NULL);

	if (!root)
		return err_set(err, ERR_USAGE,
			"%s is no JSON: give what `terraform show -json` prints", path);
	if (!module)
		module = node_at(root, "planned_values", "root_module", NULL);
	if (!module || module->count == 0)
		module = node_at(root, "prior_state", "values", "root_module", NULL);
	if (!module)
		return err_set(err, ERR_USAGE, "%s is not what `terraform show -json` prints%s",
			path,
			node_get(root, "terraform_version") ? ", but a state file: run that first"
							    : "");
	tf.configuration = node_get(root, "configuration");
	collect(&tf, path, module);
	read_servers(&tf);
	read_databases(&tf);
	read_endpoints(&tf);
	read_records(&tf);
	terraform_run_read(&tf);
	terraform_refs_read(&tf);
	read_manifests(&tf);
	tell_unread(&tf, path);
	return 0;
}
