#include "../testing.h"

#include <string.h>

#include "base/check.h"
#include "cli/plan_patch.h"

/* A service and an overlap are added to each text. */
static const struct {
	const char *what, *text, *patch;
} cases[] = {
	{"both sections, far apart",
		"airlock: 1\noverlap:\n- {from: a, to: b}\n#\n#\n#\n#\n#\n#\n#\nservices:\n    a: "
		"{}\n",
		"--- p\n+++ p\n@@ -1,5 +1,6 @@\n airlock: 1\n overlap:\n+- O\n - {from: a, to: "
		"b}\n #\n #\n"
		"@@ -9,4 +10,5 @@\n #\n #\n services:\n+    S\n     a: {}\n"},
	{"both sections, close together: one hunk",
		"services: # all\n\n  # the first\n  a: {}\noverlap:\n  - {from: a, to: b}\n",
		"--- p\n+++ p\n@@ -1,6 +1,8 @@\n services: # all\n+  S\n \n   # the first\n   a: "
		"{}\n overlap:\n"
		"+  - O\n   - {from: a, to: b}\n"},
	{"neither: at the end, each with its head", "airlock: 1\nname: p\n",
		"--- p\n+++ p\n@@ -1,2 +1,6 @@\n airlock: 1\n name: p\n+services:\n+  "
		"S\n+overlap:\n+  - O\n"},
	{"an empty section at the end", "name: p\noverlap:\n",
		"--- p\n+++ p\n@@ -1,2 +1,5 @@\n name: p\n overlap:\n+  - O\n+services:\n+  S\n"},
};

static void add(struct plan_patch *p, const char *section, bool list, const char *entry)
{
	struct err err = ERR_INIT;
	struct patch_place *place = plan_patch_section(p, section, list, &err);

	assert_non_null(place);
	if (place->with_head)
		buf_printf(&place->added, "%s:\n", section);
	buf_printf(&place->added, "%*s%s\n", (int)place->indent, "", entry);
}

static void patches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		PLAN_PATCH_AUTO p;
		BUF_AUTO out = BUF_INIT;

		plan_patch_init(&p, cases[i].text);
		add(&p, "services", false, "S");
		add(&p, "overlap", true, "- O");
		plan_patch_write(&p, "p", &out);
		if (strcmp(buf_str(&out), cases[i].patch) != 0)
			fail_msg("%s:\n%s", cases[i].what, buf_str(&out));
	}
}

/* What the patch makes, with the two sections in the other order than they were asked for. */
static void the_text_with_all_of_it(void **state)
{
	PLAN_PATCH_AUTO p;
	BUF_AUTO out = BUF_INIT;

	(void)state;
	plan_patch_init(&p, "overlap:\n- {from: a, to: b}\nservices:\n  a: {}\n");
	add(&p, "services", false, "S");
	add(&p, "overlap", true, "- O");
	plan_patch_apply(&p, &out);
	assert_string_equal(
		buf_str(&out), "overlap:\n- O\n- {from: a, to: b}\nservices:\n  S\n  a: {}\n");
}

static void on_one_line(void **state)
{
	static const char *const texts[] = {"services: {a: {}}\n", "services: &all\n  a: {}\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		PLAN_PATCH_AUTO p;
		struct err err = ERR_INIT;

		plan_patch_init(&p, texts[i]);
		assert_null(plan_patch_section(&p, "services", false, &err));
		assert_int_equal(err.code, ERR_REFUSED);
		assert_non_null(strstr(err.msg, "one entry per line"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patches),
		cmocka_unit_test(the_text_with_all_of_it),
		cmocka_unit_test(on_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
