"""One lab in which cells of the kill matrix are run, and the judgement of each; see killmatrix.py."""

import json
import shutil
import signal
import time
import zlib
from contextlib import contextmanager

from crossing import DONE, OTHER, REFUSED, UNDONE, UNKNOWN, Crossing
from lab import DATABASE, Lab
from ledger import Ledger, verify
from prober import Prober, verdict
from server import wait_until

FREEZE_SECONDS = 10
REACH_SECONDS = 60    # from the start of a command to its failpoint
END_SECONDS = 120     # within which a controller has to end, come what may
CATCH_UP_SECONDS = 60
# Refused logins are what costs a lab its processor: each is a process of the server's. What is looked
# for is a door that stands open, which it does until somebody moves it.
PROBE_MS = 50
BACKOFF_MS = 20
WARM_UP = 20          # acknowledged transactions before each crossing

SOURCE = {"forward": "old", "rollback": "new"}
DIRECTION = {"old": "forward", "new": "rollback"}
# Where a path brings a first controller, which is killed there, before the cell's own is started.
PRELUDE = {"undone": "after:cut", "again": "after:cut", "resumed": "after:promote",
           "back": "after:retire", "refused": "after:guard-revoke"}
SUCCESSOR = ("undone", "resumed", "refused")  # what is hurt is `airlock resume`
ABORTED = ("revoked", "refused")  # told to stop while it commits: the destination has to say no
ABORT_AT = "before:guard-promote"  # the first effect of that step, so there is time to hear of it
TURNS = 3
NOT_NOTICED = ("kill", "freeze", "stop-gateway")  # by clients behind the gateway

# Only processes are killed here, never the machine: what a server wrote is in the page cache and is
# there when it starts again, synced or not. A commit that was not written at all is lost as before.
SETTINGS = {"fsync": "off"}


class Red(Exception):
    """The cell failed: what was seen that must not be."""


class Stopwatch:
    """Where a cell's seconds go."""

    def __init__(self):
        self.parts = {}

    @contextmanager
    def part(self, name):
        began = time.monotonic()
        try:
            yield
        finally:
            self.parts[name] = round(self.parts.get(name, 0) + time.monotonic() - began, 2)


def down_seconds(cell):
    """How long a killed server stays away, always the same for one cell: mostly it is started again
    at once, sometimes after a second or only when the controller has given up."""
    return (0, 0, 0, 0, 0, 0, 1, 30)[zlib.crc32(cell.name.encode()) % 8]


class Batch:
    """A lab in which cells are run one after the other, and what has to be true at its end."""

    def __init__(self, level, work, gateway=False):
        self.level = level
        self.work = work
        self.lab = Lab.up(work / "lab", level, settings=SETTINGS, gateway=gateway)
        if gateway:
            self.lab.start_gateway()
        self.crossing = Crossing(self.lab, work / "commands")
        self.before = {side: self.crossing.world(side) for side in OTHER}
        self.hash = self.crossing.hash()
        self.begins = "unsynced"  # where the next cell finds the lab: unsynced, old, new, spent
        self.codes = {}
        self.watch = Stopwatch()
        self._clients = 0
        self._cells = 0

    def run(self, cell):
        """Judges one cell; Red when it is red. The result's fields on success."""
        self.cell = cell
        self.watch = Stopwatch()
        self._cells += 1
        self.codes = {}  # of the controllers that were not killed
        self.place = self.work / f"cell-{self._cells:03d}"
        special = {"sync": self._run_sync, "desist": self._run_sync, "abandon": self._run_abandon,
                   "finalize": self._run_finalize}
        result = special.get(cell.path, self._run_crossing)()
        return {**result, "controllers": self.codes, "parts": self.watch.parts}

    # -- crossings ---------------------------------------------------------------------------------

    def _run_crossing(self):
        cell, source = self.cell, SOURCE[self.cell.direction]
        begin = OTHER[source] if cell.path == "back" else source
        self._bring_to(begin)
        reached = False
        with self._clients_on(begin), self._prober():
            with self.watch.part("warm-up"):
                self.ledger.wait_for(WARM_UP)
            if cell.path == "turns":
                reached, code, tries = self._turns(source)
            else:
                reached = self._crossing_with_fault(cell.direction)
                code, tries = self._resume()
            self._doors_agree(code)
            if code != UNKNOWN:
                with self.watch.part("warm-up"):
                    self.ledger.wait_for(WARM_UP)
        primary = self._judge(code)
        self.begins = primary or "spent"
        ended = {None: "unknown", source: "undone"}.get(primary, "done")
        return {"verdict": ended if reached else "unreached", "ended": ended, "exit": code,
                "resumes": tries}

    def _turns(self, source):
        """There, back and there again, a fault in each; what was undone is then done undisturbed."""
        reached, tries, code = True, 0, UNKNOWN
        for turn in range(TURNS):
            side = source if turn % 2 == 0 else OTHER[source]
            if turn:
                self._await_way_back()
            reached &= self._crossing_with_fault(DIRECTION[side])
            code, again = self._resume()
            tries += again
            if code == UNKNOWN:
                break
            if self._doors_agree(code) == [side]:
                self._cross(DIRECTION[side])
        return reached, code, tries

    def _bring_to(self, side):
        """In sync and served from there, with nothing left to do."""
        with self.watch.part("bring"):
            if self.begins == "unsynced":
                self.crossing.prepare()
                self.begins = "old"
            if self.primary() != side:
                self._await_way_back()
                self._cross(DIRECTION[OTHER[side]])

    def _cross(self, direction):
        self.crossing.call(*self._moved(direction)).require(DONE)
        side = OTHER[SOURCE[direction]]
        if self.primary() != side:
            raise Red(f"an undisturbed {direction} ended with 0 and did not open {side}")

    def _moved(self, direction):
        verb = {"forward": "run", "rollback": "rollback"}[direction]
        return (verb, "--approve", self.hash, "--json")

    def _await_way_back(self):
        """Until nothing is left to do, so that the next attempt is not refused."""
        wait_until(lambda: self.crossing.call("resume").code == DONE, CATCH_UP_SECONDS,
                   "nothing left to resume")

    def primary(self):
        sides = self.crossing.open_sides()
        if len(sides) != 1:
            raise Red(f"sides that let writes in between two cells: {sides}")
        return sides[0]

    @contextmanager
    def _clients_on(self, side, stay=False):
        """Live clients that begin there; with `stay` they know no other side."""
        self._clients += 4
        sides = (side, side) if stay else ("old", "new")
        self.ledger = Ledger(self.lab, self.place / "ledger", clients=4, rate=200,
                             first=1000 + self._clients, start=side, backoff_ms=BACKOFF_MS,
                             sides=("gateway", "gateway") if self.cell.gateway else sides)
        with self.ledger:
            yield

    def _prober(self):
        return Prober(self.lab, self.place / "prober", every_ms=PROBE_MS)

    def _crossing_with_fault(self, direction):
        """Whether the failpoint was reached."""
        cell, command = self.cell, self._moved(direction)
        if cell.path in PRELUDE:
            first = self._moved(DIRECTION[OTHER[SOURCE[direction]]]) if cell.path == "back" else command
            with self.watch.part("prelude"):
                self._prelude(first)
                if cell.path == "again":
                    self.crossing.call("resume").require(UNDONE)
            if cell.path in SUCCESSOR:
                command = ("resume", "--json")
        points = f"{ABORT_AT},{cell.failpoint}" if cell.path == "revoked" else cell.failpoint
        reached = self._hurt(command, points, ("resume",), abort=cell.path == "revoked")
        if cell.path == "back" and self.codes.get("passed") == REFUSED:
            # It may leave the turn to `resume`; then it goes right away.
            self.crossing.call("resume").require(DONE)
            reached = self._hurt(command, points, ("resume",))
        return reached

    def _prelude(self, command):
        """A first controller that is killed on its way."""
        aborted, point = self.cell.path in ABORTED, PRELUDE[self.cell.path]
        points = f"{ABORT_AT},{point}" if aborted else point
        with self.crossing.start(*command, failpoint=points) as first:
            if not (self._reach(first, aborted) and first.await_failpoint(REACH_SECONDS)):
                raise Red(f"an undisturbed crossing did not come to {point}: see {self.crossing.dir}")
            self._fault_kill(first, None)

    @staticmethod
    def _reach(controller, abort):
        """With `abort`: past the first failpoint, at which a person asks it to stop. It is in the
        middle of the step that commits, so it hears of it when it has committed."""
        if abort:
            if not controller.await_failpoint(REACH_SECONDS):
                return False
            controller.signal(signal.SIGTERM)
            controller.signal(signal.SIGCONT)
        return True

    def _hurt(self, command, points, successor, abort=False):
        """Starts a command and does the fault at its failpoint; False when it never came there. What
        runs beside it, where the fault wants that, is `successor`."""
        stale = self.place / "stale-journal"
        if not stale.exists() and self.crossing.state.exists():
            shutil.copytree(self.crossing.state, stale)
        with self.watch.part("reach"):
            controller = self.crossing.start(*command, failpoint=points)
        with controller:
            with self.watch.part("reach"):
                reached = self._reach(controller, abort) and controller.await_failpoint(REACH_SECONDS)
            if reached:
                with self.watch.part("fault"):
                    fault = self.cell.fault.replace("-", "_")
                    getattr(self, "_fault_" + fault)(controller, successor)
            else:
                self.codes["passed"] = self._ended(controller, "passed")
            return reached

    # -- the faults --------------------------------------------------------------------------------

    def _fault_kill(self, controller, _successor):
        controller.signal(signal.SIGKILL)
        controller.wait(10)

    def _fault_kill_blank(self, controller, successor):
        self._fault_kill(controller, successor)
        shutil.rmtree(self.crossing.state)

    def _fault_kill_stale(self, controller, successor):
        self._fault_kill(controller, successor)
        shutil.rmtree(self.crossing.state)
        shutil.copytree(self.place / "stale-journal", self.crossing.state)

    def _fault_freeze(self, controller, successor):
        self._beside(controller, successor, FREEZE_SECONDS)

    def _fault_race(self, controller, successor):
        self._beside(controller, successor, 0)

    def _beside(self, controller, successor, frozen_seconds):
        """Another one, with a state directory of its own, as on another host."""
        with self.crossing.start(*successor, state=self.place / "elsewhere") as other:
            self._let_pass(frozen_seconds)
            controller.signal(signal.SIGCONT)
            for name, process in (("woken", controller), ("other", other)):
                self.codes[name] = self._ended(process, name)

    @staticmethod
    def _let_pass(seconds):
        """Time itself is what these faults consist of."""
        end = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= end, 2 * seconds + 1, "a stop to be over")

    def _fault_kill_old(self, controller, _successor):
        self._server_dies(self.lab.old, controller)

    def _fault_kill_new(self, controller, _successor):
        self._server_dies(self.lab.new, controller)

    def _server_dies(self, server, controller):
        server.kill9()
        controller.signal(signal.SIGCONT)
        controller.wait(down_seconds(self.cell))
        server.start()
        self.codes["bereft"] = self._ended(controller, "bereft")

    def _fault_stop_old(self, controller, _successor):
        self._server_stops(self.lab.old, controller)

    def _fault_stop_new(self, controller, _successor):
        self._server_stops(self.lab.new, controller)

    def _server_stops(self, server, controller):
        server.sigstop()
        try:
            controller.signal(signal.SIGCONT)
            self._let_pass(FREEZE_SECONDS)
        finally:
            server.sigcont()
        self.codes["bereft"] = self._ended(controller, "bereft")

    def _fault_kill_gateway(self, controller, _successor):
        self._gateway_goes(self.lab.gateways[-1].kill9, controller)

    def _fault_restart_gateway(self, controller, _successor):
        self._gateway_goes(self.lab.gateways[-1].stop, controller)

    def _gateway_goes(self, go, controller):
        go()
        controller.signal(signal.SIGCONT)
        controller.wait(down_seconds(self.cell))
        self.lab.start_gateway()
        self.codes["bereft"] = self._ended(controller, "bereft")

    def _fault_stop_gateway(self, controller, _successor):
        gateway = self.lab.gateways[-1]
        gateway.sigstop()
        try:
            controller.signal(signal.SIGCONT)
            self._let_pass(FREEZE_SECONDS)
        finally:
            gateway.sigcont()
        self.codes["bereft"] = self._ended(controller, "bereft")

    @staticmethod
    def _ended(process, name):
        ended = process.wait(END_SECONDS)
        if ended is None:
            raise Red(f"the {name} controller did not end in {END_SECONDS} s")
        return ended.code

    # -- afterwards --------------------------------------------------------------------------------

    def _resume(self):
        """(exit code, how many times it took)."""
        codes = []
        with self.watch.part("resume"):
            for _ in range(3):
                codes.append(self.crossing.call("resume", "--json", seconds=END_SECONDS).code)
                if codes[-1] in (DONE, UNDONE):
                    break
        if codes[-1] not in (DONE, UNDONE, UNKNOWN):
            raise Red(f"airlock resume ended with {codes}")
        return codes[-1], len(codes)

    def _doors_agree(self, code):
        """The sides that are open, which exit code and status have to agree with."""
        with self.watch.part("doors"):
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

    def _judge(self, code):
        """The side that is open, or None; everything that was seen has to agree."""
        with self.watch.part("doors"):
            sides = self.crossing.open_sides()
        if len(sides) != (code != UNKNOWN):
            raise Red(f"exit {code}, and later the sides that let writes in are {sides}")
        with self.watch.part("judge"):
            watched = verdict(self.lab, self.place / "prober")
            if watched["verdict"] != "sound":
                raise Red(f"prober: {json.dumps(watched)}")
            if not sides:
                return None
            self._ledger_is_sound(sides[0], CATCH_UP_SECONDS)
            presence = verdict(self.lab, self.place / "prober", primary=sides[0])
            if presence["verdict"] != "sound":
                raise Red(f"prober, after the fact: {json.dumps(presence)}")
        return sides[0]

    def _ledger_is_sound(self, primary, both_seconds=None):
        held = verify(self.lab, self.place / "ledger", primary, both_seconds)
        if held["verdict"] != "sound":
            raise Red(f"ledger: {json.dumps(held)}")
        if self.cell.gateway and self.cell.fault in NOT_NOTICED \
                and any(held[kind] for kind in ("failed", "unknown", "reconnects")):
            raise Red(f"clients behind the gateway noticed: {json.dumps(held)}")

    # -- sync, abandon, finalize -------------------------------------------------------------------

    def _until_done(self, *command):
        codes = []
        with self.watch.part("again"):
            while not codes or (codes[-1] != DONE and len(codes) < 3):
                codes.append(self.crossing.call(*command, seconds=END_SECONDS).code)
        if codes[-1] != DONE:
            raise Red(f"airlock {command[0]}, again after the fault, ended with {codes}")
        return len(codes)

    def _run_sync(self):
        """Hurt, then carried out again, or abandoned; what clients write to old meanwhile is kept."""
        if self.begins != "unsynced":
            self._bring_to("old")
            self._unsync()
        with self._clients_on("old", stay=True):
            self.ledger.wait_for(WARM_UP)
            reached = self._hurt(("sync", "--ndjson"), self.cell.failpoint, ("sync", "--ndjson"))
            verb = "sync" if self.cell.path == "sync" else "abandon"
            tries = self._until_done(verb)
            self.ledger.wait_for(WARM_UP)
        self._ledger_is_sound("old", CATCH_UP_SECONDS if verb == "sync" else None)
        if verb == "sync":
            self.begins = "old"
            self._unsync()
        else:
            self._is_as_before("abandon", "old")
            self._empty_new()
        return self._outcome(reached, "done" if verb == "sync" else "undone", tries)

    def _run_abandon(self):
        self._bring_to("old")
        with self._clients_on("old", stay=True):
            self.ledger.wait_for(WARM_UP)
            reached = self._hurt(("abandon",), self.cell.failpoint, ("abandon",))
            tries = self._until_done("abandon")
            self.ledger.wait_for(WARM_UP)
        self._ledger_is_sound("old")
        self._is_as_before("abandon", "old")
        self._empty_new()
        return self._outcome(reached, "done", tries)

    def _run_finalize(self):
        """The one-way door: the lab is of no use afterwards."""
        self._bring_to("new")
        self._await_way_back()
        command = ("finalize", "--approve", self.hash)
        with self._clients_on("new"), self._prober():
            self.ledger.wait_for(WARM_UP)
            reached = self._hurt(command, self.cell.failpoint, command)
            self._doors_agree(self._resume()[0])
            tries = self._until_done(*command)
            self.ledger.wait_for(WARM_UP)
        if self.primary() != "new":
            raise Red("finalize opened old")
        self._ledger_is_sound("new")
        watched = verdict(self.lab, self.place / "prober", primary="new")
        if watched["verdict"] != "sound":
            raise Red(f"prober: {json.dumps(watched)}")
        self._is_as_before("finalize", "new")
        self.begins = "spent"
        return self._outcome(reached, "done", tries)

    @staticmethod
    def _outcome(reached, ended, tries):
        return {"verdict": ended if reached else "unreached", "ended": ended, "resumes": tries}

    def _unsync(self):
        """abandon, and new as empty as it was, so that the next sync has all to do."""
        with self.watch.part("unsync"):
            self._await_way_back()
            self.crossing.call("abandon").require(DONE)
            self._is_as_before("abandon", "old")
            self._empty_new()

    def _empty_new(self):
        self.lab.new.psql(
            "SELECT format('TRUNCATE %s', string_agg(oid::regclass::text, ', ')) FROM pg_class"
            " WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text"
            " IN ('public', 'audit', 'ledger') \\gexec", DATABASE)
        self.begins = "unsynced"

    def finish(self):
        """finalize from new, abandon from old; then nothing may be left."""
        if self.begins in ("unsynced", "spent"):
            return  # judged already
        self._await_way_back()
        primary = self.primary()
        if primary == "new":
            self.crossing.call("finalize", "--approve", self.hash).require(DONE)
        else:
            self.crossing.call("abandon").require(DONE)
        self._is_as_before("finalize" if primary == "new" else "abandon", primary)

    def _is_as_before(self, verb, primary):
        changed = sorted(change for side in OTHER for change in self._changes(side, primary))
        if changed:
            raise Red(f"not as before, after {verb}: {changed}")

    def _changes(self, side, primary):
        changes = self.before[side] ^ self.crossing.world(side)
        if side != primary and primary == "new":  # old stays shut for good once finalized
            changes = {c for c in changes if not c.startswith(f"admission on {side}: shop ")}
        return changes

    def close(self, keep_logs):
        if keep_logs:
            for server in self.lab.servers:
                shutil.copy(server.log, self.work / f"{server.name}.log")
        self.lab.down()
