"""`airlock measure` against clients whose rates are known because they count themselves."""

import json
import threading
import time

import psycopg
import pytest

from conftest import crossing_in_sync
from crossing import DONE, UNKNOWN
from lab import DATABASE

WATCH = 4  # seconds, of writers and again of calls


class Client(threading.Thread):
    """Asks again and again, paced by `pause` seconds (0: as fast as it can), until it is stopped."""

    def __init__(self, lab, role, application, sql, pause):
        super().__init__(daemon=True)
        self._dsn, self._application, self._sql, self._pause = lab.dsn("old", role), application, sql, pause
        self._over = threading.Event()
        self.calls, self.began, self.ended = 0, None, None

    def run(self):
        with psycopg.connect(self._dsn, application_name=self._application, autocommit=True) as conn:
            self.began = time.monotonic()
            while not self._over.wait(self._pause):
                conn.execute(self._sql)
                self.calls += 1
            self.ended = time.monotonic()

    def rate(self):
        return self.calls / (self.ended - self.began)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join(30)


def with_a_busy_table(lab):
    for server in lab.servers:
        server.psql("SET ROLE shop_owner; CREATE TABLE public.busy (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int);"
                    "GRANT INSERT ON public.busy TO shop_app, shop_legacy", DATABASE)


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    return crossing_in_sync(labs, scratch, change=with_a_busy_table)


def measure(crossing):
    document = crossing.call("measure", "--for", f"{WATCH}s", "--json").require(DONE).json()
    assert document["schema"] == "airlock.measure/1"
    store, = document["stores"]
    return store, {edge["from"]: edge for edge in store["edges"]}


def about(value, wanted, factor):
    return wanted / factor <= value <= wanted * factor


def test_rates_of_clients_that_count_themselves(crossing):
    lab = crossing.lab
    write = "INSERT INTO public.busy (n) SELECT generate_series(1, 3)"
    with Client(lab, "shop_app", "web-1", write, 0.1) as web, \
            Client(lab, "reporting", "reports", "SELECT 1 FROM pg_class LIMIT 1", 0) as reports, \
            psycopg.connect(lab.dsn("old", "shop_worker"), autocommit=True) as idle:
        idle.execute("SELECT 1")
        store, edges = measure(crossing)
    size, = lab.old.query(f"SELECT pg_database_size('{DATABASE}')")[0]
    assert store["side"] == "old" and about(store["bytes"], size, 1.2)
    assert about(store["rows_written_s"], 3 * web.rate(), 1.6), (store, web.rate())
    assert about(store["xacts_s"], web.rate() + reports.rate(), 2), (store, reports.rate())
    # Rarer than the looks: counted.  Far more often: estimated.  Connected and silent: none.
    assert about(edges["web"]["calls_s"], web.rate(), 1.5), (edges, web.rate())
    assert about(edges["reports"]["calls_s"], reports.rate(), 4), (edges, reports.rate())
    assert edges["worker"]["calls_s"] == 0
    assert (store["writers"], store["writers_declared"]) == (1, 1)
    trip = store["round_trip_ms"]
    assert 0 < trip["old"] < 1000 and 0 < trip["new"] < 1000
    assert trip["between_at_least"] <= trip["between_at_most"] <= trip["old"] + trip["new"]
    assert edges["web"]["round_trip_added_ms"] == trip["between_at_most"]


def test_it_is_kept_with_the_time(crossing):
    before = time.time() * 1000
    store, _ = measure(crossing)
    rows = [json.loads(line) for line in crossing.call("journal", "export", "--kind", "measured").out.splitlines()]
    kept = [row for row in rows if row["key"] == "store orders"][-1]["detail"]
    assert before <= kept["measured_at_ms"] <= time.time() * 1000
    assert kept["bytes"] == store["bytes"] and kept["writers"] == store["writers"]
    planned, = crossing.call("plan", "--json").json()["gravity"]
    assert planned["bytes"] == store["bytes"] and planned["measured_at_ms"] == kept["measured_at_ms"]
    assert store["rows_written_s"] == 0, "nobody writes, and what we do does not count"
    assert store["xacts_s"] < 5


def test_a_stranger_counts_as_a_writer_and_not_as_declared(crossing):
    with Client(crossing.lab, "shop_legacy", "legacy", "INSERT INTO public.busy (n) VALUES (1)", 0.05):
        store, edges = measure(crossing)
    assert (store["writers"], store["writers_declared"]) == (1, 0) and "legacy" not in edges


def test_a_side_that_is_silent_is_unknown(crossing):
    crossing.lab.new.stop()
    try:
        store, _ = measure(crossing)
    finally:
        crossing.lab.new.start()
    trip = store["round_trip_ms"]
    assert trip["new"] is None and trip["old"] > 0 and trip["between_at_least"] is None
    assert crossing.call("status", "--json").require(DONE, UNKNOWN)
