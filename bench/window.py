#!/usr/bin/python3
"""window.py [--cutovers N] [--rate TPS] [--clients N] [--level 2|3]: the parts of the window.

Two private servers on this machine, pgbench TPC-B at a fixed rate against the open side through every
cutover. pgbench gives up when its session is ended, so each cutover gets a fresh one, which must have
committed for two seconds before. What is timed is the program's own clock around each part; the
table shows medians and the worst. "database work" is seal .. promote, all parts together.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "lab"))
from crossing import Crossing  # noqa: E402
from lab import DATABASE, Lab  # noqa: E402
from server import pg_program, wait_until  # noqa: E402

PARTS = ("hold", "seal", "proof", "marker", "catchup", "cut", "try", "sequences", "commit", "release")
TPS_SQL = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


def prepare(lab):
    """TPC-B tables on old, their schema on new."""
    owner = {"env": dict(os.environ, PGPASSFILE=str(lab.passfile))}
    subprocess.run([pg_program("pgbench"), "-i", "-s", "10", "-q", lab.dsn("old", "shop_owner")],
                   check=True, capture_output=True, **owner)
    lab.old.psql("ALTER TABLE pgbench_history REPLICA IDENTITY FULL; GRANT ALL ON"
                 " pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers TO shop_app", dbname=DATABASE)
    schema = subprocess.run(
        [pg_program("pg_dump"), "--schema-only", "-t", "pgbench_*", lab.old.admin_uri(DATABASE)],
        check=True, capture_output=True, text=True).stdout
    lab.new.psql(schema, dbname=DATABASE)


class Load:
    """pgbench on one side, running for as long as its sessions live."""

    def __init__(self, lab, side, clients, rate):
        self.lab, self.side = lab, side
        self.process = subprocess.Popen(
            [pg_program("pgbench"), "-n", "-c", str(clients), "-j", "2", "-T", "600",
             "-R", str(rate), lab.dsn(side, "shop_app")],
            env=dict(os.environ, PGPASSFILE=str(lab.passfile)),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.committed = self.commits()
        wait_until(lambda: self.commits() - self.committed > 2 * rate, 60, "two seconds of load")

    def commits(self):
        return self.lab.server(self.side).query(TPS_SQL, dbname=DATABASE)[0][0]

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def measure(lab, crossing, args):
    rows, side = [], "old"
    for number in range(args.cutovers):
        load = Load(lab, side, args.clients, args.rate)
        direction = "forward" if side == "old" else "rollback"
        finished = crossing.call(*crossing.moved(direction))
        load.end()
        result = finished.require(0).json()
        rows.append(result["stall_ms"])
        side = result["primary"]["orders"]
        print(f"  {number + 1}/{args.cutovers} window {rows[-1]['window']:.1f} ms", file=sys.stderr)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cutovers", type=int, default=10)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="airlock-window-") as directory:
        os.chmod(directory, 0o755)
        lab = Lab.up(Path(directory) / "lab", args.level)
        try:
            prepare(lab)
            if not lab.airlock_ready:
                lab.init_roles()
            crossing = Crossing(lab, Path(directory) / "runs")
            crossing.prepare()
            rows = measure(lab, crossing, args)
        finally:
            lab.down()
    windows = [row["window"] for row in rows]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{args.cutovers} cutovers, {args.clients} pgbench TPC-B clients at {args.rate}/s,"
          f" rights level {args.level}")
    print(f"{'part':<14}{'median ms':>10}{'worst ms':>10}")
    for part in PARTS:
        values = [row["parts"][part] for row in rows if row["parts"][part] is not None]
        if values:
            print(f"{part:<14}{statistics.median(values):>10.1f}{max(values):>10.1f}")
    print(f"{'database work':<14}{statistics.median(windows):>10.1f}{max(windows):>10.1f}")


if __name__ == "__main__":
    main()
