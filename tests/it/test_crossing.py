"""Real crossings under live clients: nothing lost, nothing twice, never two doors open."""

import pytest

import killmatrix
from conftest import needs_program
from crossing import DONE, Crossing
from killmatrix import Cell, Matrix, Results
from lab import LabError
from ledger import Ledger, verify
from prober import Prober, verdict
from server import wait_until

# One cell for each kind of harm, at the steps where the answer changes; the whole matrix is
# tests/lab/killmatrix.py.
SAMPLE = [
    "3/forward/straight/after:seal/kill", "3/forward/straight/before:commit/kill-blank",
    "3/forward/straight/after:commit/kill-new", "3/rollback/straight/before:promote/freeze",
    "2/forward/straight/after:cut/kill-old", "2/forward/undone/before:reopen/kill",
    "2/forward/straight/after:promote/race", "2/rollback/straight/before:turn/kill-stale",
]


def move(crossing, direction):
    """Under load: the way back has to have caught up first, or the move is refused."""
    wait_until(lambda: crossing.call("resume").code == DONE, 60, "nothing left to resume")
    return crossing.call(*crossing.moved(direction)).require(DONE).json()


@pytest.mark.parametrize("level", [3, 2])
def test_there_and_back_under_load(level, labs, scratch, long_run):
    needs_program()
    turns = 20 if long_run else 2
    lab, place = labs(level), scratch()
    crossing = Crossing(lab, place / "commands")
    crossing.prepare()
    ledger = Ledger(lab, place / "ledger", clients=16, rate=1200)
    watch = Prober(lab, place / "prober", every_ms=5)
    with ledger, watch:
        for _ in range(turns):
            for direction, side in (("forward", "new"), ("rollback", "old")):
                ledger.wait_for(300)
                moved = move(crossing, direction)
                assert moved["verdict"] == "done" and moved["primary"] == {"orders": side}
                assert crossing.open_sides() == [side]
        ledger.wait_for(300)
    held = verify(lab, place / "ledger", "old", both_seconds=60)
    assert held["verdict"] == "sound", held
    watched = verdict(lab, place / "prober", primary="old", switches=2 * turns)
    assert watched["verdict"] == "sound", watched
    print(f"level {level}: {2 * turns} crossings, {held['acknowledged']} acknowledged,"
          f" {held['per_second']}/s, longest stall {held['longest_stall_ms']} ms")


def test_sample_of_the_kill_matrix(scratch, monkeypatch):
    needs_program()
    work = scratch()
    try:
        killmatrix.failpoint_steps(work)
    except LabError as reason:
        pytest.skip(str(reason))
    monkeypatch.setattr(killmatrix, "FREEZE_SECONDS", 5)
    results = Results(work / "results.jsonl")
    said = []
    green = Matrix(results, work, said.append).run([Cell.parse(name) for name in SAMPLE])
    assert green, "\n".join(said)
    assert {results.by_cell[name]["verdict"] for name in SAMPLE} == {"done", "undone"}
