"""What the order of a plan means on real servers: an accident is refused before anything is touched and settled by
the line that is printed; an override and a limit are what `run` carries out; no wave is left behind."""

import pytest

from conftest import crossing_in_sync
from crossing import DONE, REFUSED
from service import Service

CHAIN = 66  # more waves than a run once knew


class World:
    def __init__(self, crossing):
        self.crossing = crossing
        self.lab = crossing.lab
        self.plain = self.lab.plan.read_text()

    def write(self, text):
        self.lab.plan.write_text(text)

    def waves(self):
        return [wave["members"] for wave in self.crossing.call("plan", "--json").require(DONE).json()["waves"]]

    def run(self, *arguments, verb="run"):
        return self.crossing.call(verb, "--approve", self.crossing.hash(), "--json", *arguments)


@pytest.fixture(scope="module")
def world_of_lab(labs, scratch):
    return World(crossing_in_sync(labs, scratch))


@pytest.fixture
def world(world_of_lab):
    yield world_of_lab
    if world_of_lab.crossing.open_sides() == ["new"]:
        world_of_lab.run(verb="rollback").require(DONE)
    world_of_lab.write(world_of_lab.plain)
    assert world_of_lab.crossing.open_sides() == ["old"]


def problems(world):
    return world.crossing.call("plan", "--json").require(REFUSED).json()["problems"]


def test_an_accident_is_refused_until_it_is_declared(world):
    world.write("\n".join(line for line in world.plain.splitlines() if "from: web" not in line) + "\n")
    (problem,) = problems(world)
    assert (problem["id"], problem["severity"]) == ("P-CROSSING", "refused")
    rows = len(world.crossing.call("journal", "export").require(DONE).out.splitlines())
    for command in (("run", "--approve", world.crossing.hash()), ("run", "--dry-run"), ("check",)):
        refused = world.crossing.call(*command).require(REFUSED)
        assert "P-CROSSING" in refused.err and problem["help"] in refused.err
    assert world.crossing.call("check", "--json").require(REFUSED).json()["verdict"] == "not-ready"
    assert "P-CROSSING" not in world.crossing.call("status").require(DONE).err
    assert world.crossing.open_sides() == ["old"]
    told = world.crossing.call("journal", "export").require(DONE).out.splitlines()[rows:]
    assert not [row for row in told if '"approval"' in row or '"intent"' in row]
    line = problem["help"].split("add under overlap:  ", 1)[1]
    world.write(world.lab.plan.read_text().replace("overlap:\n", f"overlap:\n  {line}\n"))
    world.run().require(DONE)
    assert world.crossing.open_sides() == ["new"]


def test_what_is_under_way_does_not_care(world):
    """A plan that would not be begun with any more still goes back."""
    world.run().require(DONE)
    world.write("\n".join(line for line in world.plain.splitlines() if "from: web" not in line) + "\n")
    world.crossing.call("resume").require(DONE)
    world.run(verb="rollback").require(DONE)
    assert world.crossing.open_sides() == ["old"]


def test_an_override_is_what_runs(world):
    reader = Service(world.lab, "reports")
    text = world.plain.replace("  reports: {tier: read-only,", f"  reports: {{tier: read-only, move: {reader.move()},")
    world.write(text)
    before = world.waves()
    assert before.index(["orders"]) > [n for n, wave in enumerate(before) if "reports" in wave][0]
    world.write(text.replace(
        "stores:\n", 'order:\n  - {first: orders, then: reports, because: "the month is closed on old"}\n\nstores:\n', 1))
    waves = world.waves()
    assert waves.index(["orders"]) < [n for n, wave in enumerate(waves) if "reports" in wave][0]
    number = str(waves.index(["orders"]) + 1)
    assert world.run("--until", number).code == 4
    assert world.crossing.open_sides() == ["new"] and reader.side() == "old"
    world.run().require(DONE)
    assert reader.side() == "new"


def test_no_wave_is_left_behind(world):
    """A chain of supporting services, each of which needs the one before it."""
    services = [Service(world.lab, f"link-{n}") for n in range(CHAIN)]
    lines = [f"  link-{n}: {{tier: support, move: {service.move()}, after: [{f'link-{n - 1}' if n else ''}]}}"
             for n, service in enumerate(services)]
    world.write(world.plain.replace("services:\n", "services:\n" + "\n".join(lines) + "\n"))
    assert len(world.waves()) == CHAIN + 3
    world.run().require(DONE)
    assert {service.side() for service in services} == {"new"}
    assert world.crossing.open_sides() == ["new"]


def test_what_was_measured_is_shown_with_its_age(world):
    """And weighs nothing in the order: the hash and the waves are those of the plan alone."""
    before = world.crossing.call("plan", "--json").require(DONE).json()
    assert before["gravity"][0]["bytes"] is None and before["gravity"][0]["measured_at_ms"] is None
    world.crossing.call("measure", "--for", "500ms").require(DONE)
    after = world.crossing.call("plan", "--json").require(DONE).json()
    (gravity,) = after["gravity"]
    assert gravity["bytes"] > 1_000_000 and gravity["size"] > 0 and gravity["complete"] in (True, False)
    assert after["hash"] == before["hash"]
    assert [wave["members"] for wave in after["waves"]] == [wave["members"] for wave in before["waves"]]
    text = world.crossing.call("plan").require(DONE).out
    assert " s ago" in text and "rows/s" in text
    other = world.crossing.call("plan", "--json", state=world.lab.plan.parent / "nothing-here").require(DONE).json()
    assert other["gravity"][0]["bytes"] is None and not (world.lab.plan.parent / "nothing-here").exists()
