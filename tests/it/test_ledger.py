"""The ledger must find what is planted: a witness that cannot accuse proves nothing."""

import itertools
import time

import pytest

from ledger import EXPLAINED, Ledger, Record, verify
from lab import LabError
from server import wait_until

first_client = itertools.count(1000, 100)


CLIENTS = 4


def await_each(server, first, count=45):
    """Until each of the clients has got so far: one of them may have been let in long after the others."""
    far = "SELECT count(*) FROM ledger.counter WHERE client BETWEEN %s AND %s AND n >= %s"
    wait_until(lambda: server.query(far, (first, first + CLIENTS - 1, count), "shop") == [(CLIENTS,)], 60,
               "each client's transactions")


@pytest.fixture
def run(plain_lab, scratch):
    """A short ledger on old: (lab, directory of its logs, number of its first client)."""
    first = next(first_client)
    directory = scratch()
    with Ledger(plain_lab, directory, clients=CLIENTS, first=first) as ledger:
        ledger.wait_for(200)
        await_each(plain_lab.old, first)
    return plain_lab, directory, first


def plant(server, sql, rows=1):
    """A fault; it must have hit as many rows as it was meant to."""
    with server.connect("shop") as conn:
        assert conn.execute(sql).rowcount == rows


def found(run):
    lab, directory, _ = run
    verdict = verify(lab, directory, "old")
    kinds = ("lost", "lost_keyless", "duplicated", "unexpected", "half", "order", "holes",
             "counter", "collisions", "sequence_behind")
    return verdict["verdict"], {kind: verdict[kind] for kind in kinds if verdict[kind]}


def some_row(first, where="true"):
    """A condition that picks one row out of the middle of a client's chain."""
    return f"(client, seq) = ({first}, 20) AND {where}"


def test_a_sound_run_is_sound(run):
    lab, directory, first = run
    verdict = verify(lab, directory, "old")
    assert verdict["verdict"] == "sound"
    assert verdict["acknowledged"] >= 200 and verdict["failed"] == 0
    assert lab.old.query(f"SELECT count(*) FROM ledger.entry WHERE client BETWEEN {first} AND {first + 3}",
                         dbname="shop") == [(verdict["acknowledged"] + verdict["unknown"],)]


def test_lost(run):
    where = some_row(run[2])
    plant(run[0].old, f"DELETE FROM ledger.entry WHERE {where}")
    verdict, kinds = found(run)
    assert verdict == "damaged"
    assert kinds == {"lost": 1, "half": 1, "holes": 1, "counter": 1}


def test_lost_keyless(run):
    plant(run[0].old, f"DELETE FROM ledger.trace WHERE {some_row(run[2])}")
    assert found(run) == ("damaged", {"lost_keyless": 1, "half": 1})


def test_a_whole_transaction_lost_without_a_trace(run):
    """As when the end of the log did not arrive: all three rows go back."""
    lab, directory, first = run
    last = lab.old.query(f"SELECT max(seq) FROM ledger.entry WHERE client = {first}", dbname="shop")[0][0]
    for table in ("entry", "trace"):
        plant(lab.old, f"DELETE FROM ledger.{table} WHERE client = {first} AND seq = {last}")
    plant(lab.old, f"UPDATE ledger.counter SET n = n - 1 WHERE client = {first}")
    assert found(run) == ("damaged", {"lost": 1, "lost_keyless": 1})


def test_duplicated(run):
    plant(run[0].old, f"INSERT INTO ledger.trace SELECT * FROM ledger.trace WHERE {some_row(run[2])}")
    assert found(run) == ("damaged", {"duplicated": 1})


def test_unexpected(run):
    first = run[2]
    plant(run[0].old, f"INSERT INTO ledger.trace VALUES ({first}, 999999)")
    assert found(run) == ("damaged", {"unexpected": 1, "half": 1})


def test_a_failed_one_that_is_present(run):
    """The client was told that nothing had been committed."""
    _, directory, first = run
    log = directory / f"client-{first}.log"
    log.write_text(log.read_text().replace("T 20 ok", "T 20 fail"))
    assert found(run) == ("damaged", {"unexpected": 1})


def test_order(run):
    first = run[2]
    plant(run[0].old, f"UPDATE ledger.entry SET n = 43 - n WHERE client = {first} AND n IN (21, 22)", 2)
    assert found(run) == ("damaged", {"order": 1})


def test_counter_sum(run):
    plant(run[0].old, f"UPDATE ledger.counter SET n = n - 1 WHERE client = {run[2]}")
    assert found(run) == ("damaged", {"counter": 1})


@pytest.mark.parametrize("column", ["ident", "ticket"])
def test_a_number_given_out_twice(run, column):
    first = run[2]
    plant(run[0].old, f"UPDATE ledger.entry SET {column} = (SELECT {column} FROM ledger.entry"
                      f" WHERE (client, seq) = ({first}, 10)) WHERE {some_row(first)}")
    assert found(run) == ("damaged", {"collisions": 1})


@pytest.mark.parametrize("sequence", ["ledger.entry_ident_seq", "ledger.ticket"])
def test_a_sequence_that_was_left_behind(run, sequence):
    lab, directory, _ = run
    with lab.old.connect("shop") as conn:
        before = conn.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()
        conn.execute(f"SELECT setval('{sequence}', 0 + (SELECT start_value FROM pg_sequences"
                     f" WHERE schemaname || '.' || sequencename = '{sequence}'))")
        try:
            assert found(run) == ("damaged", {"sequence_behind": 1})
        finally:
            conn.execute(f"SELECT setval('{sequence}', %s, %s)", before)
    assert verify(lab, directory, "old")["verdict"] == "sound"


def test_an_error_that_no_crossing_explains(plain_lab, scratch):
    directory, first = scratch(), next(first_client)
    plain_lab.old.psql("ALTER TABLE ledger.trace ADD CONSTRAINT planted CHECK (seq <> 30 OR client < 900)"
                       " NOT VALID", "shop")
    try:
        with Ledger(plain_lab, directory, clients=CLIENTS, first=first) as ledger:
            ledger.wait_for(400)
            await_each(plain_lab.old, first)
    finally:
        plain_lab.old.psql("ALTER TABLE ledger.trace DROP CONSTRAINT planted", "shop")
    verdict = verify(plain_lab, directory, "old")
    assert verdict["verdict"] == "damaged" and verdict["errors"] == {"23514": 4}
    assert verdict["failed"] == 4 and verdict["lost"] == 0


def test_clients_survive_kill9_and_know_what_they_do_not_know(plain_lab, scratch):
    """After the crash every ok is there, every fail is not; what was on the way is unknown."""
    directory = scratch()
    with Ledger(plain_lab, directory, clients=8, first=next(first_client)) as ledger:
        ledger.wait_for(500)
        plain_lab.new.stop()  # so that they have nowhere to go but back
        plain_lab.old.kill9()
        plain_lab.old.start()
        ledger.wait_for(500)
    plain_lab.new.start()
    record = Record.read(directory)
    verdict = verify(plain_lab, directory, "old")
    assert verdict["verdict"] == "sound"
    assert record.unknown, "eight clients in full flight, and a crash that caught none of them?"
    assert verdict["longest_stall_ms"] > 50


def test_clients_go_where_the_door_is_open(plain_lab, scratch):
    """CONNECT revoked and sessions ended on old: the clients appear on new. (Nothing replicates
    here, so what they left on old is missed there: that too must be seen.)"""
    directory, first = scratch(), next(first_client)
    fence = ("REVOKE CONNECT ON DATABASE shop FROM PUBLIC, shop_app;"
             "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_app'")
    with Ledger(plain_lab, directory, clients=CLIENTS, first=first) as ledger:
        ledger.wait_for(200)
        plain_lab.old.psql(fence)
        try:
            # What the clients report is a moment old: 200 more may all be from before the fence.
            wait_until(lambda: ledger.progress()["side"] == "new", 30, "a client on new")
            ledger.wait_for(200)
            await_each(plain_lab.new, first, 1)
            assert ledger.progress()["side"] == "new"
        finally:
            plain_lab.old.psql("SET ROLE shop_owner; GRANT CONNECT ON DATABASE shop TO PUBLIC, shop_app")
    verdict = verify(plain_lab, directory, "new")
    assert verdict["verdict"] == "damaged" and verdict["lost"] >= 100
    assert verdict["switches"] == 4 and set(Record.read(directory).errors) <= EXPLAINED


def test_a_stall_that_nobody_ended_counts(plain_lab, scratch):
    directory = scratch()
    with Ledger(plain_lab, directory, clients=2, first=next(first_client)) as ledger:
        ledger.wait_for(50)
        for server in plain_lab.servers:
            server.stop()
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 0.5, 5, "half a second of silence")
    for server in plain_lab.servers:
        server.start()
    assert verify(plain_lab, directory, "old")["longest_stall_ms"] >= 500


@pytest.fixture
def replicated(plain_lab):
    """What is written on old to the ledger's tables from now on is copied to new."""
    tables = "ledger.entry, ledger.trace, ledger.counter"
    plain_lab.old.psql(f"CREATE PUBLICATION planted FOR TABLE {tables}", "shop")
    plain_lab.new.psql(f"TRUNCATE {tables};"
                       "CREATE SUBSCRIPTION planted CONNECTION"
                       f" '{plain_lab.old.admin_uri('shop')}' PUBLICATION planted", "shop")
    yield plain_lab
    plain_lab.new.psql("DROP SUBSCRIPTION planted", "shop")
    plain_lab.old.psql("DROP PUBLICATION planted", "shop")


def test_both_sides(replicated, scratch):
    directory, first = scratch(), next(first_client)
    with Ledger(replicated, directory, clients=CLIENTS, first=first) as ledger:
        ledger.wait_for(500)
        await_each(replicated.old, first)
    verdict = verify(replicated, directory, "old", both_seconds=30)
    assert verdict["verdict"] == "sound" and verdict["sides_equal"] is True
    plant(replicated.new, f"DELETE FROM ledger.trace WHERE {some_row(first)}")
    verdict = verify(replicated, directory, "old", both_seconds=0.2)
    assert verdict["verdict"] == "damaged" and verdict["sides_equal"] is False
    assert verdict["lost_keyless"] == 1 and list(verdict["examples"]) == ["new"]


def test_a_cut_line_is_not_counted_and_no_log_is_no_verdict(run, scratch):
    _, directory, first = run
    whole = Record.read(directory)
    log = directory / f"client-{first}.log"
    log.write_text(log.read_text()[:-5])
    assert len(Record.read(directory).ok | Record.read(directory).unknown) == \
        len(whole.ok | whole.unknown) - 1
    with pytest.raises(LabError, match="no client"):
        Record.read(scratch())
