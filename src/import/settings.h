/*
 * settings.h - configuration files that a workload is given, as settings with the line of each.
 *
 * No format is known by name: what looks like a key with a value is one, in YAML, JSON, ini,
 * properties, Python, Ruby, PHP, nginx, HAProxy or XML.  A setting is called as it is nested, by
 * indentation and [sections]: "databases.default.host".  "${DB_HOST}", env("DB_HOST") and their
 * like become what the workload's environment says.  Passwords are not kept.
 */
#ifndef AIRLOCK_IMPORT_SETTINGS_H
#define AIRLOCK_IMPORT_SETTINGS_H

#include "import/model.h"

#define SETTINGS_BYTES_MAX (256u << 10) /* larger files hold data */
#define SETTINGS_TOTAL_MAX (32u << 20)	/* of all parts, what several are given each time */

/* A file, or what stands for one. */
struct settings {
	const char *file; /* keeps the settings of one file apart from those of another */
	const char *text;
	size_t len;
	struct place first; /* of its first line */
};

/* Adds to part.settings.  What holds no text is passed over. */
void settings_read(struct model *model, struct part *part, const struct settings *source);

/* The same for variables that hold a whole file (GITLAB_OMNIBUS_CONFIG), of every part. */
void settings_from_variables(struct model *model);

/* Is it a file that nobody should look into: a key, a certificate, a list of passwords? */
bool settings_is_secret(const char *path);
/* Is it a table of cron, by its name or by where it is mounted? */
bool settings_is_crontab(const char *path, const char *target);

#endif
