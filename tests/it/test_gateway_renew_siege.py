"""Sessions that are renewed at arm, and what can happen meanwhile: servers that end, freeze or do not let in,
a register that is not answered for, a second arm before the first is over."""

import concurrent.futures
import contextlib
import socket
import struct
import time

import psycopg
import pytest

from selfflip import SelfFlip
from server import frozen, process_state, wait_until
from test_gateway import make_certificate
from test_gateway_renew import armed_anew, armed_until
from wire import SYNC, query, run

SCOUTED = "DO $airlock$"  # what a scout says last


def send_arm(flip, control, share=0):
    return flip.send_arm(control, share)


def arm(flip, control, share=0):
    return control.answer(send_arm(flip, control, share))


def client_of(flip, **kwargs):
    return psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True, **kwargs)


def servers(flip, said="", but=()):
    """Of the application's: process ids of those that wait for something to do, and said this last."""
    return [pid for (pid,) in flip.old.query(
        "SELECT pid FROM pg_stat_activity WHERE usename = 'shop_app' AND state = 'idle'"
        " AND starts_with(query, %s) AND pid <> ALL(%s)", (said, list(but)))]


def second(flip, said="", but=()):
    return wait_until(lambda: servers(flip, said, but), 10, "the second login")[0]


def end(flip, pid):
    flip.old.query("SELECT pg_terminate_backend(%s)", (pid,))
    wait_until(lambda: process_state(pid) in (None, "Z"), 10, "the server to end")


def registers_readers(flip):
    return [pid for (pid,) in flip.old.query(
        "SELECT pid FROM pg_stat_activity WHERE usename = 'airlock_gateway' AND datname = 'airlock'")]


def wire_until_ready(wire):
    heard = [wire.next()]
    while heard[-1][0] != "Z":
        heard.append(wire.next())
    return heard


def classes(answer):
    return [blocker["class"] for blocker in answer["blockers"]]


def second_ends(flip, control):
    """The session's server before, and after it."""
    with psycopg.connect(flip.gateway_dsn("shop_app")) as client:  # in a transaction: at no boundary
        own = client.execute("SELECT pg_backend_pid()").fetchone()[0]
        asked, (second, *_) = armed_until(flip, control, lambda: servers(flip, SCOUTED))
        end(flip, second)
        assert control.answer(asked)["ok"]
        return own, client.execute("SELECT pg_backend_pid()").fetchone()[0]


def test_a_second_login_that_ends_while_it_waits_harms_nobody(flip, control):
    """It was a scout's before, and nobody's by then."""
    before, after = second_ends(flip, control)
    assert after == before


def test_a_register_that_was_read_for_an_earlier_login_says_nothing_of_this_one(flip, control):
    with client_of(flip) as client:
        own = client.execute("SELECT pg_backend_pid()").fetchone()[0]
        with frozen(*registers_readers(flip)):
            one = send_arm(flip, control)
            first = second(flip, but=[own])
            two = send_arm(flip, control)  # takes its place
            wait_until(lambda: process_state(first) in (None, "Z"), 10, "the first to be given up")
            second(flip, but=[own, first])
        assert control.answer(one)["code"] == "busy"
        assert control.answer(two)["ok"]
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_scout_whose_server_is_gone_is_not_waited_for(flip, control):
    with client_of(flip) as client:
        client.execute("CREATE TEMP TABLE here (a int)")
        own = client.execute("SELECT pg_backend_pid()").fetchone()[0]
        with frozen(*registers_readers(flip)):
            asked = send_arm(flip, control)
            end(flip, second(flip, but=[own]))
        assert classes(control.answer(asked)) == ["temp"]


def was_looked_at(client):
    """An arm leaves the probe prepared."""
    probes = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'airlock_probe_%'"
    return client.execute(probes).fetchone() == (1,)


def test_who_cannot_log_in_anew_is_looked_at_all_the_same(flip, control):
    with client_of(flip) as client:
        client.execute("CREATE TEMP TABLE here (a int)")
        with frozen(flip.old.pid()):  # the postmaster: its children go on
            assert classes(arm(flip, control)) == ["login"]
        assert was_looked_at(client)


def test_who_cannot_be_looked_at_does_not_keep_others_from_it(flip, control):
    with client_of(flip) as one, client_of(flip) as two, client_of(flip) as silent:
        for client in (one, two, silent):
            client.execute("SELECT 1")
        with frozen(silent.info.backend_pid):
            assert control.require("survey")["looked"] == 2


def test_who_could_not_be_looked_at_is_not_waited_for(flip, control):
    """His second login would be of use only with what the look did not bring: a second is what that would take."""
    took = []
    for _ in range(5):  # clients, for at the third failure one is unknown, and nobody would try
        with client_of(flip) as client:
            client.execute("SET statement_timeout = 1")
            for _ in range(2):
                begun = time.monotonic()
                assert arm(flip, control)["ok"]
                took.append(time.monotonic() - begun)
    assert min(took) < 0.8


def test_what_is_read_by_now_is_found_though_nobody_can_be_renewed(flip, control):
    reader = "CREATE OR REPLACE FUNCTION siege() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('{}', true) $$"
    with client_of(flip) as client:
        assert arm(flip, control)["ok"]  # what is read of settings is known now
        client.execute("LISTEN here")
        client.execute("SET siege.who = 'me'")
        assert arm(flip, control)["ok"]  # and that he loses something
        flip.old.psql(reader.format("siege.who"), "shop")
        client.execute("SELECT 1")
        assert arm(flip, control)["ok"]
        held, released = flip.turn(control)
        assert released["failed"] == 0
        assert client.execute("SELECT siege()").fetchone() == ("me",)


def test_who_cannot_be_renewed_is_not_made_to_find_what_is_read(flip, control):
    """Any insert into a table with a serial column is enough for that."""
    flip.old.psql("CREATE SEQUENCE IF NOT EXISTS siege_seq; GRANT ALL ON SEQUENCE siege_seq TO shop_app", "shop")
    with client_of(flip) as client:
        client.execute("SELECT nextval('siege_seq')")
        assert arm(flip, control)["ok"]  # and it is known of him
        client.execute("SELECT 1")
        with flip.old.connect("shop", autocommit=False) as owner:
            owner.execute("SET idle_in_transaction_session_timeout = '8s'")  # no client waits for it for ever
            owner.execute("LOCK TABLE pg_policy IN ACCESS EXCLUSIVE MODE")
            asked = send_arm(flip, control)
            wait_until(lambda: owner.execute("SELECT count(*) FROM pg_locks WHERE NOT granted"
                                             " AND relation = 'pg_policy'::regclass").fetchone() != (0,),
                       10, "the schema to be read")
            assert client.execute("SELECT 2").fetchone() == (2,)
            owner.rollback()
        assert control.answer(asked)["ok"]


def in_pieces(wire, sql):
    sent = query(sql)
    wire.send_in_pieces(sent, range(1, len(sent)))


@pytest.mark.parametrize("send", [lambda wire, sql: wire.send(query(sql)), in_pieces,
                                  lambda wire, sql: wire.send(run(sql) + SYNC)], ids=["query", "pieces", "parse"])
def test_a_setting_by_a_function_is_not_lost_by_an_arm(flip, control, send):
    """No command tag tells of it, and no server shows it: it is the application's own."""
    with flip.wire() as wire:
        send(wire, "SELECT SET_config('siege.own', 'mine', false)")
        wire_until_ready(wire)
        assert arm(flip, control)["blockers"] == []
        wire.send(query("SHOW siege.own"))
        assert wire_until_ready(wire)[1] == ("D", struct.pack(">HI", 1, 4) + b"mine")


def test_one_command_that_sets_two_does_not_cover_for_one_that_is_not_shown(flip, control):
    with client_of(flip) as client:
        client.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY")
        client.execute("SET siege.own = 'mine'")
        assert arm(flip, control)["blockers"] == []
        assert client.execute("SHOW siege.own").fetchone() == ("mine",)


# -- while a session is made again: its replay waits for a lock ---------------------------------------


@contextlib.contextmanager
def made_again(flip, control, client):
    """Yields the arm's number while the client's session is with its new server."""
    client.execute("SET default_text_search_config = 'german'")  # is looked up when it is set, and only then
    with flip.old.connect("shop", autocommit=False) as owner:
        owner.execute("LOCK TABLE pg_ts_config IN ACCESS EXCLUSIVE MODE")
        asked = send_arm(flip, control)
        wait_until(lambda: owner.execute("SELECT count(*) FROM pg_locks WHERE NOT granted"
                                         " AND relation = 'pg_ts_config'::regclass").fetchone() != (0,),
                   10, "the replay to wait")
        yield asked
        owner.rollback()


def has_all(client):
    assert client.execute("SHOW default_text_search_config").fetchone() == ("pg_catalog.german",)


@pytest.mark.parametrize("asks", [False, True])
def test_a_hold_while_a_session_is_made_again_finds_it_where_it_was(flip, control, asks):
    with client_of(flip) as client, concurrent.futures.ThreadPoolExecutor() as pool:
        with made_again(flip, control, client):
            waits = pool.submit(client.execute, "SELECT pg_backend_pid()") if asks else None
            held = flip.hold(control, drain_ms=3000)
        assert (held["ok"], held["held"]) == (True, 1)
        control.require("release", side=flip.side, epoch=0)
        assert waits is None or waits.result(60).fetchone()[0] > 0
        has_all(client)
        assert flip.turn(control)[1]["failed"] == 0
        has_all(client)


def test_who_leaves_while_he_is_made_again_leaves_no_server(flip, control):
    client = client_of(flip)
    with made_again(flip, control, client) as asked:
        client.close()
        wait_until(lambda: control.require("status")["sessions"] == 0, 10, "the departure to be seen")
    assert control.answer(asked)["ok"]
    wait_until(lambda: flip.old.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_app'") == [(0,)],
               10, "its servers to end")


def test_an_arm_while_a_session_is_made_again_for_one_before_it(flip, control):
    with client_of(flip) as client:
        with made_again(flip, control, client) as first:
            then = send_arm(flip, control)
        assert control.answer(first)["code"] == "busy"
        assert control.answer(then)["blockers"] == []
        has_all(client)
        assert flip.turn(control)[1]["failed"] == 0
        has_all(client)


def test_a_gateway_that_is_told_to_end_while_a_session_is_made_again_ends_well(flip, control):
    with client_of(flip) as client:
        with made_again(flip, control, client):
            flip.gateways.pop().stop()
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
    flip.start_gateway()


# -- under TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure(scratch):
    place = scratch()
    make_certificate(place)
    made = SelfFlip.make(place / "secure", tls=(place / "lab.crt", place / "lab.key"))
    yield made
    made.down()


def test_under_tls_a_session_is_made_again_with_all_it_has(secure):
    """Of what OpenSSL has read no socket tells."""
    with secure.control() as control, client_of(secure) as client:
        for n in range(40):
            client.execute(f"SELECT {n}, {', '.join(['%s::int'] * 60)}", range(60), prepare=True)
        assert armed_anew(secure, control, client) == []
        assert client.execute(f"SELECT 7, {', '.join(['%s::int'] * 60)}", range(60), prepare=True).fetchone()[0] == 7
        assert client.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE '_pg%'").fetchone() == (40,)


def test_under_tls_a_second_login_that_ends_harms_nobody(secure):
    with secure.control() as control:
        before, after = second_ends(secure, control)
    assert after == before


class Deaf(SelfFlip):
    """At new's address somebody listens who never says a word."""

    def conninfo(self, side):
        text = super().conninfo(side)
        return text.replace("host=127.0.0.2", "host=127.0.0.3", 1)


@pytest.fixture(scope="module")
def deaf(scratch):
    made = Deaf.make(scratch() / "deaf")
    with socket.create_server(("127.0.0.3", made.old.port)):
        yield made
        made.down()


def test_logins_that_do_not_come_to_be_parked_keep_nobody_from_being_looked_at(deaf):
    with deaf.control() as control, client_of(deaf) as client:
        client.execute("CREATE TEMP TABLE here (a int)")
        answer = control.answer(send_arm(deaf, control, share=5))
        assert (answer["ok"], answer["code"]) == (False, "blind") and "register of new" in answer["error"]
        assert was_looked_at(client)
