#include "plan/canon.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/check.h"
#include "plan/conninfo.h"

struct canon {
	const struct plan *plan;
	struct arena *scratch;
	const char **lines;
	size_t count, cap;
	const char *prefix; /* "stores.orders." */
};

/* Keeps one line one line, and what is in quotes in quotes. */
static const char *escaped(struct canon *c, const char *text)
{
	BUF_AUTO out = BUF_INIT;

	for (; *text; text++) {
		if (*text == '\n')
			buf_puts(&out, "\\n");
		else if (*text == '\\' || *text == '"')
			buf_printf(&out, "\\%c", *text);
		else
			buf_putc(&out, *text);
	}
	return arena_strdup(c->scratch, buf_str(&out));
}

static void add_line(struct canon *c, const char *key, const char *value)
{
	c->lines = arena_grow(c->scratch, c->lines, c->count, &c->cap, sizeof *c->lines);
	c->lines[c->count++] = arena_printf(c->scratch, "%s%s=%s\n", c->prefix, key, value);
}

static void add_text(struct canon *c, const char *key, const char *text)
{
	if (text)
		add_line(c, key, arena_printf(c->scratch, "\"%s\"", escaped(c, text)));
}

static void add_number(struct canon *c, const char *key, int64_t number, const char *unit)
{
	if (number >= 0)
		add_line(c, key, arena_printf(c->scratch, "%" PRId64 "%s", number, unit));
}

static void add_nodes(struct canon *c, const char *key, const size_t *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_line(c, key, plan_node_name(c->plan, nodes[i]));
}

static void add_argv(struct canon *c, const char *key, char *const *argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		add_text(c, arena_printf(c->scratch, "%s.%03zu", key, i), argv[i]);
}

static void add_action(struct canon *c, const char *key, const struct plan_action *action)
{
	if (!action->exec)
		return;
	add_argv(c, arena_printf(c->scratch, "%s.exec", key), action->exec);
	add_argv(c, arena_printf(c->scratch, "%s.observe", key), action->observe);
	add_argv(c, arena_printf(c->scratch, "%s.undo", key), action->undo);
	add_number(c, arena_printf(c->scratch, "%s.timeout", key), action->timeout_ms, "ms");
}

/* What a plan says of sessions that cannot be carried is the same said and left out. */
static bool is_default(const struct plan_setting *setting)
{
	static const struct plan_setting told[] = {{"carry.lastval", "tell"},
		{"carry.listen", "tell"}, {"carry.transactions", "wait"}};

	if (strncmp(setting->key, "carry.", 6) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		if (strcmp(setting->key, told[i].key) == 0)
			return strcmp(setting->value, told[i].value) == 0;
	return strcmp(setting->value, "block") == 0;
}

static void add_settings(struct canon *c, const struct plan_setting *settings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_default(&settings[i]))
			add_text(c, settings[i].key, settings[i].value);
}

static void enter(struct canon *c, const char *table, const char *name)
{
	c->prefix = arena_printf(c->scratch, "%s%s%s.", table, name ? "." : "", name ? name : "");
}

static void add_budgets(struct canon *c)
{
	const struct plan_budgets *b = &c->plan->budgets;
	const struct plan_confidence *f = &c->plan->confidence;

	enter(c, "budgets", NULL);
	add_number(c, "stall", b->stall_ms, "ms");
	add_number(c, "window", b->window_ms, "ms");
	add_number(c, "hold", b->hold_ms, "ms");
	add_number(c, "drain", b->drain_ms, "ms");
	add_number(c, "lag", b->lag_bytes, "B");
	add_number(c, "rollback_lag", b->rollback_lag_ms, "ms");
	add_number(c, "attempts", b->attempts, "");
	add_number(c, "sync_age", b->sync_age_ms, "ms");
	enter(c, "confidence", NULL);
	add_number(c, "lag_below", f->lag_below_bytes, "B");
	add_number(c, "for", f->for_ms, "ms");
	add_number(c, "verifies", f->verifies, "");
	add_number(c, "rehearsals", f->rehearsals, "");
}

/* A string that libpq reads the same is the same. */
static void add_side(struct canon *c, const struct plan_store *s, const char *key, const char *text)
{
	struct conninfo info;
	struct conninfo_error error;

	if (s->engine == ENGINE_POSTGRESQL && conninfo_parse(text, c->scratch, &info, &error))
		text = conninfo_canonical(&info, c->scratch);
	add_text(c, key, text);
}

static void add_store(struct canon *c, const struct plan_store *s)
{
	enter(c, "stores", s->name);
	add_text(c, "engine", plan_engine_name(s->engine));
	add_text(c, "pattern", plan_pattern_name(s->pattern));
	add_text(c, "sync", plan_sync_name(s->sync));
	add_side(c, s, "old", s->old);
	add_side(c, s, "new", s->new);
	add_text(c, "route", c->plan->routes[s->route].name);
	add_nodes(c, "needs", s->needs, s->needs_count);
	add_text(c, "loss.allowed", s->loss.allowed);
	add_text(c, "loss.because", s->loss.because);
	add_text(c, "loss.by", s->loss.by);
}

/* One line for one match: which user goes with which application is part of the meaning. */
static void add_match(struct canon *c, const struct plan_match *m)
{
	const char *const parts[][2] = {{"user", m->user},
		{"application_name", m->application_name}, {"address", m->address}};
	BUF_AUTO line = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i][1])
			buf_printf(&line, "%s:\"%s\" ", parts[i][0], escaped(c, parts[i][1]));
	add_line(c, "match", buf_str(&line));
}

static void add_service(struct canon *c, const struct plan_service *s)
{
	enter(c, "services", s->name);
	add_text(c, "tier", plan_tier_name(s->tier));
	add_nodes(c, "reads", s->reads, s->reads_count);
	add_nodes(c, "writes", s->writes, s->writes_count);
	add_nodes(c, "needs", s->needs, s->needs_count);
	add_nodes(c, "after", s->after, s->after_count);
	if (s->route != PLAN_NONE)
		add_text(c, "route", c->plan->routes[s->route].name);
	for (size_t i = 0; i < s->matches_count; i++)
		add_match(c, &s->matches[i]);
	add_text(c, "during", plan_during_name(s->during));
	add_text(c, "schedule", s->schedule);
	add_text(c, "early_reader", s->early_reader);
	add_action(c, "move", &s->move);
	add_action(c, "stop", &s->stop);
}

static void add_overlap(struct canon *c, const struct plan_overlap *o)
{
	c->prefix = "";
	add_line(c, "overlap",
		arena_printf(c->scratch, "%s %s %" PRId64 "ms \"%s\"",
			plan_node_name(c->plan, o->from), plan_node_name(c->plan, o->to),
			o->at_most_ms, escaped(c, o->because)));
}

/* Lines only where something is written: plans from before these keys keep their hash. */
static void add_orders(struct canon *c)
{
	const struct plan *p = c->plan;

	c->prefix = "";
	if (p->limits.blast_radius)
		add_number(c, "limits.blast_radius", p->limits.blast_radius, "");
	for (size_t i = 0; i < p->orders_count; i++)
		add_line(c, "order",
			arena_printf(c->scratch, "%s %s \"%s\"",
				plan_node_name(p, p->orders[i].first),
				plan_node_name(p, p->orders[i].then),
				escaped(c, p->orders[i].because)));
	for (size_t i = 0; i < p->togethers_count; i++) {
		const struct plan_together *t = &p->togethers[i];
		BUF_AUTO line = BUF_INIT;

		for (size_t m = 0; m < t->members_count; m++)
			buf_printf(&line, "%s ", plan_node_name(p, t->members[m]));
		buf_printf(&line, "\"%s\"", escaped(c, t->because));
		add_line(c, "together", buf_str(&line));
	}
}

static void add_plan(struct canon *c)
{
	const struct plan *p = c->plan;

	c->prefix = "";
	add_line(c, "airlock", "1");
	add_text(c, "name", p->name);
	add_budgets(c);
	for (size_t i = 0; i < p->stores_count; i++)
		add_store(c, &p->stores[i]);
	for (size_t i = 0; i < p->services_count; i++)
		add_service(c, &p->services[i]);
	for (size_t i = 0; i < p->routes_count; i++) {
		enter(c, "routes", p->routes[i].name);
		add_text(c, "kind", plan_route_kind_name(p->routes[i].kind));
		add_settings(c, p->routes[i].settings, p->routes[i].settings_count);
	}
	for (size_t i = 0; i < p->overlaps_count; i++)
		add_overlap(c, &p->overlaps[i]);
	add_orders(c);
	for (size_t i = 0; i < p->gates_count; i++) {
		enter(c, "gates", p->gates[i].id);
		add_settings(c, p->gates[i].settings, p->gates[i].settings_count);
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int hash(const char *text, char ret[PLAN_HASH_BYTES], struct err *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL))
		return err_set(err, ERR_INTERNAL, "SHA-256 is not available");
	ENSURE(len * 2 + 1 == PLAN_HASH_BYTES);
	for (unsigned i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

int canon_seal(struct plan *plan, struct err *err)
{
	ARENA_AUTO scratch = ARENA_INIT;
	BUF_AUTO text = BUF_INIT;
	struct canon c = {.plan = plan, .scratch = &scratch};

	add_plan(&c);
	qsort(c.lines, c.count, sizeof *c.lines, compare_lines);
	for (size_t i = 0; i < c.count; i++)
		buf_puts(&text, c.lines[i]);
	plan->canonical = arena_strdup(&plan->arena, buf_str(&text));
	return hash(plan->canonical, plan->hash, err);
}
