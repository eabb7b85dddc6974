#!/usr/bin/python3
"""A naive program in Airlock's place, for testing the harness: it can cross, and it can be made to err.

It moves the doors in the right order and knows how to resume when it is alone, but it has no registers
and no guard: a controller that was frozen and wakes up late is not stopped. With NAIVE_BUG it makes one
mistake on purpose. What the kill matrix says about it is known beforehand.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))

from lab import Lab  # noqa: E402
from server import wait_until  # noqa: E402

BUG = os.environ.get("NAIVE_BUG", "")
STEPS = ("seal", "end", "marker", "cut", "sequences", "promote", "turn", "reopen")
GRANTEES = "PUBLIC, shop_owner, shop_app, shop_worker, reporting"
TABLES = ("SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables"
          " WHERE schemaname IN ('public', 'audit', 'ledger')")
OTHER = {"old": "new", "new": "old"}
LINK_FROM = {"old": "naive_f", "new": "naive_r"}  # by publisher


class Naive:
    def __init__(self, lab):
        self.lab = lab

    def sql(self, side, statement, params=None, dbname="shop"):
        return self.lab.server(side).query(statement, params, dbname)

    def one(self, side, statement, params=None, dbname="shop"):
        return self.sql(side, statement, params, dbname)[0][0]

    def is_open(self, side):
        return self.one(side, "SELECT has_database_privilege('shop_app', 'shop', 'CONNECT')")

    def shut(self, side):
        self.sql(side, f"REVOKE CONNECT ON DATABASE shop FROM {GRANTEES}")

    def open(self, side):
        """The door and the position of the way back, in one transaction."""
        with self.lab.server(side).connect(autocommit=False) as conn:
            conn.execute(f"GRANT CONNECT ON DATABASE shop TO {GRANTEES}")
            conn.execute("UPDATE naive SET opened = clock_timestamp(), turned = false,"
                         " wayback = pg_current_wal_insert_lsn()")

    def end(self, side):
        def nobody():
            return not self.sql(side, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                                      " datname = 'shop' AND backend_type = 'client backend'"
                                      " AND usename <> 'postgres'")
        wait_until(nobody, 10, "an empty database")

    def reached(self, source):
        target = self.one(source, "SELECT pg_current_wal_lsn()")
        self.sql(source, "SELECT pg_logical_emit_message(true, 'naive', '')")
        wait_until(lambda: self.one(source, "SELECT coalesce(bool_and(confirmed_flush_lsn > %s), false)"
                                            " FROM pg_replication_slots WHERE slot_name = %s",
                                    (target, LINK_FROM[source])), 10, "the other side")

    def cut(self, source):
        link = LINK_FROM[source]
        self.sql(OTHER[source], f"ALTER SUBSCRIPTION {link} DISABLE")
        wait_until(lambda: not self.one(source, "SELECT active FROM pg_replication_slots"
                                                " WHERE slot_name = %s", (link,)), 10, "a free slot")

    def sequences(self, source):
        for (name,) in self.sql(source, "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'"
                                        " AND relnamespace::regnamespace::text"
                                        " IN ('public', 'audit', 'ledger')"):
            at = self.sql(source, f"SELECT last_value, is_called FROM {name}")[0]
            self.sql(OTHER[source], f"SELECT setval('{name}', %s, %s)", at)

    def turn(self, opened):
        """The way back, once for each opening."""
        shut, link = OTHER[opened], LINK_FROM[opened]
        done, wayback = self.sql(opened, "SELECT turned, wayback FROM naive", dbname="postgres")[0]
        if done or self.one(shut, "SELECT subenabled FROM pg_subscription WHERE subname = %s", (link,)):
            return
        if BUG != "echo":
            self.sql(shut, "SELECT pg_replication_origin_advance('pg_' || oid, %s) FROM pg_subscription"
                           " WHERE subname = %s", (wayback, link))
        self.sql(shut, f"ALTER SUBSCRIPTION {link} ENABLE")
        self.sql(opened, "UPDATE naive SET turned = true", dbname="postgres")

    # -- verbs -----------------------------------------------------------------------------------

    def sync(self):
        for side in OTHER:
            self.sql(side, "CREATE TABLE naive AS SELECT %s AS opened, false AS turned,"
                           " '0/0'::pg_lsn AS wayback".replace("%s", "clock_timestamp()"),
                     dbname="postgres")
            self.sql(side, f"CREATE PUBLICATION naive FOR TABLE {self.one('old', TABLES)}")
        self.sql("old", "UPDATE naive SET turned = true, opened = opened + interval '1 s'",
                 dbname="postgres")
        self.shut("new")
        self.end("new")
        self.sql("new", f"CREATE SUBSCRIPTION naive_f CONNECTION '{self.lab.old.admin_uri('shop')}'"
                        " PUBLICATION naive")
        wait_until(lambda: self.one("new", "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel"),
                   120, "the copy")
        self.sql("new", "SELECT pg_create_logical_replication_slot('naive_r', 'pgoutput')")
        self.sql("old", f"CREATE SUBSCRIPTION naive_r CONNECTION '{self.lab.new.admin_uri('shop')}'"
                        " PUBLICATION naive WITH (create_slot = false, enabled = false,"
                        " copy_data = false)")

    def cross(self, source):
        if not self.is_open(source) or self.is_open(OTHER[source]):
            return 3
        steps = [("seal", lambda: self.shut(source)), ("end", lambda: self.end(source)),
                 ("marker", lambda: self.reached(source)), ("cut", lambda: self.cut(source)),
                 ("sequences", lambda: self.sequences(source)),
                 ("promote", lambda: self.open(OTHER[source])),
                 ("turn", lambda: self.turn(OTHER[source]))]
        skipped = {"impatient": "marker", "sequences": "sequences", "leaky": "end"}.get(BUG)
        if BUG == "early":
            steps.insert(0, steps.pop(5))
        for name, step in steps:
            if name != skipped:
                self.step(name, step)
        return 0

    def resume(self):
        doors = [side for side in OTHER if self.is_open(side)]
        if len(doors) == 1:
            self.turn(doors[0])
            return 0
        if len(doors) == 2:
            return 6
        if BUG == "liar":
            return 0
        last = max(OTHER, key=lambda side: self.one(side, "SELECT opened FROM naive", dbname="postgres"))
        self.step("reopen", lambda: self.reopen(last))
        return 5

    def reopen(self, side):
        self.sql(side, f"GRANT CONNECT ON DATABASE shop TO {GRANTEES}")
        self.sql(OTHER[side], f"ALTER SUBSCRIPTION {LINK_FROM[side]} ENABLE")

    def clean(self):
        for side in OTHER:
            link = LINK_FROM[OTHER[side]]
            self.sql(side, f"ALTER SUBSCRIPTION {link} DISABLE")
            self.sql(side, f"ALTER SUBSCRIPTION {link} SET (slot_name = NONE)")
            self.sql(side, f"DROP SUBSCRIPTION {link}")
        for side in OTHER:
            if BUG != "litter":
                wait_until(lambda side=side: not self.one(
                    side, "SELECT bool_or(active) FROM pg_replication_slots"), 10, "idle slots")
                self.sql(side, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
            self.sql(side, "DROP PUBLICATION naive")
        if not self.is_open("new") and BUG != "locked":
            self.sql("new", f"GRANT CONNECT ON DATABASE shop TO {GRANTEES}")

    def status(self):
        doors = [side for side in OTHER if self.is_open(side)]
        print(json.dumps({"stores": [{"writes": doors[0] if len(doors) == 1 else "unknown"}]}))

    @staticmethod
    def step(name, action):
        point("before:" + name)
        action()
        point("after:" + name)


def point(name):
    if os.environ.get("AIRLOCK_FAILPOINT") == name:
        os.write(int(os.environ["AIRLOCK_FAILPOINT_FD"]), f"{name}\n".encode())
        os.kill(os.getpid(), signal.SIGSTOP)


def main():
    verb = sys.argv[sys.argv.index("--state") + 2] if "--state" in sys.argv else sys.argv[3]
    if verb == "help":
        print("\n".join(STEPS))
        return 0
    if verb == "init-roles":
        return 0
    if verb == "plan":
        print('{"hash": "00"}')
        return 0
    state = Path(sys.argv[sys.argv.index("--state") + 1])
    state.mkdir(exist_ok=True)
    naive = Naive(Lab.open(Path(sys.argv[sys.argv.index("-f") + 1]).parent))
    action = {"sync": naive.sync, "run": lambda: naive.cross("old"),
              "rollback": lambda: naive.cross("new"), "resume": naive.resume, "status": naive.status,
              "finalize": naive.clean, "abandon": naive.clean}[verb]
    began = time.monotonic()
    try:
        return action() or 0
    except Exception as error:  # a server that is away: say so and leave it to resume
        print(f"naive: {verb} after {time.monotonic() - began:.1f} s: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
