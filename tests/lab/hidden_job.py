#!/usr/bin/python3
"""hidden_job.py HABIT DSN SQL: a client with a habit that makes it hard to find; SQL is what it does.

    steady   one session, SQL every 100 ms
    names    one session that calls itself by another name before every SQL
    short    every second a session of about 50 ms that executes SQL once

Prints a line after each SQL, until it is told to end (SIGTERM).
"""

import signal
import sys
import threading

import psycopg

ended = threading.Event()


def steady(conn, sql):
    conn.execute(sql)


def names(conn, sql, done=[0]):
    done[0] += 1
    conn.execute(f"SET application_name = 'batch-{done[0] % 5}'")
    conn.execute(sql)


def main():
    habit, dsn, sql = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    if habit == "short":
        while not ended.is_set():
            with psycopg.connect(dsn, autocommit=True) as conn:
                conn.execute(sql)
                ended.wait(0.04)
            print("done", flush=True)
            ended.wait(0.95)
        return
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as conn:
        while not ended.wait(0.1):
            {"steady": steady, "names": names}[habit](conn, sql)
            print("done", flush=True)


main()
