#include "discover/process.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "discover/unix_peer.h"

/* ---- address -> inode ------------------------------------------------------------------------ */

struct endpoint {
	char hex[33]; /* as proc(5) writes it: 32-bit words in the host's byte order */
	unsigned port;
};

static void words_to_hex(const void *words, size_t count, char *ret)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t word;

		memcpy(&word, (const char *)words + i * sizeof word, sizeof word);
		snprintf(ret + i * 8, 9, "%08X", word);
	}
}

static bool endpoint_of(const char *address, int family, unsigned port, struct endpoint *ret)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	ret->port = port;
	if (inet_pton(family, address, bytes) != 1)
		return false;
	words_to_hex(bytes, family == AF_INET ? 1 : 4, ret->hex);
	return true;
}

struct socket_seen {
	unsigned long inode;
	unsigned uid;
};

/* A line of /proc/net/tcp*: "sl local rem st tx:rx tr:tm retrnsmt uid timeout inode ...". */
static bool line_inode(const char *line, const struct endpoint *wanted, struct socket_seen *ret)
{
	char local[40];
	unsigned port;

	if (sscanf(line, " %*d: %39[0-9A-F]:%x %*s %*s %*s %*s %*s %u %*s %lu", local, &port,
		    &ret->uid, &ret->inode) != 4)
		return false;
	return port == wanted->port && strcmp(local, wanted->hex) == 0 && ret->inode != 0;
}

static bool find_inode(const char *table, const struct endpoint *wanted, struct socket_seen *ret)
{
	FILE *file = fopen(table, "re");
	char line[512];
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof line, file) != NULL)
		found = line_inode(line, wanted, ret);
	fclose(file);
	return found;
}

static bool inode_of(const char *address, unsigned port, struct socket_seen *ret)
{
	char mapped[INET6_ADDRSTRLEN + 8];
	struct endpoint end;

	if (endpoint_of(address, AF_INET, port, &end)) {
		if (find_inode("/proc/net/tcp", &end, ret))
			return true;
		/* A client that opened an IPv6 socket to an IPv4 address. */
		snprintf(mapped, sizeof mapped, "::ffff:%s", address);
		address = mapped;
	}
	return endpoint_of(address, AF_INET6, port, &end) &&
	       find_inode("/proc/net/tcp6", &end, ret);
}

/* ---- inode -> process ------------------------------------------------------------------------ */

static bool holds(const char *pid, const char *socket_name)
{
	char path[PATH_MAX], link[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		found = strcmp(link, socket_name) == 0;
	}
	closedir(dir);
	return found;
}

static pid_t holder_of(unsigned long inode)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char name[48];
	pid_t pid = 0;

	if (proc == NULL)
		return 0;
	snprintf(name, sizeof name, "socket:[%lu]", inode);
	while (pid == 0 && (entry = readdir(proc)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) && holds(entry->d_name, name))
			pid = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(proc);
	return pid;
}

/* ---- process -> words ------------------------------------------------------------------------ */

static size_t slurp(pid_t pid, const char *what, char *ret, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, ret, size - 1);
	close(fd);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool is_interpreter(const char *program)
{
	static const char *const names[] = {
		"python", "perl", "ruby", "node", "bash", "sh", "dash", "php", "java"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strncmp(program, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* The program, or the script of an interpreter: its first argument that is no option and a file. */
static const char *program_of(const char *cmdline, size_t len)
{
	const char *program = base_name(cmdline);

	if (!is_interpreter(program))
		return program;
	for (const char *p = cmdline + strlen(cmdline) + 1; p < cmdline + len; p += strlen(p) + 1) {
		if (*p == '-')
			break; /* what follows an option may be anything */
		if (*p != '\0')
			return base_name(p);
	}
	return program;
}

/* The last part of a cgroup path that systemd named. */
static bool unit_of(pid_t pid, char *ret, size_t size)
{
	char text[2048];

	if (slurp(pid, "cgroup", text, sizeof text) == 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	for (char *part = strrchr(text, '/'); part != NULL; part = strrchr(text, '/')) {
		const char *dot = strrchr(part, '.');

		if (dot != NULL && strcmp(dot, ".service") == 0) {
			snprintf(ret, size, "%s", part + 1);
			return true;
		}
		*part = '\0';
	}
	return false;
}

static void describe(struct process *p)
{
	char cmdline[4096], unit[128];
	size_t len = slurp(p->pid, "cmdline", cmdline, sizeof cmdline);
	const char *program = len > 0 ? program_of(cmdline, len) : "?";

	snprintf(p->program, sizeof p->program, "%.47s", program);
	if (unit_of(p->pid, unit, sizeof unit))
		snprintf(p->text, sizeof p->text, "pid %ld, %.80s, unit %.80s", (long)p->pid,
			program, unit);
	else
		snprintf(p->text, sizeof p->text, "pid %ld, %.80s", (long)p->pid, program);
}

/* ---- why there is none ----------------------------------------------------------------------- */

static const unsigned char *bytes_of(const struct sockaddr *at)
{
	const void *any = at;

	return at->sa_family == AF_INET
		       ? (const void *)&((const struct sockaddr_in *)any)->sin_addr
		       : (const void *)&((const struct sockaddr_in6 *)any)->sin6_addr;
}

static bool is_in_net(const struct ifaddrs *at, int family, const unsigned char *bytes, size_t len,
	bool *ret_same)
{
	const unsigned char *own, *mask;

	if (at->ifa_addr == NULL || at->ifa_netmask == NULL || at->ifa_addr->sa_family != family)
		return false;
	own = bytes_of(at->ifa_addr);
	mask = bytes_of(at->ifa_netmask);
	*ret_same = memcmp(own, bytes, len) == 0;
	for (size_t i = 0; i < len; i++)
		if (((own[i] ^ bytes[i]) & mask[i]) != 0)
			return false;
	return true;
}

/* Is it an address of this host?  Else the interface behind which it is, "" for none. */
static bool is_of_this_host(const char *address, char *ret_interface, size_t size)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	size_t len = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	struct ifaddrs *all = NULL;
	bool ours = false, same;

	*ret_interface = '\0';
	if (inet_pton(family, address, bytes) != 1 || getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *at = all; at != NULL && !ours; at = at->ifa_next) {
		if (!is_in_net(at, family, bytes, len, &same))
			continue;
		/* All of the loopback's network is this host. */
		ours = same || strcmp(at->ifa_name, "lo") == 0;
		snprintf(ret_interface, size, "%.31s", at->ifa_name);
	}
	freeifaddrs(all);
	return ours;
}

static void no_socket(const char *address, unsigned port, struct process *ret)
{
	char interface[32];

	if (is_of_this_host(address, interface, sizeof interface))
		snprintf(ret->why, sizeof ret->why,
			"no socket of this host is at port %u of %.46s: it has gone, or is a "
			"container's",
			port, address);
	else if (interface[0] != '\0')
		snprintf(ret->why, sizeof ret->why,
			"%.46s is no address of this host: a neighbour, or a container behind %s",
			address, interface);
	else
		snprintf(ret->why, sizeof ret->why, "%.46s is no address of this host", address);
}

/* Who runs as somebody else is not to be seen without being root; root sees all but what is gone. */
static void no_holder(unsigned uid, struct process *ret)
{
	struct passwd *user = getpwuid(uid);
	char name[64];

	if (geteuid() == 0 || uid == geteuid()) {
		snprintf(ret->why, sizeof ret->why,
			"no process that can be seen here holds its socket: it has gone, or is a "
			"container's");
		return;
	}
	if (user != NULL)
		snprintf(name, sizeof name, "%.60s", user->pw_name);
	else
		snprintf(name, sizeof name, "number %u", uid);
	snprintf(ret->why, sizeof ret->why,
		"its socket is of user %s: only that user and root may look whose it is", name);
}

/* ---- the outside ----------------------------------------------------------------------------- */

static bool process_of_inode(unsigned long inode, struct process *ret)
{
	*ret = (struct process){.pid = holder_of(inode)};
	if (ret->pid == 0)
		return false;
	describe(ret);
	return true;
}

bool process_of_peer(const char *address, unsigned port, struct process *ret_process)
{
	struct socket_seen seen;

	*ret_process = (struct process){.pid = 0};
	if (port == 0 || !inode_of(address, port, &seen)) {
		no_socket(address, port, ret_process);
		return false;
	}
	if (process_of_inode(seen.inode, ret_process))
		return true;
	no_holder(seen.uid, ret_process);
	return false;
}

bool process_of_backend(pid_t backend, int64_t age_ms, unsigned port, struct process *ret_process)
{
	unsigned inode = unix_peer_of_backend(backend, age_ms, port);

	*ret_process = (struct process){.pid = 0};
	if (inode != 0 && process_of_inode(inode, ret_process))
		return true;
	snprintf(ret_process->why, sizeof ret_process->why, "%s",
		inode != 0 ? "only root may look which process holds the other end of its socket"
			   : unix_peer_why(backend, age_ms));
	return false;
}

bool process_of_session(const struct process_session *session, struct process *ret_process)
{
	if (session->port > 0)
		return process_of_peer(session->address, (unsigned)session->port, ret_process);
	if (session->port == -1 && session->age_ms >= 0)
		return process_of_backend(
			session->backend, session->age_ms, session->socket, ret_process);
	*ret_process = (struct process){.why = "the server hides where it comes from"};
	return false;
}
