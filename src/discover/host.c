#include "discover/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static int is_entry(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void tell_hidden(struct lead *lead, const char *path)
{
	struct finding one = {.kind = FOUND_HIDDEN, .how = HOW_UNOBSERVABLE};

	FIELD(one.place, "%s", path);
	FIELD(one.what, "may not be read by this user: run discover on this host as root");
	findings_add(lead->f, &one);
}

void host_each(struct lead *lead, const char *root, const char *dir, host_entry_fn *fn)
{
	BUF_AUTO path = BUF_INIT;
	struct dirent **entries;
	int count;

	buf_printf(&path, "%s%s", root, dir);
	count = scandir(buf_str(&path), &entries, is_entry, alphasort);
	if (count < 0) {
		if (errno == EACCES || errno == EPERM)
			tell_hidden(lead, buf_str(&path));
		return;
	}
	for (int i = 0; i < count; i++) {
		BUF_AUTO file = BUF_INIT;

		buf_printf(&file, "%s/%s", buf_str(&path), entries[i]->d_name);
		fn(lead, root, buf_str(&file), entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}
