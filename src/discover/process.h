/*
 * process.h - which process of this host is at the other end of a session.
 *
 * Sources: proc(5), /proc/net/tcp and tcp6 (address, owner and inode of every socket), /proc/PID/fd
 * (who holds the inode), /proc/PID/cgroup (the systemd unit), getifaddrs(3) (which addresses are
 * this host's).  Without root only own processes are seen; where none is, it is said why.
 */
#ifndef AIRLOCK_DISCOVER_PROCESS_H
#define AIRLOCK_DISCOVER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_BYTES 192
#define PROCESS_WHY_BYTES 192

struct process {
	pid_t pid;
	char program[48]; /* "legacy.py" */
	/* "pid 4711, legacy.py, unit legacy.service": the program, of an interpreter the script,
	 * never an argument, for arguments may be secrets. */
	char text[PROCESS_BYTES];
	/* Where there is none: "its socket is of user billing, ...". */
	char why[PROCESS_WHY_BYTES];
};

/*
 * The one whose socket is bound to `address`:`port` (what the server saw as its client).  False,
 * with nothing but `why`, when the address is not one of this host's, the process is gone, or may
 * not be looked at.
 */
bool process_of_peer(const char *address, unsigned port, struct process *ret_process);
/*
 * The client of a session that came through a Unix-domain socket: `backend` is the server's process
 * for it, `age_ms` how long ago that began by the server's clock, `port` what the server calls its
 * socket by.  False, with `why`, also when the backend is not a process of this host, or not ours
 * to look at (unix_peer.h).
 */
bool process_of_backend(pid_t backend, int64_t age_ms, unsigned port, struct process *ret_process);

/* A session as a server's statistics show it. */
struct process_session {
	const char *address;
	int64_t port; /* of the client; -1 = a socket in the file system, 0 = hidden */
	pid_t backend;
	int64_t age_ms;	 /* -1 = hidden */
	unsigned socket; /* the port that the server calls its socket by */
};
/* Its client, whichever way that came. */
bool process_of_session(const struct process_session *session, struct process *ret_process);

#endif
