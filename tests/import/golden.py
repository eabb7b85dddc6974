#!/usr/bin/python3
"""golden.py AIRLOCK [--write NAME...]: every directory beside this file that holds `args` is imported with them.

The plan must be `plan.yaml`, the messages `notes.txt`, `airlock plan` must accept the plan as it is, blanks and all, and
nothing that the sources call hidden or secret may be in either.  With --write the two files are made anew: read the
difference before it is committed.
"""
import difflib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Fixtures give passwords that hold one of these words, and nothing else does.
SECRETS = ("hidden", "secret-default", "never-shown")


def run(airlock, directory, *argv):
    env = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE")}
    return subprocess.run([airlock, *argv], cwd=directory, env=env, capture_output=True, text=True, timeout=60)


def difference(name, wanted, got):
    return "".join(difflib.unified_diff(wanted.splitlines(True), got.splitlines(True), f"{name} (kept)", f"{name} (now)"))


def check(airlock, directory, write):
    argv = (directory / "args").read_text().split()
    done = run(airlock, directory, "import", *argv)
    faults = [] if done.returncode == 0 else [f"exit code {done.returncode}"]
    for name, got in (("plan.yaml", done.stdout), ("notes.txt", done.stderr)):
        if write:
            (directory / name).write_text(got)
        kept = directory / name
        faults += [difference(name, kept.read_text() if kept.exists() else "", got)]
        faults += [f"{name} holds {word!r}" for word in SECRETS if word in got.replace("(hidden)", "")]
    plan = run(airlock, directory, "-f", "plan.yaml", "plan")
    if plan.returncode != 0:
        faults.append(f"airlock plan: exit code {plan.returncode}\n{plan.stderr}")
    if run(airlock, directory, "import", *argv).stdout != done.stdout:
        faults.append("a second import gives another plan")
    return [fault for fault in faults if fault]


def main():
    airlock = str(Path(sys.argv[1]).resolve())
    write = sys.argv[3:] if sys.argv[2:3] == ["--write"] else []
    bad = 0
    cases = sorted(path.parent for path in HERE.glob("*/args"))
    assert cases, "no case was found"
    for directory in cases:
        faults = check(airlock, directory, directory.name in write or write == ["all"])
        bad += bool(faults)
        for fault in faults:
            print(f"{directory.name}: {fault}")
    print(f"{len(cases)} imports, {bad} not as they were")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
