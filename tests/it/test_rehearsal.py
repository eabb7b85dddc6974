"""The moves of the window are rehearsed before the hold: what cannot be done is found while nobody waits,
and nothing is left of what can."""

import contextlib
import signal

import pytest

from conftest import crossing_in_sync
from crossing import DONE, REFUSED
from lab import DATABASE

CONTROL = "airlock"
SEEN = (("SELECT * FROM airlock.register", CONTROL),
        ("SELECT * FROM airlock.marker ORDER BY 1, 2", DATABASE),
        ("SELECT subname, subenabled FROM pg_subscription ORDER BY 1", DATABASE),
        (f"SELECT datacl::text FROM pg_database WHERE datname = '{DATABASE}'", DATABASE))
LOCKS = ("SELECT l.* FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
         " WHERE a.usename = 'airlock' AND a.application_name = 'airlock'")
# Locks that a move needs, as a person would leave them behind.
GRANT = f"GRANT CONNECT ON DATABASE {DATABASE} TO reporting", "postgres"
ROW = "SELECT FROM airlock.register FOR UPDATE", CONTROL


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    """Each test leaves old open."""
    return crossing_in_sync(labs, scratch)


def doors(lab):
    """What a rehearsal touches on both sides, as everybody sees it."""
    return {side: [lab.server(side).query(sql, dbname=dbname) for sql, dbname in SEEN]
            for side in ("old", "new")}


def taken_back(server):
    """Whether changes of the register's and the guard's row were begun and rolled back."""
    def was(table, dbname):
        ((status,),) = server.query("SELECT CASE WHEN xmax::text <> '0' THEN pg_xact_status(xmax::text::xid8)"
                                    f" END FROM {table}", dbname=dbname)
        return status == "aborted"
    return was("airlock.register", CONTROL), was("airlock.guard", DATABASE)


@contextlib.contextmanager
def open_transaction(server, sql, dbname):
    with server.connect(dbname, autocommit=False, application_name="dba at lunch") as conn:
        conn.execute(sql)
        yield conn.info.backend_pid
        conn.rollback()


def test_nothing_is_left_of_a_rehearsal(crossing):
    lab, before = crossing.lab, doors(crossing.lab)
    phase = lab.old.query("SELECT attempt, phase FROM airlock.guard", dbname=DATABASE)
    assert not any(taken_back(lab.old) + taken_back(lab.new))
    with crossing.start(*crossing.moved("forward"), failpoint="after:arm") as running:
        assert running.await_failpoint(60)
        assert all(taken_back(lab.old) + taken_back(lab.new))
        assert doors(lab) == before
        assert lab.old.query("SELECT attempt, phase FROM airlock.guard", dbname=DATABASE) == phase
        assert crossing.open_sides() == ["old"]
        assert [lab.server(side).query(LOCKS) for side in ("old", "new")] == [[], []]
        running.signal(signal.SIGCONT)
        running.wait(60).require(DONE)
    crossing.cross("rollback")


# The register's row of new is locked by `run` itself before, for the early readers.
@pytest.mark.parametrize("side, lock", [("old", GRANT), ("new", GRANT), ("old", ROW)],
                         ids=["grant-old", "grant-new", "row-old"])
def test_a_lock_is_found_while_nobody_waits_for_it(crossing, side, lock):
    before = doors(crossing.lab)
    with open_transaction(crossing.lab.server(side), *lock) as pid:
        ended = crossing.call(*crossing.moved("forward")).require(REFUSED)
        assert doors(crossing.lab) == before
    (said,) = {problem["message"] for problem in ended.json()["problems"] if problem["step"] == "arm"}
    assert f"on {side}" in said and f"pid {pid} (postgres, dba at lunch)" in said
    assert crossing.open_sides() == ["old"]
    crossing.cross("forward")
    crossing.cross("rollback")


def test_a_seal_that_would_not_shut_is_refused_before(crossing):
    """Who became a member of airlock after `check` looked keeps the CONNECT that airlock keeps."""
    lab, before = crossing.lab, doors(crossing.lab)
    try:
        with crossing.start(*crossing.moved("forward"), failpoint="before:arm") as running:
            assert running.await_failpoint(60)
            lab.old.psql("GRANT airlock TO shop_app")
            running.signal(signal.SIGCONT)
            ended = running.wait(60).require(REFUSED)
        assert doors(lab) == before
    finally:
        lab.old.psql("REVOKE airlock FROM shop_app")
    (said,) = {problem["message"] for problem in ended.json()["problems"] if problem["step"] == "arm"}
    assert "a role of the applications could still connect" in said
    assert crossing.open_sides() == ["old"]
