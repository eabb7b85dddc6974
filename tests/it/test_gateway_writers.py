"""Writers that come through the gateway: told by their own address and process, or the reason why not."""

import contextlib
import json
import os

import psycopg
import pytest
from conftest import from_address, legacy_job, plan_with, run, writers_gate
from lab import LEGACY_ROLE
from server import server_user, wait_until



@pytest.fixture(scope="module")
def lab(labs):
    lab = labs(level=2, gateway=True)
    lab.new.psql("ANALYZE", "shop")
    lab.start_gateway()
    return lab


@pytest.fixture
def state(tmp_path):
    """What other tests have seen is not remembered here."""
    return tmp_path / "state"


@pytest.fixture
def fresh_gateway(lab):
    """It remembers nobody of an earlier test."""
    lab.gateways.pop().stop()
    return lab.start_gateway()


def discover(lab, state, *words, seconds="300ms"):
    done = lab.airlock("--state", state, "discover", "--for", seconds, "--json", *words)
    return done.returncode, json.loads(done.stdout)


def writer(document, user):
    (row,) = [row for row in document["writers"] if row["user"] == user]
    return row


def web(lab, **kwargs):
    return psycopg.connect(lab.gateway_dsn("shop_app"), autocommit=True, **kwargs)


UPDATE = "UPDATE products SET price = price WHERE id = 1"


def test_nobody_is_undeclared_in_a_clean_lab(lab, fresh_gateway, state):
    assert fresh_gateway.is_alive()
    with web(lab) as conn:
        conn.execute(UPDATE)
        code, document = discover(lab, state, "--fail-on", "undeclared")
        assert writers_gate(lab, state)[1]["state"] == "pass"
    assert (code, document["undeclared"]) == (0, 0)
    row = writer(document, "shop_app")
    assert row["declared_as"] == "web" and row["process"].startswith(f"pid {os.getpid()}, ")
    assert row["gateway"] == {"route": "gw", "sessions": 1, "past": 0, "untold": False,
                              "transactions": 1, "writes": 1, "rows": 1}
    assert document["gateways"] == [{"store": "orders", "route": "gw", "answers": True, "why": None,
                                     "clients": 1, "forgotten": 0}]


def test_the_hidden_writer_behind_it_is_named_with_its_own_process(lab, fresh_gateway, state):
    with legacy_job(lab.gateway_dsn(LEGACY_ROLE)) as job:
        code, answer = writers_gate(lab, state)
        _, document = discover(lab, state)
        text = lab.airlock("--state", state, "discover", "--for", "300ms").stdout
    assert (code, answer["state"]) == (3, "fail")
    assert f"from 127.0.0.1, through gateway gw, pid {job.pid}, legacy_job.py" in answer["evidence"]
    row = writer(document, LEGACY_ROLE)
    assert row["undeclared"] and row["process"].startswith(f"pid {job.pid}, legacy_job.py")
    assert row["process_why"] is None and f"pid {fresh_gateway.pid}," not in json.dumps(document)
    assert "through gateway gw" in " ".join(text.split()) and "commands that wrote" in " ".join(text.split())


def test_who_goes_past_it_is_told_so(lab, fresh_gateway, state):
    assert fresh_gateway.is_alive()
    with psycopg.connect(lab.dsn("old", "shop_app"), application_name="web") as past, \
            web(lab, application_name="web"):
        past.execute("SELECT 1")
        _, document = discover(lab, state)
        row = writer(document, "shop_app")
        assert (row["gateway"]["sessions"], row["gateway"]["past"]) == (1, 1)
        done = lab.airlock("--state", state, "discover", "--for", "300ms")
    assert "through gateway gw and past it" in " ".join(done.stdout.split())


BY_ADDRESS = ("match: {user: shop_app}", 'match: {user: shop_app, address: "127.0.0.2"}')


def test_rules_of_the_plan_see_the_clients_own_address(lab, fresh_gateway, state):
    """The gateway itself never comes from 127.0.0.2."""
    assert fresh_gateway.is_alive()
    with plan_with(lab, *BY_ADDRESS), web(lab) as wrong, from_address(lab, "127.0.0.2") as right:
        wrong.execute(UPDATE)
        run(right, UPDATE)
        _, document = discover(lab, state)
    rows = {row["address"]: row for row in document["writers"] if row["user"] == "shop_app"}
    assert rows["127.0.0.1"]["undeclared"] and rows["127.0.0.1"]["declared_as"] is None
    assert not rows["127.0.0.2"]["undeclared"] and rows["127.0.0.2"]["declared_as"] == "web"
    assert all(row["process"].startswith(f"pid {os.getpid()}, ") for row in rows.values())


# -- who is not seen by any look --------------------------------------------------------------------


def test_a_job_that_came_and_went_is_told_by_the_gateway(lab, fresh_gateway, state):
    """Nobody looked while it was there; without the gateway's account it would not be seen at all."""
    assert fresh_gateway.is_alive()
    with psycopg.connect(lab.gateway_dsn(LEGACY_ROLE), autocommit=True, application_name="50ms") as job:
        job.execute(UPDATE)
    wait_until(lambda: not lab.old.query("SELECT pid FROM pg_stat_activity WHERE application_name = '50ms'"), 10,
               "its server to go")
    code, answer = writers_gate(lab, state)
    assert (code, answer["state"]) == (3, "fail") and "UPDATE, by its gateway's account" in answer["evidence"]
    _, document = discover(lab, state / "other")
    row = writer(document, LEGACY_ROLE)
    assert (row["source"], row["undeclared"], row["application"]) == ("gateway", True, "50ms")
    assert row["process"] == "" and row["process_why"] == "its session has ended"


def test_a_reader_of_temporary_tables_is_no_writer_when_its_role_may_not_write(lab, fresh_gateway, state):
    assert fresh_gateway.is_alive()
    with psycopg.connect(lab.gateway_dsn("reporting"), autocommit=True) as reader:
        reader.execute("CREATE TEMPORARY TABLE t (a int)")
        reader.execute("INSERT INTO t VALUES (1)")
        _, document = discover(lab, state)
    row = writer(document, "reporting")
    assert (row["gateway"]["writes"], row["undeclared"], row["declared_as"]) == (1, False, "reports")


def test_a_crowd_is_told_apart_page_by_page_and_its_names_are_harmless(lab, fresh_gateway, state):
    assert fresh_gateway.is_alive()
    with contextlib.ExitStack() as stack:
        for n in range(60):
            conn = stack.enter_context(from_address(lab, f"127.0.0.{10 + n}"))
            run(conn, f"SET application_name = '{n:02d} \x1b[31m'")
        _, document = discover(lab, state)
        text = lab.airlock("--state", state, "discover", "--for", "300ms").stdout
    rows = [row for row in document["writers"] if row["user"] == "shop_app"]
    assert {row["address"] for row in rows} == {f"127.0.0.{10 + n}" for n in range(60)}
    assert all(row["process"].startswith(f"pid {os.getpid()}, ") for row in rows)
    assert document["gateways"][0]["clients"] == 60
    assert "\x1b" not in text and text.count("through gateway gw") >= 60


# -- where it does not tell -------------------------------------------------------------------------


@contextlib.contextmanager
def frozen(gateway):
    gateway.sigstop()
    try:
        yield
    finally:
        gateway.sigcont()


def test_a_gateway_that_does_not_answer_is_told_and_its_clients_are_not_called_undeclared(
        lab, fresh_gateway, state):
    with plan_with(lab, *BY_ADDRESS), from_address(lab, "127.0.0.2") as conn:
        run(conn, UPDATE)
        assert writers_gate(lab, state)[1]["state"] == "pass"
        with frozen(fresh_gateway):
            code, answer = writers_gate(lab, state)
            _, document = discover(lab, state)
            done = lab.airlock("--state", state, "discover", "--for", "300ms")
    assert (code, answer["state"]) == (0, "not-proven"), answer  # the lab's plan does not ask for it
    assert "who comes through gateway gw cannot be told apart" in answer["evidence"]
    assert "has not answered in time" in answer["evidence"] and "control socket" in answer["remedy"]
    row = writer(document, "shop_app")
    assert row["gateway"]["untold"] and not row["undeclared"]
    assert row["process"] == f"pid {fresh_gateway.pid}, airlock-gateway"
    (told,) = document["gateways"]
    assert not told["answers"] and told["clients"] is None and "has not answered in time" in told["why"]
    text = " ".join(done.stdout.split())
    assert "NOT SEEN orders: who comes through gateway gw cannot be told apart" in text
    assert "behind gateway gw, which did not tell whose it is" in text


def test_it_matters_only_where_the_plan_goes_by_addresses(lab, fresh_gateway, state):
    with web(lab) as conn, legacy_job(lab.gateway_dsn(LEGACY_ROLE)):
        conn.execute(UPDATE)
        with frozen(fresh_gateway):
            code, answer = writers_gate(lab, state)
    assert (code, answer["state"]) == (3, "fail") and f"{LEGACY_ROLE} (nightly-stock)" in answer["evidence"]
    assert "cannot be told apart" in answer["evidence"] and "shop_app" not in answer["evidence"]


def test_no_gateway_at_all_is_told(lab, state):
    lab.gateways.pop().stop()
    try:
        _, document = discover(lab, state)
        assert writers_gate(lab, state)[1]["state"] == "pass"
    finally:
        lab.start_gateway()
    (told,) = document["gateways"]
    assert not told["answers"] and "gateway.sock: connecting" in told["why"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as somebody else")
def test_who_lacks_the_rights_is_told_so(lab, fresh_gateway, scratch):
    """As the servers' user, who may not open root's control socket nor look at root's processes."""
    assert fresh_gateway.is_alive()
    state = scratch() / "state"
    state.mkdir()
    os.chown(state, server_user().pw_uid, -1)
    with web(lab), psycopg.connect(lab.dsn("old", "shop_worker")):
        done = lab.airlock("--state", state, "discover", "--for", "300ms", "--json", user=server_user().pw_name)
        document = json.loads(done.stdout)
    assert "Permission denied" in document["gateways"][0]["why"]
    for user in ("shop_app", "shop_worker"):
        row = writer(document, user)
        assert row["process"] == ""
        assert row["process_why"] == "its socket is of user root: only that user and root may look whose it is"
