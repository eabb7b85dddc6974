"""`airlock sync --copy-schema`: new begins with an empty database."""

import pytest

from conftest import needs_program
from crossing import DONE, REFUSED, Crossing

SHAPE = """
SELECT c.relkind::text, c.oid::regclass::text, pg_get_userbyid(c.relowner), a.attname, a.atttypid::regtype::text,
       a.attnotnull, a.attidentity::text, coalesce(c.relacl::text, '')
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace::regnamespace::text IN ('public', 'audit', 'ledger') AND c.relkind IN ('r', 'p', 'S', 'v', 'i')
ORDER BY 2, 4"""


def empty_new(lab):
    """As a DBA makes it for a migration; Airlock's roles once more, since they were in the old one."""
    lab.new.psql("DROP DATABASE shop")
    lab.new.psql("CREATE DATABASE shop OWNER shop_owner")
    lab.grant_connect(lab.new)
    lab.init_roles()


@pytest.mark.parametrize("level", [3, 2])
def test_a_migration_that_begins_with_an_empty_database(labs, scratch, level):
    needs_program()
    lab = labs(level=level)
    empty_new(lab)
    crossing = Crossing(lab, scratch() / "commands")
    refused = crossing.call("sync").require(REFUSED)
    assert "pg_dump" in refused.err
    crossing.call("sync", "--copy-schema").require(DONE)
    shapes = [server.query(SHAPE, dbname="shop") for server in lab.servers]
    assert len(shapes[0]) > 50 and shapes[0] == shapes[1]
    assert crossing.call("verify", "--json").require(DONE).json()["verdict"] == "equal"
    crossing.cross("forward")
    assert crossing.open_sides() == ["new"]
    assert "its schema is left as it is" in crossing.call("sync", "--copy-schema").err
    assert not list(crossing.state.glob("schema-*"))


def test_what_cannot_be_made_leaves_new_empty(labs, scratch):
    """An owner that new does not know."""
    needs_program()
    lab = labs(level=2)
    empty_new(lab)
    lab.old.psql("CREATE ROLE ghost; CREATE TABLE haunted (id int PRIMARY KEY); ALTER TABLE haunted OWNER TO ghost",
                 "shop")
    lab.old.psql("GRANT ghost TO airlock")
    done = Crossing(lab, scratch() / "commands").call("sync", "--copy-schema").require(REFUSED)
    assert "copying the schema of orders" in done.err and "ghost" in done.err
    assert lab.new.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", dbname="shop") == [(0,)]
