"""What role airlock_gateway may do on both sides, and above all what it may not."""

import psycopg
import pytest

CONTROL = "airlock"
ALLOWED = {"airlock.door(text,text,text)", "airlock.sessions(text,text,text,integer[])",
           "airlock.abort_if_expired(text,text,text,bigint)", "airlock_dba.verifier(text)"}
OURS = ("SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('airlock', 'airlock_dba')")


@pytest.fixture(scope="module", params=[3, 2])
def lab(labs, request):
    return labs(level=request.param)


@pytest.fixture(params=["old", "new"])
def gateway(lab, request):
    """A session of the gateway's role in the control database of one side."""
    with psycopg.connect(lab.dsn(request.param, "airlock_gateway", CONTROL), autocommit=True) as conn:
        yield conn


def test_it_may_call_four_functions_and_no_other(gateway):
    rows = gateway.execute(f"SELECT f, has_function_privilege(f, 'EXECUTE') FROM ({OURS}) AS x(f)").fetchall()
    assert len(rows) > 10
    assert {f for f, may in rows if may} == ALLOWED
    assert gateway.execute("SELECT state FROM airlock.door('p', 's', 'old')").fetchone() == ("ABSENT",)
    assert gateway.execute("SELECT airlock.abort_if_expired('p', 's', 'old', 1)").fetchone() == (False,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        gateway.execute("SELECT airlock.seal('p', 's', 'old', 1, 1, 'h', 'me')")


def test_it_reads_verifiers_of_clients_but_no_table(gateway):
    verifier = "SELECT airlock_dba.verifier(%s)"
    assert gateway.execute(verifier, ["shop_app"]).fetchone()[0].startswith("SCRAM-SHA-256$")
    for user in ("postgres", "airlock", "airlock_repl", "airlock_gateway", "nobody"):
        assert gateway.execute(verifier, [user]).fetchone() == (None,)
    for table in ("airlock.register", "pg_authid", "pg_shadow"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            gateway.execute(f"SELECT FROM {table}")


def test_it_has_no_attribute_and_no_membership(gateway):
    assert gateway.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolinherit"
        " FROM pg_roles WHERE rolname = current_user").fetchone() == (False,) * 6
    assert gateway.execute("SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
                           " OR roleid = current_user::regrole").fetchone() == (0,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        gateway.execute("CREATE TABLE airlock.mine ()")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        gateway.execute("SET ROLE shop_app")


@pytest.mark.parametrize("side", ["old", "new"])
def test_once_public_may_not_connect_it_cannot_enter_the_migrated_database(lab, side):
    """PUBLIC's own right to CONNECT is the application's; what a seal takes from it, it takes from here too."""
    server = lab.server(side)
    server.psql("REVOKE CONNECT ON DATABASE shop FROM PUBLIC")
    try:
        with pytest.raises(psycopg.OperationalError, match="does not have CONNECT privilege"):
            psycopg.connect(lab.dsn(side, "airlock_gateway"))
    finally:
        server.psql("GRANT CONNECT ON DATABASE shop TO PUBLIC")
    with psycopg.connect(lab.dsn(side, "airlock_gateway")) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT FROM customers")


def test_the_sealed_side_lets_it_read_and_end_an_expired_hold(lab):
    done = lab.airlock("sync", timeout=300)
    assert done.returncode == 0, done.stderr
    plan, store = lab.old.query("SELECT plan, store FROM airlock.register", dbname=CONTROL)[0]
    key = f"'{plan}', '{store}', 'old'"
    lab.old.query(f"SELECT airlock.seal({key}, 1, 60000, 'h', 'test')", dbname=CONTROL)
    with psycopg.connect(lab.dsn("old", "airlock_gateway", CONTROL), autocommit=True) as gateway:
        with pytest.raises(psycopg.OperationalError, match="CONNECT privilege"):
            psycopg.connect(lab.dsn("old", "airlock_gateway"))
        with pytest.raises(psycopg.OperationalError, match="CONNECT privilege"):
            psycopg.connect(lab.dsn("old", "shop_app"))
        expire = f"SELECT airlock.abort_if_expired({key}, 1)"
        assert gateway.execute(expire).fetchone() == (False,)
        lab.old.query("UPDATE airlock.register SET deadline = clock_timestamp()", dbname=CONTROL)
        assert gateway.execute(expire).fetchone() == (True,)
        assert gateway.execute(f"SELECT state, epoch FROM airlock.door({key})").fetchone() == ("ACTIVE", 3)
    with psycopg.connect(lab.dsn("old", "shop_app")) as app:
        assert app.execute("SELECT count(*) > 0 FROM customers").fetchone() == (True,)
