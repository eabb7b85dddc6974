"""`airlock verify`: planted differences of every kind are found, equal sides are equal under load."""

import contextlib
import json
import signal
import subprocess
import threading

import psycopg
import pytest

from conftest import needs_program
from lab import airlock_program
from ledger import Ledger
from server import wait_until

TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN cents AS numeric CHECK (value > -1000000);
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN small_cents AS cents CHECK (value < 1000);
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE kinds (id bigint PRIMARY KEY, gone int, i2 int2, i4 int4, i8 int8, f4 real, f8 float8, n numeric,
  t text, v varchar(20), c char(5), b bytea, u uuid, d date, ts timestamp, tz timestamptz, iv interval,
  j json, jb jsonb, arr int[], rng int4range, m mood, dom cents, p pair, big text, bo bool,
  x xml, tsv tsvector, tsq tsquery, ti time, tiz timetz, mo money, ip inet, net cidr, mac macaddr, bi bit(9), vb varbit,
  pt point, poly polygon, path jsonpath, lsn pg_lsn, nm name, ch "char", ci public.citext, hs public.hstore, nc text COLLATE nocase,
  dom2 small_cents, moods mood[], pairs pair[], fr floats, mr int4multirange, f8s float8[], texts text[][], tzr tstzrange, o oid,
  twice int8 GENERATED ALWAYS AS (i8 * 2) STORED);
ALTER TABLE kinds DROP COLUMN gone;
CREATE TABLE words (w text, n int, note text, PRIMARY KEY (n, w));
CREATE TABLE swapped (w text PRIMARY KEY, v int);
CREATE TABLE bag (a int, b text); ALTER TABLE bag REPLICA IDENTITY FULL;
CREATE TABLE many (id int PRIMARY KEY, v int8, t text);
CREATE TABLE loose (f float8, n numeric, j jsonb, ci public.citext); ALTER TABLE loose REPLICA IDENTITY FULL;
CREATE TABLE made (id int PRIMARY KEY, v int, g int GENERATED ALWAYS AS (v * 2) STORED);
CREATE TABLE hot (id int PRIMARY KEY, v int8);
"""
# The same with other column orders, and a column that was dropped elsewhere.
ON_NEW = TABLES.replace("(w text, n int, note text,", "(note text, n int, w text,").replace(
    "ALTER TABLE kinds DROP COLUMN gone;", "").replace("gone int, ", "")

ROWS = r"""
INSERT INTO kinds (id, i2, i4, i8, f4, f8, n, t, v, c, b, u, d, ts, tz, iv, j, jb, arr, rng, m, dom, p, big, bo,
  x, tsv, tsq, ti, tiz, mo, ip, net, mac, bi, vb, pt, poly, path, lsn, nm, ch, ci, hs, nc, dom2, moods, pairs, fr, mr, f8s, texts, tzr, o)
SELECT g, 1, 1, 1, 0, 0, 1.0, 'a', 'a', 'a', '\x00', '00000000-0000-0000-0000-000000000000', '2026-01-01',
  '2026-01-01', '2026-01-01Z', '1 mon', '{"a":1}', '{"a":1}', '{1,2}', '[1,5)', 'ok', 1.0, '(1,x)',
  (SELECT string_agg(md5((g * 1000 + k)::text), '') FROM generate_series(1, 300) k), true,
  '<a b="1"/>', 'a:1 b:2', 'a & b', '12:00', '12:00+00', 1.5, '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', B'100000000', B'1',
  '(0,1)', '((0,0),(0,1),(1,0))', '$.a', '0/1', 'n', 'x', 'a', 'k=>v', 'a', 1.0, '{sad,ok}', '{"(1,x)","(2,)"}', '[0,1)', '{[1,2),[5,6)}',
  '{0,1}', '{{a,b},{c,NULL}}', '[2026-01-01Z,infinity)', 1 FROM generate_series(1, %d) g;
INSERT INTO words SELECT 'w' || g, g, 'n' FROM generate_series(1, 100) g;
INSERT INTO swapped SELECT 'w' || g, g FROM generate_series(1, 100) g;
INSERT INTO bag SELECT g % 50, 'b' FROM generate_series(1, 200) g;
INSERT INTO loose SELECT 0, 1.0, '{"a":1}', 'a' FROM generate_series(1, 20) g;
INSERT INTO made SELECT g, g FROM generate_series(1, 20) g;
INSERT INTO many SELECT g, g, 'x' FROM generate_series(1, 250000) g;
INSERT INTO hot SELECT g, 0 FROM generate_series(1, 3) g;
ANALYZE;
"""

# What equality overlooks: one row of `kinds` for each.
CHANGES = ["i2 = 0", "i4 = 0", "i8 = 4294967296", "i8 = -2", "f4 = '-0'", "f8 = '-0'", "f8 = 'NaN'", "n = 1.00", "n = 'NaN'",
           "t = 'b'", "v = 'a '", "c = 'b'", "b = '\\x01'", "u = '00000000-0000-0000-0000-000000000001'",
           "d = '2026-01-02'", "ts = '2026-01-01 00:00:00.000001'", "tz = '2026-01-01 00:00:00.000001Z'",
           "iv = '30 days'", "j = '{\"a\": 1}'", "jb = '{\"a\":1.0}'", "arr = '[0:1]={1,2}'", "arr = '{2,1}'", "rng = '[1,6)'",
           "m = 'sad'", "dom = 1.00", "p = '(1,y)'", "big = overlay(big placing 'x' from 5000 for 1)", "bo = false",
           "t = NULL", "t = ''", "t = 'a' || chr(8203)", "big = overlay(big placing 'x' from length(big) for 1)",
           "f4 = 'NaN'", "f8 = 'infinity'", "f8 = 5e-324", "n = 'infinity'", "n = 1.0000000000000000000000000000000000001",
           "tz = 'infinity'", "tz = '-infinity'", "ts = 'infinity'", "d = 'infinity'", "iv = '1 mon 0.000001 sec'",
           "x = '<a b=''1''/>'", "x = '<a  b=\"1\"/>'", "tsv = 'a:1A b:2'", "tsv = 'a:1 b:3'", "tsq = 'a <-> b'", "ti = '12:00:00.000001'",
           "tiz = '13:00+01'", "mo = 1.51", "ip = '10.0.0.1'", "net = '10.0.0.0/9'", "mac = '08:00:2b:01:02:02'", "bi = B'100000001'",
           "vb = B'10'", "pt = '(-0,1)'", "poly = '((0,0),(0,1),(1,1))'", "path = 'strict $.a'", "lsn = '0/2'", "nm = 'N'", "ch = 'X'",
           "ci = 'A'", "hs = 'k=>NULL'", "nc = 'A'", "dom2 = 1.00", "moods = '{ok,sad}'", "pairs = '{\"(1,x)\",\"(2,\\\"\\\")\"}'",
           "fr = '[-0,1)'", "fr = '(0,1)'", "rng = 'empty'", "mr = '{[1,2),[5,7)}'", "f8s = '{-0,1}'", "f8s = '{0,NaN}'",
           "texts = '{{a,b},{c,\"NULL\"}}'", "texts = '{a,b,c,NULL}'", "tzr = '[2026-01-01Z,)'", "o = 2", "p = ROW(NULL, 'x')", "jb = 'null'",
           "j = '{\"a\":1,\"a\":1}'", "b = '\\x0000'", "arr = '{}'", "arr = '{1,NULL}'"]
# Rows of `kinds`: two more than are changed.
ROWS = ROWS.replace("%d", str(len(CHANGES) + 2))


@pytest.fixture(scope="module")
def lab(labs):
    needs_program()
    lab = labs(level=2)
    for server, sql in ((lab.old, TABLES), (lab.new, ON_NEW)):
        server.psql("CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION hstore SCHEMA public; GRANT CREATE ON DATABASE shop TO shop_owner", "shop")
        server.psql("SET ROLE shop_owner;" + sql, "shop")
    lab.old.psql(ROWS, "shop")
    lab.old.psql("GRANT ALL ON hot TO shop_app", "shop")
    done = lab.airlock("sync")
    assert done.returncode == 0, done.stderr
    return lab


def verify(lab, *words, code):
    done = lab.airlock("verify", "--json", *words, timeout=400)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert done.returncode == code, (document["verdict"], document["reason"], found(document), done.stderr)
    assert document["schema"] == "airlock.verify/1"
    return document


def found(document):
    return {t["name"]: t for t in document["tables"]
            if t["different"]}


def plant(lab, sql):
    """On new only, past replication and triggers."""
    lab.new.psql("SET session_replication_role = replica;" + sql, "shop")


METHODS = [pytest.param((), id="server"), pytest.param(("--bytes",), id="bytes")]


@pytest.mark.parametrize("method", METHODS)
def test_equal_at_rest(lab, method):
    document = verify(lab, *method, code=0)
    assert document["verdict"] == "equal" and not found(document)
    rows = {t["name"]: t for t in document["tables"]}
    assert rows["public.many"]["compared"] == 250000 and rows["public.kinds"]["compared"] == len(CHANGES) + 2
    assert rows["public.bag"]["order"] == "multiset" and rows["public.words"]["order"] == "index"
    assert {t["method"] for t in document["tables"]} == {"bytes" if method else "server"}


@pytest.mark.parametrize("method", METHODS)
def test_one_change_of_each_type(lab, method):
    changes = "".join(f"UPDATE kinds SET {change} WHERE id = {i};" for i, change in enumerate(CHANGES, 1))
    plant(lab, "CREATE TABLE public.kept AS SELECT * FROM kinds;" + changes)
    try:
        document = verify(lab, "--table", "kinds", *method, code=7)
    finally:
        columns = [row[0] for row in lab.new.query(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'kinds'::regclass AND attnum > 1"
            " AND NOT attisdropped AND attgenerated = ''", dbname="shop")]
        sets = ", ".join(f"{c} = k.{c}" for c in columns)
        plant(lab, f"UPDATE kinds SET {sets} FROM kept k WHERE k.id = kinds.id; DROP TABLE kept")
    table = document["tables"][0]
    assert table["different"] == len(CHANGES)
    missed = set(range(1, len(CHANGES) + 1)) - {int(k["key"]) for k in table["keys"]}
    assert not missed, [CHANGES[i - 1] for i in missed]
    assert {k["kind"] for k in table["keys"]} == {"differs"}
    assert verify(lab, "--table", "kinds", *method, code=0)["verdict"] == "equal"


@pytest.mark.parametrize("method", METHODS)
def test_rows_missing_extra_and_exchanged(lab, method):
    plant(lab, "DELETE FROM many WHERE id = 77777; INSERT INTO many VALUES (-5, 0, 'x');"
               "UPDATE many SET v = v # 1 WHERE id = 200001;"
               "UPDATE swapped SET v = CASE w WHEN 'w1' THEN 2 ELSE 1 END WHERE w IN ('w1', 'w2');"
               "UPDATE words SET note = 'm' WHERE w = 'w7'; INSERT INTO bag VALUES (7, 'b');"
               "UPDATE bag SET b = 'only here' WHERE ctid = (SELECT ctid FROM bag WHERE a = 9 LIMIT 1)")
    try:
        tables = found(verify(lab, *method, code=7))
    finally:
        plant(lab, "INSERT INTO many VALUES (77777, 77777, 'x'); DELETE FROM many WHERE id = -5;"
                   "UPDATE many SET v = v # 1 WHERE id = 200001; UPDATE swapped SET v = substr(w, 2)::int;"
                   "UPDATE words SET note = 'n'; UPDATE bag SET b = 'b';"
                   "DELETE FROM bag WHERE ctid = (SELECT ctid FROM bag WHERE a = 7 LIMIT 1)")
    named = {name: {(k["key"], k["kind"]) for k in table["keys"]} for name, table in tables.items()}
    assert named["public.many"] == {("77777", "only on old"), ("-5", "only on new"), ("200001", "differs")}
    assert named["public.swapped"] == {("w1", "differs"), ("w2", "differs")}
    assert named["public.words"] == {("7,w7", "differs")}
    assert tables["public.bag"]["different"] == 3  # one more, and one that became another
    if not method:
        assert {k for k, _ in named["public.bag"]} == {"(7,b)", "(9,b)", '(9,"only here")'}
    assert set(tables) == {"public.many", "public.swapped", "public.words", "public.bag"}
    assert verify(lab, *method, code=0)["verdict"] == "equal"


@pytest.mark.parametrize("method", METHODS)
def test_images_count_in_tables_without_a_key(lab, method):
    """Values that are equal to the server, in rows that have no name."""
    plant(lab, "UPDATE loose SET n = 1.00 WHERE ctid = '(0,1)'; UPDATE loose SET f = '-0' WHERE ctid = '(0,2)';"
               "UPDATE loose SET ci = 'A' WHERE ctid = '(0,3)'")
    try:
        (table,) = verify(lab, "--table", "loose", *method, code=7)["tables"]
    finally:
        plant(lab, "UPDATE loose SET n = 1.0, f = '0', ci = 'a'; VACUUM FULL loose")
    assert (table["order"], table["different"]) == ("multiset", 6)  # three are missing, three are too many
    verify(lab, "--table", "loose", *method, code=0)


def test_a_generated_column_that_is_made_otherwise(lab):
    make = "ALTER TABLE made DROP COLUMN g; ALTER TABLE made ADD COLUMN g int GENERATED ALWAYS AS ({}) STORED"
    plant(lab, make.format("v * 2 + (v = 7)::int"))
    try:
        (table,) = verify(lab, "--table", "made", code=7)["tables"]
    finally:
        plant(lab, make.format("v * 2"))
    assert [(key["key"], key["kind"]) for key in table["keys"]] == [("7", "differs")]


def test_equal_under_load(lab, scratch):
    """Live writes, and one row that never rests."""
    writer = subprocess.Popen(
        ["/usr/bin/python3", "-c",
         "import psycopg, sys\n"
         "with psycopg.connect(sys.argv[1], autocommit=True) as c:\n"
         "    while True: c.execute('UPDATE hot SET v = v + 1 WHERE id = 1')", lab.dsn("old", "shop_app")])
    try:
        with Ledger(lab, scratch() / "ledger", clients=8, rate=1000) as ledger:
            ledger.wait_for(500)
            for method in ((), ("--bytes",)):
                document = verify(lab, *method, code=0)
                assert document["verdict"] == "equal"
                assert sum(t["moving"] for t in document["tables"] if t["name"] != "public.hot") == 0
            plant(lab, "UPDATE ledger.entry SET n = -n WHERE (client, seq) = (SELECT client, min(seq)"
                       " FROM ledger.entry GROUP BY 1 LIMIT 1)")
            tables = found(verify(lab, code=7))
            assert set(tables) == {"ledger.entry"} and tables["ledger.entry"]["different"] == 1
            plant(lab, "UPDATE ledger.entry SET n = -n WHERE n < 0")
            ledger.wait_for(100)
    finally:
        writer.kill()
        writer.wait()
    wait_until(lambda: lab.airlock("verify", "--table", "hot").returncode == 0, 20, "equal sides at rest")


@contextlib.contextmanager
def commits_that_wait(lab):
    """One after the other, until one waits for a standby: it is in the log, and on new, and old does not show it."""
    ended = threading.Event()

    def commit():
        with psycopg.connect(lab.dsn("old", "shop_app"), autocommit=True) as conn:
            while not ended.is_set():
                with conn.transaction():
                    conn.execute("UPDATE hot SET v = v + 1 WHERE id = 2")
                    conn.execute("DELETE FROM hot WHERE id > 3")
                    conn.execute("INSERT INTO hot SELECT max(v) + 4, 0 FROM hot WHERE id = 2")

    thread = threading.Thread(target=commit)
    lab.old.psql("INSERT INTO hot VALUES (1000, 0)", "shop")
    lab.old.psql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'; SELECT pg_reload_conf()")
    try:
        thread.start()
        wait_until(lambda: lab.old.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), 20, "a commit")
        yield
    finally:
        ended.set()
        lab.old.psql("ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()")
        thread.join(60)
        lab.old.psql("DELETE FROM hot WHERE id > 3", "shop")


@pytest.mark.parametrize("method", METHODS)
def test_a_commit_that_its_own_server_does_not_show_yet_is_no_difference(lab, method):
    """Where nobody waits for a standby this lasts for a moment; on a busy machine it lasts for two looks."""
    hot = "SELECT * FROM hot ORDER BY id"
    with commits_that_wait(lab):
        wait_until(lambda: lab.old.query(hot, dbname="shop") != lab.new.query(hot, dbname="shop"), 20, "it to be on new")
        (table,) = verify(lab, "--table", "hot", *method, code=0)["tables"]
    assert table["moving"] == 3
    verify(lab, "--table", "hot", *method, code=0)


def start(lab, *words):
    return subprocess.Popen([airlock_program(), "-f", lab.plan, "verify", *words], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_killed_and_gone_on_with(lab):
    """It stops at a lock; what was compared before is not compared again, and differences stay known."""
    plant(lab, "UPDATE words SET note = 'm' WHERE w = 'w7'")
    state = lab.dir / ".airlock" / "verify-orders.json"
    with lab.new.connect("shop", autocommit=False) as blocker:
        blocker.execute("LOCK TABLE words")
        running = start(lab, "--ndjson", "--jobs", "1")
        blocker_waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'public.words'::regclass"
        wait_until(lambda: lab.new.query(blocker_waits, dbname="shop"), 30, "verify to come to the lock")
        wait_until(lambda: state.exists() and many(state)["pieces"][0]["done"], 30, "its place to be kept")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        blocker.rollback()
    try:
        document = verify(lab, code=7)
    finally:
        plant(lab, "UPDATE words SET note = 'n'")
    assert document["resumed"] and set(found(document)) == {"public.words"}
    assert {t["name"]: t["compared"] for t in document["tables"]}["public.many"] == 250000
    assert not state.exists()
    assert not verify(lab, code=0)["resumed"]


def many(state):
    return next(t for t in json.loads(state.read_text())["tables"] if bytes.fromhex(t["name"]) == b"public.many")


def test_stopped_by_a_signal_and_progress(lab):
    with lab.new.connect("shop", autocommit=False) as blocker:
        blocker.execute("LOCK TABLE words")
        running = start(lab, "--ndjson", "--continuous")
        first = json.loads(running.stdout.readline())
        running.send_signal(signal.SIGINT)
        blocker.rollback()
    out, _ = running.communicate(timeout=240)
    assert running.returncode == 130
    assert first["schema"] == "airlock.verify-progress/1" and first["rows"] > 0 and "left_ms" in first
    assert json.loads(out.splitlines()[-1])["verdict"] in ("unknown", "equal")
    verify(lab, code=0)


@pytest.mark.parametrize("side", ["new"])
def test_a_frozen_side_is_unknown(lab, side):
    lab.server(side).sigstop()
    try:
        document = verify(lab, "--table", "many", code=8)
    finally:
        lab.server(side).sigcont()
    assert document["verdict"] == "unknown" and document["reason"]
    wait_until(lambda: lab.airlock("verify", "--table", "many").returncode == 0, 30, "it to answer again")


def test_usage(lab):
    done = lab.airlock("verify", "--table", "nonsense")
    assert done.returncode == 2 and "publishes no table nonsense" in done.stderr
