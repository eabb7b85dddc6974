"""Clients through airlock-gateway: what they say arrives, to the side whose register reads open."""

import contextlib
import os
import re
import resource
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

import storm
from selfflip import SelfFlip, Turning
from server import LabError, pg_program, wait_until
from wire import query


@pytest.fixture
def client(flip):
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as conn:
        yield conn


def refusal(dsn, **kwargs):
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(dsn, **kwargs).close()
    return str(caught.value)


def pgbench_tables(flip):
    done = subprocess.run([pg_program("pgbench"), "-i", "-q", "-d", flip.old.admin_uri("shop")],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(done.stderr)
    flip.old.psql("GRANT ALL ON pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history"
                  " TO shop_app", "shop")


# -- what goes through ------------------------------------------------------------------------------


def test_a_password_is_proven_to_the_gateway_and_to_the_server(flip, client):
    assert client.execute("SELECT current_user, session_user").fetchone() == ("shop_app", "shop_app")
    wrong = flip.gateway_dsn("shop_app").replace("shop_app@", "shop_app:wrong@")
    assert 'password authentication failed for user "shop_app"' in refusal(wrong)
    nobody = flip.gateway_dsn("nobody").replace("nobody@", "nobody:wrong@")
    assert 'password authentication failed for user "nobody"' in refusal(nobody)


def test_a_database_it_does_not_lead_to_is_refused(flip):
    assert "is not what this gateway leads to" in refusal(flip.gateway_dsn("shop_app", "airlock"))


def test_settings_and_pid_are_the_servers(client):
    direct = client.execute("SELECT pg_backend_pid(), current_setting('server_version')").fetchone()
    assert (client.info.backend_pid, client.info.parameter_status("server_version")) == direct


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench(flip, mode):
    pgbench_tables(flip)
    done = subprocess.run(
        [pg_program("pgbench"), "-n", "-M", mode, "-c", "4", "-t", "50", flip.gateway_dsn("shop_app")],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 200/200" in done.stdout


def test_copy_both_ways_and_long_messages(client):
    rows = [(n, "x" * (n % 300)) for n in range(30000)]
    client.execute("CREATE TEMPORARY TABLE t (a int, b text)")
    with client.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    with client.cursor() as cursor, cursor.copy("COPY (SELECT * FROM t ORDER BY a) TO STDOUT") as copy:
        copy.set_types(["int4", "text"])
        assert list(copy.rows()) == rows
    long = "y" * 3_000_000
    assert client.execute("SELECT %s || 'z'", (long,)).fetchone()[0] == long + "z"


def test_a_copy_that_fails_leaves_the_session_usable(client):
    client.execute("CREATE TEMPORARY TABLE u (a int)")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        with client.cursor() as cursor, cursor.copy("COPY u FROM STDIN") as copy:
            for _ in range(5000):
                copy.write("not a number\n")
    with pytest.raises(psycopg.errors.QueryCanceled):
        with client.cursor() as cursor, cursor.copy("COPY u FROM STDIN") as copy:
            copy.write("1\n")
            raise ValueError("the client gives up")
    assert client.execute("SELECT count(*) FROM u").fetchone() == (0,)


def test_a_pipeline_with_an_error_in_it(client):
    with contextlib.suppress(psycopg.errors.DivisionByZero), client.pipeline() as pipeline:
        client.execute("SELECT 1")
        client.execute("SELECT 1 / 0")
        client.execute("SELECT 2")
        pipeline.sync()
    assert client.execute("SELECT 3").fetchone() == (3,)


def test_cancel_reaches_the_statement_that_runs(flip, client):
    pid = client.info.backend_pid
    failed = []

    def ask():
        try:
            client.execute("SELECT pg_sleep(60)")
        except psycopg.errors.QueryCanceled as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: flip.old.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'",
                                      (pid,)), 10, "the statement to run")
    client.cancel()
    thread.join(60)
    assert len(failed) == 1
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_ends_the_session_is_heard(flip, client):
    flip.old.query("SELECT pg_terminate_backend(%s)", (client.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError, match="due to administrator command"):
        client.execute("SELECT 1")


def test_when_no_register_reads_open_nobody_is_let_in(flip):
    flip.set_register(flip.side, "STANDBY")
    try:
        with pytest.raises(psycopg.OperationalError, match="neither side"):
            psycopg.connect(flip.gateway_dsn("shop_app")).close()
        flip.seal(-1)  # nobody has gone on with it in time
        with pytest.raises(psycopg.OperationalError, match="neither side"):
            psycopg.connect(flip.gateway_dsn("shop_app")).close()
    finally:
        flip.set_register(flip.side, "ACTIVE")
    with psycopg.connect(flip.gateway_dsn("shop_app")) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("state", ["SEALED", "COMMITTING"])
def test_a_login_waits_for_the_end_of_an_attempt_that_its_gateway_was_not_told_of(flip, control, state):
    """A gateway that was started in the middle of it, say; no hold here stops anybody."""
    flip.attempt += 1
    flip.seal(60000)
    flip.set_register(flip.side, state)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(psycopg.connect, flip.gateway_dsn("shop_app"))
        wait_until(lambda: coming.done() or control.require("status")["sessions"] > 0, 20, "the login")
        flip.move_registers()
        with coming.result(20) as conn:
            assert conn.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)


def test_a_login_does_not_wait_for_ever(flip):
    """As long as a session that was carried would: the plan's hold."""
    flip.set_register(flip.side, "COMMITTING")
    try:
        assert "neither side of the database accepts sessions now" in refusal(flip.gateway_dsn("shop_app"))
    finally:
        flip.set_register(flip.side, "ACTIVE")


def test_the_other_side_is_found_without_being_told(flip):
    flip.move_registers()
    with psycopg.connect(flip.gateway_dsn("shop_app")) as conn:
        assert conn.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)


def run_gateway(flip, plan, *more):
    """One that ends by itself: (exit code, what it said)."""
    done = subprocess.run([flip.gateways[0].program, "--plan", plan, "--route", "gw", *more],
                          capture_output=True, text=True, check=False, timeout=80)
    return done.returncode, done.stderr


def test_what_cannot_be_listened_on_is_said_with_its_exit_code(flip, scratch):
    assert run_gateway(flip, flip.plan)[0] == 9  # another gateway answers at the control socket
    plan = scratch() / "plan.yaml"
    plan.write_text(flip.plan.read_text().replace("gateway.sock", "other.sock"))
    code, said = run_gateway(flip, plan)
    assert code == 1 and "Address already in use" in said
    plan.write_text(plan.read_text().replace(f"127.0.0.1:{flip.gateway_port}", "nowhere"))
    code, said = run_gateway(flip, plan)
    assert code == 2 and "not HOST:PORT" in said
    assert run_gateway(flip, plan, "--route", "other")[0] == 2


def test_clients_wait_while_no_file_is_left_and_are_served_afterwards(flip, client):
    pid = flip.gateways[0].pid
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (files, hard))
    came = []
    late = threading.Thread(target=lambda: came.append(psycopg.connect(flip.gateway_dsn("shop_app"))))
    try:
        late.start()
        wait_until(lambda: "cannot be accepted" in flip.gateways[0].log_text(), 10, "a client to be left waiting")
        assert client.execute("SELECT 1").fetchone() == (1,)
        assert not came
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    late.join(60)
    with came[0] as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


# -- TLS --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure(scratch):
    """TLS on both legs, verified on both."""
    place = scratch()
    make_certificate(place)
    made = SelfFlip.make(place / "flip", tls=(place / "lab.crt", place / "lab.key"))
    yield made
    made.down()


def make_certificate(place):
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab",
         "-addext", "subjectAltName=IP:127.0.0.1,IP:127.0.0.2", "-keyout", place / "lab.key",
         "-out", place / "lab.crt"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_tls_is_ended_here_and_begun_again_with_channel_binding_on_both_legs(secure, scratch):
    dsn = f"{secure.gateway_dsn('shop_app')}&sslrootcert={secure.tls[0]}"
    with psycopg.connect(dsn, sslmode="verify-full", channel_binding="require", autocommit=True) as conn:
        rows = [(n, "x" * (n % 300)) for n in range(30000)]
        conn.execute("CREATE TEMPORARY TABLE t (a int, b text)")
        with conn.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        with conn.cursor() as cursor, cursor.copy("COPY (SELECT * FROM t ORDER BY a) TO STDOUT") as copy:
            copy.set_types(["int4", "text"])
            assert list(copy.rows()) == rows
        conn.execute("DROP TABLE t")
        assert conn.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (True,)
        with secure.control() as control:
            held, released = secure.turn(control)
        assert (held["held"], released["failed"]) == (1, 0)
        assert conn.execute("SELECT ssl, host(inet_server_addr()) FROM pg_stat_ssl"
                            " WHERE pid = pg_backend_pid()").fetchone() == (True, secure.address())


def test_plain_clients_are_served_beside_tls(secure):
    with psycopg.connect(secure.gateway_dsn("shop_app"), sslmode="disable") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_pgbench_over_tls(secure):
    pgbench_tables(secure)
    dsn = f"{secure.gateway_dsn('shop_app')}&sslmode=require"
    done = subprocess.run([pg_program("pgbench"), "-n", "-M", "extended", "-c", "4", "-t", "50", dsn],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_one_session_does_not_have_the_gateway_for_itself(secure):
    """TLS tells no socket's readiness of what it holds; a server that is never silent must not be read for ever."""
    rows = "COPY (SELECT repeat('x', 8000) FROM generate_series(1, 40000)) TO STDOUT"
    with secure.control() as control, subprocess.Popen(
            [pg_program("psql"), "-X", "-c", rows, f"{secure.gateway_dsn('shop_app')}&sslmode=require"],
            stdout=subprocess.DEVNULL) as copying:
        waits = []
        while copying.poll() is None:
            asked = time.monotonic()
            control.require("status")
            waits.append(time.monotonic() - asked)
    assert copying.returncode == 0
    assert max(waits) < sum(waits) / 2, f"{max(waits):.3f} s of {sum(waits):.3f} s"


# -- holding ----------------------------------------------------------------------------------------


class Asking(threading.Thread):
    """A client that asks one thing and keeps what came of it."""

    def __init__(self, conn, sql):
        super().__init__()
        self.conn, self.sql, self.answer, self.error = conn, sql, None, None
        self.start()

    def run(self):
        try:
            self.answer = self.conn.execute(self.sql).fetchone()
        except psycopg.Error as error:
            self.error = error


def held_requests(control):
    """Waits until a request is held."""
    return wait_until(lambda: control.require("status")["oldest_ms"], 10, "a request to be held")


def test_a_held_request_is_executed_once_where_the_door_opened(flip, client):
    client.execute("SET work_mem = '3MB'")
    with flip.control() as control:
        assert flip.hold(control)["held"] == 1
        asking = Asking(client, "SELECT host(inet_server_addr()), current_setting('work_mem')")
        held_requests(control)
        assert asking.is_alive()
        epoch = flip.move_registers()
        released = control.require("release", side=flip.side, epoch=epoch)
        asking.join(60)
    assert asking.answer == (flip.address(), "3MB")
    assert (released["released"], released["failed"]) == (1, 0)


def pid_of(client):
    return client.execute("SELECT pg_backend_pid()").fetchone()[0]


def backends(flip):
    return flip.old.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_app'")[0][0]


@contextlib.contextmanager
def in_transaction(flip):
    """A second client, which keeps a hold from being complete, and has been in it for a while."""
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as busy, busy.transaction():
        busy.execute("SELECT pg_sleep(0.15)")
        yield busy


def test_servers_end_when_all_are_held_and_are_opened_again_where_they_were(flip, client):
    client.execute("SET work_mem = '5MB'")
    pid = pid_of(client)
    with flip.control() as control:
        flip.hold(control)
        wait_until(lambda: backends(flip) == 0, 10, "the servers of the held to end")
        control.require("release", side=flip.side, epoch=0)
    assert client.execute("SELECT current_setting('work_mem')").fetchone() == ("5MB",)
    assert pid_of(client) != pid


def test_a_drain_that_fails_goes_on_with_the_same_servers(flip, client):
    pid = pid_of(client)
    with flip.control() as control, in_transaction(flip):
        assert flip.hold(control, drain_ms=200)["code"] == "drain"
        assert pid_of(client) == pid


def cancel(flip, wire):
    """Its pg_sleep()."""
    flip.old.query("SELECT pg_cancel_backend(%s)", (int.from_bytes(wire.key[:4], "big"),))
    assert [kind for kind, _ in wire.hear(3)] == ["T", "E", "Z"]


def test_servers_end_as_their_sessions_are_held_while_only_quick_ones_are_in_the_way(flip, client):
    """The quick one turns out to be slow: who was held lost nothing but the server. Quick is what begins right before
    the hold, which then has nobody to look at first."""
    client.execute("SET work_mem = '5MB'")
    with flip.control() as control:
        arm(flip, control, 0)
        wait_until(lambda: backends(flip) == 1, 10, "the server of before to be closed")
        (pid,), = flip.old.query("SELECT pid FROM pg_stat_activity WHERE usename = 'shop_app'")
        with flip.wire() as busy:
            busy.send(query("SELECT pg_sleep(60)"))
            held = flip.send_hold(control, drain_ms=1000)
            wait_until(lambda: backends(flip) == 1, 10, "the server of the held to end")
            assert control.answer(held)["code"] == "drain"
            assert client.execute("SELECT current_setting('work_mem')").fetchone() == ("5MB",)
            assert pid_of(client) != pid
            cancel(flip, busy)


def test_a_hold_waits_for_a_good_moment_and_nobody_else_does(flip, client):
    with flip.control() as control, psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as busy:
        with busy.transaction():
            busy.execute("SELECT 1 AS in_it")
            held = flip.send_hold(control, lull_ms=60000)
            for _ in range(20):
                client.execute("SELECT pg_sleep(0.01)")
            assert control.require("status")["phase"] == "run"
        answer = control.answer(held)
        assert answer["ok"] and answer["held"] == 2
        assert 200 <= answer["lull_ms"] < 20000  # the sleeps; at a third of its patience it would take what it finds
        control.require("release", side=flip.side, epoch=0)
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_good_moment_is_not_waited_for_for_ever(flip, client):
    with flip.control() as control, in_transaction(flip):
        answer = flip.hold(control, lull_ms=300, drain_ms=300)
        assert answer["code"] == "drain"
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_controller_that_is_gone_before_the_good_moment_gets_no_hold(flip, client):
    """Law 6: nobody has noticed anything yet, and nobody would let them go."""
    with flip.control() as control:
        with in_transaction(flip), flip.control() as gone:
            flip.send_hold(gone, lull_ms=60000)
            gone.require("status")
            gone.close()
            control.require("status")  # it has seen what came before
        wait_until(lambda: f"attempt {flip.attempt} is not held" in flip.gateways[0].log_text(), 10, "the moment")
        assert control.require("status")["phase"] == "run"
        assert client.execute("SELECT 1").fetchone() == (1,)
        again = control.answer(control.send("hold", attempt=flip.attempt, src=flip.side, hold_ms=6000, drain_ms=500))
        assert (again["ok"], again["code"]) == (False, "over")


def test_an_absurd_patience_is_cut(flip, client):
    with flip.control() as control, in_transaction(flip):
        held = flip.send_hold(control, lull_ms=2**62)
        assert control.require("status")["phase"] == "run"
        control.require("release", side=flip.side, epoch=0)
        assert control.answer(held)["code"] == "over"
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_release_ends_the_search_for_a_good_moment(flip, client):
    with flip.control() as control, in_transaction(flip) as busy:
        held = flip.send_hold(control, lull_ms=20000)
        control.require("release", side=flip.side, epoch=0)
        assert control.answer(held)["code"] == "over"
        assert busy.execute("SELECT 1").fetchone() == (1,)
        assert control.require("status")["phase"] == "run"
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_server_with_what_cannot_be_made_again_is_kept_until_all_are_held(flip, client):
    """lastval() is one of these; a session goes across without it, but only where all do."""
    flip.old.psql("CREATE SEQUENCE tickets; GRANT USAGE ON tickets TO shop_app", "shop")
    client.execute("SELECT nextval('tickets')")
    with flip.control() as control, flip.wire() as busy:
        busy.send(query("SELECT pg_sleep(60)"))
        assert flip.hold(control, drain_ms=500)["code"] == "drain"
        assert client.execute("SELECT lastval()").fetchone() == (1,)
        cancel(flip, busy)


def test_a_server_that_ends_under_a_held_client_is_not_noticed(flip, client):
    pid = pid_of(client)
    with flip.control() as control:
        with in_transaction(flip):
            flip.attempt += 1
            number = control.send("hold", attempt=flip.attempt, src=flip.side, hold_ms=20000, drain_ms=20000)
            wait_until(lambda: control.require("status")["held"] == 1, 10, "the first to be held")
            assert flip.old.query("SELECT pg_terminate_backend(%s, 10000)", (pid,)) == [(True,)]
        assert control.answer(number)["held"] >= 1
        control.require("release", side=flip.side, epoch=0)
    assert pid_of(client) != pid


PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'airlock%'"


@pytest.mark.parametrize("meanwhile", ["SELECT 1", "DEALLOCATE ALL"])
def test_what_arm_prepares_in_a_session_serves_the_hold(flip, client, meanwhile):
    """And is not needed for it."""
    with flip.control() as control:
        arm(flip, control, 0)
        assert client.execute(PREPARED).fetchone() == (1,)
        client.execute(meanwhile)
        client.execute("SET work_mem = '6MB'")
        flip.turn(control)
    assert client.execute("SELECT current_setting('work_mem')").fetchone() == ("6MB",)
    assert client.execute(PREPARED).fetchone() == (0,)


def test_what_arm_prepares_in_a_session_is_put_away_when_no_hold_comes(flip, client):
    with flip.control() as control:
        arm(flip, control, 0)
    assert client.execute(PREPARED).fetchone() == (1,)
    wait_until(lambda: client.execute(PREPARED).fetchone() == (0,), 20, "the probe to be closed")


def test_a_release_waits_a_little_for_the_held_to_be_served(flip, client):
    """Before the controller makes the servers work for nobody; a long request is not waited for."""
    with flip.control() as control:
        flip.hold(control)
        asking = Asking(client, "SELECT pg_sleep(5)")
        held_requests(control)
        released = control.require("release", side=flip.side, epoch=0)
        assert asking.is_alive() and released["released"] == 1
        assert 49 <= released["served_ms"] < 4000
        asking.join(60)
    assert asking.error is None


def test_a_request_that_came_while_its_session_was_looked_at_waits_no_longer_than_that(flip, client):
    """The next one is sent when the answer comes, which is when the session is looked at."""
    with flip.control() as control, psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as other:
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                other.execute("SELECT 1")

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for _ in range(20):
                control.require("survey")
        finally:
            stop.set()
            asking.join()
        client.execute("SELECT pg_sleep(0.02)")  # a wait of less than that would not be told
        assert control.require("status")["oldest_ms"] == 0


def test_a_shut_door_is_not_believed(flip, client):
    with flip.control() as control:
        flip.hold(control)
        flip.set_register(flip.side, "SEALED")
        answer = control.ask("release", side=flip.side, epoch=0)
        assert (answer["ok"], answer["code"]) == (False, "shut")
        flip.set_register(flip.side, "ACTIVE")
        control.require("release", side=flip.side, epoch=0)
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_transaction_is_drained_or_named(flip, client):
    client.execute("SET application_name = 'the slow one'")
    with flip.control() as control:
        with client.transaction():
            client.execute("SELECT 1 AS in_it")
            answer = flip.hold(control, drain_ms=100)
            assert (answer["ok"], answer["code"]) == (False, "drain")
            blocker, = answer["blockers"]
            assert {key: blocker[key] for key in ("pid", "user", "application", "class", "text")} == {
                "pid": client.info.backend_pid, "user": "shop_app", "application": "the slow one",
                "class": "transaction", "text": "SELECT 1 AS in_it"}
            assert client.execute("SELECT 2").fetchone() == (2,)
            flip.attempt += 1
            number = control.send("hold", attempt=flip.attempt, src=flip.side, hold_ms=20000, drain_ms=20000)
            assert client.execute("SELECT 3").fetchone() == (3,)
        assert control.answer(number)["held"] == 1
        control.require("release", side=flip.side, epoch=0)


def test_logins_during_a_hold_wait_and_departures_leave(flip, client):
    came = []
    with flip.control() as control:
        flip.hold(control)
        login = threading.Thread(target=lambda: came.append(psycopg.connect(flip.gateway_dsn("shop_app"))))
        login.start()
        wait_until(lambda: control.require("status")["held"] == 2, 10, "the login to be parked")
        client.close()
        wait_until(lambda: control.require("status")["held"] == 1, 10, "the departure to be seen")
        assert not came
        epoch = flip.move_registers()
        control.require("release", side=flip.side, epoch=epoch)
        login.join(60)
    with came[0] as conn:
        assert conn.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)


def test_a_cancel_of_what_is_held_changes_nothing(flip, client):
    with flip.control() as control:
        flip.hold(control)
        asking = Asking(client, "SELECT 5")
        held_requests(control)
        client.cancel()
        control.require("release", side=flip.side, epoch=0)
        asking.join(60)
    assert asking.answer == (5,)


def arm(flip, control, share):
    other = "new" if flip.side == "old" else "old"
    return control.require("arm", attempt=flip.attempt + 1, src=flip.side, dst=other, share=share)


def test_logins_are_parked_up_to_the_share_and_finished_by_a_flip(flip, client):
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as second, flip.control() as control:
        assert arm(flip, control, 0)["parked"] == 0
        assert arm(flip, control, 1)["parked"] == 1
        assert arm(flip, control, 50)["parked"] == 2
        flip.turn(control)
        for conn in (client, second):
            assert conn.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)


def test_parked_logins_that_the_server_ends_are_made_anew_by_the_flip(flip, client):
    flip.old.psql("ALTER SYSTEM SET authentication_timeout = '1s'; SELECT pg_reload_conf();")
    try:
        with flip.control() as control:
            before = flip.old.log_tail(10000).count("canceling authentication")
            assert arm(flip, control, 1)["parked"] == 1
            wait_until(lambda: flip.old.log_tail(10000).count("canceling authentication") > before, 10,
                       "the server to end the login")
            assert flip.turn(control)[1]["failed"] == 0
            assert client.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)
    finally:
        flip.old.psql("ALTER SYSTEM RESET authentication_timeout; SELECT pg_reload_conf();")


def test_long_idle_sessions_are_detached_by_arm_and_come_back_when_they_ask(flip):
    """Idle for longer than a hold may last; with its settings and statements, wherever the door is open."""
    idle, spoiled = (psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) for _ in range(2))
    idle.execute("SET work_mem = '5MB'")
    idle.execute("PREPARE p AS SELECT $1::int + 1")
    spoiled.execute("SELECT nextval('products_id_seq')")  # lastval() would be lost
    with flip.control() as control:
        assert control.require("status")["held"] == 0
        wait_until(lambda: flip.old.query("SELECT bool_and(clock_timestamp() - state_change > interval '6.2 s')"
                                          " FROM pg_stat_activity WHERE usename = 'shop_app'")[0][0], 20,
                   "the sessions to be idle")
        assert arm(flip, control, 0)["sessions"] == 2
        wait_until(lambda: backends(flip) == 1, 10, "the server of the idle session to go")
        assert control.require("status")["held"] == 0
        held, _ = flip.turn(control)
        assert held["held"] == 2
        wait_until(lambda: control.require("status")["phase"] == "run", 10, "the flip to end")
        assert backends(flip) == 1
        assert idle.execute("EXECUTE p(41)").fetchone() == (42,)
        assert idle.execute("SELECT host(inet_server_addr()), current_setting('work_mem')").fetchone() == (
            flip.address(), "5MB")
    idle.close()
    spoiled.close()


def test_who_has_begun_to_ask_is_not_detached(flip):
    """However long ago it asked before: what has come of its message would wait for the next look at everybody."""
    with flip.wire() as client, flip.control() as control:
        question = query("SELECT 1")
        client.send(question[:3])
        wait_until(lambda: flip.old.query("SELECT clock_timestamp() - state_change > interval '6.2 s'"
                                          " FROM pg_stat_activity WHERE usename = 'shop_app'") == [(True,)], 20,
                   "the session to be idle")
        arm(flip, control, 0)
        assert backends(flip) == 1
        client.send(question[3:])
        assert [kind for kind, _ in client.hear(4)] == list("TDCZ")


def slow(flip):
    """A client whose every login takes its server three seconds."""
    return psycopg.connect(flip.gateway_dsn("shop_worker"), autocommit=True, options="-c post_auth_delay=3")


@contextlib.contextmanager
def stuck(flip, how):
    """As many as are let in at a time; not again, or not soon, once limit() has been called."""
    count = min(32, max(4, 2 * os.cpu_count()))
    limit = "ALTER ROLE shop_worker CONNECTION LIMIT "
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        connect = slow if how == "slowly" else lambda flip: psycopg.connect(flip.gateway_dsn("shop_worker"))
        conns = [stack.enter_context(contextlib.closing(conn)) for conn in pool.map(connect, [flip] * count)]
        try:
            yield conns, lambda: how == "slowly" or flip.old.psql(limit + "0")
        finally:
            flip.old.psql(limit + "-1")


@pytest.mark.parametrize("how", ["never", "slowly"])
def test_who_does_not_get_in_holds_up_nobody_else(flip, client, how):
    """Those who are stuck have waited longest, so they are let in first."""
    with stuck(flip, how) as (conns, limit), flip.control() as control:
        flip.hold(control)
        limit()
        for conn in conns:
            conn.pgconn.send_query(b"SELECT 1")
        for _ in range(2):  # the gateway has seen what was there before it was asked
            control.require("status")
        asking = Asking(client, "SELECT 7")
        epoch = flip.move_registers()
        control.send("release", side=flip.side, epoch=epoch)
        asking.join(60)
        assert asking.answer == (7,)
        for conn in conns:
            conn.pgconn.consume_input()
        assert all(conn.pgconn.is_busy() for conn in conns), "it was served when they were through"


def test_a_release_is_answered_by_its_register_and_not_by_the_flip_before_it(flip):
    """The hold ended by its deadline, and one whom nobody waits for is still on his way."""
    with slow(flip) as idle, psycopg.connect(flip.gateway_dsn("shop_app")) as other, flip.control() as control:
        flip.hold(control, hold_ms=300)
        wait_until(lambda: control.require("status")["phase"] == "flipping", 10, "the deadline")
        with flip.old.connect("airlock") as owner, owner.transaction():
            owner.execute("LOCK TABLE airlock.register IN ACCESS EXCLUSIVE MODE")
            number = control.send("release", side=flip.side, epoch=0)
            with flip.control() as second:
                second.require("status")
                other.close()
                wait_until(lambda: second.require("status")["sessions"] == 1, 10, "the other to be gone")
                assert second.require("status")["phase"] == "flipping"
            owner.execute("UPDATE airlock.register SET state = 'SEALED' WHERE side = %s", (flip.side,))
        assert control.answer(number)["ok"] is False
        flip.set_register(flip.side, "ACTIVE")
        assert idle.execute("SELECT 1").fetchone() == (1,)


def test_a_release_is_answered_when_the_next_hold_begins(flip, client):
    """And not after it: whom it had not let in yet is held again."""
    with slow(flip) as late, flip.control() as control:
        flip.hold(control)
        held_late = Asking(late, "SELECT 7")
        held_requests(control)
        epoch = flip.move_registers()
        released = control.send("release", side=flip.side, epoch=epoch)
        wait_until(lambda: control.require("status")["phase"] == "flipping", 10, "the release")
        held = flip.send_hold(control)
        assert control.answer(released)["ok"]
        assert control.require("status")["phase"] != "run"
        assert control.answer(held)["held"] == 2
        control.require("release", side=flip.side, epoch=0)
        held_late.join(60)
        assert held_late.answer == (7,)


# -- the deadline of a hold (law 6) -----------------------------------------------------------------


def test_a_hold_that_is_forgotten_ends_where_the_door_is_open(flip, client):
    with flip.control() as control:
        flip.hold(control, hold_ms=300)
    assert client.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)


def test_a_hold_that_is_forgotten_after_the_commit_goes_to_new(flip, client):
    with flip.control() as control:
        held = flip.side
        flip.move_registers()  # before the deadline, whenever that is
        flip.attempt += 1
        control.ask("hold", attempt=flip.attempt, src=held, hold_ms=1000, drain_ms=5000)
    assert client.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)


def test_an_expired_seal_is_ended_by_the_gateway(flip, client):
    with flip.control() as control:
        flip.seal(left_ms=3000, attempt=flip.attempt + 1)  # for longer than the hold lasts
        flip.hold(control, hold_ms=1000)
        asking = Asking(client, "SELECT 6")
        asking.join(60)
    assert asking.answer == (6,)
    assert flip.register(flip.side) == ("ACTIVE", flip.attempt)


def test_when_no_door_is_open_at_the_deadline_requests_are_refused_unexecuted(flip, client):
    flip.old.query("CREATE TABLE IF NOT EXISTS public.done (n int); GRANT ALL ON public.done TO shop_app",
                   dbname="shop")
    idle = psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True)
    with flip.control() as control:
        flip.set_register(flip.side, "COMMITTING", attempt=flip.attempt + 1)
        flip.hold(control, hold_ms=1000)
        asking = Asking(client, "INSERT INTO public.done VALUES (1) RETURNING n")
        asking.join(60)
        assert "neither side" in str(asking.error)
        assert control.require("status")["phase"] == "shut"
        flip.set_register(flip.side, "ACTIVE")
        assert idle.execute("SELECT count(*) FROM public.done").fetchone() == (0,)
        assert control.require("status")["phase"] == "run"
    idle.close()


# -- self-flip (scripts whose output is compared: test_gateway_selfflip.py) --------------------------


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench_sees_no_error_through_flips(flip, mode, long_run):
    """A thread for each client: one that waits for several connections at once would wait, in a held
    login, for what only its own open transaction could end."""
    turns = 0
    pgbench_tables(flip)
    while turns < (2000 if long_run else 20):
        with Turning(flip, seed=turns) as turning:
            done = subprocess.run(
                [pg_program("pgbench"), "-n", "-M", mode, "-c", "4", "-j", "4", "-T", "60" if long_run else "2",
                 flip.gateway_dsn("shop_app")], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "number of failed transactions: 0 " in done.stdout, done.stderr
        assert turning.turns > 0 and turning.failed == 0
        turns += turning.turns
    processed = int(re.search(r"actually processed: (\d+)", done.stdout).group(1))
    rows, sums = flip.old.query(
        "SELECT (SELECT count(*) FROM pgbench_history), (SELECT sum(bbalance) FROM pgbench_branches)"
        " = (SELECT sum(delta) FROM pgbench_history)", dbname="shop")[0]
    assert sums and rows >= processed


def test_a_storm_of_clients_that_come_and_break_off_through_flips(flip, long_run):
    flip.old.psql(storm.SETUP, "shop")
    with storm.Storm(flip.gateway_dsn("shop_app"), ("127.0.0.1", flip.gateway_port)) as clients, \
            Turning(flip, seed=1, pause_s=0.1) as turning:
        wait_until(lambda: turning.turns >= (300 if long_run else 15) and clients.total() > 400, 600,
                   "enough turns")
    assert clients.errors == {}
    assert turning.failed == 0
    assert flip.old.query(storm.COUNT, dbname="shop") == [(clients.acknowledged, clients.acknowledged)]
    with flip.control() as control:
        wait_until(lambda: control.require("status")["sessions"] == 0, 10, "every session to be gone")
