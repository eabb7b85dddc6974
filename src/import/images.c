#include "import/images.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "base/check.h"

static const struct {
	const char *pattern;
	struct image image;
} rows[] = {
#define IMAGE(pattern, role, word) {pattern, {IMAGE_##role, word}},
#include "import/images.def"
#undef IMAGE
};

/* Where each server keeps its data; a volume there means that it is one. */
static const struct {
	const char *directory, *engine;
} data_directories[] = {
	{"/var/lib/postgresql", "postgresql"},
	{"/var/lib/pgsql", "postgresql"},
	{"/bitnami/postgresql", "postgresql"},
	{"/home/postgres/pgdata", "postgresql"},
	{"/var/lib/mysql", "mariadb"},
	{"/bitnami/mysql", "mariadb"},
	{"/bitnami/mariadb", "mariadb"},
	{"/bitnami/redis", "redis"},
	{"/var/lib/redis", "redis"},
	{"/var/lib/rabbitmq", "rabbitmq"},
	{"/data/db", "mongodb"},
	{"/var/lib/kafka", "kafka"},
	{"/var/lib/clickhouse", "clickhouse"},
	{"/usr/share/elasticsearch/data", "elasticsearch"},
};

/* The name without tag and digest, in lower case. */
static const char *bare_name(const char *image, struct arena *arena)
{
	const char *slash = strrchr(image, '/');
	const char *tag = strchr(slash ? slash : image, ':');
	const char *digest = strchr(image, '@');
	size_t len = strlen(image);
	char *name;

	if (tag && (size_t)(tag - image) < len)
		len = (size_t)(tag - image);
	if (digest && (size_t)(digest - image) < len)
		len = (size_t)(digest - image);
	name = arena_strndup(arena, image, len < 256 ? len : 256);
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return name;
}

struct image image_look(const char *image, struct arena *arena)
{
	const char *name, *last;

	if (!image)
		return (struct image){IMAGE_PLAIN, NULL};
	name = bare_name(image, arena);
	last = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (fnmatch(rows[i].pattern, strchr(rows[i].pattern, '/') ? name : last, 0) == 0)
			return rows[i].image;
	return (struct image){IMAGE_PLAIN, NULL};
}

static bool is_under(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* "demo:2.1-kafka" for a service that is called kafka: one repository holds all images. */
static bool tag_says(const char *image, const char *name)
{
	size_t len = image ? strlen(image) : 0, tail = strlen(name);

	return len > tail && strcmp(image + len - tail, name) == 0 &&
	       (image[len - tail - 1] == '-' || image[len - tail - 1] == ':');
}

/*
 * A volume without a name is a weak sign: applications leave one behind where they were copied from
 * a server's lines.  A server is told its database or password as well.
 */
static bool is_set_up(const struct part *part, const char *engine)
{
	static const char *const prefixes[][2] = {{"postgresql", "POSTGRES"}, {"mariadb", "MYSQL_"},
		{"mariadb", "MARIADB_"}, {"rabbitmq", "RABBITMQ_"}, {"mongodb", "MONGO"},
		{"kafka", "KAFKA_"}, {"clickhouse", "CLICKHOUSE_"}, {"redis", "REDIS_"},
		{"elasticsearch", "ES_"}, {"elasticsearch", "discovery."}};

	for (const struct fact *fact = part->env.first; fact; fact = fact->next)
		for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
			if (strcmp(prefixes[i][0], engine) == 0 &&
				strncmp(fact->name, prefixes[i][1], strlen(prefixes[i][1])) == 0)
				return true;
	return false;
}

const char *image_shown(const char *image, struct arena *arena)
{
	return image ? arena_strndup(arena, image, strcspn(image, "@")) : "";
}

/* The engine by the directory in which its data lies, or NULL. */
static const char *engine_by_volume(const struct part *part)
{
	for (const struct fact *v = part->volumes.first; v; v = v->next)
		for (size_t i = 0; v->value && i < ARRAY_LEN(data_directories); i++)
			if (is_under(v->value, data_directories[i].directory) &&
				(*v->name || is_set_up(part, data_directories[i].engine)))
				return data_directories[i].engine;
	return NULL;
}

const char *image_engine(const struct part *part, struct arena *arena, const char **ret_why)
{
	struct image image = image_look(part->image, arena);
	/* "shop-kafka" of a chart is a kafka, too. */
	const char *dash = strrchr(part->name, '-');
	const char *names[] = {part->name, dash ? dash + 1 : part->name};

	*ret_why = part->what;
	if (part->kind == PART_STORE)
		return part->engine;
	*ret_why = arena_printf(arena, "image %s", image_shown(part->image, arena));
	if (image.role == IMAGE_STORE)
		return image.word;
	if (image.role != IMAGE_PLAIN || image.word)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (tag_says(part->image, names[i]) &&
			image_look(names[i], arena).role == IMAGE_STORE)
			return image_look(names[i], arena).word;
	*ret_why = "its volume holds the data of such a server";
	return engine_by_volume(part);
}
