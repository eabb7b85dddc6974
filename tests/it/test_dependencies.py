"""Hidden dependencies: a dozen processes and objects over two clusters, found or said to be hidden."""

import json
import os
import pwd
import subprocess

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


def tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_crontab_of_root(lab, state, tmp_path):
    tree(tmp_path / "host", {
        "etc/crontab": "SHELL=/bin/sh\n17 * * * * root cd / && run-parts /etc/cron.hourly\n",
        "etc/cron.d/billing": f"""\
PGHOST=127.0.0.1
PGPORT={lab.old.port}
15 2 * * * root PGPASSWORD=s3cret psql -U shop_legacy shop -c 'DELETE FROM basket'
30 4 * * 1-5 postgres /opt/report.sh >/dev/null
0 5 * * * root psql -h elsewhere.example shop -c 'SELECT 1'
""",
        "opt/report.sh": f"#!/bin/sh\npsql 'host=127.0.0.1 port={lab.old.port} dbname=shop user=reporting' -c '...'\n",
    })
    _, document = discover(lab, state, "--root", tmp_path / "host")
    first, second = sorted(rows(document, "cron"), key=lambda row: row["where"])
    assert first["where"].endswith("etc/cron.d/billing:3") and first["undeclared"]
    assert first["what"].startswith("cron runs psql as root") and first["schedule"] == "15 2 * * *"
    assert 0 < first["next_run"] - first["last_seen"] <= 86400
    assert second["what"].startswith("cron runs report.sh as postgres")
    assert second["file"].endswith("opt/report.sh") and second["line"] == 2
    assert second["declared_as"] == "reports" and not second["undeclared"]
    assert "s3cret" not in json.dumps(document) and "DELETE" not in json.dumps(document)


def test_a_timer_of_systemd(lab, state, tmp_path):
    tree(tmp_path / "host", {
        "etc/systemd/system/stock.timer": "[Timer]\nOnCalendar=*-*-* 03:30:00\n",
        "etc/systemd/system/timers.target.wants/stock.timer": "",
        "etc/systemd/system/stock.service": "[Service]\nEnvironmentFile=-/etc/default/stock\nExecStart=/opt/stock\n",
        "etc/default/stock": f"DATABASE_URL=postgres://shop_legacy:s3cret@127.0.0.1:{lab.old.port}/shop\n",
        "usr/lib/systemd/system/other.service": "[Service]\nExecStart=/usr/bin/other\n",
    })
    _, document = discover(lab, state, "--root", tmp_path / "host")
    (timer,) = rows(document, "timer")
    assert timer["where"] == "unit stock.timer" and timer["undeclared"] and timer["next_run"]
    assert timer["file"].endswith("etc/default/stock") and timer["name"] == "stock"
    assert document["jobs"] == 2 and "s3cret" not in json.dumps(document)


def test_strings_in_files(lab, state, tmp_path):
    files = tmp_path / "files"
    old = f"127.0.0.1:{lab.old.port}"
    tree(files, {
        "app/.env": f"DATABASE_URL=postgres://shop_legacy:s3cret@{old}/shop\n",
        "app/appsettings.json": '{"ConnectionStrings": {"Shop": "Host=127.0.0.1;Port=%d;Database=shop;'
                                'Username=shop_app;Password=s3cret"}}\n' % lab.old.port,
        "app/old.properties": f"spring.datasource.url=jdbc:postgresql://{old}/other\n",
        "runbooks/night.md": f"Then `psql -h 127.0.0.1 -p {lab.old.port} shop`.\n",
        "certs/app.pem": subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", "/dev/null", "-subj", "/CN=shop", "-days", "3"],
            check=True, capture_output=True, text=True).stdout,
        "auth.yaml": "jwt_ttl: 3600\n",
    })
    (files / "app/binary").write_bytes(b"\0postgres://h/shop")
    (files / "app/loop").symlink_to(files)
    code, document = discover(lab, state, "--fail-on", "undeclared", "--files", files / "app",
                              files / "runbooks", files / "certs", files / "auth.yaml")
    assert code == 3
    found = {row["where"].removeprefix(str(files) + "/"): row for row in rows(document, "file")}
    assert set(found) == {"app/.env:1", "app/appsettings.json:1", "runbooks/night.md:1"}
    assert found["app/.env:1"]["undeclared"] and found["app/.env:1"]["user"] == "shop_legacy"
    assert found["app/appsettings.json:1"]["declared_as"] == "web"
    assert found["runbooks/night.md:1"]["how"] == "mentioned"
    assert not found["runbooks/night.md:1"]["undeclared"]
    assert found["app/.env:1"]["owner"] == pwd.getpwuid(os.geteuid()).pw_name
    assert document["files_skipped"] == 2  # what is no text, and the loop
    (certificate,) = rows(document, "certificate")
    assert "certificate of shop ends" in certificate["what"]
    (token,) = rows(document, "token-lifetime")
    assert token["what"] == "jwt_ttl = 3600"
    assert "s3cret" not in json.dumps(document)


def test_files_that_are_not_there(lab, state):
    done = lab.airlock("--state", state, "discover", "--files", "/nowhere/at/all")
    assert done.returncode == 2 and "/nowhere/at/all" in done.stderr
