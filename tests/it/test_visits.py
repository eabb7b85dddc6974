"""Idle slots are visited, by an attempt before its hold and by the guard: what either waits for, and how long."""

import contextlib
import re
import signal

import pytest

from conftest import crossing_in_sync, plan_with
from crossing import DONE, REFUSED, UNDONE
from server import wait_until

MEGABYTE = 1 << 20
AUDIT_SECONDS = 5  # what the audit is given of an attempt's time to prepare (visit.c)
GUARD_SECONDS = 20  # a round of the guard's (cmd_guard.c)


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    """Each test leaves old open."""
    return crossing_in_sync(labs, scratch)


@pytest.fixture
def one_attempt(crossing):
    """What went wrong is not tried again, and so is seen."""
    with plan_with(crossing.lab, "attempts: 5", "attempts: 1"):
        yield crossing


def make_log(server, megabytes):
    server.psql(f"SELECT count(pg_logical_emit_message(false, 'noise', repeat('x', {MEGABYTE})))"
                f" FROM generate_series(1, {megabytes})", "shop")


@contextlib.contextmanager
def standing_slot(server):
    """While an old transaction is open there, no visit moves a slot of that server."""
    with server.connect("postgres", autocommit=False) as old_transaction:
        old_transaction.execute("CREATE TABLE unfinished AS SELECT 1 AS a")
        make_log(server, 48)
        yield old_transaction


@contextlib.contextmanager
def slow_audit(server, seconds):
    """A server that takes its time to decode."""
    kind = "(text, text, bigint, text, name, boolean, pg_lsn, boolean)"
    server.psql(f"ALTER FUNCTION airlock.audit_visit{kind} RENAME TO quick_visit; SET ROLE airlock;"
                f" CREATE FUNCTION airlock.audit_visit{kind} RETURNS bigint LANGUAGE sql AS $$"
                f" SELECT pg_sleep({seconds}); SELECT airlock.quick_visit($1, $2, $3, $4, $5, $6, $7, $8) $$", "shop")
    try:
        yield
    finally:
        server.psql(f"DROP FUNCTION airlock.audit_visit{kind};"
                    f" ALTER FUNCTION airlock.quick_visit{kind} RENAME TO audit_visit", "shop")


def has_prepared_for(server, seconds):
    return server.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'airlock'"
                        " AND datname = 'shop' AND clock_timestamp() - backend_start > %s * interval '1 second'",
                        (seconds,))[0][0] > 0


def back(crossing):
    crossing.cross("rollback")
    assert crossing.open_sides() == ["old"]


def test_a_way_back_that_took_long_leaves_the_audit_its_time(one_attempt):
    """What a slot that stood still for a while made it wait is not taken off the audit's few seconds."""
    new = one_attempt.lab.new
    with standing_slot(new) as old_transaction, one_attempt.start(*one_attempt.moved("forward")) as running:
        wait_until(lambda: has_prepared_for(new, AUDIT_SECONDS + 1), 60, "an attempt to prepare")
        old_transaction.rollback()
        ended = wait_until(lambda: new.psql("CHECKPOINT") == "" and running.wait(0.1), 60, "its end")
    assert ended.require(DONE).json()["primary"] == {"orders": "new"}
    back(one_attempt)


def test_an_audit_that_takes_long_is_no_condition_of_a_hold(one_attempt):
    """Neither its last step, which begins in time and ends late, nor the other side's turn after it."""
    make_log(one_attempt.lab.old, 2)
    with slow_audit(one_attempt.lab.old, AUDIT_SECONDS + 1):
        ended = one_attempt.call(*one_attempt.moved("forward"))
    assert ended.require(DONE).json()["primary"] == {"orders": "new"}
    back(one_attempt)


@contextlib.contextmanager
def standing_apply(lab):
    """New cannot apply what old sends."""
    with lab.new.connect("shop", autocommit=False) as blocker:
        blocker.execute("LOCK TABLE ledger.trace")
        lab.old.psql("INSERT INTO ledger.trace VALUES (79, 79)", "shop")
        wait_until(lambda: lab.new.query("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0] > 0, 60, "apply to wait")
        make_log(lab.old, 48)
        yield blocker


@pytest.mark.long
@pytest.mark.parametrize("stand, said", [
    (lambda lab: standing_slot(lab.new), r"slot airlock_r_\w+ on new keeps \d+ bytes of log, more than budgets.lag"),
    (standing_apply, r"link airlock_f_\w+ is \d+ bytes behind"),
])
def test_what_was_waited_for_in_vain_is_told(one_attempt, stand, said):
    """Not that a deadline passed: the time of an attempt to prepare, whole."""
    lab = one_attempt.lab
    with one_attempt.start(*one_attempt.moved("forward"), failpoint="before:arm") as running:
        assert running.await_failpoint(60)
        with stand(lab):
            running.signal(signal.SIGCONT)
            problem, = running.wait(120).require(REFUSED, UNDONE).json()["problems"]
    assert (problem["step"], problem["id"]) == ("arm", "BLOCKED")
    assert re.search(said, problem["message"])
    lab.new.psql("CHECKPOINT")
    assert one_attempt.open_sides() == ["old"]


def test_an_audit_that_takes_long_does_not_blind_the_guard(crossing):
    """The open side's would fill a whole round; the shut side's is looked at in the same one."""
    make_log(crossing.lab.old, 48)  # two steps
    with slow_audit(crossing.lab.old, GUARD_SECONDS // 2 + 1):
        view = crossing.call("guard", "--once", "--json").require(DONE).json()["stores"][0]
    assert view["at_rest"] and view["alarms"] == []
