#include "import/compose_mounts.h"

#include <string.h>

#include "import/compose_merge.h"

static bool is_path(const char *source)
{
	return *source && strchr("./~", *source);
}

/* ---- volumes ---- */

static void read_volume(struct compose_mounts *m, struct part *part, const struct node *volume)
{
	struct model *model = m->files.model;
	const char *source = node_get_text(volume, "source");
	const char *target = node_get_text(volume, "target");
	const char *dir = node_get_text(volume, COMPOSE_DIR);

	if (!target)
		return;
	/* What it only reads of the machine's files, somebody else keeps. */
	if (!(source && is_path(source) && node_get_true(volume, "read_only")))
		facts_add(model, &part->volumes, source ? source : "", target, volume->at);
	if (source && is_path(source) && *source != '~')
		mounted_read(&m->files, part, reader_in(model->arena, dir ? dir : ".", source),
			target, volume->at);
}

/* Where a container of another service writes, this one does too; where it only reads, not. */
static void share_volumes(struct compose_mounts *m, struct part *part, const struct node *from,
	const struct node *other)
{
	const struct node *volumes = node_get(other, "volumes");

	for (size_t i = 0; i < node_items(volumes); i++) {
		const char *source = node_get_text(node_item(volumes, i), "source");

		/* Without its place: what lies there is the other's data, not of this one's kind.
		 */
		if (source && !node_get_true(node_item(volumes, i), "read_only"))
			facts_add(m->files.model, &part->volumes, source, "", from->at);
	}
}

/* "db", "db:ro", "container:name" */
static void read_volumes_from(struct compose_mounts *m, struct part *part, const struct node *from)
{
	struct model *model = m->files.model;
	const char *colon = strchr(from->text, ':');
	bool reads = colon && strcmp(colon, ":ro") == 0;
	const char *name;

	if (strncmp(from->text, "container:", strlen("container:")) == 0) {
		notes_add(model->notes, NOTE_ASSUMED, from->at,
			"services.%.80s.volumes_from: %.80s is a container of another project",
			part->name, from->text);
		return;
	}
	name = arena_strndup(model->arena, from->text, strcspn(from->text, ":"));
	facts_add(model, &part->needs, name, "volumes_from", from->at);
	if (!reads)
		share_volumes(m, part, from, node_get(m->services, name));
}

static void read_volumes(struct compose_mounts *m, struct part *part, const struct node *service)
{
	const struct node *volumes = node_get(service, "volumes");
	const struct node *from = node_get(service, "volumes_from");

	for (size_t i = 0; i < node_items(volumes); i++)
		read_volume(m, part, node_item(volumes, i));
	for (size_t i = 0; i < node_items(from); i++)
		if (node_item(from, i)->kind == NODE_TEXT)
			read_volumes_from(m, part, node_item(from, i));
}

/* ---- secrets and configs ---- */

/* Names only; what a secret's file holds is never read. */
static void read_secrets(struct compose_mounts *m, struct part *part, const struct node *service)
{
	const struct node *secrets = node_get(service, "secrets");

	for (size_t i = 0; i < node_items(secrets); i++)
		if (node_get_text(node_item(secrets, i), "source"))
			facts_add(m->files.model, &part->secrets,
				node_get_text(node_item(secrets, i), "source"), NULL,
				node_item(secrets, i)->at);
}

/* A text of several lines begins behind the sign '|'. */
static struct place first_line(const struct node *text)
{
	struct place at = text->at;

	at.line += strchr(text->text, '\n') != NULL;
	return at;
}

static void read_config(struct compose_mounts *m, struct part *part, const struct node *use)
{
	struct model *model = m->files.model;
	const char *name = node_get_text(use, "source");
	const char *target = node_get_text(use, "target");
	const struct node *config = name ? node_at(m->top, "configs", name, NULL) : NULL;
	const struct node *content = node_get(config, "content");
	const char *file = node_get_text(config, "file");

	if (!config)
		return;
	if (!target)
		target = arena_printf(model->arena, "/%s", name);
	if (content && content->kind == NODE_TEXT)
		mounted_text(model, part, arena_printf(model->arena, "configs.%s", name), target,
			content->text, first_line(content));
	else if (file)
		mounted_read(&m->files, part, reader_in(model->arena, m->files.project, file),
			target, use->at);
}

void compose_mounts_read(struct compose_mounts *m, struct part *part, const struct node *service)
{
	const struct node *configs = node_get(service, "configs");

	read_volumes(m, part, service);
	read_secrets(m, part, service);
	for (size_t i = 0; i < node_items(configs); i++)
		read_config(m, part, node_item(configs, i));
}
