#include "fixture.h"

#include "plan/checker.h"
#include "plan/text.h"

static void paths_are_readable_and_harmless(void **state)
{
	struct path root = {0};
	struct path stores = {.up = &root, .key = "stores"};
	struct path name = {.up = &stores, .key = "or\x1b", .chosen = true};
	struct path needs = {.up = &name, .key = "needs"};
	struct path item = {.up = &needs, .index = 3};
	struct path secret = {.up = &stores, .key = "password=x"};
	char text[CHECKER_PATH_BYTES];

	(void)state;
	assert_string_equal(path_text(&root, text), "plan");
	assert_string_equal(path_text(&item, text), "stores.or\xe2\x90\x9b.needs[3]");
	assert_string_equal(path_pattern(&item, text), "stores.*.needs.*");
	assert_string_equal(path_text(&secret, text), "stores.(hidden)");
}

static void the_deepest_path_fits(void **state)
{
	struct path levels[PLAN_DEPTH_MAX + 1] = {{0}};
	char text[CHECKER_PATH_BYTES];

	(void)state;
	for (size_t i = 1; i <= PLAN_DEPTH_MAX; i++)
		levels[i] = (struct path){.up = &levels[i - 1], .key = "a-rather-long-key"};
	path_text(&levels[PLAN_DEPTH_MAX], text);
	assert_int_equal(strlen(text), CHECKER_PATH_BYTES - 1);
}

static void references_are_kept_in_order(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct checker ck = {.scratch = &arena};

	(void)state;
	for (size_t i = 0; i < 100; i++)
		checker_add_ref(&ck, &(struct ref){.at = {i, i + 1}});
	assert_int_equal(ck.refs_count, 100);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(ck.refs[i].at.start, i);
}

static void guesses_are_offered_only_when_there_is_one(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct checker ck = {.scratch = &arena};
	struct text_nearest near = TEXT_NEAREST("nmae");

	(void)state;
	assert_string_equal(checker_guess(&ck, &near), "");
	text_nearest_try(&near, "name");
	assert_string_equal(checker_guess(&ck, &near), " (did you mean 'name'?)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_readable_and_harmless),
		cmocka_unit_test(the_deepest_path_fits),
		cmocka_unit_test(references_are_kept_in_order),
		cmocka_unit_test(guesses_are_offered_only_when_there_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
