/* A leg and a server's login over real sockets of this process: bytes kept in order when the other
 * end does not read, what is dropped, who is gone, the next address when one does not answer. */
#include "../testing.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/gateway.h"
#include "gateway/server.h"

struct world {
	uv_loop_t loop;
	struct pool pool;
	struct legs legs;
	struct leg *a, *b;
	int other_a, other_b; /* the ends that the test holds */
	int ready;
};

static void on_ready(struct leg *leg)
{
	struct world *w = leg->owner;

	w->ready++;
	uv_stop(&w->loop);
}

static struct leg *pair(struct world *w, int *ret_other)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	*ret_other = fds[1];
	return leg_new(&w->legs, fds[0], on_ready, w);
}

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err err = ERR_INIT;

	assert_non_null(w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(pool_init(&w->pool, 16, &err), 0);
	assert_int_equal(legs_init(&w->legs, &w->loop, &w->pool, 8, &err), 0);
	w->a = pair(w, &w->other_a);
	w->b = pair(w, &w->other_b);
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	leg_close(w->a);
	leg_close(w->b);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	close(w->other_a);
	close(w->other_b);
	legs_fini(&w->legs);
	pool_fini(&w->pool);
	free(w);
	return 0;
}

static void say_to(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void what_comes_wakes_the_owner_and_the_buffer_goes_back_when_it_is_empty(void **state)
{
	struct world *w = *state;

	say_to(w->other_a, "hello");
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(w->ready, 1);
	assert_true(leg_read(w->a));
	assert_memory_equal(w->a->in, "hello", 5);
	assert_int_equal(leg_unseen(w->a), 5);
	leg_drop(w->a, 2);
	assert_int_equal(leg_unseen(w->a), 3);
	leg_drop(w->a, 3);
	assert_null(w->a->in);
	assert_false(leg_read(w->a));
	assert_null(w->a->in);
}

static void what_is_dropped_in_the_middle_closes_the_gap(void **state)
{
	struct world *w = *state;
	char got[16];

	say_to(w->other_a, "keepDROPrest");
	assert_true(leg_read(w->a));
	w->a->mid += 4;
	leg_drop_mid(w->a, 4);
	w->a->mid += 4;
	assert_true(leg_pass(w->a, w->b));
	assert_int_equal(read(w->other_b, got, sizeof got), 8);
	assert_memory_equal(got, "keeprest", 8);
}

/* Until the socket is full, then in pieces as the reader comes along. */
static void bytes_stay_in_order_when_the_reader_is_slow(void **state)
{
	struct world *w = *state;
	size_t sent = 0, got = 0;
	uint8_t block[4096], back[8192];

	while (!w->b->blocked) {
		for (size_t i = 0; i < sizeof block; i++)
			block[i] = (uint8_t)((sent + i) % 251);
		assert_int_equal(write(w->other_a, block, sizeof block), sizeof block);
		sent += sizeof block;
		assert_true(leg_read(w->a));
		w->a->mid = w->a->end;
		leg_pass(w->a, w->b);
	}
	assert_true(w->a->mid > w->a->start);
	while (got < sent) {
		ssize_t n = read(w->other_b, back, sizeof back);

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(back[i], (got + (size_t)i) % 251);
		got += (size_t)n;
		leg_pass(w->a, w->b);
	}
	assert_false(w->b->blocked);
}

static void what_we_say_ourselves_is_kept_and_comes_before_what_is_passed(void **state)
{
	struct world *w = *state;
	uint8_t block[4096] = {7}, back[8192];
	size_t sent = 0, got = 0;
	uint8_t last = 0;

	while (!w->b->out) {
		assert_true(leg_send(w->b, block, sizeof block));
		sent += sizeof block;
	}
	say_to(w->other_a, "Z");
	assert_true(leg_read(w->a));
	w->a->mid = w->a->end;
	assert_false(leg_pass(w->a, w->b));
	while (got < sent + 1) {
		ssize_t n = read(w->other_b, back, sizeof back);

		assert_true(n > 0);
		got += (size_t)n;
		last = back[n - 1];
		leg_pass(w->a, w->b);
	}
	assert_int_equal(last, 'Z');
	assert_null(w->b->out);
}

static void a_peer_that_left_is_noticed_with_and_without_reading(void **state)
{
	struct world *w = *state;

	say_to(w->other_a, "bye");
	shutdown(w->other_a, SHUT_WR);
	assert_true(leg_read(w->a));
	assert_false(leg_read(w->a));
	assert_true(w->a->gone);
	w->b->reading = false;
	w->b->watching = true;
	leg_arm(w->b);
	shutdown(w->other_b, SHUT_WR);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_true(w->b->gone);
}

static void a_full_buffer_is_not_read_into(void **state)
{
	struct world *w = *state;
	uint8_t block[POOL_BUFFER_BYTES + 100] = {0};

	assert_int_equal(write(w->other_a, block, sizeof block), sizeof block);
	while (leg_read(w->a))
		;
	assert_int_equal(leg_unseen(w->a), POOL_BUFFER_BYTES);
	leg_arm(w->a);
	assert_int_equal(w->a->events & UV_READABLE, 0);
	leg_drop(w->a, 50);
	leg_arm(w->a);
	assert_int_equal(w->a->events & UV_READABLE, UV_READABLE);
	assert_true(leg_read(w->a));
	assert_int_equal(leg_unseen(w->a), POOL_BUFFER_BYTES);
}

/* ---- the next address ------------------------------------------------------------------------ */

static void on_changed(struct server *server)
{
	server_close(server);
}

static struct gateway_address some_port(bool listens, int *ret_fd)
{
	struct gateway_address at = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (struct sockaddr_in *)&at.address;

	*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	*ret_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*ret_fd, (struct sockaddr *)in, at.len), 0);
	assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)in, &at.len), 0);
	if (listens)
		assert_int_equal(listen(*ret_fd, 1), 0);
	return at;
}

static void when_an_address_does_not_answer_the_next_is_tried(void **state)
{
	struct world *w = *state;
	struct gateway *g = calloc(1, sizeof *g);
	struct server server = {.changed = on_changed};
	const struct server_login login = {.user = "somebody"};
	struct err err = ERR_INIT;
	int deaf, open, client;

	assert_non_null(g);
	g->side[CONTROL_OLD].addresses[0] = some_port(false, &deaf);
	g->side[CONTROL_OLD].addresses[1] = some_port(true, &open);
	g->side[CONTROL_OLD].addresses_count = 2;
	assert_int_equal(legs_init(&g->legs, &w->loop, &w->pool, 4, &err), 0);
	assert_int_equal(server_open(&server, g, CONTROL_OLD, &login, &err), 0);
	w->a->reading = w->b->reading = false;
	leg_arm(w->a);
	leg_arm(w->b);
	uv_run(&w->loop, UV_RUN_DEFAULT); /* refused, closed by on_changed: nothing is left */
	assert_int_equal(server.err.code, ERR_UNREACHABLE);
	assert_int_equal(server_open(&server, g, CONTROL_OLD, &login, &err), 0);
	client = accept(open, NULL, NULL);
	assert_true(client >= 0);
	server_close(&server);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	close(client);
	close(open);
	close(deaf);
	legs_fini(&g->legs);
	free(g);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_comes_wakes_the_owner_and_the_buffer_goes_back_when_it_is_empty),
		TEST(what_is_dropped_in_the_middle_closes_the_gap),
		TEST(bytes_stay_in_order_when_the_reader_is_slow),
		TEST(what_we_say_ourselves_is_kept_and_comes_before_what_is_passed),
		TEST(a_peer_that_left_is_noticed_with_and_without_reading),
		TEST(a_full_buffer_is_not_read_into),
		TEST(when_an_address_does_not_answer_the_next_is_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
