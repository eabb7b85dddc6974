"""The prober: is it ever possible to write to both sides?

    prober.py run LABDIR LOGDIR [--every-ms N] [--seconds N]
    prober.py verdict LABDIR LOGDIR [--primary old|new] [--switches N]

`run` starts the program prober, which tries a write on each side every few milliseconds, in turn as
every role class except superuser, outside of any gateway. `verdict` reads its logs. A *stay* is a row
of successes of one role on one side without a refusal between them: while it lasts, that side was
open. Exit status 7 unless
  - no stay on old has an instant in common with one on new (`overlaps` is empty),
  - the side that let writes in changed as often as --switches says, when it is given,
  - a role that may not write never did,
  - with --primary: each write that was let in is there (`lost`), and none is on the other side only.
Both clusters stand on one machine and their clocks are one clock.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lab import APP_ROLES, DATABASE, Lab, LabError, find_program

READERS = ("reporting",)
ROLES_MAX = 16  # as in prober.c
SIDES = ("old", "new")


@dataclass(frozen=True)
class Stay:
    """A side was open to a role at least from `begin` to `end` (microseconds since 1970)."""

    side: str
    role: str
    begin: int
    end: int
    writes: int


def read_log(path):
    """(role, seq, verdict, server_us) of each try, in order."""
    tries = []
    with Path(path).open() as file:
        for line in file:
            if line.endswith("\n"):
                _, role, seq, verdict, server_us, _, _ = line.split()
                tries.append((role, int(seq), verdict, int(server_us)))
    return tries


def stays_of(side, tries):
    """The stays of one side; a try that was not let in ends that role's stay."""
    stays, open_stays = [], {}
    for role, _, verdict, at in tries:
        if verdict == "in":
            open_stays.setdefault(role, []).append(at)
        elif role in open_stays:
            stays.append((role, open_stays.pop(role)))
    stays += open_stays.items()
    return [Stay(side, role, instants[0], instants[-1], len(instants)) for role, instants in stays]


def overlaps_of(stays):
    """Pairs of stays, one on each side, with an instant in common."""
    old = sorted((s for s in stays if s.side == "old"), key=lambda s: s.begin)
    new = sorted((s for s in stays if s.side == "new"), key=lambda s: s.begin)
    return [(a, b) for a in old for b in new if a.begin <= b.end and b.begin <= a.end]


def alternations_of(tries_by_side):
    """How often the side that let a write in changed."""
    instants = sorted((at, side) for side, tries in tries_by_side.items()
                      for _, _, verdict, at in tries if verdict == "in")
    return sum(a[1] != b[1] for a, b in zip(instants, instants[1:]))


def probe_rows(server, run):
    return set(server.query("SELECT prober, seq FROM ledger.probe WHERE run = %s", (run,), DATABASE))


def verdict(lab, log_dir, primary=None, switches=None):
    """The judgement as a dict."""
    log_dir = Path(log_dir)
    tries = {side: read_log(log_dir / f"probe-{side}.log") for side in SIDES}
    stays = [stay for side in SIDES for stay in stays_of(side, tries[side])]
    overlaps = overlaps_of(stays)
    alternations = alternations_of(tries)
    trespassers = sorted({stay.role for stay in stays if stay.role in READERS})
    result = {
        "schema": "airlock.lab.prober/1",
        "tries": {side: len(tries[side]) for side in SIDES},
        "let_in": {side: sum(t[2] == "in" for t in tries[side]) for side in SIDES},
        "stays": len(stays),
        "overlaps": [{"old": vars(a), "new": vars(b)} for a, b in overlaps[:5]],
        "overlap_count": len(overlaps),
        "alternations": alternations,
        "trespassers": trespassers,
        "lost": None,
        "stray": None,
    }
    sound = bool(stays) and not overlaps and not trespassers
    sound = sound and (switches is None or alternations == switches)
    if primary is not None:
        result |= presence(lab, log_dir, tries, primary)
        sound = sound and result["lost"] == 0 and result["stray"] == 0
    return {**result, "verdict": "sound" if sound else "damaged"}


def presence(lab, log_dir, tries, primary):
    """Writes let in that the primary lacks, and rows that only the other side has."""
    run = json.loads((log_dir / "prober.json").read_text())["run"]
    roles = list(APP_ROLES)
    let_in = {(SIDES.index(side) * ROLES_MAX + roles.index(role), seq)
              for side in SIDES for role, seq, word, _ in tries[side] if word == "in"}
    other = "new" if primary == "old" else "old"
    here, there = (probe_rows(lab.server(side), run) for side in (primary, other))
    return {"lost": len(let_in - here), "stray": len(there - here)}


class Prober:
    """The running program; a context manager that ends it."""

    def __init__(self, lab, log_dir, every_ms=5):
        program = find_program("prober")
        if program is None:
            raise LabError("prober is not built: meson setup build && ninja -C build")
        self.log_dir = Path(log_dir)
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self.run = time.time_ns() // 1000
        self._command = [program, "--run", str(self.run), "--log", str(self.log_dir),
                         "--every-ms", str(every_ms)]
        for role in APP_ROLES:
            for side in SIDES:
                self._command += [f"--{side}", f"{role}={lab.dsn(side, role)}"]
        self._process = None

    def __enter__(self):
        (self.log_dir / "prober.json").write_text(json.dumps({"run": self.run}))
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=120)
            self._process = None


def main():
    parser = argparse.ArgumentParser(prog="prober.py", description="Can both sides be written to?")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="try writes on both sides; Ctrl-C ends it")
    judge = verbs.add_parser("verdict", help="judge the logs")
    for verb in (run, judge):
        verb.add_argument("lab", metavar="LABDIR")
        verb.add_argument("log", metavar="LOGDIR")
    run.add_argument("--every-ms", type=int, default=5)
    run.add_argument("--seconds", type=float, default=0, help="0 = until Ctrl-C")
    judge.add_argument("--primary", choices=SIDES)
    judge.add_argument("--switches", type=int, help="how often the open side changed")
    options = parser.parse_args()
    lab = Lab.open(options.lab)
    if options.verb == "verdict":
        result = verdict(lab, options.log, options.primary, options.switches)
        print(json.dumps(result, indent=1))
        sys.exit(0 if result["verdict"] == "sound" else 7)
    with Prober(lab, options.log, options.every_ms):
        try:
            time.sleep(options.seconds or 1e9)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        print(f"prober: {error}", file=sys.stderr)
        sys.exit(1)
