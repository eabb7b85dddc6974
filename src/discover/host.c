#include "discover/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* ---- caches of names ------------------------------------------------------------------------- */

/* The first line of a file that begins with `word` (blanks aside) and is no comment. */
static bool line_with(const char *text, const char *word, struct buf *out)
{
	while (*text != '\0') {
		const char *at = text + strspn(text, " \t");
		size_t len = strcspn(at, "\r\n");

		if (strncasecmp(at, word, strlen(word)) == 0) {
			buf_add(out, at, len < 80 ? len : 80);
			return true;
		}
		text = at + len;
		text += *text != '\0';
	}
	return false;
}

static void look_at_cache(
	struct lead *lead, const char *root, const char *file, const char *word, const char *who)
{
	struct finding one = {.kind = FOUND_NAME_CACHE, .how = HOW_CONFIGURED};
	BUF_AUTO path = BUF_INIT;
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO line = BUF_INIT;

	buf_printf(&path, "%s%s", root, file);
	if (!lead_read(buf_str(&path), &text, one.owner))
		return;
	lead->f->files++;
	if (!line_with(buf_str(&text), word, &line))
		return;
	FIELD(one.place, "%s", buf_str(&path));
	FIELD(one.file, "%s", buf_str(&path));
	FIELD(one.what, "%s keeps names: %s", who, buf_str(&line));
	findings_add(lead->f, &one);
}

void host_name_caches(struct lead *lead, const char *root)
{
	const char *const *names;

	if (targets_names(lead->targets, &names) == 0)
		return; /* addresses only: there is nothing to cache */
	look_at_cache(lead, root, "/etc/nscd.conf", "positive-time-to-live\thosts", "nscd");
	look_at_cache(lead, root, "/etc/systemd/resolved.conf", "Cache=", "systemd-resolved");
	look_at_cache(lead, root, "/etc/dnsmasq.conf", "min-cache-ttl", "dnsmasq");
}
