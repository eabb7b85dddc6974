#include "gateway/verifiers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "gateway/say.h"
#include "pgwire/scram.h"
#include "pgwire/userlist.h"

struct entry {
	const char *user, *verifier; /* in text */
};

struct list {
	char *text; /* the file, cut into words */
	size_t bytes;
	struct entry *entries; /* by user */
	size_t count;
};

struct verifiers {
	char *path;
	struct list list;
	struct stat seen; /* of what was looked at last, taken or not */
};

static void list_fini(struct list *list)
{
	if (list->text)
		scram_forget(list->text, list->bytes);
	free(list->text);
	free(list->entries);
	*list = (struct list){0};
}

/* ---- reading --------------------------------------------------------------------------------- */

static int check_file(const char *path, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_IO, "%s is not a file", path);
	if ((st->st_uid != geteuid() && st->st_uid != 0) || (st->st_mode & 077) != 0)
		return err_set(err, ERR_RIGHTS,
			"%s holds verifiers: it must belong to whoever runs the gateway and be "
			"open "
			"to nobody else (chmod 600)",
			path);
	if (st->st_size > (off_t)VERIFIERS_FILE_MAX)
		return err_set(err, ERR_IO, "%s has more than %u bytes", path, VERIFIERS_FILE_MAX);
	return 0;
}

/* size: what it had when it was looked at. */
static int read_all(int fd, size_t size, struct list *list, const char *path, struct err *err)
{
	size_t cap = size + 1;
	ssize_t n = 1;

	list->text = malloc(cap + 1);
	if (!list->text)
		return err_set(err, ERR_NOMEM, "no memory for %s", path);
	while (list->bytes < cap && n != 0) {
		n = read(fd, list->text + list->bytes, cap - list->bytes);
		if (n < 0 && errno != EINTR)
			return err_set_errno(err, ERR_IO, "%s cannot be read", path);
		list->bytes += n > 0 ? (size_t)n : 0;
	}
	if (list->bytes == cap || memchr(list->text, '\0', list->bytes))
		return err_set(err, ERR_PLAN, "%s is no text, or is being written", path);
	list->text[list->bytes] = '\0';
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->user, ((const struct entry *)b)->user);
}

static size_t count_lines(const char *text)
{
	size_t count = 1;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		count++;
	return count;
}

static int parse(struct list *list, const char *path, struct err *err)
{
	char *at = list->text;

	list->entries = calloc(count_lines(at), sizeof *list->entries);
	if (!list->entries)
		return err_set(err, ERR_NOMEM, "no memory for %s", path);
	for (size_t line = 1;; line++, at++) {
		struct entry *entry = &list->entries[list->count];
		enum userlist_line is = userlist_line(&at, &entry->user, &entry->verifier);

		if (is == USERLIST_BROKEN)
			return err_set(err, ERR_PLAN,
				"%s:%zu: not \"user\" \"SCRAM-SHA-256$...\" as pg_authid has it",
				path, line);
		list->count += is == USERLIST_USER;
		if (*at == '\0')
			break;
	}
	qsort(list->entries, list->count, sizeof *list->entries, compare);
	for (size_t i = 1; i < list->count; i++)
		if (compare(&list->entries[i - 1], &list->entries[i]) == 0)
			return err_set(err, ERR_PLAN, "%s: user %.63s stands there twice", path,
				list->entries[i].user);
	return 0;
}

/* *ret_seen is set as soon as there is a file, so that the same one is not tried again. */
static int load(const char *path, struct list *ret, struct stat *ret_seen, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0 || fstat(fd, ret_seen) != 0) {
		err_set_errno(err, ERR_IO, "%s cannot be read", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	rc = check_file(path, ret_seen, err) ||
			     read_all(fd, (size_t)ret_seen->st_size, ret, path, err) ||
			     parse(ret, path, err)
		     ? -1
		     : 0;
	close(fd);
	return rc;
}

/* ---- use ------------------------------------------------------------------------------------- */

int verifiers_open(const char *path, struct verifiers **ret, struct err *err)
{
	struct verifiers *v = calloc(1, sizeof *v);

	if (!v || !(v->path = strdup(path))) {
		free(v);
		return err_set(err, ERR_NOMEM, "no memory for %s", path);
	}
	if (load(path, &v->list, &v->seen, err)) {
		verifiers_close(v);
		return -1;
	}
	*ret = v;
	return 0;
}

void verifiers_close(struct verifiers *v)
{
	if (!v)
		return;
	list_fini(&v->list);
	free(v->path);
	free(v);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_uid == b->st_uid && a->st_mode == b->st_mode &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void renew(struct verifiers *v)
{
	struct list list = {0};
	struct stat now = {0};
	struct err err = ERR_INIT;

	if (stat(v->path, &now) != 0)
		now = (struct stat){0};
	if (is_same(&now, &v->seen))
		return;
	v->seen = now;
	if (load(v->path, &list, &v->seen, &err)) {
		list_fini(&list);
		say("%s; what was read before goes on to count", err.msg);
		return;
	}
	list_fini(&v->list);
	v->list = list;
	say("%s was read again: %zu users", v->path, v->list.count);
}

const char *verifiers_find(struct verifiers *v, const char *user)
{
	const struct entry wanted = {.user = user};
	const struct entry *found;

	renew(v);
	found = bsearch(&wanted, v->list.entries, v->list.count, sizeof wanted, compare);
	return found ? found->verifier : NULL;
}
