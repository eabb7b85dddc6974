"""docs/first-cutover.md as a new user would: two plain servers, and the commands of the page as they stand."""

import os
import re
import subprocess

import pytest

from conftest import needs_program
from lab import ROOT, airlock_program
from server import BINDIRS, Server, free_port, server_user

PAGE = (ROOT / "docs/first-cutover.md").read_text()
README = (ROOT / "README.md").read_text()
SHOP = """
CREATE ROLE orders_owner LOGIN PASSWORD 'o'; CREATE ROLE shop LOGIN PASSWORD 's'; CREATE DATABASE orders OWNER orders_owner;
\\connect orders
SET ROLE orders_owner;
CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE item (id bigserial PRIMARY KEY, customer bigint REFERENCES customer, what text);
INSERT INTO customer (name) SELECT 'customer ' || g FROM generate_series(1, 1000) g;
INSERT INTO item (customer, what) SELECT 1 + g % 1000, 'thing' FROM generate_series(1, 5000) g;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO shop;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop;
"""


def blocks():
    """The page's commands, section by section."""
    found = [(int(number), text) for number, body in re.findall(r"^## (\d+)\. .*?\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
             for text in re.findall(r"^```sh\n(.*?)^```$", body, re.M | re.S)]
    assert len(found) >= 10
    return found


@pytest.fixture
def servers(scratch):
    made = []
    try:
        for name in ("old", "new"):
            server = Server(scratch() / name, free_port(), name)
            made.append(server)
            server.create()
            server.start()
        made[0].psql(SHOP)
        yield made
    finally:
        for server in made:
            server.stop(at_once=True)


def test_the_page_works_as_it_stands(servers, scratch):
    needs_program()
    place = scratch()
    environment = {**os.environ, "PATH": ":".join([str(airlock_program().parent), *map(str, BINDIRS), os.environ["PATH"]])}
    ways_in = {f"host=pg-{s.name}.example.com user=postgres": f"host={s.sock} port={s.port} user=postgres" for s in servers}

    def carry_out(text):
        """One block, in a shell that stops at the first failure; what it printed."""
        for theirs, ours in ways_in.items():
            text = text.replace(theirs, ours)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", names + text], cwd=place, env=environment,
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        return done.stdout

    names, said = "", {}
    for section, text in blocks():
        if text.startswith("OLD="):
            for theirs, ours in ways_in.items():
                text = text.replace(theirs, ours)
            names = text  # as in the one terminal of the reader
            continue
        said[section] = said.get(section, "") + carry_out(text)
        if "airlock init -o" in text:  # what the reader edits
            plan = (place / "airlock.yaml").read_text()
            for server in servers:
                plan = re.sub(rf'{server.name}: "host=.*"', f'{server.name}: "host=127.0.0.1 port={server.port}'
                              f' dbname=orders user=airlock passfile={place / "pgpass"}"', plan)
            (place / "airlock.yaml").write_text(plan)
        if "chmod 600 pgpass" in text:  # and where the file goes
            user = server_user()
            os.chown(place / "pgpass", user.pw_uid, user.pw_gid)
    assert said[6].rstrip().endswith("ready")
    assert "equal" in said[7] and "writes to new" in said[8] and "baking" in said[8]
    assert "writes to old" in said[9] and "writes to new" in said[9]
    assert "<!DOCTYPE html>" in (place / "report.html").read_text()
    old, new = servers
    assert old.query("SELECT has_database_privilege('shop', 'orders', 'CONNECT')") == [(False,)]
    assert new.query("SELECT has_database_privilege('shop', 'orders', 'CONNECT')") == [(True,)]
    for server in servers:  # nothing of Airlock is left
        assert server.query("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'airlock%'") == [(0,)]
        assert server.query("SELECT count(*) FROM pg_replication_slots") == [(0,)]
    assert new.query("SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM item)", dbname="orders") == [(1000, 5000)]


def test_the_page_names_only_what_there_is():
    """Commands and flags in its prose and tables, too."""
    needs_program()
    helped = subprocess.run([airlock_program(), "help"], capture_output=True, text=True, check=True).stdout
    for name in set(re.findall(r"`airlock ([a-z][a-z-]+)", PAGE + README)):
        assert re.search(rf"^  {name} ", helped, re.M), name


def test_the_readmes_plan_and_command_lines_are_taken(tmp_path):
    needs_program()
    plan = tmp_path / "airlock.yaml"
    plan.write_text(re.search(r"^```yaml\n(.*?)^```", README, re.M | re.S)[1])
    subprocess.run([airlock_program(), "-f", plan, "plan"], check=True, capture_output=True)
    lines = re.findall(r"^(?:\$ )?airlock ([a-z][a-z-]+)(.*)$", README, re.M)
    assert len(lines) > 15
    for name, rest in lines:
        helped = subprocess.run([airlock_program(), "help", name], capture_output=True, text=True, check=True).stdout
        for flag in re.findall(r"--[a-z][a-z-]+", rest):
            assert flag in helped, f"{name} {flag}"
