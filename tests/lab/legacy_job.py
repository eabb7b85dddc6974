#!/usr/bin/python3
"""legacy_job.py DSN: a job that nobody remembers, its connection string baked in.

Every 100 ms it puts the stock of one product right, straight on the server it was given, until it is
told to end (SIGTERM) or that server does not let it in any more (exit 1, with the reason).
"""

import signal
import sys
import threading

import psycopg

UPDATE = "UPDATE products SET price = price WHERE id = 1 + %s %% 10"


def main():
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    done = 0
    try:
        with psycopg.connect(sys.argv[1], application_name="nightly-stock", autocommit=True) as conn:
            while not ended.wait(0.1):
                conn.execute(UPDATE, (done,))
                done += 1
                print(done, flush=True)
        print("stopped in order", flush=True)
    except psycopg.Error as error:
        print(f"legacy_job: {error}", file=sys.stderr)
        sys.exit(1)


main()
