#!/usr/bin/python3
"""The kill matrix: stop a crossing before or after a durable step, hurt something, resume, judge.

    killmatrix.py [--state FILE] [--work DIR] [--jobs N] [--level 3|2] [--path P]... [--fault F]...
                  [--only CELL]... [--sample N] [--list | --summary]

A cell is LEVEL/DIRECTION/PATH/WHEN:STEP/FAULT, for instance 3/forward/straight/before:seal/kill-new.
The build has to honour failpoints (meson setup -Dfailpoints=true): the controller writes the point's
name to a pipe and stops itself; then the cell's fault happens:

  kill          the controller is killed (-9)
  kill-blank    ... and the journal is deleted
  kill-stale    ... and the journal is replaced by the copy made before the crossing
  freeze        the controller stays frozen for 10 s, meanwhile another one (with a state directory of
                its own, as on another host) resumes; then the frozen one runs on
  race          it runs on at once, beside such another controller's resume
  kill-old      the old server is killed (-9) and the controller runs on; later the server comes back:
                at once, after a second, or when the controller has given up, as the cell's name has it
  kill-new      the same with the new server
  stop-old      the old server is stopped (SIGSTOP) for 10 s and the controller runs on
  stop-new      the same with the new server
  kill-gateway     the gateway is killed (-9) and the controller runs on; later it is started again
  restart-gateway  the same, but it is asked to end
  stop-gateway     the gateway is stopped (SIGSTOP) for 10 s and the controller runs on

Paths. A step that a path never comes to is recorded as `unreached`, not as a success.

  straight      the controller that is hurt is the one that crosses
  undone        one was killed after the link was cut; `resume`, which undoes, is hurt
  resumed       one was killed after the new door was opened; `resume`, which goes on, is hurt
  revoked       one is asked to stop while it commits, so the other side has to say no first; it is hurt
  refused       the same, killed when that side's guard had moved; `resume` is hurt
  again         after the cut a first one was killed and undone; the same direction at once again is hurt
  back          a first one was killed when it had retired its source; the crossing back, which has to
                finish that turn first, is hurt
  turns         three crossings in a row, there, back and there, each hurt at that step
  gateway       as straight, with the clients behind airlock-gateway: they see no error and keep their
                connections, whatever happens to the controller and if the gateway stands still for a while
  sync, desist  `sync` is hurt, then carried out again, or given up by `abandon`
  abandon       `abandon` is hurt and carried out again
  finalize      `finalize` is hurt and carried out again

Afterwards `airlock resume`, at most three times, has to end with 0, 5 or 6. Live clients and a prober
run all the time. A cell is green when at most one side ever let writes in, the ledger is sound on both
sides, with 0 or 5 exactly one side is open and `status` says the same, with 6 both are shut and
`status` says unknown. After each batch of cells `finalize` or `abandon` must leave no slot,
subscription, publication or changed admission behind, and no process.

Results are lines of JSON in --state; a cell that is there is not run again, so the matrix can be
stopped and continued at any time. The order is shuffled, always in the same way, so that what was
run by then is a fair sample. --jobs N runs 2 N labs at a time: N for the cells that work, and N for
those that mostly wait. Exit status 1 when any cell is red.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from crossing import Crossing
from killcell import SOURCE, Batch, Red
from lab import LabError

LEVELS = (3, 2)
DIRECTIONS = ("forward", "rollback")
WHENS = ("before", "after")
CONTROLLER = ("kill", "kill-blank", "kill-stale", "freeze", "race")
SERVERS = ("kill-old", "kill-new")
STOPS = ("stop-old", "stop-new")
GATEWAYS = ("kill-gateway", "restart-gateway", "stop-gateway")
FAULTS = (*CONTROLLER, *SERVERS, *STOPS, *GATEWAYS)
MOSTLY_WAIT = ("freeze", *STOPS, "stop-gateway")

# What is hurt on each path, and, where not both, on which side of the step.
PATHS = {
    "straight": ((*CONTROLLER, *SERVERS, *STOPS), WHENS),
    "gateway": (("kill", "freeze", "kill-new", *GATEWAYS), WHENS),
    "undone": ((*CONTROLLER, *SERVERS), WHENS),
    "resumed": ((*CONTROLLER, *SERVERS), WHENS),
    "revoked": ((*CONTROLLER, *SERVERS), WHENS),
    "refused": ((*CONTROLLER, *SERVERS), WHENS),
    "again": (("kill", *SERVERS), ("after",)),
    "back": (("kill", *SERVERS), ("after",)),
    "turns": (("kill", *SERVERS), ("after",)),
    "sync": (("kill", "race", *SERVERS), WHENS),
    "desist": (("kill",), WHENS),
    "abandon": (("kill", "race", *SERVERS), WHENS),
    "finalize": (("kill", *SERVERS), WHENS),
}
# The steps that only some paths come to; all others belong to every crossing.
UNDO = ("guard-revoke", "revoke", "guard-aborted", "reopen", "relink")
LEFT = {"undone": UNDO[2:], "resumed": ("guard-turn", "retire", "turn"), "revoked": UNDO,
        "refused": UNDO[1:]}
SETUP = {"sync": ("sync-",), "desist": ("sync-",), "abandon": ("drop-", "forget-"),
         "finalize": ("finalize", "drop-", "unfreeze-")}
# Services are stopped, started and moved only where a plan has such: tests/it/test_services.py, test_move.py.
NOT_CROSSING = ("service-", "wave-", "move", *(prefix for prefixes in SETUP.values() for prefix in prefixes))

CELLS_A_BATCH = 60
FEW = 8  # cells to choose the next one from; the order stays nearly the shuffled one
MEMORY_BYTES = 4 << 30


@dataclass(frozen=True)
class Cell:
    level: int
    direction: str
    path: str
    when: str
    step: str
    fault: str

    @property
    def name(self):
        return f"{self.level}/{self.direction}/{self.path}/{self.when}:{self.step}/{self.fault}"

    @property
    def failpoint(self):
        return f"{self.when}:{self.step}"

    @property
    def gateway(self):
        return self.path == "gateway"

    @property
    def begins(self):
        """The state of the lab from which it needs no preparation."""
        if self.path in SETUP:
            return {"finalize": "new", "abandon": "old"}.get(self.path, "unsynced")
        if self.path == "back":
            return {"old": "new", "new": "old"}[SOURCE[self.direction]]
        return SOURCE[self.direction]

    @classmethod
    def parse(cls, name):
        level, direction, path, point, fault = name.split("/")
        when, step = point.split(":")
        return cls(int(level), direction, path, when, step, fault)


def steps_of(path, steps):
    """Those of the program's steps that this path comes to."""
    if path in LEFT:
        return [step for step in steps if step in LEFT[path]]
    if path in SETUP:
        return [step for step in steps if step.startswith(SETUP[path])]
    return [step for step in steps if step not in UNDO and not step.startswith(NOT_CROSSING)]


def whens_of(path, fault):
    return ("before",) if fault in (*STOPS, "stop-gateway") else PATHS[path][1]


def all_cells(steps):
    """In the order in which they are run."""
    cells = [Cell(level, direction, path, when, step, fault)
             for level in LEVELS for path, (faults, _) in PATHS.items()
             for direction in (DIRECTIONS[:1] if path in SETUP else DIRECTIONS)
             for step in steps_of(path, steps) for fault in faults for when in whens_of(path, fault)]
    random.Random(1).shuffle(cells)
    return cells


class Results:
    """The state file: one line of JSON for each cell that was run; the last one counts."""

    def __init__(self, path):
        self.path = Path(path)
        self.by_cell = {}
        self.read()

    def read(self):
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        for line in lines:
            try:
                result = json.loads(line)
                self.by_cell[result["cell"]] = result
            except (ValueError, KeyError):
                continue  # a line that was cut off: the cell is run again

    def add(self, result):
        """One write at the file's end, so that several processes can share it."""
        with self.path.open("a") as file:
            file.write(json.dumps(result) + "\n")
        self.by_cell[result["cell"]] = result

    def pending(self, cells):
        return [cell for cell in cells if cell.name not in self.by_cell]

    def verdict(self, cell):
        return self.by_cell.get(cell.name, {}).get("verdict", "pending")

    def summary(self, cells):
        return dict(Counter(self.verdict(cell) for cell in cells))

    def reds(self, cells):
        return [cell for cell in cells if self.verdict(cell) == "red"]

    def table(self, cells):
        """Lines: what became of each kind of cell, and how long it took."""
        kinds = defaultdict(list)
        for cell in cells:
            kinds[(cell.fault, cell.path, cell.direction, cell.level)].append(cell)
        words = ("done", "undone", "unknown", "unreached", "red", "pending")
        yield f"{'fault':15} {'path':9} {'direction':9} level " + " ".join(f"{w:>9}" for w in words) \
            + "  median s"
        for kind in sorted(kinds):
            counts = self.summary(kinds[kind])
            yield "{:15} {:9} {:9} {:5} ".format(*kind) \
                + " ".join(f"{counts.get(word, 0):9}" for word in words) \
                + f" {self.median(kinds[kind]):>9}"
        counts = self.summary(cells)
        yield f"{'all':41}" + " ".join(f"{counts.get(word, 0):9}" for word in words) \
            + f" {self.median(cells):>9}"
        for cell in self.reds(cells):
            yield f"red: {again(cell)}\n     {self.by_cell[cell.name]['why'].splitlines()[-1][:300]}"

    def median(self, cells):
        seconds = [self.by_cell[c.name]["seconds"] for c in cells
                   if "seconds" in self.by_cell.get(c.name, {})]
        return f"{statistics.median(seconds):.1f}" if seconds else "-"


class Matrix:
    """Runs the cells that are pending, batch by batch."""

    def __init__(self, results, work, say=lambda text: print(text, flush=True), stop=None):
        self.results = results
        self.stop = stop
        self.work = Path(work)
        self.say = say
        self._batches = 0

    def run(self, cells):
        """True when none of them is red."""
        while not self._asked_to_stop() and (pending := self.results.pending(cells)):
            kind = (pending[0].level, pending[0].gateway)
            self._batch(*kind, [cell for cell in pending if (cell.level, cell.gateway) == kind])
        return not self.results.reds(cells)

    def _asked_to_stop(self):
        return self.stop is not None and self.stop.asked

    def _batch(self, level, gateway, pending):
        self._batches += 1
        work = self.work / f"batch-{self._batches:03d}"
        work.mkdir(parents=True)
        work.chmod(0o755)
        batch = Batch(level, work, gateway)
        ran, verdict_ = [], None
        try:
            while verdict_ not in ("red", "unknown") and batch.begins != "spent" \
                    and not self._asked_to_stop() and (cell := self._next(batch, pending, len(ran))):
                pending.remove(cell)
                ran.append(cell)
                verdict_ = self._cell(batch, cell, work)
            if verdict_ not in ("red", "unknown"):  # such a lab is evidence, not ground for more
                verdict_ = self._end(batch, ran, work)
        finally:
            batch.close(keep_logs=verdict_ == "red")

    @staticmethod
    def _next(batch, pending, ran):
        """Of the next few, preferably one that begins where the last one ended; finalize ends the
        lab's use."""
        last = [cell for cell in pending if cell.path == "finalize"]
        others = [cell for cell in pending if cell.path != "finalize"]
        if ran > CELLS_A_BATCH:
            return None
        if ran == CELLS_A_BATCH or not others:
            return last[0] if last else None
        few = others[:FEW]
        fitting = [cell for cell in few if cell.begins == batch.begins and cell.path not in SETUP]
        return (fitting or few)[0]

    def _cell(self, batch, cell, work):
        began = time.monotonic()
        try:
            result = batch.run(cell)
        except (Red, LabError) as trouble:
            result = {"verdict": "red", "why": str(trouble)}
        except Exception:  # the harness itself broke; that is no verdict about the program, but red
            result = {"verdict": "red", "why": traceback.format_exc()}
        result = {"cell": cell.name, **result, "seconds": round(time.monotonic() - began, 1)}
        if result["verdict"] == "red" and self._asked_to_stop():
            return "red"  # Ctrl-C reaches the clients as well: no verdict, the cell is run again
        self.results.add(result)
        self.say(f"{cell.name:60} {result['verdict']:9} {result['seconds']:6.1f} s")
        if result["verdict"] == "red":
            self.say(f"  {result['why']}\n  evidence: {work}\n  again: {again(cell)}")
        return result["verdict"]

    def _end(self, batch, ran, work):
        """What is wrong at the end is held against the batch's last cell."""
        try:
            batch.finish()
        except (Red, LabError) as trouble:
            cell = ran[-1]
            self.results.add({"cell": cell.name, "verdict": "red", "why": f"end of batch: {trouble}",
                              "batch": [c.name for c in ran]})
            self.say(f"end of batch: {trouble}\n  evidence: {work}\n  again: {again(*ran)}")
            return "red"
        return None


def again(*cells):
    only = " ".join(f"--only {cell.name}" for cell in cells)
    return f"/usr/bin/python3 tests/lab/killmatrix.py {only}"


def shares(cells, jobs):
    """The cells of each job; of two kinds, so that waiting costs nobody a processor."""
    waiting = [cell for cell in cells if cell.fault in MOSTLY_WAIT]
    working = [cell for cell in cells if cell.fault not in MOSTLY_WAIT]
    return [kind[n::jobs] for kind in (working, waiting) for n in range(jobs) if kind[n::jobs]]


def run_jobs(results, work, cells_of_jobs):
    """Each share in a process and labs of its own; True when no cell is red."""
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=run_share, args=(results, work / f"job-{n}", share))
               for n, share in enumerate(cells_of_jobs)]
    for worker in workers:
        worker.start()
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for worker in workers:
            worker.join()
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
        for worker in workers:
            worker.join()
        signal.signal(signal.SIGTERM, before)
    results.read()
    return all(worker.exitcode == 0 for worker in workers)


def run_share(results, work, share):
    work.mkdir()
    work.chmod(0o755)
    sys.exit(0 if Matrix(results, work, stop=Stop()).run(share) else 1)


class Stop:
    """SIGTERM and Ctrl-C end a run after the cell that is under way: then nothing is left behind."""

    def __init__(self):
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_):
        self.asked = True


def choose(options, steps):
    if options.only:
        return [Cell.parse(name) for name in options.only]
    cells = [cell for cell in all_cells(steps)
             if options.level in (None, cell.level)
             and (not options.path or cell.path in options.path)
             and (not options.fault or cell.fault in options.fault)]
    return cells[:options.sample] if options.sample else cells


def parse():
    parser = argparse.ArgumentParser(prog="killmatrix.py", description="Crossings, killed everywhere.")
    parser.add_argument("--state", help="results; cells found there are not run again")
    parser.add_argument("--work", help="directory for labs and evidence (default: a new one)")
    parser.add_argument("--jobs", type=int, default=0, metavar="N",
                        help="N labs for cells that work, N more for those that wait (0: one for all)")
    parser.add_argument("--level", type=int, choices=LEVELS)
    parser.add_argument("--path", action="append", choices=tuple(PATHS))
    parser.add_argument("--fault", action="append", choices=FAULTS)
    parser.add_argument("--only", action="append", metavar="CELL", help="this cell (repeatable)")
    parser.add_argument("--sample", type=int, metavar="N", help="the first N cells of those chosen")
    parser.add_argument("--list", action="store_true", help="print the cells and their verdicts so far")
    parser.add_argument("--summary", action="store_true", help="print counts and seconds of each kind")
    return parser.parse_args()


def main():
    options = parse()
    work = Path(options.work or tempfile.mkdtemp(prefix="airlock-kill-", dir=in_memory()))
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o755)
    results = Results(options.state or work / "results.jsonl")
    cells = choose(options, failpoint_steps(work))
    if options.list:
        for cell in cells:
            print(cell.name, results.verdict(cell))
        return 0
    green = True
    if not options.summary:
        green = run_jobs(results, work, shares(results.pending(cells), options.jobs)) \
            if options.jobs else Matrix(results, work, stop=Stop()).run(cells)
    print("\n".join(results.table(cells)))
    return 0 if green else 1


def in_memory():
    """Only processes are killed here, never the machine: what they wrote survives them on a file
    system in memory as on a disk, and the cells wait for no disk. None where there is none."""
    place = Path("/dev/shm")
    roomy = place.is_dir() and shutil.disk_usage(place).free > MEMORY_BYTES
    return place if roomy and os.access(place, os.W_OK) else None


def failpoint_steps(work):
    """`airlock help --failpoints` needs no servers and no plan."""
    class Nowhere:
        dir = plan = work
    return Crossing(Nowhere, work / "help").failpoints()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"killmatrix: {error}", file=sys.stderr)
        sys.exit(2)
