"""Settings of applications (app.tenant) go along: PostgreSQL shows them only to who knows their names, and
row security often hangs by them."""

import psycopg
import pytest

from lab import DATABASE
from selfflip import SelfFlip

POLICY = """
CREATE TABLE notes (tenant text, note text);
INSERT INTO notes VALUES ('one', 'of one'), ('two', 'of two');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON notes USING (tenant = current_setting('app.tenant', true));
GRANT SELECT ON notes TO shop_app;
"""
READER = """
CREATE FUNCTION who() RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RETURN current_setting('later.who', true); END $$;
"""


@pytest.fixture(scope="module")
def flip(scratch):
    lab = SelfFlip.make(scratch() / "lab")
    lab.old.psql(POLICY, DATABASE)
    yield lab
    lab.down()


def turn(flip, control):
    """With an arm before it, as a controller does."""
    side = flip.side
    armed = control.require("arm", attempt=flip.attempt + 1, src=side, dst="new" if side == "old" else "old", share=0)
    assert armed["blockers"] == []
    held, released = flip.turn(control)
    assert (held["held"], released["failed"]) == (armed["sessions"], 0)


def test_row_security_by_a_setting_holds_on_the_other_side(flip):
    dsn = flip.gateway_dsn("shop_app")
    with psycopg.connect(dsn, autocommit=True) as one, psycopg.connect(dsn, autocommit=True) as two, \
            psycopg.connect(dsn, autocommit=True) as nobody, flip.control() as control:
        one.execute("SET app.tenant = 'one'")
        two.execute("SET app.tenant = 'two'")
        for _ in range(3):
            turn(flip, control)
            assert one.execute("SELECT note FROM notes").fetchall() == [("of one",)]
            assert two.execute("SELECT note FROM notes").fetchall() == [("of two",)]
            assert nobody.execute("SELECT note FROM notes").fetchall() == []


def test_the_right_to_set_a_parameter_must_be_there_too(flip):
    """What H-PARAMETER refuses: without it this session, and no other, cannot be carried."""
    right = "SET ON PARAMETER log_duration"
    dsn = flip.gateway_dsn("shop_app")
    flip.old.psql(f"GRANT {right} TO shop_app")
    with psycopg.connect(dsn, autocommit=True) as client, psycopg.connect(dsn, autocommit=True) as other, \
            flip.control() as control:
        client.execute("SET log_duration = on")
        turn(flip, control)
        assert client.execute("SHOW log_duration").fetchone() == ("on",)
        assert flip.hold(control)["held"] == 2
        flip.old.psql(f"REVOKE {right} FROM shop_app")
        epoch = flip.move_registers()
        assert control.require("release", side=flip.side, epoch=epoch)["ok"]
        with pytest.raises(psycopg.OperationalError, match="log_duration"):
            client.execute("SELECT 1")
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_what_begins_to_be_read_later_is_found_at_the_next_arm(flip):
    with psycopg.connect(flip.gateway_dsn("shop_app"), autocommit=True) as client, flip.control() as control:
        client.execute("SET later.who = 'me'")
        turn(flip, control)
        client.execute("SET later.who = 'me'")
        control.require("arm", attempt=flip.attempt + 1, src=flip.side, dst="new", share=0)
        flip.old.psql(READER, DATABASE)  # the session itself stays idle from here on
        turn(flip, control)
        assert client.execute("SELECT who()").fetchone() == ("me",)
