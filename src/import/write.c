#include "import/write.h"

#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "import/schedule.h"
#include "plan/available.h"
#include "plan/secret.h"
#include "plan/text.h"

/* Comments begin here where the line leaves room. */
#define COMMENT_COLUMN 30
#define COMMENT_MAX 240
#define LIST_COLUMN 100 /* where a list in comments goes to the next line */

struct writer {
	const struct world *w;
	struct buf *out;
	struct written *did;
};

/* ---- lines ---- */

/* Text out of a source, in a comment: on one line, not too long, and never a secret. */
static void add_safe(struct buf *out, const char *text)
{
	BUF_AUTO shown = BUF_INIT;

	if (secret_suspected(text, strlen(text))) {
		buf_puts(out, "(hidden)");
		return;
	}
	text_visible(text, strlen(text), &shown);
	if (shown.len > COMMENT_MAX) {
		shown.data[COMMENT_MAX] = '\0';
		text_trim(shown.data);
		buf_printf(out, "%s...", shown.data);
		return;
	}
	buf_puts(out, buf_str(&shown));
}

static void add_place(struct buf *out, struct place at)
{
	BUF_AUTO text = BUF_INIT;

	place_print(at, &text);
	add_safe(out, buf_str(&text));
}

/* Pads the line that began at `start` to the column of comments. */
static void begin_comment(struct buf *out, size_t start)
{
	buf_putc(out, ' ');
	do
		buf_putc(out, ' ');
	while (out->len - start < COMMENT_COLUMN);
	buf_puts(out, "# ");
}

/* "# why (place)" behind the line that began at `start`. */
static void end_line(struct writer *wr, size_t start, const char *why, struct place at)
{
	begin_comment(wr->out, start);
	add_safe(wr->out, why);
	if (at.file) {
		buf_puts(wr->out, *why ? " (" : "");
		add_place(wr->out, at);
		buf_puts(wr->out, *why ? ")" : "");
	}
	buf_putc(wr->out, '\n');
}

static void fill_in(struct writer *wr, const char *what)
{
	wr->did->blanks++;
	buf_puts(wr->out, "  # FILL IN: ");
	add_safe(wr->out, what);
	buf_putc(wr->out, '\n');
}

/* A double-quoted scalar of YAML. */
static void add_quoted(struct buf *out, const char *text)
{
	BUF_AUTO clean = BUF_INIT;

	utf8_clean(&clean, text);
	buf_putc(out, '"');
	for (const char *c = buf_str(&clean); *c; c++) {
		if (*c == '"' || *c == '\\')
			buf_putc(out, '\\');
		if ((unsigned char)*c >= 0x20 && *c != 0x7f)
			buf_putc(out, *c);
	}
	buf_putc(out, '"');
}

/* key=value of libpq, with quotes where the value needs them. */
static void add_parameter(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s%s=", out->len ? " " : "", key);
	if (*value && !value[strcspn(value, " \t\r\n'\\")]) {
		buf_puts(out, value);
		return;
	}
	buf_putc(out, '\'');
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
	buf_putc(out, '\'');
}

/* ---- stores ---- */

static const char *host_note(const struct writer *wr, const struct server *server)
{
	const struct part *part = server->part;

	if (!server->host || !part || part->kind == PART_STORE)
		return "";
	if (part->entries.first)
		return arena_printf(wr->w->arena, "a name inside the %s; %s",
			wr->w->model->kubernetes ? "cluster" : "compose network",
			part->entries.first->name);
	return wr->w->model->kubernetes
		       ? "a name inside the cluster: run airlock there, or write an outer address"
		       : "a name inside the compose network: run airlock there, or publish a port";
}

static void write_side(struct writer *wr, const struct store *store, const char *key)
{
	const struct server *server = store->server;
	bool old = strcmp(key, "old") == 0;
	const char *host = old ? server->host : NULL;
	BUF_AUTO conninfo = BUF_INIT;
	const char *note = old ? host_note(wr, server) : "";
	size_t start;

	add_parameter(&conninfo, "host",
		host  ? host
		: old ? "old.fill-in.invalid"
		      : "new.fill-in.invalid");
	if (old && server->port && server->port != 5432)
		add_parameter(&conninfo, "port", arena_printf(wr->w->arena, "%u", server->port));
	add_parameter(&conninfo, "dbname", store->database ? store->database : "fill-in");
	buf_puts(&conninfo, " user=airlock");
	start = wr->out->len;
	buf_printf(wr->out, "    %s: ", key);
	add_quoted(wr->out, buf_str(&conninfo));
	if (!host || !store->database)
		fill_in(wr, host	      ? "the name of the database"
			    : store->database ? old ? "where it is served now" : "the new server"
					      : "the server, and the name of the database");
	else if (*note)
		end_line(wr, start, note, (struct place){0});
	else
		buf_putc(wr->out, '\n');
}

static void write_store(struct writer *wr, const struct store *store)
{
	size_t start = wr->out->len;

	buf_printf(wr->out, "  %s:", store->name);
	end_line(wr, start, store->server->why, store->server->at);
	buf_puts(wr->out, "    engine: postgresql\n");
	write_side(wr, store, "old");
	write_side(wr, store, "new");
	buf_puts(wr->out, "    pattern: replica-promotion\n    sync: logical\n    route: direct\n");
	wr->did->stores++;
}

/* A server that no plan of this version moves. */
static void write_other_store(struct writer *wr, const struct server *server)
{
	size_t start = wr->out->len;

	buf_printf(wr->out, "  # %s:", server->name);
	end_line(wr, start, server->why, server->at);
	buf_printf(wr->out, "  #   engine: %s", server->engine);
	buf_puts(wr->out, "  (not moved by this version: move it by other means, or leave it)\n");
	if (server->host) {
		buf_puts(wr->out, "  #   old: ");
		add_safe(wr->out, server->host);
		if (server->port)
			buf_printf(wr->out, ":%u", server->port);
		buf_putc(wr->out, '\n');
	}
	wr->did->commented++;
}

static bool begins(const char *text, const char *const *with, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp(text, with[i], strlen(with[i])) == 0)
			return true;
	return false;
}

/*
 * Is it data?  A volume with a name is.  A directory of the machine is when it is neither the
 * system's nor mounted where a container keeps its configuration or programs.
 */
static bool is_data(const struct fact *volume)
{
	static const char *const system[] = {
		"/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/tmp", "/usr", "/var/run"};
	static const char *const inside[] = {
		"/docker-entrypoint", "/etc", "/run", "/tmp", "/usr", "/var/run"};
	const char *base = strrchr(volume->name, '/');

	if (!*volume->name || *volume->name == '$')
		return false;
	if (!strchr("./~", *volume->name))
		return true;
	/* "./nginx.conf" is a file. */
	return base && base[1] && base[1] != '.' && !strchr(base + 1, '.') &&
	       !begins(volume->name, system, ARRAY_LEN(system)) &&
	       !begins(volume->value, inside, ARRAY_LEN(inside));
}

/* Files that services keep: no plan of this version moves them either.  Each volume once. */
static void add_files(struct writer *wr, struct node *seen, const struct service *service)
{
	for (const struct fact *v = service->part->volumes.first; v; v = v->next) {
		struct node *users;

		if (!is_data(v))
			continue;
		users = node_get(seen, v->name);
		if (!users) {
			users = node_text(wr->w->arena, service->name, v->at);
			node_put(wr->w->arena, seen, v->name, v->at, users);
		} else {
			users->count++;
		}
	}
}

static void write_files(struct writer *wr)
{
	struct node *seen = node_new(wr->w->arena, NODE_MAP, (struct place){0});

	for (size_t i = 0; i < wr->w->services_count; i++)
		add_files(wr, seen, wr->w->services[i]);
	for (size_t i = 0; i < seen->count; i++) {
		const struct node *users = seen->entries[i].value;
		size_t start = wr->out->len;

		buf_puts(wr->out, "  # files in ");
		add_safe(wr->out, seen->entries[i].key);
		buf_puts(wr->out, ":");
		end_line(wr, start,
			users->count ? arena_printf(wr->w->arena, "of %s and %zu more", users->text,
					       users->count)
				     : arena_printf(wr->w->arena, "of %s", users->text),
			seen->entries[i].at);
		wr->did->commented++;
	}
}

static void write_copies(struct writer *wr, const struct server *server)
{
	size_t start = wr->out->len;

	buf_printf(wr->out, "  # %s ", server->engine);
	add_safe(wr->out, server->part->name);
	end_line(wr, start, "a read-only copy: it is not moved, make a new one of the new server",
		server->at);
}

static void write_no_store(struct writer *wr)
{
	buf_puts(wr->out,
		"  # No store was found that this version moves.  Name one, or there is no plan.\n"
		"  fill-in:\n"
		"    engine: postgresql\n"
		"    old: \"host=old.fill-in.invalid dbname=fill-in user=airlock\"");
	fill_in(wr, "where it is served now");
	buf_puts(wr->out, "    new: \"host=new.fill-in.invalid dbname=fill-in user=airlock\"");
	fill_in(wr, "the new server");
	buf_puts(wr->out, "    pattern: replica-promotion\n    sync: logical\n    route: direct\n");
}

static void write_stores(struct writer *wr)
{
	const struct world *w = wr->w;

	buf_puts(wr->out,
		"\n# What holds data. `old` is where it is served now, `new` where it is to be.\n"
		"stores:\n");
	for (size_t i = 0; i < w->servers_count; i++)
		for (const struct store *s = w->servers[i]->stores; s; s = s->next)
			write_store(wr, s);
	if (wr->did->stores == 0)
		write_no_store(wr);
	for (size_t i = 0; i < w->servers_count; i++)
		if (w->servers[i]->primary)
			write_copies(wr, w->servers[i]);
		else if (!w->servers[i]->movable)
			write_other_store(wr, w->servers[i]);
	write_files(wr);
}

/* ---- services ---- */

static const char *edge_target(const struct edge *e)
{
	return e->store ? e->store->name : e->service ? e->service->name : NULL;
}

static bool in_plan(const struct edge *e)
{
	return (e->store || e->service) && !e->circle && !e->start;
}

static const char *edge_word(const struct edge *e)
{
	return e->use == EDGE_READS ? "reads" : e->use == EDGE_WRITES ? "writes" : "needs";
}

/* Is the target in the list already, or in the one of what is written? */
static bool was_listed(const struct service *s, const struct edge *edge)
{
	bool before = true;

	for (const struct edge *e = s->edges; e; e = e->next) {
		before = before && e != edge;
		if (e == edge || !in_plan(e) || edge_target(e) != edge_target(edge))
			continue;
		if ((before && e->use == edge->use) ||
			(edge->use == EDGE_READS && e->use == EDGE_WRITES))
			return true;
	}
	return false;
}

static const char *edge_name(const struct edge *e)
{
	return edge_target(e)	 ? edge_target(e)
	       : e->server->name ? e->server->name
				 : e->server->engine;
}

/* Do they share a line of comment?  What is needed for one reason is many names, often. */
static bool same_reason(const struct edge *a, const struct edge *b)
{
	return a->use == EDGE_NEEDS && b->use == EDGE_NEEDS && !a->unseen && !b->unseen &&
	       a->circle == b->circle && a->start == b->start && !a->store == !b->store &&
	       !a->service == !b->service && !a->at.address && !b->at.address &&
	       a->at.file == b->at.file && strcmp(a->why, b->why) == 0;
}

static const char *reason_end(const struct edge *e)
{
	if (e->circle)
		return "; left out, they need each other";
	if (!e->store)
		return "";
	return e->use == EDGE_WRITES  ? ", assumed to write"
	       : e->use == EDGE_READS ? ", assumed to read only"
				      : "; whether it reads or writes is not seen";
}

/* The comment for an edge and for the later ones of the same reason. */
static void write_reason(struct writer *wr, const struct service *s, const struct edge *first)
{
	struct place last = first->at;
	size_t start = wr->out->len;

	for (const struct edge *e = s->edges; e != first; e = e->next)
		if (same_reason(e, first))
			return;
	buf_printf(wr->out, "    # %s %s", first->start ? "starts after" : edge_word(first),
		edge_name(first));
	for (const struct edge *e = first->next; e; e = e->next) {
		if (!same_reason(first, e))
			continue;
		buf_puts(wr->out, wr->out->len - start > LIST_COLUMN ? ",\n    #   " : ", ");
		if (wr->out->len - start > LIST_COLUMN)
			start = wr->out->len;
		buf_puts(wr->out, edge_name(e));
		if (e->at.line > last.line)
			last = e->at;
	}
	buf_puts(wr->out, ": ");
	add_safe(wr->out, first->why);
	buf_printf(wr->out, "%s (", reason_end(first));
	add_place(wr->out, first->at);
	if (last.line > first->at.line)
		buf_printf(wr->out, " to %u", last.line);
	buf_puts(wr->out, ")\n");
}

/* One list of the plan, with the reasons before it. */
static void write_edges(struct writer *wr, const struct service *s, enum edge_use use)
{
	const char *sign = "[";

	for (const struct edge *e = s->edges; e; e = e->next)
		if (e->use == use && in_plan(e))
			write_reason(wr, s, e);
	for (const struct edge *e = s->edges; e; e = e->next)
		if (e->use == use && in_plan(e) && !was_listed(s, e)) {
			if (*sign == '[')
				buf_printf(wr->out, "    %s: ", edge_word(e));
			buf_printf(wr->out, "%s%s", sign, edge_target(e));
			sign = ", ";
		}
	if (*sign != '[')
		buf_puts(wr->out, "]\n");
}

/* What it uses and the plan cannot say. */
static void write_other_edges(struct writer *wr, const struct service *s)
{
	for (const struct edge *e = s->edges; e; e = e->next) {
		if (in_plan(e))
			continue;
		if (e->unseen) {
			buf_puts(wr->out, "    # writes: [...]");
			fill_in(wr, e->why);
			continue;
		}
		write_reason(wr, s, e);
	}
}

static bool is_superuser(const char *user)
{
	return strcmp(user, "postgres") == 0;
}

static bool was_before(const struct service *s, const struct edge *edge)
{
	for (const struct edge *e = s->edges; e != edge; e = e->next)
		if (e->store && e->user && strcmp(e->user, edge->user) == 0)
			return true;
	return false;
}

/* `match` takes patterns: a user that is one would stand for others too. */
static bool is_pattern(const char *user)
{
	return user[strcspn(user, "*?[\\")] != '\0';
}

/* As whom it comes to its stores. */
static void write_match(struct writer *wr, const struct service *s)
{
	size_t count = 0;
	const char *superuser = NULL;
	size_t start = wr->out->len;

	for (const struct edge *e = s->edges; e; e = e->next) {
		if (!e->store || !e->user || is_pattern(e->user) || was_before(s, e))
			continue;
		buf_puts(wr->out, count++ ? ", " : "    match: [");
		buf_puts(wr->out, "{user: ");
		add_quoted(wr->out, e->user);
		buf_putc(wr->out, '}');
		if (is_superuser(e->user))
			superuser = e->user;
	}
	if (!count)
		return;
	buf_putc(wr->out, ']');
	if (superuser)
		end_line(wr, start, "a superuser cannot be fenced: give it a role of its own",
			(struct place){0});
	else
		buf_putc(wr->out, '\n');
}

static void write_schedule(struct writer *wr, const struct service *s)
{
	const struct part *part = s->part;
	const char *cron = part->schedule ? schedule_as_cron(part->schedule, wr->w->arena) : NULL;
	size_t start = wr->out->len;

	if (!part->schedule)
		return;
	if (cron) {
		buf_printf(wr->out, "    schedule: \"%s\"", cron);
		end_line(wr, start, part->schedule_how, part->schedule_at);
	} else {
		buf_puts(wr->out, "    # schedule: \"...\"");
		fill_in(wr, *part->schedule
				    ? arena_printf(wr->w->arena, "'%s' is not five cron fields",
					      part->schedule)
				    : arena_printf(wr->w->arena,
					      "when it runs; %s, its table is not in these files",
					      part->schedule_how));
	}
	buf_puts(wr->out, "    during: stop\n");
	if (part->stop) {
		buf_printf(wr->out, "    stop: {%s, timeout: 60s}", part->stop);
		buf_puts(wr->out, "  # look at it: assumed\n");
	} else {
		buf_puts(wr->out,
			"    stop: {exec: [fill-in], observe: [fill-in], undo: [fill-in], "
			"timeout: 60s}");
		fill_in(wr, "how it is kept from running, seen to be, and let run again");
	}
}

static bool is_empty(const struct service *s)
{
	for (const struct edge *e = s->edges; e; e = e->next)
		if (in_plan(e))
			return false;
	return !s->tier_why && !s->part->schedule;
}

static const char *service_why(const struct writer *wr, const struct service *s)
{
	const struct part *part = s->part;

	if (part->image)
		return arena_printf(wr->w->arena, "%s, image %s", part->what,
			image_shown(part->image, wr->w->arena));
	if (part->build)
		return arena_printf(wr->w->arena, "%s, built from %s", part->what, part->build);
	return part->what;
}

static void write_service(struct writer *wr, const struct service *s)
{
	size_t start = wr->out->len;

	buf_printf(wr->out, "  %s:%s", s->name, is_empty(s) ? " {}" : "");
	end_line(wr, start, service_why(wr, s), s->part->at);
	if (s->tier_why) {
		start = wr->out->len;
		buf_printf(wr->out, "    tier: %s", plan_tier_name(s->tier));
		end_line(wr, start, s->tier_why, s->tier_at);
	}
	write_edges(wr, s, EDGE_WRITES);
	write_edges(wr, s, EDGE_READS);
	write_edges(wr, s, EDGE_NEEDS);
	write_other_edges(wr, s);
	write_match(wr, s);
	write_schedule(wr, s);
	wr->did->services++;
}

/* ---- the rest ---- */

static void write_head(struct writer *wr, const char *sources)
{
	const char *name = wr->w->model->name;
	char first[TEXT_NAME_MAX + 1] = "";
	size_t len = 0;

	for (; name && *name && len < TEXT_NAME_MAX; name++)
		if (isalnum((unsigned char)*name) || (len && (*name == '-' || *name == '_')))
			first[len++] = *name;
	buf_puts(wr->out, "# Written by `airlock import` from ");
	add_safe(wr->out, sources);
	buf_puts(wr->out,
		".\n# Behind each line: why, and where it comes from.  \"assumed\" is a guess:"
		" look at it.\n# FILL IN stands where no file says what is needed.  No password "
		"stands here.\nairlock: 1\n");
	buf_printf(wr->out, "name: \"%s\"\n", len ? first : "imported");
}

static void write_records(struct writer *wr)
{
	for (const struct record *r = wr->w->model->records; r; r = r->next) {
		size_t start = wr->out->len;

		buf_puts(wr->out, "  # name ");
		add_safe(wr->out, r->name);
		buf_puts(wr->out, ", ");
		add_safe(wr->out, r->type);
		buf_puts(wr->out, " ");
		add_safe(wr->out, r->value);
		end_line(wr, start, "clients come by this name", r->at);
	}
}

static void write_tail(struct writer *wr)
{
	buf_puts(wr->out,
		"\n# How clients find the side that is open.\nroutes:\n"
		"  direct: {kind: none}  # they try old and new themselves; `kind: gateway` holds "
		"them\n");
	write_records(wr);
	buf_puts(wr->out, "\ngates:\n  clock: {max_skew: 250ms}\n");
	if (available("gates.writers", NULL))
		buf_puts(wr->out,
			"  writers: {look_back: 7d}  # nobody may write whom this plan does "
			"not know\n");
}

void write_plan(const struct world *w, const char *sources, struct buf *out, struct written *ret)
{
	struct writer wr = {.w = w, .out = out, .did = ret};

	*ret = (struct written){0};
	write_head(&wr, sources);
	write_stores(&wr);
	if (w->services_count)
		buf_puts(out,
			"\n# Who uses it. A session that no `match` accounts for stops a cutover.\n"
			"services:\n");
	for (size_t i = 0; i < w->services_count; i++)
		write_service(&wr, w->services[i]);
	write_tail(&wr);
}
