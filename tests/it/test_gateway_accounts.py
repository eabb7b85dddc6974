"""What the gateway says of its clients: who each is, on which server, and what it was seen to do."""

import contextlib
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from server import wait_until

NAME = "accounted"


def pages(control, ended=False):
    """All accounts, page by page as a controller asks for them."""
    rows, before = [], 0
    while True:
        reply = control.require("accounts", ended=ended, before=before)
        rows += reply["accounts"]
        before = reply["next"]
        if before == 0:
            return rows


def account(control, name=NAME, ended=False):
    (row,) = [row for row in pages(control, ended) if row["application"] == name][:1]
    return row


@contextlib.contextmanager
def client(flip, name=NAME):
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True, application_name=name) as conn:
        yield conn


def local_port(conn):
    """Which the client's kernel gave it: what it is known by to the gateway."""
    with socket.socket(fileno=os.dup(conn.fileno())) as copy:
        return copy.getsockname()[1]


def test_a_client_is_told_with_its_own_address_and_its_server(flip, control):
    with client(flip) as conn:
        pid, seen_port = conn.execute("SELECT pg_backend_pid(), inet_client_port()").fetchone()
        row = account(control)
        assert (row["address"], row["port"]) == ("127.0.0.1", local_port(conn))
        assert (row["pid"], row["side"], row["via_port"]) == (pid, flip.side, seen_port)
        assert row["port"] != seen_port  # the server saw the gateway's
        assert (row["user"], row["database"], row["ended_ms"]) == ("shop_app", "shop", 0)
        conn.execute("SET application_name = 'another name'")
        assert account(control, "another name")["number"] == row["number"]


def counted(control):
    row = account(control)
    return row["transactions"], row["writes"], row["rows"], row["wrote"]


def test_what_the_server_said_was_written_is_counted_and_nothing_else(flip, control):
    with client(flip) as conn:
        begun = account(control)
        assert counted(control) == (0, 0, 0, "")
        conn.execute("SELECT 1")
        conn.execute("CREATE TEMPORARY TABLE t AS SELECT generate_series(1, 5) AS a")
        with conn.cursor().copy("COPY t TO STDOUT") as copy:
            list(copy)
        conn.execute("UPDATE t SET a = a WHERE false")
        with contextlib.suppress(psycopg.Error):
            conn.execute("INSERT INTO nowhere VALUES (1)")
        assert counted(control) == (5, 0, 0, "")
        with conn.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write("1\n2\n3\n")
        assert counted(control) == (6, 1, 3, "COPY FROM")
        conn.execute("INSERT INTO t VALUES (%s), (%s)", (8, 9))
        with conn.transaction():
            conn.execute("DELETE FROM t WHERE a = 9")
        row = account(control)
        assert (row["transactions"], row["writes"], row["rows"], row["wrote"]) == (8, 3, 6, "DELETE")
        assert max(row["wrote_ms"], row["asked_ms"]) <= row["came_ms"]
        assert row["bytes_in"] > begun["bytes_in"] and row["bytes_out"] > begun["bytes_out"]


def test_bytes_are_those_of_the_clients_own_messages(flip, control):
    with client(flip) as conn:
        begun = account(control)
        conn.execute("SELECT repeat('x', 100000)")
        row = account(control)
        assert 100000 < row["bytes_out"] - begun["bytes_out"] < 101000
        assert 0 < row["bytes_in"] - begun["bytes_in"] < 1000
        conn.execute("SELECT length(%s::text)", ("y" * 200000,))
        assert 200000 < account(control)["bytes_in"] - row["bytes_in"] < 201000


def test_the_account_goes_along_when_its_session_does(flip, control):
    with client(flip) as conn:
        conn.execute("UPDATE products SET price = price WHERE id = 1")
        before = account(control)
        assert flip.turn(control) is not None
        pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
        row = account(control)
        assert (row["number"], row["address"], row["port"]) == (before["number"], before["address"], before["port"])
        assert (row["pid"], row["side"]) == (pid, flip.side) and before["side"] != row["side"]
        assert (row["writes"], row["transactions"]) == (1, before["transactions"] + 1)


def test_who_has_gone_is_told_for_a_while(flip, control):
    with client(flip, "short job") as conn:
        pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
        number = account(control, "short job")["number"]
    wait_until(lambda: [r for r in pages(control, ended=True) if r["application"] == "short job"], 10, "the end")
    assert all(row["number"] != number or row["application"] != "short job" for row in pages(control))
    row = account(control, "short job", ended=True)
    assert (row["pid"], row["address"], row["transactions"]) == (pid, "127.0.0.1", 1)
    assert 0 <= row["ended_ms"] <= row["asked_ms"] <= row["came_ms"] < 60000


def test_a_login_that_is_refused_is_nobodys_account(flip, control):
    count = control.require("accounts", ended=True, before=0)["ended"]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(flip.gateway_dsn("shop_app").replace("shop_app@", "shop_app:wrong@"))
    with client(flip):
        assert len(pages(control)) == control.require("accounts", ended=False, before=0)["sessions"] == 1
    wait_until(lambda: control.require("accounts", ended=True, before=0)["ended"] == count + 1, 10, "the end")


def test_names_from_clients_are_harmless_and_pages_hold_everybody_once(flip, control):
    nasty = "\x1b[31mé\"\\'\u202e"
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda n: psycopg.connect(
            flip.gateway_dsn("shop_app"), autocommit=True, application_name=f"{n:03d} {nasty}"), range(70)))
        for conn in clients:
            stack.callback(conn.close)
        first = control.require("accounts", ended=False, before=0)
        assert len(first["accounts"]) == 48 and first["sessions"] == 70 and first["next"] > 0
        rows = pages(control)
        assert [row["number"] for row in rows] == sorted({row["number"] for row in rows}, reverse=True)
        assert len(rows) == 70 and {row["application"][:3] for row in rows} == {f"{n:03d}" for n in range(70)}
        assert all("\x1b" not in row["application"] for row in rows)
        # Who comes between two pages belongs to neither, and moves nobody.
        with client(flip, "late"):
            second = control.require("accounts", ended=False, before=first["next"])
            assert {row["number"] for row in first["accounts"] + second["accounts"]} == \
                {row["number"] for row in rows}
