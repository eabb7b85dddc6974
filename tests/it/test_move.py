"""Services that really move: a support service, a read-only one and an entry point around one store, each carried
over by a command, observed, and taken back when its wave fails."""

import json
import shutil
import signal

import pytest

from conftest import crossing_in_sync
from crossing import DONE, REFUSED, UNDONE, UNKNOWN, problems_of
from server import process_state, wait_until
from service import Service

TIMED_OUT = 8
REACH_SECONDS = 60
END_SECONDS = 120
NAMES = ("identity", "mail", "reports", "web")


class World:
    """The services of one lab and its crossing, with the plan in one of two forms."""

    def __init__(self, crossing):
        self.crossing = crossing
        self.lab = crossing.lab
        self.plain = self.lab.plan.read_text()
        self.services = {name: Service(self.lab, name) for name in NAMES}
        self.write()

    def write(self, together=False):
        """`together`: the store, its readers and its entry point are one circle, and so one cutover."""
        s = {name: service.move() for name, service in self.services.items()}
        text = self.plain.replace("  web: {tier: entry,", f"  web: {{tier: entry, move: {s['web']},")
        text = text.replace("  reports: {tier: read-only,",
                            f"  identity: {{tier: support, move: {s['identity']}}}\n"
                            f"  mail: {{tier: support, move: {s['mail']}}}\n"
                            f"  reports: {{tier: read-only, move: {s['reports']},"
                            f"{' needs: [web],' if together else ''}")
        self.lab.plan.write_text(text)

    def __getitem__(self, name):
        return self.services[name]

    def sides(self):
        return {name: service.side() for name, service in self.services.items()}

    def waves(self):
        document = self.crossing.call("plan", "--json").require(DONE).json()
        return [wave["members"] for wave in document["waves"]]

    def run(self, *arguments, verb="run"):
        return self.crossing.call(verb, "--approve", self.crossing.hash(), "--json", *arguments)

    def start(self, *arguments, verb="run", failpoint=None):
        return self.crossing.start(verb, "--approve", self.crossing.hash(), "--json", *arguments,
                                   failpoint=failpoint)

    def killed(self, point, *arguments, verb="run"):
        """A command that was killed at a point."""
        with self.start(*arguments, verb=verb, failpoint=point) as running:
            assert running.await_failpoint(REACH_SECONDS), f"{point} was not reached"
            running.signal(signal.SIGKILL)
            running.wait(10)

    def rows(self, kind):
        done = self.crossing.call("journal", "export", "--kind", kind)
        return [json.loads(line) for line in done.out.splitlines()]

    def state(self):
        """Of the newest record of a wave."""
        rows = self.rows("wave")
        return rows[-1]["detail"]["state"] if rows else "none"

    def number_of(self, name):
        """Of the wave that it moves with."""
        return next(str(n) for n, members in enumerate(self.waves(), 1) if name in members)

    def everything_old(self):
        """As it was in the beginning, whatever a test did."""
        for service in self.services.values():
            service.reset(service.side())
        if self.state() not in ("none", "done", "undone", "left"):
            self.crossing.call("resume").require(DONE, UNDONE)
        if self.crossing.open_sides() != ["old"]:
            self.run(verb="rollback").require(DONE)
            assert set(self.sides().values()) == {"old"}
        self.write()
        assert self.crossing.open_sides() == ["old"]
        for service in self.services.values():
            service.reset()


@pytest.fixture(scope="module")
def world_of_lab(labs, scratch):
    return World(crossing_in_sync(labs, scratch))


@pytest.fixture
def world(world_of_lab):
    yield world_of_lab
    world_of_lab.everything_old()


def all_on(side):
    return dict.fromkeys(NAMES, side)


def test_there_and_back_in_order(world):
    waves = world.waves()
    document = world.run().require(DONE).json()
    assert document["primary"] == {"orders": "new"} and problems_of(document) == []
    assert {row["name"]: (row["side"], row["state"]) for row in document["services"]} == dict.fromkeys(
        NAMES, ("new", "moved"))
    assert world.sides() == all_on("new")
    moved = [row["key"] for row in world.rows("move") if row["detail"]["state"] == "moved"]
    assert moved == ["identity", "mail", "reports", "web"], waves
    # Intent before effect, with what takes it back; observed before and after.
    first, second = [row["detail"] for row in world.rows("move") if row["key"] == "identity"]
    assert (first["state"], first["observed"]) == ("intent", "old")
    assert first["command"] == "services/identity/ctl new" and first["undo"] == "services/identity/ctl old"
    assert (second["state"], second["observed"], second["status"]) == ("moved", "new", 0)
    assert world["identity"].asked()[0] == ("on-new", "new")
    assert ("new", "new") in world["identity"].asked()

    back = world.run(verb="rollback").require(DONE).json()
    assert back["primary"] == {"orders": "old"} and world.sides() == all_on("old")
    moved = [row["key"] for row in world.rows("move") if row["detail"]["state"] == "moved"]
    assert moved[4:] == ["web", "reports", "mail", "identity"]
    assert ("old", "old") in world["identity"].asked()
    assert all(word != "on-new" or side == "new" for word, side in world["identity"].asked())


def test_the_report_shows_where_each_stood(world):
    """What was observed, from a real run's rows; the support service first, the entry point last."""
    world.run().require(DONE)
    world.run(verb="rollback").require(DONE)
    report = world.crossing.call("report", "--json").require(DONE).json()
    lanes = {lane["name"]: lane["stretches"] for lane in report["services"]}
    assert set(lanes) >= set(NAMES)
    there, back = ({name: [s["from"] for s in lanes[name] if s["side"] == side][-1] for name in NAMES}
                   for side in ("new", "old"))
    assert there["identity"] < there["reports"] < there["web"] < back["web"] < back["reports"] < back["identity"]
    page = world.lab.dir / "moved.html"
    world.crossing.call("report", "-o", page).require(DONE)
    assert all(name in page.read_text() for name in NAMES)


def test_what_stands_there_already_is_left_alone(world):
    world["mail"].reset("new")
    document = world.run("--wave", "1").require(DONE).json()
    states = {row["name"]: row["state"] for row in document["services"]}
    assert states == {"identity": "moved", "mail": "there"} and world["mail"].log() == []
    again = world.run("--wave", "1").require(DONE).json()
    assert {row["state"] for row in again["services"]} == {"there"}


def test_until_and_to(world):
    assert world.run("--until", world.number_of("reports")).code == 4
    assert world.sides() == {"identity": "new", "mail": "new", "reports": "new", "web": "old"}
    assert world.crossing.open_sides() == ["old"]
    world.run("--to", world.number_of("identity"), verb="rollback").require(DONE)
    assert world.sides() == {"identity": "new", "mail": "new", "reports": "old", "web": "old"}


def test_one_wave_does_not_overtake_its_stores(world):
    refused = world.run("--wave", world.number_of("web")).require(REFUSED)
    assert "store orders does not write to new" in refused.err and "--until" in refused.err
    assert world["web"].log() == [] and world.sides() == all_on("old")


@pytest.mark.parametrize("fault,words", [
    ("fail-new", "no such"), ("hang-new", "did not end in 3000 ms"), ("deaf-new", "still says the contrary"),
    pytest.param("lie-on-new", "still says the contrary", marks=pytest.mark.long)])
def test_one_that_fails_takes_its_wave_back(world, fault, words):
    world["mail"].flag(fault)
    finished = world.run("--wave", "1").require(UNDONE)
    document = finished.json()
    problem, = document["problems"]
    assert document["verdict"] == "undone" and problem["step"] == "move"
    assert "moving mail to new" in problem["message"] and words in problem["message"]
    assert world["identity"].log() == ["new", "old"], "what was moved before it, too"
    assert world["mail"].side() == "old" and world["mail"].asked()[-2][0] == "old"
    assert "\033" not in finished.err + finished.out
    # The last to move goes back first.
    back = [row["key"] for row in world.rows("move")[-4:] if row["detail"]["undoing"]]
    assert back == ["mail", "mail", "identity", "identity"]
    assert world.state() == "undone"


def test_a_command_that_hangs_is_ended_with_its_children(world):
    world["mail"].flag("hang-new")
    world.run("--wave", "1").require(UNDONE)
    child = int((world["mail"].dir / "child").read_text())
    assert wait_until(lambda: process_state(child) in (None, "Z"), 10, "its child to end")


@pytest.mark.parametrize("fault", ["fail-on-new", pytest.param("hang-on-new", marks=pytest.mark.long)])
def test_without_an_answer_nothing_is_touched(world, fault):
    world["mail"].flag(fault)
    document = world.run("--wave", "1").require(REFUSED).json()
    assert "on which side mail is, is unknown" in document["problems"][0]["message"]
    assert world["identity"].log() == [] and world["mail"].log() == []


def test_an_observation_that_dies_later_is_unknown(world):
    with world.start("--wave", "1", failpoint="before:move-seen") as running:
        assert running.await_failpoint(REACH_SECONDS)
        world["identity"].flag("fail-on-new")
        world["mail"].flag("fail-new")
        running.signal(signal.SIGCONT)
        finished = running.wait(END_SECONDS).require(UNKNOWN)
    assert finished.json()["verdict"] == "unknown"
    # Half moved: a run would take its own guesses for facts.
    refused = world.run().require(REFUSED)
    assert "airlock resume" in refused.err
    world.run(verb="rollback").require(REFUSED)
    world.crossing.call("resume").require(UNKNOWN)
    world["identity"].flag("fail-on-new", False)
    world["mail"].flag("fail-new", False)
    world.crossing.call("resume").require(UNDONE)
    assert world.sides() == all_on("old")


def some(points, long):
    """Where a controller is killed; what lies between two points and nothing durable only in the long run."""
    return [*points, *(pytest.param(point, marks=pytest.mark.long) for point in long)]


@pytest.mark.parametrize("point", some(
    ["before:wave-begin", "after:wave-begin", "after:move-intent", "after:move", "before:wave-end"],
    ["before:move-intent", "before:move", "before:move-seen", "after:move-seen", "after:wave-end"]))
def test_killed_on_the_way_it_is_finished(world, point):
    count = len(world.rows("wave"))
    world.killed(point, "--wave", "1")
    world.crossing.call("resume").require(DONE)
    if point == "before:wave-begin":
        assert world.sides() == all_on("old") and len(world.rows("wave")) == count, "nothing was under way"
    else:
        assert (world["identity"].side(), world["mail"].side()) == ("new", "new")
        assert world.state() == "done" and len(world.rows("wave")) == count + 2
    world.crossing.call("resume").require(DONE)


@pytest.mark.parametrize("point", some(
    ["after:wave-undo", "after:move-back-intent", "after:move-back"],
    ["before:wave-undo", "before:move-back-intent", "before:move-back", "before:wave-end"]))
def test_killed_on_the_way_back_it_is_back(world, point):
    world["mail"].flag("fail-new")
    world.killed(point, "--wave", "1")
    # Before it was written down that the wave goes back, it is still on its way forward; the fault is still there.
    # Everything was back already when only the record of it was missing: nothing is left to undo.
    world.crossing.call("resume").require(DONE if point == "before:wave-end" else UNDONE)
    assert world.sides() == all_on("old")
    assert world.state() == "undone"


def test_the_observation_decides_and_not_the_journal(world):
    world.killed("after:move", "--wave", "1")  # it is on new, and the journal knows only the intent
    world["identity"].reset("old")             # and somebody moved it back meanwhile
    world.crossing.call("resume").require(DONE)
    assert world["identity"].side() == "new" and world["identity"].log() == ["new"]


def test_a_resume_leaves_a_living_controller_alone(world):
    with world.start("--wave", "1", failpoint="before:move") as running:
        assert running.await_failpoint(REACH_SECONDS)
        document = world.crossing.call("resume", "--json").require(TIMED_OUT).json()
        assert "left to it" in document["problems"][0]["message"]
        assert world["identity"].log() == []
        running.signal(signal.SIGCONT)
        running.wait(END_SECONDS).require(DONE)


def test_asked_to_stop_it_goes_back(world):
    with world.start("--wave", "1", failpoint="after:move") as running:
        assert running.await_failpoint(REACH_SECONDS)
        running.signal(signal.SIGTERM)
        running.signal(signal.SIGCONT)
        running.wait(END_SECONDS).require(UNDONE)
    assert world.sides() == all_on("old")


def test_status_says_where_each_stands_and_why(world):
    def seen(name):
        document = world.crossing.call("status", "--json").require(DONE).json()
        return next(row for row in document["services"] if row["name"] == name)

    row = seen("web")
    assert (row["actual"], row["goal"], row["next"], row["undo"]) == ("old", "old", "airlock run", "nothing to undo")
    world.killed("after:move", "--wave", "1")
    row = seen("identity")
    assert (row["actual"], row["goal"], row["next"]) == ("new", "new", "airlock resume") and "under way" in row["why"]
    world.crossing.call("resume").require(DONE)
    row = seen("identity")
    assert row["why"].startswith("moved at") and "services/identity/ctl old" in row["undo"]
    world["identity"].reset("old")
    row = seen("identity")
    assert (row["actual"], row["goal"]) == ("old", "new") and "somebody else moved it" in row["why"]
    world["identity"].flag("fail-on-new")
    row = seen("identity")
    assert row["actual"] == "unknown" and "no such" in row["why"] and 0 <= row["seen_ms_ago"] < 60000
    text = world.crossing.call("status").require(DONE).out
    assert "\033" not in text and max(map(len, text.splitlines())) <= 80
    line = next(line for line in text.splitlines() if line.startswith("identity"))
    assert line.split()[:3] == ["identity", "unknown", "new"]


def test_what_would_be_done_names_the_commands(world):
    text = world.crossing.call("run", "--dry-run").require(DONE).out
    assert "would move identity: services/identity/ctl new    undo: services/identity/ctl old" in text
    assert text.index("would move reports") < text.index("would promote") < text.index("would move web")
    assert "would not touch worker: the plan names no `move` for it" in text
    text = " ".join(world.crossing.call("report", "--runbook").require(DONE).out.split())
    assert "the run moves identity to new: services/identity/ctl new" in text
    assert "`airlock rollback`: services/identity/ctl old" in text
    text = " ".join(world.crossing.call("plan").require(DONE).out.split())
    assert "moved by services/identity/ctl new undone by services/identity/ctl old" in text
    moves = [move for wave in world.crossing.call("plan", "--json").json()["waves"] for move in wave["moves"]]
    assert {move["service"]: move["observe"][1] for move in moves} == dict.fromkeys(NAMES, "on-new")
    assert all(service.asked() == [] for service in world.services.values())


def test_what_a_command_says_and_knows(world, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:hunter2@db/shop")
    ctl = world["identity"].dir / "ctl"
    script = ctl.read_text()
    ctl.write_text(script.replace("cd ", "env >>seen-env; echo password=hunter3; cd ", 1))
    try:
        world.run("--wave", "1").require(DONE)
        environment = (world.lab.plan.parent / "seen-env").read_text()
    finally:
        ctl.write_text(script)
        (world.lab.plan.parent / "seen-env").unlink(missing_ok=True)
    assert "AIRLOCK_SIDE=new" in environment and "hunter2" not in environment
    row = [row["detail"] for row in world.rows("move") if row["key"] == "identity"][-1]
    assert row["output"].startswith("password=") and "hunter3" not in json.dumps(row)


def test_a_sync_is_not_abandoned_under_a_service_on_new(world):
    world.run("--wave", "1").require(DONE)
    refused = world.crossing.call("abandon").require(REFUSED)
    assert "mail is on new" in refused.err or "identity is on new" in refused.err
    assert world.crossing.status()["actual"] == "ready"


def test_a_plan_that_forgot_its_services_is_told_and_not_stuck(world):
    world.killed("after:move", "--wave", "1")
    world.lab.plan.write_text(world.plain)
    refused = world.run("--wave", world.number_of("orders")).require(REFUSED)
    assert "the services of wave 1 are on their way to new" in refused.err
    told = world.crossing.call("resume").require(DONE).err
    assert "this plan moves no service in it any more" in told and world["identity"].side() == "new"
    assert world.state() == "left"
    assert "any more" not in world.crossing.call("resume").require(DONE).err


def test_a_changed_plan_carries_nobody_who_was_not_under_way(world):
    """A wave is a number; which services it moves is what the plan says, and the plan can change."""
    whole = world.lab.plan.read_text()
    of_mail = f"  mail: {{tier: support, move: {world['mail'].move()}}}\n"
    world.lab.plan.write_text(whole.replace(of_mail, "  mail: {tier: support}\n"))
    assert world.lab.plan.read_text() != whole
    world.killed("after:move-intent", "--wave", "1")
    world.lab.plan.write_text(whole)
    row = next(row for row in world.crossing.call("status", "--json").json()["services"] if row["name"] == "mail")
    assert row["why"] == "not moved yet"
    world.crossing.call("resume").require(DONE)
    assert world["identity"].side() == "new" and world.state() == "done"
    assert world["mail"].log() == [], "nobody approved that it moves"


def test_one_that_the_plan_moves_no_more_is_named(world):
    world.killed("after:move", "--wave", "1")
    whole = world.lab.plan.read_text()
    of_identity = f"  identity: {{tier: support, move: {world['identity'].move()}}}\n"
    world.lab.plan.write_text(whole.replace(of_identity, "  identity: {tier: support}\n"))
    assert world.lab.plan.read_text() != whole
    told = " ".join(world.crossing.call("resume").require(DONE).err.split())
    assert "identity was on its way to new since" in told and "see where it stands" in told
    assert world["mail"].side() == "new" and world.state() == "done"
    world["identity"].reset()


# ---- one cutover with its store ---------------------------------------------------------------

def test_together_before_the_hold_and_after_the_release(world):
    world.write(together=True)
    assert world.number_of("orders") == world.number_of("reports") == world.number_of("web")
    with world.start(failpoint="before:hold") as running:
        assert running.await_failpoint(REACH_SECONDS)
        assert world["reports"].side() == "new" and world["web"].side() == "old"
        running.signal(signal.SIGCONT)
        running.wait(END_SECONDS).require(DONE)
    assert world.sides() == all_on("new") and world.crossing.open_sides() == ["new"]
    with world.start(verb="rollback", failpoint="before:hold") as running:
        assert running.await_failpoint(REACH_SECONDS)
        assert world["reports"].side() == "new" and world["web"].side() == "old"
        running.signal(signal.SIGCONT)
        running.wait(END_SECONDS).require(DONE)
    assert world.sides() == all_on("old")


def test_together_undone_with_its_store(world):
    world.write(together=True)
    with world.start(failpoint="before:marker") as running:
        assert running.await_failpoint(REACH_SECONDS)
        assert world["reports"].side() == "new"
        running.signal(signal.SIGTERM)
        running.signal(signal.SIGCONT)
        document = running.wait(END_SECONDS).require(UNDONE).json()
    assert document["primary"] == {"orders": "old"}
    assert world["reports"].log() == ["new", "old"] and world["web"].log() == []


def test_together_a_failed_entry_does_not_turn_the_store_back(world):
    world.write(together=True)
    world["web"].flag("fail-new")
    finished = world.run().require(TIMED_OUT)
    document = finished.json()
    assert document["verdict"] == "timed-out" and document["primary"] == {"orders": "new"}
    assert "moving web to new" in document["problems"][0]["message"]
    assert world["reports"].side() == "new" and world["web"].side() == "old"
    assert world.crossing.open_sides() == ["new"]
    world.crossing.call("resume").require(TIMED_OUT)
    world.crossing.call("finalize", "--approve", world.crossing.hash()).require(REFUSED)
    world["web"].flag("fail-new", False)
    world.crossing.call("resume").require(DONE)
    assert world["web"].side() == "new"


def test_together_rolled_back_although_an_entry_failed(world):
    world.write(together=True)
    world["web"].flag("fail-new")
    world.run().require(TIMED_OUT)
    world.run(verb="rollback").require(DONE)
    assert world.sides() == all_on("old") and world.crossing.open_sides() == ["old"]


@pytest.mark.parametrize("point,side", [
    ("after:move", "old"), ("after:end_sessions", "old"), ("after:promote", "new"),
    *(pytest.param(*more, marks=pytest.mark.long) for more in (
        ("before:move", "old"), ("before:hold", "old"), ("after:cut", "old"), ("after:release", "new"),
        ("before:wave-end", "new")))])
def test_together_killed_it_follows_its_store(world, point, side):
    world.write(together=True)
    world.killed(point, "--wave", world.number_of("orders"))
    world.crossing.call("resume").require(DONE, UNDONE)
    world.crossing.call("resume").require(DONE)
    assert world.crossing.open_sides() == [side]
    assert (world["reports"].side(), world["web"].side()) == (side, side)


def test_together_without_a_journal_it_is_told_and_left_alone(world):
    world.write(together=True)
    world.killed("before:hold", "--wave", world.number_of("orders"))
    shutil.rmtree(world.crossing.state)
    told = world.crossing.call("resume").require(DONE, UNDONE).err
    assert "service reports: is on new, and no record says that it was moved" in told
    assert world["reports"].side() == "new" and world.crossing.open_sides() == ["old"]


def test_finalized_nothing_goes_back(world_of_lab):
    """The last one: its lab has no way back."""
    world = world_of_lab
    world.run("--until", world.number_of("orders"))
    refused = world.crossing.call("finalize", "--approve", world.crossing.hash()).require(REFUSED)
    assert "web is on old" in refused.err
    world.run().require(DONE)
    world.crossing.call("finalize", "--approve", world.crossing.hash()).require(DONE)
    assert world.run(verb="rollback").code != DONE
    assert world.sides() == all_on("new") and world.crossing.open_sides() == ["new"]
