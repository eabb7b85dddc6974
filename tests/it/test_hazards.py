"""Every hazard of hazards.def, planted on a real server: found with its object and its remedy, and
not found on the clean pair."""

import os
import shutil
import subprocess

import pytest
from hazards import (close_probers, counted, find, find_one, only, planted, prober, setting,
                     shared_lab, tool)
from server import as_server_user, pg_program, wait_until

# Cannot be planted with two PostgreSQL 15 of one host, each with the reason.
UNPLANTED = {
    "H-VERSION": "needs a server before 13",
    "H-VERSION-NEW": "needs a server after 17",
    "H-VERSION-BACK": "needs two major versions",
    "H-COLLATION-VERSION": "needs two releases of a collation library",
}


@pytest.fixture(scope="module")
def lab(labs):
    yield shared_lab(labs)
    close_probers()


# (hazard, side, sql, undo, object, remedy contains, words for the probe)
PLANTS = [
    ("H-SUPERUSER-APP", "old", "CREATE ROLE boss SUPERUSER LOGIN; ALTER TABLE products OWNER TO boss",
     "ALTER TABLE products OWNER TO shop_owner; DROP ROLE boss", "boss", "NOSUPERUSER", ()),
    ("H-SUPERUSER-APP", "old", "CREATE ROLE boss SUPERUSER LOGIN", "DROP ROLE boss", "boss",
     "NOSUPERUSER", ("user=bo[s-t]*",)),
    ("H-SUPERUSER-OTHER", "old", "CREATE ROLE boss SUPERUSER LOGIN", "DROP ROLE boss", "boss",
     "ALTER ROLE boss NOSUPERUSER", ()),
    ("H-READ-ONLY", "new", "ALTER DATABASE shop SET default_transaction_read_only = on",
     "SET default_transaction_read_only = off; ALTER DATABASE shop RESET default_transaction_read_only",
     "database shop", "= on away from database shop", ()),
    ("H-READ-ONLY", "new", "ALTER ROLE shop_app SET default_transaction_read_only = true",
     "ALTER ROLE shop_app RESET default_transaction_read_only", "role shop_app", "away from role shop_app", ()),
    ("H-OUR-MEMBER", "old", "GRANT airlock_repl TO shop_app", "REVOKE airlock_repl FROM shop_app",
     "shop_app", "REVOKE airlock_repl FROM shop_app;", ()),
    ("H-CONNECT-CHAIN", "old",
     "SET ROLE shop_owner; GRANT CONNECT ON DATABASE shop TO shop_worker WITH GRANT OPTION;"
     "SET ROLE shop_worker; GRANT CONNECT ON DATABASE shop TO shop_deploy WITH GRANT OPTION",
     "REVOKE GRANT OPTION FOR CONNECT ON DATABASE shop FROM shop_worker CASCADE;"
     "REVOKE CONNECT ON DATABASE shop FROM shop_deploy",
     "shop_deploy", "GRANT CONNECT ON DATABASE shop TO shop_deploy WITH GRANT OPTION;", ()),
    ("H-SUBSCRIPTION", "new",
     "CREATE SUBSCRIPTION other CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
     "ALTER SUBSCRIPTION other SET (slot_name = NONE); DROP SUBSCRIPTION other",
     "other", "ALTER SUBSCRIPTION other DISABLE", ()),
    ("H-FOREIGN-SLOT", "old", "SELECT pg_create_logical_replication_slot('debezium', 'test_decoding')",
     "SELECT pg_drop_replication_slot('debezium')", "debezium", "drop slot debezium", ()),
    ("H-EVENT-TRIGGER", "old",
     "CREATE FUNCTION noop() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
     "CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION noop()",
     "DROP EVENT TRIGGER watcher; DROP FUNCTION noop()", "watcher",
     "ALTER EVENT TRIGGER watcher DISABLE", ()),
    ("H-TRIGGER-ALWAYS", "new", "ALTER TABLE order_lines ENABLE ALWAYS TRIGGER order_lines_stock",
     "ALTER TABLE order_lines ENABLE TRIGGER order_lines_stock",
     "order_lines_stock on public.order_lines",
     "ALTER TABLE public.order_lines ENABLE TRIGGER order_lines_stock;", ()),
    ("H-RULE-ALWAYS", "old",
     "CREATE RULE tell AS ON INSERT TO products DO ALSO NOTIFY tell;"
     "ALTER TABLE products ENABLE REPLICA RULE tell", "DROP RULE tell ON products",
     "tell on public.products", "ALTER TABLE public.products ENABLE RULE tell;", ()),
    ("H-ROW-SECURITY", "old", "ALTER TABLE customers ENABLE ROW LEVEL SECURITY",
     "ALTER TABLE customers DISABLE ROW LEVEL SECURITY; ALTER ROLE airlock_repl NOBYPASSRLS",
     "public.customers", "ALTER ROLE airlock_repl BYPASSRLS;", ()),
    ("H-RIGHTS-COPY", "old",
     "REVOKE pg_read_all_data FROM airlock_repl; GRANT USAGE ON SCHEMA audit, ledger, public TO"
     " airlock_repl; GRANT SELECT ON ALL TABLES IN SCHEMA public, ledger TO airlock_repl",
     "REVOKE USAGE ON SCHEMA audit, ledger, public FROM airlock_repl; REVOKE SELECT ON ALL TABLES IN"
     " SCHEMA public, ledger FROM airlock_repl; GRANT pg_read_all_data TO airlock_repl",
     "audit.page_views", "GRANT SELECT ON audit.page_views TO airlock_repl", ()),
    ("H-RIGHTS-CONNECT", "new", "REVOKE CONNECT ON DATABASE shop FROM airlock_repl",
     "GRANT CONNECT ON DATABASE shop TO airlock_repl", "airlock_repl",
     "GRANT CONNECT ON DATABASE shop TO airlock_repl;", ()),
    ("H-DATA-PRESENT", "new", "INSERT INTO ledger.trace VALUES (1, 1)", "TRUNCATE ledger.trace",
     "ledger.trace", "TRUNCATE ledger.trace", ()),
    ("H-SEQUENCE-EXHAUSTED", "old", "CREATE SEQUENCE few AS smallint; SELECT setval('few', 32000)",
     "DROP SEQUENCE few", "public.few", "ALTER SEQUENCE public.few", ("margin=1000",)),
    ("H-SEQUENCE-EXHAUSTED", "old",
     "CREATE SEQUENCE wide; CREATE TABLE narrow (id int PRIMARY KEY DEFAULT nextval('wide'));"
     "ALTER SEQUENCE wide OWNED BY narrow.id; SELECT setval('wide', 2147483000)",
     "DROP TABLE narrow", "public.wide", "widen its column", ("margin=1000",)),
    ("H-SEQUENCE-EXHAUSTED", "old",
     "CREATE SEQUENCE down INCREMENT -2 MINVALUE -20000 MAXVALUE 0; SELECT setval('down', -19000)",
     "DROP SEQUENCE down", "public.down", "ALTER SEQUENCE public.down", ("margin=1000",)),
    ("H-SEQUENCE-LOW", "old", "CREATE SEQUENCE low; SELECT setval('low', 9200000000000000000)",
     "DROP SEQUENCE low", "public.low", "ALTER SEQUENCE public.low", ()),
    ("H-SEQUENCE-CYCLE", "old", "CREATE SEQUENCE round MAXVALUE 1000000000 CYCLE",
     "DROP SEQUENCE round", "public.round", "ALTER SEQUENCE public.round NO CYCLE", ()),
    ("H-LARGE-OBJECT", "old", "SELECT lo_create(4711)", "SELECT lo_unlink(4711)", "pg_largeobject",
     "bytea", ()),
    ("H-NO-IDENTITY", "old", "CREATE TABLE keyless (a int)", "DROP TABLE keyless", "public.keyless",
     "ALTER TABLE public.keyless REPLICA IDENTITY FULL", ()),
    ("H-NO-IDENTITY", "old", "ALTER TABLE payments_2023 REPLICA IDENTITY NOTHING",
     "ALTER TABLE payments_2023 REPLICA IDENTITY DEFAULT", "public.payments_2023", "ADD PRIMARY KEY", ()),
    ("H-IDENTITY-TYPE", "old",
     "CREATE TABLE doc (a int, b json); ALTER TABLE doc REPLICA IDENTITY FULL", "DROP TABLE doc",
     "public.doc.b", "primary key", ()),
    ("H-IDENTITY-TYPE", "old",
     "CREATE TYPE place AS (name text, at point); CREATE DOMAIN spot AS place;"
     "CREATE TABLE doc (a int, b spot[]); ALTER TABLE doc REPLICA IDENTITY FULL",
     "DROP TABLE doc; DROP DOMAIN spot; DROP TYPE place", "public.doc.b", "primary key", ()),
    ("H-UNLOGGED", "old", "CREATE UNLOGGED TABLE cache (a int PRIMARY KEY)", "DROP TABLE cache",
     "public.cache", "ALTER TABLE public.cache SET LOGGED", ()),
    ("H-MATVIEW", "old", "CREATE MATERIALIZED VIEW totals AS SELECT 1 AS a",
     "DROP MATERIALIZED VIEW totals", "public.totals", "REFRESH MATERIALIZED VIEW public.totals", ()),
    ("H-FOREIGN-TABLE", "old",
     "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;"
     "CREATE FOREIGN TABLE away (a int) SERVER far", "DROP EXTENSION postgres_fdw CASCADE",
     "public.away", "user mapping", ()),
    ("H-FK-OUTSIDE", "old",
     "CREATE UNLOGGED TABLE child (a int PRIMARY KEY REFERENCES products)", "DROP TABLE child",
     "public.child.child_a_fkey", "SET LOGGED", ()),
    ("H-INDEX-INVALID", "old",
     "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_customer'::regclass",
     "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'orders_customer'::regclass",
     "public.orders_customer", "REINDEX INDEX CONCURRENTLY public.orders_customer", ()),
    ("H-EXTENSION", "old", "CREATE EXTENSION hstore", "DROP EXTENSION hstore", "hstore",
     "CREATE EXTENSION hstore", ()),
    ("H-ROLE", "old", "CREATE ROLE newbie LOGIN; GRANT SELECT ON products TO newbie",
     "DROP OWNED BY newbie; DROP ROLE newbie", "newbie", "pg_dumpall --roles-only", ()),
    ("H-ROLE-MEMBER", "new", "REVOKE shop_owner FROM shop_deploy", "GRANT shop_owner TO shop_deploy",
     "shop_deploy is a member of shop_owner", "GRANT", ()),
    ("H-ROLE-SETTING", "old", "ALTER DATABASE shop SET app.key = 'hunter2secret'",
     "ALTER DATABASE shop RESET app.key", "every role in this database: app.key", "same value", ()),
    ("H-PRIVILEGE", "new", "REVOKE SELECT ON products FROM reporting",
     "GRANT SELECT ON products TO reporting", "table public.products to reporting", "GRANT", ()),
    ("H-PARAMETER", "old", "GRANT SET ON PARAMETER log_duration TO shop_app",
     "REVOKE SET ON PARAMETER log_duration FROM shop_app", "log_duration to shop_app", "pg_dumpall", ()),
]

# Differences: (hazard, sql on new, undo on new, object, detail contains, side)
DIFFERENCES = [
    ("H-TABLE-DIFFERS", "ALTER TABLE products REPLICA IDENTITY FULL",
     "ALTER TABLE products REPLICA IDENTITY DEFAULT", "public.products", "identity f", "both"),
    ("H-COLUMN", "ALTER TABLE products ALTER weight TYPE real",
     "ALTER TABLE products ALTER weight TYPE double precision", "public.products.weight",
     "old: double precision; new: real", "both"),
    ("H-COLUMN", "ALTER TABLE products ADD more text", "ALTER TABLE products DROP more",
     "public.products.more", "is not on old; on new: text", "old"),
    ("H-GENERATED",
     "ALTER TABLE order_lines DROP total; ALTER TABLE order_lines ADD total numeric(14, 2)"
     " GENERATED ALWAYS AS (quantity * price + 1) STORED",
     "ALTER TABLE order_lines DROP total; ALTER TABLE order_lines ADD total numeric(14, 2)"
     " GENERATED ALWAYS AS (quantity * price) STORED", "public.order_lines.total", "+", "both"),
    ("H-DEFAULT", "ALTER TABLE products ALTER stock SET DEFAULT 1",
     "ALTER TABLE products ALTER stock SET DEFAULT 0", "public.products.stock", "old: 0; new: 1",
     "both"),
    ("H-DEFAULT", "ALTER TABLE products ALTER stock DROP DEFAULT",
     "ALTER TABLE products ALTER stock SET DEFAULT 0", "public.products.stock", "is not on new", "new"),
    ("H-CONSTRAINT", "ALTER TABLE orders ADD CONSTRAINT extra UNIQUE (placed_at)",
     "ALTER TABLE orders DROP CONSTRAINT extra", "public.orders.extra", "UNIQUE (placed_at)", "old"),
    ("H-INDEX", "DROP INDEX orders_customer", "CREATE INDEX orders_customer ON orders (customer_id)",
     "public.orders_customer", "is not on new", "new"),
    ("H-SEQUENCE", "ALTER SEQUENCE invoice_numbers INCREMENT 1",
     "ALTER SEQUENCE invoice_numbers INCREMENT 10", "public.invoice_numbers", "INCREMENT 10", "both"),
    ("H-TRIGGER", "ALTER TABLE order_lines DISABLE TRIGGER order_lines_stock",
     "ALTER TABLE order_lines ENABLE TRIGGER order_lines_stock",
     "order_lines_stock on public.order_lines", "enabled=D", "both"),
    ("H-VIEW", "ALTER VIEW open_orders RENAME TO opened",
     "ALTER VIEW opened RENAME TO open_orders", "public.open_orders", "is not on new", "new"),
    ("H-FUNCTION", "ALTER FUNCTION touch_stock() SECURITY DEFINER",
     "ALTER FUNCTION touch_stock() SECURITY INVOKER", "public.touch_stock()", "differs", "both"),
    ("H-TYPE", "CREATE TYPE mood AS ENUM ('good')", "DROP TYPE mood", "public.mood",
     "is not on old; on new: enum good", "old"),
    ("H-TYPE", "ALTER DOMAIN email DROP CONSTRAINT email_check",
     "ALTER DOMAIN email ADD CHECK (VALUE LIKE '%@%')", "public.email", "CHECK", "both"),
    ("H-POLICY", "CREATE POLICY own ON customers USING (id > 0)", "DROP POLICY own ON customers",
     "own on public.customers", "is not on old", "old"),
    ("H-SCHEMA-MISSING", "CREATE SCHEMA more", "DROP SCHEMA more", "more", "is not on old", "old"),
    ("H-OWNER", "CREATE ROLE heir; ALTER TABLE products OWNER TO heir",
     "ALTER TABLE products OWNER TO shop_owner; DROP ROLE heir", "table public.products",
     "old: shop_owner; new: heir", "both"),
    ("H-ROLE", "ALTER ROLE shop_app CREATEDB", "ALTER ROLE shop_app NOCREATEDB", "shop_app",
     "old: LOGIN; new: LOGIN CREATEDB", "both"),
]


def test_clean_pair(lab):
    rows = find(lab, "user=shop_*")
    assert counted(rows) == []
    assert {(row["id"], row["object"]) for row in rows} == {
        ("H-SUPERUSER-FIRST", "postgres"), ("H-OWNER-REGRANT", "shop_owner"),
        ("H-OWNER-REGRANT", "shop_deploy")}
    assert not any(row["refuses"] for row in rows)


def test_clean_pair_reversed(lab):
    """Before a rollback the side that is left is new."""
    assert [r for r in counted(find(lab, "src=new", "synced")) if r["id"] != "H-DATA-PRESENT"] == []


@pytest.mark.parametrize("name, side, sql, undo, thing, remedy, words", PLANTS,
                         ids=[f"{p[0]}-{i}" for i, p in enumerate(PLANTS)])
def test_planted(lab, name, side, sql, undo, thing, remedy, words):
    assert find_one(lab, name, *words) == []
    with planted(lab.server(side), sql, undo):
        found = only(find_one(lab, name, *words), object=thing)
        assert found["proven"]
        assert remedy in found["remedy"]
        assert found["side"] in (side, "new" if name in ("H-EXTENSION", "H-ROLE", "H-ROLE-SETTING", "H-PARAMETER")
                                 else side)
        assert found["refuses"] == (found["severity"] == "refuse")
    assert find_one(lab, name, *words) == []


@pytest.mark.parametrize("name, sql, undo, thing, detail, side", DIFFERENCES,
                         ids=[f"{d[0]}-{i}" for i, d in enumerate(DIFFERENCES)])
def test_difference(lab, name, sql, undo, thing, detail, side):
    assert find_one(lab, name) == []
    with planted(lab.new, sql, undo):
        found = only(find_one(lab, name), object=thing)
        assert detail in found["detail"]
        assert found["side"] == side
        assert found["proven"]
    assert find_one(lab, name) == []


@pytest.mark.parametrize("name", [
    "H-CONNECT-CHAIN", "H-TRIGGER-ALWAYS", "H-RULE-ALWAYS", "H-ROW-SECURITY", "H-OUR-MEMBER",
    "H-RIGHTS-CONNECT"])
def test_remedy_can_be_run(lab, name):
    """Where the remedy is a statement, running it makes the hazard go away."""
    _, side, sql, undo, thing, _, words = next(p for p in PLANTS if p[0] == name)
    with planted(lab.server(side), sql, undo):
        lab.server(side).psql(only(find_one(lab, name, *words), object=thing)["remedy"], "shop")
        assert find_one(lab, name, *words) == []


def test_missing_table_is_one_finding(lab):
    """Not one for each of its columns, indexes and privileges, and with the line that mends it."""
    with planted(lab.old, "SET ROLE shop_owner; CREATE TABLE extra (id int GENERATED ALWAYS AS IDENTITY"
                 " PRIMARY KEY, note text DEFAULT 'x'); GRANT SELECT ON extra TO shop_app",
                 "DROP TABLE extra"):
        found = only(counted(find(lab, "user=shop_*")))
        assert (found["id"], found["object"], found["side"]) == ("H-TABLE-MISSING", "public.extra", "new")
        assert found["remedy"].startswith("pg_dump --schema-only")
        assert f"port={lab.old.port}" in found["remedy"] and f"port={lab.new.port}" in found["remedy"]


def test_object_ids_of_types_matter_where_clients_do_not_reconnect(lab):
    make = "CREATE TYPE feeling AS ENUM ('good')"
    with planted(lab.old, make, "DROP TYPE feeling"), \
            planted(lab.new, f"CREATE TYPE filler AS (a int); {make}", "DROP TYPE feeling, filler"):
        oids = [server.query("SELECT 'feeling'::regtype::oid", dbname="shop")[0][0] for server in lab.servers]
        assert oids[0] != oids[1]
        found = only(find_one(lab, "H-TYPE-OID", "carried"), object="public.feeling")
        assert found["detail"] == f"old: {oids[0]}; new: {oids[1]}" and not found["refuses"]
        assert find_one(lab, "H-TYPE-OID") == []


def test_superuser_connected(lab):
    with lab.old.connect("shop"):
        found = only(find_one(lab, "H-SUPERUSER-CONNECTED"), object="postgres")
        assert found["refuses"] and found["side"] == "old"
        assert find_one(lab, "H-SUPERUSER-AHEAD") == []
    with lab.new.connect("shop"):
        assert not only(find_one(lab, "H-SUPERUSER-AHEAD"), object="postgres", side="new")["refuses"]
        assert find_one(lab, "H-SUPERUSER-CONNECTED") == []


def test_first_superuser_named_by_the_plan(lab):
    """A glob that happens to fit does not make the DBA an application; his name does."""
    assert find_one(lab, "H-SUPERUSER-APP", "user=*") == []
    found = only(find_one(lab, "H-SUPERUSER-APP", "user=postgres"), side="old")
    assert found["object"] == "postgres"


def test_long_transaction(lab):
    with lab.old.connect("shop", autocommit=False) as conn:
        conn.execute("SET SESSION AUTHORIZATION shop_app")
        pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
        found = only(find_one(lab, "H-LONG-TRANSACTION", "age=1"), object=f"pid {pid}")
        assert f"pg_terminate_backend({pid})" in found["remedy"]
        assert find_one(lab, "H-LONG-TRANSACTION", "age=600000") == []
        conn.rollback()


def test_identity_that_can_be_compared(lab):
    """No false alarm: types that have no operator of their own but one that fits."""
    with planted(lab.old, "CREATE TABLE fine (a varchar(3), b jsonb, c order_state, d int[], e email,"
                 " f int4range, g numeric, h inet, i uuid, j bytea, k bit(3), l char(2), m xid8,"
                 " n tsvector, o name, p oid, q timetz, r interval, s int8multirange, t money,"
                 " u macaddr, v varbit, w \"char\", x cidr[]); ALTER TABLE fine REPLICA IDENTITY FULL",
                 "DROP TABLE fine"):
        assert find_one(lab, "H-IDENTITY-TYPE") == []


def test_slow_identity(lab):
    with planted(lab.old, "CREATE TABLE big (a int); ALTER TABLE big REPLICA IDENTITY FULL;"
                 "INSERT INTO big SELECT generate_series(1, 20000); UPDATE big SET a = 0 WHERE a = 1;"
                 "ANALYZE big", "DROP TABLE big"):
        found = wait_until(lambda: find_one(lab, "H-IDENTITY-SLOW"), 20, "statistics to arrive")
        assert only(found)["object"] == "public.big"


def test_no_statistics(lab):
    with planted(lab.new, "ALTER TABLE ledger.trace SET (autovacuum_enabled = off);"
                 "INSERT INTO ledger.trace SELECT 1, generate_series(1, 2000)",
                 "TRUNCATE ledger.trace; ALTER TABLE ledger.trace RESET (autovacuum_enabled)"):
        found = wait_until(lambda: find_one(lab, "H-NO-STATISTICS", "synced"), 20, "statistics")
        assert only(found)["remedy"] == "ANALYZE ledger.trace;"
        assert find_one(lab, "H-NO-STATISTICS") == []
        lab.new.psql("ANALYZE ledger.trace", "shop")
        assert find_one(lab, "H-NO-STATISTICS", "synced") == []


def test_data_that_is_meant_to_be_there(lab):
    with planted(lab.new, "INSERT INTO ledger.trace VALUES (1, 1)", "TRUNCATE ledger.trace"):
        assert find_one(lab, "H-DATA-PRESENT", "data-present") == []
        assert find_one(lab, "H-DATA-PRESENT", "synced") == []
        assert len(find_one(lab, "H-DATA-PRESENT")) == 1


def test_extension_version(lab):
    with planted(lab.old, "CREATE EXTENSION hstore", "DROP EXTENSION hstore"), \
            planted(lab.new, "CREATE EXTENSION hstore VERSION '1.4'", "DROP EXTENSION hstore"):
        found = only(find_one(lab, "H-EXTENSION-VERSION"), object="hstore")
        assert "new: 1.4" in found["detail"]


def test_verifier(lab):
    verifier = lab.new.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'shop_app'")[0][0]
    assert find_one(lab, "H-VERIFIER") == []
    with planted(lab.new, "ALTER ROLE shop_app PASSWORD 'another'",
                 f"ALTER ROLE shop_app PASSWORD '{verifier}'"):
        found = only(find_one(lab, "H-VERIFIER"), object="shop_app")
        assert found["detail"] == "differs"
        assert verifier not in str(found)


def test_secret_settings_are_not_shown(lab):
    with planted(lab.old, "ALTER ROLE shop_app IN DATABASE shop SET app.key = 'hunter2secret'",
                 "ALTER ROLE shop_app IN DATABASE shop RESET app.key"):
        found = find(lab)
        assert only(found, id="H-ROLE-SETTING")["object"] == "role shop_app in this database: app.key"
        assert "hunter2" not in str(found)


def test_rights_of_a_poor_login(lab):
    """What a login without rights cannot see is NOT PROVEN, and what it lacks is named."""
    rows = find(lab, user="shop_app")
    unproven = {row["id"]: row for row in rows if not row["proven"]}
    assert unproven["H-SUPERUSER-CONNECTED"]["refuses"]
    assert "pg_monitor" in unproven["H-SUPERUSER-CONNECTED"]["detail"]
    assert not unproven["H-VERIFIER"]["refuses"]
    assert "superuser" in unproven["H-VERIFIER"]["detail"]
    table = only(rows, id="H-RIGHTS-TABLE", object="public.orders", side="old")
    assert table["remedy"] == "GRANT shop_owner TO shop_app;"
    sequence = only(rows, id="H-RIGHTS-SEQUENCE", object="public.invoice_numbers", side="new")
    assert sequence["remedy"] == "GRANT SELECT, UPDATE ON SEQUENCE public.invoice_numbers TO shop_app;"


@pytest.mark.parametrize("name, knob, value", [
    ("H-APPLY-RETRY", "wal_retrieve_retry_interval", "'5s'"),
    ("H-SYNC-STANDBY", "synchronous_standby_names", "'nobody'"),
    ("H-SLOT-WAL-LIMIT", "max_slot_wal_keep_size", "'1GB'"),
])
def test_setting_of_one_server(lab, name, knob, value):
    assert find_one(lab, name) == []
    with setting(lab.new, knob, value):
        found = only(find_one(lab, name), object=knob)
        assert found["side"] == "new" and found["severity"] == "warn"


def test_settings_that_differ(lab):
    assert find_one(lab, "H-SETTING") == []
    with setting(lab.new, "xmlbinary", "hex"):
        assert only(find_one(lab, "H-SETTING"), object="xmlbinary")["detail"] == "old: base64; new: hex"
    assert find_one(lab, "H-SETTING-FILE") == []
    with setting(lab.new, "timezone", "'Europe/Paris'"):
        assert "Europe/Paris" in only(find_one(lab, "H-SETTING-FILE"), object="timezone")["detail"]


def test_slots_full(lab):
    make = "SELECT pg_create_physical_replication_slot('full_' || i) FROM generate_series(1, 17) i"
    drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name ~ '^full_'"
    with planted(lab.old, make, drop):
        found = only(find_one(lab, "H-SLOTS-FULL"), side="old")
        assert found["detail"] == "17 of 20 are in use, 4 more are needed"
        assert find_one(lab, "H-SLOTS-FULL", "synced") == []


def test_slot_lost(lab):
    def lost():
        lab.old.psql("CREATE TABLE IF NOT EXISTS filler (a text); INSERT INTO filler SELECT repeat('x',"
                     " 1000) FROM generate_series(1, 20000); SELECT pg_switch_wal(); CHECKPOINT", "shop")
        return find_one(lab, "H-SLOT-LOST", "synced")

    with planted(lab.old, "SELECT pg_create_logical_replication_slot('airlock_f_00000000',"
                 " 'test_decoding')", "SELECT pg_drop_replication_slot('airlock_f_00000000');"
                 "DROP TABLE IF EXISTS filler"):
        assert find_one(lab, "H-SLOT-LOST", "synced") == []
        with setting(lab.old, "max_slot_wal_keep_size", "'1MB'"):
            found = only(wait_until(lost, 30, "the slot to lose its log"))
            assert found["object"] == "airlock_f_00000000" and "abandon" in found["remedy"]


def test_ha_manager(lab):
    with lab.old.connect("postgres", application_name="Patroni heartbeat"):
        assert only(find_one(lab, "H-HA-MANAGER"), side="old")["object"] == "Patroni heartbeat"


def test_encoding(lab):
    with planted(lab.old, "CREATE DATABASE enc ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
                 "DROP DATABASE enc", "postgres"), \
            planted(lab.new, "CREATE DATABASE enc ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0",
                    "DROP DATABASE enc", "postgres"):
        found = only(find_one(lab, "H-ENCODING", dbname="enc"))
        assert found["object"] == "encoding"
        assert found["detail"] == "old: LATIN1; new: UTF8"


def test_stale_collation(lab):
    make = "CREATE DATABASE icu LOCALE_PROVIDER icu ICU_LOCALE 'en' TEMPLATE template0"
    with planted(lab.old, make, "DROP DATABASE icu", "postgres"), \
            planted(lab.new, make, "DROP DATABASE icu", "postgres"):
        assert find_one(lab, "H-COLLATION-STALE", dbname="icu") == []
        assert find_one(lab, "H-COLLATION-VERSION", dbname="icu") == []
        lab.old.psql("UPDATE pg_database SET datcollversion = '1' WHERE datname = 'icu'")
        found = only(find_one(lab, "H-COLLATION-STALE", dbname="icu"), side="old")
        assert found["detail"].startswith("was 1, is ")
        assert "REFRESH COLLATION VERSION" in found["remedy"]


# ---- what takes a restart, or a server of another kind; last, and each restores what it changed ----


@pytest.fixture
def restarted(lab):
    """Restarts new with these settings; with the lab's own at the end."""
    def restart(settings, preload=None):
        close_probers()
        lab.new.stop()
        lab.new.configure(settings)
        if preload:
            os.environ.update(preload)
        try:
            lab.new.start()
        finally:
            for name in preload or {}:
                del os.environ[name]

    yield restart
    restart({})


def test_poor_server(lab, restarted):
    restarted({"wal_level": "replica", "max_wal_senders": "3", "max_logical_replication_workers": "1",
               "max_worker_processes": "2", "max_connections": "50", "max_prepared_transactions": "5",
               "archive_mode": "on", "archive_command": "false"})
    rows = find(lab)
    assert only(rows, id="H-WAL-LEVEL")["detail"] == "is replica"
    assert only(rows, id="H-SENDERS-FULL")["side"] == "new"
    assert {r["object"] for r in rows if r["id"] == "H-WORKERS-FULL"} == {
        "max_logical_replication_workers", "max_worker_processes"}
    assert "200" in only(rows, id="H-MAX-CONNECTIONS")["detail"]
    assert only(find_one(lab, "H-TWO-PHASE-ALLOWED", "src=new"))["detail"] == "is 5"
    with planted(lab.new, "BEGIN; INSERT INTO ledger.trace VALUES (1, 1); PREPARE TRANSACTION 'late'",
                 "ROLLBACK PREPARED 'late'"):
        found = only(find_one(lab, "H-TWO-PHASE"), object="late")
        assert found["refuses"] and "ROLLBACK PREPARED 'late'" in found["remedy"]
    lab.new.psql("SELECT pg_switch_wal()")
    wait_until(lambda: find_one(lab, "H-ARCHIVER"), 20, "the archiver to fail")


def test_jobs(lab, restarted):
    if not os.path.exists("/usr/share/postgresql/15/extension/pg_cron.control"):
        pytest.skip("postgresql-15-cron is not installed")
    restarted({"shared_preload_libraries": "pg_cron, pg_stat_statements", "cron.database_name": "shop"})
    assert only(find_one(lab, "H-PRELOAD"))["object"] == "pg_cron"
    worker = wait_until(lambda: find_one(lab, "H-BACKGROUND-WORKER"), 20, "pg_cron to connect")
    assert only(worker)["object"] == "pg_cron launcher"
    with planted(lab.new, "CREATE EXTENSION pg_cron", "DROP EXTENSION pg_cron"):
        assert find_one(lab, "H-CRON-JOB") == []
        lab.new.psql("SELECT cron.schedule('tidy', '0 3 1 1 *', 'DELETE FROM ledger.trace')", "shop")
        found = only(find_one(lab, "H-CRON-JOB"))
        assert found["detail"] == "as postgres at 0 3 1 1 *" and f"jobid = {found['object']}" in found["remedy"]
        lab.new.psql("UPDATE cron.job SET username = 'shop_app'", "shop")
        assert find_one(lab, "H-CRON-JOB") == []
        found = only(find_one(lab, "H-CRON-JOB-APP"))
        assert found["object"] == "shop_app: DELETE FROM ledger.trace" and found["side"] == "old"


def test_clock_skew(lab, restarted):
    shim = lab.dir / "clock_shim.so"
    shutil.copy(tool("clock_shim.so"), shim)
    shim.chmod(0o755)  # whatever umask it was built with
    shim.chmod(0o755)
    assert find_one(lab, "H-CLOCK-SKEW", "skew=500") == []
    restarted({}, {"LD_PRELOAD": str(shim), "CLOCK_SHIM_MS": "2500"})
    found = only(find_one(lab, "H-CLOCK-SKEW", "skew=500"))
    _, ms, _, direction, *_ = found["detail"].split()
    assert abs(int(ms) - 2500) < 300 and direction == "ahead,"
    found = only(find_one(lab, "H-CLOCK-SKEW", "skew=500", "src=new"))
    assert "behind" in found["detail"] and found["side"] == "old"


def test_copy_and_standby(lab, scratch):
    """A base backup has the same system identifier; while it follows it is a standby."""
    from server import Server, free_port

    home = scratch() / "copy"
    copy = Server(home, free_port(), "copy")
    copy.create()
    shutil.rmtree(copy.data)
    subprocess.run([pg_program("pg_basebackup"), "-D", copy.data, "-R", "-X", "stream", "-c", "fast",
                    "-d", lab.old.conninfo("airlock_repl", "shop", lab.passfile)],
                   cwd=home, check=True, capture_output=True, **as_server_user())
    copy.configure({})
    try:
        copy.start()
        conninfo = copy.conninfo("airlock", "shop", lab.passfile)
        old = lab.old.conninfo("airlock", "shop", lab.passfile)

        with prober(old, conninfo) as pair:
            assert only(pair.ask("id=H-IN-RECOVERY"))["side"] == "new"
            assert only(pair.ask("id=H-SAME-SERVER"))["refuses"]
        with prober(old, old) as pair:
            assert only(pair.ask("id=H-SAME-SERVER"))["refuses"]
        assert find_one(lab, "H-SAME-SERVER") == []
        standby = wait_until(lambda: find_one(lab, "H-STANDBY"), 20, "the standby to stream")
        assert only(standby)["side"] == "old"
    finally:
        copy.stop()


def test_every_hazard_is_planted():
    """A new row of hazards.def without a test fails here."""
    names = subprocess.run([tool("hazards_probe"), "names"], capture_output=True, text=True,
                           check=True).stdout.split()
    with open(__file__, encoding="utf-8") as file:
        source = file.read()
    assert len(names) == len(set(names)) > 60
    missing = [name for name in names if name not in UNPLANTED and f'{name}"' not in source]
    assert missing == []
    assert set(UNPLANTED) < set(names)
