"""`airlock waive`: going on without a gate takes a name, a reason and a time, and stays in the record."""

import json

import pytest

from conftest import crossing_in_sync
from crossing import DONE, REFUSED
from server import wait_until

SIGNED = ("--reason", "seen, undone by hand", "--by", "mia")


@pytest.fixture(scope="module")
def crossing(labs, scratch):
    """New is primary, and somebody wrote to old behind its door."""
    crossing = crossing_in_sync(labs, scratch)
    crossing.cross("forward")
    crossing.lab.old.psql("INSERT INTO ledger.trace VALUES (70, 70);"
                          "DELETE FROM ledger.trace WHERE client = 70", "shop")
    return crossing


def audit(crossing):
    return crossing.call("check", "--gate", "audit", "--json").json()["gates"][0]


def test_what_the_laws_rest_on_cannot_be_waived(crossing):
    for gate in ("hazards", "rights", "links"):
        done = crossing.call("waive", gate, *SIGNED).require(REFUSED)
        assert f"gate {gate} cannot be waived" in done.err
    assert "there is no gate 'audits'" in crossing.call("waive", "audits", *SIGNED).require(2).err


def test_the_way_back_is_open_again_and_says_why(crossing):
    """Without it a stray write on old would keep everybody on new, whatever is wrong there."""
    refused = crossing.call(*crossing.moved("rollback")).require(REFUSED)
    assert "gate audit" in refused.err and crossing.open_sides() == ["new"]
    crossing.call("waive", "audit", *SIGNED).require(DONE)
    gate = audit(crossing)
    assert gate["state"] == "waived" and gate["evidence"].startswith("waived by mia until ")
    assert "INSERT on old" in gate["evidence"]
    done = crossing.call(*crossing.moved("rollback")).require(DONE)
    assert "goes on without gate audit: waived by mia" in done.err
    assert crossing.open_sides() == ["old"]
    rows = [json.loads(line) for line in crossing.call("journal", "export").require(DONE).out.splitlines()]
    waiver, = (row["detail"] for row in rows if row["kind"] == "waiver")
    assert (waiver["by"], waiver["reason"]) == ("mia", "seen, undone by hand")
    assert [row["text"].split(":")[0] for row in rows if row["kind"] == "waived"] == ["goes on without gate audit"]


def test_it_ends_with_its_time_and_with_the_plan(crossing):
    crossing.cross("forward")
    crossing.lab.old.psql("INSERT INTO ledger.trace VALUES (71, 71)", "shop")
    assert audit(crossing)["state"] == "waived"  # of the test above: a day long
    plan = crossing.lab.plan.read_text()
    crossing.lab.plan.write_text(plan.replace("sync_age: 14d", "sync_age: 13d"))
    try:
        assert audit(crossing)["state"] == "fail"
    finally:
        crossing.lab.plan.write_text(plan)
    crossing.call("waive", "audit", *SIGNED, "--for", "1ms").require(DONE)  # the newest one counts
    wait_until(lambda: audit(crossing)["state"] == "fail", 30, "the waiver to expire")
    crossing.call("waive", "audit", *SIGNED, "--for", "1h").require(DONE)
    assert audit(crossing)["state"] == "waived"
