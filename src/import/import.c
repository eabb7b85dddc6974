#include "import/import.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "import/compose.h"
#include "import/k8s.h"
#include "import/proposals.h"
#include "import/settings.h"
#include "import/terraform.h"

struct run {
	const struct import_request *request;
	struct arena *arena;
	struct notes *notes;
	struct reader reader;
	struct model model;
	const char **paths; /* directories written out */
	size_t paths_count, paths_cap;
};

const char *import_from_name(enum import_from from)
{
	static const char *const names[] = {"unknown", "compose", "k8s", "terraform"};

	REQUIRE((size_t)from < ARRAY_LEN(names));
	return names[from];
}

/* ---- sources ---- */

static void add_path(struct run *run, const char *path)
{
	run->paths = arena_grow(
		run->arena, run->paths, run->paths_count, &run->paths_cap, sizeof *run->paths);
	run->paths[run->paths_count++] = path;
}

static int is_manifest(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

/* The manifests of a directory, by name. */
static int add_directory(struct run *run, const char *path, struct err *err)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_manifest, alphasort);

	if (count < 0)
		return err_set_errno(err, ERR_USAGE, "reading %s", path);
	for (int i = 0; i < count; i++) {
		add_path(run,
			reader_in(run->arena, path, arena_strdup(run->arena, entries[i]->d_name)));
		free(entries[i]);
	}
	free(entries);
	return count ? 0 : err_set(err, ERR_USAGE, "%s holds no .yaml, .yml or .json", path);
}

static int add_sources(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->request->sources_count; i++) {
		const char *path = run->request->sources[i];
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			if (add_directory(run, path, err))
				return -1;
		} else {
			add_path(run, path);
		}
	}
	return 0;
}

/* ---- what it is ---- */

static bool any_object(const struct node *documents)
{
	for (size_t i = 0; i < node_items(documents); i++)
		if (k8s_is_object(node_item(documents, i)))
			return true;
	return false;
}

/* By the first source alone, read without telling what is wrong with it. */
static int guess(struct run *run, enum import_from *ret, struct err *err)
{
	ARENA_AUTO scratch = ARENA_INIT;
	struct notes notes;
	struct reader reader = {.arena = &scratch, .notes = &notes};
	const char *text;
	size_t len, at;

	notes_init(&notes, &scratch);
	if (reader_file(&reader, run->paths[0], &text, &len, err))
		return -1;
	at = strspn(text, " \t\r\n");
	if (text[at] == '{' &&
		(strstr(text, "\"root_module\"") || strstr(text, "\"terraform_version\"")))
		*ret = IMPORT_TERRAFORM;
	else if (any_object(reader_yaml(&reader, run->paths[0], text, len, NULL)))
		*ret = IMPORT_K8S;
	else
		*ret = IMPORT_COMPOSE;
	return 0;
}

/* ---- each ---- */

static int from_compose(struct run *run, struct err *err)
{
	struct compose_files files = {.reader = &run->reader,
		.paths = run->paths,
		.paths_count = run->paths_count,
		.env_file = run->request->env_file};

	return compose_import(&files, run->request->profiles, &run->model, err);
}

static int from_k8s(struct run *run, struct err *err)
{
	struct node *all = node_new(run->arena, NODE_LIST, (struct place){.file = run->paths[0]});

	for (size_t i = 0; i < run->paths_count; i++) {
		const struct node *documents;
		const char *text;
		size_t len;

		if (reader_file(&run->reader, run->paths[i], &text, &len, err))
			return -1;
		documents = reader_yaml(&run->reader, run->paths[i], text, len, NULL);
		for (size_t k = 0; k < documents->count; k++)
			node_append(run->arena, all, documents->items[k]);
	}
	k8s_import(all, &run->model);
	return 0;
}

static int from_terraform(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->paths_count; i++) {
		const char *text;
		size_t len;

		if (reader_file(&run->reader, run->paths[i], &text, &len, err) ||
			terraform_import(run->paths[i], text, len, &run->model, err))
			return -1;
	}
	return 0;
}

static int read_sources(struct run *run, enum import_from from, struct err *err)
{
	int failed = from == IMPORT_COMPOSE ? from_compose(run, err)
		     : from == IMPORT_K8S   ? from_k8s(run, err)
					    : from_terraform(run, err);

	if (failed)
		return -1;
	settings_from_variables(&run->model);
	if (run->model.parts_count == 0)
		return err_set(err, ERR_USAGE,
			"nothing in %s was understood as %s%s: say what it is with --from",
			run->paths[0], import_from_name(from),
			run->notes->count ? " (see above)" : "");
	return 0;
}

/* ---- the plan ---- */

/* What we wrote must be a plan: what is wrong with it is ours to tell, not to leave for later. */
static void check_plan(struct run *run, const struct buf *text, struct plan **ret_plan)
{
	struct problems ps;
	struct err err = ERR_INIT;

	problems_init(&ps, run->arena);
	if (plan_parse("plan", buf_str(text), text->len, ret_plan, &ps, &err) == 0)
		return;
	for (size_t i = 0; i < ps.count; i++)
		if (ps.rows[i].severity == PROBLEM_ERROR)
			notes_add(run->notes, NOTE_ERROR, (struct place){0},
				"`airlock plan` will refuse line %d of the plan: %s",
				ps.rows[i].line, ps.rows[i].message);
}

static void write_result(struct run *run, struct import_result *ret)
{
	BUF_AUTO sources = BUF_INIT;
	BUF_AUTO text = BUF_INIT;
	PLAN_AUTO plan = NULL;
	struct world world;

	for (size_t i = 0; i < run->request->sources_count; i++)
		buf_printf(&sources, "%s%s", i ? ", " : "", run->request->sources[i]);
	world_make(&run->model, &world);
	write_plan(&world, buf_str(&sources), &text, &ret->written);
	check_plan(run, &text, &plan);
	ret->written.crossings = proposals_write(plan, run->arena, &text);
	ret->plan = arena_strndup(run->arena, buf_str(&text), text.len);
}

int import_run(const struct import_request *request, struct arena *arena, struct import_result *ret,
	struct err *err)
{
	struct run run = {.request = request, .arena = arena, .notes = &ret->notes};
	int failed;

	REQUIRE(request->sources_count > 0);
	*ret = (struct import_result){.from = request->from};
	notes_init(&ret->notes, arena);
	run.reader = (struct reader){.arena = arena, .notes = &ret->notes};
	model_init(&run.model, arena, &ret->notes);
	if (add_sources(&run, err))
		return -1;
	if (ret->from == IMPORT_GUESS && guess(&run, &ret->from, err))
		return -1;
	failed = read_sources(&run, ret->from, err);
	if (!failed)
		write_result(&run, ret);
	notes_sort(&ret->notes);
	return failed;
}
