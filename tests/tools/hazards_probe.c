/*
 * hazards_probe OLD NEW [synced] [src=new] [data-present] [margin=N] [age=MS] [user=GLOB]...
 * [id=H-X]
 *
 * Prints what hazards_find says about two databases as one JSON list, for tests/it/test_hazards.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "store/postgres/hazards.h"
#include "store/postgres/pg.h"

#define USERS_MAX 8

static const char *value_of(const char *word, const char *key)
{
	size_t len = strlen(key);

	return strncmp(word, key, len) == 0 ? word + len : NULL;
}

/* Returns the hazard that is asked for alone, or NULL. */
static const struct hazard *read_words(
	int argc, char **argv, struct hazards_scope *scope, const char **users)
{
	const struct hazard *only = NULL;
	size_t count = 0;

	for (int i = 3; i < argc; i++) {
		const char *value;

		if (strcmp(argv[i], "synced") == 0)
			scope->synced = true;
		else if (strcmp(argv[i], "src=new") == 0)
			scope->src = SIDE_NEW;
		else if (strcmp(argv[i], "data-present") == 0)
			scope->data_present = true;
		else if ((value = value_of(argv[i], "margin=")) != NULL)
			scope->sequence_margin = atoll(value);
		else if ((value = value_of(argv[i], "age=")) != NULL)
			scope->xact_age_ms_max = atoll(value);
		else if ((value = value_of(argv[i], "user=")) != NULL && count < USERS_MAX)
			users[count++] = value;
		else if ((value = value_of(argv[i], "id=")) != NULL)
			only = hazard_explain(value);
		else {
			fprintf(stderr, "hazards_probe: what is %s?\n", argv[i]);
			exit(2);
		}
	}
	scope->app_users = users;
	return only;
}

static void print_report(const struct hazard_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->count; i++) {
		const struct hazard_found *f = &report->rows[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:b, s:b, s:s, s:s, s:s, s:s}", "id", f->hazard->name,
				"severity", hazard_severity_name(f->hazard->severity), "proven",
				f->proven, "refuses", hazard_refuses(f), "side",
				f->sided ? side_name(f->side) : "both", "object", f->object,
				"detail", f->detail, "remedy", f->remedy));
	}
	json_dumpf(list, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(list);
}

int main(int argc, char **argv)
{
	struct hazards_scope scope = hazards_scope_default();
	const char *users[USERS_MAX + 1] = {NULL};
	HAZARD_REPORT_AUTO report = HAZARD_REPORT_INIT;
	const struct hazard *only;
	struct err err = ERR_INIT;
	PG_AUTO old = NULL;
	PG_AUTO new = NULL;
	int rc;

	if (argc < 3)
		return 2;
	only = read_words(argc, argv, &scope, users);
	scope.conninfo[SIDE_OLD] = argv[1];
	scope.conninfo[SIDE_NEW] = argv[2];
	scope.deadline_ms = clock_now_ms() + 60000;
	if (pg_open(&old, &(struct pg_target){.conninfo = argv[1]}, scope.deadline_ms, &err) ||
		pg_open(&new, &(struct pg_target){.conninfo = argv[2]}, scope.deadline_ms, &err)) {
		fprintf(stderr, "hazards_probe: %s\n", err.msg);
		return 1;
	}
	if (only != NULL)
		rc = hazards_find_one(only->id, old, new, &scope, &report, &err);
	else
		rc = hazards_find(old, new, &scope, &report, &err);
	if (rc != 0) {
		fprintf(stderr, "hazards_probe: %s\n", err.msg);
		return 1;
	}
	print_report(&report);
	return 0;
}
