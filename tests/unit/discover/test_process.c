/* test_process.c - whose socket that is on this host, or why that cannot be said. */
#include "../testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discover/process.h"

static struct sockaddr_in loopback(const char *address)
{
	struct sockaddr_in at = {.sin_family = AF_INET};

	assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
	return at;
}

/* A socket at that address; its port is the kernel's choice. */
static int bound(const char *address, unsigned *ret_port)
{
	struct sockaddr_in at = loopback(address);
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void assert_why(const char *address, unsigned port, const char *words)
{
	struct process process;

	assert_false(process_of_peer(address, port, &process));
	assert_int_equal(process.pid, 0);
	assert_string_equal(process.text, "");
	if (strstr(process.why, words) == NULL)
		fail_msg("'%s' is not in '%s'", words, process.why);
}

static void our_own_socket_is_ours(void **state)
{
	struct process process;
	unsigned port;
	int fd = bound("127.0.0.9", &port);

	(void)state;
	assert_true(process_of_peer("127.0.0.9", port, &process));
	assert_int_equal(process.pid, getpid());
	assert_string_equal(process.program, "test_discover_process");
	assert_string_equal(process.why, "");
	close(fd);
}

static void what_is_not_there_or_not_here_says_so(void **state)
{
	unsigned port;
	int fd = bound("127.0.0.9", &port);

	(void)state;
	assert_why("127.0.0.8", port, "no socket of this host is at port");
	close(fd);
	assert_why("127.0.0.9", port, "no socket of this host is at port");
	assert_why("192.0.2.7", 5432, "192.0.2.7 is no address of this host");
	assert_why("2001:db8::7", 5432, "2001:db8::7 is no address of this host");
	assert_why("", 0, "no address of this host");
}

/* Somebody else: another process, of another user where this one may become that. */
static int as_somebody_else(int fd, unsigned port)
{
	struct process process;
	bool other = geteuid() == 0 && setuid(65534) == 0;
	bool found;

	close(fd); /* held by the parent alone */
	found = process_of_peer("127.0.0.9", port, &process);

	if (!other) /* nobody to become: a process of one's own is seen */
		return found ? 0 : 1;
	return !found && strstr(process.why, "its socket is of user root: only that user") ? 0 : 2;
}

static void a_process_of_another_user_is_told_by_that_user(void **state)
{
	unsigned port;
	int status, fd = bound("127.0.0.9", &port);
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(as_somebody_else(fd, port));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_socket_is_ours),
		cmocka_unit_test(what_is_not_there_or_not_here_says_so),
		cmocka_unit_test(a_process_of_another_user_is_told_by_that_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
