#include "../testing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discover/process.h"
#include "discover/unix_peer.h"

#define PORT 5999

/* A "backend": a child that has accepted one client on a socket called as PostgreSQL's. */
struct world {
	char dir[64], path[96];
	int client;
	pid_t backend;
};

static int listen_at(struct world *w)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(w->dir, sizeof w->dir, "/tmp/airlock-peer-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/.s.PGSQL.%d", w->dir, PORT);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", w->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 1), 0);
	w->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(w->client, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void serve(struct world *w, int listener)
{
	int fd;

	close(w->client); /* held by the client's process alone */
	fd = accept(listener, NULL, NULL);
	close(listener);
	if (fd < 0 || write(fd, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	int listener = listen_at(w);
	char ready;

	w->backend = fork();
	if (w->backend == 0)
		serve(w, listener);
	close(listener);
	assert_int_equal(read(w->client, &ready, 1), 1);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	kill(w->backend, SIGKILL);
	waitpid(w->backend, NULL, 0);
	close(w->client);
	unlink(w->path);
	rmdir(w->dir);
	free(w);
	return 0;
}

static void test_the_clients_socket(void **state)
{
	struct world *w = *state;
	struct process process;
	struct stat own;
	char pid[32];

	fstat(w->client, &own);
	assert_int_equal(unix_peer_of_backend(w->backend, 0, PORT), own.st_ino);
	assert_true(process_of_backend(w->backend, 0, PORT, &process));
	assert_int_equal(process.pid, getpid());
	snprintf(pid, sizeof pid, "pid %ld, ", (long)getpid());
	assert_ptr_equal(strstr(process.text, pid), process.text);
}

/* Process ids are used again, and other hosts have them too. */
static void test_another_process_is_not_taken_for_it(void **state)
{
	struct world *w = *state;

	assert_int_equal(unix_peer_of_backend(w->backend, 60000, PORT), 0);
	assert_int_equal(unix_peer_of_backend(w->backend, -60000, PORT), 0);
	assert_int_equal(unix_peer_of_backend(w->backend, 0, PORT + 1), 0);
	assert_int_equal(unix_peer_of_backend(0, 0, PORT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_clients_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_another_process_is_not_taken_for_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
