"""What one client, or one server, can do to a gateway that serves others too."""

import contextlib
import os
import signal
import struct
from pathlib import Path

import psycopg
import pytest

from selfflip import OTHER
from server import LabError, wait_until
from wire import FLUSH, SYNC, TERMINATE, data, parse, query, run


@contextlib.contextmanager
def trusted(flip):
    """The server asks shop_app for no proof; as it does when a role logs in by `peer` or a certificate."""
    file = Path(flip.old.query("SHOW hba_file")[0][0])
    text = file.read_text()
    file.write_text(f"host shop shop_app 127.0.0.0/8 trust\n{text}")
    flip.old.query("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        file.write_text(text)
        flip.old.query("SELECT pg_reload_conf()")


def test_a_login_that_needs_no_proof_is_not_parked_and_harms_nobody(flip, control):
    """Who may enter the shut side all the same (a reader, a superuser) would be in at once."""
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as client:
        client.execute("SET work_mem = '4MB'")
        with trusted(flip):
            armed = control.require("arm", attempt=flip.attempt + 1, src=flip.side, dst=OTHER[flip.side], share=5)
            assert armed["parked"] == 0
            assert flip.turn(control)[1]["failed"] == 0
            assert client.execute("SELECT host(inet_server_addr()), current_setting('work_mem')").fetchone() == (
                flip.address(), "4MB")


@pytest.mark.parametrize("asked", [query("SELECT 1") + query("SELECT repeat('x', 3000000)"),
                                   run("SELECT 1") + SYNC + run("SELECT 2") + SYNC], ids=["queries", "extended"])
def test_who_says_goodbye_at_once_hears_what_he_asked_before(flip, asked):
    heard = []
    for port in (flip.old.port, flip.gateway_port):
        with flip.wire(port) as wire:
            wire.send(asked + TERMINATE)
            heard.append([])
            with pytest.raises(LabError, match="was closed"):
                while True:
                    heard[-1].append(wire.next())
    direct, through = heard
    assert len(direct) >= 8 and through == direct


def test_who_says_goodbye_in_a_copy_is_not_waited_for(flip):
    flip.old.psql("CREATE TABLE broken_off (a int); GRANT ALL ON broken_off TO shop_app", "shop")
    with flip.wire() as wire:
        wire.send(query("COPY broken_off FROM STDIN") + data(b"1\n"))
        assert wire.next()[0] == "G"
        wire.send(TERMINATE)
        with pytest.raises(LabError, match="was closed"):
            wire.next()
    assert flip.old.query("SELECT count(*) FROM broken_off", dbname="shop") == [(0,)]


def test_who_says_goodbye_and_is_gone_does_not_stay(flip, control):
    with flip.wire() as wire:
        pid = struct.unpack(">I", wire.key[:4])[0]
        wire.send(query("SELECT pg_sleep(60)") + TERMINATE)
        wait_until(lambda: flip.old.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'",
                                          (pid,)), 10, "the statement to run")
        assert control.require("status")["sessions"] == 1
    wait_until(lambda: control.require("status")["sessions"] == 0, 10, "the session to go")
    flip.old.query("SELECT pg_terminate_backend(%s)", (pid,))


def memory_of(gateway):
    line = next(line for line in Path(f"/proc/{gateway.pid}/status").read_text().splitlines()
                if line.startswith("VmRSS:"))
    return int(line.split()[1])


def test_what_the_server_throws_away_is_not_kept(flip):
    """After an error it reads on until Sync; a client can send it statements without end."""
    with flip.wire() as wire:
        wire.send(parse("SELECT nothing FROM nowhere") + FLUSH)
        assert wire.next()[0] == "E"
        before = memory_of(flip.gateways[0])
        many = parse("") * 100_000
        for _ in range(20):
            wire.send(many)
        wire.send(SYNC + query("SELECT 1"))
        assert [kind for kind, _ in wire.hear(5)] == ["Z", "T", "D", "C", "Z"]
        assert memory_of(flip.gateways[0]) - before < 8000  # kB; 18 MB were sent


# -- who asks for a hold, and who leaves in it ------------------------------------------------------


def test_a_hold_that_ends_by_its_deadline_before_it_is_drained_is_answered(flip, control):
    with psycopg.connect(flip.gateway_dsn("shop_app")) as busy:
        busy.execute("SELECT 1")
        answer = flip.hold(control, hold_ms=300, drain_ms=20000)
        assert (answer["ok"], answer["code"]) == (False, "over")
        assert busy.execute("SELECT 2").fetchone() == (2,)


def test_a_server_that_does_not_answer_the_gateway_is_named(flip, control):
    """Else an operator is told that a drain failed, and not by whom."""
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as client:
        client.execute("SELECT 1")
        os.kill(client.info.backend_pid, signal.SIGSTOP)
        try:
            surveyed, held = control.require("survey"), flip.hold(control, drain_ms=300)
        finally:
            os.kill(client.info.backend_pid, signal.SIGCONT)
        assert held["code"] == "drain"
        for answer in (surveyed, held):
            assert [(b["pid"], b["class"]) for b in answer["blockers"]] == [(client.info.backend_pid, "silent")]
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_request_whose_client_leaves_the_hold_is_not_dropped_without_a_word(flip, control):
    """Nobody waits for its answer, so it is not executed; but nobody shall believe it was."""
    flip.old.psql("CREATE TABLE left_behind (a int); GRANT ALL ON left_behind TO shop_app", "shop")
    with flip.wire() as wire:
        pid = struct.unpack(">I", wire.key[:4])[0]
        flip.hold(control)
        wire.send(query("INSERT INTO left_behind VALUES (1)"))
        wait_until(lambda: control.require("status")["oldest_ms"], 10, "the request to be held")
    wait_until(lambda: control.require("status")["sessions"] == 0, 10, "the departure to be seen")
    control.require("release", side=flip.side, epoch=0)
    assert flip.old.query("SELECT count(*) FROM left_behind", dbname="shop") == [(0,)]
    assert f"session {pid} of shop_app has left while it was held: what it asked last was not executed" in (
        flip.gateways[0].log_text())
