"""Many sessions: what is done for one after the other before a hold is done for all of them, and they cross like a few."""

import contextlib

import psycopg
import pytest

from conftest import crossing_in_sync, needs_program
from crossing import DONE, REFUSED
from test_gateway_crossing import World
from wire import query

PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'airlock%'"


def value_of(messages):
    """The one value of the one row among them."""
    (row,) = (body for kind, body in messages if kind == "D")
    return row[6:].decode()


def asleep(flip, seconds):
    """A client whose statement takes so long."""
    client = flip.wire()
    client.send(query(f"SELECT pg_sleep({seconds})"))
    return client


def test_arm_goes_on_while_each_second_brings_it_further(flip):
    """Who is not looked at before the hold is looked at in it, where everybody waits. Who does not come to a boundary
    is not waited for."""
    with contextlib.ExitStack() as stack, flip.control() as control:
        *clients, stuck = (stack.enter_context(asleep(flip, seconds))
                           for seconds in (*(0.12 * n for n in range(1, 21)), 60))
        answer = flip.arm(control)
        assert [b["class"] for b in answer["blockers"]] == ["transaction"]
        for client in clients:
            client.hear(4)
            client.send(query(PREPARED))
            assert value_of(client.hear(4)) == "1"
        flip.old.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'"
                       " AND pid <> pg_backend_pid()")
        assert [kind for kind, _ in stuck.hear(3)] == ["T", "E", "Z"]


def test_a_side_without_room_for_all_is_refused_before_anybody_is_held(labs, scratch):
    """Those beyond would be ended at the release, and Airlock could not log in there to bring the others back."""

    def with_little_room(lab):
        lab.new.psql("ALTER SYSTEM SET max_connections = 40")
        lab.new.stop()
        lab.new.start()

    crossing = crossing_in_sync(labs, scratch, change=with_little_room, gateway=True)
    lab = crossing.lab
    lab.start_gateway()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(psycopg.connect(lab.gateway_dsn("shop_app"), autocommit=True)) for _ in range(45)]
        refused = crossing.call(*crossing.moved("forward"))
        assert refused.code == REFUSED and "45 sessions are to go to new, which has room for" in refused.err
        assert [client.execute("SELECT 1").fetchone() for client in clients] == 45 * [(1,)]
        for client in clients[5:]:
            client.close()
        moved = crossing.call(*crossing.moved("forward")).require(DONE).json()
        assert moved["primary"] == {"orders": "new"}
        assert [client.execute("SELECT 1").fetchone() for client in clients[:5]] == 5 * [(1,)]


@pytest.mark.long
def test_five_hundred_clients_cross_without_an_error(labs, scratch):
    needs_program()
    clients = 500
    world = World(labs(2, gateway=True, settings={"max_connections": str(2 * clients + 100)}), scratch(), clients=clients)
    with world.ledger:
        for direction, side in (("forward", "new"), ("rollback", "old")):
            world.ledger.wait_for(3 * clients)
            moved = world.move(direction)
            assert moved["verdict"] == "done" and moved["primary"] == {"orders": side} and moved["attempts"] == 1
            assert moved["held_max"] == clients
            print(f"{direction}: {moved['stall_ms']}")
        world.ledger.wait_for(3 * clients)
    held = world.sound("old")
    print(f"{held['acknowledged']} acknowledged, longest stall {held['longest_stall_ms']} ms")
