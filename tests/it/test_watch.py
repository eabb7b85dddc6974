"""`airlock watch` and `status`: the same facts, once a second, and nothing that acts on a terminal."""

import json
import os
import pty
import re
import signal
import socket
import subprocess

import psycopg
import pytest

from conftest import needs_program
from crossing import DONE, Crossing
from lab import airlock_program

DETACHED = 130
HOSTILE = "\x1b]0;owned\x07\x1b[2J"
AGES = {"seen_ms_ago", "deadline_ms", "lag_bytes", "clients"}


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    needs_program()
    lab = labs(3, gateway=True)
    crossing = Crossing(lab, scratch() / "commands")
    crossing.prepare()
    lab.start_gateway()
    return crossing


def without_ages(store):
    return {key: value for key, value in store.items() if key not in AGES}


def readings(watching):
    """Documents of a `watch --ndjson` as they come; its errors are the test's."""
    for line in watching.lines(240):
        if line:
            yield json.loads(line)


def until(watching, wanted, what):
    for document in readings(watching):
        (store,) = document["stores"]
        if wanted(store):
            return store
    pytest.fail(f"watch ended without {what}")


def shown(crossing, *arguments):
    """Bytes that come out of a command on a terminal of 80 columns."""
    command = [airlock_program(), "-f", crossing.lab.plan, "--state", crossing.state, *arguments]
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"}):
        os.close(slave)
        seen = b""
        try:
            while more := os.read(master, 65536):
                seen += more
        except OSError:  # the other end is closed
            pass
    os.close(master)
    return seen.decode()


def test_watch_says_what_status_says(crossing):
    (lines,) = crossing.call("watch", "--count", "1").require(DONE).out.splitlines()
    for fact in ("orders ready: settled | writes old | way back following", "next: airlock run",
                 "waits for nothing", "undo: airlock abandon"):
        assert fact in lines, lines
    assert re.search(r"seen \d+\.\d", lines), lines
    watched = json.loads(crossing.call("watch", "--count", "1", "--ndjson").require(DONE).out)
    status = crossing.call("status", "--json").require(DONE).json()
    assert [without_ages(s) for s in watched["stores"]] == [without_ages(s) for s in status["stores"]]
    assert watched["schema"] == status["schema"] == "airlock.status/1"


def test_it_follows_an_attempt_and_ends_when_asked(crossing):
    with crossing.start("watch", "--ndjson", "--every", "100ms") as watching:
        until(watching, lambda s: s["actual"] == "ready", "ready")
        with crossing.start(*crossing.moved("forward"), failpoint="after:seal") as run:
            assert run.await_failpoint(60)
            sealed = until(watching, lambda s: s["actual"] == "sealed", "sealed")
            assert sealed["writes"] == "none" and "resume" in sealed["who"]
            assert 0 < sealed["deadline_ms"] <= 20000
            assert sealed["clients"]["phase"] == "held"
            run.signal(signal.SIGCONT)
            assert run.wait(120).code == DONE
        baking = until(watching, lambda s: s["actual"] == "baking", "baking")
        assert baking["undo"] == "airlock rollback" and baking["undo_ms"] > 0
        watching.signal(signal.SIGINT)
        assert watching.wait(120).code == DETACHED
    crossing.call("resume").require(DONE)
    crossing.call(*crossing.moved("rollback")).require(DONE)
    crossing.call("resume").require(DONE)


def test_a_silent_side_is_stale_and_not_repeated(crossing):
    with crossing.start("watch", "--ndjson", "--every", "100ms") as watching:
        until(watching, lambda s: s["actual"] == "ready", "ready")
        crossing.lab.old.sigstop()
        try:
            blind = until(watching, lambda s: s["blind"] and s["seen_ms_ago"] > 2000, "a blind reading")
            assert blind["actual"] == "unknown"
            assert blind["waits_for"].startswith("an answer: ") and "the register of old" in blind["waits_for"]
            line = crossing.call("watch", "--count", "1").require(DONE).out
            assert line.rstrip().endswith("STALE")
        finally:
            crossing.lab.old.sigcont()
        until(watching, lambda s: s["actual"] == "ready" and not s["blind"], "ready again")


def test_a_blocker_is_named_and_cannot_act(crossing):
    """A session that stands in the way of a drain, whose name and statement would like to act."""
    with psycopg.connect(crossing.lab.gateway_dsn("shop_app"), application_name=HOSTILE) as client:
        client.execute(f"SELECT 1 /* {HOSTILE} */")
        with crossing.start("watch", "--ndjson", "--every", "50ms") as watching, \
                crossing.start(*crossing.moved("forward")) as run:
            blocked = until(watching, lambda s: s["clients"] and s["clients"].get("blockers"), "a blocker")
            assert "1 session, first pid" in blocked["waits_for"] and "shop_app" in blocked["waits_for"]
            with socket.socket(fileno=os.dup(client.fileno())) as end:
                came_from = "{}:{}".format(*end.getsockname())
            assert blocked["clients"]["blockers"][0]["client"] == came_from
            assert f"from {came_from}, transaction" in blocked["waits_for"]
            text, screen = crossing.call("status").out, shown(crossing, "watch", "--count", "1")
            client.rollback()
            run.wait(120)
    assert "\x1b" not in text and "\x07" not in text
    assert re.sub(r"^\x1b\[H\x1b\[J", "", screen).count("\x1b") == 0
    crossing.call("resume")
    if crossing.open_sides() == ["new"]:
        crossing.call(*crossing.moved("rollback")).require(DONE)


def test_eighty_columns_suffice(crossing):
    screen = shown(crossing, "watch", "--count", "1")
    assert screen.startswith("\x1b[H\x1b[J")
    lines = screen.removeprefix("\x1b[H\x1b[J").splitlines()
    assert lines[0].split() == ["STORE", "ACTUAL", "GOAL", "WRITES", "WAY", "BACK", "LAG", "SEEN"]
    assert max(map(len, lines)) <= 80 and "Ctrl-C" in lines[-1]
    assert max(map(len, shown(crossing, "status").splitlines())) <= 80
