"""Self-flip by protocol: a client that speaks one way only says the same through flips as without."""

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

import protocol_script
from selfflip import SelfFlip, Turning

LAB = Path(__file__).parent.parent / "lab"
CLIENTS = 3


@pytest.fixture(scope="module")
def flip(scratch):
    made = SelfFlip.make(scratch() / "flip")
    made.old.psql("GRANT shop_owner TO shop_app")
    yield made
    made.down()


def start(dsn, protocol, seed, steps, out):
    """Into a file: who waits, in a transaction, for a reader of his pipe would hold up all others."""
    script = (LAB / "session_script.py",) if protocol == "state" else (LAB / "protocol_script.py",)
    words = (dsn, seed, steps) if protocol == "state" else (dsn, protocol, seed, steps)
    return subprocess.Popen([sys.executable, *map(str, script + words)], stdout=out, stderr=subprocess.STDOUT)


def outputs(flip, dsn, protocol, seeds, steps):
    for seed in seeds:
        flip.old.psql(protocol_script.setup(seed), "shop")
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in seeds]
        running = [start(dsn, protocol, seed, steps, out) for seed, out in zip(seeds, files)]
        codes = [process.wait() for process in running]
        for out in files:
            out.seek(0)
        said = [out.read() for out in files]
    assert codes == [0] * len(codes), [text[-2000:] for text in said]
    return said


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared", "pipelined", "copy", "state"])
def test_a_script_says_the_same_through_flips(flip, protocol, long_run):
    turns = undrained = first = 0
    steps = 1000 if long_run else 80
    while turns < (2000 if long_run else 8):
        seeds = range(first, first + CLIENTS)
        expected = outputs(flip, flip.direct("shop_app"), protocol, seeds, steps)
        with Turning(flip, seed=turns) as turning:
            got = outputs(flip, flip.gateway_dsn("shop_app"), protocol, seeds, steps)
        assert got == expected
        assert turning.turns > 0 and turning.failed == 0
        turns, undrained, first = turns + turning.turns, undrained + turning.undrained, seeds.stop
    print(f"{protocol}: {turns} flips, {undrained} that did not drain (such as {flip.undrained}),"
          f" {first} scripts of {steps} steps")
