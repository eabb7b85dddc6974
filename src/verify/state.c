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

#include "base/buf.h"
#include "journal/state_dir.h"

#define AGE_MAX_S 86400
#define SCHEMA "airlock.verify-state/2"

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

/* As hex digits: a key's text is any bytes where the database's encoding is SQL_ASCII. */
static json_t *bytes_json(const char *bytes, size_t len)
{
	BUF_AUTO hex = BUF_INIT;

	for (size_t i = 0; i < len; i++)
		buf_printf(&hex, "%02x", (unsigned char)bytes[i]);
	return json_string(buf_str(&hex));
}

static json_t *bound_json(const struct bound *bound)
{
	return bound->bytes ? bytes_json(bound->bytes, bound->len) : json_null();
}

/* The names and types of the key, in order: a bound means nothing under another one. */
static json_t *key_json(const struct shape *shape)
{
	BUF_AUTO text = BUF_INIT;

	for (size_t i = 0; i < shape->keys; i++)
		buf_printf(
			&text, "%s%s %s", i ? ", " : "", shape->key[i].ident, shape->key[i].type);
	return bytes_json(buf_str(&text), text.len);
}

static json_t *table_json(const struct verify_table *t)
{
	json_t *pieces = json_array(), *keys = json_array();

	for (size_t i = 0; i < t->pieces; i++)
		json_array_append_new(pieces,
			json_pack("{s:o, s:o, s:b}", "from", bound_json(&t->piece[i].from), "to",
				bound_json(&t->piece[i].to), "done", t->piece[i].done));
	for (size_t i = 0; i < t->keys_count; i++)
		json_array_append_new(
			keys, json_pack("{s:o, s:s}", "key",
				      bytes_json(t->keys[i].text, strlen(t->keys[i].text)), "kind",
				      t->keys[i].what));
	return json_pack("{s:o, s:o, s:b, s:I, s:I, s:I, s:o, s:o}", "name",
		bytes_json(t->shape.name, strlen(t->shape.name)), "key", key_json(&t->shape),
		"sorted", t->shape.sorted, "compared", (json_int_t)t->compared, "different",
		(json_int_t)t->different, "moving", (json_int_t)t->moving, "pieces", pieces, "keys",
		keys);
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
	doc = json_pack("{s:s, s:s, s:i, s:i, s:I, s:o}", "schema", SCHEMA, "plan",
		verify->store->plan->hash, "src", (int)verify->src, "method", (int)verify->method,
		"at", (json_int_t)time(NULL), "tables", tables);
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

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What bytes_json made, and a NUL behind it; no bytes where it is nothing of the kind. */
static struct bound bound_from(const json_t *json)
{
	const char *hex = json_string_value(json);
	size_t len = json_string_length(json) / 2;
	BUF_AUTO bytes = BUF_INIT;

	if (!hex)
		return (struct bound){0};
	for (size_t i = 0; i < len; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return (struct bound){0};
		buf_putc(&bytes, (char)(high << 4 | low));
	}
	buf_putc(&bytes, '\0');
	return bound_copy(bytes.data, len);
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
	json_array_foreach(pieces, i, one) if (i < VERIFY_PIECES_MAX) t->piece[t->pieces++] =
		(struct piece){bound_from(json_object_get(one, "from")),
			bound_from(json_object_get(one, "to")), false,
			json_is_true(json_object_get(one, "done"))};
	json_array_foreach(keys, i, one)
	{
		struct bound key = bound_from(json_object_get(one, "key"));

		if (key.bytes && t->keys_count < VERIFY_KEYS_MAX)
			t->keys[t->keys_count++] = (struct verify_key){strndup(key.bytes, key.len),
				kind_from(json_string_value(json_object_get(one, "kind")))};
		bound_fini(&key);
	}
}

/* Takes wanted. */
static bool is_as(const json_t *doc, const char *member, json_t *wanted)
{
	bool same = json_equal(json_object_get(doc, member), wanted);

	json_decref(wanted);
	return same;
}

/* A bound of another key would be read as one of this. */
static bool table_fits(const struct verify_table *t, const json_t *doc)
{
	size_t pieces = json_array_size(json_object_get(doc, "pieces"));

	return is_as(doc, "name", bytes_json(t->shape.name, strlen(t->shape.name))) &&
	       is_as(doc, "key", key_json(&t->shape)) &&
	       json_is_true(json_object_get(doc, "sorted")) == t->shape.sorted && pieces > 0 &&
	       pieces <= VERIFY_PIECES_MAX;
}

static bool fits(const struct verify *verify, const json_t *doc)
{
	json_t *tables = json_object_get(doc, "tables");
	const char *plan = json_string_value(json_object_get(doc, "plan"));
	const char *schema = json_string_value(json_object_get(doc, "schema"));
	int64_t age = time(NULL) - number(doc, "at");

	if (!schema || strcmp(schema, SCHEMA) != 0 || !plan ||
		strcmp(plan, verify->store->plan->hash) != 0 || age < 0 || age > AGE_MAX_S ||
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
	doc = json_loadfd(fd, 0, NULL);
	close(fd);
	good = doc && fits(verify, doc);
	for (size_t i = 0; good && i < verify->tables_count; i++)
		load_table(&verify->tables[i], json_array_get(json_object_get(doc, "tables"), i));
	json_decref(doc);
	return good;
}
