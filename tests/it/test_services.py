"""Services that stand still while their store crosses (`during: stop`), and start again whatever happens."""

import json
import shutil
import signal

import pytest

from conftest import crossing_in_sync
from crossing import DONE, REFUSED, UNDONE, problems_of
from job import Job
from lab import LEGACY_ROLE
from server import wait_until

REACH_SECONDS = 60
END_SECONDS = 120

SERVICE = """\
  nightly:
    tier: replayable
    writes: [orders]
    schedule: "15 2 * * *"
    match: {user: shop_legacy}
    during: stop
    stop: {exec: [job/ctl, stop], observe: [job/ctl, stopped], undo: [job/ctl, start], timeout: 5s}

routes:
"""
OVERLAP = '  - {from: nightly, to: orders, because: "it is stopped meanwhile", at_most: 30m}\n'


def with_the_job(lab):
    lab.plan.write_text(lab.plan.read_text().replace("\nroutes:\n", "\n" + SERVICE)
                        .replace("overlap:\n", "overlap:\n" + OVERLAP))


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    return crossing_in_sync(labs, scratch, change=with_the_job)


@pytest.fixture
def job(crossing):
    """Running on old, and nothing said yet; stopped and old open at the end."""
    job = Job(crossing.lab, LEGACY_ROLE)
    job.forget()
    assert job.do("start") == 0
    wait_until(job.writes, 30, "the job's first write")
    yield job
    if crossing.open_sides() == ["new"]:
        crossing.cross("rollback")
    job.do("stop")
    wait_until(lambda: not job.runs(), 30, "the job to end")
    assert crossing.open_sides() == ["old"]


def test_it_stands_still_and_goes_on_on_the_other_side(crossing, job):
    document = crossing.call(*crossing.moved("forward")).require(DONE).json()
    assert problems_of(document) == []
    assert job.runs()
    # Never thrown out by the fence: it was stopped before it.
    assert job.log() == ["started on old", "stopped in order", "started on new"]
    rows = [json.loads(line) for line in crossing.call("journal", "export").require(DONE).out.splitlines()]
    told = [row["text"] for row in rows if row["kind"] == "service"]
    assert told == ["nightly is about to be stopped", "nightly runs again"]


def test_without_it_the_fence_ends_the_job(crossing, job):
    """The harm that `during: stop` is there for."""
    plan = crossing.lab.plan.read_text()
    crossing.lab.plan.write_text("\n".join(
        line for line in plan.splitlines() if "during: stop" not in line and "stop: {" not in line
        and "schedule" not in line))
    try:
        crossing.call(*crossing.moved("forward")).require(DONE)
        wait_until(lambda: len(job.log()) > 1, 30, "the job to notice")
        assert job.log()[1].startswith("legacy_job: ")
    finally:
        crossing.cross("rollback")
        crossing.lab.plan.write_text(plan)


def test_undone_it_goes_on_where_it_was(crossing, job):
    with crossing.start(*crossing.moved("forward"), failpoint="before:marker") as running:
        assert running.await_failpoint(REACH_SECONDS)
        assert not job.runs()
        running.signal(signal.SIGTERM)
        running.signal(signal.SIGCONT)
        running.wait(END_SECONDS).require(UNDONE)
    assert job.log() == ["started on old", "stopped in order", "started on old"]


def test_one_that_does_not_stop_refuses_the_run(crossing, job):
    before = crossing.status()["attempt"]
    job.flag("stubborn", True)
    try:
        document = crossing.call(*crossing.moved("forward")).require(REFUSED).json()
    finally:
        job.flag("stubborn", False)
    assert document["verdict"] == "refused" and document["primary"] == {"orders": "old"}
    problem, = problems_of(document)
    assert problem["step"] == "services" and "stopping nightly: job/ctl ended with 0" in problem["message"]
    assert crossing.status()["attempt"] == before and job.runs()


@pytest.mark.parametrize("point,side", [
    ("after:service-stop", "old"), ("before:service-start", "new"),
    *(pytest.param(*more, marks=pytest.mark.long) for more in (
        ("before:service-stop", "old"), ("after:end_sessions", "old"), ("after:promote", "new")))])
def test_a_dead_controller_leaves_it_to_resume(crossing, job, point, side):
    with crossing.start(*crossing.moved("forward"), failpoint=point) as running:
        assert running.await_failpoint(REACH_SECONDS)
        running.signal(signal.SIGKILL)
        running.wait(10)
    crossing.call("resume").require(DONE, UNDONE)
    assert job.runs() and job.log()[-1] == f"started on {side}"
    assert not any(line.startswith("legacy_job") for line in job.log())


def test_without_a_journal_it_is_told_and_left_alone(crossing, job):
    with crossing.start(*crossing.moved("forward"), failpoint="after:service-stop") as running:
        assert running.await_failpoint(REACH_SECONDS)
        running.signal(signal.SIGKILL)
        running.wait(10)
    shutil.rmtree(crossing.state)
    done = crossing.call("resume").require(DONE, UNDONE)
    assert "service nightly: is stopped; the journal does not say" in done.err and not job.runs()


def test_what_was_stopped_already_stays_so(crossing, job):
    job.do("stop")
    wait_until(lambda: not job.runs(), 30, "the job to end")
    crossing.call(*crossing.moved("forward")).require(DONE)
    assert not job.runs() and len(job.log()) == 2


def test_one_that_cannot_start_again_changes_no_verdict(crossing, job):
    job.flag("broken", True)
    try:
        document = crossing.call(*crossing.moved("forward")).require(DONE).json()
    finally:
        job.flag("broken", False)
    problem, = problems_of(document)
    assert document["verdict"] == "done" and document["primary"] == {"orders": "new"}
    assert "starting nightly again" in problem["message"] and "no such disk" in problem["message"]
    crossing.call("resume").require(DONE)  # it is still ours to start
    assert job.runs() and job.log()[-1] == "started on new"
