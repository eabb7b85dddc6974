#include <string.h>

#include "base/check.h"
#include "import/schedule.h"
#include "import/settings.h"
#include "import/terraform_priv.h"

static struct part *add_part(
	struct terraform *tf, struct resource *r, const char *name, const char *image)
{
	struct part *part = model_part(tf->model, name ? name : r->name, r->type, r->at);

	r->read = true;
	if (!part)
		return NULL;
	part->image = image;
	r->part = part;
	facts_add(tf->model, &part->hosts, part->name, NULL, r->at);
	return part;
}

/* {NAME: value} */
static void add_map(struct terraform *tf, struct part *part, const struct node *map)
{
	for (size_t i = 0; map && map->kind == NODE_MAP && i < map->count; i++) {
		const struct node *value = map->entries[i].value;

		facts_set(tf->model, &part->env, map->entries[i].key,
			value->kind == NODE_TEXT ? value->text : NULL, value->kind != NODE_TEXT,
			part->at);
	}
}

/* [{name, value}], with `valueFrom` or `value_from` or a list of secrets where the value is not
 * known */
static void add_list(struct terraform *tf, struct part *part, const struct node *list)
{
	for (size_t i = 0; i < node_items(list); i++) {
		const char *name = node_get_text(node_item(list, i), "name");
		const char *value = node_get_text(node_item(list, i), "value");

		if (name)
			facts_set(tf->model, &part->env, name, value && *value ? value : NULL,
				!value, part->at);
	}
}

static const char *words(struct terraform *tf, const struct node *container)
{
	static const char *const keys[] = {"entryPoint", "entrypoint", "command", "args"};
	BUF_AUTO out = BUF_INIT;

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		const struct node *list = node_get(container, keys[k]);

		for (size_t i = 0; i < node_items(list); i++)
			if (node_item(list, i)->kind == NODE_TEXT)
				buf_printf(
					&out, "%s%s", out.len ? " " : "", node_item(list, i)->text);
	}
	return arena_strdup(tf->model->arena, buf_str(&out));
}

/* ---- ECS ---- */

/* The family of "arn:aws:ecs:eu-west-1:1:task-definition/shop-web:7", "shop-web:7", "shop-web". */
static const char *family(struct arena *arena, const char *task)
{
	const char *slash = task ? strrchr(task, '/') : NULL;

	if (!task)
		return NULL;
	task = slash ? slash + 1 : task;
	return arena_strndup(arena, task, strcspn(task, ":"));
}

static void add_containers(struct terraform *tf, struct part *part, const struct resource *task)
{
	const char *json = terraform_text(task->values, "container_definitions");
	const struct node *list =
		json ? terraform_json(tf->model->arena, json, strlen(json), task->at) : NULL;

	for (size_t i = 0; i < node_items(list); i++) {
		const struct node *container = node_item(list, i);

		if (!part->image || node_get_true(container, "essential")) {
			part->image = node_get_text(container, "image");
			part->command = words(tf, container);
		}
		add_list(tf, part, node_get(container, "environment"));
		add_list(tf, part, node_get(container, "secrets"));
	}
	if (!list)
		notes_add(tf->model->notes, NOTE_ASSUMED, task->at,
			"its container_definitions cannot be read: what it is told is not seen");
}

static struct resource *task_of(struct terraform *tf, const char *name)
{
	for (size_t i = 0; name && i < tf->count; i++) {
		const char *own;

		if (strcmp(tf->resources[i].type, "aws_ecs_task_definition") != 0)
			continue;
		own = terraform_text(tf->resources[i].values, "family");
		if (own && strcmp(own, name) == 0)
			return &tf->resources[i];
	}
	return NULL;
}

/* In a plan the task's ARN is not known yet: the one of the same name, or the module's only one. */
static struct resource *task_beside(struct terraform *tf, const struct resource *service)
{
	struct resource *only = task_of(tf, terraform_text(service->values, "name"));
	size_t count = 0;

	if (only)
		return only;
	for (size_t i = 0; i < tf->count; i++) {
		struct resource *r = &tf->resources[i];

		if (strcmp(r->type, "aws_ecs_task_definition") != 0 ||
			strcmp(r->module, service->module) != 0)
			continue;
		only = r;
		count++;
	}
	return count == 1 ? only : NULL;
}

static void read_ecs_service(struct terraform *tf, struct resource *r)
{
	struct resource *task =
		task_of(tf, family(tf->model->arena, terraform_text(r->values, "task_definition")));
	struct part *part = add_part(tf, r, terraform_text(r->values, "name"), NULL);

	if (!part)
		return;
	if (!task)
		task = task_beside(tf, r);
	if (task) {
		task->read = true;
		r->task = task;
		add_containers(tf, part, task);
	}
	if (terraform_node(r->values, "load_balancer"))
		facts_add(tf->model, &part->entries, "a load balancer leads to it", NULL, r->at);
	schedule_from_part(tf->model, part);
}

static void set_schedule(
	struct terraform *tf, struct part *part, const struct resource *r, const char *expression)
{
	const char *zone = terraform_text(r->values, "schedule_expression_timezone");

	if (!zone)
		zone = terraform_text(r->values, "time_zone");
	part->schedule = expression;
	part->schedule_how =
		zone ? arena_printf(tf->model->arena, "%s, by the clock of %s", r->type, zone)
		     : r->type;
	part->schedule_at = r->at;
}

/* "arn:aws:lambda:eu-west-1:1:function:thumbs:live" -> the part of that function. */
static struct part *function_of(const struct terraform *tf, const char *arn)
{
	const char *name = arn ? strstr(arn, ":function:") : NULL;

	for (size_t i = 0; name && i < tf->count; i++) {
		size_t len = strcspn(name + strlen(":function:"), ":");
		const char *own;

		if (strcmp(tf->resources[i].type, "aws_lambda_function") != 0)
			continue;
		own = terraform_text(tf->resources[i].values, "function_name");
		if (own && strlen(own) == len &&
			strncmp(own, name + strlen(":function:"), len) == 0)
			return tf->resources[i].part;
	}
	return NULL;
}

/* What a rule starts, a task or a function: EventBridge's two forms. */
static struct part *add_scheduled(struct terraform *tf, struct resource *r, const char *task_arn,
	const char *arn, const char *expression)
{
	struct resource *task = task_of(tf, family(tf->model->arena, task_arn));
	struct part *part = expression ? function_of(tf, arn) : NULL;

	if (part) {
		r->read = true;
		set_schedule(tf, part, r, expression);
		return part;
	}
	part = task && expression ? add_part(tf, r, terraform_text(r->values, "name"), NULL) : NULL;
	if (!part)
		return NULL;
	task->read = true;
	r->task = task;
	add_containers(tf, part, task);
	set_schedule(tf, part, r, expression);
	return part;
}

static void read_scheduler(struct terraform *tf, struct resource *r)
{
	add_scheduled(tf, r, terraform_text(r->values, "target.ecs_parameters.task_definition_arn"),
		terraform_text(r->values, "target.arn"),
		terraform_text(r->values, "schedule_expression"));
}

static const char *stop_rule(struct arena *arena, const char *rule)
{
	if (rule[strspn(rule, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")])
		return NULL;
	return arena_printf(arena,
		"exec: [aws, events, disable-rule, --name, %s], observe: [sh, -c, 'test \"$(aws "
		"events "
		"describe-rule --name %s --query State --output text)\" = DISABLED'], undo: [aws, "
		"events, enable-rule, --name, %s]",
		rule, rule, rule);
}

static void read_event_rule(struct terraform *tf, struct resource *r)
{
	const char *name = terraform_text(r->values, "name");

	for (size_t i = 0; name && i < tf->count; i++) {
		const struct resource *target = &tf->resources[i];
		const char *rule;
		struct part *part;

		if (strcmp(target->type, "aws_cloudwatch_event_target") != 0)
			continue;
		rule = terraform_text(target->values, "rule");
		if (!rule || strcmp(rule, name) != 0)
			continue;
		tf->resources[i].read = true;
		part = add_scheduled(tf, r,
			terraform_text(target->values, "ecs_target.task_definition_arn"),
			terraform_text(target->values, "arn"),
			terraform_text(r->values, "schedule_expression"));
		if (part)
			part->stop = stop_rule(tf->model->arena, name);
	}
}

/* ---- others that run something ---- */

static void read_lambda(struct terraform *tf, struct resource *r)
{
	struct part *part = add_part(tf, r, terraform_text(r->values, "function_name"),
		terraform_text(r->values, "image_uri"));

	if (part)
		add_map(tf, part, terraform_node(r->values, "environment.variables"));
}

/* What kubernetes_config_map and kubernetes_secret hold, by their names. */
static void index_data(struct terraform *tf)
{
	static const char *const types[] = {"kubernetes_config_map", "kubernetes_secret"};

	tf->data = node_new(tf->model->arena, NODE_MAP, (struct place){0});
	for (size_t i = 0; i < tf->count; i++)
		for (size_t k = 0; k < ARRAY_LEN(types); k++) {
			struct resource *r = &tf->resources[i];
			const char *name;
			struct node *node;

			if (strncmp(r->type, types[k], strlen(types[k])) != 0)
				continue;
			name = terraform_text(r->values, "metadata.name");
			node = node_new(tf->model->arena, NODE_NULL, r->at);
			node->ref = r;
			node_put(tf->model->arena, tf->data,
				arena_printf(tf->model->arena, "%s/%s", types[k], name ? name : ""),
				r->at, node);
		}
}

static void add_env_from(struct terraform *tf, struct part *part, const struct node *container)
{
	static const char *const refs[][2] = {{"config_map_ref.name", "kubernetes_config_map"},
		{"secret_ref.name", "kubernetes_secret"}};
	const struct node *list = node_get(container, "env_from");

	for (size_t i = 0; i < node_items(list); i++)
		for (size_t k = 0; k < ARRAY_LEN(refs); k++) {
			const char *name = terraform_text(node_item(list, i), refs[k][0]);
			const struct node *node =
				name ? node_get(tf->data, arena_printf(tf->model->arena, "%s/%s",
								  refs[k][1], name))
				     : NULL;
			struct resource *r = node ? node->ref : NULL;

			if (!r)
				continue;
			add_map(tf, part, node_get(r->values, "data"));
			r->read = true;
		}
}

/* kubernetes_deployment, kubernetes_stateful_set, kubernetes_cron_job: the provider writes every
 * block as a list. */
static void read_kubernetes(struct terraform *tf, struct resource *r)
{
	const struct node *template =
		terraform_node(r->values, "spec.job_template.spec.template.spec");
	const char *schedule = terraform_text(r->values, "spec.schedule");
	const struct node *containers;
	struct part *part = add_part(tf, r, terraform_text(r->values, "metadata.name"), NULL);

	if (!template)
		template = terraform_node(r->values, "spec.template.spec");
	containers = node_get(template, "container");
	for (size_t i = 0; part && i < node_items(containers); i++) {
		if (!part->image)
			part->image = node_get_text(node_item(containers, i), "image");
		add_env_from(tf, part, node_item(containers, i));
		add_list(tf, part, node_get(node_item(containers, i), "env"));
	}
	if (part && schedule) {
		part->schedule = schedule;
		part->schedule_how = r->type;
		part->schedule_at = r->at;
	}
}

/* A Service whose selector's first label is the name of a workload is another name of it. */
static void read_kubernetes_service(struct terraform *tf, struct resource *r)
{
	const char *name = terraform_text(r->values, "metadata.name");
	const char *type = terraform_text(r->values, "spec.type");
	const struct node *selector = terraform_node(r->values, "spec.selector");

	r->read = true;
	for (size_t i = 0; name && i < tf->model->parts_count; i++) {
		struct part *part = tf->model->parts[i];
		bool selected = false;

		for (size_t k = 0; selector && selector->kind == NODE_MAP && k < selector->count;
			k++)
			selected |= selector->entries[k].value->kind == NODE_TEXT &&
				    strcmp(selector->entries[k].value->text, part->name) == 0;
		if (!selected)
			continue;
		facts_add(tf->model, &part->hosts, name, NULL, r->at);
		if (type && strcmp(type, "LoadBalancer") == 0)
			facts_add(tf->model, &part->entries, "a load balancer leads to it", NULL,
				r->at);
	}
}

static void read_cloud_run(struct terraform *tf, struct resource *r)
{
	const struct node *container = terraform_node(r->values, "template.spec.containers");
	struct part *part = add_part(tf, r, terraform_text(r->values, "name"), NULL);

	if (!container)
		container = terraform_node(r->values, "template.containers");
	if (!container)
		container = terraform_node(r->values, "template.template.containers");
	if (!part || !container)
		return;
	part->image = node_get_text(container, "image");
	add_list(tf, part, node_get(container, "env"));
	if (!strstr(r->type, "_job"))
		facts_add(tf->model, &part->entries, "Cloud Run serves it", NULL, r->at);
}

static void read_container_app(struct terraform *tf, struct resource *r)
{
	const struct node *container = terraform_node(r->values, "template.container");
	struct part *part = add_part(
		tf, r, terraform_text(r->values, "name"), node_get_text(container, "image"));

	if (!part)
		return;
	add_list(tf, part, node_get(container, "env"));
	if (terraform_node(r->values, "ingress"))
		facts_add(tf->model, &part->entries, "an ingress leads to it", NULL, r->at);
}

static void read_app_runner(struct terraform *tf, struct resource *r)
{
	const struct node *image =
		terraform_node(r->values, "source_configuration.image_repository");
	struct part *part = add_part(tf, r, terraform_text(r->values, "service_name"),
		node_get_text(image, "image_identifier"));

	if (!part)
		return;
	add_map(tf, part,
		terraform_node(image, "image_configuration.runtime_environment_variables"));
	facts_add(tf->model, &part->entries, "App Runner serves it", NULL, r->at);
}

static void read_batch(struct terraform *tf, struct resource *r)
{
	const char *json = terraform_text(r->values, "container_properties");
	const struct node *container =
		json ? terraform_json(tf->model->arena, json, strlen(json), r->at) : NULL;
	struct part *part = add_part(
		tf, r, terraform_text(r->values, "name"), node_get_text(container, "image"));

	if (!part)
		return;
	part->command = words(tf, container);
	add_list(tf, part, node_get(container, "environment"));
	add_list(tf, part, node_get(container, "secrets"));
}

static void read_web_app(struct terraform *tf, struct resource *r)
{
	struct part *part = add_part(tf, r, terraform_text(r->values, "name"), NULL);
	const struct node *strings = node_get(r->values, "connection_string");

	if (!part)
		return;
	add_map(tf, part, terraform_node(r->values, "app_settings"));
	add_list(tf, part, strings);
	facts_add(tf->model, &part->entries, "App Service serves it", NULL, r->at);
}

/* Google's scheduler calls something by its address. */
static void read_cloud_scheduler(struct terraform *tf, struct resource *r)
{
	const char *schedule = terraform_text(r->values, "schedule");
	struct part *part =
		schedule ? add_part(tf, r, terraform_text(r->values, "name"), NULL) : NULL;

	if (part)
		set_schedule(tf, part, r, schedule);
}

/* A chart says what it is by its name, and is told by its values. */
static void read_helm(struct terraform *tf, struct resource *r)
{
	const struct node *values = node_get(r->values, "values"),
			  *set = node_get(r->values, "set");
	const char *chart = terraform_text(r->values, "chart");
	struct part *part = add_part(tf, r, terraform_text(r->values, "name"),
		chart && strrchr(chart, '/') ? strrchr(chart, '/') + 1 : chart);

	for (size_t i = 0; part && i < node_items(values); i++)
		if (node_item(values, i)->kind == NODE_TEXT)
			settings_read(tf->model, part,
				&(struct settings){.file = r->address,
					.text = node_item(values, i)->text,
					.len = strlen(node_item(values, i)->text),
					.first = r->at});
	for (size_t i = 0; part && i < node_items(set); i++) {
		const char *name = node_get_text(node_item(set, i), "name");
		const char *value = node_get_text(node_item(set, i), "value");

		if (name && value)
			facts_add(tf->model, &part->settings, name, value, r->at);
	}
}

static const struct {
	const char *type;
	void (*read)(struct terraform *tf, struct resource *r);
} readers[] = {
	/* Functions before what starts them. */
	{"aws_ecs_service", read_ecs_service},
	{"aws_lambda_function", read_lambda},
	{"aws_scheduler_schedule", read_scheduler},
	{"aws_cloudwatch_event_rule", read_event_rule},
	{"google_cloud_scheduler_job", read_cloud_scheduler},
	{"helm_release", read_helm},
	{"kubernetes_deployment", read_kubernetes},
	{"kubernetes_deployment_v1", read_kubernetes},
	{"kubernetes_stateful_set", read_kubernetes},
	{"kubernetes_stateful_set_v1", read_kubernetes},
	{"kubernetes_daemonset", read_kubernetes},
	{"kubernetes_daemon_set_v1", read_kubernetes},
	{"kubernetes_cron_job", read_kubernetes},
	{"kubernetes_cron_job_v1", read_kubernetes},
	{"kubernetes_service", read_kubernetes_service},
	{"kubernetes_service_v1", read_kubernetes_service},
	{"google_cloud_run_service", read_cloud_run},
	{"google_cloud_run_v2_service", read_cloud_run},
	{"google_cloud_run_v2_job", read_cloud_run},
	{"azurerm_container_app", read_container_app},
	{"aws_apprunner_service", read_app_runner},
	{"aws_batch_job_definition", read_batch},
	{"azurerm_linux_web_app", read_web_app},
	{"azurerm_windows_web_app", read_web_app},
	{"azurerm_app_service", read_web_app},
	{"azurerm_linux_function_app", read_web_app},
};

void terraform_run_read(struct terraform *tf)
{
	index_data(tf);
	for (size_t k = 0; k < ARRAY_LEN(readers); k++)
		for (size_t i = 0; i < tf->count; i++)
			if (strcmp(tf->resources[i].type, readers[k].type) == 0)
				readers[k].read(tf, &tf->resources[i]);
}
