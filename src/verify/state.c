#include "verify/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "journal/state_dir.h"

#define AGE_MAX_S 86400

static void name_of(const struct verify *verify, const char *what, char *ret, size_t size)
{
	snprintf(ret, size, "verify-%s.%s", verify->store->store.name, what);
}

int verify_state_lock(const struct verify *verify, int *ret_fd, struct err *err)
{
	const char *dir = verify->options->state_dir;
	char name[256];
	int dir_fd, rc;

	name_of(verify, "lock", name, sizeof name);
	if (state_dir_open(dir, true, &dir_fd, err))
		return -1;
	rc = state_file_open(dir_fd, dir, name, O_RDWR | O_CREAT, ret_fd, err);
	close(dir_fd);
	if (rc)
		return -1;
	if (flock(*ret_fd, LOCK_EX | LOCK_NB)) {
		close(*ret_fd);
		return err_set(err, ERR_BUSY, "another `airlock verify` compares store %s",
			verify->store->store.name);
	}
	return 0;
}

static json_t *bound_json(const struct bound *bound)
{
	return bound->bytes ? json_stringn(bound->bytes, bound->len) : json_null();
}

static json_t *table_json(const struct verify_table *t)
{
	json_t *pieces = json_array(), *keys = json_array();

	for (size_t i = 0; i < t->pieces; i++)
		json_array_append_new(pieces,
			json_pack("{s:o, s:o, s:b}", "from", bound_json(&t->piece[i].from), "to",
				bound_json(&t->piece[i].to), "done", t->piece[i].done));
	for (size_t i = 0; i < t->keys_count; i++)
		json_array_append_new(keys,
			json_pack("{s:s, s:s}", "key", t->keys[i].text, "kind", t->keys[i].what));
	return json_pack("{s:s, s:i, s:b, s:I, s:I, s:I, s:o, s:o}", "name", t->shape.name, "key",
		(int)t->shape.keys, "sorted", t->shape.sorted, "compared",
		(json_int_t)t->compared, "different", (json_int_t)t->different, "moving",
		(json_int_t)t->moving, "pieces", pieces, "keys", keys);
}

int verify_state_save(const struct verify *verify, struct err *err)
{
	const char *dir = verify->options->state_dir;
	json_t *tables = json_array(), *doc;
	char name[256], next[256], *text;
	int dir_fd, fd, rc;
	size_t len;

	for (size_t i = 0; i < verify->tables_count; i++)
		json_array_append_new(tables, table_json(&verify->tables[i]));
	doc = json_pack("{s:s, s:s, s:i, s:i, s:I, s:o}", "schema", "airlock.verify-state/1",
		"plan", verify->store->plan->hash, "src", (int)verify->src, "method",
		(int)verify->method, "at", (json_int_t)time(NULL), "tables", tables);
	text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	json_decref(doc);
	if (!text)
		return err_set(err, ERR_INTERNAL, "the place of the comparison cannot be written");
	len = strlen(text);
	name_of(verify, "json", name, sizeof name);
	name_of(verify, "next", next, sizeof next);
	rc = state_dir_open(dir, true, &dir_fd, err);
	if (rc == 0) {
		rc = state_file_open(dir_fd, dir, next, O_RDWR | O_CREAT, &fd, err);
		if (rc == 0) {
			if (ftruncate(fd, 0) || write(fd, text, len) != (ssize_t)len ||
				renameat(dir_fd, next, dir_fd, name))
				rc = err_set_errno(err, ERR_IO, "cannot write %s/%s", dir, name);
			close(fd);
		}
		close(dir_fd);
	}
	free(text);
	return rc;
}

void verify_state_forget(const struct verify *verify)
{
	struct err ignored = ERR_INIT;
	char name[256];
	int dir_fd;

	name_of(verify, "json", name, sizeof name);
	if (state_dir_open(verify->options->state_dir, false, &dir_fd, &ignored))
		return;
	unlinkat(dir_fd, name, 0);
	close(dir_fd);
}

static struct bound bound_from(const json_t *json)
{
	return bound_copy(json_string_value(json), json_string_length(json));
}

static const char *kind_from(const char *text)
{
	static const char *const kinds[] = {"only on old", "only on new", "differs"};

	for (size_t i = 0; text && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i], text) == 0)
			return kinds[i];
	return "differs";
}

static int64_t number(const json_t *doc, const char *name)
{
	return json_integer_value(json_object_get(doc, name));
}

static void load_table(struct verify_table *t, const json_t *doc)
{
	json_t *pieces = json_object_get(doc, "pieces"), *keys = json_object_get(doc, "keys"), *one;
	size_t i;

	t->cut = true;
	t->compared = number(doc, "compared");
	t->different = number(doc, "different");
	t->moving = number(doc, "moving");
	json_array_foreach(pieces, i, one) if (i < VERIFY_PIECES_MAX)
		t->piece[t->pieces++] = (struct piece){bound_from(json_object_get(one, "from")),
			bound_from(json_object_get(one, "to")), false,
			json_is_true(json_object_get(one, "done"))};
	json_array_foreach(keys, i, one)
	{
		const char *key = json_string_value(json_object_get(one, "key"));

		if (key && t->keys_count < VERIFY_KEYS_MAX)
			t->keys[t->keys_count++] = (struct verify_key){strdup(key),
				kind_from(json_string_value(json_object_get(one, "kind")))};
	}
}

/* A bound of another key would be read as one of this. */
static bool table_fits(const struct verify_table *t, const json_t *doc)
{
	const char *name = json_string_value(json_object_get(doc, "name"));
	size_t pieces = json_array_size(json_object_get(doc, "pieces"));

	return name && strcmp(name, t->shape.name) == 0 &&
	       number(doc, "key") == (int64_t)t->shape.keys &&
	       json_is_true(json_object_get(doc, "sorted")) == t->shape.sorted && pieces > 0 &&
	       pieces <= VERIFY_PIECES_MAX;
}

static bool fits(const struct verify *verify, const json_t *doc)
{
	json_t *tables = json_object_get(doc, "tables");
	const char *plan = json_string_value(json_object_get(doc, "plan"));
	int64_t age = time(NULL) - number(doc, "at");

	if (!plan || strcmp(plan, verify->store->plan->hash) != 0 || age < 0 || age > AGE_MAX_S ||
		number(doc, "src") != (int64_t)verify->src ||
		number(doc, "method") != (int64_t)verify->method ||
		json_array_size(tables) != verify->tables_count)
		return false;
	for (size_t i = 0; i < verify->tables_count; i++)
		if (!table_fits(&verify->tables[i], json_array_get(tables, i)))
			return false;
	return true;
}

bool verify_state_load(struct verify *verify)
{
	struct err ignored = ERR_INIT;
	char name[256];
	int dir_fd, fd;
	json_t *doc;
	bool good;

	name_of(verify, "json", name, sizeof name);
	if (state_dir_open(verify->options->state_dir, false, &dir_fd, &ignored))
		return false;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	close(dir_fd);
	if (fd < 0)
		return false;
	doc = json_loadfd(fd, JSON_ALLOW_NUL, NULL);
	close(fd);
	good = doc && fits(verify, doc);
	for (size_t i = 0; good && i < verify->tables_count; i++)
		load_table(&verify->tables[i],
			json_array_get(json_object_get(doc, "tables"), i));
	json_decref(doc);
	return good;
}
