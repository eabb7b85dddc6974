"""Before a hold every session that loses nothing by it is made again where it is: what cannot be is named then, and the
servers that the hold ends are young."""

import contextlib
import os
import signal
import threading
import time

import psycopg
import pytest

from conftest import run
from server import LabError, signal_quietly, wait_until
from wire import SYNC, bind, describe, execute, parse, query

DATABASE = "shop"
SERVED_MS = 5000  # the longest that a client may wait that nothing keeps; a second is nearer to what it is


@contextlib.contextmanager
def client_of(flip):
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as client:
        yield client


def backend(client):
    return client.execute("SELECT pg_backend_pid()").fetchone()[0]


def armed_anew(flip, control, *clients, share=5):
    """Arms until each of these has another server: an arm has half a second for all of them, and no more (renew.c)."""
    before = [backend(client) for client in clients]

    def are_all():
        blockers = flip.arm(control, share)["blockers"]
        return all(backend(client) != was for client, was in zip(clients, before)) and [blockers]

    return wait_until(are_all, 10, "sessions to be made again")[0]


def lives(flip, pid):
    return flip.old.query("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (pid,)) == [(1,)]


# -- who is, and who is not ---------------------------------------------------------------------------


def test_who_loses_nothing_is_made_again_where_it_is(flip, control):
    flip.old.psql("CREATE TABLE IF NOT EXISTS renewed (a int); GRANT ALL ON renewed TO shop_app", DATABASE)
    with client_of(flip) as client:
        client.execute("SET work_mem = '7MB'")
        client.execute("PREPARE asked AS SELECT count(*) + $1 FROM renewed")
        for _ in range(2):
            assert client.execute("SELECT %s::int + 1", (1,), prepare=True).fetchone() == (2,)
        before = backend(client)
        assert armed_anew(flip, control, client) == []
        wait_until(lambda: not lives(flip, before), 10, "the old server to be closed")
        assert client.execute("SHOW work_mem").fetchone() == ("7MB",)
        assert client.execute("EXECUTE asked(5)").fetchone() == (5,)
        assert client.execute("SELECT %s::int + 1", (1,), prepare=True).fetchone() == (2,)
        names = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'airlock%'"
        assert client.execute(names).fetchone() == (1,)  # the probe is there, for the hold
        held, released = flip.turn(control)
        assert (held["held"], released["failed"]) == (1, 0)


def test_the_unnamed_statement_and_what_waits_behind_it_go_along(flip, control):
    with flip.wire() as wire:
        wire.send(parse("SELECT 'unnamed'") + SYNC)
        assert [kind for kind, _ in wire.hear(2)] == ["1", "Z"]
        flip.arm(control)
        wire.send(bind() + describe() + execute() + SYNC)
        assert [kind for kind, _ in wire.hear(6)] == ["2", "t", "T", "D", "C", "Z"]


KEEPERS = {
    "temp": "CREATE TEMP TABLE kept AS SELECT 1",
    "advisory": "SELECT pg_advisory_lock(815)",
    "cursor": "DECLARE kept CURSOR WITH HOLD FOR SELECT 1",
    "listen": "LISTEN kept",
    "lastval": "SELECT nextval('renewed_seq')",
    "a setting that nobody reads": "SET nobody.reads = 'me'",
    "a transaction": "BEGIN",
}


@pytest.mark.parametrize("kept", KEEPERS)
def test_who_would_lose_something_keeps_its_server(flip, control, kept):
    flip.old.psql("CREATE SEQUENCE IF NOT EXISTS renewed_seq; GRANT ALL ON SEQUENCE renewed_seq TO shop_app", DATABASE)
    with client_of(flip) as client:
        client.execute(KEEPERS[kept])
        before = backend(client)
        flip.arm(control)
        assert backend(client) == before
        if kept == "a setting that nobody reads":
            assert client.execute("SHOW nobody.reads").fetchone() == ("me",)
        client.execute("COMMIT")


def test_a_session_that_is_not_captured_yet_is_served_first(flip, control):
    """Half a message has come: nothing is done between its halves."""
    with flip.wire() as wire:
        message = query("SELECT 1")
        wire.send(message[:7])
        flip.arm(control)
        wire.send(message[7:])
        assert [kind for kind, _ in wire.hear(4)] == ["T", "D", "C", "Z"]


def test_its_servers_are_accounted_for(flip, control):
    """Whoever looks for writers sees them for a moment, and asks whose they are."""
    with flip.wire() as client:

        def were_told():
            """None when the arm was over before the transaction: a second is all that it waits for that."""
            with second_that_waits(flip, control, client) as (before, second), flip.control() as other:
                of_second = accounts_of(other, second)
                run(client, "COMMIT")
                wait_until(lambda: not (lives(flip, int(before)) and lives(flip, second)), 10, "one of them to end")
                return None if lives(flip, int(before)) else (of_second, accounts_of(other, int(before)))

        (second,), (before,) = wait_until(were_told, 10, "the second to be gone on with")
        assert (second["port"], second["writes"]) == (client.port(), 0)
        assert (before["port"], before["transactions"]) == (client.port(), 0)


def accounts_of(control, pid):
    return [a for a in control.require("accounts", ended=True, before=0)["accounts"] if a["pid"] == pid]


# -- who cannot be ------------------------------------------------------------------------------------


def test_who_cannot_be_made_again_is_named_and_keeps_its_server(flip, control):
    right = "SET ON PARAMETER log_duration"
    flip.old.psql(f"GRANT {right} TO shop_app")
    with client_of(flip) as client, client_of(flip) as other:
        client.execute("SET log_duration = on")
        before = backend(client)
        flip.old.psql(f"REVOKE {right} FROM shop_app")
        blocker, = armed_anew(flip, control, other)
        assert (blocker["class"], blocker["policy"]) == ("replay", "block") and "log_duration" in blocker["text"]
        assert backend(client) == before and client.execute("SHOW log_duration").fetchone() == ("on",)
        flip.old.psql(f"GRANT {right} TO shop_app")
        assert armed_anew(flip, control, client) == []


def test_without_room_for_a_second_login_all_stay_as_they_are(flip, control):
    with client_of(flip) as client, client_of(flip) as other:
        before = backend(client), backend(other)
        flip.old.psql("ALTER ROLE shop_app CONNECTION LIMIT 2")
        try:
            assert flip.arm(control, share=0)["blockers"] == []
        finally:
            flip.old.psql("ALTER ROLE shop_app CONNECTION LIMIT -1")
        assert (backend(client), backend(other)) == before
        assert flip.turn(control) is not None


@contextlib.contextmanager
def locked(flip, table):
    with flip.old.connect(DATABASE, autocommit=False) as owner:
        owner.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield owner  # who is there already: nobody may be able to log in
        owner.rollback()


def waited_for(owner, table):
    asked = owner.execute("SELECT FROM pg_locks WHERE NOT granted AND relation = %s::regclass", (table,))
    return asked.fetchone() is not None


def served_while(client, done):
    """Asks again and again until then; the longest that one answer took, in ms."""
    longest = 0
    while not done.is_set():
        began = time.monotonic()
        assert client.execute("SELECT 1").fetchone() == (1,)
        longest = max(longest, (time.monotonic() - began) * 1000)
    return longest


def test_a_second_login_that_hangs_keeps_nobody_waiting(flip, control):
    """Logins read this table; sessions do not."""
    with client_of(flip) as client:
        before, done = backend(client), threading.Event()
        with locked(flip, "pg_db_role_setting") as owner:
            answer = threading.Thread(target=lambda: (flip.arm(control, share=0), done.set()))
            answer.start()
            wait_until(lambda: waited_for(owner, "pg_db_role_setting"), 10, "the login to hang")
            assert served_while(client, done) < SERVED_MS
            answer.join()
        assert backend(client) == before
        assert flip.arm(control, share=0)["blockers"] == []  # logins are answered again
        assert flip.turn(control) is not None


# -- what a look costs its client ---------------------------------------------------------------------


@pytest.mark.parametrize("cmd", ["arm", "survey"])
def test_nobody_waits_while_what_to_ask_for_is_found(flip, cmd):
    """It reads the whole schema, whose size is anybody's guess: here it waits for a lock."""
    flip.gateways[-1].stop()
    flip.gateways[-1].start()  # which a survey finds but once
    with client_of(flip) as client, flip.control() as control:
        done = threading.Event()

        def ask():
            flip.arm(control, share=0) if cmd == "arm" else control.require("survey")
            done.set()

        asking = threading.Thread(target=ask)
        with locked(flip, "pg_policy") as owner:
            asking.start()
            wait_until(lambda: waited_for(owner, "pg_policy"), 10, "the schema to be read")
            for _ in range(3):
                assert client.execute("SELECT 1").fetchone() == (1,)
            assert not done.is_set()
        asking.join(60)
        assert done.is_set()


def test_one_that_hangs_keeps_nobody_else_from_being_looked_at(flip, control):
    """Looks come one after the other, but not for long."""
    with contextlib.ExitStack() as stack:
        first, *others = (stack.enter_context(client_of(flip)) for _ in range(4))
        before = backend(first)
        os.kill(before, signal.SIGSTOP)
        try:
            blocker, = armed_anew(flip, control, *others, share=0)
        finally:
            os.kill(before, signal.SIGCONT)
        assert (blocker["pid"], blocker["class"]) == (before, "silent")
        assert backend(first) == before


@pytest.mark.parametrize("cmd", ["arm", "survey"])
def test_a_look_that_waits_for_a_lock_is_given_up_when_its_client_asks(flip, control, cmd):
    """What he asks has nothing to do with that table. The cancel that ends the look must not hit it."""
    flip.old.psql("CREATE TABLE IF NOT EXISTS busy (a int); GRANT ALL ON busy TO shop_app", "shop")
    with flip.wire() as client, flip.control() as asking:
        client.send(parse("SELECT a FROM busy", "s") + SYNC)
        client.hear(2)
        if cmd == "arm":
            flip.arm(control, share=0)  # made again, so that its server and what was looked at are new
        for _ in range(10):
            assert answer_of(client, "SELECT 1") == "1"
            with locked(flip, "busy") as owner:
                number = flip.send_arm(asking, share=0) if cmd == "arm" else asking.send("survey")
                wait_until(lambda: waited_for(owner, "busy"), 10, "the look to hang")
                assert answer_of(client, "SELECT pg_sleep(0.02)") == ""
            assert asking.answer(number)["ok"]
        client.send(bind("s") + execute() + SYNC)
        assert [kind for kind, _ in client.hear(3)] == ["2", "C", "Z"]
        assert flip.arm(control, share=0)["blockers"] == []
        assert flip.turn(control) is not None
        client.send(bind("s") + execute() + SYNC)
        assert [kind for kind, _ in client.hear(3)] == ["2", "C", "Z"]


# -- the second login is lost -------------------------------------------------------------------------


def answer_of(wire, sql):
    """The one value of its one row."""
    wire.send(query(sql))
    row = [body for kind, body in wire.hear(4) if kind == "D"][0]
    return row[6:].decode()


def armed_until(flip, control, is_there):
    """The number of an arm that is under way, and what is there by then. One that was over before is followed by
    another: it waits for a second, no longer, for who comes to no boundary."""

    def armed():
        number = flip.send_arm(control, share=0)
        with contextlib.suppress(LabError):
            return number, wait_until(is_there, 0.25, "what the arm is for")
        control.answer(number)

    return wait_until(armed, 10, "an arm that has come so far")


@contextlib.contextmanager
def second_that_waits(flip, control, client):
    """The session's second login, there: it waits for the transaction to end. Its own server and that one's."""
    others = ("SELECT pid FROM pg_stat_activity WHERE usename = 'shop_app' AND state = 'idle' AND pid <> %s"
              " AND query LIKE 'DO $airlock$%%'")  # the last that is asked before it waits
    before = answer_of(client, "SELECT pg_backend_pid()")
    run(client, "BEGIN")
    armed, ((second,),) = armed_until(flip, control, lambda: flip.old.query(others, (int(before),)))
    try:
        yield before, second
    finally:
        signal_quietly(second, signal.SIGCONT)
    control.answer(armed)


@pytest.mark.parametrize("setting", ["SELECT 1", "SET work_mem = '7MB'"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGSTOP])
def test_a_second_server_that_is_lost_while_it_waits_is_not_gone_on_with(flip, control, number, setting):
    """Nobody reads what it says until then."""
    with flip.wire() as client:  # that does not wait for ever
        run(client, setting)
        with second_that_waits(flip, control, client) as (before, second):
            os.kill(second, number)
            if number == signal.SIGTERM:
                wait_until(lambda: not lives(flip, second), 10, "it to be gone")
            run(client, "COMMIT")
            assert answer_of(client, "SELECT pg_backend_pid()") == before


def test_a_hold_that_comes_while_it_is_tried_does_not_wait_for_it(flip, control):
    with flip.wire() as client:
        run(client, "SET work_mem = '7MB'")
        with second_that_waits(flip, control, client) as (_, second), flip.control() as other:
            os.kill(second, signal.SIGSTOP)
            run(client, "COMMIT")
            assert flip.hold(other, hold_ms=5000)["held"] == 1
            epoch = flip.move_registers()
            assert other.require("release", side=flip.side, epoch=epoch)["failed"] == 0
            assert answer_of(client, "SHOW work_mem") == "7MB"
