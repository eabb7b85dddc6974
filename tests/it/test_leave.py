"""What a migration leaves behind when it is over: told as it is, and removed by one script, or not at all."""

import pytest

from conftest import crossing_in_sync
from crossing import DONE
from lab import LabError

ROLES = ("airlock", "airlock_gateway", "airlock_probe", "airlock_probe_owner", "airlock_repl")


def script(crossing, side):
    return crossing.call("init-roles", "--remove", "--side", side).require(DONE).out


def remains(server):
    """What the catalogs say, whatever the program says."""
    found = {row[0] for row in server.query(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'airlock%'"
        " UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datname = 'airlock'"
        " UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots")}
    return found | {row[0] for row in server.query(
        "SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE 'airlock%'"
        " UNION ALL SELECT 'trigger ' || evtname FROM pg_event_trigger"
        " UNION ALL SELECT 'publication ' || pubname FROM pg_publication"
        " UNION ALL SELECT 'subscription ' || subname FROM pg_subscription", dbname="shop")}


def may_connect(server):
    return server.query("SELECT has_database_privilege('shop_app', 'shop', 'CONNECT')")[0][0]


def test_the_end_says_what_stays_and_what_removes_it(labs, scratch):
    crossing = crossing_in_sync(labs, scratch)
    lab = crossing.lab
    rows = lab.old.query("SELECT count(*) FROM products", dbname="shop")
    with pytest.raises(LabError, match="a migration of this database stands open"):
        lab.old.psql(script(crossing, "old"))
    assert "schema airlock" in remains(lab.old)  # nothing was touched
    crossing.call("run", "--approve", crossing.hash()).require(DONE)
    said = " ".join(crossing.call("finalize", "--approve", crossing.hash()).require(DONE).out.split())
    assert "orders old, shut for all but superusers, and stays so:" in said and "orders new, open:" in said
    for side, server in (("old", lab.old), ("new", lab.new)):
        there = remains(server)
        assert {*ROLES, "database airlock", "schema airlock", "schema airlock_dba"} <= there
        assert not any(word.split()[0] in ("slot", "publication", "subscription") for word in there)
        part = said.split(f"orders {side}, ")[1].split("orders new")[0]
        for word in there:
            assert word.split()[-1] in part, word
        assert f"airlock init-roles --remove --side {side} | psql -X -d postgres" in said

    # An application's table that was made with our login must not go with our roles.
    lab.new.psql("CREATE TABLE ours_by_mistake (); ALTER TABLE ours_by_mistake OWNER TO airlock", dbname="shop")
    with pytest.raises(LabError, match="a role of Airlock owns table ours_by_mistake in database shop"):
        lab.new.psql(script(crossing, "new"))
    assert "schema airlock" in remains(lab.new)
    lab.new.psql("DROP TABLE ours_by_mistake", dbname="shop")

    # Another database that Airlock works on keeps what they share.
    lab.new.psql("CREATE DATABASE other; GRANT CONNECT ON DATABASE other TO airlock")
    lab.new.psql("CREATE TABLE t (); GRANT SELECT ON t TO airlock", dbname="other")
    assert "stay for them" in lab.new.psql(script(crossing, "new"))
    assert remains(lab.new) == {*ROLES, "database airlock"}
    lab.new.psql("DROP DATABASE other")

    for side, server in (("old", lab.old), ("new", lab.new)):
        for _ in range(2):  # repeatable
            server.psql(script(crossing, side))
        assert remains(server) == set()
    assert not may_connect(lab.old) and may_connect(lab.new)
    assert lab.new.query("SELECT count(*) FROM products", dbname="shop") == rows
