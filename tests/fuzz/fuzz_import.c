/*
 * fuzz_import.c - any bytes as a compose file, manifests, what Terraform prints, and a file that is
 * mounted: never a crash, never a hang; and the plan that comes out is one, or a note says that it
 * is none.
 *
 * The bytes become a file in memory, since an import reads files.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/utf8.h"
#include "import/crontab.h"
#include "import/import.h"
#include "import/mounted.h"

#include "fuzz_target.h"

static void check_utf8(const char *text)
{
	uint32_t code;

	for (; text && *text; text += utf8_next(text, &code))
		ENSURE(utf8_next(text, &code) > 0);
}

/* Notes go to a terminal and into JSON. */
static void check_notes(const struct notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		check_utf8(notes->rows[i].text);
		for (const char *c = notes->rows[i].text; *c; c++)
			ENSURE((unsigned char)*c >= 0x20);
	}
}

static bool says_refused(const struct notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		if (notes->rows[i].kind == NOTE_ERROR && !notes->rows[i].at.file)
			return true;
	return false;
}

static void check_plan(const struct import_result *result)
{
	ARENA_AUTO arena = ARENA_INIT;
	PLAN_AUTO plan = NULL;
	struct problems ps;
	struct err err = ERR_INIT;
	int failed;

	check_utf8(result->plan);
	problems_init(&ps, &arena);
	failed = plan_parse("fuzz", result->plan, strlen(result->plan), &plan, &ps, &err);
	ENSURE(!failed || says_refused(&result->notes));
}

static void import_as(const char *path, enum import_from from)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct import_request request = {
		.from = from, .sources = &path, .sources_count = 1, .profiles = "*"};
	struct import_result result;
	struct err err = ERR_INIT;

	if (import_run(&request, &arena, &result, &err) == 0)
		check_plan(&result);
	else
		ENSURE(err.code == ERR_USAGE);
	check_notes(&result.notes);
}

static void mount(const uint8_t *data, size_t size)
{
	static const char *const targets[] = {
		"/etc/app.conf", "/etc/crontabs/root", "/docker-entrypoint-initdb.d/x.sql"};
	ARENA_AUTO arena = ARENA_INIT;
	struct notes notes;
	struct model model;
	struct part *part;
	char *text = arena_strndup(&arena, size ? (const char *)data : "", size);

	notes_init(&notes, &arena);
	model_init(&model, &arena, &notes);
	part = model_part(&model, "x", "service", (struct place){.file = "x", .line = 1});
	facts_add(&model, &part->env, "DB_HOST", "db", part->at);
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		mounted_text(&model, part, "x", targets[i], text, part->at);
	crontab_read(&model, part, NULL);
	check_notes(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("import", MFD_CLOEXEC);
	char path[64];

	ENSURE(fd >= 0);
	ENSURE(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	for (int from = IMPORT_GUESS; from <= IMPORT_TERRAFORM; from++)
		import_as(path, (enum import_from)from);
	mount(data, size);
	close(fd);
	return 0;
}
