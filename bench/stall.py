#!/usr/bin/python3
"""stall.py [--cutovers N] [--aborts N] [--rate TPS] [--clients N] [--level 2|3] [--json]: what clients wait in a cutover.

pgbench TPC-B at a fixed rate through every cutover, in turn by two ways, each with two servers of its own:

  airlock    `airlock run` and `airlock rollback`, clients behind airlock-gateway: fence, proof, way back
  pgbouncer  the best script by hand, transaction pooling: PAUSE, a marker through the subscription,
             sequences, other host, RELOAD, RESUME. Connections are open and statements prepared before. No
             fence, no proof, no way back: the other direction is set up between cutovers, without load

The stall is the longest that one transaction took, from its first byte sent to COMMIT answered, waiting for
its turn not counted. The gap is the longest time in which nobody's transaction was completed. Medians.

An abort after the seal costs the clients as much as a cutover: all of their sessions are opened and made again
where they were. --aborts measures it: the controller is killed just before the commit and resumed at once.
"""
import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
from pooler import DATABASE, Pgbench, PgBouncer, psycopg, wait_until  # noqa: E402 - finds tests/lab
from crossing import UNDONE, Crossing  # noqa: E402
from lab import Lab, LabError  # noqa: E402
from window import PARTS as AIRLOCK_PARTS  # noqa: E402
from window import prepare as make_tables  # noqa: E402

OTHER = {"old": "new", "new": "old"}
SCRIPT_PARTS = ("pause", "marker", "sequences", "reload", "resume")
SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences ORDER BY 1"


def listed(lab, side):
    return [name for name, in lab.server(side).query(SEQUENCES, dbname=DATABASE)]


class Airlock:
    parts = AIRLOCK_PARTS

    def __init__(self, place, level):
        self.lab = Lab.up(place / "airlock", level, gateway=True)
        make_tables(self.lab)
        if not self.lab.airlock_ready:
            self.lab.init_roles()
        self.crossing = Crossing(self.lab, place / "runs")
        self.crossing.prepare()
        self.lab.start_gateway()
        self.side = "old"

    def dsn(self):
        return self.lab.gateway_dsn("shop_app")

    def get_ready(self):
        """Without load: whatever the last one left to do."""
        wait_until(lambda: self.crossing.call("resume").code == 0, 60, "nothing left to resume")

    def cut_over(self):
        verb = self.crossing.moved("forward" if self.side == "old" else "rollback")
        moved = self.crossing.call(*verb).require(0).json()
        self.side = moved["primary"]["orders"]
        return moved["stall_ms"]["parts"]

    def abort(self):
        verb, *arguments = self.crossing.moved("forward" if self.side == "old" else "rollback")
        with self.crossing.start(verb, *arguments, failpoint="before:commit") as running:
            if not running.await_failpoint(60):
                raise LabError("the attempt ended before its commit: is it a build with -Dfailpoints=true?")
            running.signal(signal.SIGKILL)
        self.crossing.call("resume").require(UNDONE)
        return {}

    def close(self):
        self.lab.down()


class Script:
    """What a careful person would write by hand."""

    parts = SCRIPT_PARTS

    def __init__(self, place, _level):
        self.lab = Lab.up(place / "script", roles=False)
        self.pooler = PgBouncer(self.lab, place / "pooler", "transaction")
        make_tables(self.lab)
        for server in self.lab.servers:
            server.query("CREATE TABLE stall_marker (n int PRIMARY KEY)", dbname=DATABASE)
            server.query("CREATE PUBLICATION everything FOR ALL TABLES", dbname=DATABASE)
        self.side, self.count = "old", 0
        self.follow("old", "true")
        wait_until(lambda: not self.lab.new.query("SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r'",
                                                  dbname=DATABASE), 300, "the first copy")
        self.pooler.start("old")

    def follow(self, publisher, copy):
        """The other side subscribes to this one."""
        source = self.lab.server(publisher)
        self.lab.server(OTHER[publisher]).query(
            f"CREATE SUBSCRIPTION follow CONNECTION 'host={source.sock} port={source.port} user=postgres"
            f" dbname={DATABASE}' PUBLICATION everything WITH (copy_data = {copy})", dbname=DATABASE)
        self.following = OTHER[publisher]

    def dsn(self):
        return self.pooler.dsn("shop_app")

    def get_ready(self):
        """Nobody writes: the old direction is dropped, the next one begun where both are equal."""
        if self.following == self.side:
            self.lab.server(self.side).query("DROP SUBSCRIPTION follow", dbname=DATABASE)
            self.follow(self.side, "false")
        self.source = self.lab.server(self.side).connect(DATABASE)
        self.target = self.lab.server(OTHER[self.side]).connect(DATABASE)
        self.console = self.pooler.admin()
        names = listed(self.lab, self.side)
        self.read = " UNION ALL ".join(f"SELECT '{name}', last_value, is_called FROM {name}" for name in names)
        self.source.execute(self.read, prepare=True)
        self.arrived = "SELECT FROM stall_marker WHERE n = %s"
        self.target.execute(self.arrived, (0,), prepare=True)
        self.console.execute("SHOW VERSION")

    def cut_over(self):
        self.count += 1
        times = [time.monotonic()]
        self.console.execute(f"PAUSE {DATABASE}")
        times.append(time.monotonic())
        self.source.execute("INSERT INTO stall_marker VALUES (%s)", (self.count,))
        while self.target.execute(self.arrived, (self.count,), prepare=True).rowcount == 0:
            pass
        times.append(time.monotonic())
        values = self.source.execute(self.read, prepare=True).fetchall()
        self.target.execute("SELECT " + ", ".join(f"setval('{n}', {v}, {c})" for n, v, c in values))
        times.append(time.monotonic())
        self.side = OTHER[self.side]
        self.pooler.configure(self.side)
        self.console.execute("RELOAD")
        times.append(time.monotonic())
        self.console.execute(f"RESUME {DATABASE}")
        times.append(time.monotonic())
        for connection in (self.source, self.target, self.console):
            connection.close()
        return {part: (b - a) * 1000 for part, a, b in zip(SCRIPT_PARTS, times, times[1:])}

    def close(self):
        self.pooler.stop()
        self.lab.down()


def commits(way):
    return way.lab.server(way.side).query(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = %s", (DATABASE,))[0][0]


def await_load(way, count):
    begun = commits(way)
    wait_until(lambda: commits(way) - begun > count, 60, "load")


def once(way, move, place, args):
    way.get_ready()
    load = Pgbench(way.dsn(), place / "load", "-c", str(args.clients), "-j", "2", "-R", str(args.rate))
    await_load(way, 2 * args.rate)
    begin = time.time() * 1000
    parts = move()
    await_load(way, args.rate)
    rows = [row for row in load.end().log() if row[1] >= begin]
    ends = sorted(at for _, at, _ in rows)
    return {"stall": max(took for _, _, took in rows), "gap": max(b - a for a, b in zip(ends, ends[1:])),
            "gave_up": load.gave_up, "parts": parts}


def summary(name, parts, rounds):
    stalls, gaps = [one["stall"] for one in rounds], [one["gap"] for one in rounds]
    print(f"\n{name:<14}{'median ms':>10}{'worst ms':>10}")
    print(f"{'longest stall':<14}{statistics.median(stalls):>10.1f}{max(stalls):>10.1f}")
    print(f"{'gap':<14}{statistics.median(gaps):>10.1f}{max(gaps):>10.1f}")
    for part in parts:
        values = [one["parts"][part] for one in rounds if one["parts"].get(part) is not None]
        if values:
            print(f"  {part:<12}{statistics.median(values):>10.1f}{max(values):>10.1f}")
    print(f"clients that gave up: {sum(one['gave_up'] for one in rounds)}")


def report(ways, rounds, aborts, args):
    print(f"{args.cutovers} cutovers by each way in turn, {args.clients} pgbench TPC-B clients at {args.rate}/s")
    for name, way in ways.items():
        summary(name, way.parts, rounds[name])
    if aborts:
        summary("aborted", (), aborts)
    middle = {name: statistics.median(one["stall"] for one in rounds[name]) for name in rounds}
    ratio = middle["airlock"] / middle["pgbouncer"]
    third = middle["pgbouncer"] / 3
    print(f"\nairlock / pgbouncer {ratio:.2f} (now to be at most 1.25); above one third of pgbouncer's:"
          f" {middle['airlock'] - third:.1f} ms, in the parts above")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cutovers", type=int, default=10)
    parser.add_argument("--aborts", type=int, default=3)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="airlock-stall-") as directory:
        os.chmod(directory, 0o755)
        place, ways, rounds = Path(directory), {}, {"airlock": [], "pgbouncer": []}
        try:
            ways["airlock"] = Airlock(place, args.level)
            ways["pgbouncer"] = Script(place, args.level)
            for number in range(args.cutovers):
                for name, way in ways.items():
                    rounds[name].append(once(way, way.cut_over, place / name, args))
                    print(f"  {number + 1}/{args.cutovers} {name} {rounds[name][-1]['stall']:.1f} ms", file=sys.stderr)
            airlock = ways["airlock"]
            aborts = [once(airlock, airlock.abort, place / "airlock", args) for _ in range(args.aborts)]
        finally:
            for way in ways.values():
                way.close()
    if args.json:
        print(json.dumps({**rounds, "aborts": aborts}, indent=1))
    else:
        report(ways, rounds, aborts, args)


if __name__ == "__main__":
    main()
