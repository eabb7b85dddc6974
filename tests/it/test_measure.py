"""`airlock measure` against clients whose rates are known because they count themselves."""

import bisect
import contextlib
import functools
import json
import threading
import time

import psycopg
import pytest

from conftest import crossing_in_sync, from_address, plan_with, run
from crossing import DONE, UNKNOWN
from lab import DATABASE
from server import wait_until

WATCH = 4  # seconds, of writers and again of calls


class Client(threading.Thread):
    """Asks again and again, paced by `pause` seconds (0: as fast as it can), until it is stopped."""

    def __init__(self, lab, role, application, sql, pause, address=None):
        """Straight to old, or through the gateway and from `address`."""
        super().__init__(daemon=True)
        self._lab, self._role, self._address = lab, role, address
        self._application, self._sql, self._pause = application, sql, pause
        self._over = threading.Event()
        self.called, self.ended = [], None  # when, each of them

    @contextlib.contextmanager
    def _connected(self):
        """What runs a statement."""
        if self._address is None:
            with psycopg.connect(self._lab.dsn("old", self._role), application_name=self._application,
                                 autocommit=True) as conn:
                yield conn.execute
        else:
            with from_address(self._lab, self._address, self._role) as wire:
                run(wire, f"SET application_name = '{self._application}'")
                yield functools.partial(run, wire)

    def run(self):
        with self._connected() as execute:
            while not self._over.wait(self._pause):
                execute(self._sql)
                self.called.append(time.monotonic())
            self.ended = time.monotonic()

    def rates(self, watch=WATCH):
        """The lowest and the highest in any time as long as that which is watched: a busy machine's clients stand
        still now and then."""
        counts = [bisect.bisect_left(self.called, begin + watch) - n for n, begin in enumerate(self.called)
                  if begin + watch <= self.ended]
        return min(counts) / watch, max(counts) / watch

    def __enter__(self):
        self.start()
        wait_until(lambda: self.called or not self.is_alive(), 20, "its first call")
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join(120)


def with_a_busy_table(lab):
    for server in lab.servers:
        server.psql("SET ROLE shop_owner; CREATE TABLE public.busy (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int);"
                    "GRANT INSERT ON public.busy TO shop_app, shop_legacy", DATABASE)


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    crossing = crossing_in_sync(labs, scratch, change=with_a_busy_table, gateway=True)
    crossing.lab.start_gateway()
    return crossing


def measure(crossing, watch=WATCH):
    document = crossing.call("measure", "--for", f"{watch}s", "--json").require(DONE).json()
    assert document["schema"] == "airlock.measure/1"
    store, = document["stores"]
    return store, {edge["from"]: edge for edge in store["edges"]}


def about(value, wanted, factor):
    """wanted: between which two."""
    return wanted[0] / factor <= value <= wanted[1] * factor


def sums(*rates):
    return tuple(map(sum, zip(*rates)))


def test_rates_of_clients_that_count_themselves(crossing):
    lab = crossing.lab
    write = "INSERT INTO public.busy (n) SELECT generate_series(1, 3)"
    with Client(lab, "shop_app", "web-1", write, 0.1) as web, \
            Client(lab, "reporting", "reports", "SELECT 1 FROM pg_class LIMIT 1", 0) as reports, \
            psycopg.connect(lab.dsn("old", "shop_worker"), autocommit=True) as idle:
        idle.execute("SELECT 1")
        store, edges = measure(crossing)
    size, = lab.old.query(f"SELECT pg_database_size('{DATABASE}')")[0]
    assert store["side"] == "old" and about(store["bytes"], (size, size), 1.2)
    assert about(store["rows_written_s"], [3 * rate for rate in web.rates()], 1.6), (store, web.rates())
    assert about(store["xacts_s"], sums(web.rates(), reports.rates()), 2), (store, reports.rates())
    # Rarer than the looks: counted.  Far more often: estimated.  Connected and silent: none.
    assert about(edges["web"]["calls_s"], web.rates(), 1.5), (edges, web.rates())
    assert about(edges["reports"]["calls_s"], reports.rates(), 4), (edges, reports.rates())
    assert edges["worker"]["calls_s"] == 0
    assert (store["writers"], store["writers_declared"]) == (1, 1)
    trip = store["round_trip_ms"]
    assert 0 < trip["old"] < 1000 and 0 < trip["new"] < 1000
    assert trip["between_at_least"] <= trip["between_at_most"] <= trip["old"] + trip["new"]
    assert edges["web"]["round_trip_added_ms"] == trip["between_at_most"]


def test_it_is_kept_with_the_time(crossing):
    others = "SELECT FROM pg_stat_activity WHERE datname = 'shop' AND usename ~ '^(shop|reporting)'"
    wait_until(lambda: crossing.lab.old.query(others) == [], 10, "everybody to be gone, and counted")
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


# -- behind the gateway ------------------------------------------------------------------------------

# Now `deploy` is a shop_app like `web`, and comes before it.  The gateway comes from 127.0.0.1.
BY_ADDRESS = ('match: {user: "shop_[od]*"}', 'match: {user: shop_app, address: "127.0.0.2"}')
READ = "SELECT 1 FROM products LIMIT 1"


@contextlib.contextmanager
def behind_the_gateway(lab):
    """`deploy` by its address, `web` by its role alone, `reports` by a role that nobody else has."""
    with plan_with(lab, *BY_ADDRESS), \
            Client(lab, "shop_app", "one", READ, 0.1, "127.0.0.2") as deploy, \
            Client(lab, "shop_app", "one", READ, 0.2, "127.0.0.3") as web, \
            Client(lab, "reporting", "one", "SELECT 1 FROM pg_class LIMIT 1", 0.1, "127.0.0.4") as reports:
        yield deploy, web, reports


@contextlib.contextmanager
def unheard(lab):
    """The gateway carries its clients, and nobody can ask it."""
    socket = lab.dir / "gateway.sock"
    socket.rename(lab.dir / "away.sock")
    try:
        yield
    finally:
        (lab.dir / "away.sock").rename(socket)


def test_calls_are_the_clients_own_by_its_address(crossing):
    with behind_the_gateway(crossing.lab) as (deploy, web, reports):
        store, edges = measure(crossing)
    assert about(edges["web"]["calls_s"], web.rates(), 1.4), (edges, web.rates())
    assert about(edges["deploy"]["calls_s"], deploy.rates(), 1.4), (edges, deploy.rates())
    assert about(edges["reports"]["calls_s"], reports.rates(), 1.4), (edges, reports.rates())
    assert store["calls_untold_s"] == 0
    assert (store["gateway"]["route"], store["gateway"]["answers"], store["gateway"]["clients"]) == ("gw", True, 3)


def test_of_a_gateway_that_does_not_tell_nobodys_calls_go_to_the_wrong_service(crossing):
    with behind_the_gateway(crossing.lab) as (deploy, web, reports), unheard(crossing.lab):
        store, edges = measure(crossing)
        text = " ".join(crossing.call("measure", "--for", "1s").require(DONE).out.split())
    assert edges["web"]["calls_s"] is None and edges["deploy"]["calls_s"] is None, edges
    assert about(store["calls_untold_s"], sums(web.rates(), deploy.rates()), 1.4), store
    assert about(edges["reports"]["calls_s"], reports.rates(), 1.4), (edges, reports.rates())
    assert not store["gateway"]["answers"] and "gateway.sock" in store["gateway"]["why"]
    assert "NOT SEEN orders: who comes through gateway gw cannot be told apart" in text
    assert "deploy asks orders unknown" in text and "web asks orders unknown" in text and "reports asks orders about" in text


def test_a_plan_without_addresses_needs_no_gateway_that_tells(crossing):
    with Client(crossing.lab, "shop_app", "one", READ, 0.1, "127.0.0.2") as web, unheard(crossing.lab):
        store, edges = measure(crossing, watch=2)
    assert about(edges["web"]["calls_s"], web.rates(2), 1.6), (edges, web.rates(2))
    assert store["calls_untold_s"] == 0 and not store["gateway"]["answers"]


def test_a_side_that_is_silent_is_unknown(crossing):
    crossing.lab.new.stop()
    try:
        store, _ = measure(crossing)
    finally:
        crossing.lab.new.start()
    trip = store["round_trip_ms"]
    assert trip["new"] is None and trip["old"] > 0 and trip["between_at_least"] is None
    assert crossing.call("status", "--json").require(DONE, UNKNOWN)
