/*
 * hazards_table.c - hazards.def as C: the rows, the statement for a version, the document.
 */
#include <string.h>

#include "base/check.h"
#include "store/postgres/hazards.h"
#include "store/postgres/hazards_sql.h"
#include "store/postgres/versions.h"

/* The columns of the table say REFUSE and TELLS, not HAZARD_REFUSE and false. */
#define BLIND_REFUSES true
#define BLIND_TELLS false
#define SHOWS_SHOWN false
#define SHOWS_SECRET true

static const struct hazard rows[HAZARD_COUNT] = {
#define HAZARD(id, name, severity, where, when, rights, blind, shows, title, why, remedy)          \
	[HAZARD_##id] = {HAZARD_##id, name, HAZARD_##severity, HAZARD_##where, HAZARD_##when,      \
		HAZARD_##rights, BLIND_##blind, SHOWS_##shows, title, why, remedy},
#include "store/postgres/hazards.def"
};

static const struct {
	enum hazard_id id;
	int from, to;
	const char *sql;
} statements[] = {
#define HAZARD_SQL(id, from, to, sql) {HAZARD_##id, from, to, sql},
#include "store/postgres/hazards.def"
};

const struct hazard *hazard_get(enum hazard_id id)
{
	REQUIRE(id < HAZARD_COUNT);
	return &rows[id];
}

const struct hazard *hazard_explain(const char *name)
{
	for (size_t i = 0; i < HAZARD_COUNT; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const char *hazard_severity_name(enum hazard_severity severity)
{
	static const char *const names[] = {"watch", "warn", "refuse"};

	REQUIRE(severity <= HAZARD_REFUSE);
	return names[severity];
}

const char *hazard_sql(enum hazard_id id, int server_version)
{
	int major = server_version / 10000;

	REQUIRE(id < HAZARD_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++)
		if (statements[i].id == id && major >= statements[i].from &&
			major <= statements[i].to)
			return statements[i].sql;
	return NULL;
}

/* ---- the document -------------------------------------------------------------------------- */

static const char *where_text(enum hazard_where where)
{
	static const char *const texts[] = {"the side that is left", "the other side", "both sides",
		"compared", "compared, what the other side lacks", "compared, what both have",
		"compared, must differ"};

	REQUIRE(where <= HAZARD_SAME);
	return texts[where];
}

static const char *when_text(enum hazard_when when)
{
	static const char *const texts[] = {"always", "before `sync`", "after `sync`"};

	REQUIRE(when <= HAZARD_AFTER_SYNC);
	return texts[when];
}

static const char *rights_text(enum hazard_rights rights)
{
	static const char *const texts[] = {"any role", "`pg_monitor`", "superuser"};

	REQUIRE(rights <= HAZARD_SUPERUSER);
	return texts[rights];
}

/* "13 to 14, 15 to 16, from 17" of the statements that the tests and users may meet. */
static void versions_text(enum hazard_id id, struct buf *out)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		if (statements[i].id != id)
			continue;
		buf_puts(out, separator);
		if (statements[i].from == 0)
			buf_printf(out, "up to %d", statements[i].to);
		else if (statements[i].to == 99)
			buf_printf(out, "from %d", statements[i].from);
		else
			buf_printf(out, "%d to %d", statements[i].from, statements[i].to);
		separator = ", ";
	}
}

void hazard_remedy_text(const struct hazard *hazard, struct buf *out)
{
	for (const char *p = hazard->remedy; *p != '\0'; p++) {
		if (strncmp(p, "%s", 2) == 0) {
			buf_puts(out, "OBJECT");
			p++;
		} else if (strncmp(p, "@old@", 5) == 0) {
			buf_puts(out, "OLD");
			p += 4;
		} else if (strncmp(p, "@new@", 5) == 0) {
			buf_puts(out, "NEW");
			p += 4;
		} else if (strncmp(p, "@repl_role@", 11) == 0) {
			buf_puts(out, "airlock_repl");
			p += 10;
		} else {
			buf_putc(out, *p);
		}
	}
}

void hazards_markdown(struct buf *out)
{
	buf_puts(out,
		"# Hazards\n\n"
		"What `airlock check` looks for on two PostgreSQL servers before anything is "
		"moved.\nThis page is made from `src/store/postgres/hazards.def` and kept equal "
		"by a test; `airlock explain ID` prints the same.\n\n"
		"*refuse*: no move until it is gone or waived. *warn*: told. *watch*: no rights "
		"can prevent it, so Airlock watches it.\n\n"
		"| id | what | severity | where | when |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < HAZARD_COUNT; i++)
		buf_printf(out, "| [%s](#%s) | %s | %s | %s | %s |\n", rows[i].name, rows[i].name,
			rows[i].title, hazard_severity_name(rows[i].severity),
			where_text(rows[i].where), when_text(rows[i].when));
	for (size_t i = 0; i < HAZARD_COUNT; i++) {
		buf_printf(out, "\n## %s\n\n%c%s.\n\n%s\n\nRemedy: ", rows[i].name,
			rows[i].title[0] - 'a' + 'A', rows[i].title + 1, rows[i].why);
		hazard_remedy_text(&rows[i], out);
		buf_printf(out, "\n\nSeen by %s; PostgreSQL ", rights_text(rows[i].rights));
		versions_text((enum hazard_id)i, out);
		buf_printf(out, ".%s\n",
			rows[i].blind_refuses ? "" : " What cannot be looked at is told only.");
	}
	buf_puts(out,
		"\n## Versions\n\nPostgreSQL 13 to 17 is expected, 15 is what the tests run on. "
		"From `src/store/postgres/versions.def`:\n\n"
		"| since | what | what is done about it |\n|---|---|---|\n");
	for (int i = 0; i < VERSION_COUNT; i++) {
		const struct version_row *row = version_get((enum version_feature)i);

		buf_printf(out, "| %d | %s | %s |\n", row->since, row->what, row->relied);
	}
}
