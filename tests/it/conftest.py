"""Fixtures: private labs of two real servers; see tests/lab."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
LAB_SOURCE = HERE.parent / "lab"
sys.path.insert(0, str(LAB_SOURCE))

from crossing import Crossing  # noqa: E402 - needs the path above
from lab import Lab, LabError, airlock_program  # noqa: E402
from selfflip import SelfFlip  # noqa: E402
from wire import Wire, query  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", default=bool(os.environ.get("AIRLOCK_LONG")),
                     help="the full counts, not the sample of ./test")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with --long")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        items[:] = [item for item in items if item.get_closest_marker("long") is None]


@pytest.fixture
def long_run(request):
    return request.config.getoption("--long")


@pytest.fixture(scope="session")
def scratch():
    """Makes directories that the servers' user can enter (pytest's own tmp_path is closed to it)."""
    made = []

    def make(place=None):
        path = Path(tempfile.mkdtemp(prefix="airlock-it-", dir=place))
        path.chmod(0o755)
        made.append(path)
        return path

    yield make
    for path in made:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def labs(scratch):
    """A factory of labs; all are taken down at the end, whatever happened."""
    made = []

    def make(level=3, rows="small", roles=True, gateway=False, settings=None):
        lab = Lab.up(scratch() / "lab", level, rows, roles=roles, gateway=gateway, settings=settings)
        made.append(lab)
        return lab

    yield make
    troubles = []
    for lab in made:
        try:
            lab.down()
        except LabError as trouble:  # after all the others are down, too
            troubles.append(str(trouble))
    assert not troubles, "\n".join(troubles)


@pytest.fixture(scope="session")
def plain_lab(labs):
    """A lab whose servers nobody has set up anything between."""
    return labs()


def crossing_in_sync(labs, scratch, level=2, change=lambda lab: None, gateway=False):
    """The program on a lab of its own that `change` has prepared, in sync; old is open.  With
    `gateway` that is still to be started."""
    needs_program()
    lab = labs(level=level, gateway=gateway)
    change(lab)
    crossing = Crossing(lab, scratch() / "commands")
    crossing.prepare()
    return crossing


@contextlib.contextmanager
def plan_with(lab, old, new):
    """The lab's plan with one word of it changed; the gateway goes on with its own."""
    before = lab.plan.read_text()
    assert old in before
    lab.plan.write_text(before.replace(old, new, 1))
    try:
        yield
    finally:
        lab.plan.write_text(before)


def from_address(lab, address, role="shop_app"):
    """A client that comes from another address of this host, which libpq cannot."""
    password = next(line.split(":")[4] for line in lab.passfile.read_text().splitlines() if f":{role}:" in line)
    return Wire(("127.0.0.1", lab.gateway_port), role, password, "shop", source=address)


def run(wire, sql):
    """To its end, without an error."""
    wire.send(query(sql))
    while (kind := wire.next()[0]) != "Z":
        assert kind != "E"


def needs_program():
    if airlock_program() is None:
        if os.environ.get("AIRLOCK_BUILD"):
            pytest.fail("the build has no src/cli/airlock")
        pytest.skip("airlock is not built")


@contextlib.contextmanager
def job_that_has_said(line, script, *arguments):
    """A Python script of the lab's that goes on after it has said so; its process."""
    with subprocess.Popen([sys.executable, LAB_SOURCE / script, *arguments], text=True,
                          stdout=subprocess.PIPE) as job:
        try:
            assert job.stdout.readline() == line
            yield job
        finally:
            job.terminate()
            job.stdout.read()


def legacy_job(dsn):
    """The forgotten job, once it has written."""
    return job_that_has_said("1\n", "legacy_job.py", dsn)


def writers_gate(lab, state):
    """Exit status of `check`, and the answer of the gate `writers`."""
    done = lab.airlock("--state", state, "check", "--json", "--gate", "writers")
    (answer,) = json.loads(done.stdout)["gates"]
    return done.returncode, answer


@pytest.fixture
def lab3(labs):
    needs_program()
    return labs(level=3)


@pytest.fixture
def lab2(labs):
    needs_program()
    return labs(level=2)


@pytest.fixture(scope="module")
def flip(scratch):
    """One server in both parts, and a gateway; each test leaves a door open."""
    made = SelfFlip.make(scratch() / "flip")
    yield made
    made.down()


@pytest.fixture
def control(flip):
    """As a controller speaks to its gateway."""
    with flip.control() as conn:
        yield conn
