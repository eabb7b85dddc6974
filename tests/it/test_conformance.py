"""The conformance suite (tests/conformance) over two real servers."""

import re
import subprocess

import pytest

from conftest import needs_program
from lab import find_program

CASES = "cases"  # the migrated database
TABLES = """
SET ROLE shop_owner;
CREATE TABLE ledger (id bigserial PRIMARY KEY, said text NOT NULL DEFAULT 'hello');
CREATE TABLE pulse (n bigint PRIMARY KEY);
GRANT INSERT, SELECT ON ledger TO shop_app;
GRANT USAGE ON SEQUENCE ledger_id_seq TO shop_app;
"""


class Bench:
    def __init__(self, lab):
        self.lab = lab
        for server in lab.servers:
            server.psql(f"CREATE DATABASE {CASES} OWNER shop_owner")
            server.psql(TABLES, CASES)
        shop = lab.plan.read_text()
        lab.plan = lab.dir / "cases.yaml"
        lab.plan.write_text(re.sub(r"dbname=\w+", f"dbname={CASES}", shop))
        lab.init_roles()

    def run(self, *case):
        """(exit status, what was said)."""
        strings = [server.admin_uri(CASES) for server in self.lab.servers]
        strings += [self.lab.dsn(server.name, "shop_app", CASES) for server in self.lab.servers]
        done = subprocess.run([find_program("conformance_postgres"), self.lab.plan, *strings, *case],
                              capture_output=True, text=True, check=False, timeout=400)
        assert done.returncode in (0, 1), done.stderr + done.stdout
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module", params=[3, pytest.param(2, marks=pytest.mark.long)])
def bench(request, labs):
    needs_program()
    return Bench(labs(level=request.param, roles=False))


def test_every_case(bench):
    code, said = bench.run()
    print(said)
    assert code == 0, said


# What each rule of the store is worth: taken away on a real server, the suite has to notice.  A rule is
# a statement of a function (sql/migrated.sql), and what stands there instead.
RULES = {
    "effects_need_their_pair": (
        "airlock.guard_at(text, text, bigint, text)", "IF NOT FOUND THEN", "IF false THEN"),
    "the_way_back_brings_what_is_new_and_nothing_else": (
        "airlock.turn(text, text, bigint, text, pg_lsn)",
        "PERFORM pg_replication_origin_advance(origin, wayback);", ""),
    "sequences_move_only_forward": (
        "airlock.setvals(text, text, bigint, jsonb, bigint)",
        "CONTINUE WHEN own_called AND own_value >= target;", ""),
}


@pytest.mark.parametrize("case", RULES)
def test_a_broken_rule_is_seen(bench, case):
    function, rule, instead = RULES[case]
    for server in bench.lab.servers:
        sql = server.query("SELECT pg_get_functiondef(%s::regprocedure)", (function,), dbname=CASES)[0][0]
        assert sql.count(rule) == 1
        server.psql(sql.replace(rule, instead), CASES)
    try:
        code, said = bench.run(case)
        assert code == 1 and case in said, said
    finally:
        bench.lab.init_roles()
    code, said = bench.run(case)
    assert code == 0, said
