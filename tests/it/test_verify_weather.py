"""`airlock verify` while the world moves: a cutover in the middle, sequences, heavy writes, bad networks."""

import json
import re
import signal
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from conftest import crossing_in_sync
from crossing import DONE, OTHER, UNKNOWN
from lab import airlock_program
from ledger import Ledger
from proxy import Proxy
from server import as_server_user, pg_program, wait_until

DIFFERENT = 7
WIDE = """
CREATE TABLE wide (id int PRIMARY KEY, v int8, t text); ALTER TABLE wide OWNER TO shop_owner;
GRANT ALL ON wide TO shop_app; CREATE SEQUENCE down INCREMENT -1; ALTER SEQUENCE down OWNER TO shop_owner;
CREATE SEQUENCE never; ALTER SEQUENCE never OWNER TO shop_owner;
"""


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    def change(lab):
        for server in (lab.old, lab.new):
            server.psql(WIDE, "shop")
        lab.old.psql("INSERT INTO wide SELECT g, g, repeat('x', 20) FROM generate_series(1, 300000) g;"
                     "SELECT nextval('down'), nextval('down'); ANALYZE", "shop")
    return crossing_in_sync(labs, scratch, change=change)


@pytest.fixture
def proxied(crossing, scratch):
    """A plan that reaches one side through a proxy; verify on it."""
    @contextmanager
    def make(side, **weather):
        server = crossing.lab.server(side)
        with Proxy(server.port, **weather) as proxy:
            plan = scratch() / "airlock.yaml"
            plan.write_text(crossing.lab.plan.read_text().replace(
                f"port={server.port} ", f"port={proxy.port} "))
            yield proxy, Verify(plan, scratch() / "state")
    return make


class Verify:
    """The command on another plan file, with a state directory of its own."""

    def __init__(self, plan, state):
        self.place = state / "verify-orders.json"
        self.command = [airlock_program(), "-f", plan, "--state", state, "verify", "--json", "--jobs", "1"]

    def start(self, *words):
        return subprocess.Popen([*self.command, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def call(self, *words):
        return finished(self.start(*words))

    def wait_compared(self):
        """Until some of the rows are compared."""
        wait_until(lambda: self.place.exists() and
                   any(table["compared"] for table in json.loads(self.place.read_text() or "{}").get("tables", [])),
                   60, "rows to be compared")


def finished(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, json.loads(out), err


def verify(crossing, code):
    return crossing.call("verify", "--json").require(code).json()


def sequences(document):
    (row,) = document["sequences"]
    return row


def setval(server, name, value):
    server.query("SELECT setval(%s::regclass, %s)", (name, value), dbname="shop")


def plant(server, sql):
    """As if replication had done it: a local change behind a shut door would be found by the audit."""
    server.psql("SELECT pg_replication_origin_create('planted') WHERE NOT EXISTS"
                " (SELECT FROM pg_replication_origin WHERE roname = 'planted');"
                "SELECT pg_replication_origin_session_setup('planted');"
                "SET session_replication_role = replica;" + sql, "shop")


# -- sequences -------------------------------------------------------------------------------------


def test_behind_is_expected_and_ahead_is_harmless_before_the_first_cutover(crossing):
    row = sequences(verify(crossing, DONE))
    assert row["behind"] > 0 and (row["ahead"], row["different"]) == (0, 0)
    setval(crossing.lab.new, "never", 1000)
    done = crossing.call("verify").require(DONE)
    assert "behind on new, the shut side, as they should be" in done.out
    assert "1 of" in done.out and "ahead on new" in done.out


def test_a_sequence_that_would_give_numbers_again_is_a_difference(crossing):
    """After a cutover the side that is open now must be past the other, whichever way it counts."""
    lab = crossing.lab
    crossing.cross("forward")
    row = sequences(verify(crossing, DONE))
    assert row["different"] == 0
    (up,), (down,) = (lab.old.query(f"SELECT last_value FROM {name}", dbname="shop")[0]
                      for name in ("ledger.entry_ident_seq", "down"))
    before = lab.new.query("SELECT last_value FROM down", dbname="shop")[0][0]
    setval(lab.old, "ledger.entry_ident_seq", up + 5)  # it has handed out some
    setval(lab.new, "ledger.entry_ident_seq", up)
    setval(lab.new, "down", down + 1)
    row = sequences(verify(crossing, DIFFERENT))
    told = crossing.call("verify").require(DIFFERENT)
    setval(lab.new, "ledger.entry_ident_seq", up + 5)
    setval(lab.new, "down", before)
    assert row["different"] == 2
    assert {key["key"] for key in row["keys"]} == {"ledger.entry_ident_seq", "public.down"}
    assert f"sequence public.down: new stands at {down + 1}, but old has handed out {down}" in told.out
    assert "setval it on new" in told.out
    assert sequences(verify(crossing, DONE))["different"] == 0


def test_the_direction_of_sequences_turns_with_a_rollback(crossing):
    """`never` was set far ahead on new while it was shut; old passed it in the window of the rollback."""
    lab = crossing.lab
    crossing.cross("rollback")
    assert sequences(verify(crossing, DONE))["different"] == 0
    (last,) = lab.new.query("SELECT last_value FROM down", dbname="shop")[0]
    setval(lab.new, "down", last - 1000)  # as if new had gone on after its door was shut
    row = sequences(verify(crossing, DIFFERENT))
    assert [key["key"] for key in row["keys"]] == ["public.down"]
    setval(lab.new, "down", last)


def test_sequences_are_not_judged_when_nobody_says_which_side_is_open(crossing, scratch):
    """They were read, and then no register answered: whether the right side was judged is not known."""
    lab = crossing.lab
    command = Verify(lab.plan, scratch() / "state")
    with lab.old.connect("shop", autocommit=False) as blocker:
        blocker.execute("SET session_replication_role = replica")  # the freeze of the schema does not see it
        blocker.execute("ALTER SEQUENCE down RENAME TO hidden")
        running = command.start()
        wait_until(lambda: lab.old.query("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'down'::regclass",
                                         dbname="shop"), 60, "verify to come to the sequences")
        lab.old.psql("ALTER TABLE airlock.register RENAME TO hidden", "airlock")
        blocker.rollback()
    try:
        code, document, _ = finished(running)
    finally:
        lab.old.psql("ALTER TABLE airlock.hidden RENAME TO register", "airlock")
    assert code not in (DONE, DIFFERENT) and document["verdict"] == "unknown" and document["reason"], document
    assert command.call()[0] == DONE


# -- a cutover in the middle -----------------------------------------------------------------------


def control_sessions(lab):
    """Who is in the old side's control database, and when each asked last."""
    return lab.old.query("SELECT pid, query_start::text FROM pg_stat_activity WHERE datname = 'airlock'")


@pytest.mark.parametrize("when, planted", [("columns", False), ("table", True)])
def test_a_cutover_while_it_runs(crossing, proxied, when, planted):
    """Verify stands in the middle of a table, or before it, while both doors change; then it goes on, the other way
    round."""
    lab = crossing.lab
    (side,), verb = crossing.open_sides(), crossing.next_direction()
    other = OTHER[side]
    if planted:
        plant(lab.server(other), "UPDATE wide SET v = -1 WHERE id = 299999; INSERT INTO wide VALUES (-5, 5, 'x')")
    with proxied("new", delay=0.05) as (proxy, command):
        running = command.start("--table", "wide")
        if when == "columns":
            proxy.wait_carried(1500)
        else:
            command.wait_compared()
        proxy.pause()
        crossing.call("resume").require(DONE)
        crossing.call(*crossing.moved(verb)).require(DONE)
        assert running.poll() is None  # it was in the middle, all the time
        proxy.resume()
        code, document, err = finished(running)
    crossing.call("resume").require(DONE)
    (store,) = document["stores"]
    assert (store["open"], store["crossed"]) == (other, True), (code, document["reason"])
    (table,) = document["tables"]
    if not planted:
        assert (code, document["verdict"], table["compared"]) == (DONE, "equal", 300000), (document, err)
        return
    assert (code, table["different"]) == (DIFFERENT, 2), document
    assert {(k["key"], k["kind"]) for k in table["keys"]} == {("-5", f"only on {other}"), ("299999", "differs")}
    lab.server(other).psql("UPDATE wide SET v = id WHERE id = 299999; DELETE FROM wide WHERE id = -5", "shop")
    assert verify(crossing, DONE)["verdict"] == "equal"


def test_one_that_begins_in_a_window_waits_for_a_side_to_open(crossing, scratch):
    verb = crossing.next_direction()
    command = Verify(crossing.lab.plan, scratch() / "state")
    crossing.call("resume").require(DONE)
    with crossing.start(*crossing.moved(verb), failpoint="before:promote") as moving:
        assert moving.await_failpoint(60)
        others, looks = {pid for pid, _ in control_sessions(crossing.lab)}, set()
        running = command.start("--table", "wide")

        def looked_again():
            looks.update(look for look in control_sessions(crossing.lab) if look[0] not in others)
            return running.poll() is not None or len(looks) > 2

        wait_until(looked_again, 60, "it to look at the registers more than once")
        moving.signal(signal.SIGCONT)
        code, document, _ = finished(running)
        moving.wait(60).require(DONE)
    assert (code, document["verdict"]) == (DONE, "equal"), document["reason"]
    crossing.call("resume").require(DONE)


def test_there_and_back_under_load_while_it_goes_on(crossing, scratch):
    """Never anything but equal, through crossings in both directions."""
    answers, ended = [], threading.Event()

    def compare():
        while not ended.is_set():
            answers.append(crossing.call("verify", "--json", state=crossing.dir / "verify-state"))

    with Ledger(crossing.lab, scratch() / "ledger", clients=8, rate=500, start=crossing.open_sides()[0]) as ledger:
        thread = threading.Thread(target=compare)
        thread.start()
        try:
            for _ in range(2):
                ledger.wait_for(200)
                verb = crossing.next_direction()
                crossing.call("resume").require(DONE)
                crossing.call(*crossing.moved(verb)).require(DONE)
            ledger.wait_for(200)
        finally:
            ended.set()
            thread.join()
    assert len(answers) > 1
    assert [(a.code, a.out, a.err) for a in answers if a.code != DONE] == []
    assert {a.json()["verdict"] for a in answers} == {"equal"}
    crossing.call("resume").require(DONE)


# -- heavy writes ----------------------------------------------------------------------------------

WRITES = """\\set id random(1, 300000)
\\set kind random(1, 10)
\\if :kind = 1
DELETE FROM wide WHERE id = :id;
\\elif :kind <= 3
INSERT INTO wide VALUES (:id, :id, 'again') ON CONFLICT (id) DO UPDATE SET v = wide.v - 1;
\\else
UPDATE wide SET v = v + 1 WHERE id = :id;
\\endif
"""


def written(server):
    server.query("SELECT pg_stat_force_next_flush()", dbname="shop")
    return server.query("SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables"
                        " WHERE relname = 'wide'", dbname="shop")[0][0]


def test_none_reported_on_equal_sides_under_writes(crossing, scratch, long_run):
    """As many as two processors give for 5 s; with --long 60 s, and no fewer than 2,000 a second."""
    (side,), seconds = crossing.open_sides(), 60 if long_run else 5
    server, script = crossing.lab.server(side), scratch() / "writes.sql"
    script.write_text(WRITES)
    began, before, reports = time.monotonic(), written(server), []
    load = subprocess.Popen(
        [pg_program("pgbench"), "-n", "-f", script, "-c", "4", "-j", "2", "-M", "prepared",
         "-R", "2600" if long_run else "2200", "-T", str(seconds + 3),
         server.admin_uri("shop")],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **as_server_user())
    try:
        while time.monotonic() - began < seconds:
            reports.append(verify(crossing, DONE))
    finally:
        out, _ = load.communicate(timeout=60)
    count, took = written(server) - before, time.monotonic() - began
    print(f"{count} writes in {took:.1f} s, {count / took:.0f}/s, {len(reports)} comparisons; {out.splitlines()[-1]}")
    assert load.returncode == 0, out
    assert {report["verdict"] for report in reports} == {"equal"}
    assert sum(table["different"] for report in reports for table in report["tables"]) == 0
    rate = count / (seconds + 3)
    assert rate >= (2000 if long_run else 200), (rate, out)


# -- bad networks ----------------------------------------------------------------------------------


def test_a_slow_side_is_only_slow(proxied):
    with proxied("new", delay=0.03, per_second=400_000) as (_, command):
        code, document, err = command.call("--table", "wide")
    assert (code, document["verdict"]) == (DONE, "equal"), err


def test_connections_that_are_reset_are_opened_again(proxied):
    with proxied("new", delay=0.01) as (proxy, command):
        running = command.start("--table", "wide")
        for _ in range(2):
            proxy.wait_carried(1500)
            proxy.reset()
        code, document, err = finished(running)
    assert (code, document["verdict"]) == (DONE, "equal"), (document, err)


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_side_that_is_gone_for_good_is_unknown_and_gone_on_with(crossing, proxied, side):
    ((rows,),) = crossing.lab.server(side).query("SELECT count(*) FROM wide", dbname="shop")
    with proxied(side, delay=0.05) as (proxy, command):
        running = command.start("--table", "wide")
        command.wait_compared()
        proxy.refuse()
        code, document, err = finished(running)
        assert (code, document["verdict"]) == (UNKNOWN, "unknown"), (document, err)
        assert re.search(rf"\b{side}\b", document["reason"]) and "Connection refused" in document["reason"]
        assert "the same command goes on" in err
        (table,) = document["tables"]
        assert 0 < table["compared"] < rows and not table["done"]
        proxy.come_back()
        code, document, err = command.call("--table", "wide")
    assert (code, document["verdict"], document["resumed"]) == (DONE, "equal", True), (document, err)
