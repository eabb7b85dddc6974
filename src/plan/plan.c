#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "plan/canon.h"
#include "plan/meaning.h"
#include "plan/override.h"
#include "plan/refuse.h"
#include "plan/resolve.h"
#include "plan/schema.h"
#include "plan/source.h"
#include "plan/yaml_tree.h"

static const struct plan_budgets default_budgets = {
	.stall_ms = 1000,
	.window_ms = 2000,
	.hold_ms = 5000,
	.drain_ms = 1000,
	.lag_bytes = 1 << 20,
	.rollback_lag_ms = 5000,
	.attempts = 5,
	.sync_age_ms = 14 * 86400000LL,
};

static struct plan *plan_new(const char *path)
{
	struct plan *plan = calloc(1, sizeof *plan);

	ENSURE(plan != NULL);
	plan->path = arena_strdup(&plan->arena, path);
	plan->budgets = default_budgets;
	plan->confidence = (struct plan_confidence){
		.lag_below_bytes = -1, .for_ms = -1, .verifies = -1, .rehearsals = -1};
	return plan;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	arena_fini(&plan->arena);
	free(plan);
}

void plan_freep(struct plan **plan)
{
	plan_free(*plan);
	*plan = NULL;
}

static void check(struct checker *ck, const struct yaml_tree *root)
{
	meaning_check_secrets(ck, root);
	schema_walk(ck, root);
	meaning_check_values(ck, root);
	resolve_refs(ck);
	meaning_check_graph(ck, root);
	ck->plan->confidence.given = yaml_tree_get(root, "confidence") != NULL;
}

/* The tree of the text, or NULL with problems. */
static struct yaml_tree *read_tree(struct source *src, struct arena *scratch, const char *path,
	const char *text, size_t len, struct problems *ps)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (len > PLAN_BYTES_MAX) {
		source_init(src, scratch, path, "", 0);
		source_report(src, ps, "P-TOO-LARGE", PROBLEM_ERROR, (struct span){0, 0}, NULL,
			"the file is larger than 1 MB");
		return NULL;
	}
	if (len >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0) {
		text += strlen(mark);
		len -= strlen(mark);
	}
	source_init(src, scratch, path, arena_strndup(scratch, len ? text : "", len), len);
	return yaml_tree_read(src, scratch, ps);
}

static int count_errors(const struct problems *ps, size_t before, const char *path, struct err *err)
{
	size_t errors = ps->errors - before;

	if (!errors)
		return 0;
	return err_set(err, ERR_PLAN, "%s: %zu error%s", path, errors, errors == 1 ? "" : "s");
}

int plan_parse(const char *path, const char *text, size_t len, struct plan **ret_plan,
	struct problems *ps, struct err *err)
{
	ARENA_AUTO scratch = ARENA_INIT;
	PLAN_AUTO plan = plan_new(path);
	struct source src;
	struct checker ck = {.src = &src, .ps = ps, .scratch = &scratch, .plan = plan};
	struct yaml_tree *root;
	size_t before = ps->errors;

	REQUIRE(path != NULL);
	root = read_tree(&src, &scratch, path, text, len, ps);
	if (root)
		check(&ck, root);
	if (root && ps->errors == before)
		refuse_check(&ck, root);
	problems_sort(ps);
	if (count_errors(ps, before, path, err))
		return -1;
	override_sort(plan);
	if (canon_seal(plan, err))
		return -1;
	*ret_plan = plan;
	plan = NULL;
	return 0;
}

/* Up to one byte more than is allowed, so that plan_parse() sees that there is too much. */
static int read_file(int fd, const char *path, struct buf *ret, struct err *err)
{
	char block[16384];

	while (ret->len <= PLAN_BYTES_MAX) {
		ssize_t got = read(fd, block, sizeof block);

		if (got == 0)
			break;
		if (got > 0)
			buf_add(ret, block, (size_t)got);
		else if (errno != EINTR)
			return err_set_errno(
				err, errno == EISDIR ? ERR_USAGE : ERR_IO, "reading %s", path);
	}
	return 0;
}

int plan_load(const char *path, struct plan **ret_plan, struct problems *ps, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return err_set_errno(err, ERR_USAGE, "opening the plan %s", path);
	failed = read_file(fd, path, &text, err);
	close(fd);
	if (failed)
		return -1;
	return plan_parse(path, buf_str(&text), text.len, ret_plan, ps, err);
}

const char *plan_node_name(const struct plan *plan, size_t node)
{
	REQUIRE(node < plan->stores_count + plan->services_count);
	return node < plan->stores_count ? plan->stores[node].name
					 : plan->services[node - plan->stores_count].name;
}

size_t plan_store_find(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->stores_count; i++)
		if (strcmp(plan->stores[i].name, name) == 0)
			return i;
	return PLAN_NONE;
}

static bool reads_early(const struct plan_service *s, size_t store)
{
	for (size_t i = 0; s->early_reader && i < s->reads_count; i++)
		if (s->reads[i] == store)
			return true;
	return false;
}

static bool is_first_with_role(const struct plan *plan, size_t store, size_t service)
{
	for (size_t i = 0; i < service; i++)
		if (reads_early(&plan->services[i], store) &&
			strcmp(plan->services[i].early_reader,
				plan->services[service].early_reader) == 0)
			return false;
	return true;
}

const char *plan_early_reader(const struct plan *plan, size_t store, size_t i)
{
	for (size_t s = 0; s < plan->services_count; s++)
		if (reads_early(&plan->services[s], store) &&
			is_first_with_role(plan, store, s) && i-- == 0)
			return plan->services[s].early_reader;
	return NULL;
}

const char *plan_setting_get(const struct plan_setting *settings, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(settings[i].key, key) == 0)
			return settings[i].value;
	return NULL;
}
