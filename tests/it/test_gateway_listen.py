"""LISTEN goes across: the channels, what old had sent before, and what is sent on new right after."""

import os
import select
import signal
import threading
import time

import psycopg
import psycopg.sql
import pytest

from server import wait_until
from wire import query, queue_of

LISTEN_FIRST_S = 0.25  # others wait so long for those who listen (release.c), and no longer
CHANNELS = ("plain", "MixedCase", 'with "quotes"', "umläut", "sem;icolon")


class Listener:
    """A client that keeps what it is told."""

    def __init__(self, flip, *channels, **kwargs):
        self.conn = psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True, **kwargs)
        self.heard = []
        self.conn.add_notify_handler(lambda notify: self.heard.append((notify.channel, notify.payload, notify.pid)))
        for channel in channels:
            self.conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))

    def payloads(self):
        """After one more round trip, which brings out what its server has for it."""
        self.conn.execute("SELECT 1")
        return [payload for _, payload, _ in self.heard]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.close()


def notify(conn, channel, payload):
    conn.execute("SELECT pg_notify(%s, %s)", (channel, payload))


def test_channels_are_listened_to_on_the_other_side(flip, control):
    with Listener(flip, *CHANNELS, "given up") as listener, \
            psycopg.connect(flip.direct("shop_app"), autocommit=True) as direct:
        listener.conn.execute('UNLISTEN "given up"')
        assert flip.arm(control)["blockers"] == []
        flip.turn(control)
        assert listener.conn.execute("SELECT host(inet_server_addr())").fetchone() == (flip.address(),)
        assert {row[0] for row in listener.conn.execute("SELECT pg_listening_channels()")} == set(CHANNELS)
        for channel in (*CHANNELS, "given up"):
            notify(direct, channel, f"to {channel}")
        wait_until(lambda: len(listener.payloads()) >= len(CHANNELS), 10, "the notifications")
        assert listener.payloads() == [f"to {channel}" for channel in CHANNELS]


def test_its_own_notifications_are_still_its_own(flip, control):
    with Listener(flip, "news") as listener:
        notify(listener.conn, "news", "before")
        flip.turn(control)
        notify(listener.conn, "news", "after")
        assert listener.payloads() == ["before", "after"]
        assert {pid for _, _, pid in listener.heard} == {listener.conn.info.backend_pid}
        assert listener.conn.execute("SELECT pg_backend_pid()").fetchone()[0] != listener.conn.info.backend_pid


def test_a_hold_is_not_drained_before_listeners_have_what_was_committed(flip, control):
    """Its server is frozen at that moment, so nobody can say that it had been quick enough."""
    with Listener(flip, "news") as listener, \
            psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True), \
            psycopg.connect(flip.direct("shop_app"), autocommit=True) as direct:
        flip.arm(control)  # from here on both could be held at once
        pid = listener.conn.info.backend_pid
        os.kill(pid, signal.SIGSTOP)
        try:
            notify(direct, "news", "in time")
            number = flip.send_hold(control)
            with flip.control() as second:
                wait_until(lambda: second.require("status")["held"] == 1, 10, "the other to be held")
                assert second.require("status")["phase"] == "draining"
        finally:
            os.kill(pid, signal.SIGCONT)
        assert control.answer(number)["held"] == 2
        flip.old.query("SELECT pg_terminate_backend(%s, 10000)", (pid,))
        epoch = flip.move_registers()
        control.require("release", side=flip.side, epoch=epoch)
        assert listener.payloads() == ["in time"]


def frozen_in_its_flush(flip, control, before=lambda: None, **hold):
    """A listener by the wire whose server does not answer, and the number of the hold that waits for it. `before` is
    done last before that."""
    wire = flip.wire(seconds=2)  # before anybody looks at it for another reason
    wire.send(query("LISTEN news"))
    assert [kind for kind, _ in wire.hear(2)] == ["C", "Z"]
    flip.arm(control)
    pid = int.from_bytes(wire.key[:4], "big")
    os.kill(pid, signal.SIGSTOP)
    before()
    return wire, pid, flip.send_hold(control, **hold)


def test_a_listener_goes_on_when_its_hold_ends_within_its_flush(flip, control):
    wire, pid, number = frozen_in_its_flush(flip, control, drain_ms=100)
    with wire:
        try:
            assert control.answer(number)["code"] == "drain"
            wire.send_in_pieces(query("SELECT 'on'"), ())
        finally:
            os.kill(pid, signal.SIGCONT)
        assert [kind for kind, _ in wire.hear(4)] == ["T", "D", "C", "Z"]


def test_a_flush_does_not_open_a_door(flip, control):
    """The deadline passes within it, and no register reads open."""
    wire, pid, number = frozen_in_its_flush(flip, control, hold_ms=1500, before=lambda: flip.set_register(
        flip.side, "COMMITTING", attempt=flip.attempt + 1))
    with wire:
        try:
            assert control.answer(number)["code"] == "over"
            wire.send_in_pieces(query("SELECT 'on'"), ())
        finally:
            os.kill(pid, signal.SIGCONT)
        try:
            assert (wire.next()[0], control.require("status")["phase"]) == ("E", "shut")
        finally:
            flip.set_register(flip.side, "ACTIVE")
    with flip.wire() as wire:
        wire.send(query("SELECT 'on'"))
        assert wire.hear(4)[3][0] == "Z"


def test_what_came_in_one_piece_with_the_end_of_a_probe_is_heard(flip, control):
    """The server answers a probe and tells of a notification while the gateway is frozen."""
    if flip.side != "old":
        flip.turn(control)
    with Listener(flip, "news") as listener, psycopg.connect(flip.direct("shop_app"), autocommit=True) as direct:
        pid = listener.conn.info.backend_pid
        port = flip.old.query("SELECT client_port FROM pg_stat_activity WHERE pid = %s", (pid,))[0][0]
        flip.arm(control)  # what comes next is one round trip
        assert listener.payloads() == []
        os.kill(pid, signal.SIGSTOP)
        number = control.send("survey")
        wait_until(lambda: queue_of(flip.old.port, port) > 0, 10, "the probe")
        flip.gateways[0].sigstop()
        try:
            os.kill(pid, signal.SIGCONT)
            wait_until(lambda: probe_is_answered(flip, pid), 10, "the probe's answers")
            answers = queue_of(port, flip.old.port)
            notify(direct, "news", "behind it")
            wait_until(lambda: queue_of(port, flip.old.port) > answers, 10, "the notification")
        finally:
            flip.gateways[0].sigcont()
        wait_until(lambda: hear(listener, []) == ["behind it"], 5, "the notification")
        assert control.answer(number)["ok"]


def probe_is_answered(flip, pid):
    return flip.old.query("SELECT state = 'idle' AND query LIKE 'DO $airlock%%' FROM pg_stat_activity WHERE pid = %s",
                          (pid,))[0][0]


def slow_reader(flip, control, listener, count, drain_ms=20000):
    """A drain that waits for another's transaction, while the listener is told more than its socket takes.
    Returns that other and the number of the hold."""
    other = psycopg.connect(flip.gateway_dsn("shop_app"))
    other.execute("SELECT 1")
    number = flip.send_hold(control, hold_ms=40000, drain_ms=drain_ms)
    with flip.control() as second:
        wait_until(lambda: second.require("status")["held"] == 1, 10, "the listener to be held")
    with psycopg.connect(flip.direct("shop_app"), autocommit=True) as direct:
        direct.execute("SELECT count(pg_notify('news', repeat('x', 7900) || n)) FROM generate_series(1, %s) n", (count,))
    wait_until(lambda: flip.old.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'ClientWrite'",
                                      (listener.conn.info.backend_pid,)), 20, "all buffers to be full")
    return other, number


def hear(listener, heard):
    """What comes without a question, until nothing has come for a moment."""
    pgconn = listener.conn.pgconn
    while select.select([pgconn.socket], [], [], 0.1)[0]:
        pgconn.consume_input()
        while (notify := pgconn.notifies()) is not None:
            heard.append(notify.extra.lstrip(b"x").decode())
    return heard


def test_a_listener_is_not_flushed_or_left_in_the_middle_of_a_message(flip, control):
    """Much was committed before it was held, and it reads slowly."""
    count, heard = 3000, []
    with Listener(flip, "news") as listener:
        other, number = slow_reader(flip, control, listener, count)
        other.commit()
        with flip.control() as second:
            wait_until(lambda: second.require("status")["held"] > 0, 10, "the other to be held")
        wait_until(lambda: len(hear(listener, heard)) == count, 20, "all notifications")
        held = control.answer(number)
        assert (held["ok"], held["held"]) == (True, 2), held
        epoch = flip.move_registers()
        control.require("release", side=flip.side, epoch=epoch)
        assert heard == [str(n + 1) for n in range(count)]
        assert listener.conn.execute("SELECT 'well'").fetchone() == ("well",)
        other.close()


def test_a_client_that_has_half_a_message_is_not_given_another_server(flip, control):
    heard = []
    with Listener(flip, "news") as listener:
        other, number = slow_reader(flip, control, listener, 3000)
        flip.old.query("SELECT pg_terminate_backend(%s, 10000)", (listener.conn.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError, match="closed the connection"):
            wait_until(lambda: hear(listener, heard) is None, 5, "the end of the connection")
        other.close()
        assert control.answer(number)["held"] == 0
        control.require("release", side=flip.side, epoch=0)
        assert heard == [str(n + 1) for n in range(len(heard))]


def test_a_listener_that_does_not_read_is_named(flip, control):
    with Listener(flip, "news") as listener:
        other, number = slow_reader(flip, control, listener, 3000, drain_ms=6000)
        other.close()
        refused = control.answer(number)
        assert (refused["code"], [b["class"] for b in refused["blockers"]]) == ("drain", ["unread"])
        assert len(listener.payloads()) == 3000


def test_what_came_in_one_piece_with_the_end_of_the_server_is_heard(flip, control):
    """The gateway is frozen, so that the notification and the FATAL of the seal reach it together."""
    came = []
    for n in range(5):
        with Listener(flip, "news") as listener, Listener(flip, "news") as witness, \
                psycopg.connect(flip.direct("shop_app"), autocommit=True) as direct:
            direct.execute("LISTEN news")
            flip.hold(control)
            flip.gateways[0].sigstop()
            try:
                notify(direct, "news", "the last")
                flip.old.query("SELECT pg_terminate_backend(%s, 10000)", (listener.conn.info.backend_pid,))
            finally:
                flip.gateways[0].sigcont()
            control.require("release", side=flip.side, epoch=0)
            assert witness.payloads() == ["the last"]
            came.append(listener.payloads() == ["the last"])
    assert any(came), "the notification never came through"


def release_to_listeners(flip, control):
    """The gateway's answer, and whether all were there before anybody tired of waiting for those who listen."""
    epoch, began = flip.move_registers(), time.monotonic()
    released = control.require("release", side=flip.side, epoch=epoch)
    wait_until(lambda: control.require("status")["phase"] == "run", 10, "everybody to go on")
    return released, time.monotonic() - began < LISTEN_FIRST_S


def test_those_who_listen_go_first(flip, control):
    """What a held client commits on new in the first moment is heard by those who listened on old."""
    missed = set()  # on a busy machine
    with Listener(flip, "news") as listener, \
            psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as other:
        for n in range(10):
            flip.arm(control)
            flip.hold(control)
            asking = threading.Thread(target=notify, args=(other, "news", str(n)))
            asking.start()
            with flip.control() as second:
                wait_until(lambda: second.require("status")["oldest_ms"] > 0, 10, "the request to wait")
            _, in_time = release_to_listeners(flip, control)
            asking.join(60)
            if not in_time and str(n) not in listener.payloads():
                missed.add(n)
        assert listener.payloads() == [str(n) for n in range(10) if n not in missed]
        assert len(missed) < 10


def test_no_notification_is_lost_or_doubled_between_clients_of_one_gateway(flip, control, long_run):
    """One notifies all the time, one listens, and the sides are turned under them."""
    sent, stopping = [], threading.Event()
    late, turns = set(), 500 if long_run else 20

    def work(conn):
        while not stopping.is_set():
            notify(conn, "news", str(len(sent)))
            sent.append(str(len(sent)))

    with Listener(flip, "news") as listener, \
            psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as other:
        thread = threading.Thread(target=work, args=(other,))
        thread.start()
        try:
            for turn in range(turns):
                wait_until(lambda: len(sent) > 3 * turn, 10, "some notifications")
                assert flip.hold(control)["ok"]
                before = len(sent)
                released, in_time = release_to_listeners(flip, control)
                assert released["failed"] == 0
                if not in_time:  # what is sent before the listener is there may be lost
                    late.update(map(str, range(before, len(sent) + 1)))
        finally:
            stopping.set()
            thread.join(60)
        heard = listener.payloads()
    lost = set(sent) - set(heard)
    assert lost <= late and len(lost) < len(sent) / 2
    assert heard == [payload for payload in sent if payload not in lost]


def shut(flip, control):
    """A hold that ends where no door is open."""
    flip.set_register(flip.side, "COMMITTING", attempt=flip.attempt + 1)
    flip.hold(control, hold_ms=1000)
    wait_until(lambda: control.require("status")["phase"] == "shut", 10, "the hold to be over")


def hears_again(flip, listener):
    """Without asking for anything: its server is there, and what is sent arrives."""
    wait_until(lambda: flip.old.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_app'"
                                      " AND query LIKE '%%pg_listening_channels%%'")[0][0] > 0, 10,
               "the listener's server")
    with psycopg.connect(flip.direct("shop_app"), autocommit=True) as direct:
        notify(direct, "news", "at last")
    wait_until(lambda: heard_without_asking(listener), 10, "the notification")


@pytest.mark.parametrize("another", [True, False], ids=["another asks", "nobody asks"])
def test_one_who_only_listens_is_connected_again_when_a_door_opens(flip, control, another):
    """At the deadline no door was open; he would never ask for his server."""
    with Listener(flip, "news") as listener, \
            psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as other:
        shut(flip, control)
        flip.set_register(flip.side, "ACTIVE")
        if another:
            assert other.execute("SELECT 1").fetchone() == (1,)
        hears_again(flip, listener)
        assert control.require("status")["phase"] == "run"


def test_one_who_only_listens_hears_again_though_his_patience_was_over(flip, control):
    """The door is shut while he logs in after a hold, for longer than he may look for an open one."""
    with Listener(flip, "news", options="-c post_auth_delay=3") as listener:
        flip.turn(control)
        flip.set_register(flip.side, "COMMITTING", attempt=flip.attempt)
        wait_until(lambda: control.require("status")["phase"] == "run", 30, "the listener to be given up")
        assert control.require("status")["sessions"] == 1
        flip.set_register(flip.side, "ACTIVE")
        hears_again(flip, listener)


def heard_without_asking(listener):
    listener.conn.pgconn.consume_input()
    notified = listener.conn.pgconn.notifies()
    return notified is not None and notified.extra == b"at last"


def test_a_plan_may_want_nobody_to_listen(flip, control):
    with Listener(flip, "news"):
        answer = flip.hold(control, listen="block")
        assert [(b["class"], b["policy"], b["text"]) for b in answer["blockers"]] == [("listen", "block", "news")]
        assert flip.hold(control, listen="tell")["held"] == 1
        control.require("release", side=flip.side, epoch=0)
