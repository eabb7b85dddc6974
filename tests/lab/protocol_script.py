#!/usr/bin/python3
"""protocol_script.py DSN PROTOCOL SEED STEPS: a client that speaks one way only, and prints what it gets.
The same seed prints the same, however the connection is carried. Its table (setup) is its own."""

import hashlib
import random
import sys

import psycopg
from psycopg import sql

WORDS = ("a", "word", "d'oh", "\u00fcml\u00e4ut", "x" * 300, "", "back\\slash\tand tab")


def setup(seed):
    """What must be there before it begins; run as an owner of schema public."""
    return (f"DROP TABLE IF EXISTS public.script_{seed};"
            f"CREATE TABLE public.script_{seed} (n int, word text); GRANT ALL ON public.script_{seed} TO shop_app;")


class Script:
    def __init__(self, dsn, protocol, seed):
        self.random = random.Random(seed)
        self.conn = psycopg.connect(dsn, autocommit=True, prepare_threshold=None)
        self.table = sql.Identifier(f"script_{seed}").as_string(self.conn)
        self.one = getattr(self, protocol)
        self.number = 0

    def say(self, *words):
        print(self.number, *words)

    def step(self):
        self.number += 1
        try:
            self.one()
        except psycopg.Error as error:
            self.say("error", error.sqlstate, str(error).splitlines()[0])

    def word(self):
        return self.random.choice(WORDS)

    def commands(self):
        """What every protocol says in its own way."""
        return self.random.choice((
            (f"INSERT INTO {self.table} VALUES (%s, %s) RETURNING n", (self.number, self.word())),
            (f"SELECT count(*), sum(n), md5(string_agg(word, '|' ORDER BY n, word)) FROM {self.table} WHERE n < %s",
             (self.number,)),
            (f"UPDATE {self.table} SET word = %s WHERE n %% 7 = %s", (self.word(), self.number % 7)),
            (f"DELETE FROM {self.table} WHERE n = %s", (self.random.randrange(1, self.number + 1),)),
            ("SELECT %s::int / %s", (self.number, self.random.randrange(2))),
            ("SELECT g, repeat(%s, 3) FROM generate_series(1, %s) g", (self.word(), self.random.randrange(200)))))

    def answer(self, cursor):
        self.say(cursor.statusmessage, cursor.fetchall() if cursor.description else "")

    def transaction(self, run):
        with self.conn.transaction():
            for _ in range(self.random.randrange(1, 4)):
                self.answer(run(*self.commands()))

    def often(self, run):
        if self.random.random() < 0.3:
            self.transaction(run)
        else:
            self.answer(run(*self.commands()))

    # -- the protocols -------------------------------------------------------------------------

    def simple(self):
        """Query messages; now and then several commands in one."""
        if self.random.random() < 0.2:
            result = self.conn.pgconn.exec_(
                f"SELECT 1; INSERT INTO {self.table} VALUES ({self.number}, 'q'); SELECT 2; SELECT 3".encode())
            self.say("several", result.status, result.command_status, result.error_message)
            return
        with psycopg.ClientCursor(self.conn) as cursor:
            self.often(cursor.execute)

    def extended(self):
        self.often(self.conn.execute)

    def prepared(self):
        self.often(lambda text, values: self.conn.execute(text, values, prepare=True))

    def pipelined(self):
        """Several requests before the first answer, an error in the middle of some. By libpq itself: what
        psycopg sends after an error depends on when it hears of it."""
        units = [[self.raw() for _ in range(self.random.randrange(1, 5))] for _ in range(self.random.randrange(1, 4))]
        pgconn = self.conn.pgconn
        pgconn.enter_pipeline_mode()
        for unit in units:
            for text, values in unit:
                pgconn.send_query_params(text.encode(), [str(value).encode() for value in values])
            pgconn.pipeline_sync()
        for unit in units:
            for _ in unit:
                self.say_result(pgconn.get_result())
                assert pgconn.get_result() is None
            self.say("sync", pgconn.get_result().status)
        pgconn.exit_pipeline_mode()

    def raw(self):
        """A command with its parameters as the protocol has them."""
        text, values = self.commands()
        for number in range(len(values)):
            text = text.replace("%s", f"${number + 1}", 1)
        return text.replace("%%", "%"), values

    def say_result(self, result):
        rows = [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
        self.say(result.status, result.command_status, result.error_message, rows)

    def copy(self):
        kind = self.random.randrange(5)
        with self.conn.cursor() as cursor:
            if kind < 2:
                with cursor.copy(f"COPY {self.table} FROM STDIN") as copy:
                    for n in range(self.random.randrange(300)):
                        copy.write_row((n, self.word()))
                self.say("in", cursor.rowcount)
            elif kind == 2:
                with cursor.copy(f"COPY {self.table} (n) FROM STDIN") as copy:
                    for _ in range(self.random.randrange(1, 2000)):
                        copy.write("1\n")
                    copy.write("not a number\n")
            elif kind == 3:
                self.answer(cursor.execute(f"DELETE FROM {self.table} WHERE n % 3 = {self.number % 3}"))
            else:
                with cursor.copy(f"COPY (SELECT * FROM {self.table} ORDER BY n, word) TO STDOUT") as copy:
                    data = b"".join(bytes(block) for block in copy)
                self.say("out", len(data), hashlib.md5(data).hexdigest())


def main():
    dsn, protocol, seed, steps = sys.argv[1:]
    script = Script(dsn, protocol, int(seed))
    for _ in range(int(steps)):
        script.step()


if __name__ == "__main__":
    main()
