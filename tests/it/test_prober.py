"""The prober must see every way in which both doors can stand open."""

import contextlib

import pytest

import prober
from lab import APP_ROLES
from prober import Prober, Stay, overlaps_of, stays_of, verdict
from server import wait_until

ALL = "PUBLIC, " + ", ".join(APP_ROLES)
SHUT = (f"SET ROLE shop_owner; REVOKE CONNECT ON DATABASE shop FROM {ALL} CASCADE; RESET ROLE;"
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'"
        " AND usename <> 'postgres'")
OPEN = f"SET ROLE shop_owner; GRANT CONNECT ON DATABASE shop TO {ALL}; RESET ROLE"


@pytest.fixture
def doors(plain_lab):
    """New is shut; afterwards both stand open again."""
    plain_lab.new.psql(SHUT)
    yield plain_lab
    for server in plain_lab.servers:
        server.psql(OPEN)


@contextlib.contextmanager
def watched(lab, directory):
    """A prober that has come round once at the start and comes round once more at the end."""
    with Prober(lab, directory) as running:
        await_tries(directory)
        yield running
        await_tries(directory)


def await_tries(directory, count=40):
    """Until each side has been tried so many times more than now."""
    def tries():
        logs = [directory / f"probe-{side}.log" for side in prober.SIDES]
        return min(len(log.read_text().splitlines()) if log.exists() else 0 for log in logs)
    goal = tries() + count
    wait_until(lambda: tries() >= goal, 30, f"{count} tries on each side")


def test_one_door_open_is_sound(doors, scratch):
    directory = scratch()
    with watched(doors, directory):
        pass
    result = verdict(doors, directory, primary="old", switches=0)
    assert result["verdict"] == "sound"
    assert result["let_in"]["new"] == 0 and result["let_in"]["old"] > 50
    assert result["tries"]["new"] >= 80


def test_a_clean_switch_is_sound_and_counted(doors, scratch):
    directory = scratch()
    with watched(doors, directory):
        doors.old.psql(SHUT)
        doors.new.psql(OPEN)
        await_tries(directory)
    assert verdict(doors, directory, switches=1)["verdict"] == "sound"
    assert verdict(doors, directory, switches=0)["verdict"] == "damaged"
    result = verdict(doors, directory, primary="new")
    assert result["lost"] > 0 and result["verdict"] == "damaged", "nothing replicates between these two"


def test_both_doors_open(doors, scratch):
    directory = scratch()
    doors.new.psql(OPEN)
    with watched(doors, directory):
        pass
    result = verdict(doors, directory)
    assert result["verdict"] == "damaged" and result["overlap_count"] >= 4
    assert result["alternations"] > 5


@pytest.mark.parametrize("role", [role for role in APP_ROLES if role not in prober.READERS])
def test_a_single_role_that_was_forgotten(doors, scratch, role):
    directory = scratch()
    if role == "shop_deploy":
        doors.new.psql(f"GRANT CONNECT ON DATABASE shop TO {role}")
    else:
        doors.new.psql(f"SET ROLE shop_owner; GRANT CONNECT ON DATABASE shop TO {role}")
    with watched(doors, directory):
        pass
    result = verdict(doors, directory)
    assert result["verdict"] == "damaged"
    assert role in {pair["new"]["role"] for pair in result["overlaps"]}


def test_a_door_opened_too_early(doors, scratch):
    directory = scratch()
    with watched(doors, directory):
        doors.new.psql(OPEN)
        log = directory / "probe-new.log"
        wait_until(lambda: " in " in log.read_text(), 30, "the first write on new")
        doors.old.psql(SHUT)
    result = verdict(doors, directory)
    assert result["verdict"] == "damaged" and result["overlap_count"] >= 1


def test_a_door_shut_but_sessions_left(doors, scratch):
    """The commonest mistake: CONNECT revoked, and whoever was inside goes on writing."""
    directory = scratch()
    with watched(doors, directory):
        doors.old.psql(f"SET ROLE shop_owner; REVOKE CONNECT ON DATABASE shop FROM {ALL} CASCADE")
        doors.new.psql(OPEN)
        await_tries(directory)
    assert verdict(doors, directory)["overlap_count"] >= 1


def test_a_reader_that_writes(doors, scratch):
    directory = scratch()
    doors.old.psql("GRANT INSERT ON ledger.probe TO reporting", "shop")
    try:
        with watched(doors, directory):
            pass
    finally:
        doors.old.psql("REVOKE INSERT ON ledger.probe FROM reporting", "shop")
    result = verdict(doors, directory)
    assert result["verdict"] == "damaged" and result["trespassers"] == ["reporting"]


def test_lost_and_stray_rows(doors, scratch):
    directory = scratch()
    with watched(doors, directory) as running:
        run = running.run
    doors.old.query("DELETE FROM ledger.probe WHERE (run, prober, seq) IN (SELECT run, prober, seq"
                    f" FROM ledger.probe WHERE run = {run} LIMIT 3)", dbname="shop")
    doors.new.query(f"INSERT INTO ledger.probe VALUES ({run}, 999, 1)", dbname="shop")
    result = verdict(doors, directory, primary="old")
    assert (result["lost"], result["stray"], result["verdict"]) == (3, 1, "damaged")


def test_stays_end_with_a_refusal_of_the_same_role_only():
    tries = [("a", 0, "in", 10), ("b", 1, "in", 11), ("a", 2, "in", 12), ("b", 3, "out", 0),
             ("a", 4, "in", 14), ("b", 5, "in", 15), ("a", 6, "unknown", 0), ("a", 7, "in", 17)]
    assert sorted(stays_of("old", tries), key=lambda s: (s.role, s.begin)) == [
        Stay("old", "a", 10, 14, 3), Stay("old", "a", 17, 17, 1),
        Stay("old", "b", 11, 11, 1), Stay("old", "b", 15, 15, 1)]


def test_overlap_is_an_instant_in_common():
    def pair(old, new):
        return overlaps_of([Stay("old", "a", *old, 2), Stay("new", "b", *new, 2)])
    assert not pair((1, 5), (6, 9)) and not pair((6, 9), (1, 5))
    assert pair((1, 5), (5, 9)) and pair((5, 9), (1, 5))
    assert pair((1, 9), (4, 4)) and pair((4, 4), (1, 9))
