"""What a crossing answers to a person who stops it, and what it says of a path that proves nothing."""

import os
import re
import signal

import pytest

from conftest import crossing_in_sync, plan_with
from crossing import DONE, UNDONE, problems_of

REACH_SECONDS = 60
END_SECONDS = 120


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    """Each test leaves old open."""
    return crossing_in_sync(labs, scratch)


def stopped_at(crossing, point, hurt, direction="forward"):
    """The crossing's end when `hurt` happened to it at that point."""
    with crossing.start(*crossing.moved(direction), failpoint=point) as running:
        assert running.await_failpoint(REACH_SECONDS)
        hurt(running)
        running.signal(signal.SIGCONT)
        ended = running.wait(END_SECONDS)
    assert ended is not None, f"it did not end in {END_SECONDS} s"
    return ended


def back(crossing):
    crossing.cross("rollback")
    assert crossing.open_sides() == ["old"]


def to_process(number):
    return lambda running: running.signal(number)


def to_worker(number):
    """To one of its worker threads, where a signal of a terminal may land as well."""
    def hurt(running):
        threads = sorted(int(name) for name in os.listdir(f"/proc/{running.pid}/task"))
        assert len(threads) > 1 and threads[0] == running.pid
        running.signal_thread(threads[-1], number)
    return hurt


@pytest.mark.parametrize("send", [to_process, to_worker])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_before_the_commit_it_undoes(crossing, send, number):
    ended = stopped_at(crossing, "before:marker", send(number)).require(UNDONE)
    document = ended.json()
    assert document["verdict"] == "undone" and document["primary"] == {"orders": "old"}
    assert crossing.open_sides() == ["old"]
    assert crossing.call("resume").code == DONE


def test_stopped_after_the_commit_it_goes_on(crossing):
    """Post-commit work cannot undo a commit: the only way is forward, and back is a new crossing."""
    ended = stopped_at(crossing, "before:release", to_process(signal.SIGINT)).require(DONE)
    assert ended.json()["primary"] == {"orders": "new"}
    assert crossing.open_sides() == ["new"]
    back(crossing)


def test_a_path_that_proves_nothing_is_told(crossing):
    """Its login stopped working between `check` and the hold: that is no refusal by the fence."""
    try:
        ended = stopped_at(crossing, "before:seal", lambda _: crossing.lab.old.psql(
            "ALTER ROLE airlock_probe NOLOGIN")).require(DONE)
    finally:
        crossing.lab.old.psql("ALTER ROLE airlock_probe LOGIN")
    told = [problem for problem in ended.json()["problems"] if problem["id"] == "NOT_PROVEN"]
    assert told == [{"id": "NOT_PROVEN", "step": "try", "store": "orders", "law": 3,
                     "message": "airlock_probe has no login that works on old"}]
    back(crossing)


def test_paths_that_were_refused_are_no_problem(crossing):
    assert problems_of(crossing.call(*crossing.moved("forward")).require(DONE).json()) == []
    back(crossing)


def test_a_deadline_that_passed_says_how_long_it_was(crossing):
    """Whether it was the window's, or a shorter one of whoever waited."""
    lab = crossing.lab
    with lab.new.connect("shop", autocommit=False) as blocker, plan_with(lab, "attempts: 5", "attempts: 1"):
        blocker.execute("LOCK TABLE ledger.trace")
        lab.old.psql("INSERT INTO ledger.trace VALUES (79, 79)", "shop")  # the marker comes after it
        problems = crossing.call(*crossing.moved("forward")).require(UNDONE).json()["problems"]
    told = next(problem["message"] for problem in problems if problem["step"] == "reached")
    assert re.match(r"after \d+\.\d of \d+\.\d s: .*the marker of attempt \d+ ", told), told
    assert crossing.call("resume").code == DONE


@pytest.mark.parametrize("direction, source, silent", [("forward", "old", "new"), ("rollback", "new", "old")])
def test_a_side_that_hangs_hides_nothing_of_the_other(crossing, direction, source, silent):
    """Sealed and left alone: the source decides, whichever side is looked at first."""
    if direction == "rollback":
        crossing.cross("forward")
    with crossing.start(*crossing.moved(direction), failpoint="before:marker") as stopped:
        assert stopped.await_failpoint(REACH_SECONDS)
        stopped.signal(signal.SIGKILL)
    assert not crossing.admits(source)
    crossing.lab.server(silent).sigstop()
    try:
        seen = crossing.call("status", "--json").json()["stores"][0]
        crossing.call("resume")
        assert crossing.admits(source), seen
    finally:
        crossing.lab.server(silent).sigcont()
    crossing.call("resume").require(DONE, UNDONE)
    crossing.call("resume").require(DONE)
    if direction == "rollback":
        back(crossing)
