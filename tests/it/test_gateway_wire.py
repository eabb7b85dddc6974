"""The wire, byte by byte, through the gateway: what every dialogue answers is what the server answers
without one, however its bytes are cut; and a session is held exactly where nothing is under way."""

import pytest

from chopper import Chopper
from lab import DATABASE
from selfflip import SelfFlip
from wire import (DONE, FLUSH, SYNC, bind, call, close, data, describe, execute, fail, parse, query,
                  run)

BAD = parse("SELECT nothing FROM nowhere")
COPY_IN = "COPY wire (a) FROM STDIN"
COPY_NOT = "COPY wire_view (a) FROM STDIN"  # refused after it was begun, before anything of it is read
LONG = "DO $$ BEGIN RAISE EXCEPTION '%', repeat('x', 70000); END $$"
DIVISION = run("SELECT 1 / (SELECT 0)")
SQRT = 1344  # pg_proc.oid of sqrt(double precision)

# name: steps of (what the client sends, the types that come back, is the session at a boundary then?)
DIALOGUES = {
    "a query": [(query("SELECT 1, 'two'"), "TDCZ", True)],
    "two queries, pipelined": [(query("SELECT 1") + query("SELECT 2"), "TDCZTDCZ", True)],
    "an empty query": [(query(""), "IZ", True)],
    "several statements, and a transaction left open":
        [(query("SELECT 1; BEGIN; SELECT 3"), "TDCCTDCZ", False), (query("COMMIT"), "CZ", True)],
    "a transaction": [(query("BEGIN"), "CZ", False), (query("SELECT 1"), "TDCZ", False), (query("COMMIT"), "CZ", True)],
    "a failed transaction":
        [(query("BEGIN"), "CZ", False), (query("SELECT 1/0"), "EZ", False), (query("SELECT 1"), "EZ", False),
         (query("ROLLBACK"), "CZ", True)],
    "commit and chain":
        [(query("BEGIN"), "CZ", False), (query("COMMIT AND CHAIN"), "CZ", False), (query("ROLLBACK"), "CZ", True)],
    "begin, error, rollback, select, pipelined":
        [(query("BEGIN") + query("SELECT 1/0") + query("ROLLBACK") + query("SELECT 1"), "CZEZCZTDCZ", True)],
    "extended": [(parse("SELECT $1::int", types=[23]) + describe() + SYNC, "1tTZ", True)],
    "extended, executed": [(run("SELECT 7") + SYNC, "12DCZ", True)],
    "extended, pipelined": [((run("SELECT 7") + SYNC) * 3, "12DCZ" * 3, True)],
    "Parse and Flush: a transaction is open though the last status said idle":
        [(parse("SELECT 1") + FLUSH, "1", False), (SYNC, "Z", True)],
    "Bind and Flush": [(run("SELECT 1") + FLUSH, "12DC", False), (SYNC, "Z", True)],
    "a portal in pieces":
        [(parse("SELECT generate_series(1, 3)") + bind() + execute(rows=1) + FLUSH, "12Ds", False),
         (execute(rows=1) + FLUSH, "Ds", False), (execute() + SYNC, "DCZ", True)],
    "a named statement": [(parse("SELECT 8", "s") + SYNC, "1Z", True), (bind("s") + execute() + SYNC, "2DCZ", True),
                          (describe("s") + SYNC, "tTZ", True), (close("s") + SYNC, "3Z", True),
                          (bind("s") + execute() + SYNC, "EZ", True)],
    "the unnamed statement survives Sync": [(parse("SELECT 9") + SYNC, "1Z", True), (bind() + execute() + SYNC, "2DCZ", True),
                                            (bind() + execute() + SYNC, "2DCZ", True)],
    "a Query ends the unnamed statement": [(parse("SELECT 9") + SYNC, "1Z", True), (query("SELECT 1"), "TDCZ", True),
                                           (bind() + execute() + SYNC, "EZ", True)],
    "no unnamed statement, and much that a replay makes": [
        (query("SET work_mem = '8MB'; LISTEN wire"), "CCZ", True),
        (bind() + execute() + SYNC, "EZ", True)],
    "an error in a pipeline": [(run("SELECT 1") + DIVISION + run("SELECT 2") + SYNC, "12DC12EZ", True),
                               (query("SELECT 1"), "TDCZ", True)],
    "an error leaves the unnamed statement of before": [
        (run("SELECT 1") + DIVISION + run("SELECT 2") + SYNC, "12DC12EZ", True), (bind() + execute() + SYNC, "2EZ", True)],
    "an error, the next unit already sent": [(BAD + SYNC + query("SELECT 1"), "EZTDCZ", True)],
    "a bad Parse swallows the Query behind it":
        [(BAD + query("SELECT 'swallowed'") + FLUSH, "E", False), (SYNC, "Z", True)],
    "a bad Parse swallows a Query that comes later":
        [(BAD + FLUSH, "E", False), (query("SELECT 'swallowed'"), "", False), (SYNC, "Z", True)],
    "copy in": [(query(COPY_IN), "G", False), (data(b"1\n"), "", False), (data(b"2\n") + DONE, "CZ", True)],
    "copy in, failed by the client": [(query(COPY_IN), "G", False), (data(b"1\n") + fail(), "EZ", True)],
    "copy in, refused under way": [(query(COPY_IN) + data(b"one\n") + data(b"2\n") + DONE, "GEZ", True)],
    "copy in, extended: two Syncs, one ReadyForQuery":
        [(parse(COPY_IN) + bind() + execute() + SYNC, "12G", False), (data(b"3\n") + DONE, "", False), (SYNC, "CZ", True)],
    "copy in, all pipelined":
        [(run(COPY_IN) + SYNC + data(b"4\n") + DONE + SYNC + query("SELECT 1"), "12GCZTDCZ", True)],
    "copy in, extended, refused under way":
        [(run(COPY_IN) + SYNC + data(b"x\n") + DONE + SYNC + query("SELECT 1"), "12GEZTDCZ", True)],
    "copy in, extended, Sync after the data": [(run(COPY_IN) + data(b"5\n") + DONE + SYNC, "12GCZ", True)],
    "copy in, extended, refused before it reads":
        [(run(COPY_NOT) + SYNC, "12GEZ", True), (DONE + SYNC, "Z", True), (query("SELECT 1"), "TDCZ", True)],
    "copy in, extended, refused before it reads, all pipelined":
        [(run(COPY_NOT) + SYNC + data(b"1\n") + DONE + SYNC + query("SELECT 1"), "12GEZZTDCZ", True)],
    "copy in, refused before it reads, a Query and a Sync behind it":
        [(query(COPY_NOT) + query("SELECT 1") + SYNC + DONE + SYNC, "GEZTDCZZZ", True)],
    "copy in, extended, refused under way, the rest comes later":
        [(run(COPY_IN) + SYNC + data(b"x\n"), "12GE", False), (DONE + SYNC, "Z", True), (query("SELECT 1"), "TDCZ", True)],
    "copy in after one that failed": [
        (query(COPY_IN) + data(b"x\n"), "GEZ", True), (DONE, "", True),
        (run(COPY_IN) + SYNC, "12G", False), (data(b"6\n") + DONE + SYNC, "CZ", True)],
    "two copies in one Query": [(query(f"{COPY_IN}; {COPY_IN}") + data(b"7\n") + DONE + data(b"8\n") + DONE + SYNC,
                                 "GCGCZZ", True)],
    "a Query that fails behind Parse": [(parse("SELECT 1") + query("SELECT 1/0"), "1EZ", True), (query("SELECT 1"), "TDCZ", True)],
    "a function call that fails behind Parse": [(parse("SELECT 1") + call(SQRT, b"-9"), "1EZ", True),
                                                (query("SELECT 1"), "TDCZ", True)],
    "a long error swallows what comes behind it":
        [(run(LONG) + query("SELECT 'swallowed'") + SYNC, "12EZ", True), (query("SELECT 1"), "TDCZ", True)],
    "copy out": [(query("COPY (SELECT generate_series(1, 3)) TO STDOUT"), "HdddcCZ", True)],
    "copy out, extended": [(run("COPY (SELECT 1) TO STDOUT") + SYNC, "12HdcCZ", True)],
    "copy messages that nobody waits for": [(data(b"") + DONE + fail(), "", True), (query("SELECT 1"), "TDCZ", True)],
    "a function call": [(call(SQRT, b"9"), "VZ", True)],
    "a function call that fails": [(call(SQRT, b"-9"), "EZ", True)],
    "a notice": [(query("DO $$ BEGIN RAISE NOTICE 'heard'; END $$"), "NCZ", True)],
    "a setting that is reported": [(query("SET application_name = 'wire'"), "CSZ", True), (query("SHOW application_name"), "TDCZ", True)],
    "a large answer": [(query("SELECT repeat('x', 300000)"), "TDCZ", True)],
    "a large question": [(query(f"SELECT length('{'y' * 300000}')"), "TDCZ", True)],
}
LARGE = {"a large answer", "a large question", "a long error swallows what comes behind it"}
SMALL = [name for name in DIALOGUES if name not in LARGE]


class WireFlip(SelfFlip):
    """New is reached by a relay that sends what the server says byte by byte."""

    chopper = None

    def conninfo(self, side):
        if self.chopper is None:
            self.chopper = Chopper(("127.0.0.1", self.old.port), whole="airlock_gateway")
        plain = super().conninfo("old")
        return plain if side == "old" else plain.replace(f"port={self.old.port}", f"port={self.chopper.port}")

    def clear(self):
        self.old.query("TRUNCATE wire", dbname=DATABASE)

    def down(self):
        super().down()
        if self.chopper is not None:
            self.chopper.close()


@pytest.fixture(scope="module")
def flip(scratch):
    lab = WireFlip.make(scratch() / "lab")
    lab.old.psql("CREATE TABLE wire (a int); CREATE VIEW wire_view AS SELECT a, 1 AS one FROM wire;"
                 " GRANT ALL ON wire, wire_view TO shop_app", DATABASE)
    yield lab
    lab.down()


def play(wire, steps, send):
    """All that is answered, each with its bytes."""
    heard = []
    for sent, kinds, _ in steps:
        send(wire, sent)
        answers = wire.hear(len(kinds))
        assert "".join(kind for kind, _ in answers) == kinds
        heard += answers
    # Whatever else there was to say would stand before this.
    wire.send(query("SELECT 'the end'"))
    return heard + wire.hear(4)


def whole(wire, sent):
    wire.send(sent)


def byte_by_byte(wire, sent):
    wire.send_in_pieces(sent, range(1, len(sent)))


def direct(flip, name):
    flip.clear()
    with flip.wire(flip.old.port) as wire:
        return play(wire, DIALOGUES[name], whole)


def side_is(flip, side):
    """Everybody is sent to that side, if they are not there."""
    if flip.side != side:
        with flip.control() as control:
            assert flip.turn(control) is not None
    assert flip.side == side


def rows(flip):
    return flip.old.query("SELECT a FROM wire ORDER BY 1", dbname=DATABASE)


@pytest.mark.parametrize("name", DIALOGUES)
def test_it_answers_what_the_server_answers(flip, name):
    side_is(flip, "old")
    expected, written = direct(flip, name), rows(flip)
    flip.clear()
    with flip.wire() as wire:
        assert play(wire, DIALOGUES[name], whole) == expected
    assert rows(flip) == written


@pytest.mark.parametrize("name", SMALL)
def test_it_does_so_when_every_byte_comes_alone(flip, name):
    side_is(flip, "old")
    expected, written = direct(flip, name), rows(flip)
    flip.clear()
    with flip.wire() as wire:
        assert play(wire, DIALOGUES[name], byte_by_byte) == expected
    assert rows(flip) == written


@pytest.mark.parametrize("name", SMALL)
def test_it_does_so_when_the_servers_bytes_come_alone(flip, name):
    side_is(flip, "new")
    expected, written = direct(flip, name), rows(flip)
    flip.clear()
    with flip.wire() as wire:
        assert play(wire, DIALOGUES[name], byte_by_byte) == expected
    assert rows(flip) == written


def header_cuts(sent):
    """Each place within a header, and both of its ends, of each message."""
    at = 0
    while at < len(sent):
        yield from range(at + 1, at + 6)
        at += 1 + int.from_bytes(sent[at + 1:at + 5], "big")


@pytest.mark.parametrize("name", SMALL)
def test_a_header_may_be_cut_anywhere(flip, name):
    side_is(flip, "old")
    steps = DIALOGUES[name]
    expected = direct(flip, name)
    with flip.wire() as wire:
        for number, (sent, _, _) in enumerate(steps):
            for cut in header_cuts(sent):
                flip.clear()
                cut_here = iter([[]] * number + [[cut]] + [[]] * len(steps))
                assert play(wire, steps, lambda w, piece: w.send_in_pieces(piece, next(cut_here))) == expected
                wire.send(query("RESET ALL"))
                wire.hear(3 if name == "a setting that is reported" else 2)


@pytest.mark.parametrize("name", DIALOGUES)
def test_it_is_held_at_a_boundary_and_nowhere_else(flip, name):
    """At each step a hold: where the session is at a boundary it is taken to the other side and goes on
    there; elsewhere the hold is given up, and the session goes on where it is."""
    expected, written = direct(flip, name), rows(flip)
    flip.clear()
    heard = []
    with flip.wire() as wire, flip.control() as control:
        for sent, kinds, safe in DIALOGUES[name]:
            wire.send(sent)
            heard += wire.hear(len(kinds))
            held = flip.hold(control, drain_ms=10000 if safe else 60)
            assert held["ok"] == safe, f"after {kinds or 'nothing'}: {held}"
            if safe:
                epoch = flip.move_registers()
                assert control.require("release", side=flip.side, epoch=epoch)["failed"] == 0
            else:
                assert held["code"] == "drain"
        wire.send(query("SELECT 'the end'"))
        heard += wire.hear(4)
    assert heard == expected
    assert rows(flip) == written


@pytest.mark.parametrize("begin", [run(COPY_IN), run(COPY_IN) + SYNC], ids=["", "with a Sync before the data"])
def test_a_copy_that_is_under_way_comes_to_its_end_in_the_drain(flip, begin):
    """Its last Sync is handed on, too: before it the server says nothing, and the drain would wait in vain."""
    side_is(flip, "old")
    flip.clear()
    with flip.wire() as wire, flip.control() as control:
        wire.send(begin)
        assert [kind for kind, _ in wire.hear(3)] == ["1", "2", "G"]
        number = flip.send_hold(control, drain_ms=20000)
        with flip.control() as second:
            assert second.require("status")["phase"] == "draining"
        wire.send(data(b"1\n"))
        wire.send(DONE)
        wire.send(SYNC + query("SELECT 1"))
        assert [kind for kind, _ in wire.hear(2)] == ["C", "Z"]
        assert control.answer(number)["held"] == 1
        epoch = flip.move_registers()
        control.require("release", side=flip.side, epoch=epoch)
        assert [kind for kind, _ in wire.hear(4)] == ["T", "D", "C", "Z"]
    assert rows(flip) == [(1,)]
