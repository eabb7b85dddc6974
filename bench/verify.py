#!/usr/bin/python3
"""verify.py [--rows 1000000,3000000,10000000] [--rounds N]: what comparing both sides costs.

Two private servers on this machine, linked by `airlock sync`, with one table for each size:
t(id bigint primary key, a int, b bigint, c text of 64, ts timestamptz, d numeric(12,2)). Methods take
turns: `airlock verify`, the same with --bytes (rows hashed by us), the servers' own record hash over
the whole table on both sides at once (one snapshot, finds no key and overlooks what equality does),
and pg_comparator when it and its extension are installed. One row on new differs by one bit, and what
names keys has to name it. CPU is that of all server processes, and of the client's own.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "lab"))
from lab import DATABASE, Lab, LabError  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
RECORD_HASH = "SELECT count(*), bit_xor(hash_record_extended(t, 0)) FROM {} t"


def table_of(rows):
    return f"rows_{rows}"


def prepare_comparator(lab):
    """Before `sync` freezes the schema; whether it can take part."""
    if not shutil.which("pg_comparator"):
        print("  no pg_comparator here (package postgresql-comparator): left out", file=sys.stderr)
        return False
    try:
        for server in lab.servers:
            server.psql("CREATE EXTENSION IF NOT EXISTS pgcmp; GRANT TEMPORARY ON DATABASE shop TO airlock_repl;"
                        "GRANT USAGE, CREATE ON SCHEMA public TO airlock_repl", DATABASE)
        return True
    except LabError as trouble:
        print(f"  pg_comparator cannot be used: {trouble}", file=sys.stderr)
        return False


def prepare(lab, sizes):
    for server in lab.servers:
        server.stop()
        server.configure({"shared_buffers": "2GB", "max_wal_size": "16GB", "autovacuum": "off"})
        server.start()
        server.psql("SET ROLE shop_owner;" + "".join(
            f"CREATE TABLE {table_of(n)} (id bigint PRIMARY KEY, a int, b bigint, c text, ts timestamptz,"
            " d numeric(12,2));" for n in sizes), DATABASE)
    for n in sizes:
        lab.old.psql(
            f"INSERT INTO {table_of(n)} SELECT g, g % 1000, g * 1000003::bigint, repeat(md5(g::text), 2),"
            f" '2026-01-01'::timestamptz + g * interval '1 s', (g % 100000) * 1.37 FROM generate_series(1, {n}) g",
            DATABASE)
    lab.init_roles()
    compares = prepare_comparator(lab)
    done = lab.airlock("sync", timeout=1200)
    if done.returncode != 0:
        raise LabError(done.stderr)
    for n in sizes:
        lab.new.psql("SET session_replication_role = replica;"
                     f" UPDATE {table_of(n)} SET b = b # 1 WHERE id = {n * 2 // 3}", DATABASE)
    for server in lab.servers:
        server.psql("VACUUM ANALYZE; CHECKPOINT", DATABASE)
    return compares


def servers_cpu(lab):
    ticks = 0
    for server in lab.servers:
        postmaster = server.pid()
        for pid in server.pids():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += int(fields[11]) + int(fields[12])
            if pid == postmaster:  # what ended sessions took
                ticks += int(fields[13]) + int(fields[14])
    return ticks / TICK


def verify(lab, rows, *words):
    done = lab.airlock("verify", "--table", table_of(rows), *words, timeout=1200)
    assert done.returncode == 7 and f"differs: {rows * 2 // 3}\n" in done.stdout, done.stdout + done.stderr


def record_hash(lab, rows):
    def ask(server):
        with server.connect(DATABASE) as conn:
            conn.execute("SET max_parallel_workers_per_gather = 0")
            return conn.execute(RECORD_HASH.format(table_of(rows))).fetchone()
    with ThreadPoolExecutor(2) as pool:
        old, new = pool.map(ask, lab.servers)
    assert old != new and old[0] == rows


def comparator(lab, rows):
    ends = []
    for server in lab.servers:
        user = "airlock_repl"
        ends.append(f"pgsql://{user}@127.0.0.1:{server.port}/{DATABASE}/public.{table_of(rows)}?id:a,b,c,ts,d")
    done = subprocess.run(["pg_comparator", *ends], capture_output=True, text=True, check=False,
                          env=dict(os.environ, PGPASSFILE=str(lab.passfile)))
    assert str(rows * 2 // 3) in done.stdout, (done.returncode, done.stdout[-500:], done.stderr[-500:])


def measure(lab, method, rows):
    cpu, own, began = servers_cpu(lab), resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    method(lab, rows)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    client = after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime
    return wall, servers_cpu(lab) - cpu, client


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default="1000000,3000000,10000000")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    sizes = [int(n) for n in args.rows.split(",")]
    with tempfile.TemporaryDirectory(prefix="airlock-verify-") as directory:
        os.chmod(directory, 0o755)
        lab = Lab.up(Path(directory) / "lab", 2, roles=False)
        try:
            compares = prepare(lab, sizes)
            methods = {"servers' record hash": record_hash, "airlock verify": verify,
                       "airlock verify --bytes": lambda lab, rows: verify(lab, rows, "--bytes")}
            if compares:
                methods["pg_comparator"] = comparator
            took = {}
            for n in sizes:
                for _ in range(args.rounds):
                    for name, method in methods.items():
                        took.setdefault((n, name), []).append(measure(lab, method, n))
                        print(f"  {n} {name} {took[n, name][-1][0]:.2f} s", file=sys.stderr)
        finally:
            lab.down()
    print(f"{'rows':>10}  {'method':<24}{'wall s':>8}{'min-max':>14}{'servers CPU s':>15}{'client CPU s':>14}"
          f"{'Mrow/s':>8}{'ratio':>7}")
    for (n, name), rows in took.items():
        wall = statistics.median(row[0] for row in rows)
        floor = statistics.median(row[0] for row in took[n, "servers' record hash"])
        walls = sorted(row[0] for row in rows)
        print(f"{n:>10}  {name:<24}{wall:>8.2f}{f'{walls[0]:.1f}-{walls[-1]:.1f}':>14}"
              f"{statistics.median(row[1] for row in rows):>15.1f}{statistics.median(row[2] for row in rows):>14.2f}"
              f"{n / wall / 1e6:>8.2f}{wall / floor:>7.2f}")


if __name__ == "__main__":
    main()
