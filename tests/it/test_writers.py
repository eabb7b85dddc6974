"""Who writes and is not in the plan: found with its evidence, refused, remembered, declared."""

import json
import os

import psycopg
import pytest
from conftest import legacy_job, writers_gate
from lab import LEGACY_ROLE


@pytest.fixture(scope="module")
def lab(labs):
    lab = labs(level=2)
    lab.new.psql("ANALYZE", "shop")
    return lab


@pytest.fixture
def state(tmp_path):
    """A state directory of its own: what other tests have seen is not remembered here."""
    return tmp_path / "state"


def airlock(lab, state, *words):
    return lab.airlock("--state", state, *words)


def discover(lab, state, *words):
    done = airlock(lab, state, "discover", "--for", "300ms", "--json", *words)
    document = json.loads(done.stdout)
    assert document["schema"] == "airlock.discover/1"
    return done.returncode, document


def test_nobody_undeclared_in_a_clean_lab(lab, state):
    with psycopg.connect(lab.dsn("old", "shop_app"), autocommit=True) as web:
        web.execute("UPDATE products SET price = price WHERE id = 1")
        code, answer = writers_gate(lab, state)
        assert (code, answer["state"], answer["required"]) == (0, "pass", False)
        code, document = discover(lab, state, "--fail-on", "undeclared")
    assert (code, document["undeclared"], document["blind"]) == (0, 0, False)
    rows = {row["user"]: row for row in document["writers"]}
    assert rows["shop_app"]["declared_as"] == "web" and rows["shop_app"]["evidence"] == "UPDATE"


def test_the_hidden_writer_is_named_and_refused(lab, state):
    with legacy_job(lab.dsn("old", LEGACY_ROLE)) as job:
        code, answer = writers_gate(lab, state)
        assert (code, answer["state"]) == (3, "fail")
        for fact in (LEGACY_ROLE, "nightly-stock", "127.0.0.1", f"pid {job.pid}, legacy_job.py",
                     "first seen", "last write"):
            assert fact in answer["evidence"], answer
        assert f'writes: [orders], match: {{user: "{LEGACY_ROLE}"' in answer["remedy"]
        code, document = discover(lab, state, "--fail-on", "undeclared")
        assert (code, document["undeclared"]) == (3, 1)
        (row,) = [row for row in document["writers"] if row["undeclared"]]
        assert (row["user"], row["side"], row["declared_as"]) == (LEGACY_ROLE, "old", None)
        plan = json.loads(airlock(lab, state, "plan", "--json").stdout)
        run = airlock(lab, state, "run", "--approve", plan["hash"])
    assert run.returncode == 3 and "undeclared writer" in run.stderr


@pytest.fixture
def socket_dsn(lab):
    """How the job comes in by the socket in the file system."""
    server, hba = lab.old, lab.old.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text(f"local all {LEGACY_ROLE} scram-sha-256\n" + before)
    server.psql("SELECT pg_reload_conf()")
    yield f"host={server.sock} port={server.port} dbname=shop user={LEGACY_ROLE} passfile={lab.passfile}"
    hba.write_text(before)
    server.psql("SELECT pg_reload_conf()")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root and the server's user may look at a backend's sockets")
def test_the_process_behind_a_unix_socket_is_named(lab, state, socket_dsn):
    """Two of them, so that one is not taken for the other."""
    with legacy_job(socket_dsn) as job, psycopg.connect(socket_dsn, application_name="other") as other:
        other.execute("SELECT 1")
        _, document = discover(lab, state)
        rows = {row["application"]: row for row in document["writers"] if row["user"] == LEGACY_ROLE}
    assert rows["nightly-stock"]["address"] == "local"
    assert rows["nightly-stock"]["process"].startswith(f"pid {job.pid}, legacy_job.py")
    assert rows["other"]["process"].startswith(f"pid {os.getpid()}, ")


def test_it_is_remembered_after_it_went_away(lab, state):
    with legacy_job(lab.dsn("old", LEGACY_ROLE)):
        assert writers_gate(lab, state)[0] == 3
    code, answer = writers_gate(lab, state)
    assert (code, answer["state"]) == (3, "fail") and LEGACY_ROLE in answer["evidence"]
    kept = airlock(lab, state, "journal", "list", "--kind", "writer", "--json")
    assert LEGACY_ROLE in kept.stdout and airlock(lab, state, "journal", "verify").returncode == 0
    assert writers_gate(lab, state / "another")[0] == 0  # only seen in a look-back that has seen it


def test_the_printed_lines_declare_it(lab, state):
    with legacy_job(lab.dsn("old", LEGACY_ROLE)):
        _, answer = writers_gate(lab, state)
        line = answer["remedy"].split("declare it in the plan: services: {", 1)[1][:-1]
        plan = lab.plan.read_text()
        declared = plan.replace("services:\n", f"services:\n  {line}\n", 1)
        assert declared != plan
        lab.plan.write_text(declared)
        try:
            code, answer = writers_gate(lab, state)
            assert (code, answer["state"]) == (0, "pass"), answer
            _, document = discover(lab, state)
            (row,) = [row for row in document["writers"] if row["user"] == LEGACY_ROLE]
            assert row["declared_as"] == "nightly-stock" and not row["undeclared"]
        finally:
            lab.plan.write_text(plan)


def test_a_reader_that_writes_is_undeclared_and_one_that_is_refused_is_not(lab, state):
    with psycopg.connect(lab.dsn("old", "reporting"), autocommit=True) as reader:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("INSERT INTO ledger.probe VALUES (1, 1, 1)")
        assert writers_gate(lab, state)[0] == 0
        lab.old.psql("GRANT UPDATE ON products TO reporting", "shop")
        try:
            reader.execute("UPDATE products SET price = price WHERE id = 1")
            code, answer = writers_gate(lab, state)
        finally:
            lab.old.psql("REVOKE UPDATE ON products FROM reporting", "shop")
    assert code == 3 and "reporting" in answer["evidence"]


@pytest.mark.parametrize("statement, evidence", [
    ("/* web 7 */ -- hint\n  insert into ledger.probe values (-5, -5, 0)", "INSERT"),
    ("WITH x AS (DELETE FROM ledger.probe WHERE false RETURNING 1) SELECT * FROM x", "WITH that writes"),
    ("DO $$ BEGIN DELETE FROM ledger.probe WHERE false; END $$", "DO"),
    ("BEGIN; INSERT INTO ledger.probe VALUES (-6, -6, 0)", "transaction id"),
])
def test_kinds_of_evidence(lab, state, statement, evidence):
    with psycopg.connect(lab.dsn("old", LEGACY_ROLE), autocommit=True) as conn:
        conn.execute(statement)
        _, document = discover(lab, state)
        conn.execute("ROLLBACK; DELETE FROM ledger.probe WHERE false" if "BEGIN;" in statement
                     else "DELETE FROM ledger.probe WHERE false")
    (row,) = [row for row in document["writers"] if row["user"] == LEGACY_ROLE]
    assert (row["evidence"], row["undeclared"]) == (evidence, True)
    lab.old.query("DELETE FROM ledger.probe", dbname="shop")


@pytest.mark.parametrize("statement", [
    "SELECT 'delete from x'", "WITH x AS (SELECT 1) SELECT * FROM x", "COPY (SELECT 1) TO STDOUT",
    "-- update\nSELECT 1",
])
def test_readers_are_not_writers(lab, state, statement):
    with psycopg.connect(lab.dsn("old", LEGACY_ROLE), autocommit=True) as conn:
        if statement.startswith("COPY"):
            with conn.cursor().copy(statement) as copy:
                list(copy)
        else:
            conn.execute(statement)
        code, document = discover(lab, state, "--fail-on", "undeclared")
    (row,) = [row for row in document["writers"] if row["user"] == LEGACY_ROLE]
    assert (code, row["evidence"], row["undeclared"]) == (0, "", False)


def test_bad_times(lab, state):
    for text in ("10", "soon", "-1s"):
        done = airlock(lab, state, "discover", f"--for={text}")
        assert done.returncode == 2 and "a time with its unit" in done.stderr
