"""Would the other side let the clients in? Found before a hold, by trying: after the flip it would be too late."""

import contextlib

import psycopg
import pytest

from conftest import crossing_in_sync
from crossing import DONE, OTHER, REFUSED
from server import wait_until

ROLE = "shop_app"


@pytest.fixture
def client(flip):
    with psycopg.connect(flip.gateway_dsn(ROLE), autocommit=True) as conn:
        conn.execute("SELECT 1")
        yield conn


def refused(answer):
    """What stands in the way of whom, and why."""
    return [(blocker["user"], blocker["class"], blocker["policy"], blocker["text"]) for blocker in answer["blockers"]]


@pytest.mark.parametrize("harm, mend, word", [
    ("NOLOGIN", "LOGIN", "is not permitted to log in"),
    ("PASSWORD 'another'", None, "password authentication failed"),
])
def test_a_role_that_could_not_log_in_again_is_named_before_the_hold(flip, client, control, harm, mend, word):
    (verifier,), = flip.old.query("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (ROLE,))
    flip.old.psql(f"ALTER ROLE {ROLE} {harm}")
    try:
        for answer in (control.require("survey"), flip.arm(control, share=0)):
            (user, cls, policy, text), = refused(answer)
            assert (user, cls, policy) == (ROLE, "login", "block") and word in text
        assert control.require("survey")["let_in"] == 0
        status, = control.require("status")["blockers"]
        assert (status["class"], status["looked_ms"] < 20000) == ("login", True)
    finally:
        flip.old.psql(f"ALTER ROLE {ROLE} {mend or f'''PASSWORD '{verifier}' '''}")
    assert control.require("survey")["let_in"] == 1
    assert flip.arm(control, share=0)["blockers"] == []
    assert flip.turn(control) is not None
    assert client.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)


def test_each_role_is_tried_once(flip, control):
    with contextlib.ExitStack() as stack:
        for role in (ROLE, ROLE, "shop_owner"):
            stack.enter_context(psycopg.connect(flip.gateway_dsn(role), autocommit=True))
        assert control.require("survey")["let_in"] == 2


def test_a_role_whose_session_leaves_meanwhile_is_tried_with_another(flip, control):
    """Its login hangs when it leaves: the table is read by every login."""
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pg_db_role_setting'::regclass"
    with psycopg.connect(flip.gateway_dsn(ROLE)) as stays:
        leaves = psycopg.connect(flip.gateway_dsn(ROLE))  # the newest comes first
        with flip.old.connect("shop", autocommit=False) as owner:
            owner.execute("LOCK TABLE pg_db_role_setting IN ACCESS EXCLUSIVE MODE")
            number = control.send("survey")
            wait_until(lambda: owner.execute(waits).fetchone()[0] > 0, 10, "a login to hang")
            leaves.close()
            owner.rollback()
        assert control.answer(number)["let_in"] == 1
        assert stays.execute("SELECT 1").fetchone() == (1,)


# -- two servers --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[3, 2])
def crossing(labs, scratch, request):
    crossing = crossing_in_sync(labs, scratch, level=request.param, gateway=True)
    crossing.lab.start_gateway()
    return crossing


@contextlib.contextmanager
def kept_out_by_hba(server, role):
    path = server.home / "data" / "pg_hba.conf"
    before = path.read_text()
    path.write_text(f"host all {role} 127.0.0.1/32 reject\n{before}")
    server.query("SELECT pg_reload_conf()")
    server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (role,))
    try:
        yield
    finally:
        path.write_text(before)
        server.query("SELECT pg_reload_conf()")


def test_a_line_that_is_missing_in_pg_hba_is_found_before_clients_are_sent_there(crossing):
    lab = crossing.lab
    with psycopg.connect(lab.dsn("gateway", ROLE), autocommit=True) as conn:
        conn.execute("SELECT 1")
        with kept_out_by_hba(lab.new, ROLE):
            checked = crossing.call("check", "--gate", "sessions").require(REFUSED)
            for word in (ROLE, "login", "pg_hba.conf rejects connection", "session-login"):
                assert word in " ".join(checked.out.split()), checked.out
            said = crossing.call(*crossing.moved("forward")).require(REFUSED)
            assert "pg_hba.conf rejects" in said.err
            assert conn.execute("SELECT inet_server_port()").fetchone() == (lab.old.port,)
        assert "1 role(s) were let in" in " ".join(crossing.call("check", "--gate", "sessions").require(DONE).out.split())
        crossing.call(*crossing.moved("forward")).require(DONE)
        assert conn.execute("SELECT inet_server_port()").fetchone() == (lab.new.port,)


def test_a_gateway_that_cannot_read_the_other_sides_register_is_found_too(crossing):
    """It would let nobody go there: clients would be held after the commit point, and then refused."""
    lab = crossing.lab
    (here,) = crossing.open_sides()
    there = lab.server(OTHER[here])
    verb = crossing.next_direction()
    with psycopg.connect(lab.dsn("gateway", ROLE), autocommit=True) as conn:
        crossing.call("resume").require(DONE)
        with kept_out_by_hba(there, "airlock_gateway"):
            checked = crossing.call("check", "--gate", "sessions").require(REFUSED)
            for word in ("cannot read the register", "pg_hba.conf rejects connection", "register_user"):
                assert word in " ".join(checked.out.split()), checked.out
            crossing.call(*crossing.moved(verb)).require(REFUSED)
            assert crossing.open_sides() == [here]
        assert conn.execute("SELECT 1").fetchone() == (1,)
        crossing.call(*crossing.moved(verb)).require(DONE)
        assert conn.execute("SELECT inet_server_port()").fetchone() == (there.port,)


def test_the_databases_own_limit_of_connections_is_counted(crossing):
    """More sessions than it lets in would be refused after the commit point, whatever max_connections says."""
    lab = crossing.lab
    (here,) = crossing.open_sides()
    there = lab.server(OTHER[here])
    verb = crossing.next_direction()
    crossing.call("resume").require(DONE)
    with contextlib.ExitStack() as stack:
        for _ in range(9):
            stack.enter_context(psycopg.connect(lab.dsn("gateway", ROLE)))
        there.psql("ALTER DATABASE shop CONNECTION LIMIT 8")  # without superuser Airlock's own count too
        try:
            said = crossing.call(*crossing.moved(verb)).require(REFUSED)
        finally:
            there.psql("ALTER DATABASE shop CONNECTION LIMIT -1")
    assert "9 sessions are to go" in said.err and "CONNECTION LIMIT" in said.out, said
    assert crossing.open_sides() == [here]


def test_a_gateway_that_does_not_run_is_found_before_anything_is_begun(crossing):
    lab, verb = crossing.lab, crossing.next_direction()
    crossing.call("resume").require(DONE)
    lab.gateways[-1].stop()
    try:
        assert "sessions not-proven" in " ".join(crossing.call("check").require(REFUSED).out.split())
        said = crossing.call(*crossing.moved(verb)).require(REFUSED)  # and not: unknown, a human is needed
        assert "does not answer" in said.err and "airlock-gateway --plan" in said.err
    finally:
        lab.gateways[-1].start()
    crossing.cross(verb)
