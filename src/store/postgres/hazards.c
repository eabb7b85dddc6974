/*
 * hazards.c - runs the rows of hazards.def against two servers.
 */
#include "store/postgres/hazards.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/grow.h"
#include "store/postgres/driver.h"
#include "base/clock.h"
#include "store/postgres/pg.h"

#define CLOCK_TRIPS 5

/* What one side is and lets us see. */
struct facts {
	int version;
	int64_t max_connections;
	bool superuser, monitor;
};

struct look {
	struct pg *pg[SIDE_COUNT];
	const struct hazards_scope *scope;
	struct facts facts[SIDE_COUNT];
	double skew_ms; /* of dst against src */
	struct hazard_report *report;
};

struct hazards_scope hazards_scope_default(void)
{
	static const char *const roles[] = {"airlock", "airlock_repl", "airlock_probe",
		"airlock_probe_owner", "airlock_gateway", NULL};
	static const char *const schemas[] = {"airlock", "airlock_dba", NULL};
	static const char *const nobody[] = {NULL};

	return (struct hazards_scope){
		.src = SIDE_OLD,
		.roles = roles,
		.repl_role = "airlock_repl",
		.schemas = schemas,
		.app_users = nobody,
		.conninfo = {"OLD", "NEW"},
		.xact_age_ms_max = 60000,
		.sequence_margin = SEQUENCE_MARGIN,
		.clock_skew_ms_max = 1000,
	};
}

/* ---- clocks -------------------------------------------------------------------------------- */

static int server_clock(struct pg *pg, int64_t deadline_ms, double *ret_offset_ms,
	double *ret_trip_ms, struct err *err)
{
	double best = INFINITY;

	for (int i = 0; i < CLOCK_TRIPS; i++) {
		PG_ROWS_AUTO rows = PG_ROWS_INIT;
		int64_t start = clock_now_us(), end;

		if (pg_exec(pg, deadline_ms,
			    "select (extract(epoch from clock_timestamp()) * 1000000)::bigint", 0,
			    NULL, &rows, err))
			return -1;
		end = clock_now_us();
		if ((double)(end - start) / 1000.0 >= best)
			continue;
		best = (double)(end - start) / 1000.0;
		*ret_offset_ms = (double)(pg_int(&rows, 0, 0) - (start + end) / 2) / 1000.0;
	}
	*ret_trip_ms = best;
	return 0;
}

int hazards_clock_skew(struct pg *old, struct pg *new, int64_t deadline_ms, double *ret_skew_ms,
	double *ret_error_ms, struct err *err)
{
	double offset[SIDE_COUNT] = {0}, trip[SIDE_COUNT];

	if (server_clock(old, deadline_ms, &offset[SIDE_OLD], &trip[SIDE_OLD], err) ||
		server_clock(new, deadline_ms, &offset[SIDE_NEW], &trip[SIDE_NEW], err))
		return -1;
	*ret_skew_ms = offset[SIDE_NEW] - offset[SIDE_OLD];
	*ret_error_ms = (trip[SIDE_OLD] + trip[SIDE_NEW]) / 2;
	return 0;
}

/* ---- parameters of the statements ---------------------------------------------------------- */

static void array_literal(struct buf *out, const char *const *items)
{
	BUF_AUTO array = BUF_INIT;

	buf_putc(&array, '{');
	for (size_t i = 0; items[i] != NULL; i++) {
		buf_puts(&array, i == 0 ? "\"" : ",\"");
		for (const char *p = items[i]; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				buf_putc(&array, '\\');
			buf_putc(&array, *p);
		}
		buf_putc(&array, '"');
	}
	buf_putc(&array, '}');
	pg_quote_literal(out, buf_str(&array));
}

/* A shell glob as an anchored regular expression. */
static void glob_regex(struct buf *out, const char *glob)
{
	bool set = false;

	buf_putc(out, '^');
	for (const char *p = glob; *p != '\0'; p++) {
		if (set && *p == ']')
			set = false;
		else if (!set && *p == '[' && strchr(p, ']') != NULL)
			set = true;
		else if (!set && *p == '*')
			buf_putc(out, '.');
		else if (set && *p == '!' && p[-1] == '[') {
			buf_putc(out, '^');
			continue;
		} else if (!set && *p == '?') {
			buf_putc(out, '.');
			continue;
		} else if (!isalnum((unsigned char)*p) && *p != '_' && !(set && *p == '-') &&
			   (unsigned char)*p < 0x80)
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
	buf_putc(out, '$');
}

static void regex_array(struct buf *out, const char *const *globs)
{
	ARENA_AUTO arena = ARENA_INIT;
	const char **regexes;
	size_t n = 0;

	while (globs[n] != NULL)
		n++;
	regexes = arena_calloc(&arena, n + 1, sizeof *regexes);
	for (size_t i = 0; i < n; i++) {
		BUF_AUTO regex = BUF_INIT;

		glob_regex(&regex, globs[i]);
		regexes[i] = arena_strdup(&arena, buf_str(&regex));
	}
	array_literal(out, regexes);
}

/* Appends the value of @name@ as seen from `side`; false when there is no such parameter. */
static bool parameter(
	const struct look *look, enum side side, const char *name, size_t len, struct buf *out)
{
	const struct hazards_scope *scope = look->scope;
	const struct facts *other = &look->facts[side_other(side)];

#define NAMED(text) (len == sizeof text - 1 && memcmp(name, text, len) == 0)
	if (NAMED("roles"))
		array_literal(out, scope->roles);
	else if (NAMED("schemas"))
		array_literal(out, scope->schemas);
	else if (NAMED("app_users"))
		regex_array(out, scope->app_users);
	else if (NAMED("repl_role"))
		pg_quote_literal(out, scope->repl_role);
	else if (NAMED("other_version"))
		buf_printf(out, "%d", other->version);
	else if (NAMED("other_max_connections"))
		buf_printf(out, "%lld", (long long)other->max_connections);
	else if (NAMED("skew_ms"))
		buf_printf(out, "%.0f", look->skew_ms);
	else if (NAMED("skew_ms_max"))
		buf_printf(out, "%lld", (long long)scope->clock_skew_ms_max);
	else if (NAMED("xact_age_ms_max"))
		buf_printf(out, "%lld", (long long)scope->xact_age_ms_max);
	else if (NAMED("sequence_margin"))
		buf_printf(out, "%lld", (long long)scope->sequence_margin);
	else if (NAMED("synced"))
		buf_puts(out, scope->synced ? "true" : "false");
	else if (NAMED("carried"))
		buf_puts(out, scope->carried ? "true" : "false");
	else if (NAMED("temp_withheld"))
		buf_puts(out, side == SIDE_NEW && scope->temp_withheld ? "true" : "false");
	else if (NAMED("data_present"))
		buf_puts(out, scope->data_present ? "true" : "false");
	else
		return false;
	return true;
#undef NAMED
}

static void statement_text(
	const struct look *look, enum side side, const char *sql, struct buf *out)
{
	buf_puts(out, "select object::text, detail::text, remedy::text from (");
	while (*sql != '\0') {
		size_t plain = strcspn(sql, "@");
		size_t name;

		buf_add(out, sql, plain);
		sql += plain;
		if (*sql == '\0')
			break;
		name = strcspn(sql + 1, "@");
		REQUIRE(sql[1 + name] == '@');
		REQUIRE(parameter(look, side, sql + 1, name, out));
		sql += name + 2;
	}
	buf_puts(out, ") h(object, detail, remedy) order by object collate \"C\", detail");
}

/* ---- the report ---------------------------------------------------------------------------- */

void hazard_report_fini(struct hazard_report *report)
{
	free(report->rows);
	arena_fini(&report->arena);
	*report = HAZARD_REPORT_INIT;
}

static struct hazard_found *report_add(struct look *look, const struct hazard *hazard)
{
	struct hazard_report *report = look->report;

	report->rows = grow(report->rows, report->count, &report->cap, sizeof *report->rows);
	report->rows[report->count] = (struct hazard_found){.hazard = hazard, .proven = true};
	return &report->rows[report->count++];
}

/* The row's own advice: %s, @old@, @new@, @repl_role@. */
static const char *remedy_text(struct look *look, const struct hazard *hazard, const char *object)
{
	static const char *const marks[] = {"%s", "@old@", "@new@", "@repl_role@"};
	const char *values[] = {object, look->scope->conninfo[SIDE_OLD],
		look->scope->conninfo[SIDE_NEW], look->scope->repl_role};
	BUF_AUTO out = BUF_INIT;

	for (const char *p = hazard->remedy; *p != '\0';) {
		size_t i = 0;

		while (i < ARRAY_LEN(marks) && strncmp(p, marks[i], strlen(marks[i])) != 0)
			i++;
		if (i < ARRAY_LEN(marks)) {
			buf_puts(&out, values[i]);
			p += strlen(marks[i]);
		} else {
			buf_putc(&out, *p++);
		}
	}
	return arena_strdup(&look->report->arena, buf_str(&out));
}

static void add_found(struct look *look, const struct hazard *hazard, const enum side *side,
	const char *object, const char *detail, const char *remedy)
{
	struct arena *arena = &look->report->arena;
	struct hazard_found *found = report_add(look, hazard);

	found->sided = side != NULL;
	found->side = side != NULL ? *side : SIDE_OLD;
	found->object = arena_strdup(arena, object);
	found->detail = arena_strdup(arena, detail);
	found->remedy =
		remedy != NULL ? arena_strdup(arena, remedy) : remedy_text(look, hazard, object);
}

static void add_unproven(
	struct look *look, const struct hazard *hazard, enum side side, const char *why)
{
	struct hazard_found *found = report_add(look, hazard);

	found->proven = false;
	found->sided = true;
	found->side = side;
	found->object = "";
	found->detail = arena_strdup(&look->report->arena, why);
	found->remedy = "";
}

bool hazard_refuses(const struct hazard_found *found)
{
	if (!found->proven)
		return found->hazard->severity == HAZARD_REFUSE && found->hazard->blind_refuses;
	return found->hazard->severity == HAZARD_REFUSE;
}

/* ---- looking ------------------------------------------------------------------------------- */

static const char *lacking(const struct facts *facts, enum hazard_rights rights)
{
	if (rights == HAZARD_SUPERUSER && !facts->superuser)
		return "takes a superuser to see";
	if (rights == HAZARD_MONITOR && !facts->monitor)
		return "takes pg_monitor to see";
	return NULL;
}

/* *ret_known = false: it could not be looked at, which is in the report, or does not exist there.
 */
static int ask(struct look *look, const struct hazard *hazard, enum side side,
	struct pg_rows *ret_rows, bool *ret_known, struct err *err)
{
	const char *sql = hazard_sql(hazard->id, look->facts[side].version);
	const char *lacks = lacking(&look->facts[side], hazard->rights);
	struct err failed = ERR_INIT;
	BUF_AUTO text = BUF_INIT;

	*ret_known = false;
	if (sql == NULL)
		return 0;
	if (lacks != NULL) {
		add_unproven(look, hazard, side, lacks);
		return 0;
	}
	statement_text(look, side, sql, &text);
	if (pg_exec(look->pg[side], look->scope->deadline_ms, buf_str(&text), 0, NULL, ret_rows,
		    &failed) == 0) {
		*ret_known = true;
		return 0;
	}
	if (pg_is_broken(look->pg[side])) {
		*err = failed;
		return err_wrap(err, "%s, looking for %s", side_name(side), hazard->name);
	}
	add_unproven(look, hazard, side, failed.msg);
	return 0;
}

static int find_on(struct look *look, const struct hazard *hazard, enum side side, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	bool known;

	if (ask(look, hazard, side, &rows, &known, err))
		return -1;
	for (size_t i = 0; known && i < rows.rows; i++) {
		const char *detail = pg_text(&rows, i, 1);

		add_found(look, hazard, &side, pg_text(&rows, i, 0), detail != NULL ? detail : "",
			pg_text(&rows, i, 2));
	}
	return 0;
}

/* ---- comparing ----------------------------------------------------------------------------- */

/* Rows are sorted by object, in bytes. */
static bool has_object(const struct pg_rows *rows, const char *object)
{
	size_t low = 0, high = rows->rows;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(pg_text(rows, mid, 0), object);

		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static void add_missing(struct look *look, const struct hazard *hazard, const struct pg_rows *rows,
	size_t i, enum side lacks, const struct pg_rows *other)
{
	const char *value = pg_text(rows, i, 1), *parent = pg_text(rows, i, 2);
	BUF_AUTO detail = BUF_INIT;

	if (hazard->where == HAZARD_COMPARE_COMMON || hazard->where == HAZARD_SAME)
		return;
	if (hazard->where == HAZARD_COMPARE_SRC && lacks == look->scope->src)
		return;
	if (parent != NULL && !has_object(other, parent))
		return; /* reported as a whole */
	buf_printf(&detail, "is not on %s", side_name(lacks));
	if (value[0] != '\0' && !hazard->secret)
		buf_printf(&detail, "; on %s: %s", side_name(side_other(lacks)), value);
	add_found(look, hazard, &lacks, pg_text(rows, i, 0), buf_str(&detail), NULL);
}

static void compare_values(struct look *look, const struct hazard *hazard,
	const struct pg_rows *old, size_t i, const struct pg_rows *new, size_t j)
{
	const char *a = pg_text(old, i, 1), *b = pg_text(new, j, 1);
	bool same = strcmp(a, b) == 0;
	BUF_AUTO detail = BUF_INIT;

	if (same != (hazard->where == HAZARD_SAME))
		return;
	if (hazard->secret)
		buf_puts(&detail, "differs");
	else if (same)
		buf_printf(&detail, "is %s on both sides", a);
	else
		buf_printf(&detail, "old: %s; new: %s", a[0] != '\0' ? a : "(nothing)",
			b[0] != '\0' ? b : "(nothing)");
	add_found(look, hazard, NULL, pg_text(old, i, 0), buf_str(&detail), NULL);
}

static size_t skip_parents(const struct pg_rows *rows, size_t i)
{
	while (i < rows->rows && pg_is_null(rows, i, 1))
		i++;
	return i;
}

static int compare(struct look *look, const struct hazard *hazard, struct err *err)
{
	PG_ROWS_AUTO old = PG_ROWS_INIT;
	PG_ROWS_AUTO new = PG_ROWS_INIT;
	bool old_known, new_known;
	size_t i = 0, j = 0;

	if (ask(look, hazard, SIDE_OLD, &old, &old_known, err) ||
		ask(look, hazard, SIDE_NEW, &new, &new_known, err))
		return -1;
	while (old_known && new_known) {
		int order;

		i = skip_parents(&old, i);
		j = skip_parents(&new, j);
		if (i == old.rows && j == new.rows)
			break;
		order = i == old.rows	? 1
			: j == new.rows ? -1
					: strcmp(pg_text(&old, i, 0), pg_text(&new, j, 0));
		if (order < 0)
			add_missing(look, hazard, &old, i++, SIDE_NEW, &new);
		else if (order > 0)
			add_missing(look, hazard, &new, j++, SIDE_OLD, &old);
		else
			compare_values(look, hazard, &old, i++, &new, j++);
	}
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int read_facts(struct look *look, enum side side, struct err *err)
{
	struct facts *facts = &look->facts[side];
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	facts->version = pg_server_version(look->pg[side]);
	if (pg_exec(look->pg[side], look->scope->deadline_ms,
		    "select rolsuper, pg_has_role('pg_monitor', 'USAGE'),"
		    " current_setting('max_connections') from pg_roles where rolname = "
		    "current_user",
		    0, NULL, &rows, err))
		return err_wrap(err, "%s", side_name(side));
	ENSURE(rows.rows == 1);
	facts->superuser = pg_bool(&rows, 0, 0);
	facts->monitor = pg_bool(&rows, 0, 1);
	facts->max_connections = pg_int(&rows, 0, 2);
	return 0;
}

static int look_init(struct look *look, struct pg *old, struct pg *new,
	const struct hazards_scope *scope, struct hazard_report *report, struct err *err)
{
	double error_ms;

	*look = (struct look){.pg = {old, new}, .scope = scope, .report = report};
	if (read_facts(look, SIDE_OLD, err) || read_facts(look, SIDE_NEW, err) ||
		hazards_clock_skew(old, new, scope->deadline_ms, &look->skew_ms, &error_ms, err))
		return -1;
	if (scope->src == SIDE_NEW)
		look->skew_ms = -look->skew_ms;
	/* Only what is certainly off is a finding. */
	if (fabs(look->skew_ms) <= error_ms)
		look->skew_ms = 0;
	return 0;
}

static bool applies(const struct hazard *hazard, const struct hazards_scope *scope)
{
	return hazard->when == HAZARD_ALWAYS ||
	       (hazard->when == HAZARD_AFTER_SYNC) == scope->synced;
}

static int find(struct look *look, const struct hazard *hazard, struct err *err)
{
	enum side src = look->scope->src;

	if (!applies(hazard, look->scope))
		return 0;
	switch (hazard->where) {
	case HAZARD_SRC:
		return find_on(look, hazard, src, err);
	case HAZARD_DST:
		return find_on(look, hazard, side_other(src), err);
	case HAZARD_BOTH:
		return find_on(look, hazard, SIDE_OLD, err) || find_on(look, hazard, SIDE_NEW, err)
			       ? -1
			       : 0;
	case HAZARD_COMPARE:
	case HAZARD_COMPARE_SRC:
	case HAZARD_COMPARE_COMMON:
	case HAZARD_SAME:
		return compare(look, hazard, err);
	}
	REQUIRE(!"a hazard is looked for somewhere");
	return -1;
}

int hazards_find_one(enum hazard_id id, struct pg *old, struct pg *new,
	const struct hazards_scope *scope, struct hazard_report *ret, struct err *err)
{
	struct look look;

	if (look_init(&look, old, new, scope, ret, err))
		return -1;
	return find(&look, hazard_get(id), err);
}

int hazards_find(struct pg *old, struct pg *new, const struct hazards_scope *scope,
	struct hazard_report *ret, struct err *err)
{
	struct look look;

	if (look_init(&look, old, new, scope, ret, err))
		return -1;
	for (int id = 0; id < HAZARD_COUNT; id++)
		if (find(&look, hazard_get((enum hazard_id)id), err))
			return -1;
	return 0;
}
