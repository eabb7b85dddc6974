"""Hidden dependencies: a dozen processes and objects over two clusters, found or said to be hidden."""

import json

import psycopg
import pytest
from lab import ROOT


@pytest.fixture(scope="module")
def lab(labs):
    return labs(level=3)


def discover(lab, state, *words, watch="200ms"):
    done = lab.airlock("--state", state, "discover", "--for", watch, "--json", *words)
    assert done.returncode in (0, 3), done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "airlock.discover/1"
    return done.returncode, document


def rows(document, kind):
    return [row for row in document["dependencies"] if row["kind"] == kind]


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def aside(lab):
    """A third database of old's cluster."""
    lab.old.psql("CREATE DATABASE aside")
    yield "aside"
    lab.old.psql("DROP DATABASE aside WITH (FORCE)")


def test_a_slot_and_its_consumer(lab, state):
    lab.old.psql("SELECT pg_create_logical_replication_slot('warehouse', 'test_decoding')", "shop")
    try:
        code, document = discover(lab, state, "--fail-on", "undeclared")
        (slot,) = rows(document, "slot")
        assert (code, slot["where"], slot["undeclared"]) == (3, "slot warehouse", True)
        assert "nobody streams" in slot["what"] and slot["how"] == "configured"
    finally:
        lab.old.psql("SELECT pg_drop_replication_slot('warehouse')", "shop")
    _, document = discover(lab, state)
    (slot,) = rows(document, "slot")
    assert (slot["source"], slot["undeclared"]) == ("journal", False)


def test_a_foreign_server_of_a_third_database(lab, state, aside):
    lab.old.psql(f"""
        CREATE EXTENSION postgres_fdw;
        CREATE SERVER back FOREIGN DATA WRAPPER postgres_fdw
            OPTIONS (host '127.0.0.1', port '{lab.old.port}', dbname 'shop');
        CREATE USER MAPPING FOR postgres SERVER back OPTIONS (user 'shop_legacy', password 's3cret')
        """, aside)
    code, document = discover(lab, state)
    (server,) = rows(document, "foreign-server")
    assert server["undeclared"] and server["user"] == "shop_legacy" and server["side"] == "old"
    assert server["target"] == f"postgresql://127.0.0.1:{lab.old.port}/shop"
    assert "s3cret" not in json.dumps(document)


def test_a_function_with_dblink(lab, state, aside):
    lab.old.psql(f"""
        CREATE EXTENSION dblink;
        CREATE FUNCTION pull() RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            RETURN dblink_exec('host=127.0.0.1 port={lab.old.port} dbname=shop user=shop_legacy password=''s3 cret''',
                               'UPDATE products SET price = price');
        END $$""", aside)
    _, document = discover(lab, state)
    (function,) = rows(document, "dblink")
    assert function["undeclared"] and function["where"].startswith("function public.pull()")
    assert function["user"] == "shop_legacy"
    assert "cret" not in json.dumps(document)
