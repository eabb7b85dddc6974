#include "discover/files.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "discover/certificate.h"
#include "discover/lead.h"

/* ---- walking --------------------------------------------------------------------------------- */

static void look_at_file(struct lead *lead, const char *path)
{
	BUF_AUTO text = BUF_INIT;

	lead->base = (struct finding){.kind = FOUND_FILE, .how = HOW_CONFIGURED};
	if (!lead_scan_file(lead, path)) {
		lead->f->files_skipped++;
		return;
	}
	if (lead_read(path, &text, NULL)) {
		certificate_tell(lead, path, &text);
		certificate_named(lead, path, buf_str(&text));
	}
}

static void look_at_entry(struct lead *lead, FTS *walk, FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		if (entry->fts_level > 0 && strcmp(entry->fts_name, ".git") == 0)
			fts_set(walk, entry, FTS_SKIP);
		break;
	case FTS_F:
	case FTS_SL: /* to a directory: not read, and counted */
		look_at_file(lead, entry->fts_path);
		break;
	case FTS_DP:
		break;
	default:
		lead->f->files_skipped++;
		break;
	}
}

int files_look(const char *path, const struct plan *plan, struct targets *targets,
	struct findings *f, struct err *err)
{
	struct lead lead = {.plan = plan, .targets = targets, .f = f, .lifetimes = true};
	char *paths[] = {(char *)(uintptr_t)path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int64_t count = 0;
	int rc = 0;

	if (walk == NULL)
		return err_set_errno(err, ERR_USAGE, "--files %s", path);
	while (rc == 0 && (entry = fts_read(walk)) != NULL && count++ < FILES_MAX) {
		if (entry->fts_level == 0 &&
			(entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR)) {
			errno = entry->fts_errno;
			rc = err_set_errno(err, ERR_USAGE, "--files %s", path);
			break;
		}
		look_at_entry(&lead, walk, entry);
	}
	if (count > FILES_MAX) {
		struct finding one = {.kind = FOUND_HIDDEN, .how = HOW_UNOBSERVABLE};

		FIELD(one.place, "%s", path);
		FIELD(one.what, "more than %d files: the rest was not read", FILES_MAX);
		findings_add(f, &one);
	}
	fts_close(walk);
	return rc;
}
