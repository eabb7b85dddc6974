"""A session of the gateway's, and what one client or one server can do to it in any phase: leave, reset, say
much at once, read slowly, or ask for what nobody else asks."""

import socket
import struct

import pytest

from proxy import Proxy
from selfflip import SelfFlip
from server import LabError, frozen, process_state, wait_until
from test_gateway import make_certificate
from wire import SYNC, query, queue_of


def pid_of(wire):
    return struct.unpack(">I", wire.key[:4])[0]


def said(wire, question):
    """The types of all that is answered to it."""
    wire.send(question)
    kinds = []
    while not kinds or kinds[-1] != "Z":
        kinds.append(wire.next()[0])
    return "".join(kinds)


# -- who leaves --------------------------------------------------------------------------------------


def test_who_leaves_his_cancel_behind_costs_nothing_and_it_is_delivered(flip):
    """The server does not take it yet; many clients wait no longer than a moment for that."""
    with flip.wire() as wire:
        wire.send(query("SELECT pg_sleep(60)"))
        wait_until(lambda: flip.old.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'",
                                          (pid_of(wire),)), 10, "the statement to run")
        with frozen(flip.old.pid()):
            with socket.create_connection(("127.0.0.1", flip.gateway_port), 10) as conn:
                conn.sendall(struct.pack(">II", 16, 80877102) + wire.key)
            wait_until(lambda: process_state(flip.gateways[0].pid) == "S", 10, "the gateway to have nothing to do")
        assert [kind for kind, _ in wire.hear(3)] == ["T", "E", "Z"]


def test_who_leaves_when_no_more_can_be_taken_leaves_no_session(flip, control):
    """As many units as the gateway counts at a time, and the end of the connection right behind them."""
    with flip.wire() as wire:
        with frozen(pid_of(wire)):
            wire.send_in_pieces(SYNC * 256, ())
            wire.shut()
            wait_until(lambda: process_state(flip.gateways[0].pid) == "S", 10, "the end to be seen")
        wait_until(lambda: control.require("status")["sessions"] == 0, 10, "the session to go")


# -- what is said while the gateway asks something itself -----------------------------------------------


COUNT, LENGTH = 3000, 7900  # notifications, more than all sockets on the way hold


def told_within(flip, wire, ask):
    """Notifications that a session's server sends within the dialogue that `ask` begins."""
    with frozen(pid_of(wire)), flip.old.connect("shop") as other:
        asked = ask()
        port = flip.old.query("SELECT client_port FROM pg_stat_activity WHERE pid = %s", (pid_of(wire),))[0][0]
        wait_until(lambda: queue_of(flip.old.port, port), 10, "the gateway's question")
        other.execute("SELECT count(pg_notify('news', repeat('x', %s) || n)) FROM generate_series(1, %s) n",
                      (LENGTH, COUNT))
        other.commit()
    return asked


def hears_all(wire):
    heard = [body[4:].split(b"\0")[1].lstrip(b"x") for kind, body in wire.hear(COUNT) if kind == "A"]
    return heard == [b"%d" % n for n in range(1, COUNT + 1)]


def listener(flip):
    wire = flip.wire()
    assert said(wire, query("LISTEN news")) == "CZ"
    return wire


def test_who_is_told_much_while_it_is_looked_at_may_read_slowly(flip, control):
    with listener(flip) as wire:
        asked = told_within(flip, wire, lambda: flip.send_arm(control))
        assert control.answer(asked)["ok"]
        assert hears_all(wire)
        assert said(wire, query("SELECT 1")) == "TDCZ"


def test_who_does_not_read_what_it_is_told_before_it_is_held_is_named(flip, control):
    with listener(flip) as wire:
        flip.arm(control)
        asked = told_within(flip, wire, lambda: flip.send_hold(control, drain_ms=2000))
        refused = control.answer(asked)
        assert (refused["code"], [b["class"] for b in refused["blockers"]]) == ("drain", ["unread"])
        assert hears_all(wire)
        assert said(wire, query("SELECT 1")) == "TDCZ"


# -- two holds in a row -------------------------------------------------------------------------------


def registers_read_while_held(flip, control, begin):
    """Another hold, and what `begin` asks of a register for the one before is answered only then. Its phase."""
    readers = flip.old.query("SELECT pid, client_port FROM pg_stat_activity"
                             " WHERE usename = 'airlock_gateway' AND datname = 'airlock'")

    def asked():
        return any(queue_of(flip.old.port, port) for _, port in readers)

    with frozen(*(pid for pid, _ in readers)):
        begin()
        wait_until(asked, 10, "the question")
        assert flip.hold(control)["ok"]
    wait_until(lambda: not asked(), 10, "the question to be read")
    wait_until(lambda: flip.old.query("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s) AND state = 'idle'",
                                      ([pid for pid, _ in readers],)) == [(len(readers),)], 10, "its answer")
    with flip.control() as second:
        for _ in range(20):
            phase = second.require("status")["phase"]
    return phase


def is_on_old(flip, control):
    """Whose register is read at the address by which queues are looked at."""
    if flip.side != "old":
        assert flip.turn(control) is not None
    with flip.wire() as wire:  # both registers have a reader
        assert said(wire, query("SELECT 1")) == "TDCZ"


@pytest.mark.parametrize("what", ["deadline", "release"])
def test_a_hold_is_not_ended_by_what_was_asked_for_the_one_before(flip, control, what):
    is_on_old(flip, control)
    with flip.wire(), flip.control() as first:
        asked = []

        def begin():
            assert flip.hold(first, hold_ms=300 if what == "deadline" else 20000)["ok"]
            if what == "release":
                asked.append(first.send("release", side=flip.side, epoch=0))

        try:
            assert registers_read_while_held(flip, control, begin) == "held"
            assert [first.answer(number)["code"] for number in asked] == ["busy"] * len(asked)
        finally:
            control.require("release", side=flip.side, epoch=0)


# -- a server that is lost under TLS ------------------------------------------------------------------


class FarFlip(SelfFlip):
    """Old is reached by TLS over a network that can lose it."""

    network = None

    def conninfo(self, side):
        if self.network is None:
            self.network = Proxy(self.old.port)
            self.network.__enter__()
        text = super().conninfo(side)
        return text.replace(f"port={self.old.port}", f"port={self.network.port}") if side == "old" else text

    def down(self):
        super().down()
        self.network.refuse()


@pytest.fixture(scope="module")
def far(scratch):
    place = scratch()
    make_certificate(place)
    made = FarFlip.make(place / "far", tls=(place / "lab.crt", place / "lab.key"))
    yield made
    made.down()


@pytest.fixture
def far_control(far):
    with far.control() as conn:
        yield conn


def test_under_tls_a_server_that_is_lost_when_something_is_said_to_it_ends_the_session(far, far_control):
    """What finds it out is a write; the client would wait for ever."""
    with far.wire(seconds=10) as wire:
        far.gateways[0].sigstop()
        try:
            wire.send(query("SELECT 1"))
            wait_until(lambda: queue_of(far.gateway_port, wire.port()), 10, "the question to be there")
            far.network.reset()
        finally:
            far.gateways[0].sigcont()
        with pytest.raises(LabError, match="closed"):
            wire.next()
        wait_until(lambda: far_control.require("status")["sessions"] == 0, 10, "the session to go")
