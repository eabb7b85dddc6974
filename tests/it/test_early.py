"""Reporting reads new before it is promoted: `early_reader`. The door stays shut to whoever could write, which is
proven by what new's catalogs say and tried here in every way that there is."""

import json
import signal
import threading

import psycopg
import pytest
from psycopg import errors

from conftest import crossing_in_sync
from crossing import DONE, REFUSED
from ledger import Ledger, verify
from server import wait_until
from service import Service

READER = "reporting"
DECLARED = '  - {from: reports, to: orders, because: "may read old for a while", at_most: 30m}\n'

# A definer function of the owner's, and one of a superuser's, that say they only read.
DEFINERS = """\
CREATE FUNCTION public.count_me() RETURNS void LANGUAGE sql SECURITY DEFINER AS
$$ INSERT INTO ledger.trace VALUES (80, 1) $$;
CREATE FUNCTION public.outer_one() RETURNS void STABLE LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN PERFORM public.count_me(); END $$;
ALTER FUNCTION public.count_me() OWNER TO shop_owner;
REVOKE EXECUTE ON FUNCTION public.count_me(), public.outer_one() FROM PUBLIC;
"""


def declare(lab, reader=READER, move=None):
    """The service reads new early, and so nothing of it crosses that would have to be declared."""
    text = lab.plan.read_text()
    assert DECLARED in text and "tier: read-only, reads" in text
    lab.plan.write_text(text.replace(DECLARED, "").replace(
        "tier: read-only, reads",
        f"tier: read-only, early_reader: {reader},{f' move: {move},' if move else ''} reads"))


def prepare(lab):
    # As most databases have it: the reader comes in with PUBLIC, by no grant of its own.
    lab.new.psql(f"SET ROLE shop_owner; REVOKE CONNECT ON DATABASE shop FROM {READER}")
    for server in lab.servers:
        server.psql(DEFINERS, "shop")
    declare(lab, move=Service(lab, "reports").move())


class World:
    def __init__(self, labs, scratch):
        self.found = None
        self.crossing = crossing_in_sync(labs, scratch, change=self._prepare)
        self.lab = self.crossing.lab
        self.service = Service(self.lab, "reports")

    def _prepare(self, lab):
        prepare(lab)
        self.found = rights_of_public(lab)

    def reader(self, **kwargs):
        return psycopg.connect(self.lab.dsn("new", READER), autocommit=True, connect_timeout=40, **kwargs)

    def may_enter(self, side, role=READER):
        try:
            self.reader_of(side, role).close()
            return True
        except psycopg.OperationalError as refused:
            assert "permission denied for database" in str(refused)
            return False

    def reader_of(self, side, role):
        return psycopg.connect(self.lab.dsn(side, role), connect_timeout=40)

    def rights_gate(self):
        return self.crossing.call("check", "--gate", "rights", "--json").require(DONE, REFUSED).json()


def rights_of_public(lab):
    """What admission may change on new, by meaning: who may CONNECT and TEMPORARY, and which large object
    functions PUBLIC may call."""
    acl = lab.new.query(
        "SELECT coalesce(g.rolname, 'PUBLIC'), a.privilege_type FROM pg_database d,"
        " aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a LEFT JOIN pg_roles g ON g.oid = a.grantee"
        " WHERE d.datname = 'shop' AND coalesce(g.rolname, '') !~ '^airlock'")
    functions = lab.new.query(
        "SELECT f.oid::regprocedure::text FROM pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a"
        " WHERE f.proname ~ '^lo' AND f.pronamespace = 'pg_catalog'::regnamespace AND a.grantee = 0", dbname="shop")
    return sorted(acl), sorted(functions)


@pytest.fixture(scope="module")
def world(labs, scratch):
    """In sync, old is open, and new is shut to all but the reader."""
    return World(labs, scratch)


def test_the_plan_says_that_it_is_meant(world):
    plan = world.crossing.call("plan", "--json").require(DONE).json()
    names = [wave["members"] for wave in plan["waves"]]
    at = {name: n for n, members in enumerate(names) for name in members}
    assert at["reports"] < at["orders"], names
    early = [c for wave in plan["waves"] for c in wave["crossings"] if c["from"] == "reports"]
    assert early and all(c["intended"] and c["early_reader"] == READER and c["because"] is None for c in early)
    text = " ".join(world.crossing.call("plan").require(DONE).out.split())
    assert "reports -> orders, meant: reads new before promotion as reporting, data as old as the lag" in text
    why = " ".join(world.crossing.call("plan", "--why", "reports").require(DONE).out.split())
    assert "reads new as reporting before its stores are promoted, data as old as the lag" in why


def test_new_is_shut_to_all_but_the_reader(world):
    assert world.crossing.open_sides() == ["old"]
    for role in ("shop_owner", "shop_app", "shop_worker", "shop_deploy", "airlock_probe"):
        assert not world.may_enter("new", role), role
    with world.reader() as conn:
        assert conn.execute("SELECT count(*) > 0 FROM orders").fetchone()[0]
        status = world.crossing.status()
        assert status["writes"] == "old"
        assert status["early_readers"] == [{"role": READER, "sessions": 1}]
        assert f"watched: {READER} reads new before promotion, 1 session\n" in world.crossing.call("status").out
        laws = " ".join(world.crossing.call("check", "--gate", "rights").require(DONE).out.split())
        assert f"1 new watched {READER} reads it before promotion, 1 session(s) now" in laws
        assert f"watched: {READER} reads new before promotion" in laws


WRITES = [
    "INSERT INTO ledger.trace VALUES (81, 1)",
    "UPDATE customers SET name = name",
    "DELETE FROM ledger.trace",
    "TRUNCATE ledger.trace",
    "MERGE INTO ledger.trace t USING (VALUES (81)) v(c) ON t.client = v.c WHEN NOT MATCHED THEN INSERT VALUES (81, 1)",
    "SELECT * FROM orders LIMIT 1 FOR UPDATE",
    "DO $$ BEGIN LOCK TABLE orders IN ROW EXCLUSIVE MODE; END $$",
    "COPY ledger.trace FROM STDIN",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "SELECT nextval('invoice_numbers')",
    "SELECT setval('invoice_numbers', 1)",
    "CREATE TABLE public.mine (a int)",
    "CREATE TEMP TABLE mine (a int)",
    "SELECT 1 AS a INTO TEMP mine",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION hstore",
    "CREATE PUBLICATION mine",
    "SELECT lo_creat(-1)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT lo_unlink(1)",
    "SELECT lo_import('/etc/hostname')",
    "SELECT lowrite(0, 'x')",
    "SELECT lo_truncate(0, 0)",
    "SELECT public.count_me()",
    "SELECT public.outer_one()",
    "SET ROLE shop_owner",
    "SET ROLE airlock",
    "SET SESSION AUTHORIZATION shop_app",
    "DO $$ BEGIN INSERT INTO ledger.trace VALUES (81, 2); END $$",
    "WITH w AS (INSERT INTO ledger.trace VALUES (81, 3) RETURNING 1) SELECT * FROM w",
    "COMMENT ON TABLE orders IS 'mine'",
    "ALTER DATABASE shop SET work_mem = '1GB'",
    "ALTER TABLE orders SET (fillfactor = 50)",
    "SELECT pg_create_logical_replication_slot('mine', 'test_decoding')",
    "SELECT pg_replication_origin_create('mine')",
    "SELECT airlock.guard_move('lab-shop', 'orders', 0, 'idle', 1, 'held')",
    "SELECT airlock_dba.large_objects_withhold()",
]


def test_it_cannot_write_in_any_way(world):
    found = world.crossing.world("new")
    with world.reader() as conn:
        # None of it rests on a setting, which any session overrides.
        conn.execute("SET default_transaction_read_only = off")
        for statement in WRITES:
            with pytest.raises(psycopg.Error) as refused:
                with conn.cursor() as cursor:
                    if statement.startswith("COPY ledger"):
                        with cursor.copy(statement) as copy:
                            copy.write(b"81\t4\n")
                    else:
                        cursor.execute(statement)
            assert isinstance(refused.value, errors.InsufficientPrivilege), (statement, refused.value)
        # What nobody can be kept from, and what changes nothing but a warning.
        conn.execute("GRANT SELECT ON orders TO shop_app, PUBLIC")
        conn.execute("NOTIFY anybody, 'hello'")
        conn.execute("SELECT pg_advisory_lock(1), txid_current()")
        conn.execute("SELECT pg_logical_emit_message(true, 'mine', 'x')")
    assert world.lab.new.query("SELECT count(*) FROM ledger.trace WHERE client IN (80, 81)", dbname="shop") == [(0,)]
    assert world.crossing.world("new") == found
    gate = world.crossing.call("check", "--gate", "audit", "--json").require(DONE).json()["gates"][0]
    assert gate["state"] == "pass", gate


# What is granted on new, by whom, and what the gate says of it.
RIGHTS = [
    ("GRANT INSERT ON ledger.trace TO reporting", "reporting has INSERT on ledger.trace"),
    ("GRANT UPDATE (name) ON customers TO reporting", "reporting has UPDATE on column name of public.customers"),
    ("GRANT DELETE ON orders TO PUBLIC", "PUBLIC has DELETE on public.orders"),
    ("GRANT USAGE ON SEQUENCE invoice_numbers TO reporting", "reporting has USAGE on public.invoice_numbers"),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC", "PUBLIC has CREATE on schema public"),
    ("GRANT CREATE ON DATABASE shop TO reporting", "reporting has CREATE on database shop"),
    ("GRANT TEMPORARY ON DATABASE shop TO reporting", "reporting has TEMPORARY on database shop"),
    ("GRANT TEMPORARY ON DATABASE shop TO PUBLIC", "PUBLIC has TEMPORARY on database shop"),
    ("GRANT EXECUTE ON FUNCTION lo_creat(integer) TO PUBLIC", "PUBLIC may call lo_creat(integer)"),
    ("GRANT EXECUTE ON FUNCTION public.count_me() TO reporting",
     "reporting may call public.count_me() with the rights of its owner shop_owner"),
    ("GRANT EXECUTE ON FUNCTION public.outer_one() TO PUBLIC",
     "PUBLIC may call public.outer_one() with the rights of its owner postgres"),
    ("GRANT SELECT ON orders TO reporting WITH GRANT OPTION", "reporting has SELECT on public.orders"),
    ("ALTER ROLE reporting REPLICATION", "reporting has REPLICATION"),
    ("ALTER ROLE reporting CREATEROLE", "reporting has CREATEROLE"),
    ("GRANT pg_write_all_data TO reporting", "it is a member of pg_write_all_data"),
    ("CREATE ROLE editor NOINHERIT; GRANT INSERT ON ledger.trace TO editor; GRANT editor TO reporting",
     "editor has INSERT on ledger.trace"),
    ("GRANT shop_owner TO reporting", "shop_owner owns "),
    ("CREATE ROLE editors; GRANT shop_worker TO editors; GRANT editors TO reporting",
     "shop_worker has TEMPORARY on database shop"),
    ("CREATE TABLE public.his (a int); ALTER TABLE public.his OWNER TO reporting", "reporting owns table public.his"),
]
AFTERWARDS = {
    "CREATE ROLE editors": "DROP ROLE editors",
    "CREATE ROLE editor ": "DROP OWNED BY editor; DROP ROLE editor",
    "CREATE TABLE public.his": "DROP TABLE public.his",
    "GRANT SELECT ON orders": "GRANT SELECT ON orders TO reporting",
}


@pytest.mark.parametrize("grant,told", RIGHTS, ids=[told for _, told in RIGHTS])
def test_whoever_could_write_is_refused_with_what_mends_it(world, grant, told):
    new = world.lab.new
    if "TABLE public.his" in grant:
        grant = f"ALTER EVENT TRIGGER airlock_freeze DISABLE; {grant}; ALTER EVENT TRIGGER airlock_freeze ENABLE"
    new.psql("SET client_min_messages = error;" + grant, "shop")
    gate = world.rights_gate()["gates"][0]
    try:
        assert gate["state"] == "fail" and f"{READER}, an early reader, could write on new: {told}" in gate["evidence"]
        if "CREATE TABLE" not in grant:
            new.psql(gate["remedy"].removeprefix("On new, and on old where it is the same there: "), "shop")
            assert world.rights_gate()["gates"][0]["state"] == "pass"
    finally:
        for what, undo in AFTERWARDS.items():
            if what in grant:
                new.psql("ALTER EVENT TRIGGER airlock_freeze_drop DISABLE;" + undo
                         + ";ALTER EVENT TRIGGER airlock_freeze_drop ENABLE", "shop")
    assert world.rights_gate()["gates"][0]["state"] == "pass"


def test_the_harm_without_the_proof(world):
    """A right to write that slipped in is a write behind the shut door; no run goes on with it."""
    lab = world.lab
    for server in lab.servers:
        server.psql("GRANT INSERT ON ledger.trace TO reporting", "shop")
    with world.reader() as conn:
        conn.execute("INSERT INTO ledger.trace VALUES (82, 1)")
    assert lab.new.query("SELECT count(*) FROM ledger.trace WHERE client = 82", dbname="shop") == [(1,)]
    assert lab.old.query("SELECT count(*) FROM ledger.trace WHERE client = 82", dbname="shop") == [(0,)]
    refused = world.crossing.call(*world.crossing.moved("forward")).require(REFUSED)
    assert "gate rights" in refused.err and "REVOKE INSERT ON TABLE ledger.trace FROM reporting" in refused.err
    assert world.crossing.open_sides() == ["old"] and world.service.side() == "old"
    # Taken back by hand, as the audit gate asks; then the log behind the door is given up with a new sync.
    for server in lab.servers:
        server.psql("REVOKE INSERT ON ledger.trace FROM reporting", "shop")
    world.crossing.call("abandon").require(DONE)
    assert rights_of_public(lab) == world.found
    lab.new.psql("DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND"
                 " relnamespace::regnamespace::text IN ('public', 'audit', 'ledger') LOOP"
                 " EXECUTE format('TRUNCATE %s CASCADE', t); END LOOP; END $$", "shop")
    # With it there, sync does not even begin.
    lab.new.psql("GRANT INSERT ON ledger.trace TO reporting", "shop")
    before = [world.crossing.world(side) for side in ("old", "new")]
    assert "could write there" in world.crossing.call("sync").require(REFUSED).err
    assert [world.crossing.world(side) for side in ("old", "new")] == before
    lab.new.psql("REVOKE INSERT ON ledger.trace FROM reporting", "shop")
    world.crossing.prepare()
    assert world.may_enter("new")


def test_a_right_that_comes_after_the_check_ends_the_attempt_before_the_hold(world):
    """Checked again right before the hold, when the gates have long passed."""
    crossing, lab = world.crossing, world.lab
    with crossing.start(*crossing.moved("forward"), failpoint="before:arm") as running:
        assert running.await_failpoint(60)
        lab.new.psql("GRANT INSERT ON ledger.trace TO reporting", "shop")
        running.signal(signal.SIGCONT)
        done = running.wait(120)
    assert done.code == REFUSED and "could write there" in done.out + done.err
    assert crossing.open_sides() == ["old"]
    lab.new.psql("REVOKE INSERT ON ledger.trace FROM reporting", "shop")
    crossing.call("resume").require(DONE)


def test_somebody_who_would_come_in_with_it_is_refused(world):
    """A member of the reader's role would have its CONNECT too."""
    lab, crossing = world.lab, world.crossing
    lab.new.psql("GRANT reporting TO shop_legacy")
    assert not crossing.admits("new")
    done = crossing.call("sync").require(REFUSED)
    assert "a client role may still connect" in done.err
    lab.new.psql("REVOKE reporting FROM shop_legacy")
    crossing.prepare()


class Reading:
    """One session on new that reads all the time, and never connects again."""

    def __init__(self, world):
        self.conn = world.reader()
        self.pid = self.conn.info.backend_pid
        self.seen, self.trouble, self._stop = [], None, threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self):
        try:
            while not self._stop.is_set():
                self.seen.append(self.conn.execute("SELECT sum(n) FROM ledger.counter").fetchone()[0] or 0)
        except psycopg.Error as trouble:
            self.trouble = trouble

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)
        self.conn.close()

    def wait_for_more(self, seconds=30):
        """It sees what was written after now."""
        before = self.seen[-1] if self.seen else 0
        wait_until(lambda: self.trouble or (self.seen and self.seen[-1] > before), seconds, "newer data on new")
        assert self.trouble is None


def test_it_reads_through_the_cutover_and_is_shut_out_by_the_way_back(world, scratch):
    lab, crossing = world.lab, world.crossing
    place = scratch()
    ledger = Ledger(lab, place / "ledger", clients=8, rate=400)
    with ledger, Reading(world) as reading:
        ledger.wait_for(200)
        reading.wait_for_more()
        assert crossing.open_sides() == ["old"]
        crossing.call(*crossing.moved("forward")).require(DONE)
        assert crossing.open_sides() == ["new"] and world.service.side() == "new"
        reading.wait_for_more()
        assert lab.new.query("SELECT usename FROM pg_stat_activity WHERE pid = %s", (reading.pid,)) == [(READER,)]
        assert reading.seen == sorted(reading.seen)
        # Once open, admission is as it was before anything began, the functions too.
        assert rights_of_public(lab) == world.found
        assert crossing.status()["early_readers"] == []
        page = json.loads(crossing.call("report", "--json").require(DONE).out)
        overlap = [o for o in page["overlaps"] if o["from"] == "reports"]
        assert overlap and all(o["intended"] and o["early"] and o["because"] is None for o in overlap)
        assert f"watched: {READER} reads new before promotion" in json.dumps(page["gates"])
        wait_until(lambda: crossing.call("resume").code == DONE, 60, "the way back to have caught up")
        crossing.call(*crossing.moved("rollback")).require(DONE)
        wait_until(lambda: reading.trouble, 30, "the seal to end the reader's session")
        assert isinstance(reading.trouble, psycopg.OperationalError)  # with or without the server's word
        ledger.wait_for(200)
    verify(lab, place / "ledger", "old", both_seconds=60)
    # New is shut to everybody until somebody moves that way again.
    assert crossing.open_sides() == ["old"] and not world.may_enter("new")
    assert world.service.side() == "old" and crossing.status()["early_readers"] == []


def test_what_the_plan_no_longer_names_is_shut_out(world):
    lab, crossing = world.lab, world.crossing
    crossing.prepare()
    with world.reader() as conn:
        conn.execute("SELECT 1")
        text = lab.plan.read_text()
        lab.plan.write_text(text.replace(f"early_reader: {READER}, ", "").replace("overlap:\n", "overlap:\n" + DECLARED))
        gate = world.rights_gate()["gates"][0]
        assert gate["state"] == "fail" and "the plan does not name it" in gate["evidence"]
        crossing.prepare()
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    assert not world.may_enter("new") and crossing.open_sides() == ["old"]
    assert world.rights_gate()["gates"][0]["state"] == "pass"
    lab.plan.write_text(text)
    crossing.prepare()
    # Asked for again in vain: sync ends nobody whom it let in.
    with world.reader() as conn:
        crossing.prepare()
        conn.execute("SELECT 1")


def test_a_controller_that_dies_leaves_nothing_withheld(world):
    """TEMPORARY comes back with the door, by the same transaction; the large objects' functions with `resume`."""
    lab, crossing = world.lab, world.crossing
    with crossing.start(*crossing.moved("forward"), failpoint="after:promote") as running:
        assert running.await_failpoint(60)
        assert rights_of_public(lab)[0] == world.found[0] and rights_of_public(lab)[1] != world.found[1]
        running.signal(signal.SIGKILL)
        running.wait(10)
    crossing.call("resume").require(DONE)
    assert crossing.open_sides() == ["new"] and rights_of_public(lab) == world.found


def test_finalize_leaves_the_rights_as_they_were(world):
    lab, crossing = world.lab, world.crossing
    crossing.call("finalize", "--approve", crossing.hash()).require(DONE)
    assert crossing.open_sides() == ["new"] and world.may_enter("new") and not world.may_enter("old")
    assert rights_of_public(lab) == world.found
