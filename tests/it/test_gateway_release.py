"""The end of a hold for its sessions: who goes first, and what the controller is told of it."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

from server import wait_until
from wire import SYNC, bind, execute, parse, query, queue_of

CLIENTS = 16


# -- who goes first ---------------------------------------------------------------------------------

SETUP = """
CREATE TABLE IF NOT EXISTS served (n int GENERATED ALWAYS AS IDENTITY, turn int);
TRUNCATE served RESTART IDENTITY;
GRANT ALL ON served TO shop_app;
"""
BOTH_TURNS = "SELECT max(n) FILTER (WHERE turn = 1) < min(n) FILTER (WHERE turn = 2), count(*) FROM served"


def opened(flip):
    """What to ask for when the other side has been opened."""
    epoch = flip.move_registers()
    return {"side": flip.side, "epoch": epoch}


def insert(turn):
    return query(f"INSERT INTO served (turn) VALUES ({turn})")


def second_turn(client):
    """As soon as the first is answered."""
    assert [kind for kind, _ in client.hear(2)] == ["C", "Z"]
    client.send(insert(2))
    assert [kind for kind, _ in client.hear(2)] == ["C", "Z"]


def test_nobody_is_served_twice_before_all_who_waited_are_served_once(flip, control):
    """Who is far behind asks again at once, and each such request would take the processor from those who have
    waited since the hold began. On a busy machine the gateway may tire of it (after 100 ms), hence some turns."""
    in_order = []
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as pool:
        clients = [stack.enter_context(flip.wire()) for _ in range(CLIENTS)]
        while not any(in_order) and len(in_order) < 30:
            flip.old.psql(SETUP, "shop")
            flip.hold(control)
            for client in clients:
                client.send(insert(1))
            turns = [pool.submit(second_turn, client) for client in clients]
            wait_until(lambda: control.require("status")["oldest_ms"], 10, "requests to be held")
            control.require("release", **opened(flip))
            for turn in turns:
                turn.result(60)
            (ordered, count), = flip.old.query(BOTH_TURNS, dbname="shop")
            assert count == 2 * CLIENTS
            in_order.append(ordered)
    assert any(in_order)


def test_what_waits_its_turn_is_executed_though_its_client_leaves(flip, control):
    """As without a gateway: it was asked for before, and no hold is under way."""
    flip.old.psql(SETUP, "shop")
    with flip.wire() as client, other_there(flip, control) as (stuck, owner):
        client.send(insert(1))
        released = control.send("release", **opened(flip))
        assert [kind for kind, _ in client.hear(2)] == ["C", "Z"]
        client.send(insert(2))
        client.close()
        wait_until(lambda: flip.old.query(BOTH_TURNS, dbname="shop") == [(True, 2)], 10, "the second to be served")
        owner.commit()
        assert control.answer(released)["failed"] == 1


def test_who_leaves_in_the_middle_of_a_message_is_in_no_holds_way(flip, control):
    """Nothing that is whole waits its turn there: the drain would wait in vain, for a transaction without a client."""
    with flip.wire() as client:
        client.send(query("BEGIN"))
        assert [kind for kind, _ in client.hear(2)] == ["C", "Z"]
        number = flip.send_hold(control)
        wait_until(lambda: control.require("status")["phase"] == "draining", 10, "the hold to wait for it")
        client.send(query("SELECT 1")[:3])
        client.close()
        assert control.answer(number)["ok"]
        control.require("release", **opened(flip))


# -- who could not go on ----------------------------------------------------------------------------


@contextlib.contextmanager
def other_there(flip, control):
    """A held session whose statement another side does not know like that: the owner's transaction that makes it
    so, and keeps a replay waiting."""
    flip.old.psql("CREATE TABLE other_there (a int); GRANT ALL ON other_there TO shop_app", "shop")
    try:
        with flip.wire() as wire, flip.old.connect("shop", autocommit=False) as owner:
            wire.send(parse("SELECT * FROM other_there", "q") + SYNC)
            wire.hear(2)
            flip.hold(control)
            wire.send(query("SELECT 1"))
            wait_until(lambda: control.require("status")["oldest_ms"], 10, "the request to be held")
            owner.execute("ALTER TABLE other_there ALTER a TYPE text")
            yield wire, owner
    finally:
        flip.old.psql("DROP TABLE other_there", "shop")


def port_of_the_replay(flip):
    (port,), = wait_until(lambda: flip.old.query(
        "SELECT client_port FROM pg_stat_activity WHERE usename = 'shop_app' AND wait_event_type = 'Lock'"),
        10, "the replay to wait for the lock")
    return port


def test_who_could_not_go_on_is_counted_though_its_client_leaves_at_once(flip, control):
    """Told so, a client closes its end sooner than the gateway looks at it again: here in the same look."""
    with other_there(flip, control) as (wire, owner):
        released = control.send("release", **opened(flip))
        port = port_of_the_replay(flip)
        flip.gateways[0].sigstop()
        owner.commit()
        wait_until(lambda: queue_of(port, flip.old.port, flip.address()), 10, "the server's answer")
        wire.close()
        flip.gateways[0].sigcont()
        answer = control.answer(released)
        assert (answer["released"], answer["failed"]) == (0, 1)
    assert "statement q: its parameters or columns" in flip.gateways[0].log_text()


def test_who_could_not_go_on_is_told_to_a_controller_that_listens(flip, control):
    """The one who released had gone when it was known; told once, it is told to nobody else."""
    with other_there(flip, control) as (wire, owner):
        epoch = flip.move_registers()
        with flip.control() as gone:
            gone.send("release", side=flip.side, epoch=epoch)
            port_of_the_replay(flip)
        owner.commit()
        assert wire.next()[0] == "E"
        assert [control.require("release", side=flip.side, epoch=epoch)["failed"] for _ in range(2)] == [1, 0]


# -- a server that cannot make a session again just now -----------------------------------------------


def test_a_session_whose_statement_waits_for_a_lock_is_made_again_when_it_can_be(flip, control):
    """The role's own lock_timeout is over before the table is free; its client must not be told of that."""
    flip.old.psql("CREATE TABLE IF NOT EXISTS busy (a int); GRANT ALL ON busy TO shop_app;"
                  " ALTER ROLE shop_app SET lock_timeout = '20ms'", "shop")
    try:
        with flip.wire() as client, flip.old.connect("shop", autocommit=False) as owner:
            client.send(parse("SELECT a FROM busy", "s") + SYNC)
            assert [kind for kind, _ in client.hear(2)] == ["1", "Z"]
            flip.hold(control)
            client.send(bind("s") + execute() + SYNC)
            owner.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
            number = control.send("release", **opened(flip))
            wait_until(lambda: canceled_for_locks(flip) > 1, 20, "it to be tried more than once")
            owner.rollback()
            assert [kind for kind, _ in client.hear(3)] == ["2", "C", "Z"]
            assert control.answer(number)["failed"] == 0
    finally:
        flip.old.psql("ALTER ROLE shop_app RESET lock_timeout")


def canceled_for_locks(flip):
    return flip.old.log_tail(100000).count("canceling statement due to lock timeout")
