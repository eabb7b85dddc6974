#include <stddef.h>
#include <string.h>

#include "base/check.h"
#include "import/terraform_priv.h"

#define DEPTH_MAX 16	  /* of modules that hand a value on */
#define STEPS_MAX 2000000 /* of all walks: references and resources looked at */

struct walk {
	struct terraform *tf;
	struct part *part;
	struct node *servers; /* a map: an address without its keys -> ref is the first resource */
	size_t steps;
};

/* ---- addresses ---- */

/* module.a["x"].type.name[0] -> module.a.type.name, as the configuration knows it. */
static const char *without_keys(struct arena *arena, const char *address)
{
	BUF_AUTO out = BUF_INIT;

	while (*address) {
		const char *close;

		if (*address != '[') {
			buf_putc(&out, *address++);
			continue;
		}
		close = address[1] == '"' ? strstr(address + 2, "\"]") : strchr(address, ']');
		if (!close)
			break;
		address = close + (*close == '"' ? 2 : 1);
	}
	return arena_strdup(arena, buf_str(&out));
}

static const char *join(struct arena *arena, const char *module, const char *name)
{
	return *module ? arena_printf(arena, "%s.%s", module, name) : name;
}

/* The module that `module.a.module.b` is in the configuration. */
static const struct node *module_of(const struct terraform *tf, const char *path)
{
	const struct node *node = node_at(tf->configuration, "root_module", NULL);

	while (node && strncmp(path, "module.", strlen("module.")) == 0) {
		size_t len;

		path += strlen("module.");
		len = strcspn(path, ".");
		node = node_at(node, "module_calls", arena_strndup(tf->model->arena, path, len),
			"module", NULL);
		path += len + (path[len] == '.');
	}
	return node;
}

/* ---- what a reference comes to ---- */

static void follow(struct walk *w, const char *module, const struct node *expression, int depth);

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

/* A server's address, with its key or for all of that name. */
static void reach_resource(struct walk *w, const char *module, const char *ref)
{
	struct arena *arena = w->tf->model->arena;
	const char *dot = strchr(ref, '.');
	size_t len = dot ? (size_t)(dot - ref) + 1 : 0;
	const struct resource *r;
	const struct node *node;
	const char *own;

	if (!dot)
		return;
	len += strcspn(ref + len, ".[");
	if (ref[len] == '[') {
		const char *close = strchr(ref + len, ']');

		len = close ? (size_t)(close - ref) + 1 : len;
	}
	own = arena_strndup(arena, ref, len);
	node = node_get(w->servers, without_keys(arena, join(arena, module, own)));
	for (r = node ? node->ref : NULL; r && w->steps++ < STEPS_MAX; r = r->same) {
		/* The configuration knows no keys of modules. */
		if (strchr(own, '[') && !ends_with(r->address, own))
			continue;
		if (!facts_get(&w->part->needs, r->address))
			facts_add(w->tf->model, &w->part->needs, r->address, "it refers to it",
				w->part->at);
	}
}

/* var.x is what the module's caller gives for x. */
static void reach_variable(struct walk *w, const char *module, const char *name, int depth)
{
	struct arena *arena = w->tf->model->arena;
	const char *last = strrchr(module, '.');
	const struct node *call;
	const char *outer;
	size_t len;

	if (!last || last - module < (ptrdiff_t)strlen("module") ||
		strncmp(last - strlen("module"), "module", strlen("module")) != 0)
		return;
	len = strlen(module) - strlen(last) - strlen("module");
	outer = len ? arena_strndup(arena, module, len - 1) : "";
	call = node_at(module_of(w->tf, outer), "module_calls", last + 1, "expressions", NULL);
	follow(w, outer, node_get(call, arena_strndup(arena, name, strcspn(name, ".["))), depth);
}

/* module.a.x is what the module a says its output x is. */
static void reach_output(struct walk *w, const char *module, const char *name, int depth)
{
	struct arena *arena = w->tf->model->arena;
	size_t len = strcspn(name, ".[");
	const char *inner = join(
		arena, module, arena_printf(arena, "module.%s", arena_strndup(arena, name, len)));
	const char *output = name + len;

	if (*output == '[')
		output += strcspn(output, "]") + (strchr(output, ']') != NULL);
	if (*output++ != '.')
		return;
	follow(w, inner,
		node_at(module_of(w->tf, inner), "outputs",
			arena_strndup(arena, output, strcspn(output, ".[")), "expression", NULL),
		depth);
}

/* "x.y[0].z" stands beside "x.y[0]" and "x.y": the longest says it all. */
static bool is_beginning(struct walk *w, const struct node *references, const char *ref)
{
	size_t len = strlen(ref);

	for (size_t i = 0; i < node_items(references) && w->steps++ < STEPS_MAX; i++) {
		const struct node *other = node_item(references, i);

		if (other->kind == NODE_TEXT && strncmp(other->text, ref, len) == 0 &&
			(other->text[len] == '[' || other->text[len] == '.'))
			return true;
	}
	return false;
}

static void reach(struct walk *w, const char *module, const char *ref, int depth)
{
	if (strncmp(ref, "var.", 4) == 0)
		reach_variable(w, module, ref + 4, depth + 1);
	else if (strncmp(ref, "module.", 7) == 0)
		reach_output(w, module, ref + 7, depth + 1);
	else
		reach_resource(w, module, ref);
}

/* Every `references` under an expression or a block of them. */
static void follow(struct walk *w, const char *module, const struct node *expression, int depth)
{
	const struct node *references = node_get(expression, "references");

	if (!expression || depth > DEPTH_MAX || w->steps++ > STEPS_MAX)
		return;
	for (size_t i = 0; i < node_items(references); i++) {
		const struct node *ref = node_item(references, i);

		if (ref->kind == NODE_TEXT && !is_beginning(w, references, ref->text))
			reach(w, module, ref->text, depth);
	}
	for (size_t i = 0; expression->kind == NODE_LIST && i < expression->count; i++)
		follow(w, module, expression->items[i], depth + 1);
	for (size_t i = 0; expression->kind == NODE_MAP && i < expression->count; i++)
		if (expression->entries[i].value != references)
			follow(w, module, expression->entries[i].value, depth + 1);
}

/* ---- all ---- */

/* What the configuration says of a resource, of which there may be several. */
static void read_configured(struct walk *w, const struct resource *r)
{
	const char *module = without_keys(w->tf->model->arena, r->module);
	const char *name = arena_printf(w->tf->model->arena, "%s.%s", r->type, r->name);
	const struct node *list = node_get(module_of(w->tf, module), "resources");

	for (size_t i = 0; i < node_items(list) && w->steps++ < STEPS_MAX; i++) {
		const char *own = node_get_text(node_item(list, i), "address");

		if (own && strcmp(own, name) == 0)
			follow(w, module, node_get(node_item(list, i), "expressions"), 0);
	}
}

static bool is_told_all(const struct part *part)
{
	for (const struct fact *fact = part->env.first; fact; fact = fact->next)
		if (!fact->value || fact->blank)
			return false;
	return part->env.first != NULL;
}

/* A state knows only that one depends on another, by whatever way. */
static void read_depends(struct walk *w, const struct resource *r)
{
	for (size_t i = 0; i < node_items(r->depends); i++)
		if (node_item(r->depends, i)->kind == NODE_TEXT)
			reach_resource(w, "", node_item(r->depends, i)->text);
}

/* The addresses of servers are names under which they are found, too. */
static void name_servers(struct walk *w)
{
	struct terraform *tf = w->tf;

	w->servers = node_new(tf->model->arena, NODE_MAP, (struct place){0});
	for (size_t i = 0; i < tf->count; i++) {
		struct resource *r = &tf->resources[i];
		const char *base;
		struct node *node;

		if (!r->part || r->part->kind != PART_STORE)
			continue;
		if (!facts_get(&r->part->hosts, r->address))
			facts_add(tf->model, &r->part->hosts, r->address, NULL, r->at);
		base = without_keys(tf->model->arena, r->address);
		node = node_get(w->servers, base);
		if (!node) {
			node = node_new(tf->model->arena, NODE_NULL, r->at);
			node_put(tf->model->arena, w->servers, base, r->at, node);
		}
		r->same = node->ref;
		node->ref = r;
	}
}

void terraform_refs_read(struct terraform *tf)
{
	struct walk w = {.tf = tf};

	name_servers(&w);
	for (size_t i = 0; i < tf->count; i++) {
		const struct resource *r = &tf->resources[i];
		const struct resource *both[] = {r, r->task};

		if (!r->part || r->part->kind == PART_STORE)
			continue;
		w.part = r->part;
		for (size_t k = 0; k < ARRAY_LEN(both); k++) {
			if (both[k] && tf->configuration)
				read_configured(&w, both[k]);
			if (both[k] && !is_told_all(r->part))
				read_depends(&w, both[k]);
		}
	}
}
