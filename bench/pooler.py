"""Debian's PgBouncer beside a lab: private, on its own port, ended by its process id; and pgbench, whose
transactions are read one by one from its log."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "lab"))
import psycopg  # noqa: E402
from lab import DATABASE  # noqa: E402
from server import LabError, as_server_user, free_port, pg_program, server_user, wait_until  # noqa: E402

PGBOUNCER = "/usr/sbin/pgbouncer"

CONFIG = """\
[databases]
{database} = host=127.0.0.1 port={server_port} dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
admin_users = admin
pool_mode = {mode}
default_pool_size = 100
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
logfile = {log}
pidfile =
"""


def verifier(server, role):
    return server.query("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (role,))[0][0]


class PgBouncer:
    """In front of one server of a lab at a time; the same SCRAM as the server's."""

    def __init__(self, lab, directory, mode):
        if not os.access(PGBOUNCER, os.X_OK):
            raise LabError("pgbouncer is not installed: run tools/setup")
        self.lab, self.mode, self.port = lab, mode, free_port()
        self.dir = Path(directory)
        self.dir.mkdir(mode=0o755)
        os.chown(self.dir, server_user().pw_uid, server_user().pw_gid)
        self._process = None

    def configure(self, side):
        text = CONFIG.format(database=DATABASE, server_port=self.lab.server(side).port, port=self.port,
                             users=self.dir / "users", mode=self.mode, log=self.dir / "log")
        (self.dir / "ini").write_text(text)

    def start(self, side):
        """It refuses to run as root, so it runs as the servers' user."""
        users = f'"shop_app" "{verifier(self.lab.old, "shop_app")}"\n"admin" "admin"\n'
        (self.dir / "users").write_text(users)
        self.configure(side)
        self._process = subprocess.Popen(
            [PGBOUNCER, "-q", str(self.dir / "ini")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.dir, **as_server_user())
        wait_until(self._answers, 10, "PgBouncer to listen")
        return self

    def _answers(self):
        if self._process.poll() is not None:
            raise LabError(f"PgBouncer ended:\n{(self.dir / 'log').read_text()}")
        try:
            self.admin().close()
            return True
        except psycopg.OperationalError:
            return False

    @property
    def pid(self):
        return self._process.pid

    def admin(self):
        """A connection to its console, which knows only simple queries."""
        return psycopg.connect(f"host=127.0.0.1 port={self.port} user=admin password=admin dbname=pgbouncer",
                               autocommit=True, prepare_threshold=None)

    def dsn(self, role):
        return f"postgresql://{role}@127.0.0.1:{self.port}/{DATABASE}?passfile={self.lab.passfile}"

    def stop(self):
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)


def cpu_us(pid):
    """Processor time of all threads of a process, of the scheduler's own books."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1000


class Pgbench:
    """A load that runs until it is ended, and then says what each transaction met."""

    def __init__(self, dsn, directory, *arguments):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        for log in self.dir.glob("log.*"):
            log.unlink()
        self._process = subprocess.Popen(
            [pg_program("pgbench"), "-n", "-T", "3600", "-l", "--log-prefix", str(self.dir / "log"), *arguments, dsn],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def await_sessions(self, server, count):
        """Until all of its sessions have executed something on that server."""
        sql = ("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench' AND query <> ''"
               " AND backend_type = 'client backend'")
        wait_until(lambda: server.query(sql)[0][0] >= count, 60, f"{count} sessions of pgbench")

    def end(self):
        """Its own alarm, early: it finishes as at the end of its time, and writes its log."""
        self._process.send_signal(signal.SIGALRM)
        self.text, _ = self._process.communicate(timeout=60)
        done = re.search(r"actually processed: (\d+)", self.text)
        if done is None:
            raise LabError(f"pgbench:\n{self.text}")
        self.transactions = int(done.group(1))
        self.gave_up = len(re.findall(r"client \d+ (?:aborted|script)", self.text))
        return self

    def log(self):
        """(client, when it ended, how long it took without waiting for its turn), in ms."""
        for path in sorted(self.dir.glob("log.*")):
            for line in path.read_text().splitlines():
                fields = line.split()
                if fields[2].isdigit():
                    late = int(fields[6]) if len(fields) > 6 else 0
                    yield int(fields[0]), int(fields[4]) * 1000 + int(fields[5]) / 1000, (int(fields[2]) - late) / 1000
