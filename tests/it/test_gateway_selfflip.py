"""Self-flip by protocol: a client that speaks one way only says the same through flips as without."""

import subprocess
import sys
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


def start(dsn, protocol, seed, steps):
    script = (LAB / "session_script.py",) if protocol == "state" else (LAB / "protocol_script.py",)
    words = (dsn, seed, steps) if protocol == "state" else (dsn, protocol, seed, steps)
    return subprocess.Popen([sys.executable, *map(str, script + words)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def outputs(flip, dsn, protocol, seeds, steps):
    for seed in seeds:
        flip.old.psql(protocol_script.setup(seed), "shop")
    running = [start(dsn, protocol, seed, steps) for seed in seeds]
    said = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running), [text[-2000:] for text in said]
    return said


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared", "pipelined", "copy", "state"])
def test_a_script_says_the_same_through_flips(flip, protocol, long_run):
    turns = undrained = first = 0
    steps = 2500 if long_run else 80
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
