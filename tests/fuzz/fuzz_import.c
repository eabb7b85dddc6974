/*
 * fuzz_import.c - any bytes as a compose file, manifests and what Terraform prints: never a crash,
 * never a hang; and the plan that comes out is one, or a note says that it is none.
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
#include "import/import.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("import", MFD_CLOEXEC);
	char path[64];

	ENSURE(fd >= 0);
	ENSURE(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	for (int from = IMPORT_GUESS; from <= IMPORT_TERRAFORM; from++)
		import_as(path, (enum import_from)from);
	close(fd);
	return 0;
}
