"""The program under test, driven from outside, and what can be seen of a crossing from outside.

Nothing here reads Airlock's own tables: whether a door is open is found by trying it, and what is left
behind is found in the catalogues.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass

import psycopg

from lab import DATABASE, LabError, airlock_program
from server import PATIENCE

DONE, REFUSED, PAUSED, UNDONE, UNKNOWN, BUSY = 0, 3, 4, 5, 6, 9
OTHER = {"old": "new", "new": "old"}


def problems_of(document):
    """What went wrong; that a client waited for long is the machine's matter, where it is busy."""
    return [problem for problem in document["problems"] if problem["id"] != "OVER_BUDGET"]


@dataclass
class Finished:
    """A command that has ended."""

    verb: str
    code: int
    out: str
    err: str

    def json(self):
        """The last line of stdout that is a document, or the whole of it."""
        return json.loads(self.out)

    def require(self, *codes):
        if self.code not in codes:
            raise LabError(f"airlock {self.verb}: exit {self.code}, wanted one of {codes}\n"
                           f"{self.out[-2000:]}\n{self.err[-2000:]}")
        return self


class Running:
    """A command that is under way, perhaps with a failpoint at which it will stop itself."""

    def __init__(self, verb, command, env, failpoint, files):
        self.verb = verb
        self._out, self._err = (open(f"{files}.{name}", "w+") for name in ("out", "err"))
        reader, writer = os.pipe()
        if failpoint is not None:
            env = {**env, "AIRLOCK_FAILPOINT": failpoint, "AIRLOCK_FAILPOINT_FD": str(writer)}
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=self._out,
                                         stderr=self._err, pass_fds=(writer,), start_new_session=True)
        os.close(writer)
        self._reader = reader

    def await_failpoint(self, seconds):
        """True when it stopped there; False when it ended (its end of the pipe closed) before."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        if not ready:
            raise LabError(f"airlock {self.verb} neither reached its failpoint nor ended in {seconds} s")
        if not os.read(self._reader, 200):
            return False
        # The name was written just before the stop; the stop itself is an event of the child.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT | os.WEXITED)
        return True

    def lines(self, seconds):
        """Lines of both streams as they are written, until it ends; LabError when it takes longer."""
        end = time.monotonic() + seconds
        with open(self._out.name) as out, open(self._err.name) as err:
            streams, rest, ended = (out, err), {out: "", err: ""}, False
            while not ended:
                ended = self._process.poll() is not None
                for stream in streams:
                    *whole, rest[stream] = (rest[stream] + stream.read()).split("\n")
                    yield from whole
                if time.monotonic() > end:
                    raise LabError(f"airlock {self.verb} did not end in {seconds} s")
                time.sleep(0 if ended else 0.01)

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number):
        self._process.send_signal(number)

    def signal_thread(self, thread, number):
        """To one thread, not the process: Python has no tgkill of its own."""
        tgkill = ctypes.CDLL(None, use_errno=True).tgkill
        if tgkill(self.pid, thread, number):
            raise OSError(ctypes.get_errno(), "tgkill")

    def wait(self, seconds):
        """What it ended with; None when it has not ended in time."""
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read())
        return Finished(self.verb, code, *texts)

    def close(self):
        """Ends it if it has not ended, by its process id."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        os.close(self._reader)
        self._out.close()
        self._err.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Crossing:
    """One plan on one lab."""

    def __init__(self, lab, directory, state=None):
        self.lab = lab
        self.dir = directory
        self.dir.mkdir(parents=True, exist_ok=True)
        self.state = state or lab.dir / ".airlock"
        self._count = 0
        program = airlock_program()
        if program is None:
            raise LabError("airlock is not built; set AIRLOCK or build into build/")
        self._program = str(program)

    # -- commands ------------------------------------------------------------------------------

    def start(self, verb, *arguments, failpoint=None, state=None):
        """Starts a command; the caller closes it (`with`)."""
        self._count += 1
        command = [self._program, "-f", str(self.lab.plan), "--state", str(state or self.state),
                   verb, *arguments]
        files = self.dir / f"{self._count:03d}-{verb}"
        return Running(verb, command, dict(os.environ), failpoint, files)

    def call(self, verb, *arguments, seconds=120, state=None):
        """Carries a command out; LabError when it does not end in time."""
        with self.start(verb, *arguments, state=state) as running:
            finished = running.wait(seconds)
        if finished is None:
            raise LabError(f"airlock {verb} did not end in {seconds} s; see {self.dir}")
        return finished

    def failpoints(self):
        """Names of the durable steps, each of which has a `before:` and an `after:`."""
        done = self.call("help", "--failpoints").require(DONE)
        names = done.out.split()
        if not names:
            raise LabError(f"{self._program} has no failpoints: build with -Dfailpoints=true")
        return names

    def hash(self):
        return self.call("plan", "--json").require(DONE, REFUSED).json()["hash"]

    def moved(self, direction):
        """The command and arguments that move forward or back."""
        verb = {"forward": "run", "rollback": "rollback"}[direction]
        return (verb, "--approve", self.hash(), "--json")

    def next_direction(self):
        """Away from the one side that is open."""
        (side,) = self.open_sides()
        return {"old": "forward", "new": "rollback"}[side]

    def cross(self, direction):
        """There or back with nobody in the way, and nothing left to do before and after."""
        self.call("resume").require(DONE)
        self.call(*self.moved(direction)).require(DONE)
        self.call("resume").require(DONE)

    def prepare(self):
        """sync, until new follows old."""
        self.call("sync", "--ndjson", seconds=600).require(DONE)

    def status(self):
        """The first store's row of `status --json`."""
        return self.call("status", "--json").require(DONE, UNKNOWN, PAUSED).json()["stores"][0]

    # -- what can be seen from outside -----------------------------------------------------------

    def admits(self, side):
        """Whether an application can log in and write there: tried, and taken back."""
        try:
            with psycopg.connect(self.lab.dsn(side, "shop_app"), connect_timeout=10 * PATIENCE) as conn:
                conn.execute("INSERT INTO ledger.probe VALUES (-1, -1, 0)")
                conn.rollback()
                return True
        except psycopg.Error:
            return False

    def open_sides(self):
        return [side for side in OTHER if self.admits(side)]

    def world(self, side):
        """What a migration must leave as it found it there, as lines of text; Airlock's own schemas,
        roles and their grants are not part of it."""
        server = self.lab.server(side)
        questions = {
            "slot": "SELECT slot_name FROM pg_replication_slots",
            "subscription": "SELECT subname FROM pg_subscription",
            "publication": "SELECT pubname FROM pg_publication",
            "origin": "SELECT roname FROM pg_replication_origin",
            "event trigger": "SELECT evtname, evtenabled FROM pg_event_trigger",
            "setting": "SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting",
            "connection limit": "SELECT datname, datconnlimit, datallowconn FROM pg_database",
            "role": "SELECT rolname, rolsuper, rolcanlogin, rolreplication, rolconnlimit FROM pg_roles",
            "admission": (
                "SELECT d.datname, coalesce(g.rolname, 'PUBLIC'), o.rolname, a.privilege_type,"
                " a.is_grantable FROM pg_database d,"
                " aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a"
                " LEFT JOIN pg_roles g ON g.oid = a.grantee JOIN pg_roles o ON o.oid = a.grantor"
                " WHERE d.datname <> 'airlock'"),
            "function": "SELECT oid::regprocedure, proacl FROM pg_proc WHERE proacl IS NOT NULL"
                        " AND pronamespace = 'pg_catalog'::regnamespace",
            "table": "SELECT oid::regclass, relacl, relreplident, relrowsecurity FROM pg_class"
                     " WHERE relnamespace::regnamespace::text IN ('public', 'audit', 'ledger')",
            "trigger": "SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger",
        }
        return {f"{kind} on {side}: {' '.join(map(str, row))}" for kind, sql in questions.items()
                for row in server.query(sql, dbname=DATABASE)}
