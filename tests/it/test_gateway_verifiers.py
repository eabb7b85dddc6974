"""Logins that are checked by a file of verifiers, because nobody may read pg_authid."""

import os

import psycopg
import pytest

from gateway import Gateway
from server import free_port, wait_until

VERIFIERS = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'shop_%'"


@pytest.fixture
def by_file(flip, scratch):
    """Another gateway of the same registers: (its address, its file)."""
    place, port = scratch(), free_port()
    file, plan = place / "verifiers", place / "plan.yaml"
    plan.write_text(flip.plan.read_text().replace(f":{flip.gateway_port}", f":{port}").replace(
        "gateway.sock", "by-file.sock").replace(
        "kind: gateway,", f"kind: gateway, auth: {{verifiers: file, file: {file}}},"))
    write(file, flip.old.query(VERIFIERS))
    # Nobody may ask the servers.
    flip.old.psql("REVOKE EXECUTE ON FUNCTION airlock_dba.verifier(text) FROM airlock_gateway", "airlock")
    gateway = Gateway(flip.gateways[0].program, plan, place / "log").start()
    try:
        yield gateway, flip.gateway_dsn("shop_app").replace(f":{flip.gateway_port}/", f":{port}/"), file
    finally:
        gateway.stop()
        flip.old.psql("GRANT EXECUTE ON FUNCTION airlock_dba.verifier(text) TO airlock_gateway", "airlock")


def write(file, rows):
    fresh = file.with_suffix(".fresh")
    fresh.touch(0o600)
    fresh.write_text("".join(f'"{name}" "{verifier}"\n' for name, verifier in rows))
    fresh.rename(file)


def refused(dsn):
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(dsn).close()
    return "password authentication failed" in str(caught.value)


def test_a_file_says_who_may_log_in_and_a_change_of_it_counts(flip, by_file):
    gateway, dsn, file = by_file
    with psycopg.connect(dsn) as conn:
        assert conn.execute("SELECT session_user").fetchone() == ("shop_app",)
    assert refused(dsn.replace("shop_app@", "shop_app:wrong@"))
    assert refused(dsn.replace("shop_app@", "nobody:wrong@"))
    rows = flip.old.query(VERIFIERS)
    write(file, [row for row in rows if row[0] != "shop_app"])
    assert refused(dsn)
    os.chmod(file, 0o644)
    write_open(file, rows)
    assert refused(dsn)  # what was read before counts
    wait_until(lambda: "open to nobody else" in gateway.log_text(), 10, "the word about the file's rights")
    os.chmod(file, 0o600)
    with psycopg.connect(dsn) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert rows[0][1] not in gateway.log_text()


def write_open(file, rows):
    write(file, rows)
    os.chmod(file, 0o644)


def test_a_verifier_that_is_not_the_servers_lets_nobody_in(flip, by_file):
    """The same password with another salt: proven to the gateway, worth nothing to the server."""
    from lab import scram_verifier

    _, dsn, file = by_file
    password = next(line.split(":")[4].strip() for line in flip.passfile.read_text().splitlines()
                    if line.split(":")[3] == "shop_app")
    write(file, [("shop_app", scram_verifier(password))])
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn).close()


def test_a_file_that_cannot_be_used_ends_the_start(flip, by_file, scratch):
    gateway, _, file = by_file
    gateway.stop()
    os.chmod(file, 0o604)
    with pytest.raises(Exception, match="chmod 600"):
        gateway.start()
    os.chmod(file, 0o600)
    gateway.start()


def test_the_operator_reads_that_nobody_can_log_in_and_reads_it_once(flip):
    log, before = flip.gateways[0], len(flip.gateways[0].log_text())
    flip.old.psql("REVOKE EXECUTE ON FUNCTION airlock_dba.verifier(text) FROM airlock_gateway", "airlock")
    try:
        for _ in range(3):
            with pytest.raises(psycopg.OperationalError, match="cannot look up who may log in"):
                psycopg.connect(flip.gateway_dsn("shop_app")).close()
        said = log.log_text()[before:]
        assert said.count("clients are refused, for it cannot be looked up who may log in") == 1, said
        assert "permission denied for function verifier" in said
    finally:
        flip.old.psql("GRANT EXECUTE ON FUNCTION airlock_dba.verifier(text) TO airlock_gateway", "airlock")
    with psycopg.connect(flip.gateway_dsn("shop_app")) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
