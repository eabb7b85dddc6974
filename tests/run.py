#!/usr/bin/python3
"""run.py [--long] [--tier NAME]: builds, runs the tiers cheap first, counts, ends with one line.

  pure         no server: units, tables, fuzz corpora, the model, the simulator, the house rules;
               once more under AddressSanitizer and UBSan with clang
  one server   one private PostgreSQL
  two servers  crossings, ledger, kill matrix

Every build honours failpoints; what is installed by users is built without them.  --long adds the
full matrices and soaks.  Counts are of single tests: what cmocka, pytest and the model report.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILDS = ROOT / "build-test"
GCC, CLANG = "gcc", "clang-sanitized"
TIERS = {
    "pure": [(GCC, "pure"), (CLANG, "pure")],
    "one server": [(GCC, "one-server"), (CLANG, "one-server")],
    "two servers": [(GCC, "it")],
}
CMOCKA_PASSED = re.compile(r"^\[  PASSED  \] (\d+) test", re.M)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] (\d+) test", re.M)


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.broken = []

    def add(self, test):
        own = counts(f"{test['stdout'] or ''}\n{test.get('stderr') or ''}")
        if test["result"] in ("OK", "EXPECTEDFAIL"):
            self.passed += own["passed"] or 1
            self.skipped += own["skipped"]
        elif test["result"] == "SKIP":
            self.skipped += 1
        else:
            self.passed += own["passed"]
            self.failed += max(own["failed"], 1)
            self.broken.append(test)

    def line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def counts(text):
    """What a test says of itself; what says nothing counts as one."""
    passed, failed = CMOCKA_PASSED.findall(text), CMOCKA_FAILED.findall(text)
    if passed or failed:
        return {"passed": sum(map(int, passed)), "failed": sum(map(int, failed)), "skipped": 0}
    for line in reversed(text.splitlines()):
        found = dict((word, int(n)) for n, word in
                     re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", line))
        if found:
            errors = found.get("error", 0) + found.get("errors", 0)
            return {"passed": found.get("passed", 0), "failed": found.get("failed", 0) + errors,
                    "skipped": found.get("skipped", 0)}
    return {"passed": 0, "failed": 0, "skipped": 0}


def say(text):
    print(f"\n=== {text}", flush=True)


def build(name):
    directory = BUILDS / name
    options = ["-Dfailpoints=true"]
    env = dict(os.environ)
    if name == CLANG:
        options += ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
        env["CC"] = "clang"
    else:
        env["CC"] = "gcc"
    say(f"building with {name}")
    if not (directory / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(directory), str(ROOT), *options], env=env, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(directory), "--quiet"], check=True)
    return directory


def run_suite(directory, suite, long_run, tally):
    env = dict(os.environ, AIRLOCK_LONG="1" if long_run else "",
               ASAN_OPTIONS="detect_leaks=1:abort_on_error=1",
               UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
    log = directory / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(directory), "--no-rebuild", "--suite", suite]
    if long_run:
        command += ["--timeout-multiplier", "20"]
    subprocess.run(command, env=env)
    if not log.exists():
        return
    for line in log.read_text().splitlines():
        tally.add(json.loads(line))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--tier", choices=list(TIERS))
    args = parser.parse_args()
    tally, began = Tally(), time.monotonic()
    for tier in [args.tier] if args.tier else TIERS:
        for name, suite in TIERS[tier]:
            directory = build(name)
            say(f"tier: {tier} ({name})")
            run_suite(directory, suite, args.long, tally)
        say(f"after tier {tier}: {tally.line()}, {time.monotonic() - began:.0f} s")
    for test in tally.broken:
        say(f"FAILED {test['name']} ({test['result']})")
        print((test["stdout"] or "")[-4000:], (test.get("stderr") or "")[-2000:], sep="\n")
    print()
    print(tally.line(), flush=True)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
