"""Clients that come, work, break off in every way and come again, all at the same gateway.

    with Storm(dsn, address, clients=12, strangers=2) as storm: ...
    storm.errors, storm.acknowledged

Nobody leaves in the middle of a transaction that writes, so every insert is acknowledged or was never
sent; whoever says anything but PostgreSQL's protocol is a stranger.
"""

import os
import random
import socket
import struct
import threading
from collections import Counter

import psycopg

SETUP = """
CREATE TABLE IF NOT EXISTS public.storm (client int, n int);
TRUNCATE public.storm;
GRANT ALL ON public.storm TO shop_app;
"""
COUNT = "SELECT count(*), count(DISTINCT (client, n)) FROM public.storm"
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
CANCEL = bytes.fromhex("00000010 04d2162e")


class Client:
    def __init__(self, storm, number):
        self.storm, self.number, self.random = storm, number, random.Random(number)
        self.inserted = 0

    def run(self):
        while not self.storm.stopping.is_set():
            try:
                self._session()
            except psycopg.errors.QueryCanceled:
                pass  # a cancel that came late, as it can without a gateway
            except (psycopg.Error, AssertionError) as error:
                self.storm.note_error(error)

    def _session(self):
        with psycopg.connect(self.storm.dsn, autocommit=True) as conn:
            for _ in range(self.random.randrange(1, 30)):
                action = self.random.choice((self._insert, self._transaction, self._pipeline, self._cancelled,
                                             self._copy, self._setting, self._pause, self._break_off))
                action(conn)
                self.storm.did(action.__name__)
                if conn.closed:
                    break

    def _insert(self, conn):
        conn.execute("INSERT INTO storm VALUES (%s, %s)", (self.number, self.inserted))
        self.inserted += 1

    def _transaction(self, conn):
        with conn.transaction():
            conn.execute("SELECT 1")
            self._insert(conn)

    def _pipeline(self, conn):
        with conn.pipeline():
            cursors = [conn.execute("SELECT %s::int", (n,)) for n in range(self.random.randrange(10))]
        assert [cursor.fetchone() for cursor in cursors] == [(n,) for n in range(len(cursors))]

    def _cancelled(self, conn):
        timer = threading.Timer(self.random.random() * 0.05, conn.cancel)
        timer.start()
        try:
            conn.execute("SELECT pg_sleep(%s)", (self.random.random() * 0.05,))
        except psycopg.errors.QueryCanceled:
            pass
        timer.join()

    def _copy(self, conn):
        lines = self.random.randrange(2000)
        with conn.cursor() as cursor, cursor.copy(
                f"COPY (SELECT repeat('z', 999) FROM generate_series(1, {lines})) TO STDOUT") as copy:
            assert sum(len(data) for data in copy) == 1000 * lines

    def _setting(self, conn):
        value = f"{self.random.randrange(1, 20)}MB"
        conn.execute("SELECT set_config('work_mem', %s, false)", (value,))
        assert conn.execute("SHOW work_mem").fetchone() == (value,)

    def _pause(self, _conn):
        self.storm.stopping.wait(self.random.random() * 0.03)

    def _break_off(self, conn):
        """Half closed, closed, or reset while much of an answer is on its way."""
        with socket.socket(fileno=os.dup(conn.fileno())) as plain:
            kind = self.random.randrange(3)
            if kind == 0:
                plain.shutdown(socket.SHUT_WR)
            elif kind == 1:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                conn.pgconn.send_query(b"SELECT repeat('q', 5000000)")
        conn.close()


def stranger(storm, number):
    """Bytes of all kinds, and gone."""
    dice = random.Random(-1 - number)
    login = b"\0\0\0\x27\0\3\0\0user\0shop_app\0database\0shop\0\0"
    while not storm.stopping.is_set():
        said = dice.choice((dice.randbytes(dice.randrange(1, 200)), SSL_REQUEST + b"junk",
                            login[:dice.randrange(8, len(login) + 1)], CANCEL + dice.randbytes(8)))
        with socket.create_connection(storm.address, 10) as conn:
            conn.sendall(said)
            storm.stopping.wait(dice.random() * 0.02)
        storm.did("stranger")


class Storm:
    def __init__(self, dsn, address, clients=12, strangers=2):
        self.dsn, self.address = dsn, address
        self.stopping = threading.Event()
        self.errors, self.done = Counter(), Counter()
        self._lock = threading.Lock()
        self._clients = [Client(self, number) for number in range(clients)]
        self._threads = [threading.Thread(target=client.run) for client in self._clients]
        self._threads += [threading.Thread(target=stranger, args=(self, n)) for n in range(strangers)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self._threads:
            thread.join()

    def note_error(self, error):
        with self._lock:
            self.errors[f"{type(error).__name__}: {error}".splitlines()[0]] += 1

    def did(self, what):
        with self._lock:
            self.done[what] += 1

    def total(self):
        with self._lock:
            return sum(self.done.values())

    @property
    def acknowledged(self):
        return sum(client.inserted for client in self._clients)
