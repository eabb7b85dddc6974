"""The kill matrix in ./test: each fault, each path and both directions at least once.

The whole of it is tests/lab/killmatrix.py."""

import pytest

import killcell
import killmatrix
from conftest import needs_program
from killmatrix import DIRECTIONS, FAULTS, LEVELS, PATHS, Cell, Results
from lab import LabError

# At the steps where the answer changes. The levels run beside each other, in labs of their own.
SAMPLE = [Cell.parse(name) for name in (
    "3/forward/sync/after:sync-shut/kill", "3/forward/desist/after:sync-slot/kill",
    "3/forward/abandon/before:forget-new/race",
    "3/forward/straight/before:commit/kill-blank", "3/forward/straight/after:commit/kill-new",
    "3/rollback/resumed/before:turn/kill-stale", "3/forward/undone/before:reopen/kill",
    "3/forward/refused/before:revoke/race", "3/rollback/revoked/after:revoke/kill",
    "3/forward/gateway/before:commit/kill", "3/rollback/gateway/before:seal/kill-gateway",
    "3/forward/gateway/before:promote/stop-gateway", "3/rollback/gateway/after:cut/restart-gateway",
    "2/forward/turns/after:commit/kill", "2/forward/straight/before:seal/stop-old",
    "2/rollback/straight/before:promote/freeze", "2/rollback/again/after:marker/kill",
    "2/rollback/back/after:promote/kill", "2/rollback/straight/after:cut/stop-new",
    "2/forward/finalize/after:finalize-old/kill-old",
)]


def test_the_sample_has_each_fault_path_direction_and_level():
    assert {cell.fault for cell in SAMPLE} == set(FAULTS)
    assert {cell.path for cell in SAMPLE} == set(PATHS)
    assert {cell.direction for cell in SAMPLE} == set(DIRECTIONS)


def test_sample_of_the_kill_matrix(scratch, monkeypatch, capfd):
    needs_program()
    work = scratch(killmatrix.in_memory())
    try:
        killmatrix.failpoint_steps(work)
    except LabError as reason:
        pytest.skip(str(reason))
    monkeypatch.setattr(killcell, "FREEZE_SECONDS", 5)
    results = Results(work / "results.jsonl")
    green = killmatrix.run_jobs(results, work, [[cell for cell in SAMPLE if cell.level == level]
                                                for level in LEVELS])
    assert green, capfd.readouterr().out
    assert {results.verdict(cell) for cell in SAMPLE} == {"done", "undone"}
