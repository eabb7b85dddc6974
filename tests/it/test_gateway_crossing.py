"""Real crossings with the clients behind airlock-gateway: they see no error and keep their connection."""

import enum
import os
import signal
import socket
import threading

import psycopg
import pytest
from psycopg.types.enum import EnumInfo, register_enum

from conftest import needs_program
from control import Control
from crossing import DONE, REFUSED, UNDONE, Crossing, problems_of
from gateway import Gateway
from ledger import Ledger, verify
from server import free_port, wait_until


class World:
    """A lab with a gateway, its crossing, and live clients behind it."""

    def __init__(self, lab, place, clients=16, rate=1000):
        self.lab, self.place = lab, place
        self.crossing = Crossing(lab, place / "commands")
        self.crossing.prepare()
        self.gateway = lab.start_gateway()
        self.ledger = Ledger(lab, place / "ledger", clients=clients, rate=rate, sides=("gateway", "gateway"))

    def settled(self):
        """Until nothing is left to do, so that the next move is not refused."""
        wait_until(lambda: self.crossing.call("resume").code == DONE, 60, "nothing left to resume")

    def move(self, direction):
        self.settled()
        return self.crossing.call(*self.crossing.moved(direction)).require(DONE).json()

    def stopped_at(self, direction, failpoint):
        """The move under way, stopped at a failpoint; the caller closes it."""
        self.settled()
        verb, *arguments = self.crossing.moved(direction)
        running = self.crossing.start(verb, *arguments, failpoint=failpoint)
        assert running.await_failpoint(60)
        return running

    def second_gateway(self):
        """Another one for the same plan; what Ledger needs to go through it."""
        port, plan = free_port(), self.place / "second.yaml"
        plan.write_text(self.lab.plan.read_text().replace(f":{self.lab.gateway_port}", f":{port}").replace(
            "gateway.sock", "second.sock"))
        self.lab.gateways.append(Gateway(self.gateway.program, plan, self.place / "second.log").start())
        return Through(self.lab, port)

    def sound(self, primary):
        """Nothing lost, nothing twice, and no client has noticed anything."""
        held = verify(self.lab, self.place / "ledger", primary, both_seconds=60)
        assert held["verdict"] == "sound", held
        noticed = {kind: held[kind] for kind in ("failed", "unknown", "reconnects", "errors")}
        assert noticed == {"failed": 0, "unknown": 0, "reconnects": 0, "errors": {}}
        return held


class Through:
    """The lab, seen by clients of another gateway."""

    def __init__(self, lab, port):
        self.lab, self.port = lab, port

    def dsn(self, side, role):
        return self.lab.dsn(side, role).replace(f":{self.lab.gateway_port}/", f":{self.port}/")


@pytest.fixture
def world(labs, scratch, request):
    needs_program()
    level = getattr(request, "param", 3)
    return World(labs(level, gateway=True), scratch())


@pytest.mark.parametrize("world", [3, 2], indirect=True, ids=["level3", "level2"])
def test_there_and_back_without_an_error(world, long_run):
    turns = 20 if long_run else 2
    with world.ledger:
        for _ in range(turns):
            for direction, side in (("forward", "new"), ("rollback", "old")):
                world.ledger.wait_for(300)
                moved = world.move(direction)
                assert moved["verdict"] == "done" and moved["primary"] == {"orders": side}
                assert moved["held_max"] == 16
                assert 0 < moved["stall_ms"]["max"] and problems_of(moved) == []
        world.ledger.wait_for(300)
    held = world.sound("old")
    print(f"{2 * turns} crossings, {held['acknowledged']} acknowledged, {held['per_second']}/s,"
          f" longest stall {held['longest_stall_ms']} ms")


def test_aborted_attempts_are_not_noticed_either(world, long_run):
    turns = 20 if long_run else 1
    with world.ledger:
        for _ in range(turns):
            world.ledger.wait_for(200)
            with world.stopped_at("forward", "before:commit") as running:
                running.signal(signal.SIGKILL)
            world.crossing.call("resume").require(UNDONE)
            world.ledger.wait_for(200)
        assert world.crossing.open_sides() == ["old"]
        assert world.move("forward")["primary"] == {"orders": "new"}
        world.ledger.wait_for(200)
    world.sound("new")


def test_a_controller_that_is_gone_is_not_waited_for(world):
    """Nobody resumes: at the deadline the gateway ends the hold itself."""
    text = world.lab.plan.read_text()
    world.lab.plan.write_text(text.replace("hold: 20s", "hold: 6s"))
    world.gateway.stop()
    world.gateway = world.lab.start_gateway()
    with world.ledger:
        world.ledger.wait_for(200)
        with world.stopped_at("forward", "before:commit") as running:
            running.signal(signal.SIGKILL)
        world.ledger.wait_for(200)
        world.crossing.call("resume").require(UNDONE, DONE)
        assert world.crossing.open_sides() == ["old"]
        world.ledger.wait_for(200)
    world.sound("old")


def test_a_new_side_that_is_down_before_the_commit_leaves_them_on_old(world):
    with world.ledger:
        world.ledger.wait_for(200)
        with world.stopped_at("forward", "before:marker") as running:
            world.lab.new.kill9()
            running.signal(signal.SIGCONT)
            running.wait(120).require(UNDONE)
        world.lab.new.start()
        world.settled()
        world.ledger.wait_for(200)
        assert world.crossing.open_sides() == ["old"]
    world.sound("old")


def test_a_drain_that_fails_is_tried_again(world):
    """One transaction stays open over the first attempts."""
    with world.ledger, psycopg.connect(world.lab.dsn("gateway", "shop_app")) as slow:
        world.ledger.wait_for(200)
        slow.execute("SELECT 1")
        moving = []
        thread = threading.Thread(target=lambda: moving.append(world.move("forward")))
        thread.start()
        with Control(world.lab.dir / "gateway.sock") as control:
            wait_until(lambda: control.require("status")["phase"] == "draining", 60, "a hold")
            wait_until(lambda: control.require("status")["phase"] == "run", 60, "its end")
        slow.commit()
        thread.join(120)
        assert moving and moving[0]["primary"] == {"orders": "new"}
        assert slow.execute("SELECT 1").fetchone() == (1,)
        world.ledger.wait_for(200)
    world.sound("new")


def who_answers(conn, lab):
    port = conn.execute("SELECT inet_server_port()").fetchone()[0]
    return {lab.old.port: "old", lab.new.port: "new"}[port]


def test_old_serves_before_sync_and_after_abandon(labs, scratch):
    """A gateway is put between the clients and old before anything else is done, and stays there when
    the migration is given up."""
    needs_program()
    lab = labs(level=2, gateway=True)
    crossing = Crossing(lab, scratch() / "commands")
    lab.start_gateway()
    with psycopg.connect(lab.dsn("gateway", "shop_app")) as first:
        assert who_answers(first, lab) == "old"
        first.commit()
        crossing.prepare()
        with psycopg.connect(lab.dsn("gateway", "shop_app")) as second:
            assert who_answers(second, lab) == who_answers(first, lab) == "old"
        first.commit()
        crossing.call("abandon").require(DONE)
        assert who_answers(first, lab) == "old"
    with psycopg.connect(lab.dsn("gateway", "shop_app")) as third:
        assert who_answers(third, lab) == "old"


def test_a_register_on_new_alone_opens_nothing(labs, scratch):
    """Old's control database was lost, say: who writes is then not known, and nobody is let in."""
    needs_program()
    lab = labs(level=2, gateway=True)
    Crossing(lab, scratch() / "commands").prepare()
    lab.start_gateway()
    lab.old.psql("DELETE FROM airlock.register", "airlock")
    with pytest.raises(psycopg.OperationalError, match="neither side"):
        psycopg.connect(lab.dsn("gateway", "shop_app")).close()


# -- the gateway itself is hurt, or is not alone ------------------------------------------------------


@pytest.mark.parametrize("failpoint", ["before:seal", "before:commit", "before:release"])
def test_a_gateway_that_is_killed_takes_only_its_connections_with_it(world, failpoint):
    with world.ledger:
        world.ledger.wait_for(200)
        with world.stopped_at("forward", failpoint) as running:
            world.gateway.kill9()
            world.gateway = world.lab.start_gateway()
            running.signal(signal.SIGCONT)
            running.wait(120)
        world.settled()
        world.ledger.wait_for(200)
    held = verify(world.lab, world.place / "ledger", world.crossing.open_sides()[0], both_seconds=60)
    assert held["verdict"] == "sound", held


@pytest.mark.parametrize("failpoint", ["before:commit", "before:release"])
def test_a_gateway_that_was_frozen_finds_the_open_door_by_itself(world, failpoint):
    with world.ledger:
        world.ledger.wait_for(200)
        with world.stopped_at("forward", failpoint) as running:
            world.gateway.sigstop()
            running.signal(signal.SIGCONT)
            wait_until(lambda: world.crossing.admits("new"), 60, "new to open")
            moved = running.wait(120).require(DONE).json()
            world.gateway.sigcont()
        assert [problem["id"] for problem in moved["problems"] if problem["id"] != "OVER_BUDGET"] == ["NOT_RELEASED"]
        world.ledger.wait_for(200)
        world.settled()
        assert world.crossing.open_sides() == ["new"]
    world.sound("new")


def test_a_second_gateway_that_is_told_nothing_is_harmless(world):
    """It knows the plan, and learns of the move from the registers alone."""
    second = world.second_gateway()
    others = Ledger(second, world.place / "others", clients=4, rate=200, first=500, sides=("gateway", "gateway"))
    with world.ledger, others:
        for direction, side in (("forward", "new"), ("rollback", "old")):
            world.ledger.wait_for(200)
            others.wait_for(50)
            assert world.move(direction)["primary"] == {"orders": side}
        world.ledger.wait_for(200)
        others.wait_for(50)
    world.sound("old")
    held = verify(world.lab, world.place / "others", "old", both_seconds=60)
    assert held["verdict"] == "sound", held


# -- the figures of the proof -------------------------------------------------------------------------


def aborted_by_the_drain(world):
    """A transaction that stays open for longer than the drain may take; one attempt only."""
    plan = world.lab.plan.read_text()
    world.lab.plan.write_text(plan.replace("drain: 2s", "drain: 300ms").replace("attempts: 5", "attempts: 1"))
    with psycopg.connect(world.lab.dsn("gateway", "shop_app")) as slow:
        slow.execute("SELECT 1")
        world.settled()
        done = world.crossing.call(*world.crossing.moved("forward")).require(UNDONE)
        assert "transaction boundary" in done.json()["problems"][0]["message"]
    world.lab.plan.write_text(plan)


def aborted_by_a_killed_controller(world):
    with world.stopped_at("forward", "before:commit") as running:
        running.signal(signal.SIGKILL)
    world.crossing.call("resume").require(UNDONE)


def aborted_by_a_dead_destination(world):
    with world.stopped_at("forward", "before:marker") as running:
        world.lab.new.kill9()
        running.signal(signal.SIGCONT)
        running.wait(120).require(UNDONE)
    world.lab.new.start()


@pytest.mark.long
def test_the_ledger_of_the_proof(world):
    """20 cutovers, 20 rollbacks, 20 aborted attempts of each kind, under the same clients all the time."""
    done = dict.fromkeys(("cutovers", "rollbacks", "drain", "killed", "down"), 0)
    aborts = {"drain": aborted_by_the_drain, "killed": aborted_by_a_killed_controller,
              "down": aborted_by_a_dead_destination}
    with world.ledger:
        for _ in range(20):
            for kind, abort in aborts.items():
                world.ledger.wait_for(100)
                abort(world)
                world.settled()
                assert world.crossing.open_sides() == ["old"]
                done[kind] += 1
            for direction, kind in (("forward", "cutovers"), ("rollback", "rollbacks")):
                world.ledger.wait_for(100)
                assert world.move(direction)["verdict"] == "done"
                done[kind] += 1
        world.ledger.wait_for(300)
    held = world.sound("old")
    print(done, held)


# -- sessions that cannot go along --------------------------------------------------------------------


def test_check_names_who_is_in_the_way_and_run_does_what_the_plan_says(world):
    """A temporary table: refused by name; then waived by the plan, ended, and told."""
    with world.ledger, psycopg.connect(world.lab.dsn("gateway", "shop_app"), autocommit=True,
                                       application_name="report") as holder:
        holder.execute("CREATE TEMPORARY TABLE mine (a int)")
        world.ledger.wait_for(100)
        with socket.socket(fileno=os.dup(holder.fileno())) as end:
            came_from = "{}:{}".format(*end.getsockname())
        who = f"pid {holder.info.backend_pid}, shop_app (report) from {came_from}: temp, policy block: mine"
        checked = world.crossing.call("check", "--json", "--gate", "sessions").require(REFUSED).json()
        gate, = checked["gates"]
        assert gate["state"] == "fail" and who in gate["evidence"]
        refused = world.crossing.call(*world.crossing.moved("forward")).require(REFUSED)
        assert who in refused.err
        assert world.crossing.status()["clients"]["blockers"][0]["policy"] == "block"
        plan = world.lab.plan.read_text()
        world.lab.plan.write_text(plan.replace("kind: gateway,", "kind: gateway, carry: {temp_tables: disconnect},"))
        checked = world.crossing.call("check", "--json", "--gate", "sessions").require(DONE).json()
        assert "temp, policy disconnect: mine" in checked["gates"][0]["evidence"]
        moved = world.move("forward")
        assert (moved["verdict"], moved["disconnected"], moved["held_max"]) == ("done", 1, 16)
        problem, = problems_of(moved)
        assert problem["id"] == "DISCONNECTED" and problem["sessions"] == 1
        assert f"pid {holder.info.backend_pid}, shop_app (report), temp" in problem["message"]
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT 1")
        world.ledger.wait_for(100)
    world.sound("new")


def test_whom_a_hold_ended_is_reported_when_it_failed_afterwards(world):
    """A transaction, at the drain's end; and a server that said nothing until the hold was given up."""
    plan = world.lab.plan.read_text()
    plan = plan.replace("kind: gateway,", "kind: gateway, carry: {transactions: disconnect},")
    world.lab.plan.write_text(plan.replace("drain: 2s", "drain: 500ms").replace("attempts: 5", "attempts: 1"))
    dsn = world.lab.dsn("gateway", "shop_app")
    with psycopg.connect(dsn, autocommit=True, application_name="report") as holder, \
            psycopg.connect(dsn, autocommit=True) as silent:
        holder.execute("BEGIN")
        silent.execute("SELECT 1")
        os.kill(silent.info.backend_pid, signal.SIGSTOP)
        try:
            moved = world.crossing.call(*world.crossing.moved("forward")).require(UNDONE).json()
        finally:
            os.kill(silent.info.backend_pid, signal.SIGCONT)
        told = {problem["id"]: problem for problem in moved["problems"]}
        assert moved["disconnected"] == told["DISCONNECTED"]["sessions"] == 1
        assert told["DISCONNECTED"]["message"].startswith(f"pid {holder.info.backend_pid}, shop_app (report)")
        assert "cannot go along" in refusal(holder)
        assert silent.execute("SELECT 1").fetchone() == (1,)


def refusal(conn):
    with pytest.raises(psycopg.OperationalError) as caught:
        conn.execute("SELECT 1")
    return str(caught.value)


class Feeling(enum.Enum):
    good = "good"


def test_types_and_statements_that_are_others_there(labs, scratch):
    """A type with another object id: told, the session goes on, its driver's memory is wrong. A statement that
    Describe shows to be another one: that session is refused and told, nobody else."""
    needs_program()
    lab = labs(level=3, gateway=True)
    make = "CREATE TYPE public.feeling AS ENUM ('good')"
    lab.old.psql(make, "shop")
    lab.new.psql(f"CREATE TYPE public.filler AS (a int); DROP TYPE public.filler; {make}", "shop")
    world, failed = World(lab, scratch(), clients=4, rate=200), []
    dsn = lab.dsn("gateway", "shop_app")
    with psycopg.connect(dsn, autocommit=True) as knows, psycopg.connect(dsn, autocommit=True) as differs:
        register_enum(EnumInfo.fetch(knows, "feeling"), knows, Feeling)
        assert knows.execute("SELECT 'good'::feeling", prepare=True).fetchone() == (Feeling.good,)
        differs.execute("PREPARE p AS SELECT * FROM open_orders")
        checked = world.crossing.call("check", "--json").require(DONE)
        assert '"H-TYPE-OID"' in checked.out and "public.feeling" in checked.out
        with world.stopped_at("forward", "before:seal") as running:
            lab.new.psql("SET session_replication_role = replica;"
                         " ALTER VIEW open_orders RENAME COLUMN id TO another;", "shop")
            # It waits: the release is answered when all who wait are let go, or refused.
            asking = threading.Thread(target=lambda: failed.append(refusal(differs)))
            asking.start()
            with Control(lab.dir / "gateway.sock") as control:
                wait_until(lambda: control.require("status")["oldest_ms"] > 0, 60, "a request to wait")
            running.signal(signal.SIGCONT)
            moved = running.wait(120).require(DONE).json()
        asking.join(60)
        problem, = problems_of(moved)
        assert (problem["id"], problem["sessions"]) == ("NOT_CARRIED", 1)
        assert "statement p: its parameters or columns are not" in failed[0]
        assert "statement p: its parameters" in world.gateway.log_text()
        assert who_answers(knows, lab) == "new"
        assert knows.execute("SELECT 'good'::feeling", prepare=True).fetchone() == ("good",)  # the harm
        with psycopg.connect(dsn, autocommit=True) as again:
            register_enum(EnumInfo.fetch(again, "feeling"), again, Feeling)
            assert again.execute("SELECT 'good'::feeling").fetchone() == (Feeling.good,)
    with world.ledger:
        world.ledger.wait_for(100)
    world.sound("new")
