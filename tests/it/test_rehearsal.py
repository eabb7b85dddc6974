"""The moves of the window are rehearsed before the hold: what cannot be done is found while nobody waits,
and nothing is left of what can; and its statements are prepared."""

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
        running.wait(240).require(DONE)
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


def refused_at_arm(crossing, server, hurt, mend):
    """What `arm` said of what happened to that server after `check` had looked; nothing has moved."""
    before = doors(crossing.lab)
    try:
        with crossing.start(*crossing.moved("forward"), failpoint="before:arm") as running:
            assert running.await_failpoint(60)
            server.psql(hurt)
            running.signal(signal.SIGCONT)
            ended = running.wait(240).require(REFUSED)
        assert doors(crossing.lab) == before
    finally:
        server.psql(mend)
    assert crossing.open_sides() == ["old"]
    (said,) = {problem["message"] for problem in ended.json()["problems"] if problem["step"] == "arm"}
    return said


def test_a_seal_that_would_not_shut_is_refused_before(crossing):
    """Who became a member of airlock keeps the CONNECT that airlock keeps."""
    said = refused_at_arm(crossing, crossing.lab.old, "GRANT airlock TO shop_app", "REVOKE airlock FROM shop_app")
    assert "seal, rehearsed on old" in said and "a role of the applications could still connect" in said


def test_a_door_that_would_not_open_is_refused_before(crossing):
    """After the commit point there would be no way but forward."""
    said = refused_at_arm(crossing, crossing.lab.new, "ALTER ROLE reporting RENAME TO reporters",
                          "ALTER ROLE reporters RENAME TO reporting")
    assert "promote, rehearsed on new" in said and 'role "reporting" does not exist' in said


def logged(server, start, upto):
    """What airlock's sessions did from that place of the log on to the execution of `upto`."""
    lines = [line for line in server.log.read_text(errors="replace")[start:].splitlines() if "duration:" in line]
    last = max(number for number, line in enumerate(lines) if " execute " in line and upto in line)
    return lines[:last]


def test_the_window_parses_nothing(crossing):
    """Law 11: whatever it sends was prepared by arm."""
    lab = crossing.lab
    servers = {lab.old: "airlock.commit(", lab.new: "airlock.promote("}
    for server in servers:
        server.psql("ALTER ROLE airlock SET log_min_duration_statement = 0")
    try:
        with crossing.start(*crossing.moved("forward"), failpoint="before:seal") as running:
            assert running.await_failpoint(60)
            starts = {server: len(server.log.read_text(errors="replace")) for server in servers}
            running.signal(signal.SIGCONT)
            running.wait(240).require(DONE)
    finally:
        for server in servers:
            server.psql("ALTER ROLE airlock RESET log_min_duration_statement")
    for server, upto in servers.items():
        seen = logged(server, starts[server], upto)
        assert any(" execute " in line for line in seen)
        assert [line for line in seen if " parse " in line or " statement: " in line] == []
    crossing.cross("rollback")
