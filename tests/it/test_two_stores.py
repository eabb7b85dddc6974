"""Two databases in one wave: one decides, the other follows, and no kill leaves them on two sides."""

import signal

import psycopg
import pytest

from conftest import crossing_in_sync
from crossing import DONE, OTHER, UNDONE
from lab import APP_ROLES, DATABASE
from ledger import Ledger, verify
from server import wait_until

SECOND = "billing"
MARK = "(text, text, bigint, text)"
REACH_SECONDS = 60

STORE = """
  billing:
    engine: postgresql
    old: "{old}"
    new: "{new}"
    pattern: replica-promotion
    sync: logical
    route: direct
"""
OVERLAP = '  - {from: web, to: billing, because: "clients try both sides", at_most: 30m}\n'


def add_second(lab):
    """A small database beside the shop, on both servers, which one service writes together with it."""
    for server in lab.servers:
        server.psql(f"CREATE DATABASE {SECOND} OWNER shop_owner")
        server.psql("SET ROLE shop_owner; CREATE TABLE bill (id bigint GENERATED ALWAYS AS IDENTITY"
                    " PRIMARY KEY, cents bigint NOT NULL); GRANT SELECT, INSERT ON bill TO shop_app",
                    SECOND)
    lab.old.psql("INSERT INTO bill (cents) SELECT generate_series(1, 1000)", SECOND)
    sides = {server.name: server.conninfo("airlock", SECOND, lab.passfile) for server in lab.servers}
    plan = lab.plan.read_text().replace("\nservices:", STORE.format(**sides) + "\nservices:")
    plan = plan.replace("overlap:\n", "overlap:\n" + OVERLAP)
    lab.plan.write_text(plan.replace("writes: [orders], match: {user: shop_app}",
                                     "writes: [orders, billing], match: {user: shop_app}"))
    lab.init_roles()


@pytest.fixture(scope="module", params=[pytest.param(3, marks=pytest.mark.long), 2])
def crossing(labs, scratch, request):
    crossing = crossing_in_sync(labs, scratch, request.param, change=add_second)
    waves = crossing.call("plan", "--json").require(DONE).json()["waves"]
    together = [wave["members"] for wave in waves if "orders" in wave["members"]]
    assert len(together) == 1 and "billing" in together[0], waves
    return crossing


def admits(lab, side, dbname):
    try:
        with psycopg.connect(lab.dsn(side, "shop_app", dbname), connect_timeout=40) as conn:
            conn.execute("SELECT 1")
            return True
    except psycopg.Error:
        return False


def open_sides(lab):
    """By database: the sides on which an application gets in."""
    return {dbname: [side for side in OTHER if admits(lab, side, dbname)]
            for dbname in (DATABASE, SECOND)}


def on(side):
    return {DATABASE: [side], SECOND: [side]}


def add_bill(lab, side, cents):
    with psycopg.connect(lab.dsn(side, "shop_app", SECOND)) as conn:
        return conn.execute("INSERT INTO bill (cents) VALUES (%s) RETURNING id", (cents,)).fetchone()[0]


def bills(lab, side):
    return lab.server(side).query("SELECT id, cents FROM bill ORDER BY id", dbname=SECOND)


def settle(crossing):
    wait_until(lambda: crossing.call("resume").code == DONE, 60, "nothing left to resume")


def test_both_cross_together_and_back(crossing, scratch):
    lab, place = crossing.lab, scratch()
    with Ledger(lab, place, clients=8, rate=400) as ledger:
        for direction, side in (("forward", "new"), ("rollback", "old")):
            ledger.wait_for(100)
            before = add_bill(lab, OTHER[side], 7)
            moved = crossing.call(*crossing.moved(direction)).require(DONE).json()
            assert moved["primary"] == {"orders": side, "billing": side}
            assert open_sides(lab) == on(side)
            assert add_bill(lab, side, 8) > before  # neither lost nor given twice
            settle(crossing)
        ledger.wait_for(100)
    assert verify(lab, place, "old", both_seconds=60)["verdict"] == "sound"
    wait_until(lambda: bills(lab, "old") == bills(lab, "new"), 60, "the same bills on both sides")


# The wave comes to a step once for every store: these are of whichever comes first.
POINTS = ("after:seal", "after:commit", "after:promote", "after:retire")
MORE = ("after:guard-held", "before:seal", "after:end_sessions", "after:cut", "before:guard-promote",
        "after:guard-commit", "before:commit", "before:promote", "after:release", "after:turn")


@pytest.mark.parametrize("point", [
    *POINTS, *(pytest.param(point, marks=pytest.mark.long) for point in MORE)])
def test_killed_there_both_end_on_one_side(crossing, point):
    lab = crossing.lab
    assert open_sides(lab) == on("old")
    add_bill(lab, "old", 9)
    with crossing.start(*crossing.moved("forward"), failpoint=point) as running:
        assert running.await_failpoint(REACH_SECONDS)
        # Whatever is open at this instant, it is not a store on each side.
        sides = {side for found in open_sides(lab).values() for side in found}
        assert len(sides) <= 1, f"{point}: {open_sides(lab)}"
        running.signal(signal.SIGKILL)
        running.wait(10)
    resumed = crossing.call("resume", "--json").require(DONE, UNDONE)
    side = "old" if resumed.code == UNDONE else resumed.json()["primary"]["orders"]
    assert open_sides(lab) == on(side)
    add_bill(lab, side, 10)
    settle(crossing)
    wait_until(lambda: bills(lab, "old") == bills(lab, "new"), 60, "the same bills on both sides")
    if side == "new":
        crossing.call(*crossing.moved("rollback")).require(DONE)
        settle(crossing)


def test_one_that_fails_takes_the_other_back(crossing):
    """The marker of one fails when both are sealed already."""
    lab = crossing.lab
    with crossing.start(*crossing.moved("forward"), failpoint="after:guard-held") as running:
        assert running.await_failpoint(REACH_SECONDS)
        lab.old.psql(f"ALTER FUNCTION airlock.mark{MARK} RENAME TO mark_away", SECOND)
        try:
            running.signal(signal.SIGCONT)
            ended = running.wait(120)
        finally:
            lab.old.psql(f"ALTER FUNCTION airlock.mark_away{MARK} RENAME TO mark", SECOND)
    ended.require(UNDONE)
    assert open_sides(lab) == on("old")
    settle(crossing)


def test_the_other_roles_know_only_one_open_side(crossing):
    """What holds for one role holds for all."""
    lab = crossing.lab
    for role in APP_ROLES:
        for dbname in (DATABASE, SECOND):
            with pytest.raises(psycopg.Error):
                psycopg.connect(lab.dsn("new", role, dbname), connect_timeout=40).close()
