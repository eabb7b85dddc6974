/*
 * hazards_probe names
 * hazards_probe OLD NEW < QUESTIONS
 *
 * Each line of QUESTIONS is answered by one line: a JSON list of what hazards_find says about the
 * two databases.  Words of a question:
 *   synced src=new data-present margin=N age=MS skew=MS user=GLOB id=H-X
 *
 * For tests/it/test_hazards.py.
 */
#include <stdbool.h>
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

/* False = what is that? */
static bool read_word(char *word, struct hazards_scope *scope, const char **users, size_t *count,
	const struct hazard **only)
{
	const char *value;

	if (strcmp(word, "synced") == 0)
		scope->synced = true;
	else if (strcmp(word, "src=new") == 0)
		scope->src = SIDE_NEW;
	else if (strcmp(word, "carried") == 0)
		scope->carried = true;
	else if (strcmp(word, "data-present") == 0)
		scope->data_present = true;
	else if ((value = value_of(word, "margin=")) != NULL)
		scope->sequence_margin = atoll(value);
	else if ((value = value_of(word, "age=")) != NULL)
		scope->xact_age_ms_max = atoll(value);
	else if ((value = value_of(word, "skew=")) != NULL)
		scope->clock_skew_ms_max = atoll(value);
	else if ((value = value_of(word, "user=")) != NULL && *count < USERS_MAX)
		users[(*count)++] = value;
	else if ((value = value_of(word, "id=")) != NULL)
		return (*only = hazard_explain(value)) != NULL;
	else
		return false;
	return true;
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
	json_dumpf(list, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(list);
}

static int connect_again(struct pg **pg, const char *conninfo, int64_t deadline_ms, struct err *err)
{
	if (*pg != NULL && !pg_is_broken(*pg))
		return 0;
	pg_close(*pg);
	*pg = NULL;
	return pg_open(pg, &(struct pg_target){.conninfo = conninfo}, deadline_ms, err);
}

static int answer(char *question, char **conninfo, struct pg **old, struct pg **new)
{
	struct hazards_scope scope = hazards_scope_default();
	const char *users[USERS_MAX + 1] = {NULL};
	HAZARD_REPORT_AUTO report = HAZARD_REPORT_INIT;
	const struct hazard *only = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	for (char *word = strtok(question, " \n"); word != NULL; word = strtok(NULL, " \n"))
		if (!read_word(word, &scope, users, &count, &only)) {
			fprintf(stderr, "hazards_probe: what is %s?\n", word);
			return 2;
		}
	scope.app_users = users;
	scope.conninfo[SIDE_OLD] = conninfo[0];
	scope.conninfo[SIDE_NEW] = conninfo[1];
	scope.deadline_ms = clock_now_ms() + 60000;
	if (connect_again(old, conninfo[0], scope.deadline_ms, &err) ||
		connect_again(new, conninfo[1], scope.deadline_ms, &err) ||
		(only != NULL ? hazards_find_one(only->id, *old, *new, &scope, &report, &err)
			      : hazards_find(*old, *new, &scope, &report, &err))) {
		fprintf(stderr, "hazards_probe: %s\n", err.msg);
		return 1;
	}
	print_report(&report);
	return 0;
}

int main(int argc, char **argv)
{
	char line[1024];
	PG_AUTO old = NULL;
	PG_AUTO new = NULL;

	if (argc == 2 && strcmp(argv[1], "names") == 0) {
		for (int id = 0; id < HAZARD_COUNT; id++)
			puts(hazard_get((enum hazard_id)id)->name);
		return 0;
	}
	if (argc != 3)
		return 2;
	while (fgets(line, sizeof line, stdin) != NULL) {
		int rc = answer(line, argv + 1, &old, &new);

		if (rc != 0)
			return rc;
	}
	return 0;
}
