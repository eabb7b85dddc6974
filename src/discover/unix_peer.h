/*
 * unix_peer.h - the other end of a PostgreSQL backend's Unix-domain socket, on this host.
 *
 * Sources: pg_stat_activity (the backend's process id), /proc/PID/fd (its sockets), sock_diag(7)
 * with unix_diag (a socket's name and its peer's inode).  sock_diag needs no rights; /proc/PID/fd
 * of a backend needs root or the server's user, so for anyone else the answer is "not to be seen".
 */
#ifndef AIRLOCK_DISCOVER_UNIX_PEER_H
#define AIRLOCK_DISCOVER_UNIX_PEER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * The inode of the client's socket, or 0.  A server on another host has process ids too: only a
 * process of the age that the server said, with a socket called .s.PGSQL.PORT, is that backend.
 */
unsigned unix_peer_of_backend(pid_t backend, int64_t age_ms, unsigned port);

/* Why that is 0, as far as can be known. */
const char *unix_peer_why(pid_t backend, int64_t age_ms);

#endif
