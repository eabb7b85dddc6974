"""The kill matrix must come out red where it should: judged on a program with known faults.

Each case wants two servers of its own, so ./test takes two of them; the rest comes with --long."""

import json

import pytest

import killcell
from killmatrix import (DIRECTIONS, FAULTS, GATEWAYS, PATHS, SETUP, Cell, Matrix, Results, all_cells,
                        shares, steps_of)
from conftest import HERE

CROSSING = ["check", "seal", "cut", "promote", "retire", "turn", "revoke", "reopen", "relink"]
OUTSIDE = ["finalize", "sync-slot", "drop-link-old", "forget-new", "unfreeze-old"]


@pytest.fixture
def matrix(monkeypatch, scratch):
    """judge(*cells, bug=...) runs cells on the naive program and returns their results."""
    monkeypatch.setenv("AIRLOCK", str(HERE / "naive_airlock.py"))

    def judge(*names, bug=""):
        monkeypatch.setenv("NAIVE_BUG", bug)
        work = scratch()
        results = Results(work / "results.jsonl")
        said = []
        Matrix(results, work, said.append).run([Cell.parse(name) for name in names])
        return [results.by_cell[name] for name in names], "\n".join(said)

    return judge


@pytest.mark.long
def test_green_where_the_naive_program_is_right(matrix):
    results, _ = matrix("3/forward/straight/after:promote/kill-new",
                        "3/rollback/undone/before:reopen/kill-blank")
    assert [result["verdict"] for result in results] == ["done", "undone"]


def test_red_where_a_zombie_is_not_stopped(matrix, monkeypatch):
    """Frozen just before it opens the new door; meanwhile another one opens the old door again."""
    monkeypatch.setattr(killcell, "FREEZE_SECONDS", 6)
    [result], said = matrix("3/forward/straight/before:promote/freeze")
    assert result["verdict"] == "red" and "again: " in said
    assert "3/forward/straight/before:promote/freeze" in said


@pytest.mark.parametrize("bug, cell, word", [
    pytest.param("early", "before:seal/race", "prober", marks=pytest.mark.long),
    pytest.param("liar", "before:promote/kill", "exit 0, but the sides", marks=pytest.mark.long),
    ("litter", "before:marker/kill", "slot on old: naive_f"),
    pytest.param("locked", "before:marker/kill", "admission on new", marks=pytest.mark.long),
])
def test_red_for_a_mistake_at_the_door(matrix, bug, cell, word):
    [result], _ = matrix(f"3/forward/straight/{cell}", bug=bug)
    assert result["verdict"] == "red" and word in result["why"]


@pytest.mark.parametrize("bug, kinds", [
    pytest.param("sequences", ("collisions", "sequence_behind"), marks=pytest.mark.long),
    pytest.param("echo", ("duplicated", "sides_equal"), marks=pytest.mark.long),
])
def test_red_for_a_mistake_with_the_data(matrix, bug, kinds, monkeypatch):
    monkeypatch.setattr(killcell, "CATCH_UP_SECONDS", 15)
    [result], _ = matrix("3/forward/straight/after:turn/kill", bug=bug)
    assert result["verdict"] == "red" and any(f'"{kind}"' in result["why"] for kind in kinds)


@pytest.mark.long
def test_unreached_is_not_a_success(matrix):
    [result], _ = matrix("3/forward/straight/before:nowhere/kill")
    assert result["verdict"] == "unreached"


def test_each_step_belongs_to_the_path_that_comes_to_it():
    steps = CROSSING + OUTSIDE
    for path in ("straight", "again", "back", "turns"):
        assert steps_of(path, steps) == ["check", "seal", "cut", "promote", "retire", "turn"]
    assert steps_of("undone", steps) == ["reopen", "relink"]
    assert steps_of("resumed", steps) == ["retire", "turn"]
    assert steps_of("revoked", steps) == steps_of("refused", steps) == ["revoke", "reopen", "relink"]
    assert steps_of("sync", steps) == steps_of("desist", steps) == ["sync-slot"]
    assert steps_of("abandon", steps) == ["drop-link-old", "forget-new"]
    assert steps_of("finalize", steps) == ["finalize", "drop-link-old", "unfreeze-old"]


def test_every_step_is_hurt_by_every_fault_that_is_named():
    cells = all_cells(CROSSING + OUTSIDE)
    assert len(cells) == len({cell.name for cell in cells})
    assert all(Cell.parse(cell.name) == cell for cell in cells)
    assert {cell.step for cell in cells} == {*CROSSING, *OUTSIDE}
    assert {(c.path, c.direction) for c in cells if c.path not in SETUP} == {
        (path, direction) for path in PATHS if path not in SETUP for direction in DIRECTIONS}
    straight = {(c.level, c.direction, c.step, c.fault) for c in cells if c.path == "straight"}
    assert len(straight) == 2 * 2 * 6 * len(set(FAULTS) - set(GATEWAYS))
    behind = {(c.level, c.direction, c.step, c.fault) for c in cells if c.path == "gateway"}
    assert len(behind) == 2 * 2 * 6 * len({"kill", "freeze", "kill-new", *GATEWAYS})


def test_a_cell_is_in_one_share_and_waiting_costs_nobody_a_processor():
    cells = all_cells(CROSSING)
    parts = shares(cells, 2)
    assert len(parts) == 4 and sorted(c.name for part in parts for c in part) == sorted(
        c.name for c in cells)
    assert all(len({c.fault in ("freeze", "stop-old", "stop-new", "stop-gateway") for c in part}) == 1
               for part in parts)


def test_results_are_resumed_even_after_a_cut_line(tmp_path):
    cells = all_cells(["seal"])[:3]
    results = Results(tmp_path / "state")
    results.add({"cell": cells[0].name, "verdict": "done"})
    results.add({"cell": cells[1].name, "verdict": "red"})
    whole = (tmp_path / "state").read_text()
    (tmp_path / "state").write_text(whole + json.dumps({"cell": cells[2].name})[:-3])
    again = Results(tmp_path / "state")
    assert again.pending(cells) == [cells[2]]
    assert again.summary(cells) == {"done": 1, "red": 1, "pending": 1}


def test_the_table_counts_and_says_how_to_replay_what_is_red(tmp_path):
    cells = [Cell.parse(f"3/forward/straight/{point}/kill")
             for point in ("before:seal", "after:seal", "before:cut")]
    results = Results(tmp_path / "state")
    results.add({"cell": cells[0].name, "verdict": "undone", "seconds": 3.0})
    results.add({"cell": cells[1].name, "verdict": "red", "why": "two doors", "seconds": 5.0})
    lines = list(results.table(cells))
    assert lines[1].split() == ["kill", "straight", "forward", "3", "0", "1", "0", "0", "1", "1", "4.0"]
    assert lines[-1].split("\n")[0].endswith("--only 3/forward/straight/after:seal/kill")
    assert "two doors" in lines[-1]
