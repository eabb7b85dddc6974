/*
 * process.h - which process of this host is at the other end of a TCP connection.
 *
 * Sources: proc(5), /proc/net/tcp and tcp6 (address and inode of every socket), /proc/PID/fd (who
 * holds the inode), /proc/PID/cgroup (the systemd unit).  Without root only own processes are seen.
 */
#ifndef AIRLOCK_DISCOVER_PROCESS_H
#define AIRLOCK_DISCOVER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROCESS_BYTES 192

struct process {
	pid_t pid;
	/* "pid 4711, legacy.py, unit legacy.service": the program, of an interpreter the script,
	 * never an argument, for arguments may be secrets. */
	char text[PROCESS_BYTES];
};

/*
 * The one whose socket is bound to `address`:`port` (what the server saw as its client).  False
 * when the address is not one of this host's, the process is gone, or may not be looked at.
 */
bool process_of_peer(const char *address, unsigned port, struct process *ret_process);

#endif
