#!/usr/bin/python3
"""tidy.py [ROOT]: the house rules as a test.  Prints every breach as file:line: rule; ends 0 or 1.

The rules: sizes (functions stop at 70 lines, files at 800; tables are exempt), the direction of
includes (a directory uses only lower floors), a README and no dead file in each source directory, no
test without an assertion, no sleep in a test, no debt without a name.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800

# The house: a directory includes only from floors below its own, and itself.
FLOORS = {
    "base": 1,
    "core": 2, "plan": 2, "pgwire": 2, "control": 2, "dsn": 2, "port": 2.5,
    "store": 3, "route": 3, "journal": 3, "env": 3, "action": 3, "picture": 3, "import": 3, "http": 3,
    "discover": 4, "verify": 4, "gate": 5, "engine": 6,
    "rehearse": 7, "guard": 7, "report": 7, "cli": 8,
}
# The second column.
GATEWAY_USES = {"base", "pgwire", "control", "plan", "gateway"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
ASSERTION = re.compile(r"\bassert_|\bassert\b|\bfail\(|\bREQUIRE\(|\bENSURE\(|pytest\.raises")


class Tidy:
    def __init__(self, root):
        self.root = root
        self.breaches = []

    def breach(self, path, line, text):
        self.breaches.append(f"{path.relative_to(self.root)}:{line}: {text}")

    def sources(self, *parts, ends=(".c", ".h")):
        for path in sorted((self.root.joinpath(*parts)).rglob("*")):
            if path.suffix in ends and path.is_file():
                yield path

    # --- sizes ---------------------------------------------------------------------------
    def file_sizes(self):
        for top in ("src", "tests", "bench", "tools", "model"):
            for path in self.sources(top, ends=(".c", ".h", ".py")):
                lines = path.read_text().count("\n")
                if lines > FILE_LINES_MAX:
                    self.breach(path, lines, f"{lines} lines, a file stops at {FILE_LINES_MAX}")

    def function_sizes(self):
        paths = [str(p) for top in ("src", "tests") for p in self.sources(top, ends=(".c",))]
        tags = subprocess.run(
            ["ctags", "--languages=C", "--kinds-C=f", "--fields=+ne", "--output-format=json",
             "-f", "-", *paths], capture_output=True, text=True, check=True).stdout
        for line in tags.splitlines():
            tag = json.loads(line)
            if "end" not in tag:
                continue
            length = tag["end"] - tag["line"] + 1
            if length > FUNCTION_LINES_MAX:
                self.breach(Path(tag["path"]), tag["line"],
                            f"{tag['name']} has {length} lines, a function stops at "
                            f"{FUNCTION_LINES_MAX}")

    # --- the house -----------------------------------------------------------------------
    def includes(self):
        for path in self.sources("src", ends=(".c", ".h", ".def")):
            own = path.relative_to(self.root / "src").parts[0]
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if match:
                    self.include(path, number, own, match.group(1))

    def include(self, path, number, own, target):
        if "/" not in target:
            self.breach(path, number, f'include "{target}" from src: write its directory')
            return
        other = target.split("/")[0]
        if not (self.root / "src" / target).exists():
            if not target.endswith("_embedded.h"):
                self.breach(path, number, f"{target} does not exist")
        elif own == "gateway":
            if other not in GATEWAY_USES:
                self.breach(path, number, f"gateway must not use {other}")
        elif other != own and other not in FLOORS:
            self.breach(path, number, f"{other} has no floor")
        elif other != own and not FLOORS.get(other, 99) < FLOORS.get(own, 0):
            self.breach(path, number, f"{own} must not use {other}: not on a lower floor")

    def headers(self):
        for path in self.sources("src", ends=(".h",)):
            text = path.read_text()
            if "#ifndef AIRLOCK_" not in text:
                self.breach(path, 1, "no include guard AIRLOCK_...")
            if not text.lstrip().startswith("/*"):
                self.breach(path, 1, "a header is a manual: it begins with a comment")

    def directories(self):
        for directory in sorted((self.root / "src").rglob("*")):
            if not directory.is_dir() or not list(directory.glob("*.c")):
                continue
            readme = directory / "README.md"
            if not readme.exists():
                self.breach(directory, 1, "no README.md")
                continue
            lines = readme.read_text().count("\n")
            if not 5 <= lines <= 45:
                self.breach(readme, lines, "a directory's README has 10 to 30 lines")

    def dead_files(self):
        builds = "\n".join(p.read_text() for p in self.root.rglob("meson.build")
                           if "build" not in p.relative_to(self.root).parts[0])
        everything = "\n".join(p.read_text() for p in self.sources("src", ends=(".c", ".h", ".def")))
        everything += "\n".join(p.read_text() for p in self.sources("tests"))
        for path in self.sources("src", ends=(".c", ".sql")):
            if f"{path.name}'" not in builds:
                self.breach(path, 1, "built by no meson.build: a dead file")
        for path in self.sources("src", ends=(".h", ".def")):
            if f'{path.relative_to(self.root / "src")}"' not in everything:
                self.breach(path, 1, "included by nobody: a dead file")

    # --- tests ---------------------------------------------------------------------------
    def tests_assert(self):
        for path in sorted(self.root.glob("tests/unit/**/test_*.c")):
            if not ASSERTION.search(path.read_text()):
                self.breach(path, 1, "a test without an assertion")
        for path in sorted(self.root.glob("tests/it/test_*.py")):
            for name, line, body in python_tests(path):
                if not ASSERTION.search(body) and "check" not in body and "verdict" not in body:
                    self.breach(path, line, f"{name} asserts nothing")

    def tests_are_run(self):
        """A test that no build names passes for ever."""
        named = (self.root / "tests/it/meson.build").read_text()
        for path in sorted(self.root.glob("tests/it/test_*.py")):
            if f"'{path.name}'" not in named and f"'{path.stem.removeprefix('test_')}'" not in named:
                self.breach(path, 1, "not in tests/it/meson.build: never run")

    def tests_wait_for_events(self):
        for path in sorted(self.root.glob("tests/it/test_*.py")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if re.search(r"\btime\.sleep\(|(?<!\.)\bsleep\(", line):
                    self.breach(path, number, "await an event instead of sleeping")

    def debts(self):
        for path in self.sources("src", ends=(".c", ".h", ".def", ".sql")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                    self.breach(path, number, "a debt without an issue")

    def run(self):
        for rule in (self.file_sizes, self.function_sizes, self.includes, self.headers,
                     self.directories, self.dead_files, self.tests_assert,
                     self.tests_are_run, self.tests_wait_for_events, self.debts):
            rule()
        for breach in self.breaches:
            print(breach)
        print(f"tidy: {len(self.breaches)} breach(es)")
        return 1 if self.breaches else 0


def python_tests(path):
    lines = path.read_text().splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r"\s*def test_", line)]
    for at, start in enumerate(starts):
        end = starts[at + 1] if at + 1 < len(starts) else len(lines)
        name = re.match(r"\s*def (\w+)", lines[start]).group(1)
        yield name, start + 1, "\n".join(lines[start:end])


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    sys.exit(Tidy(where).run())
