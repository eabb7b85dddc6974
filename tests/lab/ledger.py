"""The ledger: what clients were told against what the databases hold.

    ledger.py run LABDIR LOGDIR [--clients N] [--rate N] [--seconds N] [--first N]
    ledger.py verify LABDIR LOGDIR --primary old|new [--both SECONDS]
    ledger.py latency LOGDIR >FILE

`latency` prints what the clients waited as the CSV that `airlock report --latency` reads; soon after the
run, since their clock goes on but the wall clock can be set.

`run` starts ledger_client on the lab's two sides as shop_app. `verify` reads the logs it left and the
tables of one side, or of both after they have become equal, and prints one JSON document; exit status
7 when anything is wrong. How the clients work and what a log line says stands in ledger_client.c.

What is checked, for the clients whose logs are in LOGDIR:
  lost               acknowledged, but not in the keyed table
  lost_keyless       acknowledged, but not in the keyless one
  duplicated         more than once in the keyless table
  unexpected         present, but never tried, or tried and reported as certainly not committed
  half               in one of the two tables only: a transaction was torn
  order              steps of a client's chain (commit order) at which seq does not grow
  holes              numbers missing in a client's chain: a transaction vanished after others built on it
  counter            clients whose counter is not the number of their transactions
  collisions         numbers that a sequence gave out twice
  sequence_behind    sequences that would give out a used number next (primary only)
  errors             SQLSTATEs that no crossing explains, with their count
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from lab import DATABASE, Lab, LabError, find_program
from server import wait_until

# How a session ends, or is refused, at a crossing or a crash. Anything else is a finding.
EXPLAINED = {"-----", "42501", "57P01", "57P02", "57P03", "25006", "40001", "40P01"}

DAMAGE = ("lost", "lost_keyless", "duplicated", "unexpected", "half", "order", "holes", "counter",
          "collisions", "sequence_behind")


@dataclass
class Record:
    """What the clients remember, out of their logs."""

    ok: set = field(default_factory=set)
    fail: set = field(default_factory=set)
    unknown: set = field(default_factory=set)
    clients: set = field(default_factory=set)
    errors: Counter = field(default_factory=Counter)
    waits: list = field(default_factory=list)  # (wait_us, client, end_ns or None when it was still waiting)
    switches: int = 0
    connects: int = 0
    first_ns: int = None
    last_ns: int = None

    @classmethod
    def read(cls, directory):
        record = cls()
        for path in sorted(Path(directory).glob("client-*.log")):
            record._read_client(int(path.stem.split("-")[1]), path)
        if not record.clients:
            raise LabError(f"no client-*.log in {directory}")
        return record

    def _read_client(self, client, path):
        self.clients.add(client)
        outcomes = {"ok": self.ok, "fail": self.fail, "unknown": self.unknown}
        with path.open() as file:
            for line in file:
                if not line.endswith("\n"):
                    break  # the writer was cut off in the middle of it
                fields = line.split()
                if fields[0] == "G":
                    self.connects += 1
                    self.switches += fields[3] != fields[4]
                    continue
                if fields[0] == "E":
                    self.waits.append((int(fields[1]), client, None))
                    continue
                _, seq, outcome, _, sqlstate, _, end_ns, wait_us = fields
                outcomes[outcome].add((client, int(seq)))
                if outcome == "ok":
                    self.waits.append((int(wait_us), client, int(end_ns)))
                    self._span(int(end_ns))
                elif sqlstate not in EXPLAINED:
                    self.errors[sqlstate] += 1

    def _span(self, now_ns):
        self.first_ns = now_ns if self.first_ns is None else min(self.first_ns, now_ns)
        self.last_ns = now_ns if self.last_ns is None else max(self.last_ns, now_ns)

    def rate(self):
        """Acknowledged transactions per second."""
        if not self.ok or self.last_ns == self.first_ns:
            return 0.0
        return len(self.ok) * 1e9 / (self.last_ns - self.first_ns)

    def longest_wait_ms(self):
        return max((wait[0] for wait in self.waits), default=0) / 1000


@dataclass
class Holdings:
    """What one side holds of these clients."""

    entries: list  # (client, seq, n, ident, ticket)
    trace: Counter  # (client, seq) -> rows
    counters: dict  # client -> n
    ident_next: int
    ticket_next: int

    @classmethod
    def read(cls, server, clients):
        with server.connect(DATABASE, autocommit=False) as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            mine = list(clients)
            entries = conn.execute(
                "SELECT client, seq, n, ident, ticket FROM ledger.entry WHERE client = ANY (%s)",
                (mine,)).fetchall()
            trace = conn.execute(
                "SELECT client, seq FROM ledger.trace WHERE client = ANY (%s)", (mine,)).fetchall()
            counters = conn.execute(
                "SELECT client, n FROM ledger.counter WHERE client = ANY (%s)", (mine,)).fetchall()
            positions = [
                conn.execute(f"SELECT last_value + CASE WHEN is_called THEN {step} ELSE 0 END"
                             f" FROM {name}").fetchone()[0]
                for name, step in (("ledger.entry_ident_seq", 1), ("ledger.ticket", -1))]
        return cls(entries, Counter(trace), dict(counters), *positions)


def chain_faults(entries):
    """(steps at which seq does not grow, numbers missing) over the clients' chains."""
    chains = defaultdict(list)
    for client, seq, n, _, _ in entries:
        chains[client].append((n, seq))
    order, holes = [], []
    for client, chain in chains.items():
        chain.sort()
        order += [(client, seq) for (_, before), (_, seq) in zip(chain, chain[1:]) if seq <= before]
        present = {n for n, _ in chain}
        holes += [(client, n) for n in range(1, chain[-1][0] + 1) if n not in present]
    return order, holes


def repeated(values):
    return [value for value, times in Counter(values).items() if times > 1]


def judge(record, held, is_primary):
    """Every kind of damage on one side, as lists of examples."""
    present = {(entry[0], entry[1]) for entry in held.entries}
    traced = set(held.trace)
    tried = record.ok | record.fail | record.unknown
    order, holes = chain_faults(held.entries)
    counts = Counter(entry[0] for entry in held.entries)
    idents = [entry[3] for entry in held.entries]
    tickets = [entry[4] for entry in held.entries]
    behind = []
    if is_primary and idents:
        behind += ["ledger.entry_ident_seq"] if held.ident_next <= max(idents) else []
        behind += ["ledger.ticket"] if held.ticket_next >= min(tickets) else []
    return {
        "lost": sorted(record.ok - present),
        "lost_keyless": sorted(record.ok - traced),
        "duplicated": sorted(key for key, times in held.trace.items() if times > 1),
        "unexpected": sorted(((present | traced) - tried) | ((present | traced) & record.fail)),
        "half": sorted(present ^ traced),
        "order": order,
        "holes": holes,
        "counter": [c for c in record.clients if held.counters.get(c, 0) != counts.get(c, 0)],
        "collisions": repeated(idents) + repeated(tickets),
        "sequence_behind": behind,
    }


def sides_equal(lab, clients):
    """Whether both sides hold the same rows of these clients."""
    digest = (
        "SELECT (SELECT count(*) FROM ledger.trace WHERE client = ANY (%(c)s)),"
        " (SELECT md5(string_agg(md5(e::text), '' ORDER BY client, seq)) FROM ledger.entry e"
        "  WHERE client = ANY (%(c)s)),"
        " (SELECT md5(string_agg(md5(k::text), '' ORDER BY client)) FROM ledger.counter k"
        "  WHERE client = ANY (%(c)s))")
    old, new = (server.query(digest, {"c": list(clients)}, DATABASE) for server in lab.servers)
    return old == new


def verify(lab, log_dir, primary, both_seconds=None):
    """The verdict as a dict; both sides are judged when `both_seconds` says how long they may take
    to become equal."""
    record = Record.read(log_dir)
    other = "new" if primary == "old" else "old"
    equal = None
    if both_seconds is not None:
        try:
            wait_until(lambda: sides_equal(lab, record.clients), both_seconds, "equal sides")
            equal = True
        except LabError:
            equal = False
    sides = {primary: judge(record, Holdings.read(lab.server(primary), record.clients), True)}
    if both_seconds is not None:
        sides[other] = judge(record, Holdings.read(lab.server(other), record.clients), False)
    found = {kind: sum(len(side[kind]) for side in sides.values()) for kind in DAMAGE}
    sound = not any(found.values()) and not record.errors and equal is not False
    examples = {side: {kind: faults[:5] for kind, faults in kinds.items() if faults}
                for side, kinds in sides.items()}
    return {
        "schema": "airlock.lab.ledger/1",
        "verdict": "sound" if sound and record.ok else "damaged",
        "acknowledged": len(record.ok),
        "failed": len(record.fail),
        "unknown": len(record.unknown),
        "per_second": round(record.rate(), 1),
        "longest_stall_ms": round(record.longest_wait_ms(), 1),
        "switches": record.switches,
        "reconnects": record.connects - len(record.clients),
        "primary": primary,
        "sides_equal": equal,
        **found,
        "errors": dict(record.errors),
        "examples": {side: kinds for side, kinds in examples.items() if kinds},
    }


def latency_lines(log_dir):
    """`at,ms,outcome` of each transaction: Unix seconds, how long its client had waited by then."""
    shift_ns = time.time_ns() - time.monotonic_ns()  # the clients' clock begins at boot
    yield "at,ms,outcome"
    for path in sorted(Path(log_dir).glob("client-*.log")):
        for line in path.read_text().splitlines(keepends=True):
            fields = line.split()
            if not line.endswith("\n") or fields[0] != "T":
                continue
            _, _, outcome, _, _, began_ns, end_ns, wait_us = fields
            waited_ms = int(wait_us) / 1e3 if outcome == "ok" else (int(end_ns) - int(began_ns)) / 1e6
            at = (int(end_ns) + shift_ns) / 1e9
            yield f"{at:.6f},{waited_ms:.3f},{'ok' if outcome == 'ok' else 'error'}"


class Ledger:
    """Running clients; a context manager that ends them. `sides` is where they go in turn: the same
    one twice for clients that are to stay there, "gateway" twice for clients that come through it."""

    def __init__(self, lab, log_dir, clients=16, rate=0, first=0, start="old", role="shop_app",
                 backoff_ms=5, sides=("old", "new")):
        program = find_program("ledger_client")
        if program is None:
            raise LabError("ledger_client is not built: meson setup build && ninja -C build")
        self.log_dir, self.sides = Path(log_dir), sides
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._command = [
            program, "--old", lab.dsn(sides[0], role), "--new", lab.dsn(sides[1], role),
            "--log", str(self.log_dir), "--clients", str(clients), "--rate", str(rate),
            "--first", str(first), "--start", start, "--backoff-ms", str(backoff_ms), "--progress"]
        self._progress = self.log_dir / "progress"
        self._process = None

    def __enter__(self):
        with self._progress.open("w") as out:
            self._process = subprocess.Popen(self._command, stdout=out, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Lets every client finish its transaction and close its log."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=120)
            self._process = None

    def progress(self):
        """{"seconds", "ok", "fail", "unknown", "side", "worst_ms"} of at most a tenth of a second ago."""
        lines = self._progress.read_text().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        if not whole:
            return {"seconds": 0.0, "ok": 0, "fail": 0, "unknown": 0, "side": "old", "worst_ms": 0.0}
        names = ("seconds", "ok", "fail", "unknown", "side", "worst_ms")
        kinds = (float, int, int, int, str, float)
        return {n: kind(text) for n, kind, text in zip(names, kinds, whole[-1].split())}

    def wait_for(self, acknowledged, seconds=60):
        """Until so many transactions more than now have been acknowledged."""
        goal = self.progress()["ok"] + acknowledged
        wait_until(lambda: self._alive() and self.progress()["ok"] >= goal, seconds,
                   f"{acknowledged} more acknowledged transactions")

    def _alive(self):
        if self._process is None or self._process.poll() is not None:
            raise LabError("the ledger's clients have ended by themselves")
        return True


def main():
    parser = argparse.ArgumentParser(prog="ledger.py", description="Live clients and their verdict.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="start live clients; Ctrl-C ends them")
    check = verbs.add_parser("verify", help="compare the logs with the databases")
    latency = verbs.add_parser("latency", help="what the clients waited, as CSV")
    for verb in (run, check):
        verb.add_argument("lab", metavar="LABDIR")
    for verb in (run, check, latency):
        verb.add_argument("log", metavar="LOGDIR")
    run.add_argument("--clients", type=int, default=16)
    run.add_argument("--rate", type=float, default=0, help="per second, all clients together; 0 = most")
    run.add_argument("--seconds", type=float, default=0, help="0 = until Ctrl-C")
    run.add_argument("--first", type=int, default=0, help="number of the first client")
    check.add_argument("--primary", choices=("old", "new"), required=True)
    check.add_argument("--both", type=float, metavar="SECONDS",
                       help="check the other side too, which may take so long to catch up")
    options = parser.parse_args()
    if options.verb == "latency":
        print(*latency_lines(options.log), sep="\n")
        return
    lab = Lab.open(options.lab)
    if options.verb == "verify":
        verdict = verify(lab, options.log, options.primary, options.both)
        print(json.dumps(verdict, indent=1))
        sys.exit(0 if verdict["verdict"] == "sound" else 7)
    with Ledger(lab, options.log, options.clients, options.rate, options.first) as ledger:
        end = time.monotonic() + options.seconds if options.seconds else float("inf")
        try:
            while time.monotonic() < end:
                time.sleep(min(1, max(0, end - time.monotonic())))
                print(json.dumps(ledger.progress()), flush=True)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        print(f"ledger: {error}", file=sys.stderr)
        sys.exit(1)
