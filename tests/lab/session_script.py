#!/usr/bin/python3
"""session_script.py DSN SEED STEPS: a session that relies on its state at every step, and prints what
it sees. The same seed prints the same, however the connection is carried."""

import random
import sys

import psycopg
from psycopg.sql import quote

SETTINGS = {
    "search_path": ("public", "ledger, public", '"$user", public'),
    "statement_timeout": ("0", "30s", "1min"),
    "DateStyle": ("ISO, DMY", "SQL, MDY", "German"),
    "TimeZone": ("UTC", "Europe/Berlin", "Asia/Tokyo"),
    "work_mem": ("1MB", "7MB"),
    "application_name": ("first", "the second", "d'oh \\ \"3\""),
    "extra_float_digits": ("0", "2"),
    "client_min_messages": ("notice", "warning"),
    "bytea_output": ("hex", "escape"),
}
LISTS = ("search_path", "DateStyle")
STATEMENTS = (
    "SELECT $1::int + {}",
    "SELECT $1::text || '{}'",
    "SELECT ($1::date + {})::text",
    "SELECT count(*) + {} FROM products WHERE id < $1",
    "SELECT $1::float8 / {}",
)


class Script:
    def __init__(self, dsn, seed):
        self.random = random.Random(seed)
        self.conn = psycopg.connect(dsn, autocommit=True, prepare_threshold=None)
        self.conn.add_notice_handler(lambda notice: self.say("notice", notice.message_primary))
        self.prepared = {}
        self.step_number = 0
        self.by_command = self.random.random() < 0.5  # who calls set_config is not renewed at an arm

    def say(self, *words):
        print(self.step_number, *words)

    def run(self, sql, values=None):
        try:
            cursor = self.conn.execute(sql, values)
            return cursor.fetchall() if cursor.description else cursor.statusmessage
        except psycopg.Error as error:
            return error.sqlstate, str(error).splitlines()[0]

    def settings(self):
        name = self.random.choice(list(SETTINGS))
        value = self.random.choice(SETTINGS[name])
        kind = self.random.randrange(4)
        if kind == 0:
            self.say("reset", name, self.run(f"RESET {name}"))
        elif kind == 1:
            with self.conn.transaction():
                self.set(name, value, local=True)
                self.say("local", name, self.run(f"SHOW {name}"))
        else:
            self.say("set", name, self.set(name, value))

    def set(self, name, value, local=False):
        if not self.by_command:
            return self.run(f"SELECT set_config('{name}', %s, {str(local).lower()})", (value,))
        word = value if name in LISTS else quote(value)
        return self.run(f"SET {'LOCAL ' if local else ''}{name} = {word}")

    def show(self):
        for name in sorted(SETTINGS):
            self.say("show", name, self.run(f"SHOW {name}"))
        self.say("value", self.run("SELECT now() > '2001-01-01', date '2026-11-25'::text, 0.1::float8 + 0.2,"
                                   " '\\x00ff'::bytea::text, timestamptz '2026-11-25 12:00Z'::text"))

    def prepare(self):
        name = f"p{len(self.prepared)}"
        sql = self.random.choice(STATEMENTS).format(self.random.randrange(1, 9))
        self.say("prepare", name, self.run(f"PREPARE {name} AS {sql}"))
        self.prepared[name] = sql

    def execute(self):
        if not self.prepared:
            return
        name = self.random.choice(sorted(self.prepared))
        argument = "'2026-01-02'" if "date" in self.prepared[name] else "42"
        self.say("execute", name, self.run(f"EXECUTE {name}({argument})"))
        if self.random.random() < 0.2:
            self.say("deallocate", name, self.run(f"DEALLOCATE {name}"))
            del self.prepared[name]

    def list_prepared(self):
        """But what an arm leaves there for the hold that follows it (docs/decisions/0012)."""
        self.say("prepared", self.run("SELECT name, parameter_types::text, from_sql FROM pg_prepared_statements"
                                      " WHERE NOT starts_with(name, 'airlock_probe_') ORDER BY name"))

    def role(self):
        kind = self.random.randrange(3)
        self.say("role", kind, self.run(("RESET ROLE", "SET ROLE shop_owner", "SET ROLE NONE")[kind]))
        self.say("am", self.run("SELECT current_user, session_user, current_setting('role')"))

    def transaction(self):
        self.say("begin", self.run("BEGIN"))
        for _ in range(self.random.randrange(3)):
            self.say("in", self.run("SELECT sum(id) FROM products WHERE id < %s",
                                    (self.random.randrange(1, 200),)))
        if self.random.random() < 0.3:
            self.say("error", self.run("SELECT 1 / 0"))
        self.say("end", self.run(self.random.choice(("COMMIT", "ROLLBACK"))))

    def pipeline(self):
        with self.conn.pipeline():
            cursors = [self.conn.execute("SELECT %s::int * 2", (n,)) for n in range(self.random.randrange(9))]
        self.say("pipeline", [cursor.fetchone() for cursor in cursors])

    def copy(self):
        with self.conn.cursor() as cursor, cursor.copy(
                f"COPY (SELECT id, sku FROM products ORDER BY id LIMIT {self.random.randrange(50)}) TO STDOUT") as copy:
            self.say("copy", b"".join(bytes(data) for data in copy))

    def named(self):
        """The driver's own prepared statements, by the protocol."""
        for n in range(3):
            cursor = self.conn.execute("SELECT %s::int + 1, %s::text", (n, "x"), prepare=True)
            self.say("named", cursor.fetchone())

    def step(self):
        self.step_number += 1
        self.random.choice((self.settings, self.settings, self.show, self.prepare, self.execute, self.execute,
                            self.list_prepared, self.role, self.transaction, self.pipeline, self.copy,
                            self.named))()


def main():
    script = Script(sys.argv[1], int(sys.argv[2]))
    for _ in range(int(sys.argv[3])):
        script.step()


if __name__ == "__main__":
    main()
