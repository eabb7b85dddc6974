#include "../testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "gateway/controld.h"

/* A gateway that answers status at once and keeps the rest until it is told to answer. */
struct world {
	uv_loop_t loop;
	char dir[64], path[96];
	struct controld *controld;
	struct controld_request *kept[CONTROLD_OPEN_MAX + 2];
	size_t kept_count;
	struct control_arm arm;
	struct control_hold hold;
	struct control_release release;
	struct control_accounts accounts;
	bool arm_has_policies, hold_has_policies;
	struct policies policies; /* of the newest that had some */
};

static void keep(struct world *w, struct controld_request *request)
{
	assert_in_range(w->kept_count, 0, CONTROLD_OPEN_MAX + 1);
	w->kept[w->kept_count++] = request;
}

static bool take_policies(struct world *w, const struct policies *policies)
{
	if (policies)
		w->policies = *policies;
	return policies != NULL;
}

static void on_arm(void *ctx, struct controld_request *request, const struct control_arm *arm,
	const struct policies *policies)
{
	struct world *w = ctx;

	w->arm_has_policies = take_policies(w, policies);
	w->arm = *arm;
	keep(w, request);
}

static void on_hold(void *ctx, struct controld_request *request, const struct control_hold *hold,
	const struct policies *policies)
{
	struct world *w = ctx;

	w->hold_has_policies = take_policies(w, policies);
	w->hold = *hold;
	keep(w, request);
}

static void on_release(
	void *ctx, struct controld_request *request, const struct control_release *release)
{
	struct world *w = ctx;

	w->release = *release;
	keep(w, request);
}

static void on_status(void *ctx, struct controld_request *request)
{
	struct control_reply reply = {.ok = true, .status = {.phase = CONTROL_HELD, .held = 3}};

	(void)ctx;
	controld_reply(request, &reply);
}

static void on_accounts(
	void *ctx, struct controld_request *request, const struct control_accounts *asked)
{
	struct world *w = ctx;

	w->accounts = *asked;
	keep(w, request);
}

static const struct controld_ops ops = {on_arm, on_hold, on_release, on_status};

static int open_at(struct world *w, struct controld **ret, struct err *err)
{
	struct controld_options options = {.loop = &w->loop,
		.path = w->path,
		.plan = "shop",
		.store = "orders",
		.route = "gw",
		.ops = &ops,
		.ctx = w,
		.accounts = on_accounts,
		.accounts_ctx = w};

	return controld_open(&options, ret, err);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err err = ERR_INIT;

	assert_int_equal(uv_loop_init(&w->loop), 0);
	strcpy(w->dir, "/tmp/airlock-controld-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/s", w->dir);
	if (open_at(w, &w->controld, &err) != 0)
		fail_msg("%s", err.msg);
	*state = w;
	return 0;
}

static void note_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	bool closed = false;

	controld_close(w->controld, note_closed, &closed);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_true(closed);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	assert_int_not_equal(access(w->path, F_OK), 0);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

/* ---- the asker ------------------------------------------------------------------------------- */

static int dial(struct world *w)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", w->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Lets the loop run until the next line comes; "" when it hung up.  One line at a time. */
static const char *hear(struct world *w, int fd)
{
	static char line[CONTROL_LINE_MAX];
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, line + len, 1, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return "";
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			uv_run(&w->loop, UV_RUN_NOWAIT);
		} else if (line[len++] == '\n') {
			line[len] = '\0';
			return line;
		}
	}
}

static void assert_says(struct world *w, int fd, const char *words)
{
	const char *line = hear(w, fd);

	if (strstr(line, words) == NULL)
		fail_msg("'%s' is not in '%s'", words, line);
}

static void wait_for_kept(struct world *w, size_t count)
{
	while (w->kept_count < count)
		uv_run(&w->loop, UV_RUN_ONCE);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void only_its_owner_can_open_it(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(stat(w->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_uid, geteuid());
}

static void hello_is_answered_here(void **state)
{
	struct world *w = *state;
	int fd = dial(w);

	say(fd, "{\"id\":1,\"cmd\":\"hello\"}\n");
	assert_says(w, fd, "\"plan\":\"shop\"");
	assert_int_equal(w->kept_count, 0);
	close(fd);
}

static void requests_are_handed_on_and_answered_in_any_order(void **state)
{
	struct world *w = *state;
	struct control_reply reply = {.ok = true, .hold = {.held = 5, .drain_ms = 2}};
	int fd = dial(w);

	say(fd, "{\"id\":4,\"cmd\":\"arm\",\"attempt\":7,\"src\":\"old\",\"dst\":\"new\",\"share\":"
		"9}\n"
		"{\"id\":5,\"cmd\":\"hold\",\"attempt\":7,\"src\":\"old\",\"hold_ms\":50,\"drain_"
		"ms\":10,\"carry\":{\"temp_tables\":\"wait\"}}\n"
		"{\"id\":6,\"cmd\":\"release\",\"side\":\"new\",\"epoch\":12}\n");
	wait_for_kept(w, 3);
	assert_int_equal(w->arm.share, 9);
	assert_int_equal(w->hold.hold_ms, 50);
	assert_int_equal(w->release.epoch, 12);
	assert_false(w->arm_has_policies);
	assert_true(w->hold_has_policies);
	assert_int_equal(w->policies.of[CLASS_TEMP_TABLES], POLICY_WAIT);
	say(fd, "{\"id\":7,\"cmd\":\"status\"}\n");
	assert_says(w, fd, "\"id\":7");
	controld_refuse(w->kept[2], "stale", "epoch %d is older", 12);
	assert_says(w, fd, "\"code\":\"stale\"");
	controld_reply(w->kept[1], &reply);
	assert_says(w, fd, "\"id\":5");
	reply = (struct control_reply){.ok = true, .arm = {.sessions = 1}};
	controld_reply(w->kept[0], &reply);
	assert_says(w, fd, "\"id\":4");
	close(fd);
}

static void accounts_are_asked_of_whom_they_are_known_to(void **state)
{
	struct world *w = *state;
	struct control_reply *reply = calloc(1, sizeof *reply);
	int fd = dial(w);

	say(fd, "{\"id\":4,\"cmd\":\"accounts\",\"ended\":true,\"before\":9}\n");
	wait_for_kept(w, 1);
	assert_true(w->accounts.ended);
	assert_int_equal(w->accounts.before, 9);
	reply->ok = true;
	reply->accounts.count = 1;
	strcpy(reply->accounts.rows[0].address, "10.0.0.7");
	controld_reply(w->kept[0], reply);
	assert_says(w, fd, "\"address\":\"10.0.0.7\"");
	free(reply);
	close(fd);
}

static void a_line_may_come_in_pieces(void **state)
{
	static const char text[] = "{\"id\":1,\"cmd\":\"status\"}\n{\"id\":2,\"cmd\":\"status\"}\n";
	struct world *w = *state;
	int fd = dial(w);

	for (const char *at = text; *at != '\0'; at++) {
		say(fd, (const char[]){*at, '\0'});
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	assert_says(w, fd, "\"id\":1");
	assert_says(w, fd, "\"id\":2");
	close(fd);
}

static void what_cannot_be_read_is_refused_with_its_id(void **state)
{
	struct world *w = *state;
	int fd = dial(w);

	say(fd, "{\"id\":8,\"cmd\":\"explode\"}\n");
	assert_says(w, fd, "\"id\":8,\"ok\":false");
	say(fd, "{\"id\":9,\"cmd\":\"hold\"}\n");
	assert_says(w, fd, "\"id\":9,\"ok\":false");
	say(fd, "no json\n");
	assert_string_equal(hear(w, fd), "");
	close(fd);
}

static void a_line_without_end_is_hung_up_on(void **state)
{
	struct world *w = *state;
	int fd = dial(w), other = dial(w);
	char piece[4096];

	memset(piece, ' ', sizeof piece);
	for (size_t sent = 0; sent < CONTROL_LINE_MAX; sent += sizeof piece) {
		assert_int_equal(send(fd, piece, sizeof piece, MSG_NOSIGNAL), sizeof piece);
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	assert_string_equal(hear(w, fd), "");
	say(other, "{\"id\":1,\"cmd\":\"status\"}\n");
	assert_says(w, other, "\"id\":1");
	close(fd);
	close(other);
}

static void too_many_open_requests_are_hung_up_on_and_their_answers_go_nowhere(void **state)
{
	struct world *w = *state;
	int fd = dial(w);

	for (int i = 0; i < CONTROLD_OPEN_MAX + 1; i++)
		say(fd, "{\"id\":1,\"cmd\":\"release\",\"side\":\"old\",\"epoch\":1}\n");
	assert_string_equal(hear(w, fd), "");
	assert_int_equal(w->kept_count, CONTROLD_OPEN_MAX);
	for (size_t i = 0; i < w->kept_count; i++)
		controld_refuse(w->kept[i], "over", "too late");
	close(fd);
}

static void an_asker_that_goes_away_ends_nothing(void **state)
{
	struct world *w = *state;
	int fd = dial(w), other;

	say(fd, "{\"id\":1,\"cmd\":\"hold\",\"attempt\":7,\"src\":\"old\",\"hold_ms\":50,\"drain_"
		"ms\":10}\n");
	wait_for_kept(w, 1);
	close(fd);
	other = dial(w);
	say(other, "{\"id\":1,\"cmd\":\"status\"}\n");
	assert_says(w, other, "\"phase\":\"held\"");
	controld_refuse(w->kept[0], "drain", "nobody hears this");
	say(other, "{\"id\":2,\"cmd\":\"status\"}\n");
	assert_says(w, other, "\"id\":2");
	close(other);
}

static void an_asker_that_does_not_read_is_hung_up_on(void **state)
{
	struct world *w = *state;
	int fd = dial(w), other = dial(w);
	char drop[4096];
	ssize_t n = 0;

	while (send(fd, "{\"id\":1,\"cmd\":\"status\"}\n", 24, MSG_NOSIGNAL) == 24)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	while ((n = recv(fd, drop, sizeof drop, 0)) > 0)
		;
	assert_true(n == 0 || errno == ECONNRESET);
	say(other, "{\"id\":1,\"cmd\":\"status\"}\n");
	assert_says(w, other, "\"id\":1");
	close(fd);
	close(other);
}

static void more_askers_than_there_are_places_are_turned_away(void **state)
{
	struct world *w = *state;
	int fds[CONTROLD_CONNECTIONS_MAX], more;

	for (size_t i = 0; i < CONTROLD_CONNECTIONS_MAX; i++) {
		fds[i] = dial(w);
		say(fds[i], "{\"id\":1,\"cmd\":\"status\"}\n");
		assert_says(w, fds[i], "\"id\":1");
	}
	more = dial(w);
	assert_string_equal(hear(w, more), "");
	close(more);
	close(fds[0]);
	say(fds[1], "{\"id\":2,\"cmd\":\"status\"}\n");
	assert_says(w, fds[1], "\"id\":2");
	more = dial(w);
	say(more, "{\"id\":3,\"cmd\":\"status\"}\n");
	assert_says(w, more, "\"id\":3");
	close(more);
	for (size_t i = 1; i < CONTROLD_CONNECTIONS_MAX; i++)
		close(fds[i]);
}

static void a_second_gateway_is_refused_and_a_dead_ones_socket_replaced(void **state)
{
	struct world *w = *state;
	struct controld *second;
	struct err err = ERR_INIT;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char kept[sizeof w->path];
	int dead;

	assert_int_equal(open_at(w, &second, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(access(w->path, F_OK), 0);

	memcpy(kept, w->path, sizeof kept);
	snprintf(w->path, sizeof w->path, "%s/dead", w->dir);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", w->path);
	dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
	close(dead);
	assert_int_equal(open_at(w, &second, &err), 0);
	close(dial(w));
	controld_close(second, NULL, NULL);
	assert_int_not_equal(access(w->path, F_OK), 0);
	memcpy(w->path, kept, sizeof kept);
}

static void what_is_no_socket_is_left_alone(void **state)
{
	struct world *w = *state;
	struct controld *second;
	struct err err = ERR_INIT;
	char kept[sizeof w->path];
	FILE *file;

	memcpy(kept, w->path, sizeof kept);
	snprintf(w->path, sizeof w->path, "%s/file", w->dir);
	file = fopen(w->path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(open_at(w, &second, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_int_equal(unlink(w->path), 0);
	memcpy(w->path, kept, sizeof kept);
}

static void a_missing_directory_is_named_as_such(void **state)
{
	struct world *w = *state;
	struct controld *second;
	struct err err = ERR_INIT;
	char kept[sizeof w->path];

	memcpy(kept, w->path, sizeof kept);
	snprintf(w->path, sizeof w->path, "%s/none/socket", w->dir);
	assert_int_equal(open_at(w, &second, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.msg, "its directory is missing"));
	memcpy(w->path, kept, sizeof kept);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_its_owner_can_open_it),
		TEST(hello_is_answered_here),
		TEST(requests_are_handed_on_and_answered_in_any_order),
		TEST(accounts_are_asked_of_whom_they_are_known_to),
		TEST(a_line_may_come_in_pieces),
		TEST(what_cannot_be_read_is_refused_with_its_id),
		TEST(a_line_without_end_is_hung_up_on),
		TEST(too_many_open_requests_are_hung_up_on_and_their_answers_go_nowhere),
		TEST(an_asker_that_goes_away_ends_nothing),
		TEST(an_asker_that_does_not_read_is_hung_up_on),
		TEST(more_askers_than_there_are_places_are_turned_away),
		TEST(a_second_gateway_is_refused_and_a_dead_ones_socket_replaced),
		TEST(what_is_no_socket_is_left_alone),
		TEST(a_missing_directory_is_named_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
