"""What an operator reads when something is wrong: the place, the cause, what to do; and never an escape sequence."""

import json
import os
import re
import subprocess
import unicodedata

import psycopg
import pytest
from psycopg import sql

from conftest import needs_program
from lab import airlock_program
from server import free_port

EVIL = "ev\x1b[31mil\u202e\x9b2J\x07"
REORDERING = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.fixture(scope="module")
def lab(labs):
    needs_program()
    return labs(level=2)


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def airlock(plan, state, *words, **kwargs):
    done = subprocess.run([airlock_program(), "-f", plan, "--state", state, *words], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False, **kwargs)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def plan_with(lab, tmp_path, **changes):
    """A copy of the plan in which both connection strings say something else."""
    text = lab.plan.read_text()
    for key, value in changes.items():
        text = re.sub(rf"\b{key}=\S+?(?=[ \"])", f"{key}={value}", text)
    path = tmp_path / "airlock.yaml"
    path.write_text(text)
    return path


# -- what cannot be reached --------------------------------------------------------------------------


def wrong_password(lab, tmp_path):
    path = tmp_path / "pgpass"
    path.write_text("*:*:*:airlock:nonsense\n")
    path.chmod(0o600)
    return plan_with(lab, tmp_path, passfile=path)


def no_password(lab, tmp_path):
    return plan_with(lab, tmp_path, passfile=tmp_path / "nothing")


def nothing_listens(lab, tmp_path):
    text = lab.plan.read_text().replace(f"port={lab.new.port} ", f"port={free_port()} ")
    (tmp_path / "airlock.yaml").write_text(text)
    return tmp_path / "airlock.yaml"


def no_database(lab, tmp_path):
    return plan_with(lab, tmp_path, dbname="shpo")


def test_a_server_without_a_free_connection_is_not_said_to_be_down(lab, state):
    lab.old.psql("ALTER ROLE airlock CONNECTION LIMIT 0")
    try:
        code, _, err = airlock(lab.plan, state, "sync")
    finally:
        lab.old.psql("ALTER ROLE airlock CONNECTION LIMIT -1")
    assert code == 6, err
    for word in ("old (orders)", "too many connections", "it is up", "max_connections", "end sessions"):
        assert word in err, err


@pytest.mark.parametrize("make, code, words", [
    (wrong_password, 3, ["old (orders)", "as airlock on 127.0.0.1:", "password authentication failed", "init-roles", "passfile"]),
    (no_password, 6, ["old (orders)", "no password supplied", "the passfile has no line for it", "chmod 600"]),
    (nothing_listens, 6, ["new (orders)", "Connection refused", "is the server up"]),
    (no_database, 3, ["old (orders)", 'database "shpo" does not exist', "pg_dump --create"]),
])
def test_a_login_that_fails_says_where_why_and_what_to_do(lab, state, tmp_path, make, code, words):
    plan = make(lab, tmp_path)
    found, _, err = airlock(plan, state, "sync")
    assert found == code, err
    for word in words:
        assert word in err, err
    assert "nonsense" not in err  # law 12


def test_check_tells_one_cause_once(lab, state, tmp_path):
    code, out, _ = airlock(nothing_listens(lab, tmp_path), state, "check")
    assert code == 3 and out.count("Connection refused") == 1 and out.count("the same") >= 2, out


def test_a_side_that_does_not_answer_is_named(lab, state, tmp_path):
    """`resume` and `status` say which side is silent and why, and claim nothing about doors."""
    plan = nothing_listens(lab, tmp_path)
    code, out, err = airlock(plan, state, "resume")
    assert code == 6 and "new of orders does not answer" in out and "Connection refused" in out
    assert "both doors" not in out and "`airlock resume`" in out
    assert err.count("does not answer (look again)") == 1  # however often it looked
    code, out, _ = airlock(plan, state, "status")
    assert code == 0 and "new" in out and "Connection refused" in " ".join(out.split())


def test_nothing_set_up_is_nothing_to_resume(lab, state):
    """Before sync and after abandon: old serves, and nobody is told that doors are shut or registers broken."""
    code, out, err = airlock(lab.plan, state, "resume", "--json")
    assert code == 0, (out, err)
    answer = json.loads(out)
    assert (answer["verdict"], answer["primary"]) == ("done", {"orders": "unknown"})
    assert "nothing to resume" in err and "airlock sync" in err and "contradict" not in err
    code, out, _ = airlock(lab.plan, state, "status", "--json")
    (store,) = json.loads(out)["stores"]
    assert (store["actual"], store["writes"]) == ("not synced", "unknown")


# -- files -------------------------------------------------------------------------------------------


def test_files_that_are_not_what_they_should_be(lab, state, tmp_path):
    airlock(lab.plan, state, "check", "--gate", "rights")  # there is a journal
    cases = [((tmp_path, state, "plan"), 2, "Is a directory"),
             ((tmp_path / "nix.yaml", state, "plan"), 2, "airlock init -o FILE"),
             ((lab.plan, tmp_path / "a" / "b", "check"), 2, "--state DIR names another"),
             ((lab.plan, state, "report", "-o", tmp_path / "nix" / "r.html"), 1, "cannot write")]
    for words, code, said in cases:
        found, _, err = airlock(*words)
        assert found == code and said in err, (words, err)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_is_named(lab, tmp_path):
    """The journal's disk: which file, and what to do. What needs no record goes on with a warning."""
    full = tmp_path / "full"
    full.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", full], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("may not mount here")
    try:
        with open(full / "fill", "wb", buffering=0) as fill, pytest.raises(OSError):
            while True:
                fill.write(bytes(4096))
        code, _, err = airlock(lab.plan, full / "state", "check", "--gate", "rights")
        assert code == 1 and "full" in err and str(full / "state") in err and "make room" in err, err
        code, out, err = airlock(lab.plan, full / "state", "status")
        assert code == 0 and "warning" in err and "orders" in out
    finally:
        subprocess.run(["umount", full], check=True)


# -- hostile names -----------------------------------------------------------------------------------


def assert_harmless(what, *texts):
    for text in texts:
        bad = {c for c in text if (unicodedata.category(c) == "Cc" and c not in "\n\t") or c in REORDERING}
        assert not bad, (what, bad, text)


@pytest.fixture(scope="module")
def hostile(labs):
    """A lab in which a role, a table, a column and a sequence are called so that a terminal would obey."""
    needs_program()
    lab = labs(level=2)
    name = sql.Identifier(EVIL)
    for server in (lab.old, lab.new):
        with server.connect("shop") as conn:
            for statement in ("CREATE ROLE {0} LOGIN PASSWORD 'x'", "CREATE TABLE {0} (id int PRIMARY KEY, {0} int)",
                              "ALTER TABLE {0} OWNER TO shop_owner", "CREATE SEQUENCE {1}", "ALTER SEQUENCE {1} OWNER TO shop_owner",
                              "GRANT ALL ON {0} TO {0}"):
                conn.execute(sql.SQL(statement).format(name, sql.Identifier(EVIL + "seq")))
    with lab.old.connect("shop") as conn:
        conn.execute(sql.SQL("INSERT INTO {0} SELECT g, g FROM generate_series(1, 20) g").format(name))
    return lab


@pytest.fixture
def evil_session(hostile):
    """Somebody of that name, who has written; by the socket, where a password would not be asked for."""
    server = hostile.old
    hba = server.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("local shop all trust\n" + before)
    server.psql("SELECT pg_reload_conf()")
    with psycopg.connect(host=str(server.sock), port=server.port, dbname="shop", user=EVIL, application_name=EVIL,
                         autocommit=True) as conn:
        conn.execute(sql.SQL("UPDATE {0} SET {0} = id WHERE id = 1").format(sql.Identifier(EVIL)))
        yield conn
    hba.write_text(before)
    server.psql("SELECT pg_reload_conf()")


def test_no_output_lets_a_hostile_name_act_on_a_terminal(hostile, state, evil_session, tmp_path):
    """Every command that tells of something from outside; each must have told it, made visible."""
    seen = "ev\\x1b[31mil"
    server, name = hostile.old, sql.Identifier(EVIL)

    def tell(*words, plan=hostile.plan, told=seen):
        code, out, err = airlock(plan, state, *words)
        assert_harmless(words, out, err)
        assert told in (out + err).replace("\n", ""), (words, out, err)
        return code, out

    tell("discover", "--for", "100ms")
    code, out = tell("check")
    assert code == 3 and "undeclared writer" in " ".join(out.split())
    airlock(hostile.plan, state, "waive", "writers", "--reason", EVIL, "--by", EVIL)
    tell("journal", "list")
    tell("journal", "export", told="ev")
    tell("explain", EVIL)
    tell("check", "--gate", EVIL)
    tell("plan", plan=str(tmp_path / EVIL))
    evil_plan = plan_with(hostile, tmp_path)
    evil_plan.write_text(evil_plan.read_text().replace("host=127.0.0.1", 'host=no.such\\x1b[31mhost', 1))
    for words in (("check", "--gate", "rights"), ("sync",), ("verify",), ("resume",), ("status",), ("plan",), ("guard", "--once")):
        tell(*words, plan=evil_plan, told="such\\x1b[31m")
    tell("sync", "--ndjson", told="airlock")
    with hostile.new.connect("shop") as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute(sql.SQL("UPDATE {0} SET {0} = 7 WHERE id = 3").format(name))
        conn.execute(sql.SQL("DROP SEQUENCE {0}").format(sql.Identifier(EVIL + "seq")))
    code, out = tell("verify")
    assert code == 7 and out.count(seen) >= 2
    # A drain that somebody of that name holds up: the run's live lines and its answer.
    evil_session.execute("BEGIN")
    evil_session.execute(sql.SQL("UPDATE {0} SET {0} = id WHERE id = 2").format(name))
    plan_hash = json.loads(airlock(hostile.plan, state, "plan", "--json")[1])["hash"]
    tell("run", "--approve", plan_hash)
    evil_session.execute("ROLLBACK")
    tell("status", told="orders")
    page = airlock(hostile.plan, state, "report", "-o", "-")[1]
    assert_harmless("report", page)
    assert server.query("SELECT 1") == [(1,)]


def test_status_fits_80_columns(hostile, state):
    _, out, _ = airlock(hostile.plan, state, "status")
    assert max(map(len, out.splitlines())) <= 80, out
