"""Real crossings under live clients: nothing lost, nothing twice, never two doors open."""

import pytest

from conftest import needs_program
from crossing import DONE, Crossing
from ledger import Ledger, verify
from prober import Prober, verdict
from server import wait_until

def move(crossing, direction):
    """Under load: the way back has to have caught up first, or the move is refused."""
    wait_until(lambda: crossing.call("resume").code == DONE, 60, "nothing left to resume")
    return crossing.call(*crossing.moved(direction)).require(DONE).json()


@pytest.mark.parametrize("level", [3, 2])
def test_there_and_back_under_load(level, labs, scratch, long_run):
    needs_program()
    turns = 20 if long_run else 2
    lab, place = labs(level), scratch()
    crossing = Crossing(lab, place / "commands")
    crossing.prepare()
    ledger = Ledger(lab, place / "ledger", clients=16, rate=1200)
    watch = Prober(lab, place / "prober", every_ms=5)
    with ledger, watch:
        for _ in range(turns):
            for direction, side in (("forward", "new"), ("rollback", "old")):
                ledger.wait_for(300)
                moved = move(crossing, direction)
                assert moved["verdict"] == "done" and moved["primary"] == {"orders": side}
                assert crossing.open_sides() == [side]
        ledger.wait_for(300)
    held = verify(lab, place / "ledger", "old", both_seconds=60)
    assert held["verdict"] == "sound", held
    watched = verdict(lab, place / "prober", primary="old", switches=2 * turns)
    assert watched["verdict"] == "sound", watched
    print(f"level {level}: {2 * turns} crossings, {held['acknowledged']} acknowledged,"
          f" {held['per_second']}/s, longest stall {held['longest_stall_ms']} ms")
