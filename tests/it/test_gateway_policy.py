"""What becomes of sessions that cannot be carried over: the plan's word for each class."""

import os
import signal
import threading

import psycopg
import pytest

from selfflip import OTHER
from server import wait_until

HOLDS = {
    "temp_tables": ("CREATE TEMPORARY TABLE mine (a int)", "DROP TABLE mine", "temp", "mine"),
    "advisory_locks": ("SELECT pg_advisory_lock(4711)", "SELECT pg_advisory_unlock_all()", "advisory", "0,4711"),
    "hold_cursors": ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CLOSE c", "cursor", "c"),
    "currval": ("PREPARE p AS SELECT lastval()", "DEALLOCATE p", "currval", "PREPARE p AS SELECT lastval()"),
    "lastval": ("SELECT nextval('products_id_seq')", "DISCARD SEQUENCES", "lastval", ""),
}
ALL = sorted(HOLDS)
# Of a drain that is to end in vain: long enough for everybody at a boundary to be looked at first.
DRAIN_MS = 2000


@pytest.fixture
def control(flip):
    with flip.control() as conn:
        yield conn
        flip.hold(conn, temp_tables="block")  # the defaults again, for the next test
        conn.require("release", side=flip.side, epoch=0)


@pytest.fixture
def client(flip, control):
    """Released after it is gone, so that it is in nobody's way."""
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True, application_name="holds it") as conn:
        yield conn


@pytest.fixture
def other(flip, control):
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True, application_name="the other") as conn:
        yield conn


def release(flip, control):
    return control.require("release", side=flip.side, epoch=0)


def is_ended(conn):
    with pytest.raises(psycopg.OperationalError) as caught:
        conn.execute("SELECT 1")
    return caught.value.sqlstate == "57P01" or "cannot go along" in str(caught.value)


def named(reply):
    return [(b["application"], b["class"], b["policy"]) for b in reply["blockers"]]


@pytest.mark.parametrize("cls", ALL)
def test_block_refuses_before_and_in_the_hold_and_the_session_goes_on(flip, control, client, cls):
    sql, undo, name, text = HOLDS[cls]
    client.execute(sql)
    surveyed = control.require("survey", carry={cls: "block"})
    assert named(surveyed) == [("holds it", name, "block")]
    if text:
        assert surveyed["blockers"][0]["text"] == text
    armed = control.require("arm", attempt=flip.attempt + 1, src=flip.side, dst=OTHER[flip.side], share=0,
                            carry={cls: "block"})
    assert named(armed) == [("holds it", name, "block")]
    answer = flip.hold(control, **{cls: "block"})
    assert (answer["ok"], answer["code"], named(answer)) == (False, "drain", [("holds it", name, "block")])
    client.execute(undo)
    assert flip.hold(control, **{cls: "block"})["held"] == 1
    release(flip, control)


@pytest.mark.parametrize("cls", ALL)
def test_wait_lets_that_session_alone_go_on_until_it_is_rid_of_it(flip, control, client, other, cls):
    sql, undo, _, _ = HOLDS[cls]
    client.execute(sql)
    number = flip.send_hold(control, drain_ms=20000, **{cls: "wait"})
    with flip.control() as second:
        wait_until(lambda: second.require("status")["held"] == 1, 10, "the other to be held")
        for n in range(3):
            assert client.execute("SELECT %s::int", (n,)).fetchone() == (n,)
        status = second.require("status")
        assert (status["phase"], status["held"]) == ("draining", 1)
        client.execute(undo)
    assert control.answer(number)["held"] == 2
    release(flip, control)
    for conn in (client, other):
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_what_is_waited_for_in_vain_ends_the_hold_by_name(flip, control, client, other):
    client.execute(HOLDS["temp_tables"][0])
    answer = flip.hold(control, drain_ms=DRAIN_MS, temp_tables="wait")
    assert (answer["ok"], answer["code"]) == (False, "drain")
    assert named(answer) == [("holds it", "temp", "wait")]
    for conn in (client, other):
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert client.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_a_request_that_waits_is_answered_when_its_session_is_let_on(flip, control, client):
    """It came in the very moment in which the session was looked at, in one piece with the one before."""
    client.execute(HOLDS["temp_tables"][0])
    with client.pipeline() as pipeline:
        for n in range(20):
            client.execute("INSERT INTO mine VALUES (%s)", (n,), prepare=False)
            pipeline.sync()
        number = flip.send_hold(control, drain_ms=20000, temp_tables="wait")
        for n in range(20):
            client.execute("INSERT INTO mine VALUES (%s)", (n,), prepare=False)
            pipeline.sync()
        last = client.execute("DROP TABLE mine")
        pipeline.sync()
        assert last.statusmessage == "DROP TABLE"
        assert control.answer(number)["held"] == 1
        release(flip, control)  # what the driver sends at the end of a pipeline would be held, too


@pytest.mark.parametrize("cls", ALL)
def test_disconnect_ends_that_session_when_all_others_wait(flip, control, client, other, cls):
    sql, _, name, _ = HOLDS[cls]
    client.execute(sql)
    pid = client.info.backend_pid
    answer = flip.hold(control, **{cls: "disconnect"})
    assert (answer["held"], answer["disconnected"], named(answer)) == (1, 1, [("holds it", name, "disconnect")])
    assert answer["blockers"][0]["pid"] == pid
    assert is_ended(client)
    wait_until(lambda: not flip.old.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)), 10,
               "its server to go")
    epoch = flip.move_registers()
    control.require("release", side=flip.side, epoch=epoch)
    assert other.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)


def test_nobody_is_ended_for_a_hold_that_fails_anyway(flip, control, client, other):
    client.execute(HOLDS["temp_tables"][0])
    with other.transaction():
        other.execute("SELECT 1")
        answer = flip.hold(control, drain_ms=DRAIN_MS, temp_tables="disconnect")
        assert (answer["ok"], answer["code"]) == (False, "drain")
        assert sorted(named(answer)) == [("holds it", "temp", "disconnect"), ("the other", "transaction", "wait")]
    assert client.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_what_only_a_server_had_that_died_is_not_made_again_without_it(flip, control, client, other):
    """The hold failed, so nobody was ended for it; but this session's temporary table is no more."""
    client.execute("SET work_mem = '3MB'")
    client.execute(HOLDS["temp_tables"][0])
    with other.transaction():
        other.execute("SELECT pg_advisory_lock(4711)")
        number = flip.send_hold(control, drain_ms=20000, temp_tables="disconnect", advisory_locks="block")
        with flip.control() as second:
            wait_until(lambda: second.require("status")["held"] == 1, 10, "the session with the table to be held")
        assert flip.old.query("SELECT pg_terminate_backend(%s, 10000)", (client.info.backend_pid,)) == [(True,)]
    answer = control.answer(number)
    assert (answer["ok"], answer["code"]) == (False, "drain")
    with pytest.raises(psycopg.OperationalError, match="what only that server had"):
        client.execute("SELECT current_setting('work_mem')")
    assert other.execute("SELECT pg_advisory_unlock(4711)").fetchone() == (True,)


def test_a_session_with_what_only_its_server_had_does_not_go_on_when_that_was_ended_at_the_deadline(
        flip, control, client, other):
    """In the drain, when no door was open: by the gateway itself."""
    client.execute(HOLDS["temp_tables"][0])
    with other.transaction():
        other.execute("SELECT 1")
        flip.set_register(flip.side, "COMMITTING", attempt=flip.attempt + 1)  # whatever the deadline is
        number = flip.send_hold(control, hold_ms=1000, drain_ms=20000, temp_tables="disconnect")
        assert control.answer(number)["code"] == "over"
        flip.set_register(flip.side, "ACTIVE")
        with pytest.raises(psycopg.OperationalError, match="what only that server had"):
            client.execute("SELECT 1")


@pytest.mark.parametrize("cmd", ["survey", "arm", "hold"])
def test_the_words_of_a_request_that_is_refused_do_not_count(flip, control, client, other, cmd):
    """In a hold that was begun with others."""
    client.execute(HOLDS["temp_tables"][0])
    with other.transaction():
        other.execute("SELECT 1")
        number = flip.send_hold(control, drain_ms=20000, temp_tables="disconnect")
        with flip.control() as second:
            wait_until(lambda: second.require("status")["held"] == 1, 10, "the session with the table to be held")
            more = {"survey": {}, "arm": {"attempt": flip.attempt + 1, "src": flip.side, "dst": OTHER[flip.side],
                                          "share": 0},
                    "hold": {"attempt": flip.attempt - 1, "src": flip.side, "hold_ms": 9, "drain_ms": 9}}[cmd]
            refused = second.ask(cmd, carry={"temp_tables": "wait"}, **more)
            assert (refused["ok"], refused["code"]) == (False, "stale" if cmd == "hold" else "busy")
    answer = control.answer(number)
    assert (answer["held"], answer["disconnected"]) == (1, 1)
    assert is_ended(client)
    release(flip, control)


def test_transactions_are_ended_at_the_drains_end_only_where_the_plan_says_so(flip, control, client, other):
    client.execute("BEGIN")
    answer = flip.hold(control, drain_ms=DRAIN_MS, transactions="disconnect")
    assert (answer["held"], answer["disconnected"]) == (1, 1)
    assert named(answer) == [("holds it", "transaction", "disconnect")]
    assert is_ended(client)
    release(flip, control)
    assert other.execute("SELECT 1").fetchone() == (1,)


def test_whom_a_hold_ended_is_named_when_it_fails_afterwards(flip, control, client, other):
    """The other is being looked at when the drain's time is up, and its server says nothing."""
    client.execute("BEGIN")
    other.execute("SELECT 1")
    os.kill(other.info.backend_pid, signal.SIGSTOP)
    try:
        answer = flip.hold(control, drain_ms=DRAIN_MS, transactions="disconnect")
    finally:
        os.kill(other.info.backend_pid, signal.SIGCONT)
    assert (answer["ok"], answer["code"], answer["disconnected"]) == (False, "drain", 1)
    assert named(answer) == [("holds it", "transaction", "disconnect"), ("the other", "silent", "disconnect")]
    assert is_ended(client)
    assert other.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_that_runs_for_long_is_ended_with_its_session(flip, control, client, other):
    failed = []

    def ask():
        try:
            client.execute("SELECT pg_sleep(60)")
        except psycopg.OperationalError as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    pid = client.info.backend_pid
    wait_until(lambda: flip.old.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'",
                                      (pid,)), 10, "the statement to run")
    answer = flip.hold(control, drain_ms=DRAIN_MS, transactions="disconnect")
    thread.join(60)
    assert failed and (answer["held"], answer["disconnected"]) == (1, 1)
    flip.old.query("SELECT pg_terminate_backend(%s)", (pid,))  # which the seal does
    release(flip, control)


def test_of_two_things_that_a_session_holds_the_stricter_word_counts(flip, control, client):
    client.execute(HOLDS["temp_tables"][0])
    client.execute(HOLDS["advisory_locks"][0])
    answer = flip.hold(control, temp_tables="disconnect", advisory_locks="block")
    assert named(answer) == [("holds it", "advisory", "block")]
    answer = flip.hold(control, drain_ms=DRAIN_MS, temp_tables="disconnect", advisory_locks="wait")
    assert named(answer) == [("holds it", "advisory", "wait")]
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_survey_sees_and_changes_nothing(flip, control, client, other):
    client.execute(HOLDS["lastval"][0])
    client.execute(HOLDS["temp_tables"][0])
    other.execute(HOLDS["lastval"][0])
    pids = [conn.info.backend_pid for conn in (client, other)]
    attempt = flip.attempt
    surveyed = control.require("survey")
    assert (surveyed["sessions"], surveyed["looked"]) == (2, 2)
    assert named(surveyed) == [("holds it", "temp", "block"), ("the other", "lastval", "tell")]
    assert control.require("status")["phase"] == "run"
    assert [conn.execute("SELECT pg_backend_pid()").fetchone()[0] for conn in (client, other)] == pids
    status = control.require("status")
    assert named(status) == [("holds it", "temp", "block")]
    with other.transaction():
        other.execute("SELECT 1")
        surveyed = control.require("survey")
    assert ("the other", "transaction", "wait") in named(surveyed) and surveyed["looked"] == 1
    client.execute("DROP TABLE mine")
    assert flip.hold(control)["held"] == 2  # lastval alone is told, no more
    assert flip.attempt == attempt + 1
    release(flip, control)


def test_a_survey_during_a_hold_is_refused(flip, control, client):
    flip.hold(control)
    assert control.ask("survey")["code"] == "busy"
    release(flip, control)


def test_a_word_that_is_no_policy_is_refused(flip, control, client):
    for carry in ({"temp_tables": "tell"}, {"transactions": "block"}, {"listen": "perhaps"}, {"unknown": 7}):
        assert not control.ask("survey", carry=carry)["ok"]
    assert control.ask("survey", carry={"of_a_later_version": "perhaps"})["ok"]


def test_the_unnamed_statement_is_never_taken_for_one_that_the_server_threw_away(flip, control, client):
    """After an error the rest of a pipeline is not carried out: what was sent last is not what is there."""
    conn = client.pgconn
    conn.enter_pipeline_mode()
    conn.send_prepare(b"", b"SELECT 1 + $1::int")
    conn.send_query_prepared(b"", [b"not a number"])
    conn.send_prepare(b"", b"SELECT 10 * $1::int")
    conn.pipeline_sync()
    results = [conn.get_result() for _ in range(7)]  # each request's, with a NULL behind it, and the Sync's
    assert [psycopg.pq.ExecStatus(result.status).name for result in results if result] == [
        "COMMAND_OK", "FATAL_ERROR", "PIPELINE_ABORTED", "PIPELINE_SYNC"]
    conn.exit_pipeline_mode()
    flip.turn(control)
    assert conn.exec_prepared(b"", [b"7"]).get_value(0, 0) == b"8"  # the first: the second was thrown away
    conn.exec_params(b"SELECT 10 * $1::int", [b"1"])
    flip.turn(control)
    assert conn.exec_prepared(b"", [b"7"]).get_value(0, 0) == b"70"


@pytest.mark.parametrize("sql, seen", [
    ("SELECT deep_inside()", True),
    ("DO $$ BEGIN PERFORM nextval('hidden'); END $$", True),
    ("INSERT INTO numbered DEFAULT VALUES", True),
    ("SELECT setval('hidden', 5)", False),  # defines currval() alone: session-lastval says that it is not seen
])
def test_what_defines_currval_is_seen_wherever_it_happens(flip, control, client, sql, seen):
    """And what comes of it after the flip is an error, never another number."""
    flip.old.psql("CREATE SEQUENCE IF NOT EXISTS hidden; CREATE TABLE IF NOT EXISTS numbered (n serial);"
                  " GRANT ALL ON SEQUENCE hidden, numbered_n_seq TO shop_app; GRANT ALL ON numbered TO shop_app;"
                  " CREATE OR REPLACE FUNCTION deep_inside() RETURNS bigint LANGUAGE sql AS"
                  " $$ SELECT nextval('hidden') $$", "shop")
    client.execute("SET client_min_messages = error")
    client.execute(sql)
    assert named(control.require("survey")) == ([("holds it", "lastval", "tell")] if seen else [])
    name = "numbered_n_seq" if "numbered" in sql else "hidden"
    client.execute(f"SELECT currval('{name}')")
    flip.turn(control)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        client.execute(f"SELECT currval('{name}')")
