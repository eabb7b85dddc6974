#include <string.h>

#include "base/check.h"
#include "import/k8s_priv.h"

static const struct {
	const char *group, *kind, *engine, *write_end, *read_end;
} operators[] = {
	{"postgresql.cnpg.io", "Cluster", "postgresql", "-rw", "-ro"},
	{"acid.zalan.do", "postgresql", "postgresql", "", "-repl"},
	{"postgres-operator.crunchydata.com", "PostgresCluster", "postgresql", "-primary",
		"-replicas"},
	{"pg.percona.com", "PerconaPGCluster", "postgresql", "", "-replica"},
	{"k8s.mariadb.com", "MariaDB", "mariadb", "", "-secondary"},
	{"rabbitmq.com", "RabbitmqCluster", "rabbitmq", "", ""},
	{"databases.spotahome.com", "RedisFailover", "redis", "", ""},
	{"redis.redis.opstreelabs.in", "Redis", "redis", "", ""},
	{"stackgres.io", "SGCluster", "postgresql", "", "-replicas"},
	{"pgv2.percona.com", "PerconaPGCluster", "postgresql", "-pgbouncer", "-replicas"},
	{"pxc.percona.com", "PerconaXtraDBCluster", "mariadb", "-haproxy", "-haproxy-replicas"},
	{"mysql.oracle.com", "InnoDBCluster", "mariadb", "", ""},
	{"psmdb.percona.com", "PerconaServerMongoDB", "mongodb", "-rs0", ""},
	{"mongodbcommunity.mongodb.com", "MongoDBCommunity", "mongodb", "-svc", ""},
	{"kafka.strimzi.io", "Kafka", "kafka", "-kafka-bootstrap", ""},
	{"elasticsearch.k8s.elastic.co", "Elasticsearch", "elasticsearch", "-es-http", ""},
	{"clickhouse.altinity.com", "ClickHouseInstallation", "clickhouse", "", ""},
};

static void add_host(struct k8s *k, struct part *part, const char *end, struct place at)
{
	static const char *const domains[] = {"", ".svc", ".svc.cluster.local"};
	const char *space = part->scope;

	facts_add(k->model, &part->hosts, arena_printf(k->model->arena, "%s%s", part->name, end),
		NULL, at);
	for (size_t i = 0; i < ARRAY_LEN(domains); i++)
		facts_add(k->model, &part->hosts,
			arena_printf(
				k->model->arena, "%s%s.%s%s", part->name, end, space, domains[i]),
			NULL, at);
}

void k8s_store_read(struct k8s *k, const struct node *object, const char *kind)
{
	const char *api = node_get_text(object, "apiVersion");
	const struct node *databases = node_at(object, "spec", "databases", NULL);

	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		struct part *part;

		if (strcmp(operators[i].kind, kind) != 0 ||
			strncmp(api, operators[i].group, strlen(operators[i].group)) != 0)
			continue;
		part = model_part(k->model, k8s_name(object),
			arena_printf(k->model->arena, "%s of %s", kind, operators[i].group),
			object->at);
		if (!part)
			return;
		part->kind = PART_STORE;
		part->scope = k8s_namespace(k, object);
		part->engine = operators[i].engine;
		part->host =
			arena_printf(k->model->arena, "%s%s", part->name, operators[i].write_end);
		part->database = node_get_text(
			node_at(object, "spec", "bootstrap", "initdb", NULL), "database");
		for (size_t d = 0; databases && databases->kind == NODE_MAP && d < databases->count;
			d++)
			facts_add(k->model, &part->databases, databases->entries[d].key, NULL,
				databases->entries[d].at);
		add_host(k, part, operators[i].write_end, object->at);
		if (*operators[i].read_end)
			add_host(k, part, operators[i].read_end, object->at);
		return;
	}
	notes_add(k->model->notes, NOTE_UNKNOWN, object->at, "kind %.60s of %.80s", kind, api);
}

static struct part *store_named(const struct k8s *k, const char *scope, const char *name)
{
	for (size_t i = 0; name && i < k->model->parts_count; i++) {
		struct part *part = k->model->parts[i];

		if (part->kind == PART_STORE && strcmp(part->scope, scope) == 0 &&
			strcmp(part->name, name) == 0)
			return part;
	}
	return NULL;
}

/* ---- poolers ---- */

static void join_pooler(struct k8s *k, const struct node *pooler)
{
	const char *scope = k8s_namespace(k, pooler);
	struct part *store = store_named(
		k, scope, node_get_text(node_at(pooler, "spec", "cluster", NULL), "name"));
	struct part host = {.name = k8s_name(pooler), .scope = scope};

	if (!store) {
		notes_add(k->model->notes, NOTE_ASSUMED, pooler->at,
			"Pooler %.80s stands in front of nothing in these files", host.name);
		return;
	}
	host.hosts = store->hosts;
	add_host(k, &host, "", pooler->at);
	store->hosts = host.hosts;
}

/* ---- Secrets that operators make ---- */

/* "orders-app", "orders-pguser-shop", "shop.orders.credentials.postgresql.acid.zalan.do" */
static bool is_secret_of(const struct part *store, const char *secret)
{
	static const char *const ends[] = {"-app", "-superuser", "-pguser-", "-credentials"};
	size_t len = strlen(store->name);
	const char *owner = strchr(secret, '.');

	for (size_t i = 0; strncmp(secret, store->name, len) == 0 && i < ARRAY_LEN(ends); i++)
		if (strncmp(secret + len, ends[i], strlen(ends[i])) == 0)
			return true;
	return owner && strncmp(owner + 1, store->name, len) == 0 &&
	       strncmp(owner + 1 + len, ".credentials.", strlen(".credentials.")) == 0;
}

/* Who is given such a Secret comes to the store, though no file says how. */
static void join_secrets(struct k8s *k, struct part *part)
{
	for (const struct fact *secret = part->secrets.first; secret; secret = secret->next)
		for (size_t i = 0; i < k->model->parts_count; i++) {
			const struct part *store = k->model->parts[i];

			if (store->kind != PART_STORE || strcmp(store->scope, part->scope) != 0 ||
				!is_secret_of(store, secret->name) || !store->hosts.first)
				continue;
			facts_add(k->model, &part->needs, store->hosts.first->name,
				arena_printf(k->model->arena, "the Secret %.80s", secret->name),
				secret->at);
		}
}

void k8s_stores_join(struct k8s *k)
{
	for (size_t i = 0; i < k->poolers_count; i++)
		join_pooler(k, k->poolers[i]);
	for (size_t i = 0; i < k->pods_count; i++)
		join_secrets(k, k->pods[i].part);
}
