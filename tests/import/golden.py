#!/usr/bin/python3
"""golden.py AIRLOCK [--write NAME...]: every directory beside this file that holds `args` is imported with them.

The plan must be `plan.yaml`, the messages `notes.txt`, `airlock plan` must understand the plan as it is, blanks and all,
must pass it once its proposals are taken, and nothing that the sources call hidden or secret may be in either.  With --write the two files are made anew: read the
difference before it is committed.
"""
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Fixtures give passwords that hold one of these words, and nothing else does.
SECRETS = ("hidden", "secret-default", "never-shown")

SRC = HERE.parents[1] / "src" / "import"
ROW = re.compile(r'^(READ|PASS)\("([^"]+)", (\w+)\)', re.M)
GETTER = re.compile(r"\bnode_(?:get|get_text|get_true|entry|at)\(((?:[^()]|\([^()]*\))*)\)")
# Of kinds that k8s_keys.def has not: VirtualService, OpenShift's Template.
OTHER_KINDS = {"host", "objects"}


def run(airlock, directory, *argv):
    env = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE")}
    return subprocess.run([airlock, *argv], cwd=directory, env=env, capture_output=True, text=True, timeout=60)


def difference(name, wanted, got):
    return "".join(difflib.unified_diff(wanted.splitlines(True), got.splitlines(True), f"{name} (kept)", f"{name} (now)"))


def answered(plan):
    """The plan as somebody leaves it who does what its comments say: what crosses is declared, with a reason."""
    lines = plan.splitlines(True)
    start = lines.index("# overlap:\n")
    proposed = [line.removeprefix("# ").removeprefix("#").replace('"..."', '"meant"') for line in lines[start:]]
    return "".join(lines[:start] + proposed)


def check_answered(airlock, plan):
    """The way to the end: nothing is refused any more, and each proposal was needed."""
    if "{from: SERVICE" in plan:
        return []
    whole = answered(plan)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "plan.yaml"
        path.write_text(whole)
        done = run(airlock, directory, "-f", "plan.yaml", "plan")
        if done.returncode != 0 or "P-" in done.stderr:
            return [f"with its proposals taken, airlock plan: exit code {done.returncode}\n{done.stderr}"]
        path.write_text(whole[: whole.rindex("\n  - {")].removesuffix("\noverlap:") + "\n")
        done = run(airlock, directory, "-f", "plan.yaml", "plan")
        if done.returncode != 3 or "P-CROSSING" not in done.stderr or "add under overlap:" not in done.stderr:
            return [f"without its last proposal: exit code {done.returncode}\n{done.stderr}"]
    return []


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
    # What crosses is for the reader to declare, no file says it: refused (3), but without an error.
    if plan.returncode not in (0, 3) or ": error: " in plan.stderr or "P-JOB" in plan.stderr:
        faults.append(f"airlock plan: exit code {plan.returncode}\n{plan.stderr}")
    faults += check_answered(airlock, done.stdout)
    if run(airlock, directory, "import", *argv).stdout != done.stdout:
        faults.append("a second import gives another plan")
    return [fault for fault in faults if fault]


def check_command(airlock):
    """What a plan's text does not show: files are not overwritten, and the summary for scripts."""
    faults = []
    source = str(HERE / "mastodon-like" / "docker-compose.yml")
    with tempfile.TemporaryDirectory() as directory:
        first = run(airlock, directory, "import", source, "-o", "plan.yaml")
        again = run(airlock, directory, "import", source, "-o", "plan.yaml")
        text = (Path(directory) / "plan.yaml").read_text()
        if (first.returncode, again.returncode) != (0, 3) or "not overwritten" not in again.stderr or first.stdout:
            faults.append(f"-o: {first.returncode}, {again.returncode}, {again.stderr}")
        document = json.loads(run(airlock, directory, "import", "--json", source).stdout)
        counts = [document[key] for key in ("from", "stores", "services", "commented", "fill_in", "crossings")]
        if document["schema"] != "airlock.import/1" or counts != ["compose", 1, 3, 2, 1, 3] or document["plan"] != text:
            faults.append(f"--json: {counts}")
        missing = run(airlock, directory, "import", "nothing.yaml")
        wrong = run(airlock, directory, "import", "--from", "terraform", source)
        if missing.returncode != 2 or "nothing.yaml" not in missing.stderr or wrong.returncode != 2:
            faults.append(f"bad sources: {missing.returncode} {missing.stderr} {wrong.returncode}")
    return faults


def check_tables():
    """The tables of keys say READ of what the importers read, and of nothing else."""
    faults = []
    for name in ("compose", "k8s"):
        rows = ROW.findall((SRC / f"{name}_keys.def").read_text())
        text = "".join(path.read_text() for path in sorted(SRC.glob(f"{name}*.c")) if path.name != "k8s_stores.c")
        asked = {key for arguments in GETTER.findall(text) for key in re.findall(r'"([A-Za-z_]+)"', arguments)}
        read = {key for use, key, _ in rows if use == "READ"}
        # A shape is read when something in it is; a value has to be asked for.
        values = {key for use, key, shape in rows if (use, shape) == ("READ", "FREE")}
        assert len(asked) > 10 and len(values) > 10, "the sources are not where they were"
        faults += [f"{name}_keys.def: READ({key!r}), and nobody reads it" for key in sorted(values) if f'"{key}"' not in text]
        strangers = {key for key in asked - read - OTHER_KINDS if not key.isupper()}
        faults += [f"{name}_keys.def: {key!r} is read and has no READ" for key in sorted(strangers)]
    return faults


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
    for fault in check_command(airlock) + check_tables():
        bad += 1
        print(fault)
    print(f"{len(cases)} imports, {bad} not as they were")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
