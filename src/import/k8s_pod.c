#include <string.h>

#include "base/check.h"
#include "import/crontab.h"
#include "import/k8s_priv.h"
#include "import/schedule.h"

struct pod {
	struct k8s *k;
	struct part *part;
	const char *scope;
	const struct node *spec;
};

/* ---- environment ---- */

/*
 * "postgres://$(USER):$(PASSWORD)@db/shop": variables set before are put in; one whose value is not
 * known becomes nothing, so that what stands around it can still be read.
 */
static const char *expand(struct pod *p, const char *text, bool *ret_blank)
{
	BUF_AUTO out = BUF_INIT;
	const char *open;

	*ret_blank = false;
	if (!strstr(text, "$("))
		return text;
	if (p->k->expanded > K8S_EXPANDED_MAX) {
		*ret_blank = true;
		return text;
	}
	for (; (open = strstr(text, "$(")) != NULL && out.len < 65536;
		text = strchr(open, ')') + 1) {
		const char *close = strchr(open, ')');
		const struct fact *fact;

		if (!close)
			break;
		buf_add(&out, text, (size_t)(open - text));
		if (open > text && open[-1] == '$') { /* $$(X) is $(X) */
			buf_add(&out, open + 1, (size_t)(close - open));
			continue;
		}
		fact = facts_get(&p->part->env,
			arena_strndup(p->k->model->arena, open + 2, (size_t)(close - open - 2)));
		if (fact && fact->value)
			buf_puts(&out, fact->value);
		else
			*ret_blank = true;
	}
	buf_puts(&out, text);
	p->k->expanded += out.len;
	return arena_strdup(p->k->model->arena, buf_str(&out));
}

static void add_unknown(struct pod *p, const char *name, struct place at)
{
	facts_set(p->k->model, &p->part->env, name, NULL, true, at);
}

static void add_value_from(struct pod *p, const char *name, const struct node *from)
{
	const struct node *map = node_get(from, "configMapKeyRef");
	const struct node *secret = node_get(from, "secretKeyRef");
	const struct node *ref = map ? map : secret;
	const char *of = node_get_text(ref, "name"), *key = node_get_text(ref, "key");
	const struct node *data =
		map ? k8s_map(p->k, p->scope, of) : k8s_secret(p->k, p->scope, of);
	const char *value = key ? node_get_text(data, key) : NULL;

	if (secret && of)
		facts_set(p->k->model, &p->part->secrets, of, NULL, false, from->at);
	if (value)
		facts_set(p->k->model, &p->part->env, name, value, false, from->at);
	else
		add_unknown(p, name, from->at);
}

static void read_env(struct pod *p, const struct node *container)
{
	const struct node *list = node_get(container, "env");

	for (size_t i = 0; i < node_items(list); i++) {
		const struct node *item = node_item(list, i);
		const char *name = node_get_text(item, "name");
		const struct node *value = node_get(item, "value");
		const struct node *from = node_get(item, "valueFrom");

		if (name && from) {
			add_value_from(p, name, from);
		} else if (name && value && value->kind == NODE_TEXT) {
			bool blank;
			const char *text = expand(p, value->text, &blank);

			facts_set(p->k->model, &p->part->env, name, text, blank || value->blank,
				value->at);
		}
	}
}

static void add_map(struct pod *p, const char *prefix, const struct node *data)
{
	for (size_t i = 0; data && data->kind == NODE_MAP && i < data->count; i++)
		if (data->entries[i].value->kind == NODE_TEXT)
			facts_set(p->k->model, &p->part->env,
				arena_printf(
					p->k->model->arena, "%s%s", prefix, data->entries[i].key),
				data->entries[i].value->text, false, data->entries[i].value->at);
}

/* A ConfigMap or Secret whose values all become variables. */
static void read_all_from(struct pod *p, const struct node *item, bool secret)
{
	const char *prefix = node_get_text(item, "prefix");
	const char *name =
		node_get_text(node_get(item, secret ? "secretRef" : "configMapRef"), "name");
	const struct node *data =
		secret ? k8s_secret(p->k, p->scope, name) : k8s_map(p->k, p->scope, name);

	if (!name)
		return;
	if (secret)
		facts_set(p->k->model, &p->part->secrets, name, NULL, false, item->at);
	if (data)
		add_map(p, prefix ? prefix : "", data);
	else if (secret)
		notes_add(p->k->model->notes, NOTE_ASSUMED, item->at,
			"%.80s takes variables from the Secret %.80s; connections named there are "
			"not seen",
			p->part->name, name);
	else
		notes_add(p->k->model->notes, NOTE_ASSUMED, item->at,
			"%.80s: the ConfigMap %.80s is not in these files; connections named there "
			"are not seen",
			p->part->name, name);
}

static void read_env_from(struct pod *p, const struct node *container)
{
	const struct node *list = node_get(container, "envFrom");

	for (size_t i = 0; i < node_items(list); i++) {
		read_all_from(p, node_item(list, i), false);
		read_all_from(p, node_item(list, i), true);
	}
}

/* ---- containers ---- */

static void add_words(struct buf *out, const struct node *node)
{
	for (size_t i = 0; i < node_items(node); i++)
		if (node_item(node, i)->kind == NODE_TEXT)
			buf_printf(out, "%s%s", out->len ? " " : "", node_item(node, i)->text);
}

static void read_container(struct pod *p, const struct node *container, const struct node *claims)
{
	BUF_AUTO words = BUF_INIT;

	read_env_from(p, container);
	read_env(p, container);
	k8s_mounts_read(p->k, p->part, p->spec, claims, container);
	if (*p->part->command)
		buf_puts(&words, p->part->command);
	add_words(&words, node_get(container, "command"));
	add_words(&words, node_get(container, "args"));
	p->part->command = arena_strdup(p->k->model->arena, buf_str(&words));
}

/* Proxies that are put beside everything say nothing about it. */
static bool is_sidecar(const char *image)
{
	static const char *const words[] = {"istio/proxy", "proxyv2", "linkerd", "vault-agent",
		"fluent-bit", "filebeat", "otel", "opentelemetry", "exporter", "cloud-sql-proxy",
		"cloudsql-proxy", "gce-proxy", "oauth2-proxy", "config-reload"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(image, words[i]))
			return true;
	return false;
}

static const char *main_image(const struct node *containers)
{
	const char *first = NULL;

	for (size_t i = 0; i < node_items(containers); i++) {
		const char *image = node_get_text(node_item(containers, i), "image");

		if (image && !first)
			first = image;
		if (image && !is_sidecar(image))
			return image;
	}
	return first;
}

static bool is_good(const char *name)
{
	return !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-")];
}

static void read_schedule(struct pod *p, const struct node *object)
{
	const struct node *schedule = node_at(object, "spec", "schedule", NULL);
	const char *name = p->part->name;
	const char *written = k8s_namespace_written(object);
	const char *zone = node_get_text(node_get(object, "spec"), "timeZone");
	bool suspended = node_get_true(node_get(object, "spec"), "suspend");
	const char *space = written ? arena_printf(p->k->model->arena, "-n, %s, ", written) : "";
	const char *sh = written ? arena_printf(p->k->model->arena, "-n %s ", written) : "";

	if (!schedule || schedule->kind != NODE_TEXT)
		return;
	/* Older clusters take it with the schedule. */
	if (!zone && strstr(schedule->text, "TZ=") && strchr(schedule->text, ' '))
		zone = arena_strndup(p->k->model->arena, strstr(schedule->text, "TZ=") + 3,
			strcspn(strstr(schedule->text, "TZ=") + 3, " "));
	p->part->schedule = schedule->text;
	p->part->schedule_how = arena_printf(p->k->model->arena, "CronJob%s%s%s",
		suspended ? ", suspended" : "", zone ? ", by the clock of " : "", zone ? zone : "");
	p->part->schedule_at = schedule->at;
	if (!is_good(name) || !is_good(p->scope))
		return;
	p->part->stop = arena_printf(p->k->model->arena,
		"exec: [kubectl, %spatch, cronjob, %s, -p, '{\"spec\":{\"suspend\":true}}'], "
		"observe: [sh, -c, 'test \"$(kubectl %sget cronjob %s -o "
		"jsonpath={.spec.suspend})\" = true'], "
		"undo: [kubectl, %spatch, cronjob, %s, -p, '{\"spec\":{\"suspend\":false}}']",
		space, name, sh, name, space, name);
}

/* Who has a crontab of its own stands still with no pods. */
static const char *stop_workload(struct pod *p, const struct node *object, const char *kind)
{
	const char *written = k8s_namespace_written(object);
	const char *replicas = node_get_text(node_get(object, "spec"), "replicas");
	const char *name = p->part->name;
	const char *what = strcmp(kind, "Deployment") == 0    ? "deployment"
			   : strcmp(kind, "StatefulSet") == 0 ? "statefulset"
							      : NULL;
	const char *list = written ? arena_printf(p->k->model->arena, "-n, %s, ", written) : "";
	const char *sh = written ? arena_printf(p->k->model->arena, "-n %s ", written) : "";

	if (!what || !is_good(name) || !is_good(p->scope) ||
		(replicas && replicas[strspn(replicas, "0123456789")]))
		return NULL;
	return arena_printf(p->k->model->arena,
		"exec: [kubectl, %sscale, %s, %s, --replicas=0], observe: [sh, -c, 'test -z "
		"\"$(kubectl %sget %s %s -o jsonpath={.status.replicas})\"'], undo: [kubectl, "
		"%sscale, %s, %s, --replicas=%s]",
		list, what, name, sh, what, name, list, what, name, replicas ? replicas : "1");
}

void k8s_pod_read(
	struct k8s *k, const struct node *object, const struct node *template, const char *kind)
{
	const struct node *spec = node_get(template, "spec");
	const struct node *claims = node_at(object, "spec", "volumeClaimTemplates", NULL);
	const struct node *containers = node_get(spec, "containers");
	const struct node *inits = node_get(spec, "initContainers");
	struct pod p = {.k = k, .scope = k8s_namespace(k, object), .spec = spec};

	if (node_items(containers) == 0) {
		notes_add(k->model->notes, NOTE_UNKNOWN, object->at,
			"%.60s %.80s has no containers", kind, k8s_name(object));
		return;
	}
	p.part = model_part(k->model, k8s_name(object), kind, object->at);
	if (!p.part)
		return;
	p.part->scope = p.scope;
	p.part->image = main_image(containers);
	for (size_t i = 0; i < node_items(inits); i++)
		read_container(&p, node_item(inits, i), claims);
	p.part->command = ""; /* what prepares a pod says little about what it does */
	for (size_t i = 0; i < node_items(containers); i++)
		read_container(&p, node_item(containers, i), claims);
	read_schedule(&p, object);
	crontab_read(k->model, p.part, stop_workload(&p, object, kind));
	schedule_from_part(k->model, p.part);
	k->pods[k->pods_count++] =
		(struct k8s_pod){p.part, node_at(template, "metadata", "labels", NULL)};
}
