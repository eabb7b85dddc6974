/* The commands of this directory, end to end, in the real program. */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>
#include <sqlite3.h>

#include "base/check.h"
#include "guard/guard.h"

static int setup(void **state)
{
	struct program *p = calloc(1, sizeof *p);
	RAN_AUTO ran = {0};

	program_make(p);
	ran = RUN(p, "init", "-o", "airlock.yaml");
	assert_int_equal(ran.exit_code, 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	program_remove(*state);
	free(*state);
	return 0;
}

static json_t *json_of(const struct ran *ran)
{
	json_error_t error;
	json_t *doc = json_loads(buf_str(&ran->out), JSON_REJECT_DUPLICATES, &error);

	if (!doc)
		fail_msg("%s in %s", error.text, buf_str(&ran->out));
	return doc;
}

static const char *text_at(json_t *doc, const char *key)
{
	const char *text = json_string_value(json_object_get(doc, key));

	return text ? text : "(none)";
}

static void plan_hash(struct program *p, char ret_hash[65])
{
	RAN_AUTO ran = RUN(p, "plan", "--json");
	json_t *doc = json_of(&ran);

	snprintf(ret_hash, 65, "%s", text_at(doc, "hash"));
	assert_int_equal(strlen(ret_hash), 64);
	json_decref(doc);
}

static void init_writes_a_plan_without_a_fault(void **state)
{
	RAN_AUTO to_stdout = RUN(*state, "init");
	RAN_AUTO plan = RUN(*state, "plan");
	RAN_AUTO again = RUN(*state, "init", "-o", "airlock.yaml");

	assert_int_equal(to_stdout.exit_code, 0);
	assert_non_null(strstr(buf_str(&to_stdout.out), "airlock: 1\n"));
	assert_int_equal(plan.exit_code, 0);
	assert_string_equal(buf_str(&plan.err), ""); /* no warning either */
	assert_null(strstr(buf_str(&plan.out), "NOT DECLARED"));
	assert_non_null(strstr(buf_str(&plan.out), "Wave 1"));
	assert_non_null(strstr(buf_str(&plan.out), "airlock approve "));
	assert_int_equal(again.exit_code, 3);
	assert_non_null(strstr(buf_str(&again.err), "not overwritten"));
}

static void plan_is_a_document_with_waves(void **state)
{
	RAN_AUTO ran = RUN(*state, "plan", "--json");
	json_t *doc = json_of(&ran), *wave, *member;
	size_t i, k, members = 0;

	assert_int_equal(ran.exit_code, 0);
	assert_string_equal(text_at(doc, "schema"), "airlock.plan/1");
	assert_string_equal(text_at(doc, "name"), "shop-dc1-to-dc2");
	assert_true(json_array_size(json_object_get(doc, "problems")) == 0);
	json_array_foreach(json_object_get(doc, "waves"), i, wave)
	{
		json_t *names = json_object_get(wave, "members");

		assert_int_equal(json_integer_value(json_object_get(wave, "n")), i + 1);
		assert_int_equal(
			json_array_size(names), json_array_size(json_object_get(wave, "why")));
		assert_true(json_is_array(json_object_get(wave, "crossings")));
		assert_true(json_is_array(json_object_get(wave, "blast_radius")));
		json_array_foreach(names, k, member)
		{
			members++;
			if (!strcmp(json_string_value(member), "orders")) {
				assert_string_equal(text_at(wave, "pattern"), "replica-promotion");
				assert_true(json_array_size(json_object_get(wave, "steps")) > 10);
			}
		}
	}
	assert_int_equal(members, 4); /* each part in exactly one wave */
	json_decref(doc);
}

/* A crossing that nobody declared: everything is shown, 3 says that `run` will not begin, and `run`
 * and `check` say why before they touch anything. */
static void an_accident_is_shown_and_refused(void **state)
{
	program_file(*state, "accident.yaml",
		"airlock: 1\nname: x\nroutes: {r: {kind: none}}\nstores:\n"
		"  s: {engine: postgresql, old: \"host=a dbname=d\", new: \"host=b dbname=d\",\n"
		"      pattern: replica-promotion, sync: logical, route: r}\n"
		"services:\n  web: {writes: [s]}\n");
	{
		RAN_AUTO ran = RUN(*state, "plan", "-f", "accident.yaml");

		assert_int_equal(ran.exit_code, 3);
		assert_non_null(strstr(buf_str(&ran.out), "Wave 2"));
		assert_non_null(strstr(buf_str(&ran.out), "NOT DECLARED"));
		assert_non_null(strstr(buf_str(&ran.err), "accident.yaml:8:18: refused: "));
		assert_non_null(strstr(
			buf_str(&ran.err), "- {from: web, to: s, because: \"...\", at_most: 30m}"));
	}
	{
		RAN_AUTO ran = RUN(*state, "plan", "-f", "accident.yaml", "--json");
		json_t *doc = json_of(&ran), *problem;

		assert_int_equal(ran.exit_code, 3);
		problem = json_array_get(json_object_get(doc, "problems"), 0);
		assert_string_equal(text_at(problem, "id"), "P-CROSSING");
		assert_string_equal(text_at(problem, "severity"), "refused");
		assert_int_equal(json_integer_value(json_object_get(doc, "refusals")), 1);
		assert_int_equal(json_array_size(json_object_get(doc, "waves")), 2);
		json_decref(doc);
	}
	{
		RAN_AUTO ran = RUN(*state, "run", "-f", "accident.yaml", "--dry-run");

		assert_int_equal(ran.exit_code, 3);
		assert_string_equal(buf_str(&ran.out), "");
		assert_non_null(strstr(buf_str(&ran.err), "nothing was touched"));
	}
	{
		/* What does not begin anything does not hear of it. */
		RAN_AUTO ran = RUN(*state, "approve", "-f", "accident.yaml", "00000000");

		assert_int_equal(ran.exit_code, 11);
		assert_null(strstr(buf_str(&ran.err), "P-CROSSING"));
	}
}

/* What crosses for many waves is written out once when all of it would be too long. */
static void long_lists_of_crossings_are_counted(void **state)
{
	BUF_AUTO text = BUF_INIT;
	size_t pairs = 0;

	buf_puts(&text,
		"airlock: 1\nname: x\nroutes: {r: {kind: none}}\nstores:\n"
		"  s: {engine: postgresql, old: \"host=a dbname=d\", new: \"host=b dbname=d\",\n"
		"      pattern: replica-promotion, sync: logical, route: r}\nservices:\n");
	for (int i = 0; i < 40; i++) {
		buf_printf(&text, "  v%d: {tier: support, needs: [", i);
		for (int k = 0; k < i; k++, pairs++)
			buf_printf(&text, "%sv%d", k ? ", " : "", k);
		buf_puts(&text, "]}\n");
	}
	program_file(*state, "long.yaml", buf_str(&text));
	{
		RAN_AUTO ran = RUN(*state, "plan", "-f", "long.yaml", "-q");
		size_t told = 0;

		assert_int_equal(ran.exit_code, 3);
		for (const char *at = buf_str(&ran.out); (at = strstr(at, ", needs, NOT DECLARED"));
			at++)
			told++;
		assert_int_equal(told, pairs);
		assert_non_null(strstr(buf_str(&ran.out), " that cross since an earlier wave\n"));
	}
	{
		RAN_AUTO ran = RUN(*state, "plan", "-f", "long.yaml", "--json");
		json_t *doc = json_of(&ran);
		json_t *wave = json_array_get(json_object_get(doc, "waves"), 19);

		/* 20 have moved and 20 have not, and each needs all before it. */
		assert_int_equal(json_integer_value(json_object_get(wave, "crossings_open")), 400);
		assert_int_equal(json_array_size(json_object_get(wave, "crossings")), 400);
		json_decref(doc);
	}
}

static void a_placement_is_explained(void **state)
{
	RAN_AUTO why = RUN(*state, "plan", "--why", "orders");
	RAN_AUTO wrong = RUN(*state, "plan", "--why", "order");
	RAN_AUTO json = RUN(*state, "plan", "--why", "orders", "--json");
	json_t *doc = json_of(&json), *told = json_object_get(doc, "why");

	assert_int_equal(why.exit_code, 0);
	assert_non_null(strstr(buf_str(&why.out), "orders  wave 2 of 3, store"));
	assert_non_null(strstr(buf_str(&why.out),
		"chain        wave 1: api\n               wave 2: orders, which"));
	assert_non_null(strstr(buf_str(&why.out), "not earlier  wave 1: api before orders"));
	assert_non_null(strstr(buf_str(&why.out), "not later    wave 3: orders before web"));
	assert_int_equal(wrong.exit_code, 2);
	assert_non_null(strstr(buf_str(&wrong.err), "did you mean 'orders'?"));
	assert_int_equal(json_integer_value(json_object_get(told, "wave")), 2);
	assert_int_equal(json_array_size(json_object_get(told, "used_by")), 3);
	assert_int_equal(json_array_size(json_object_get(told, "chain")), 2);
	assert_int_equal(json_array_size(json_object_get(told, "rejected")), 2);
	json_decref(doc);
}

static void a_plan_can_be_looked_at(void **state)
{
	RAN_AUTO svg = RUN(*state, "plan", "--svg");
	RAN_AUTO dot = RUN(*state, "plan", "--dot");
	RAN_AUTO both = RUN(*state, "plan", "--dot", "--svg");

	assert_int_equal(svg.exit_code, 0);
	assert_memory_equal(buf_str(&svg.out), "<svg ", 5);
	assert_non_null(strstr(buf_str(&svg.out), ">orders</text>"));
	assert_int_equal(dot.exit_code, 0);
	assert_non_null(strstr(buf_str(&dot.out), "digraph \"shop-dc1-to-dc2\" {"));
	assert_int_equal(both.exit_code, 2);
}

static void a_plan_with_errors_is_a_document_too(void **state)
{
	json_t *doc, *problem;

	program_file(*state, "bad.yaml", "airlock: 1\nname: x\nstores: 7\nbogus: 1\n");
	{
		RAN_AUTO ran = RUN(*state, "plan", "-f", "bad.yaml", "--json");

		assert_int_equal(ran.exit_code, 2);
		doc = json_of(&ran);
		assert_true(json_is_null(json_object_get(doc, "hash")));
		assert_true(json_array_size(json_object_get(doc, "problems")) >= 2);
		problem = json_array_get(json_object_get(doc, "problems"), 0);
		assert_string_equal(text_at(problem, "severity"), "error");
		assert_string_equal(text_at(problem, "file"), "bad.yaml");
		assert_true(json_integer_value(json_object_get(problem, "line")) > 0);
		json_decref(doc);
	}
	{
		RAN_AUTO ran = RUN(*state, "plan", "-f", "bad.yaml");

		assert_int_equal(ran.exit_code, 2);
		assert_string_equal(buf_str(&ran.out), "");
		assert_non_null(strstr(buf_str(&ran.err), "bad.yaml:4:1: error: "));
	}
}

static void an_approval_is_bound_to_the_hash(void **state)
{
	char hash[65];

	plan_hash(*state, hash);
	{
		RAN_AUTO wrong = RUN(*state, "approve", "0123456789abcdef");
		RAN_AUTO right = RUN(*state, "approve", hash);
		RAN_AUTO list = RUN(*state, "journal", "--kind", "approval");

		assert_int_equal(wrong.exit_code, 11);
		assert_non_null(strstr(buf_str(&wrong.err), "airlock plan"));
		assert_int_equal(right.exit_code, 0);
		assert_non_null(strstr(buf_str(&list.out), hash));
		assert_null(strstr(buf_str(&list.out), "0123456789abcdef"));
	}
}

static void tamper(struct program *p, const char *sql)
{
	char path[120];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/.airlock/journal.sqlite", p->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void the_journal_is_listed_verified_and_exported(void **state)
{
	char hash[65], head[65];
	json_t *doc;

	plan_hash(*state, hash);
	for (int i = 0; i < 3; i++) {
		RAN_AUTO ran = RUN(*state, "approve", hash);

		assert_int_equal(ran.exit_code, 0);
	}
	{
		RAN_AUTO ran = RUN(*state, "journal", "verify", "--json");
		RAN_AUTO list = RUN(*state, "journal", "list", "--json", "--last", "2");

		assert_int_equal(ran.exit_code, 0);
		doc = json_of(&ran);
		assert_true(json_is_true(json_object_get(doc, "sound")));
		assert_int_equal(json_integer_value(json_object_get(doc, "rows")), 3);
		snprintf(head, sizeof head, "%s", text_at(doc, "hash"));
		json_decref(doc);
		doc = json_of(&list);
		assert_int_equal(json_array_size(json_object_get(doc, "entries")), 2);
		json_decref(doc);
	}
	{
		RAN_AUTO known = RUN(*state, "journal", "verify", "--head", head);
		RAN_AUTO unknown = RUN(*state, "journal", "verify", "--head", hash);
		RAN_AUTO export = RUN(*state, "journal", "export", "-o", "out.ndjson");
		RAN_AUTO again = RUN(*state, "journal", "export", "-o", "out.ndjson");
		RAN_AUTO lines = RUN(*state, "journal", "export");
		int count = 0;

		assert_int_equal(known.exit_code, 0);
		assert_int_equal(unknown.exit_code, 7);
		assert_int_equal(export.exit_code, 0);
		assert_int_equal(again.exit_code, 3);
		for (const char *s = buf_str(&lines.out); *s; s++)
			count += *s == '\n';
		assert_int_equal(count, 3);
	}
	tamper(*state, "UPDATE entry SET who = 'somebody else' WHERE seq = 2");
	{
		RAN_AUTO ran = RUN(*state, "journal", "verify");

		assert_int_equal(ran.exit_code, 7);
		assert_non_null(strstr(buf_str(&ran.out), "not sound: row 2 was changed"));
	}
}

static void journal_flags_belong_to_their_word(void **state)
{
	char hash[65];

	plan_hash(*state, hash);
	{
		RAN_AUTO first = RUN(*state, "approve", hash);
		RAN_AUTO a = RUN(*state, "journal", "verify", "--last", "1");
		RAN_AUTO b = RUN(*state, "journal", "list", "--head", hash);
		RAN_AUTO c = RUN(*state, "journal", "-o", "x");

		assert_int_equal(first.exit_code, 0);
		assert_int_equal(a.exit_code, 2);
		assert_int_equal(b.exit_code, 2);
		assert_int_equal(c.exit_code, 2);
		assert_non_null(strstr(buf_str(&c.err), "journal export"));
	}
}

/* What somebody wrote into the file reaches the terminal as text. */
static void a_hostile_journal_is_shown_safely(void **state)
{
	char hash[65];

	plan_hash(*state, hash);
	{
		RAN_AUTO ran = RUN(*state, "approve", hash);

		assert_int_equal(ran.exit_code, 0);
	}
	tamper(*state, "UPDATE entry SET text = char(27) || '[2J' || x'ff', kind = char(155)");
	{
		RAN_AUTO ran = RUN(*state, "journal");
		RAN_AUTO json = RUN(*state, "journal", "list", "--json");

		assert_int_equal(ran.exit_code, 0);
		assert_null(strchr(buf_str(&ran.out), 27));
		assert_null(strstr(buf_str(&ran.out), "\xc2\x9b"));
		assert_non_null(strstr(buf_str(&ran.out), "\\x1b[2J\\xff"));
		assert_int_equal(json.exit_code, 0);
	}
}

static void a_report_is_made_and_made_again(void **state)
{
	char hash[65];

	plan_hash(*state, hash);
	{
		RAN_AUTO none = RUN(*state, "report");
		RAN_AUTO approved = RUN(*state, "approve", hash);

		assert_int_equal(none.exit_code, 2);
		assert_non_null(strstr(buf_str(&none.err), "no journal yet"));
		assert_int_equal(approved.exit_code, 0);
	}
	{
		RAN_AUTO first = RUN(*state, "report");
		RAN_AUTO again = RUN(*state, "report");
		RAN_AUTO page = RUN(*state, "report", "-o", "-");
		RAN_AUTO plan = RUN(*state, "report", "-o", "airlock.yaml");
		RAN_AUTO both = RUN(*state, "report", "--json", "-o", "x");

		assert_int_equal(first.exit_code, 0);
		assert_int_equal(again.exit_code, 0);
		assert_non_null(strstr(buf_str(&again.err), "written to airlock-report.html"));
		assert_non_null(strstr(buf_str(&page.out), "No move was attempted."));
		assert_int_equal(plan.exit_code, 3);
		assert_non_null(strstr(buf_str(&plan.err), "not overwritten"));
		assert_int_equal(both.exit_code, 2);
	}
	{
		RAN_AUTO ran = RUN(*state, "report", "--json");
		json_t *doc = json_of(&ran);

		assert_string_equal(text_at(doc, "schema"), "airlock.report/1");
		assert_string_equal(text_at(doc, "verdict"), "unknown"); /* no row tells a side */
		assert_int_equal(json_array_size(json_object_get(doc, "decisions")), 1);
		json_decref(doc);
	}
}

/* From the plan alone: a runbook needs no journal and no server. */
static void a_runbook_needs_only_the_plan(void **state)
{
	RAN_AUTO ran = RUN(*state, "report", "--runbook");

	assert_int_equal(ran.exit_code, 0);
	assert_non_null(strstr(buf_str(&ran.out), "6 of them decisions"));
	assert_non_null(
		strstr(buf_str(&ran.out), "$ airlock sync\n         undo: airlock abandon"));
	assert_non_null(strstr(buf_str(&ran.out), "NONE: the one-way door"));
}

#define LONG "-with-a-name-that-is-as-long-as-names-may-be-and-it-is"

/* Names of 63 letters; only a command to be typed may be longer than a line. */
static void eighty_columns_suffice_for_the_longest_names(void **state)
{
	const char *const calls[][4] = {
		{"plan"}, {"plan", "--why", "orders-1" LONG}, {"report", "--runbook"}};
	size_t lines = 0;

	program_file(*state, "airlock.yaml",
		"airlock: 1\nname: a-plan-1" LONG "\nroutes: {r: {kind: none}}\nstores:\n"
		"  orders-1" LONG ": {engine: postgresql, old: \"host=a dbname=d\", new: \"host=b "
		"dbname=d\", pattern: replica-promotion, sync: logical, route: r}\n"
		"services:\n  shop-23" LONG ": {writes: [orders-1" LONG "]}\n");
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		RAN_AUTO ran = program_run(*state, calls[i]);

		assert_true(ran.exit_code == 0 || ran.exit_code == 3);
		for (const char *line = buf_str(&ran.out); *line; lines++) {
			size_t len = strcspn(line, "\n"), columns = 0;

			for (size_t c = 0; c < len; c++)
				columns += ((unsigned char)line[c] >> 6) != 2;
			if (columns > 80 && strncmp(line, "         $ ", 11) != 0)
				fail_msg("%zu columns: %.*s", columns, (int)len, line);
			line += len + (line[len] == '\n');
		}
	}
	assert_true(lines > 80);
}

static size_t quotes_in(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '`';
	return count;
}

static void every_listed_id_is_explained(void **state)
{
	RAN_AUTO list = RUN(*state, "explain", "--json");
	json_t *doc = json_of(&list), *row;
	size_t i;

	assert_true(json_array_size(json_object_get(doc, "ids")) > 40);
	json_array_foreach(json_object_get(doc, "ids"), i, row)
	{
		RAN_AUTO ran = RUN(*state, "explain", text_at(row, "id"));

		assert_int_equal(ran.exit_code, 0);
		assert_int_equal(
			strncmp(buf_str(&ran.out), text_at(row, "id"), strlen(text_at(row, "id"))),
			0);
		assert_true(ran.out.len > strlen(text_at(row, "id")) + 20);
		assert_true(strlen(text_at(row, "brief")) > 3);
		assert_int_equal(quotes_in(text_at(row, "brief")) % 2, 0);
	}
	json_decref(doc);
	{
		RAN_AUTO ran = RUN(*state, "explain", "exit-5");

		assert_non_null(strstr(buf_str(&ran.out), "old is primary"));
	}
}

/* As people read it elsewhere: an exit code's number, a gate's name, an alarm. */
static void what_is_known_by_a_shorter_name_is_explained(void **state)
{
	static const char *const names[][2] = {{"3", "exit-3\n"}, {"130", "exit-130\n"},
		{"writers", "gate-writers\n"}, {"pg-cron", "found-pg-cron\n"},
		{"LISTEN", "session-listen\n"}, {"timeout", "E-TIMEOUT\n"},
		{"over_budget", "OVER_BUDGET\n"}};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		RAN_AUTO ran = RUN(*state, "explain", names[i][0]);

		assert_int_equal(ran.exit_code, 0);
		assert_int_equal(strncmp(buf_str(&ran.out), names[i][1], strlen(names[i][1])), 0);
	}
	for (unsigned alarm = GUARD_BLIND; alarm <= GUARD_KEEPS; alarm *= 2) {
		RAN_AUTO ran = RUN(*state, "explain", guard_alarm_name((enum guard_alarm)alarm));

		assert_int_equal(ran.exit_code, 0);
		assert_int_equal(strncmp(buf_str(&ran.out), "alarm-", 6), 0);
	}
	{
		RAN_AUTO ran = RUN(*state, "explain", "99");

		assert_int_equal(ran.exit_code, 2);
	}
}

static void help_goes_to_stdout_and_is_the_same_both_ways(void **state)
{
	RAN_AUTO a = RUN(*state, "help", "run");
	RAN_AUTO b = RUN(*state, "run", "--help");
	RAN_AUTO version = RUN(*state, "--version");

	assert_int_equal(a.exit_code, 0);
	assert_string_equal(buf_str(&a.out), buf_str(&b.out));
	assert_int_equal(strncmp(buf_str(&version.out), "airlock ", 8), 0);
}

static int shell(struct program *p, const char *line)
{
	char command[300];
	int status;

	snprintf(command, sizeof command, "cd %s && %s", p->dir, line);
	status = system(command);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* As scripts do it: onto a full disk, and into a pipe that nobody reads. */
static void output_that_goes_nowhere_is_an_error(void **state)
{
	assert_int_equal(shell(*state, "\"$AIRLOCK_BIN\" help > /dev/full 2> err"), 1);
	assert_int_equal(shell(*state, "mkfifo f && (exec 3<>f 4>f 3>&-; \"$AIRLOCK_BIN\" help >&4 "
				       "2> err)"),
		1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(init_writes_a_plan_without_a_fault),
		CASE(plan_is_a_document_with_waves),
		CASE(an_accident_is_shown_and_refused),
		CASE(long_lists_of_crossings_are_counted),
		CASE(a_placement_is_explained),
		CASE(a_plan_can_be_looked_at),
		CASE(a_plan_with_errors_is_a_document_too),
		CASE(an_approval_is_bound_to_the_hash),
		CASE(the_journal_is_listed_verified_and_exported),
		CASE(journal_flags_belong_to_their_word),
		CASE(a_hostile_journal_is_shown_safely),
		CASE(a_report_is_made_and_made_again),
		CASE(a_runbook_needs_only_the_plan),
		CASE(eighty_columns_suffice_for_the_longest_names),
		CASE(every_listed_id_is_explained),
		CASE(what_is_known_by_a_shorter_name_is_explained),
		CASE(help_goes_to_stdout_and_is_the_same_both_ways),
		CASE(output_that_goes_nowhere_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
