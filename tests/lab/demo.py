"""What `./demo` shows: a shop moves to a new server and back while its clients go on.

The clients go through airlock-gateway and remember outside the databases what was acknowledged to them, a prober tries all the time to
write on both sides, and at the end the tables are compared with what they remember.  With --json the
table is one document on stdout and the story goes to stderr.  Exit status 0 only when all is well.
"""

import argparse
import json
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import psycopg

import demo_pooler
from crossing import DONE, REFUSED, UNDONE, Crossing
from job import Job
from lab import APP_ROLES, LEGACY_ROLE, ROOT, Lab, LabError
from ledger import Ledger, Record, latency_lines, verify
from prober import Prober, verdict
from server import wait_until

CLIENTS, RATE = 16, 800
BETWEEN = 1500  # acknowledged transactions between two acts
CATCH_UP_SECONDS = 120
# How the forgotten job is stopped and started, once somebody knows of it.
STOP = "during: stop, stop: {exec: [job/ctl, stop], observe: [job/ctl, stopped], undo: [job/ctl, start], timeout: 10s}"
CARRIED_JOB = ["started on old", "stopped in order", "started on new"]


class Story:
    """Tells what happens, on one stream; on a terminal with a line that is alive."""

    def __init__(self, stream):
        self.stream = stream
        self.live = stream.isatty()
        self.ledger = None
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def act(self, text):
        self.tell(f"\n== {text}")

    def tell(self, text):
        with self._lock:
            clear = "\r\033[K" if self.live else ""
            print(f"{clear}{text}", file=self.stream, flush=True)

    def clients(self):
        if self.ledger is None:
            return "no clients yet"
        now = self.ledger.progress()
        return (f"{now['ok']:,} acknowledged,"
                f" longest wait so far {now['worst_ms']:.0f} ms")

    def beat(self):
        """Progress, a line that overwrites itself."""
        if self.live:
            with self._lock:
                text = f"   {time.monotonic() - self._began:5.0f} s  {self.clients()}"
                print(f"\r\033[K{text}", end="", file=self.stream, flush=True)


class Heart(threading.Thread):
    """Lets the story beat twice a second."""

    def __init__(self, story):
        super().__init__(daemon=True)
        self._story = story
        self._end = threading.Event()

    def run(self):
        while not self._end.wait(0.5):
            self._story.beat()

    def stop(self):
        self._end.set()
        self.join()


class Demo:
    def __init__(self, story, options):
        self.story = story
        self.options = options
        self.out = ROOT / "demo.out"
        self.crossings = []
        self.refused = []
        self.spans = []
        self.job = None
        self.hidden_writer = {}
        self.carried = 0
        self.verified = []

    def play(self):
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        place = Path(tempfile.mkdtemp(prefix="airlock-demo-"))
        place.chmod(0o755)
        self.story.act("old and new: two private PostgreSQL 15, a shop of about "
                       f"{'100 MB' if self.options.rows == 'demo' else '2 MB'} on old")
        self.lab = Lab.up(place / "lab", self.options.level, self.options.rows,
                          lambda text: self.story.tell(f"   {text}"), roles=False, gateway=True)
        try:
            return self._acts()
        finally:
            if self.options.keep:
                self._say_where()
            else:
                self.lab.down()
                shutil.rmtree(place, ignore_errors=True)

    def _acts(self):
        self.crossing = Crossing(self.lab, self.out / "commands")
        self.story.act(f"airlock init-roles --print, run by the DBA on both sides, level {self.lab.level}")
        self.lab.init_roles()
        self.story.act("airlock-gateway, between the clients and the two servers")
        self.lab.start_gateway()
        ledger = Ledger(self.lab, self.out / "ledger", clients=CLIENTS, rate=RATE,
                        sides=("gateway", "gateway"))
        watch = Prober(self.lab, self.out / "prober", every_ms=20)
        heart = Heart(self.story)
        try:
            with ledger:
                self.story.ledger = ledger
                heart.start()
                self._prepare(ledger)
                with watch:
                    self._there_and_back(ledger)
                    self._killed_in_the_middle(ledger)
            heart.stop()
            return self._end()
        finally:
            if heart.is_alive():
                heart.stop()
            if self.job:
                self.job.do("stop")

    # -- the acts --------------------------------------------------------------------------------

    def _prepare(self, ledger):
        self.story.act(f"{CLIENTS} live clients write through the gateway")
        ledger.wait_for(BETWEEN)
        self.story.tell(f"   {self.story.clients()}")
        self.story.act("airlock plan")
        plan = self.crossing.call("plan", "--json").require(DONE).json()
        for wave in plan["waves"]:
            self.story.tell(f"   wave {wave['n']}: {', '.join(map(name_of, wave['members']))}")
        self.story.tell(f"   hash {plan['hash']}")
        self._hidden_writer()
        self.story.act("airlock sync")
        self._stream("sync", seconds=600)

    def _hidden_writer(self):
        """A job that the plan does not know is found, named, and declared with the lines printed and
        with how it is stopped."""
        self.story.act("a job that nobody remembers is running, with old's address baked in")
        self.job = Job(self.lab, LEGACY_ROLE)
        self.job.do("start")
        wait_until(self.job.writes, 30, "the forgotten job to write")
        self.story.act("airlock check")
        self._stream("check", want=REFUSED)
        (gate,) = self.crossing.call("check", "--gate", "writers", "--json").require(REFUSED).json()["gates"]
        self.hidden_writer = {"found": LEGACY_ROLE in gate["evidence"], "evidence": gate["evidence"]}
        line = gate["remedy"].split("services: {", 1)[1][:-1]
        line = f"{line[:-1]}, {STOP}}}"
        self.story.act(f"its owner was found; declared: {line}")
        name = line.split(":", 1)[0]
        crosses = f'{{from: {name}, to: orders, because: "it is stopped meanwhile", at_most: 30m}}'
        self.lab.plan.write_text(
            self.lab.plan.read_text().replace("services:\n", f"services:\n  {line}\n", 1)
            .replace("overlap:\n", f"overlap:\n  - {crosses}\n", 1))
        self.story.act("airlock check")
        self._stream("check")

    def _there_and_back(self, ledger):
        self._move("run", "forward", ledger)
        wait_until(self.job.writes, 30, "the job to write on new")
        self.hidden_writer["history"] = self.job.log()
        self.story.tell(f"   the forgotten job: {', '.join(self.job.log())}")
        self.story.act("writes tried on old, through each known path")
        self._try_all("old")
        self._verify()
        ledger.wait_for(BETWEEN)
        self._move("rollback", "rollback", ledger)
        self._verify()
        ledger.wait_for(BETWEEN)

    def _verify(self):
        self.story.act("airlock verify: both sides compared, row by row, under load")
        said = self.crossing.call("verify", "--json", seconds=300).json()
        rows = sum(table["compared"] for table in said["tables"])
        self.verified.append({"verdict": said["verdict"], "rows": rows})
        self.story.tell(f"   {said['verdict']}: {rows:,} rows of {len(said['tables'])} tables")

    def _killed_in_the_middle(self, ledger):
        self.story.act("airlock run, and kill -9 of the controller in the middle")
        began = time.monotonic_ns()
        self._settle()
        self._kill_when_sealed()
        self.story.tell("   killed in the moment in which it had ended the sessions on old")
        self.story.act("airlock resume")
        resumed = self.crossing.call("resume", "--json").require(DONE, UNDONE)
        self._note("run, killed, resume", began, resumed, ledger)
        if self._primary() == "old":
            self.story.tell("   it had not come to its commit point, so it was undone: once more")
            self._move("run again", "forward", ledger)

    def _end(self):
        self.story.act("clients stopped; what they remember against what both sides hold")
        held = verify(self.lab, self.out / "ledger", self._primary(), CATCH_UP_SECONDS)
        watched = verdict(self.lab, self.out / "prober", primary=self._primary())
        finalized = None
        if not self.options.keep:
            self.story.act("airlock finalize, the one-way door")
            self.crossing.call("finalize", "--approve", self.crossing.hash()).require(DONE)
            finalized = self.crossing.open_sides() == ["new"]
            self.story.tell("   the way back is dropped; new is open, old stays shut")
        record = Record.read(self.out / "ledger")
        report = self._report()
        pooler = self._pooler()
        for crossing, (begin, end) in zip(self.crossings, self.spans):
            crossing["longest_stall_ms"] = longest_within(record, begin, end)
        hidden = self.hidden_writer["found"] and self.hidden_writer["history"] == CARRIED_JOB
        unnoticed = not (held["failed"] or held["unknown"] or held["reconnects"] or held["errors"])
        sound = (hidden and unnoticed and held["verdict"] == watched["verdict"] == "sound"
                 and finalized is not False and all(one["verdict"] == "equal" for one in self.verified)
                 and all(refusal["refused"] for refusal in self.refused))
        return {
            "schema": "airlock.demo/1",
            "verdict": "sound" if sound else "damaged",
            "level": self.lab.level,
            **{key: held[key] for key in (
                "acknowledged", "unknown", "per_second", "lost", "lost_keyless", "duplicated", "order",
                "collisions", "sides_equal", "longest_stall_ms")},
            "sessions_carried": self.carried,
            "client_errors": held["failed"] + sum(held["errors"].values()),
            "reconnects": held["reconnects"],
            "verified": self.verified,
            "both_doors_open": watched["overlap_count"],
            "probes": sum(watched["tries"].values()),
            "crossings": self.crossings,
            "refused_on_old": self.refused,
            "hidden_writer": self.hidden_writer,
            "finalized": finalized,
            "pooler": pooler,
            "report": str(report),
        }

    def _report(self):
        """The page that is left: what happened, when, and what the clients felt of it."""
        self.story.act("airlock report")
        latency, page = self.out / "latency.csv", self.out / "report.html"
        latency.write_text("\n".join(latency_lines(self.out / "ledger")) + "\n")
        self.crossing.call("report", "--latency", str(latency), "--output", str(page)).require(DONE)
        self.story.tell(f"   {page}")
        return page

    def _pooler(self):
        """For comparison, with the same clients at the same rate, when this lab's have gone."""
        self.story.act("for comparison: a PgBouncer PAUSE script under the same clients, on two servers of its own")
        place = Path(tempfile.mkdtemp(prefix="airlock-demo-pooler-"))
        place.chmod(0o755)
        try:
            said = demo_pooler.measure(place / "lab", CLIENTS, RATE, BETWEEN, longest_within)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        self.story.tell(f"   {pooler_words(said)}")
        return said

    # -- means -----------------------------------------------------------------------------------

    def _stream(self, verb, *arguments, seconds=120, want=DONE):
        """A command whose lines are shown while it works."""
        with self.crossing.start(verb, *arguments) as running:
            for line in running.lines(seconds):
                self.story.tell(f"   {line}")
            return running.wait(10).require(want)

    def _settle(self):
        """The way back has to have caught up before the next attempt."""
        wait_until(lambda: self.crossing.call("resume").code == DONE, CATCH_UP_SECONDS,
                   "nothing left to resume")

    def _move(self, name, direction, ledger):
        self.story.act(f"airlock {name}")
        self._settle()
        began = time.monotonic_ns()
        self._note(name, began, self.crossing.call(*self.crossing.moved(direction)).require(DONE), ledger)

    def _note(self, name, began, finished, ledger):
        """Waits until the clients are through again, and keeps the figures."""
        ledger.wait_for(BETWEEN)
        result = finished.json()
        if result["verdict"] in ("done", "undone"):
            self.carried += result["held_max"]
        stall = result.get("stall_ms") or {}
        self.crossings.append({"name": name, "verdict": result["verdict"],
                               "window_ms": rounded(stall.get("window")),
                               "parts_ms": {part: rounded(ms) for part, ms in
                                            (stall.get("parts") or {}).items()}})
        self.spans.append((began, time.monotonic_ns()))
        window = f", window {stall['window']:.0f} ms" if stall.get("window") else ""
        self.story.tell(f"   {result['verdict']}{window}; {self.story.clients()}")

    def _kill_when_sealed(self):
        """An idle session on old is the witness: when the fence ends it, the door has been shut."""
        with psycopg.connect(self.lab.dsn("old", "shop_app")) as witness, \
                self.crossing.start(*self.crossing.moved("forward")) as running:
            if not select.select([witness.fileno()], [], [], 60)[0]:
                raise LabError("run did not end the sessions on old within 60 s")
            running.signal(signal.SIGKILL)
            running.wait(10)

    def _primary(self):
        sides = self.crossing.open_sides()
        if len(sides) != 1:
            raise LabError(f"sides that let writes in: {sides}")
        return sides[0]

    def _try_all(self, side):
        for role in APP_ROLES:
            self._try(f"login as {role}", f"{self.lab.dsn(side, role)}&application_name=demo")
        self._try("read-write forced by options",
                  f"{self.lab.dsn(side, 'shop_app')}&options=-cdefault_transaction_read_only%3Doff")
        self._try("replication session of the owner", f"{self.lab.dsn(side, 'shop_owner')}&replication=database")

    def _try(self, path, dsn):
        answer, refused = "a write was let in", False
        try:
            with psycopg.connect(dsn, connect_timeout=10, autocommit=True) as conn:
                conn.execute("CREATE TABLE demo_trespass ()")
        except psycopg.Error as error:
            answer, refused = str(error).split("FATAL:")[-1].strip().splitlines()[0], True
        self.refused.append({"path": path, "refused": refused, "answer": answer})
        self.story.tell(f"   {path:34} {answer}")

    def _say_where(self):
        self.story.tell("\nleft running:")
        for key, value in self.lab.env().items():
            self.story.tell(f"   {key}={value}")
        self.story.tell(f"   airlock status -f {self.lab.plan}\n"
                        f"   to end: tests/lab/down {self.lab.dir}")


def pooler_words(said):
    if "why" in said:
        return f"not measured: {said['why']}"
    return f"longest stall {said['longest_stall_ms']:.0f} ms in one cutover; no fence, no proof, no way back"


def name_of(member):
    return member if isinstance(member, str) else member["name"]


def rounded(milliseconds):
    return None if milliseconds is None else round(milliseconds, 1)


def longest_within(record, begin_ns, end_ns):
    """The longest wait that ended in this span, in milliseconds."""
    waits = [wait for wait, _, end in record.waits if end is not None and begin_ns <= end <= end_ns]
    return round(max(waits, default=0) / 1000, 1)


def print_table(table, stream):
    def row(name, value):
        print(f"  {name:24} {value}", file=stream)

    print("", file=stream)
    row("acknowledged", f"{table['acknowledged']:,} ({table['per_second']:.0f}/s)")
    row("lost", table["lost"] + table["lost_keyless"])
    row("duplicated", table["duplicated"])
    row("out of order", table["order"])
    row("sequences collided", table["collisions"])
    row("outcome unknown", f"{table['unknown']} (never tried again)")
    row("both sides equal", {True: "yes", False: "NO"}[table["sides_equal"]])
    row("both doors open", f"{table['both_doors_open']} times in {table['probes']:,} tries")
    row("sessions carried", f"{table['sessions_carried']}, client errors {table['client_errors']},"
                            f" reconnects {table['reconnects']}")
    row("verify", ", ".join(f"{one['verdict']} ({one['rows']:,} rows)" for one in table["verified"]))
    row("hidden writer", "found, declared, stopped and started again" if table["hidden_writer"]["found"]
        else "NOT FOUND")
    row("longest stall", f"{table['longest_stall_ms']:.0f} ms")
    row("PgBouncer script", pooler_words(table["pooler"]))
    for crossing in table["crossings"]:
        window = f"window {crossing['window_ms']:.0f} ms" if crossing["window_ms"] else "no window of its own"
        row(crossing["name"], f"{crossing['verdict']}, {window},"
                              f" longest stall {crossing['longest_stall_ms']:.0f} ms")
        parts = [f"{name} {value:.0f}" for name, value in (crossing["parts_ms"] or {}).items() if value]
        if parts:
            row("", " + ".join(parts))
    row("report", table["report"])
    print(f"\n  {table['verdict']}", file=stream)


def main():
    parser = argparse.ArgumentParser(prog="demo", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="the table as one JSON document on stdout")
    parser.add_argument("--keep", action="store_true", help="leave servers running, not finalized")
    parser.add_argument("--level", type=int, choices=(2, 3), default=2, help="rights of role airlock")
    parser.add_argument("--rows", choices=("small", "demo"), default="demo")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the lab is taken down
    story = Story(sys.stderr if options.json else sys.stdout)
    table = Demo(story, options).play()
    if options.json:
        print(json.dumps(table, indent=1))
    else:
        print_table(table, story.stream)
    return 0 if table["verdict"] == "sound" else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (LabError, KeyboardInterrupt) as trouble:
        print(f"\ndemo: {trouble or 'interrupted'}; evidence in demo.out/", file=sys.stderr)
        sys.exit(1)
