#!/usr/bin/python3
"""symbols.py BUILD: no two libraries of the program define the same name.

The linker takes the first of two from static libraries without a word, and the other's callers then call
something else. Exit status 1 when there are such names, with where they are defined.
"""
import subprocess
import sys
from collections import defaultdict
from pathlib import Path


def defined(library):
    """Names that this library gives to others."""
    done = subprocess.run(["nm", "--extern-only", "--defined-only", "--format=posix", library],
                          capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        fields = line.split()
        if len(fields) >= 2 and fields[1] in "TDBR":
            yield fields[0]


def main():
    build = Path(sys.argv[1])
    libraries = sorted(build.glob("src/**/*.a"))
    if not libraries:
        sys.exit(f"symbols: no library below {build}/src")
    where = defaultdict(set)
    for library in libraries:
        for name in defined(library):
            where[name].add(library.relative_to(build))
    twice = {name: places for name, places in where.items() if len(places) > 1}
    for name, places in sorted(twice.items()):
        print(f"{name} is defined in {' and in '.join(str(p) for p in sorted(places))}")
    print(f"symbols: {len(where)} names of {len(libraries)} libraries, {len(twice)} defined twice")
    sys.exit(1 if twice else 0)


if __name__ == "__main__":
    main()
