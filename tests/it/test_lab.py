"""The lab itself: servers that can be had, hurt and got rid of."""

import ctypes
import os
import re
import shutil
import stat
import subprocess
import time

import psycopg
import pytest

import job
from conftest import LAB_SOURCE
from lab import APP_ROLES, LEGACY_ROLE, MADE_BY_UP, ROOT, Lab, LabError, scram_verifier
from server import as_server_user, process_state, wait_until

TABLES = "SELECT relname, relkind, relreplident FROM pg_class WHERE relnamespace IN" \
         " (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'audit', 'ledger')) ORDER BY 1"


def one(server, sql, dbname="shop"):
    return server.query(sql, dbname=dbname)[0][0]


def test_old_holds_a_shop_and_new_only_its_schema(plain_lab):
    assert plain_lab.old.query(TABLES, dbname="shop") == plain_lab.new.query(TABLES, dbname="shop")
    assert one(plain_lab.old, "SELECT count(*) FROM order_lines") == 12000
    assert one(plain_lab.new, "SELECT count(*) FROM order_lines") == 0
    assert one(plain_lab.old, "SELECT max(pg_column_size(body)) FROM documents") > 40000
    assert one(plain_lab.old, "SELECT last_value FROM countdown") == -16


def test_settings_that_the_window_depends_on(plain_lab):
    for server in plain_lab.servers:
        settings = dict(server.query("SELECT name, setting FROM pg_settings"))
        assert settings["wal_level"] == "logical"
        assert settings["fsync"] == "on"
        assert settings["synchronous_commit"] == "on"
        assert settings["max_prepared_transactions"] == "0"
        assert settings["wal_retrieve_retry_interval"] == "100"
        assert settings["listen_addresses"] == "127.0.0.1"


def test_what_has_no_columns_may_have_rows(plain_lab):
    assert plain_lab.old.query("SELECT FROM generate_series(1, 2)") == [(), ()]
    assert plain_lab.old.query("SELECT FROM generate_series(1, 0)") == []
    assert plain_lab.old.query("SET work_mem = '4MB'") is None


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("role", [*APP_ROLES, LEGACY_ROLE])
def test_every_role_logs_in_by_its_password_and_writes_as_it_may(plain_lab, side, role):
    with psycopg.connect(plain_lab.dsn(side, role)) as conn:
        assert conn.execute("SELECT session_user").fetchone() == (role,)
        insert = "INSERT INTO ledger.probe VALUES (0, 0, 0)"
        if role == "reporting":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(insert)
        else:
            assert conn.execute(insert).rowcount == 1
        conn.rollback()


def test_no_password_no_entry(plain_lab):
    server = plain_lab.old
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"host=127.0.0.1 port={server.port} dbname=shop user=shop_app passfile=/dev/null")
    with pytest.raises(psycopg.OperationalError, match="no pg_hba.conf entry"):
        psycopg.connect(f"host={server.sock} port={server.port} dbname=shop user=shop_app")


def test_verifiers_are_equal_and_the_servers_own(plain_lab):
    sql = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname ~ '^(shop|rep)' ORDER BY 1"
    old, new = (server.query(sql) for server in plain_lab.servers)
    assert old == new and {row[0] for row in old} == {*APP_ROLES, LEGACY_ROLE}
    assert all(re.match(r"SCRAM-SHA-256\$\d+:", verifier) for _, verifier in old)
    assert scram_verifier("x") != scram_verifier("x"), "each verifier has a salt of its own"


def test_pgpass_is_private_and_belongs_to_the_servers_user(plain_lab):
    about = plain_lab.passfile.stat()
    assert stat.S_IMODE(about.st_mode) == 0o600
    assert about.st_uid == plain_lab.old.data.stat().st_uid


def test_env_file_is_usable_from_a_shell(plain_lab):
    script = '. "$1"; psql -XAtc "SELECT current_user" "$OLD_DSN"; psql -XAtc "SELECT current_user" "$NEW_ADMIN"'
    done = subprocess.run(["sh", "-c", script, "sh", plain_lab.dir / "env"], capture_output=True,
                          text=True, check=True)
    assert done.stdout.split() == ["shop_app", "postgres"]


def test_kill9_leaves_nothing_and_what_was_committed_survives(plain_lab):
    server = plain_lab.new
    server.query("CREATE TABLE IF NOT EXISTS crash (n int)")
    server.query("INSERT INTO crash VALUES (1)")
    before = set(server.pids())
    with server.connect() as session:
        server.kill9()
        assert not server.is_alive()
        assert {process_state(pid) for pid in before} <= {None, "Z"}
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    server.start()
    assert server.is_alive() and before.isdisjoint(server.pids())
    assert one(server, "SELECT count(*) FROM crash", "postgres") >= 1
    assert "was not properly shut down" in server.log.read_text()
    server.query("DROP TABLE crash")


def test_sigstop_freezes_everything_and_sigcont_thaws_it(plain_lab):
    server = plain_lab.new
    with server.connect() as session:
        server.sigstop()
        try:
            assert {process_state(pid) for pid in server.pids()} == {"T"}
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(server.admin_uri(), connect_timeout=2)
        finally:
            server.sigcont()
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_stop_also_ends_a_frozen_server(plain_lab):
    server = plain_lab.new
    server.sigstop()
    server.stop()
    assert server.pids() == []
    server.start()
    assert one(server, "SELECT 1", "postgres") == 1


def test_up_refuses_a_directory_that_is_taken(plain_lab, scratch):
    with pytest.raises(LabError, match="holds a lab already"):
        Lab.up(plain_lab.dir)
    other = scratch()
    (other / "env").write_text("mine\n")
    with pytest.raises(LabError, match="would overwrite"):
        Lab.up(other)
    assert (other / "env").read_text() == "mine\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as somebody else")
def test_up_names_the_directory_that_is_closed(scratch):
    closed = scratch()
    closed.chmod(0o700)
    with pytest.raises(LabError, match=f"chmod o\\+x {closed}"):
        Lab.up(closed / "lab")


def test_up_and_down_by_hand_leave_nothing(scratch):
    directory = scratch() / "by hand"  # a blank in the name is nobody's business
    up = subprocess.run([LAB_SOURCE / "up", directory, "--level", "2"], capture_output=True, text=True,
                        check=True, umask=0o077)  # as careful people have it
    pids = [pid for server in Lab.open(directory).servers for pid in server.pids()]
    assert len(pids) > 8 and up.stdout.startswith("OLD_DSN=")
    (directory / "notes").write_text("not the lab's\n")
    subprocess.run([LAB_SOURCE / "down", directory], check=True)
    assert {process_state(pid) for pid in pids} <= {None, "Z"}
    assert [path.name for path in directory.iterdir()] == ["notes"]
    again = subprocess.run([LAB_SOURCE / "down", directory], capture_output=True, text=True, check=False)
    assert again.returncode == 1 and "no lab" in again.stderr


def test_a_failed_up_leaves_nothing(scratch, monkeypatch):
    directory = scratch() / "lab"
    monkeypatch.setattr(Lab, "_copy_schema", lambda self: (_ for _ in ()).throw(LabError("planted")))
    with pytest.raises(LabError, match="planted"):
        Lab.up(directory)
    assert not any((directory / name).exists() for name in MADE_BY_UP)


def test_a_server_that_cannot_start_says_why(plain_lab):
    server = plain_lab.new
    server.stop()
    server.configure({"shared_buffers": "nonsense"})
    began = time.monotonic()
    with pytest.raises(LabError, match="shared_buffers"):
        server.start(tries=1)
    assert time.monotonic() - began < 30  # which is what a start may take
    server.configure({})
    server.start()
    assert server.is_alive()


PR_SET_CHILD_SUBREAPER = 36


def test_a_dead_job_that_nobody_reaps_does_not_run(plain_lab, scratch, monkeypatch):
    """As in a container whose first process is the demo; and from a checkout with a space in its path."""
    program = scratch() / "a job" / job.PROGRAM.name
    program.parent.mkdir()
    shutil.copy(job.PROGRAM, program)
    monkeypatch.setattr(job, "PROGRAM", program)
    forgotten = job.Job(plain_lab, LEGACY_ROLE)
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0  # its parent ends at once, so it becomes ours
    try:
        assert forgotten.do("start") == 0
        pid = forgotten.pid()
        wait_until(forgotten.writes, 30, "the job to write")
        assert forgotten.runs()
        forgotten.do("stop")
        wait_until(lambda: process_state(pid) == "Z", 30, "the job to end")
        assert not forgotten.runs()
        assert os.waitpid(pid, 0)[0] == pid
        assert not forgotten.runs()
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def setup_of(checkout, **kwargs):
    (checkout / "tools").mkdir(exist_ok=True)
    shutil.copy(ROOT / "tools/setup", checkout / "tools")
    return subprocess.run([checkout / "tools/setup"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **kwargs)


def test_setup_has_nothing_to_do_here_and_says_nothing(scratch):
    done = setup_of(scratch())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_setup_names_whose_the_checkout_is(scratch):
    checkout = scratch()
    (checkout / "build").mkdir(mode=0o555)
    checkout.chmod(0o755)
    done = setup_of(checkout, **as_server_user())
    assert done.returncode == 1 and re.search(r"belongs to \w+, and you may not write there", done.stderr)


def test_setup_shows_what_apt_said_when_it_fails(scratch):
    """A Debian on which nothing is installed and which has no network."""
    checkout = scratch()
    for name, text in {"dpkg-query": "", "sudo": 'exec "$@"', "apt-get": "echo 'E: no such host'; exit 100"}.items():
        (checkout / name).write_text(f"#!/bin/sh\n{text}\n")
        (checkout / name).chmod(0o755)
    done = setup_of(checkout, env={"PATH": f"{checkout}:/usr/bin:/bin"})
    assert done.returncode == 1
    assert re.search(r"^E: no such host\nsetup: apt-get update failed; .* Needed: gcc .*postgresql-15 ", done.stderr, re.M)
