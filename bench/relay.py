#!/usr/bin/python3
"""relay.py [--rounds N] [--seconds S] [--clients N] [--json]: what a relayed transaction costs.

One private server; pgbench's single-row reads go to it directly, through Debian's PgBouncer in session
mode and through airlock-gateway, in turn, in each of pgbench's protocols. Two loads: all clients as fast
as they can (proxy CPU for each transaction, transactions per second), and one client alone (added
latency). Every round measures all three, so that what else the machine does meets them alike; the table
shows medians over the rounds.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
from pooler import DATABASE, Pgbench, PgBouncer, cpu_us, pg_program  # noqa: E402 - finds tests/lab
from selfflip import SelfFlip  # noqa: E402

PROTOCOLS = ("simple", "extended", "prepared")
WAYS = ("direct", "pgbouncer", "gateway")


def prepare(lab):
    subprocess.run([pg_program("pgbench"), "-i", "-s", "10", "-q", lab.direct("shop_owner")],
                   check=True, capture_output=True)
    lab.old.psql("GRANT SELECT ON pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers TO shop_app", DATABASE)


class Measure:
    def __init__(self, lab, pooler, place, seconds):
        self.dsn = {"direct": lab.direct("shop_app"), "pgbouncer": pooler.dsn("shop_app"),
                    "gateway": lab.gateway_dsn("shop_app")}
        self.pid = {"pgbouncer": pooler.pid, "gateway": lab.gateways[0].pid}
        self.lab, self.place, self.seconds = lab, place, seconds

    def take(self, way, protocol, clients):
        """One load: its transactions per second, mean latency, and the proxy's CPU for each; counted
        while it runs steadily, logins are not among it."""
        load = Pgbench(self.dsn[way], self.place / "load", "-S", "-M", protocol, "-c", str(clients), "-j", "1")
        load.await_sessions(self.lab.old, clients)
        begin, before = time.time() * 1000, self.spent(way)
        threading.Event().wait(self.seconds)
        end, spent = time.time() * 1000, self.spent(way) - before
        took = [latency for _, at, latency in load.end().log() if begin <= at < end]
        return {"cpu_us": spent / len(took), "tps": len(took) * 1000 / (end - begin),
                "latency_us": statistics.fmean(took) * 1000, "gave_up": load.gave_up}

    def spent(self, way):
        return cpu_us(self.pid[way]) if way in self.pid else 0


def measure(lab, pooler, place, args):
    taken = {}
    meter = Measure(lab, pooler, place, args.seconds)
    for number in range(args.rounds):
        for protocol in PROTOCOLS:
            for clients in (args.clients, 1):
                # Another one first each time, so that none is always the one after a pause.
                for way in WAYS[number % 3:] + WAYS[:number % 3]:
                    taken.setdefault((protocol, clients, way), []).append(meter.take(way, protocol, clients))
        print(f"  round {number + 1} of {args.rounds}", file=sys.stderr)
    return {key: {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
            for key, rounds in taken.items()}


def table(found, args):
    print(f"pgbench -S, {args.clients} clients and 1, medians of {args.rounds} rounds of {args.seconds} s\n")
    print(f"{'':<10}{'proxy CPU us/transaction':>40}{'added latency us, 1 client':>32}{'tps':>20}")
    print(f"{'protocol':<10}{'pgbouncer':>12}{'gateway':>10}{'pgb/gw':>9}{'':>9}{'pgbouncer':>12}{'gateway':>10}"
          f"{'pgb/gw':>9}{'direct':>9}{'pgb':>8}{'gw':>8}")
    for protocol in PROTOCOLS:
        many = {way: found[protocol, args.clients, way] for way in WAYS}
        one = {way: found[protocol, 1, way]["latency_us"] for way in WAYS}
        cpu = [many[way]["cpu_us"] for way in WAYS[1:]]
        added = [one[way] - one["direct"] for way in WAYS[1:]]
        tps = [many[way]["tps"] for way in WAYS]
        print(f"{protocol:<10}{cpu[0]:>12.1f}{cpu[1]:>10.1f}{cpu[0] / cpu[1]:>9.2f}{'':>9}{added[0]:>12.1f}{added[1]:>10.1f}"
              f"{added[0] / added[1] if added[1] > 0 else float('inf'):>9.2f}{tps[0]:>9.0f}{tps[1]:>8.0f}{tps[2]:>8.0f}")
    gave_up = sum(row["gave_up"] for row in found.values())
    print(f"\nclients that gave up: {gave_up:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="airlock-relay-") as directory:
        os.chmod(directory, 0o755)
        place = Path(directory)
        lab = SelfFlip.make(place / "lab")
        pooler = PgBouncer(lab, place / "pooler", "session")
        try:
            prepare(lab)
            found = measure(lab, pooler.start("old"), place, args)
        finally:
            pooler.stop()
            lab.down()
    if args.json:
        print(json.dumps({" ".join(map(str, key)): row for key, row in found.items()}, indent=1))
    else:
        table(found, args)


if __name__ == "__main__":
    main()
