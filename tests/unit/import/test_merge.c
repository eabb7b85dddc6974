#include "fixture.h"

#include "import/compose_merge.h"

/* Two services, each in one form, the second laid over the first. */
static const struct node *merged(struct fixture *f, const char *base, const char *over)
{
	const struct node *one = node_item(fixture_yaml(f, base), 0);
	const struct node *two = node_item(fixture_yaml(f, over), 0);

	return compose_merge(&f->arena, compose_normalise(&f->notes, one, "base"),
		compose_normalise(&f->notes, two, "over"));
}

static void environment_is_merged_whatever_its_form(void **state)
{
	FIXTURE f;
	const struct node *env;

	(void)state;
	fixture_init(&f);
	env = node_get(merged(&f, "environment: [A=1, B=x=y, C]", "environment: {A: 2, D: 4}"),
		"environment");
	assert_string_equal(node_get_text(env, "A"), "2");
	assert_string_equal(node_get_text(env, "B"), "x=y");
	assert_int_equal(node_get(env, "C")->kind, NODE_NULL);
	assert_string_equal(node_get_text(env, "D"), "4");
}

static void commands_are_replaced_and_lists_appended(void **state)
{
	FIXTURE f;
	const struct node *m;

	(void)state;
	fixture_init(&f);
	m = merged(&f, "{command: [a, b], entrypoint: x, dns: [1.1.1.1], env_file: one.env}",
		"{command: c, dns: [9.9.9.9], env_file: [{path: two.env, required: false}]}");
	assert_string_equal(node_get_text(m, "command"), "c");
	assert_string_equal(node_get_text(m, "entrypoint"), "x");
	assert_int_equal(node_items(node_get(m, "dns")), 2);
	assert_int_equal(node_items(node_get(m, "env_file")), 2);
	assert_string_equal(
		node_get_text(node_item(node_get(m, "env_file"), 0), "path"), "base/one.env");
	assert_string_equal(
		node_get_text(node_item(node_get(m, "env_file"), 1), "path"), "over/two.env");
}

/* A service may be called "command" or "test": only a service's own keys are special. */
static void only_a_services_own_command_is_replaced(void **state)
{
	FIXTURE f;
	const struct node *m;

	(void)state;
	fixture_init(&f);
	m = merged(&f, "depends_on: {command: {condition: service_healthy, required: true}}",
		"depends_on: {command: {condition: service_started}}");
	assert_string_equal(node_at(m, "depends_on", "command", "required", NULL)->text, "true");
	assert_string_equal(
		node_at(m, "depends_on", "command", "condition", NULL)->text, "service_started");
}

static void volumes_are_one_by_their_target_and_ports_by_all(void **state)
{
	FIXTURE f;
	const struct node *m, *volumes, *ports;

	(void)state;
	fixture_init(&f);
	m = merged(&f,
		"{volumes: [data:/data:ro, /cache], ports: ['80:8080', '127.0.0.1:1:2/udp']}",
		"{volumes: [{type: volume, source: other, target: /data}], ports: ['80:8080', "
		"'443:8443']}");
	volumes = node_get(m, "volumes");
	ports = node_get(m, "ports");
	assert_int_equal(node_items(volumes), 2);
	assert_string_equal(node_get_text(node_item(volumes, 1), "source"), "other");
	assert_int_equal(node_items(ports), 3);
	assert_string_equal(node_get_text(node_item(ports, 0), "host_ip"), "127.0.0.1");
	assert_string_equal(node_get_text(node_item(ports, 0), "target"), "2");
}

static void tags_reset_and_override(void **state)
{
	FIXTURE f;
	const struct node *m;

	(void)state;
	fixture_init(&f);
	m = merged(&f, "{ports: ['80:80'], build: ./x, environment: {A: 1}, dns: [1.1.1.1]}",
		"{ports: !override ['81:81'], build: !reset null, environment: {A: !reset null}}");
	assert_int_equal(node_items(node_get(m, "ports")), 1);
	assert_null(node_get(m, "build"));
	assert_null(node_at(m, "environment", "A", NULL));
	assert_int_equal(node_items(node_get(m, "dns")), 1);
}

static void both_stay_as_they_were(void **state)
{
	FIXTURE f;
	struct node *base, *over;

	(void)state;
	fixture_init(&f);
	base = compose_normalise(
		&f.notes, node_item(fixture_yaml(&f, "environment: {A: 1}"), 0), ".");
	over = compose_normalise(
		&f.notes, node_item(fixture_yaml(&f, "environment: {A: 2, B: 2}"), 0), ".");
	compose_merge(&f.arena, base, over);
	assert_string_equal(node_at(base, "environment", "A", NULL)->text, "1");
	assert_null(node_at(base, "environment", "B", NULL));
	assert_int_equal(node_get(over, "environment")->count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_is_merged_whatever_its_form),
		cmocka_unit_test(commands_are_replaced_and_lists_appended),
		cmocka_unit_test(only_a_services_own_command_is_replaced),
		cmocka_unit_test(volumes_are_one_by_their_target_and_ports_by_all),
		cmocka_unit_test(tags_reset_and_override),
		cmocka_unit_test(both_stay_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
