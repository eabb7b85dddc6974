"""`airlock guard`: what a migration needs that stands open for days, and what happens without it."""

import json
import signal
import time

import psycopg
import pytest

from conftest import crossing_in_sync
from crossing import DONE, REFUSED
from server import wait_until

MEGABYTE = 1 << 20
WRITTEN = 48 * MEGABYTE
PLENTY = 40 * MEGABYTE  # of it, at least
REACH_SECONDS = 60
ROUND_SECONDS = 20  # of the guard's (cmd_guard.c)


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    """Each test leaves old open."""
    return crossing_in_sync(labs, scratch)


@pytest.fixture
def on_new(crossing):
    crossing.cross("forward")
    yield crossing
    crossing.cross("rollback")


def guard_once(crossing, code=DONE):
    return crossing.call("guard", "--once", "--json").require(code).json()["stores"][0]


def kept_bytes(crossing):
    """By slot: what the servers say that idle slots hold back."""
    return {f"{server.name} {name}": kept for server in crossing.lab.servers for name, kept in server.query(
        "SELECT slot_name, pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE NOT active",
        dbname="shop")}


def make_log(server, size=WRITTEN):
    server.psql(f"SELECT count(pg_logical_emit_message(false, 'noise', repeat('x', {MEGABYTE})))"
                f" FROM generate_series(1, {size // MEGABYTE})", "shop")


def guard_until_little_is_kept(crossing):
    def little():
        for server in crossing.lab.servers:
            server.psql("CHECKPOINT")  # the server's own snapshots, from which decoding may start
        view = guard_once(crossing)
        assert view["at_rest"] and view["alarms"] == []
        return max(kept_bytes(crossing).values()) < PLENTY / 2
    wait_until(little, 60, "idle slots to let go of the log")


def check_audit(crossing):
    done = crossing.call("check", "--gate", "audit", "--json")
    return done.json()["gates"][0]


def test_idle_slots_keep_log_until_somebody_visits(crossing):
    for server in crossing.lab.servers:
        make_log(server)
    for slot, kept in kept_bytes(crossing).items():
        assert kept > PLENTY, f"{slot} would be no harm"
    assert len(kept_bytes(crossing)) == 3
    guard_until_little_is_kept(crossing)


def test_a_slot_that_cannot_move_does_not_blind_the_guard(crossing):
    """An old transaction in another database of that server keeps it where it is."""
    lab = crossing.lab
    with lab.new.connect("postgres", autocommit=False) as old_transaction:
        old_transaction.execute("CREATE TABLE unfinished AS SELECT 1 AS a")  # decoding has to begin before it
        make_log(lab.new)
        began = time.monotonic()
        view = guard_once(crossing)
        assert time.monotonic() - began < ROUND_SECONDS - 1, "it waits for what cannot come"
        assert view["at_rest"] and view["alarms"] == []
        kept, = (i["kept_bytes"] for i in view["idle"] if (i["side"], i["what"]) == ("new", "way back"))
        assert kept > PLENTY
    guard_until_little_is_kept(crossing)


def test_so_it_is_when_new_is_primary(on_new):
    for server in on_new.lab.servers:
        make_log(server)
    assert all(kept > PLENTY for kept in kept_bytes(on_new).values())
    guard_until_little_is_kept(on_new)
    assert guard_once(on_new)["writes"] == "new"


def test_an_attempt_brings_the_audit_forward_by_itself(crossing):
    for server in crossing.lab.servers:
        make_log(server)
    crossing.cross("forward")
    crossing.cross("rollback")
    confirmed = crossing.lab.old.query(
        "SELECT pg_current_wal_lsn() - confirmed_flush_lsn FROM pg_replication_slots"
        " WHERE slot_name ~ 'audit'", dbname="shop")[0][0]
    assert confirmed < PLENTY / 2


def test_a_write_behind_the_door_is_an_alarm_until_it_is_given_up(on_new):
    """The slot stays before it, so `check` can still name it; what it may keep has an end."""
    lab = on_new.lab
    lab.old.psql("INSERT INTO ledger.trace VALUES (77, 77)", "shop")  # a superuser cannot be fenced
    for _ in range(2):
        view = guard_once(on_new, REFUSED)
        assert view["alarms"] == ["stray"]
        assert [(i["side"], i["strays"]) for i in view["idle"] if i["strays"]] == [("old", 1)]
    assert check_audit(on_new)["state"] == "fail"
    rows = on_new.call("journal", "list", "--json").out
    assert "SOMEBODY WROTE to old" in rows
    lab.old.psql("DELETE FROM ledger.trace WHERE client = 77", "shop")  # undone by hand
    slot, = lab.old.query("SELECT slot_name FROM pg_replication_slots WHERE slot_name ~ 'audit'", dbname="shop")[0]
    lab.old.psql("SET ROLE airlock; SELECT airlock.audit_visit(plan, store, attempt, phase,"
                 f" '{slot}', true, pg_current_wal_lsn(), true) FROM airlock.guard", "shop")
    assert guard_once(on_new)["alarms"] == []
    gate = check_audit(on_new)
    assert gate["state"] == "not-proven" and "was given up" in gate["evidence"]


def test_the_gap_ends_when_the_door_is_shut_again(crossing):
    crossing.cross("forward")
    assert check_audit(crossing)["state"] == "pass"
    crossing.cross("rollback")
    assert check_audit(crossing)["state"] == "pass"


def test_a_way_back_that_hangs_grows_late(on_new):
    lab, plan = on_new.lab, on_new.lab.plan.read_text()
    lab.plan.write_text(plan.replace("rollback_lag: 30s", "rollback_lag: 1s"))
    try:
        with lab.old.connect("shop", autocommit=False) as blocker:
            blocker.execute("LOCK TABLE ledger.trace")
            with on_new.start("guard", "--ndjson", "--every", "200ms") as running:
                lines = running.lines(240)
                await_view(lines, lambda view: not view["alarms"])  # a second is little on a busy machine
                with psycopg.connect(lab.dsn("new", "shop_app")) as conn:
                    conn.execute("INSERT INTO ledger.trace VALUES (78, 78)")
                late = await_view(lines, lambda view: view["alarms"] == ["late"])
                assert late["behind_ms"] > 1000 and late["behind_bytes"] > 0
                blocker.rollback()
                assert await_view(lines, lambda view: not view["alarms"])["behind_ms"] <= 1000
                running.signal(signal.SIGTERM)
                assert running.wait(120).code == DONE
    finally:
        lab.plan.write_text(plan)


def next_view(lines):
    return json.loads(next(line for line in lines if line.strip()))["stores"][0]


def await_view(lines, fits):
    """The first that fits; the lines end, with an error, when none comes in time."""
    while not fits(view := next_view(lines)):
        pass
    return view


def test_it_keeps_out_of_an_attempt_and_does_not_disturb_it(crossing):
    with crossing.start("guard", "--ndjson", "--every", "50ms") as guard:
        lines = guard.lines(240)
        assert next_view(lines)["at_rest"]
        with crossing.start(*crossing.moved("forward"), failpoint="before:marker") as running:
            assert running.await_failpoint(REACH_SECONDS)
            held = await_view(lines, lambda view: not view["at_rest"])
            assert held["alarms"] in ([], ["blind"])  # its own sessions were ended by the seal
            running.signal(signal.SIGCONT)
            running.wait(120).require(DONE)
        assert await_view(lines, lambda view: view["at_rest"] and view["follows"])["writes"] == "new"
        guard.signal(signal.SIGINT)
        assert guard.wait(120).code == DONE
    crossing.call("resume").require(DONE)
    crossing.cross("rollback")
