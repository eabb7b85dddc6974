"""The kill matrix: stop a crossing before or after a durable step, hurt something, resume, judge.

    killmatrix.py [--state FILE] [--work DIR] [--level 3|2] [--only CELL]... [--sample N] [--list]

A cell is LEVEL/DIRECTION/PATH/WHEN:STEP/FAULT, for instance 3/forward/straight/before:seal/kill-new.
The build has to honour failpoints (meson setup -Dfailpoints=true): the controller writes the point's
name to a pipe and stops itself; then the cell's fault happens:

  kill          the controller is killed (-9)
  kill-blank    ... and the journal is deleted
  kill-stale    ... and the journal is replaced by the copy made before the crossing
  freeze        the controller stays frozen for 10 s, meanwhile another one (with a state directory of
                its own, as on another host) resumes; then the frozen one runs on
  race          it runs on at once, beside such another controller's resume
  kill-old      the old server is killed (-9) and the controller runs on; later the server comes back
  kill-new      the same with the new server

On the path `straight` the controller that is hurt is the one that crosses. On the other two a first one
has been killed before, and it is its successor, `airlock resume`, that is hurt: on `undone` after the
link was cut, so that undoing is left to do, on `resumed` after the new door was opened, so that the rest
is. A step that a path never comes to is recorded as `unreached`, not as a success.

Afterwards `airlock resume`, at most three times, has to end with 0, 5 or 6. Live clients and a prober
run all the time. A cell is green when at most one side ever let writes in, the ledger is sound on both
sides, with 0 or 5 exactly one side is open and `status` says the same, with 6 both are shut and
`status` says unknown. After each batch of cells `finalize` or `abandon` must leave no slot,
subscription, publication or changed admission behind, and no process.

Results are lines of JSON in --state; a cell that is there is not run again, so the matrix can be
stopped and continued at any time. Exit status 1 when any cell is red.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from crossing import DONE, OTHER, UNDONE, UNKNOWN, Crossing
from lab import Lab, LabError
from ledger import Ledger, verify
from prober import Prober, verdict
from server import wait_until

LEVELS = (3, 2)
DIRECTIONS = ("forward", "rollback")
PRELUDE = {"straight": None, "undone": "after:cut", "resumed": "after:promote"}
WHENS = ("before", "after")
FAULTS = ("kill", "kill-blank", "kill-stale", "freeze", "race", "kill-old", "kill-new")
# What a resumed attempt has left to do; all other steps belong to the straight path, or to finalize.
LEFT = {"undone": ("guard-revoke", "revoke", "guard-aborted", "reopen", "relink"),
        "resumed": ("release", "guard-turn", "retire", "turn")}
NOT_CROSSING = ("finalize",)
SOURCE = {"forward": "old", "rollback": "new"}

FREEZE_SECONDS = 10
REACH_SECONDS = 60    # from the start of a command to its failpoint
END_SECONDS = 120     # within which a controller has to end, come what may
DOWN_SECONDS = 3      # how long a killed server stays away
CATCH_UP_SECONDS = 60
WARM_UP = 40          # acknowledged transactions before each crossing
CELLS_A_BATCH = 30


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

    @classmethod
    def parse(cls, name):
        level, direction, path, point, fault = name.split("/")
        when, step = point.split(":")
        return cls(int(level), direction, path, when, step, fault)


def steps_of(path, steps):
    """Those of the program's steps that this path comes to."""
    if path != "straight":
        return [step for step in steps if step in LEFT[path]]
    return [step for step in steps if step not in (*LEFT["undone"], *NOT_CROSSING)]


def all_cells(steps, levels=LEVELS):
    return [Cell(level, direction, path, when, step, fault)
            for level in levels for direction in DIRECTIONS for path in PRELUDE
            for step in steps_of(path, steps) for when in WHENS for fault in FAULTS]


class Results:
    """The state file: one line of JSON for each cell that was run; the last one counts."""

    def __init__(self, path):
        self.path = Path(path)
        self.by_cell = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                try:
                    result = json.loads(line)
                    self.by_cell[result["cell"]] = result
                except (ValueError, KeyError):
                    continue  # a line that was cut off: the cell is run again

    def add(self, result):
        with self.path.open("a") as file:
            file.write(json.dumps(result) + "\n")
        self.by_cell[result["cell"]] = result

    def pending(self, cells):
        return [cell for cell in cells if cell.name not in self.by_cell]

    def summary(self, cells):
        counts = {}
        for cell in cells:
            verdict_ = self.by_cell.get(cell.name, {}).get("verdict", "pending")
            counts[verdict_] = counts.get(verdict_, 0) + 1
        return counts


class Red(Exception):
    """The cell failed: what was seen that must not be."""


class Batch:
    """A lab in which cells are run one after the other, and what has to be true at its end."""

    def __init__(self, level, work):
        self.level = level
        self.work = work
        self.lab = Lab.up(work / "lab", level)
        self.crossing = Crossing(self.lab, work / "commands")
        self.before = {side: self.crossing.world(side) for side in OTHER}
        self.crossing.prepare()
        self.last_side = "old"
        self.codes = {}
        self._clients = 0
        self._cells = 0

    def primary(self):
        sides = self.crossing.open_sides()
        if len(sides) != 1:
            raise Red(f"sides that let writes in between two cells: {sides}")
        return sides[0]

    def run(self, cell):
        """Judges one cell; Red when it is red. The result's fields on success."""
        self._bring_to(SOURCE[cell.direction])
        self._cells += 1
        self.codes = {}  # of the controllers that were not killed
        place = self.work / f"cell-{self._cells:03d}"
        stale = place / "stale-journal"
        shutil.copytree(self.crossing.state, stale)
        first = 1000 + self._clients
        self._clients += 4
        ledger = Ledger(self.lab, place / "ledger", clients=4, rate=200, first=first,
                        start=SOURCE[cell.direction])
        prober = Prober(self.lab, place / "prober", every_ms=20)
        with ledger, prober:
            ledger.wait_for(WARM_UP)
            reached = self._crossing_with_fault(cell, place, stale)
            code, tries = self._resume()
            self._doors_agree(code)
            if code != UNKNOWN:
                ledger.wait_for(WARM_UP)
        outcome = self._judge(place, code)
        self.last_side = {"done": OTHER[SOURCE[cell.direction]]}.get(outcome, SOURCE[cell.direction])
        return {"verdict": outcome if reached else "unreached", "exit": code, "resumes": tries,
                "ended": outcome, "controllers": self.codes}

    def _bring_to(self, side):
        if self.primary() != side:
            direction = "rollback" if side == "old" else "forward"
            self._await_way_back()
            self.crossing.call(*self.crossing.moved(direction)).require(DONE)
            if self.primary() != side:
                raise Red(f"an undisturbed {direction} ended with 0 and did not open {side}")

    def _await_way_back(self):
        """Until nothing is left to do, so that the next attempt is not refused."""
        wait_until(lambda: self.crossing.call("resume").code == DONE, CATCH_UP_SECONDS,
                   "nothing left to resume")

    def _crossing_with_fault(self, cell, place, stale):
        """Whether the failpoint was reached."""
        command = self.crossing.moved(cell.direction)
        if PRELUDE[cell.path] is not None:
            with self.crossing.start(*command, failpoint=PRELUDE[cell.path]) as first:
                if not first.await_failpoint(REACH_SECONDS):
                    raise Red(f"an undisturbed crossing did not come to {PRELUDE[cell.path]}")
                self._fault_kill(first, place, stale)
            command = ("resume", "--json")
        with self.crossing.start(*command, failpoint=cell.failpoint) as controller:
            if not controller.await_failpoint(REACH_SECONDS):
                return False
            getattr(self, "_fault_" + cell.fault.replace("-", "_"))(controller, place, stale)
            return True

    # -- the faults ------------------------------------------------------------------------------

    def _fault_kill(self, controller, _place, _stale):
        controller.signal(signal.SIGKILL)
        controller.wait(10)

    def _fault_kill_blank(self, controller, place, stale):
        self._fault_kill(controller, place, stale)
        shutil.rmtree(self.crossing.state)

    def _fault_kill_stale(self, controller, place, stale):
        self._fault_kill(controller, place, stale)
        shutil.rmtree(self.crossing.state)
        shutil.copytree(stale, self.crossing.state)

    def _fault_freeze(self, controller, place, _stale):
        frozen_at = time.monotonic()
        with self.crossing.start("resume", state=place / "elsewhere") as other:
            wait_until(lambda: time.monotonic() - frozen_at >= FREEZE_SECONDS, 2 * FREEZE_SECONDS,
                       "the freeze to be over")
            controller.signal(signal.SIGCONT)
            self._both_end(controller, other)

    def _fault_race(self, controller, place, _stale):
        with self.crossing.start("resume", state=place / "elsewhere") as other:
            controller.signal(signal.SIGCONT)
            self._both_end(controller, other)

    def _fault_kill_old(self, controller, _place, _stale):
        self._server_dies(self.lab.old, controller)

    def _fault_kill_new(self, controller, _place, _stale):
        self._server_dies(self.lab.new, controller)

    def _server_dies(self, server, controller):
        server.kill9()
        controller.signal(signal.SIGCONT)
        ended = controller.wait(DOWN_SECONDS)
        server.start()
        ended = ended or controller.wait(END_SECONDS)
        if ended is None:
            raise Red(f"the controller did not end in {END_SECONDS} s after {server.name} had died")
        self.codes["bereft"] = ended.code

    def _both_end(self, controller, other):
        for name, process in (("woken", controller), ("other", other)):
            ended = process.wait(END_SECONDS)
            if ended is None:
                raise Red(f"the {name} controller did not end in {END_SECONDS} s")
            self.codes[name] = ended.code

    # -- afterwards ------------------------------------------------------------------------------

    def _resume(self):
        """(exit code, how many times it took)."""
        codes = []
        for _ in range(3):
            codes.append(self.crossing.call("resume", "--json", seconds=END_SECONDS).code)
            if codes[-1] in (DONE, UNDONE):
                break
        if codes[-1] not in (DONE, UNDONE, UNKNOWN):
            raise Red(f"airlock resume ended with {codes}")
        return codes[-1], len(codes)

    def _doors_agree(self, code):
        """The sides that are open, which exit code and status have to agree with."""
        sides, status = self.crossing.open_sides(), self.crossing.status()
        if code == UNKNOWN:
            if sides or status["writes"] != "unknown":
                raise Red(f"unknown, but open: {sides}, status {status}")
            return sides
        if len(sides) != 1:
            raise Red(f"exit {code}, but the sides that let writes in are {sides}")
        if status["writes"] != sides[0]:
            raise Red(f"{sides[0]} is open and status says {status}")
        return sides

    def _judge(self, place, code):
        """done, undone or unknown; everything that was seen has to agree."""
        sides = self._doors_agree(code)
        watched = verdict(self.lab, place / "prober")
        if watched["verdict"] != "sound":
            raise Red(f"prober: {json.dumps(watched)}")
        if not sides:
            return "unknown"
        held = verify(self.lab, place / "ledger", sides[0], CATCH_UP_SECONDS)
        if held["verdict"] != "sound":
            raise Red(f"ledger: {json.dumps(held)}")
        presence = verdict(self.lab, place / "prober", primary=sides[0])
        if presence["verdict"] != "sound":
            raise Red(f"prober, after the fact: {json.dumps(presence)}")
        return "done" if sides[0] != self._source(place) else "undone"

    def _source(self, place):
        """Where the cell's clients began: the side of their first transaction."""
        log = min((place / "ledger").glob("client-*.log"))
        with log.open() as file:
            return next(line.split()[3] for line in file if line.startswith("T "))

    def finish(self):
        """finalize from new, abandon from old; then nothing may be left."""
        self._await_way_back()
        primary = self.primary()
        if primary == "new":
            self.crossing.call("finalize", "--approve", self.crossing.hash()).require(DONE)
        else:
            self.crossing.call("abandon").require(DONE)
        changed = sorted(change for side in OTHER for change in self._changes(side, primary))
        if changed:
            raise Red(f"not as before, after {'finalize' if primary == 'new' else 'abandon'}: {changed}")

    def _changes(self, side, primary):
        changes = self.before[side] ^ self.crossing.world(side)
        if side != primary and primary == "new":  # old stays shut for good once finalized
            changes = {c for c in changes if not c.startswith(f"admission on {side}: shop ")}
        return changes

    def close(self):
        self.lab.down()


class Matrix:
    """Runs the cells that are pending, batch by batch."""

    def __init__(self, results, work, say=lambda text: print(text, flush=True)):
        self.results = results
        self.work = Path(work)
        self.say = say
        self._batches = 0

    def run(self, cells):
        """True when none of them is red."""
        for level in LEVELS:
            while pending := [c for c in self.results.pending(cells) if c.level == level]:
                self._batch(level, pending)
        return all(self.results.by_cell[cell.name]["verdict"] != "red" for cell in cells)

    def _batch(self, level, pending):
        self._batches += 1
        work = self.work / f"batch-{self._batches:03d}"
        work.mkdir(parents=True)
        work.chmod(0o755)
        batch = Batch(level, work)
        ran = []
        try:
            while pending and len(ran) < CELLS_A_BATCH:
                cell = self._next(batch, pending)
                pending.remove(cell)
                ran.append(cell)
                if self._cell(batch, cell, work) in ("red", "unknown"):
                    return  # this lab is evidence now, not ground for further cells
            self._end(batch, ran, work)
        finally:
            batch.close()

    def _next(self, batch, pending):
        """Preferably one that begins where the last one ended."""
        primary = batch.last_side
        fitting = [cell for cell in pending if SOURCE[cell.direction] == primary]
        return (fitting or pending)[0]

    def _cell(self, batch, cell, work):
        began = time.monotonic()
        try:
            result = batch.run(cell)
        except (Red, LabError) as trouble:
            result = {"verdict": "red", "why": str(trouble)}
        except Exception:  # the harness itself broke; that is no verdict about the program, but red
            result = {"verdict": "red", "why": traceback.format_exc()}
        result = {"cell": cell.name, **result, "seconds": round(time.monotonic() - began, 1)}
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


def again(*cells):
    only = " ".join(f"--only {cell.name}" for cell in cells)
    return f"/usr/bin/python3 tests/lab/killmatrix.py {only}"


def choose(options, steps):
    cells = all_cells(steps, [options.level] if options.level else LEVELS)
    if options.only:
        return [Cell.parse(name) for name in options.only]
    if options.sample:
        return random.Random(options.seed).sample(cells, min(options.sample, len(cells)))
    return cells


def main():
    parser = argparse.ArgumentParser(prog="killmatrix.py", description="Crossings, killed everywhere.")
    parser.add_argument("--state", help="results; cells found there are not run again")
    parser.add_argument("--work", help="directory for labs and evidence (default: a new one)")
    parser.add_argument("--level", type=int, choices=LEVELS)
    parser.add_argument("--only", action="append", metavar="CELL", help="this cell (repeatable)")
    parser.add_argument("--sample", type=int, metavar="N", help="so many cells, chosen by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print the cells and their verdicts so far")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that labs are taken down
    work = Path(options.work or tempfile.mkdtemp(prefix="airlock-kill-"))
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o755)
    results = Results(options.state or work / "results.jsonl")
    cells = choose(options, failpoint_steps(work))
    if options.list:
        for cell in cells:
            print(cell.name, results.by_cell.get(cell.name, {}).get("verdict", "pending"))
        return 0
    green = Matrix(results, work).run(cells)
    print(json.dumps(results.summary(cells)))
    return 0 if green else 1


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
