/* A store's row: 80 columns, and nothing that acts on a terminal, whatever names and SQL hold. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/status_view.h"

#define LONG_NAME "a-store-with-a-name-that-is-as-long-as-the-longest-name-may-be-"
#define HOSTILE                                                                                    \
	"\033[2Jgone\007\xc2\x9b"                                                                  \
	"31m\xe2\x80\xae"

static struct status_view view_of(const char *name)
{
	return (struct status_view){.name = name,
		.actual = "committing",
		.goal = "new",
		.why = "an attempt is under way",
		.waits_for = "sessions of " HOSTILE,
		.who = "the operator",
		.next = "airlock resume",
		.undo = "none: going back is a new attempt",
		.writes = "unknown",
		.way_back = "following",
		.lag_bytes = INT64_C(1) << 50,
		.deadline_ms = 123456,
		.undo_ms = 90,
		.attempt = 7,
		.seen_us = clock_now_us(),
		.carried = true};
}

static void add_blocker(struct status_view *view)
{
	struct route_blocker *b = &view->clients.blockers[view->clients.blockers_count++];

	b->pid = 4194304;
	snprintf(b->user, sizeof b->user, "app%s", HOSTILE);
	snprintf(b->application, sizeof b->application, "%s",
		"a rather long application name, it is");
	snprintf(b->text, sizeof b->text, "SELECT '%s', this, that and the_other FROM here",
		HOSTILE);
}

static void eighty_columns_and_nothing_acts(void **state)
{
	static const char *const names[] = {
		"orders", "fourteen-chars", "fifteen-letters", LONG_NAME};

	(void)state;
	assert_int_equal(strlen(LONG_NAME), 63);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct status_view view = view_of(names[i]);
		char *text = NULL;
		size_t size = 0, lines = 0;
		FILE *file = open_memstream(&text, &size);
		struct out out;

		add_blocker(&view);
		out_init(&out, file, stderr, true);
		status_head(&out);
		status_text(&out, &view);
		fclose(file);
		for (const char *line = text; *line; line += strcspn(line, "\n") + 1, lines++)
			if (strcspn(line, "\n") > 80)
				fail_msg("%.*s", (int)strcspn(line, "\n"), line);
		assert_true(lines > 4);
		assert_non_null(strstr(text, names[i]));
		assert_non_null(strstr(text, "\\x1b[2Jgone\\x07\\x9b31m\\u202e"));
		for (size_t k = 0; k < size; k++)
			assert_true((text[k] >= ' ' && text[k] < 127) || text[k] == '\n');
		free(text);
	}
}

static void the_line_does_not_act_either(void **state)
{
	struct status_view view = view_of("orders");
	BUF_AUTO line = BUF_INIT;

	(void)state;
	status_line(&view, &line);
	assert_non_null(strstr(buf_str(&line), "\\x1b[2J"));
	assert_null(strchr(buf_str(&line), '\033'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eighty_columns_and_nothing_acts),
		cmocka_unit_test(the_line_does_not_act_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
