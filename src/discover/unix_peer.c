#include "discover/unix_peer.h"

#include <dirent.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define AGE_SLACK_MS 2000 /* a backend is forked a moment before it notes when it began */
#define SOCKETS_MAX 16	  /* a backend has its client's and few others */
#define ANSWER_S 1

/* ---- is it that backend? --------------------------------------------------------------------- */

/* Field 22 of /proc/PID/stat, clock ticks since boot; the name before it may hold anything. */
static bool started_ticks(pid_t pid, unsigned long long *ret)
{
	char path[64], text[1024], *at;
	FILE *file;
	size_t n;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[n] = '\0';
	at = strrchr(text, ')');
	return at != NULL && sscanf(at + 1,
				     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d"
				     " %*d %*d %*d %*d %llu",
				     ret) == 1;
}

/* A process of that age; the ages are compared, not the clocks, so that one that was set does not
 * matter. */
static bool is_of_age(pid_t pid, int64_t age_ms)
{
	long hz = sysconf(_SC_CLK_TCK);
	unsigned long long ticks;
	struct timespec now;
	int64_t ms;

	if (!started_ticks(pid, &ticks) || hz <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return false;
	ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
	     (int64_t)(ticks * 1000 / (unsigned long long)hz);
	return ms >= age_ms - AGE_SLACK_MS && ms <= age_ms + AGE_SLACK_MS;
}

static size_t sockets_of(pid_t pid, unsigned ret[SOCKETS_MAX])
{
	char path[64], link[64];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while (count < SOCKETS_MAX && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		count += sscanf(link, "socket:[%u]", &ret[count]) == 1;
	}
	closedir(dir);
	return count;
}

/* ---- a socket and its peer, by sock_diag(7) -------------------------------------------------- */

struct unix_socket {
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	unsigned peer;
};

static bool send_request(int fd, unsigned inode)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} request = {
		.head = {.nlmsg_len = sizeof request,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = AF_UNIX,
			.udiag_states = ~0U,
			.udiag_ino = inode,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER,
			.udiag_cookie = {~0U, ~0U}},
	};

	return send(fd, &request, sizeof request, 0) == (ssize_t)sizeof request;
}

static void take_attribute(struct rtattr *attr, struct unix_socket *ret)
{
	size_t len = RTA_PAYLOAD(attr);

	if (attr->rta_type == UNIX_DIAG_NAME && len < sizeof ret->name) {
		memcpy(ret->name, RTA_DATA(attr), len);
		ret->name[len] = '\0';
	} else if (attr->rta_type == UNIX_DIAG_PEER && len == sizeof ret->peer) {
		memcpy(&ret->peer, RTA_DATA(attr), len);
	}
}

static bool take_answer(struct nlmsghdr *head, size_t len, struct unix_socket *ret)
{
	const struct unix_diag_msg *body = NLMSG_DATA(head);
	struct rtattr *attr;
	size_t left;

	if (!NLMSG_OK(head, len) || head->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		head->nlmsg_len < NLMSG_LENGTH(sizeof *body))
		return false;
	left = head->nlmsg_len - NLMSG_LENGTH(sizeof *body);
	attr = (struct rtattr *)(void *)(uintptr_t)(body + 1);
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		take_attribute(attr, ret);
	return ret->peer != 0;
}

/* False as well for what is no Unix-domain socket: the kernel knows none of that inode. */
static bool look_up(int fd, unsigned inode, struct unix_socket *ret)
{
	_Alignas(struct nlmsghdr) char answer[4096];
	ssize_t n;

	*ret = (struct unix_socket){.peer = 0};
	if (!send_request(fd, inode))
		return false;
	n = recv(fd, answer, sizeof answer, 0);
	return n > 0 && take_answer((struct nlmsghdr *)(void *)answer, (size_t)n, ret);
}

static bool is_server_socket(const char *name, unsigned port)
{
	const char *slash = strrchr(name, '/');
	char wanted[32];

	snprintf(wanted, sizeof wanted, "/.s.PGSQL.%u", port);
	return slash != NULL && strcmp(slash, wanted) == 0;
}

const char *unix_peer_why(pid_t backend, int64_t age_ms)
{
	char path[64];

	if (backend <= 0 || !is_of_age(backend, age_ms))
		return "its server process is none of this host's";
	snprintf(path, sizeof path, "/proc/%ld/fd", (long)backend);
	if (access(path, R_OK | X_OK) != 0)
		return "only root and the server's user may look at its server process";
	return "the other end of its socket cannot be seen";
}

unsigned unix_peer_of_backend(pid_t backend, int64_t age_ms, unsigned port)
{
	struct timeval patience = {.tv_sec = ANSWER_S};
	unsigned inode[SOCKETS_MAX], peer = 0;
	struct unix_socket found;
	size_t count;
	int fd;

	if (backend <= 0 || !is_of_age(backend, age_ms))
		return 0;
	count = sockets_of(backend, inode);
	fd = count > 0 ? socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG) : -1;
	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	for (size_t i = 0; peer == 0 && i < count; i++)
		if (look_up(fd, inode[i], &found) && is_server_socket(found.name, port))
			peer = found.peer;
	close(fd);
	return peer;
}
