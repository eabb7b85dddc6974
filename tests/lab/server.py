"""One private PostgreSQL 15 server: made, started, stopped, killed, frozen.

A server lives in its own directory, listens on 127.0.0.1 and on a socket only its owner can reach,
and is addressed by process id alone: nothing here ever looks a process up by name. Run by root, the
server belongs to the system user `postgres`; run by anyone else, to the caller.
"""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

BINDIRS = ("/usr/lib/postgresql/15/bin",)
# Whatever root's umask is, the servers' user has to read what root makes here (a configuration, a
# script). What is secret is made with a mode of its own.
os.umask(0o022)
SOCKET_PATH_MAX = 107  # sockaddr_un.sun_path without its NUL
# What is waited for takes a moment here; a machine that others use too may take many times as long, and a wait for
# what comes costs nothing.
PATIENCE = 4

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "wal_level": "logical",
    "fsync": "on",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_logical_replication_workers": "12",
    "max_worker_processes": "24",
    "wal_retrieve_retry_interval": "100ms",
    "max_connections": "200",
    "max_prepared_transactions": "0",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",  # lives in the data directory, so a kill leaves nothing
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
}

HBA = """\
# The superuser comes in by the socket, which only the server's owner can reach; all others by SCRAM.
local all         postgres                trust
host  all         all       127.0.0.1/32  scram-sha-256
host  replication all       127.0.0.1/32  scram-sha-256
"""


class LabError(Exception):
    """Something the caller can act on; the message says what and how."""


def pg_program(name):
    for bindir in BINDIRS:
        path = os.path.join(bindir, name)
        if os.access(path, os.X_OK):
            return path
    raise LabError(f"{name} of PostgreSQL 15 not found in {', '.join(BINDIRS)}: run tools/setup")


def server_user():
    """The passwd entry of whoever owns the servers."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def as_server_user():
    """Arguments that make subprocess run as that user."""
    user = server_user()
    if user.pw_uid == os.geteuid():
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


_reserved = []  # sockets that say "this port is mine" to other runs, for as long as this one lives


def _reserve(port):
    """An abstract socket leaves nothing behind, however the process ends."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0airlock-lab-port-{port}")
    except OSError:
        claim.close()
        return False
    _reserved.append(claim)
    return True


def free_port():
    """A port outside the ephemeral range, which no other run is given meanwhile.

    Inside it, a client that keeps trying a dead server would sooner or later be given that very
    port as its own source port and connect to itself, and the server could not bind it again.
    """
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(200):
        port = random.randrange(max(1024, low - 12000), low)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if _reserve(port):
            return port
    raise LabError("no free TCP port found below the ephemeral range")


def wait_until(condition, seconds, what):
    """Polls a condition that nothing announces; LabError when the time is up, and PATIENCE."""
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - began
        if waited > seconds * PATIENCE:
            raise LabError(f"waited {waited:.1f} s in vain for {what}")
        time.sleep(0.01)


def signal_quietly(pid, number):
    """False when the process is gone already."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def process_state(pid):
    """The state letter of /proc/PID/stat, or None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


@contextlib.contextmanager
def frozen(*pids):
    """Processes that are there and do nothing."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda pid=pid: process_state(pid) == "T", 10, "the process to stop")
        yield
    finally:
        for pid in pids:
            signal_quietly(pid, signal.SIGCONT)


class Server:
    """One server in the directory `home` (data, sock and log are below it)."""

    def __init__(self, home, port, name):
        self.home = Path(home).resolve()  # as /proc/PID/cwd will show it
        self.port = port
        self.name = name
        self.data = self.home / "data"
        self.sock = self.home / "sock"
        self.log = self.home / "log"
        self._child = None

    # -- connection strings --------------------------------------------------------------------

    def admin_uri(self, dbname="postgres"):
        """The superuser by the socket; works for the server's owner and for root."""
        return f"postgresql://postgres@{quote(str(self.sock), safe='')}:{self.port}/{dbname}"

    def uri(self, user, dbname, passfile):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{dbname}?passfile={quote(str(passfile))}"

    def conninfo(self, user, dbname, passfile):
        file = f"'{passfile}'" if " " in str(passfile) else passfile
        return f"host=127.0.0.1 port={self.port} dbname={dbname} user={user} passfile={file}"

    def connect(self, dbname="postgres", **kwargs):
        """A superuser's connection in autocommit mode."""
        kwargs.setdefault("autocommit", True)
        return psycopg.connect(self.admin_uri(dbname), connect_timeout=10 * PATIENCE, **kwargs)

    def query(self, sql, params=None, dbname="postgres"):
        """All rows of one statement by the superuser, or None when it returns none."""
        with self.connect(dbname) as conn:
            cursor = conn.execute(sql, params)
            return None if cursor.description is None else cursor.fetchall()  # rows may have no columns

    def psql(self, sql, dbname="postgres", variables=None):
        """Runs a script as the DBA would, stopping at the first error; returns what it printed."""
        command = [pg_program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.admin_uri(dbname)]
        for name, value in (variables or {}).items():
            command += ["-v", f"{name}={value}"]
        done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"psql on {self.name} failed:\n{done.stderr.strip()}")
        return done.stdout

    # -- life ----------------------------------------------------------------------------------

    def create(self, settings=None):
        """initdb and configuration; the server is not started."""
        longest = f"{self.sock}/.s.PGSQL.{self.port}.lock"
        if len(longest) > SOCKET_PATH_MAX:
            raise LabError(f"{self.home}: too long a path for a Unix socket, take a shorter one")
        user = server_user()
        for directory in (self.home, self.data, self.sock):
            directory.mkdir(mode=0o700)
            os.chown(directory, user.pw_uid, user.pw_gid)
        # initdb works in its own directory: the caller's may be closed to this user.
        done = subprocess.run(
            [pg_program("initdb"), "-D", self.data, "--no-sync", "-U", "postgres", "-E", "UTF8",
             "--locale=C.UTF-8", "--auth=trust"],
            cwd=self.home, capture_output=True, text=True, check=False, **as_server_user())
        if done.returncode != 0:
            raise LabError(f"initdb for {self.name} failed:\n{done.stderr.strip()}")
        (self.data / "pg_hba.conf").write_text(HBA)
        self.configure(settings or {})

    def configure(self, extra):
        """Writes the settings (the lab's and `extra`); they hold from the next start."""
        settings = {**SETTINGS, "port": self.port, "unix_socket_directories": self.sock,
                    "cluster_name": f"lab_{self.name}", **extra}
        lines = [f"{key} = '{value}'\n" for key, value in settings.items()]
        conf = self.data / "conf.d"
        conf.mkdir(exist_ok=True)
        (conf / "lab.conf").write_text("".join(lines))
        main = self.data / "postgresql.conf"
        if "include_dir = 'conf.d'" not in main.read_text():
            with main.open("a") as file:
                file.write("include_dir = 'conf.d'\n")

    def start(self, seconds=30, tries=6):
        """Starts the server and waits until it admits sessions.

        After a crash the first tries can fail while the kernel still takes the old shared memory
        apart, so a server that ends during its start is tried again.
        """
        for attempt in range(tries):
            if self._start_once(seconds):
                return
            time.sleep(0.1 * (attempt + 1))
        raise LabError(f"{self.name} does not start; the end of {self.log}:\n{self.log_tail()}")

    def _start_once(self, seconds):
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [pg_program("postgres"), "-D", str(self.data)], cwd=self.home,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                **as_server_user())
        pid = self._child.pid

        def settled():
            if self._child.poll() is not None:
                return "dead"
            return "ready" if self._pid_file() == (pid, "ready") else None

        return wait_until(settled, seconds, f"{self.name} to start") == "ready"

    def stop(self, at_once=False):
        """A fast shutdown, or an immediate one for a server that is thrown away; harsher when it
        does not end. Also stops a frozen server."""
        pid = self.pid()
        if pid is None:
            return
        self.sigcont()
        for number, patience in ((signal.SIGINT, 30), (signal.SIGQUIT, 10))[at_once:]:
            signal_quietly(pid, number)
            try:
                wait_until(lambda: not self.is_alive(), patience, f"{self.name} to stop")
                self._reap()
                return
            except LabError:
                continue
        self.kill9()

    def kill9(self):
        """A crash: the postmaster and every child of it, at once and without a word."""
        pid = self.pid()
        if pid is not None:
            signal_quietly(pid, signal.SIGSTOP)  # so that it cannot fork while we look
            wait_until(lambda: process_state(pid) in ("T", None, "Z"), 10,
                       f"the postmaster of {self.name} to stop")
        victims = self.pids()
        for victim in victims:
            signal_quietly(victim, signal.SIGKILL)
        self._reap()
        wait_until(lambda: all(process_state(p) in (None, "Z") for p in victims), 10,
                   f"the processes of {self.name} to be gone")

    def sigstop(self):
        """Freezes all of it, the postmaster first so that no child escapes, and returns when every
        process has stopped: the signal is sent at once, a process on another core stops later."""
        pid = self.pid()
        if pid is None:
            raise LabError(f"{self.name} is not running")
        signal_quietly(pid, signal.SIGSTOP)
        wait_until(lambda: process_state(pid) == "T", 10, f"the postmaster of {self.name} to stop")
        for child in self.pids():
            signal_quietly(child, signal.SIGSTOP)
        wait_until(lambda: {process_state(p) for p in self.pids()} == {"T"}, 10,
                   f"{self.name} to be frozen")

    def sigcont(self):
        for child in self.pids():
            signal_quietly(child, signal.SIGCONT)

    def pid(self):
        """The living postmaster's process id, or None."""
        pid, _ = self._pid_file()
        if pid is None or self._works_here(pid) is False:
            return None
        return pid

    def is_alive(self):
        return self.pid() is not None

    def pids(self):
        """Every process of this server: each works in the data directory, and nothing else does."""
        return [int(p) for p in os.listdir("/proc") if p.isdigit() and self._works_here(int(p))]

    def log_tail(self, lines=15):
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def remove(self):
        """The directory with all in it; the server has to be down."""
        if self.is_alive():
            raise LabError(f"{self.name} is still running")
        shutil.rmtree(self.home, ignore_errors=True)

    def _works_here(self, pid):
        if process_state(pid) in (None, "Z"):
            return False
        try:
            return os.readlink(f"/proc/{pid}/cwd") == str(self.data)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False

    def _pid_file(self):
        """(process id, state) out of postmaster.pid; (None, "") without one."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
        except (FileNotFoundError, IndexError, ValueError):
            return None, ""

    def _reap(self):
        """Collects the exit status when the postmaster is a child of this process."""
        if self._child is not None:
            try:
                self._child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                return
            self._child = None
