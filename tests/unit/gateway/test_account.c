/* test_account.c - accounts of as many sessions as a gateway can have, page by page over its control
 * socket, and of more that ended than it keeps. */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "gateway/account.h"
#include "gateway/controld.h"
#include "gateway/session.h"

/* Sessions that have logged in, with a client's end of a socket each and no server. */
struct world {
	struct gateway gateway;
	char dir[64], path[96];
	struct controld *controld;
	int fd, pair[2];
	struct control_reply reply;
};

static void add_session(struct gateway *g, size_t i, int fd)
{
	struct session *s = &g->slab[i];

	*s = (struct session){.gateway = g, .phase = SESSION_HELD, .next = g->first};
	account_begin(s, fd);
	s->login.user = "shop_app";
	s->login.database = "shop";
	g->first = s;
	g->count++;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct controld_options options = {.loop = &w->gateway.loop,
		.path = w->path,
		.plan = "shop",
		.store = "orders",
		.route = "gw",
		.accounts = accounts_answer,
		.accounts_ctx = &w->gateway};
	struct err err = ERR_INIT;

	assert_int_equal(uv_loop_init(&w->gateway.loop), 0);
	accounts_init(&w->gateway.accounts);
	w->gateway.slab = calloc(GATEWAY_SESSIONS_MAX, sizeof *w->gateway.slab);
	assert_non_null(w->gateway.slab);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, w->pair), 0);
	for (size_t i = 0; i < GATEWAY_SESSIONS_MAX; i++)
		add_session(&w->gateway, i, w->pair[0]);
	strcpy(w->dir, "/tmp/airlock-account-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/s", w->dir);
	assert_int_equal(controld_open(&options, &w->controld, &err), 0);
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", w->path);
	assert_int_equal(connect(w->fd, (struct sockaddr *)&at, sizeof at), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	close(w->fd);
	close(w->pair[0]);
	close(w->pair[1]);
	controld_close(w->controld, NULL, NULL);
	uv_run(&w->gateway.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->gateway.loop), 0);
	accounts_fini(&w->gateway.accounts);
	free(w->gateway.slab);
	rmdir(w->dir);
	free(w);
	return 0;
}

static const struct control_accounts_reply *ask(struct world *w, bool ended, int64_t before)
{
	struct control_request request = {.id = 1, .cmd = CONTROL_ACCOUNTS,
		.accounts = {.ended = ended, .before = before}};
	static char line[CONTROL_LINE_MAX];
	struct err err = ERR_INIT;
	BUF_AUTO text = BUF_INIT;
	size_t len = 0;

	control_request_write(&request, &text);
	assert_int_equal(send(w->fd, text.data, text.len, MSG_NOSIGNAL), text.len);
	while (len == 0 || line[len - 1] != '\n') {
		ssize_t n = recv(w->fd, line + len, sizeof line - len, 0);

		if (n > 0)
			len += (size_t)n;
		else
			uv_run(&w->gateway.loop, UV_RUN_NOWAIT);
	}
	if (control_reply_read(line, len - 1, CONTROL_ACCOUNTS, &w->reply, &err) != 0)
		fail_msg("%s", err.msg);
	return &w->reply.accounts;
}

/* Every number from `newest` down to `oldest`, each once. */
static size_t read_all(struct world *w, bool ended, int64_t newest, int64_t oldest)
{
	const struct control_accounts_reply *page = ask(w, ended, 0);
	int64_t expected = newest;
	size_t pages = 1;

	for (;; pages++) {
		for (size_t i = 0; i < page->count; i++)
			assert_int_equal(page->rows[i].number, expected--);
		if (page->next == 0)
			break;
		assert_int_equal(page->count, CONTROL_ACCOUNTS_MAX);
		page = ask(w, ended, page->next);
	}
	assert_int_equal(expected, oldest - 1);
	return pages;
}

static void as_many_as_there_can_be_are_told_once_each(void **state)
{
	struct world *w = *state;
	const struct control_accounts_reply *page;

	assert_int_equal(read_all(w, false, GATEWAY_SESSIONS_MAX, 1),
		(GATEWAY_SESSIONS_MAX + CONTROL_ACCOUNTS_MAX - 1) / CONTROL_ACCOUNTS_MAX);
	page = ask(w, false, 0);
	assert_int_equal(page->sessions, GATEWAY_SESSIONS_MAX);
	assert_int_equal(page->ended, 0);
	assert_string_equal(page->rows[0].address, "local"); /* a socket of the file system */
	assert_int_equal(page->rows[0].port, 0);
	assert_int_equal(ask(w, false, 1)->count, 0);
	assert_int_equal(ask(w, false, INT64_MAX)->rows[0].number, GATEWAY_SESSIONS_MAX);
	assert_int_equal(ask(w, true, 0)->count, 0);
}

/* A client that has not logged in is nobody's session. */
static void who_is_not_in_has_no_account(void **state)
{
	struct world *w = *state;
	struct session *s = w->gateway.first;

	s->phase = SESSION_AUTH;
	account_end(s);
	assert_int_equal(ask(w, true, 0)->ended, 0);
	assert_int_equal(ask(w, false, 0)->sessions, GATEWAY_SESSIONS_MAX - 1);
	assert_int_equal(ask(w, false, 0)->rows[0].number, GATEWAY_SESSIONS_MAX - 1);
	s->phase = SESSION_HELD;
}

static void the_last_that_ended_are_kept_and_no_more(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < 10; i++)
		account_end(&w->gateway.slab[i]);
	read_all(w, true, 10, 1);
	for (size_t i = 10; i < 3000; i++) {
		account_command(&w->gateway.slab[i], (const uint8_t *)"UPDATE 2", 9);
		account_end(&w->gateway.slab[i]);
	}
	read_all(w, true, 3000, 3000 - ACCOUNTS_KEPT + 1);
	assert_int_equal(ask(w, true, 0)->ended, 3000);
	assert_int_equal(w->reply.accounts.rows[0].rows, 2);
	assert_string_equal(w->reply.accounts.rows[0].wrote, "UPDATE");
	assert_int_equal(ask(w, true, 3000 - ACCOUNTS_KEPT + 1)->count, 0); /* forgotten */
	assert_int_equal(ask(w, true, INT64_MAX)->rows[0].number, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			as_many_as_there_can_be_are_told_once_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_not_in_has_no_account, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_last_that_ended_are_kept_and_no_more, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
