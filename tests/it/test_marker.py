"""The marker that is set before sessions end: it counts only where nobody has committed after it."""

import contextlib
import os
import signal

import psycopg
import pytest

from conftest import crossing_in_sync
from crossing import DONE, OTHER
from server import signal_quietly, wait_until

MARKERS = "SELECT side FROM airlock.marker WHERE attempt = (SELECT max(attempt) FROM airlock.marker) ORDER BY 1"
LINKS_ON = "SELECT FROM pg_subscription WHERE subenabled"
PRODUCT = "SELECT price FROM products WHERE sku = 'late'"


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    def quiet(lab):
        for server in lab.servers:
            server.psql("ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf();")  # it takes transaction ids
        lab.old.psql("INSERT INTO airlock.marker VALUES (1, 'old', '2000-01-01')", "shop")  # a migration that is over

    return crossing_in_sync(labs, scratch, level=3, change=quiet)


@contextlib.contextmanager
def moving_while_a_session_cannot_end(crossing, then=lambda: None):
    """The move waits for a process that is stopped, and the controller is stopped too: nobody is told to end in the
    block. It is seen at the destination, for whoever looks at the source is told."""
    wait_until(lambda: crossing.call("resume").code == DONE, 60, "nothing left to resume")
    open_side, = crossing.open_sides()
    source, there = crossing.lab.server(open_side), crossing.lab.server(OTHER[open_side])
    before = there.query(MARKERS, dbname="shop")
    with psycopg.connect(crossing.lab.dsn(open_side, "shop_app"), autocommit=True) as idle:
        os.kill(idle.info.backend_pid, signal.SIGSTOP)
        try:
            verb, *arguments = crossing.moved("forward" if open_side == "old" else "rollback")
            with crossing.start(verb, *arguments) as running:
                early = [(f"{open_side} early",)]
                wait_until(lambda: there.query(MARKERS, dbname="shop") == early != before, 60, "the early marker")
                running.signal(signal.SIGSTOP)
                yield source
                running.signal(signal.SIGCONT)
                os.kill(idle.info.backend_pid, signal.SIGCONT)
                then()
                assert running.wait(120).require(DONE).json()["verdict"] == "done"
        finally:
            signal_quietly(idle.info.backend_pid, signal.SIGCONT)


def destination(crossing):
    side, = crossing.open_sides()
    return crossing.lab.server(side)


def test_those_of_an_earlier_migration_say_nothing(crossing):
    """Attempts begin at 1 again. Left there and copied, such a row has arrived before anything has caught up."""
    for server in crossing.lab.servers:
        assert server.query("SELECT side FROM airlock.marker WHERE at < '2001-01-01'", dbname="shop") == []


def test_it_counts_where_nobody_committed_after_it(crossing):
    with moving_while_a_session_cannot_end(crossing) as source:
        pass
    for server in (source, destination(crossing)):
        assert [side.split()[-1] for side, in server.query(MARKERS, dbname="shop")] == ["early"]


def test_what_is_committed_after_it_is_not_lost(crossing):
    """A superuser, whom no fence stops, stands for whoever got his commit in before his process ended. The link is
    slow: what comes after the early marker is sent when the move waits for it, and is not when the link is cut."""
    side, = crossing.open_sides()
    source, there = crossing.lab.server(side), crossing.lab.server(OTHER[side])
    (walsender,), = source.query("SELECT active_pid FROM pg_replication_slots WHERE active")

    def is_waited_for():
        with contextlib.suppress(psycopg.OperationalError):  # we may be told to end as well
            return len(source.query(MARKERS, dbname="shop")) == 2

    def link_goes_on():
        try:
            wait_until(lambda: is_waited_for() or not there.query(LINKS_ON), 60, "another marker, or the link's end")
        finally:
            os.kill(walsender, signal.SIGCONT)

    with moving_while_a_session_cannot_end(crossing, link_goes_on):
        os.kill(walsender, signal.SIGSTOP)
        source.psql("INSERT INTO products (sku, price) VALUES ('late', 1)", "shop")
    assert there.query(PRODUCT, dbname="shop") == [(1,)]
    assert len(source.query(MARKERS, dbname="shop")) == 2


def test_what_was_in_progress_when_it_was_set_is_waited_for(crossing):
    """Another database's transaction here, which is all the same: ids are the cluster's."""
    open_side, = crossing.open_sides()
    with crossing.lab.server(open_side).connect("postgres", autocommit=False) as other:
        other.execute("SELECT pg_current_xact_id()")
        with moving_while_a_session_cannot_end(crossing) as source:
            pass
    assert len(source.query(MARKERS, dbname="shop")) == 2
