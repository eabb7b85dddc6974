"""Hidden dependencies: a dozen processes and objects over two clusters, found or said to be hidden."""

import json
import os
import pwd
import signal
import subprocess
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from conftest import job_that_has_said
from lab import DATABASE, Lab, airlock_program
from server import as_server_user, free_port, pg_program, process_state, server_user, wait_until
from test_two_stores import add_second

WRITE = "UPDATE products SET price = price WHERE id = 1"


@pytest.fixture(scope="module")
def lab(scratch):
    """Two clusters, two stores, and roles of which the plan knows nothing."""
    lab = Lab.up(scratch() / "lab", 3, settings={
        "shared_preload_libraries": "pg_cron,pg_stat_statements", "cron.database_name": "postgres",
        "cron.use_background_workers": "on"})
    try:
        add_second(lab)
        for role in ("hidden_names", "hidden_short", "hidden_pool"):
            lab.old.psql(f"CREATE ROLE {role} LOGIN PASSWORD 'hidden';")
            lab.old.psql(f"GRANT SELECT, UPDATE ON products TO {role}", DATABASE)
            with lab.passfile.open("a") as file:
                file.write(f"*:*:*:{role}:hidden\n")
        yield lab
    finally:
        lab.down()


def discover(lab, state, *words, watch="200ms", **kwargs):
    if "--root" not in words:
        words = (*words, "--root", state.parent)  # what this machine's own crontabs hold is not our matter
    done = lab.airlock("--state", state, "discover", "--for", watch, "--json", *words, **kwargs)
    assert done.returncode in (0, 3), done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "airlock.discover/1"
    return done.returncode, document


def job(habit, dsn, sql=WRITE):
    """A process with a habit, once it has done it the first time."""
    return job_that_has_said("done\n", "hidden_job.py", habit, dsn, sql)


def rows(document, kind):
    return [row for row in document["dependencies"] if row["kind"] == kind]


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def aside(lab):
    """A third database of old's cluster."""
    lab.old.psql("CREATE DATABASE aside")
    yield "aside"
    lab.old.psql("DROP DATABASE aside WITH (FORCE)")


def test_a_slot_and_its_consumer(lab, state):
    lab.old.psql("SELECT pg_create_logical_replication_slot('warehouse', 'test_decoding')", "shop")
    try:
        code, document = discover(lab, state, "--fail-on", "undeclared")
        (slot,) = rows(document, "slot")
        assert (code, slot["where"], slot["undeclared"]) == (3, "slot warehouse", True)
        assert "nobody streams" in slot["what"] and slot["how"] == "configured"
    finally:
        lab.old.psql("SELECT pg_drop_replication_slot('warehouse')", "shop")
    _, document = discover(lab, state)
    (slot,) = rows(document, "slot")
    assert (slot["source"], slot["undeclared"]) == ("journal", False)


def streams(lab, slot):
    return lab.old.query("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s AND active", (slot,))


@contextmanager
def consumer(lab, dsn, slot):
    with subprocess.Popen([pg_program("pg_recvlogical"), "-d", dsn, "-S", slot, "--start", "-f", "-"],
                          stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: streams(lab, slot), 20, "its consumer")
            yield process
        finally:
            process.terminate()


@pytest.fixture
def streamed(lab):
    lab.old.psql("SELECT pg_create_logical_replication_slot('streamed', 'test_decoding')", "shop")
    yield "streamed"
    wait_until(lambda: not streams(lab, "streamed"), 20, "its consumer's end")
    lab.old.psql("SELECT pg_drop_replication_slot('streamed')", "shop")


def the_slot(document, name):
    (slot,) = [row for row in rows(document, "slot") if row["name"] == name]
    return slot


@pytest.mark.parametrize("way", ["address", "socket"])
def test_the_process_of_a_slots_consumer(lab, state, streamed, way):
    if way == "socket" and os.geteuid() != 0:
        pytest.skip("only root may come in by the server's socket")
    idle = the_slot(discover(lab, state)[1], streamed)
    assert idle["process"] is None and idle["process_why"] is None  # nobody is there
    with consumer(lab, lab.dsn("old", "airlock") if way == "address" else lab.old.admin_uri(DATABASE), streamed) as at:
        slot = the_slot(discover(lab, state)[1], streamed)
    assert slot["how"] == "seen" and slot["process"].startswith(f"pid {at.pid}, pg_recvlogical"), slot
    assert slot["process_why"] is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as somebody else")
@pytest.mark.parametrize("way", ["address", "socket"])
def test_why_the_process_of_a_slots_consumer_is_not_known(lab, scratch, streamed, way):
    """The servers' user looks, and root's processes are not its own."""
    state = scratch() / "state"
    state.mkdir()
    os.chown(state, server_user().pw_uid, -1)
    with consumer(lab, lab.dsn("old", "airlock") if way == "address" else lab.old.admin_uri(DATABASE), streamed):
        slot = the_slot(discover(lab, state, user=server_user().pw_name)[1], streamed)
        done = lab.airlock("--state", state, "discover", "--for", "200ms", "--root", state.parent,
                           user=server_user().pw_name)
    assert slot["process"] is None and slot["how"] == "seen"
    why = {"address": "its socket is of user root: only that user and root may look whose it is",
           "socket": "the other end of its socket cannot be seen"}[way]
    assert slot["process_why"] == why
    assert f"process not known ({why})" in " ".join(done.stdout.split())


def plant_foreign_server(lab, database):
    lab.old.psql(f"""
        CREATE EXTENSION postgres_fdw;
        CREATE SERVER back FOREIGN DATA WRAPPER postgres_fdw
            OPTIONS (host '127.0.0.1', port '{lab.old.port}', dbname 'shop');
        CREATE USER MAPPING FOR postgres SERVER back OPTIONS (user 'shop_legacy', password 's3cret')
        """, database)


def test_a_foreign_server_of_a_third_database(lab, state, aside):
    plant_foreign_server(lab, aside)
    _, document = discover(lab, state)
    (server,) = rows(document, "foreign-server")
    assert server["undeclared"] and server["user"] == "shop_legacy" and server["side"] == "old"
    assert server["target"] == f"postgresql://127.0.0.1:{lab.old.port}/shop"
    assert "s3cret" not in json.dumps(document)


def plant_dblink(lab, database):
    lab.old.psql(f"""
        CREATE EXTENSION dblink;
        CREATE FUNCTION pull() RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            RETURN dblink_exec('host=127.0.0.1 port={lab.old.port} dbname=shop user=shop_legacy password=''s3 cret''',
                               'UPDATE products SET price = price');
        END $$""", database)


def test_a_function_with_dblink(lab, state, aside):
    plant_dblink(lab, aside)
    _, document = discover(lab, state)
    (function,) = rows(document, "dblink")
    assert function["undeclared"] and function["where"].startswith("function public.pull()")
    assert function["user"] == "shop_legacy"
    assert "cret" not in json.dumps(document)


def tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_crontab_of_root(lab, state, tmp_path):
    tree(tmp_path / "host", {
        "etc/crontab": "SHELL=/bin/sh\n17 * * * * root cd / && run-parts /etc/cron.hourly\n",
        "etc/cron.d/billing": f"""\
PGHOST=127.0.0.1
PGPORT={lab.old.port}
15 2 * * * root PGPASSWORD=s3cret psql -U shop_legacy shop -c 'DELETE FROM basket'
30 4 * * 1-5 postgres /opt/report.sh >/dev/null
0 5 * * * root psql -h elsewhere.example shop -c 'SELECT 1'
""",
        "etc/cron.d/billing.bak": f"1 1 * * * root psql -h 127.0.0.1 -p {lab.old.port} -U shop_legacy shop\n",
        "opt/report.sh": f"#!/bin/sh\npsql 'host=127.0.0.1 port={lab.old.port} dbname=shop user=reporting' -c '...'\n",
    })
    _, document = discover(lab, state, "--root", tmp_path / "host")
    first, second, backup = sorted(rows(document, "cron"), key=lambda row: row["where"].replace("billing.", "z"))
    assert backup["how"] == "mentioned" and "ignores this file" in backup["what"] and not backup["undeclared"]
    assert first["where"].endswith("etc/cron.d/billing:3") and first["undeclared"]
    assert first["file"].endswith("etc/cron.d/billing") and first["line"] == 3
    assert first["what"].startswith("cron runs psql as root") and first["schedule"] == "15 2 * * *"
    assert 0 < first["next_run"] - first["last_seen"] <= 86400
    assert second["what"].startswith("cron runs report.sh as postgres")
    assert second["file"].endswith("opt/report.sh") and second["line"] == 2
    assert second["declared_as"] == "reports" and not second["undeclared"]
    assert "s3cret" not in json.dumps(document) and "DELETE" not in json.dumps(document)


def test_a_timer_of_systemd(lab, state, tmp_path):
    tree(tmp_path / "host", {
        "etc/systemd/system/stock.timer": "[Timer]\nOnCalendar=*-*-* 03:30:00\n",
        "etc/systemd/system/timers.target.wants/stock.timer": "",
        "etc/systemd/system/stock.service": "[Service]\nEnvironmentFile=-/etc/default/stock\nExecStart=/opt/stock\n",
        "etc/default/stock": f"DATABASE_URL=postgres://shop_legacy:s3cret@127.0.0.1:{lab.old.port}/shop\n",
        "usr/lib/systemd/system/other.service": "[Service]\nExecStart=/usr/bin/other\n",
    })
    _, document = discover(lab, state, "--root", tmp_path / "host")
    (timer,) = rows(document, "timer")
    assert timer["where"] == "unit stock.timer" and timer["undeclared"] and timer["next_run"]
    assert timer["file"].endswith("etc/default/stock") and timer["name"] == "stock"
    assert document["jobs"] == 2 and "s3cret" not in json.dumps(document)


def test_strings_in_files(lab, state, tmp_path):
    files = tmp_path / "files"
    old = f"127.0.0.1:{lab.old.port}"
    tree(files, {
        "app/.env": f"DATABASE_URL=postgres://shop_legacy:s3cret@{old}/shop\n",
        "app/appsettings.json": '{"ConnectionStrings": {"Shop": "Host=127.0.0.1;Port=%d;Database=shop;'
                                'Username=shop_app;Password=s3cret"}}\n' % lab.old.port,
        "app/old.properties": f"spring.datasource.url=jdbc:postgresql://{old}/other\n",
        "runbooks/night.md": f"Then `psql -h 127.0.0.1 -p {lab.old.port} shop`.\n",
        "certs/app.pem": subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", "/dev/null", "-subj", "/CN=shop", "-days", "3"],
            check=True, capture_output=True, text=True).stdout,
        "auth.yaml": "jwt_ttl: 3600\n",
        "app/airlock.yaml": lab.plan.read_text(),  # its own roles are no dependency
    })
    (files / "app/binary").write_bytes(b"\0postgres://h/shop")
    (files / "app/loop").symlink_to(files)
    code, document = discover(lab, state, "--fail-on", "undeclared", "--files", files / "app",
                              files / "runbooks", files / "certs", files / "auth.yaml")
    assert code == 3
    found = {row["where"].removeprefix(str(files) + "/"): row for row in rows(document, "file")}
    assert set(found) == {"app/.env:1", "app/appsettings.json:1", "runbooks/night.md:1"}
    assert found["app/.env:1"]["undeclared"] and found["app/.env:1"]["user"] == "shop_legacy"
    assert found["app/appsettings.json:1"]["declared_as"] == "web"
    assert found["runbooks/night.md:1"]["how"] == "mentioned"
    assert not found["runbooks/night.md:1"]["undeclared"]
    assert found["app/.env:1"]["owner"] == pwd.getpwuid(os.geteuid()).pw_name
    assert document["files_skipped"] == 2  # what is no text, and the loop
    (certificate,) = rows(document, "certificate")
    assert "certificate of shop ends" in certificate["what"]
    (token,) = rows(document, "token-lifetime")
    assert token["what"] == "jwt_ttl = 3600"
    assert "s3cret" not in json.dumps(document)


def test_files_that_are_not_there(lab, state):
    for flag in ("--files", "--root"):
        done = lab.airlock("--state", state, "discover", flag, "/nowhere/at/all")
        assert done.returncode == 2 and f"{flag} /nowhere/at/all" in done.stderr


def test_a_log_with_a_thousand_lines_is_told_briefly(lab, state, tmp_path):
    line = f"connecting to postgres://shop_legacy:s3cret@127.0.0.1:{lab.old.port}/shop\n"
    tree(tmp_path / "files", {"app.log": 1000 * line})
    code, document = discover(lab, state, "--fail-on", "undeclared", "--files", tmp_path / "files")
    assert code == 0 and [row["how"] for row in rows(document, "file")] == 3 * ["mentioned"]


def writers(document, user):
    return [row for row in document["writers"] if row["user"] == user]


@pytest.fixture
def bump(lab):
    """What a reader may execute, and what writes with its owner's rights."""
    lab.old.psql("""
        SET ROLE shop_owner;
        CREATE FUNCTION bump() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN UPDATE public.products SET price = price WHERE id = 1; RETURN 1; END $$;
        CREATE FUNCTION bump_softly() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT public.bump()';
        CREATE FUNCTION looks() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.products'
        """, DATABASE)
    yield "SELECT bump_softly()"
    lab.old.psql("DROP FUNCTION bump_softly(), bump(), looks()", DATABASE)


def test_a_reader_that_calls_a_writing_function(lab, state, bump):
    with job("steady", lab.dsn("old", "reporting"), bump):
        code, document = discover(lab, state, "--fail-on", "undeclared")
        gate = lab.airlock("--state", state, "check", "--json", "--gate", "writers")
    (reader,) = writers(document, "reporting")
    assert code == 3 and reader["undeclared"] and reader["declared_as"] == "reports"
    assert reader["evidence"] in ("calls bump_softly, which writes", "transaction id")
    told = {row["where"] for row in rows(document, "function")}
    assert told == {"function public.bump", "function public.bump_softly"}
    assert gate.returncode == 3 and "reporting" in gate.stdout


def test_a_reader_that_calls_a_reading_function(lab, state, bump):
    with job("steady", lab.dsn("old", "reporting"), "SELECT looks()"):
        code, document = discover(lab, state, "--fail-on", "undeclared")
    (reader,) = writers(document, "reporting")
    assert (code, reader["undeclared"], reader["evidence"]) == (0, False, "")


def test_a_session_that_changes_its_name_is_one_writer(lab, state):
    with job("names", lab.dsn("old", "hidden_names")):
        _, document = discover(lab, state, watch="3s")
    (writer,) = writers(document, "hidden_names")
    assert writer["undeclared"] and len(writer["names"]) >= 3
    (names,) = rows(document, "changing-name")
    assert names["user"] == "hidden_names" and "one writer" in names["what"]


def test_a_session_that_changes_its_name_is_declared_by_all_of_them(lab, state):
    """And under which it did not write does not count."""
    plan = lab.plan.read_text()
    line = '  batch: {tier: replayable, writes: [orders], match: {application_name: "batch-[%s]"}}\n'
    with job("names", lab.dsn("old", "hidden_names")):
        for letters, undeclared in (("0-4", False), ("0-3", True)):
            lab.plan.write_text(plan.replace("services:\n", "services:\n" + line % letters))
            try:
                _, document = discover(lab, state.parent / letters, watch="3s")
            finally:
                lab.plan.write_text(plan)
            (writer,) = writers(document, "hidden_names")
            assert writer["undeclared"] == undeclared, writer


def test_a_job_that_connects_for_a_moment(lab, state):
    """Between two looks it cannot be seen; that somebody was there is counted by the server."""
    with job("short", lab.dsn("old", "hidden_short")):
        _, document = discover(lab, state, watch="5s")
    seen = [row for row in writers(document, "hidden_short") if row["undeclared"]]
    unseen = [row for row in rows(document, "unseen-writer") if row["store"] == "orders" and row["undeclared"]]
    assert seen or unseen, document
    assert document["sessions_new"] >= 2


def test_a_job_that_no_look_sees(lab, state):
    """It comes and goes between two moments at which somebody looks, who is frozen meanwhile, and is counted."""
    command = [airlock_program(), "-f", lab.plan, "--state", state, "discover", "--json", "--for", "2s", "--root",
               state.parent]
    looks = "SELECT FROM pg_stat_activity WHERE usename = 'airlock' AND datname = 'shop' AND query LIKE 'SELECT a.usename,%'"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        try:
            wait_until(lambda: lab.old.query(looks), 20, "the first look")
            watch.send_signal(signal.SIGSTOP)
            wait_until(lambda: process_state(watch.pid) == "T", 10, "it to stop")
            for _ in range(3):
                with psycopg.connect(lab.dsn("old", "hidden_short"), autocommit=True) as conn:
                    conn.execute(WRITE)
            wait_until(lambda: not lab.old.query("SELECT FROM pg_stat_activity WHERE usename = 'hidden_short'"), 10,
                       "the job's servers to go")
        finally:
            watch.send_signal(signal.SIGCONT)
        document = json.loads(watch.stdout.read())
    assert document["sessions_new"] >= 3 and document["sessions_unseen"] > 0
    told = rows(document, "unseen-writer")
    assert [row for row in told if row["store"] == "orders" and "came and went" in row["what"]], document


def test_statements_by_role(lab, state):
    lab.old.psql("CREATE EXTENSION pg_stat_statements", DATABASE)
    try:
        with job("short", lab.dsn("old", "hidden_short")):
            code, document = discover(lab, state, "--fail-on", "undeclared", watch="5s")
        by_role = {row["user"]: row for row in rows(document, "statements")}
        assert code == 3 and by_role["hidden_short"]["undeclared"]
        assert "executed UPDATE" in by_role["hidden_short"]["what"]
        assert by_role["hidden_short"]["how"] == "seen"
        _, document = discover(lab, state.parent / "later")
        by_role = {row["user"]: row for row in rows(document, "statements")}
        assert by_role["hidden_short"]["how"] == "mentioned" and not by_role["hidden_short"]["undeclared"]
    finally:
        lab.old.psql("DROP EXTENSION pg_stat_statements", DATABASE)


@contextmanager
def pgbouncer(lab, directory):
    """A pooler before old, all of whose clients are hidden_pool; its DSN."""
    port = free_port()
    (directory / "pgbouncer.ini").write_text(f"""\
[databases]
shop = host=127.0.0.1 port={lab.old.port} dbname=shop user=hidden_pool password=hidden
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = session
""")
    with subprocess.Popen(["/usr/sbin/pgbouncer", directory / "pgbouncer.ini"], cwd="/",
                          stderr=subprocess.DEVNULL, **as_server_user()) as process:
        dsn = f"postgresql://whoever@127.0.0.1:{port}/shop"
        try:
            wait_until(lambda: answers(dsn), 20, "pgbouncer")
            yield dsn
        finally:
            process.terminate()


def answers(dsn):
    try:
        psycopg.connect(dsn, connect_timeout=20).close()
        return True
    except psycopg.OperationalError:
        return False


def test_behind_a_pooler(lab, state, scratch):
    directory = scratch()
    with pgbouncer(lab, directory) as dsn, job("steady", dsn):
        _, document = discover(lab, state, "--files", directory)
    (writer,) = writers(document, "hidden_pool")
    assert writer["undeclared"]
    if os.geteuid() == 0:  # the pooler is another user's process
        (pooler,) = rows(document, "pooler")
        assert "pgbouncer" in pooler["process"] and pooler["how"] == "not-observable"
    (file,) = rows(document, "file")
    assert file["where"].endswith("pgbouncer.ini:2") and file["user"] == "hidden_pool"


@pytest.fixture
def purge(lab):
    """A job of pg_cron, in the database that holds its tables."""
    lab.old.psql("CREATE EXTENSION pg_cron; SELECT cron.schedule_in_database("
                 "'purge', '15 3 * * *', 'DELETE FROM basket', 'shop', 'shop_legacy')")
    yield
    lab.old.psql("DROP EXTENSION pg_cron")


def test_a_job_inside_the_database(lab, state, purge):
    code, document = discover(lab, state, "--fail-on", "undeclared")
    (found,) = rows(document, "pg-cron")
    assert code == 3 and found["undeclared"]
    assert (found["name"], found["schedule"], found["user"]) == ("purge", "15 3 * * *", "shop_legacy")
    assert "DELETE" not in json.dumps(document)


def test_jobs_inside_the_database_that_are_hidden(lab, state, purge):
    lab.old.psql("ALTER ROLE airlock NOSUPERUSER")
    try:
        _, document = discover(lab, state)
    finally:
        lab.old.psql("ALTER ROLE airlock SUPERUSER")
    assert not rows(document, "pg-cron")
    assert "pg_cron in database postgres" in [row["where"] for row in rows(document, "not-observable")]


def test_a_database_that_is_closed_to_us(lab, state, aside):
    lab.old.psql("ALTER ROLE airlock NOSUPERUSER; REVOKE CONNECT ON DATABASE aside FROM PUBLIC")
    try:
        _, document = discover(lab, state)
    finally:
        lab.old.psql("ALTER ROLE airlock SUPERUSER")
    (hidden,) = [row for row in rows(document, "not-observable") if row["where"] == "database aside"
                 and row["store"] == "orders"]
    assert "GRANT CONNECT" in hidden["what"]


def test_nothing_undeclared_where_all_is_declared(lab, state, tmp_path):
    """Again and again, with everybody at work, one of them seldom and shortly."""
    billing = lab.dsn("old", "shop_app", "billing")
    tree(tmp_path, {
        "host/etc/cron.d/report": f"15 2 * * * root psql -h 127.0.0.1 -p {lab.old.port} -U reporting shop -c x\n",
        "host/etc/systemd/system/worker.service":
            f"[Service]\nEnvironment=URL=postgres://shop_worker@127.0.0.1:{lab.old.port}/shop\n",
        "files/app.env": f"DATABASE_URL=postgres://shop_app@127.0.0.1:{lab.old.port}/shop\n",
        "files/other.env": "DATABASE_URL=postgres://shop_app@elsewhere.example:5432/shop\n",
    })
    words = ("--root", tmp_path / "host", "--files", tmp_path / "files")
    with ExitStack() as stack:
        for habit, dsn, sql in (
                ("steady", lab.dsn("old", "shop_app"), WRITE),
                ("steady", lab.dsn("old", "shop_app"), "SELECT count(*) FROM products"),
                ("short", lab.dsn("old", "shop_worker"), WRITE),
                ("names", lab.dsn("old", "shop_worker"), WRITE),
                ("steady", lab.dsn("old", "reporting"), "SELECT count(*) FROM products"),
                ("steady", billing, "INSERT INTO bill (cents) VALUES (1)")):
            stack.enter_context(job(habit, dsn, sql))
        costs = []
        for _ in range(4):
            code, document = discover(lab, state, "--fail-on", "undeclared", *words, watch="700ms")
            costs.append(document["cost_us"] / document["looks"])
            told = [row for row in document["writers"] + document["dependencies"] if row["undeclared"]]
            assert (code, told) == (0, [])
    assert {row["kind"] for row in document["dependencies"] if row["declared_as"]} >= {"cron", "timer", "file"}
    assert min(costs) < 50000 and not document["blind"]  # it is time that passes: a busy machine's, now and then


def patched(text, patch):
    """The text with a unified diff applied, every line of its context checked."""
    lines, out, at = text.splitlines(keepends=True), [], 0
    for line in patch.splitlines(keepends=True)[2:]:
        if line.startswith("@@"):
            begin = int(line.split("-")[1].split(",")[0]) - 1
            assert begin >= at
            out += lines[at:begin]
            at = begin
            assert len(out) == int(line.split("+")[1].split(",")[0]) - 1
            continue
        assert line[0] in " +"
        out.append(line[1:])
        if line[0] == " ":
            assert lines[at] == line[1:]
            at += 1
    return "".join(out + lines[at:])


def refused(lab, problem):
    """Refusals of the plan as it stands."""
    done = lab.airlock("plan", "--json")
    assert done.returncode in (0, 3), done.stderr
    return [row for row in json.loads(done.stdout)["problems"] if row["id"] == problem]


def test_merge_stops_what_runs_by_itself(lab, state, purge, tmp_path):
    """A timer by its manager; of what no command stops a human has to say more."""
    host, url = tmp_path / "host", f"postgres://shop_legacy@127.0.0.1:{lab.old.port}/shop"
    tree(host, {"etc/systemd/system/stock.timer": "[Timer]\nOnCalendar=*-*-* 03:30:00\n",
                "etc/systemd/system/timers.target.wants/stock.timer": "",
                "etc/systemd/system/stock.service": f"[Service]\nEnvironment=URL={url}\n",
                "etc/crontab": f"5 5 * * * root psql {url.replace('legacy', 'night')}\n"})
    words, plan = ("--state", state, "discover", "--for", "100ms", "--root", host), lab.plan.read_text()
    patch = lab.airlock(*words, "--merge").stdout
    assert "+  stock: {writes: [orders], during: stop, stop: {exec: [systemctl, stop, stock.timer]," in patch
    assert "+  purge: {writes: [orders], match" in patch and "it runs by itself, 15 3 * * *: write `schedule`" in patch
    assert "it runs by itself, 5 5 * * *: write `schedule`" in patch
    lab.plan.write_text(patched(plan, patch))
    try:
        code, document = discover(lab, state, "--fail-on", "undeclared", "--root", host)
        assert (code, document["undeclared"]) == (0, 0)
        assert not refused(lab, "P-CROSSING") and not refused(lab, "P-JOB-TWICE")
    finally:
        lab.plan.write_text(plan)


def test_merge_proposes_and_never_overwrites(lab, state, tmp_path):
    host = tmp_path / "host"
    tree(host, {"etc/cron.d/Night_Run": f"5 5 * * * root psql -h 127.0.0.1 -p {lab.old.port} -U hidden_pool -d shop\n"})
    words = ("--state", state, "discover", "--for", "3s", "--root", host)
    plan, out = lab.plan.read_text(), tmp_path / "plan.patch"
    with job("names", lab.dsn("old", "hidden_names")):
        assert lab.airlock(*words, "--merge", "-o", out).returncode == 0
        again = lab.airlock(*words, "--merge", "-o", out)
        assert again.returncode == 3 and "not overwritten" in again.stderr
        patch = out.read_text()
        assert lab.airlock(*words, "--merge").stdout.splitlines()[:2] == patch.splitlines()[:2]
        assert lab.plan.read_text() == plan
        assert '+  night-run: {writes: [orders], schedule: "5 5 * * *", during: stop, stop: {exec: [mv, ' in patch
        assert '+  - {from: night-run, to: orders, because: "found by discover: say why it may", at_most: 30m}' in patch
        assert "# found: cron: " in patch and "# found: session: hidden_names" in patch
        lab.plan.write_text(patched(plan, patch))
        try:
            code, document = discover(lab, state, "--fail-on", "undeclared", "--root", host)
            told = [row for row in document["writers"] + document["dependencies"] if row["undeclared"]]
            assert (code, told) == (0, [])
            assert rows(document, "cron")[0]["declared_as"] == "night-run"
            done = lab.airlock(*words, "--merge")
            assert (done.returncode, done.stdout) == (0, "") and "needs no patch" in done.stderr
            assert not refused(lab, "P-CROSSING") and not refused(lab, "P-JOB-TWICE")
            without = [line for line in lab.plan.read_text().splitlines(True) if "found by discover" not in line]
            lab.plan.write_text("".join(without))
            assert len(refused(lab, "P-CROSSING")) == 2  # what the lines of `overlap` are for
        finally:
            lab.plan.write_text(plan)


def test_watch_goes_on_and_tells_what_is_new(lab, state):
    command = [airlock_program(), "-f", lab.plan, "--state", state, "discover", "--watch", "--json", "--for", "200ms",
               "--root", state.parent]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        try:
            while watch.stdout.readline() != "}\n":  # the first look, in one document
                pass
            with job("steady", lab.dsn("old", "hidden_names")):
                row = {"undeclared": False}
                while not row["undeclared"]:  # first that it is there, then that it writes
                    row = json.loads(watch.stdout.readline())
            assert row["user"] == "hidden_names"
        finally:
            watch.send_signal(signal.SIGTERM)
        assert watch.wait(timeout=240) == 0
    kept = lab.airlock("--state", state, "journal", "list", "--kind", "writer", "--json")
    assert "hidden_names" in kept.stdout


def test_the_text_is_narrow_and_cannot_act_on_a_terminal(lab, state, tmp_path):
    files = tmp_path / "\x1b[31mred\x1b[0m"
    tree(files, {"x.env": f"DATABASE_URL=postgres://shop_legacy:s3cret@127.0.0.1:{lab.old.port}/shop\n"})
    with job("names", lab.dsn("old", "hidden_names")):
        done = lab.airlock("--state", state, "discover", "--for", "500ms", "--root", tmp_path, "--files", files)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout and "s3cret" not in done.stdout and "\\x1b[31mred" in done.stdout
    assert "not seen in the look-back, not absent" in " ".join(done.stdout.split())
    too_wide = [line for line in done.stdout.splitlines() if len(line) > 80 and " " in line.strip()]
    assert not too_wide


def test_ten_at_once(lab, state, scratch, tmp_path, aside, bump, purge):
    """A dozen processes over two stores, and among them ten that the plan knows nothing of."""
    old, billing = f"127.0.0.1:{lab.old.port}", lab.dsn("old", "shop_app", "billing")
    plant_foreign_server(lab, aside)
    plant_dblink(lab, aside)
    tree(tmp_path / "host", {
        "etc/cron.d/purge": f"15 2 * * * root psql -h 127.0.0.1 -p {lab.old.port} -U shop_legacy billing -c x\n",
        "etc/systemd/system/stock.timer": "[Timer]\nOnCalendar=daily\n",
        "etc/systemd/system/timers.target.wants/stock.timer": "",
        "etc/systemd/system/stock.service": f"[Service]\nEnvironment=URL=postgres://shop_legacy@{old}/shop\n",
    })
    tree(tmp_path / "files", {"app.conf": f"url = postgres://shop_legacy:s3cret@{old}/shop\n"})
    words = ("--root", tmp_path / "host", "--files", tmp_path / "files")
    with ExitStack() as stack:
        pool = stack.enter_context(pgbouncer(lab, scratch()))
        for habit, dsn, sql in (
                ("steady", lab.dsn("old", "shop_app"), WRITE), ("steady", lab.dsn("old", "shop_app"), WRITE),
                ("steady", lab.dsn("old", "shop_worker"), WRITE), ("short", lab.dsn("old", "shop_worker"), WRITE),
                ("steady", lab.dsn("old", "reporting"), "SELECT count(*) FROM products"),
                ("steady", billing, "INSERT INTO bill (cents) VALUES (1)"),
                ("steady", billing, "SELECT count(*) FROM bill"),
                # and these are hidden
                ("steady", pool, WRITE), ("steady", pool, WRITE),
                ("short", lab.dsn("old", "hidden_short"), WRITE),
                ("names", lab.dsn("old", "hidden_names"), WRITE),
                ("steady", lab.dsn("old", "reporting"), bump)):
            stack.enter_context(job(habit, dsn, sql))
        _, document = discover(lab, state, *words, watch="5s")
    hidden = {(row["kind"], row["store"]): row for row in document["dependencies"] if row["undeclared"]}
    for kind, store, where, place, how in (
            ("file", "orders", "/files/app.conf:1", ("app.conf", 1), "configured"),
            ("cron", "billing", "/etc/cron.d/purge:1", ("purge", 1), "configured"),
            ("timer", "orders", "unit stock.timer", ("stock.service", 2), "configured"),
            ("pg-cron", "orders", "purge in database postgres", None, "configured"),
            ("foreign-server", "orders", "foreign server back in database aside", None, "configured"),
            ("dblink", "orders", "function public.pull() in database aside", None, "configured")):
        row = hidden[kind, store]
        assert row["where"].endswith(where) and row["how"] == how, row
        assert place is None or (row["file"].rsplit("/", 1)[1], row["line"]) == place, row
        assert 0 < row["first_seen"] <= row["last_seen"] and row["target"] and row["declared_as"] is None, row
        assert row["in_window"] in (("runs", "no") if kind in ("cron", "timer", "pg-cron") else (None,)), row
    seen = {row["user"]: row for row in document["writers"] if row["undeclared"]}
    assert set(seen) >= {"hidden_pool", "hidden_names", "reporting"}
    for user, program in (("hidden_names", "hidden_job.py"), ("reporting", "hidden_job.py"), ("hidden_pool", "pgbouncer")):
        row = seen[user]
        assert row["evidence"] and 0 < row["first_seen"] <= row["last_seen"], row
        if user != "hidden_pool" or os.geteuid() == 0:  # the pooler is another user's process
            assert row["process"].startswith("pid ") and program in row["process"], row
    assert "hidden_short" in seen or document["sessions_unseen"] > 0
    assert set(seen) <= {"hidden_pool", "hidden_names", "hidden_short", "reporting"}  # and nobody who is declared
    assert rows(document, "pooler") or os.geteuid() != 0
    assert "s3cret" not in json.dumps(document)
