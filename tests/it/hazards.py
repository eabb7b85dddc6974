"""Planting hazards between the two servers of a lab, and asking whether they are found."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from lab import ROOT
from server import wait_until


_shared = {}


def shared_lab(labs):
    """One lab at level 3 for all files of a pytest run that leave it as they found it."""
    from conftest import needs_program

    needs_program()
    if "lab" not in _shared:
        _shared["lab"] = labs(level=3)
    return _shared["lab"]


def tool(name):
    """A program of tests/tools: of $AIRLOCK_BUILD, else of the newest build that has it."""
    if os.environ.get("AIRLOCK_BUILD"):
        return Path(os.environ["AIRLOCK_BUILD"]) / "tests/tools" / name
    found = sorted(ROOT.glob(f"build*/tests/tools/{name}"), key=lambda path: -path.stat().st_mtime)
    assert found, f"{name} is not built"
    return found[0]


class Prober:
    """One hazards_probe that stays, with its connections; asked again and again."""

    def __init__(self, old, new):
        self._child = subprocess.Popen([tool("hazards_probe"), old, new], text=True, bufsize=1,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)

    def ask(self, *words):
        self._child.stdin.write(" ".join(words) + "\n")
        answer = self._child.stdout.readline()
        assert answer, self._child.stderr.read()
        return json.loads(answer)

    def close(self):
        self._child.communicate()


@contextmanager
def prober(old, new):
    child = Prober(old, new)
    try:
        yield child
    finally:
        child.close()


_kept = {}


def close_probers():
    while _kept:
        _kept.popitem()[1].close()


def find(lab, *words, user="airlock", dbname="shop"):
    """What hazards_find says, as a list of dictionaries."""
    pair = tuple(server.conninfo(user, dbname, lab.passfile) for server in lab.servers)
    if dbname != "shop":  # a database that will be dropped must have no session left
        with prober(*pair) as child:
            return child.ask(*words)
    if pair not in _kept:
        _kept[pair] = Prober(*pair)
    return _kept[pair].ask(*words)


def find_one(lab, name, *words, **kwargs):
    rows = find(lab, f"id={name}", *words, **kwargs)
    assert all(row["id"] == name for row in rows)
    return rows


def only(rows, **fields):
    """The one row with these fields."""
    fit = [row for row in rows if all(row[key] == value for key, value in fields.items())]
    assert len(fit) == 1, (fields, rows)
    return fit[0]


def counted(rows):
    """Without what is always so."""
    return [row for row in rows if row["severity"] != "watch"]


@contextmanager
def planted(server, sql, undo, dbname="shop"):
    """Runs `sql` as the DBA, and `undo` at the end, whatever happened."""
    try:
        if sql:
            server.psql(sql, dbname)
        yield
    finally:
        if undo:
            server.psql(undo, dbname)


@contextmanager
def setting(server, name, value):
    """A setting that a reload changes."""
    def seen():
        return server.query(f"SHOW {name}")[0][0]

    before = seen()
    server.psql(f"ALTER SYSTEM SET {name} = {value}; SELECT pg_reload_conf();")
    try:
        wait_until(lambda: seen() != before, 10, f"{name} to change")
        yield
    finally:
        server.psql(f"ALTER SYSTEM RESET {name}; SELECT pg_reload_conf();")
        wait_until(lambda: seen() == before, 10, f"{name} to change back")
