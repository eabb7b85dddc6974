"""`airlock check`: what it says, and that each of its gates can fail."""

import json

import psycopg
import pytest
from hazards import planted, shared_lab
from server import wait_until

GATES = ["hazards", "rights", "writers", "sessions", "verifiers", "links", "lag", "audit", "clock", "restore", "alerts", "rehearsal"]


@pytest.fixture(scope="module")
def lab(labs):
    return shared_lab(labs)


@pytest.fixture(scope="module")
def synced(labs):
    """A lab after `airlock sync`."""
    lab = labs(level=2)
    done = lab.airlock("sync")
    assert done.returncode == 0, done.stderr
    lab.new.psql("ANALYZE", "shop")
    return lab


def check(lab, *words, code=None):
    done = lab.airlock("check", "--json", *words)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "airlock.check/1"
    assert done.returncode == (0 if document["verdict"] == "ready" else 3), done.stderr
    if code is not None:
        assert done.returncode == code, json.dumps(document, indent=1)
    document["by_id"] = {gate["id"]: gate for gate in document["gates"]}
    return document


def nagios(lab, *words):
    done = lab.airlock("check", "--nagios", *words)
    assert done.stdout.count("\n") == 1
    return done.returncode, done.stdout


def test_ready_before_sync(lab):
    document = check(lab, code=0)
    assert [gate["id"] for gate in document["gates"]] == GATES
    states = {gate["id"]: (gate["state"], gate["required"]) for gate in document["gates"]}
    assert states["hazards"] == ("pass", True) and states["rights"] == ("pass", True)
    assert states["writers"] == states["sessions"] == states["verifiers"] == ("pass", False)
    for name in GATES[5:]:
        assert states[name] == ("not-proven", False)
    assert document["by_id"]["restore"]["measured_at"] is None
    assert document["by_id"]["hazards"]["valid_until"] > document["by_id"]["hazards"]["measured_at"]
    laws = {(law["side"], law["law"], law["state"]) for law in document["laws"]}
    for side in ("old", "new"):
        assert {(side, 1, "enforced"), (side, 1, "watched"), (side, 2, "enforced"),
                (side, 3, "enforced")} <= laws
    assert "not-proven" not in {law["state"] for law in document["laws"]}


def test_a_hazard_refuses(lab):
    with planted(lab.old, "CREATE TABLE keyless (a int)", "DROP TABLE keyless"):
        document = check(lab, code=3)
        gate = document["by_id"]["hazards"]
        assert gate["state"] == "fail" and "H-NO-IDENTITY public.keyless" in gate["evidence"]
        assert "REPLICA IDENTITY FULL" in gate["remedy"]
        found = [f for f in document["findings"] if f["refuses"]]
        assert {f["id"] for f in found} == {"H-NO-IDENTITY", "H-TABLE-MISSING"}
        text = lab.airlock("check")
        assert text.returncode == 3 and "not ready: hazards" in text.stdout
        assert "H-NO-IDENTITY refuse: a table without a replica identity" in text.stdout
        code, line = nagios(lab)
        assert code == 2 and line.startswith("AIRLOCK CRITICAL - hazards: ")
    assert nagios(lab) == (0, "AIRLOCK OK - every required gate passes"
                              " | failed=0 not_proven=0 warnings=0\n")


def test_a_warning_does_not_refuse(lab):
    with planted(lab.old, "CREATE ROLE boss SUPERUSER LOGIN", "DROP ROLE boss"):
        document = check(lab, code=0)
        assert [f["id"] for f in document["findings"] if f["severity"] == "warn"] == ["H-SUPERUSER-OTHER"]
        assert nagios(lab)[0] == 1


def test_one_gate(lab):
    assert [gate["id"] for gate in check(lab, "--gate", "clock")["gates"]] == ["clock"]
    done = lab.airlock("check", "--gate", "clocks")
    assert done.returncode == 2 and "hazards, rights, writers, sessions, verifiers, links" in done.stderr


def test_names_cannot_act_on_the_terminal(lab):
    with planted(lab.old, 'CREATE TABLE "evil\x1b[2J" (a int)', 'DROP TABLE "evil\x1b[2J"'):
        done = lab.airlock("check")
        assert "\x1b" not in done.stdout and "\\x1b[2J" in done.stdout
        check(lab, code=3)


def test_clock_in_the_plan(lab):
    plan = lab.plan.read_text()
    try:
        lab.plan.write_text(plan + "\ngates:\n  clock: {max_skew: 30s}\n")
        gate = check(lab, code=0)["by_id"]["clock"]
        assert gate["state"] == "pass" and gate["required"] and "30000 ms" in gate["evidence"]
    finally:
        lab.plan.write_text(plan)


def test_evidence_is_recorded(lab):
    check(lab)
    rows = lab.airlock("journal", "list", "--json").stdout
    assert '"evidence"' in rows and "gate hazards: pass" in rows


def test_a_server_that_does_not_answer(lab):
    lab.new.stop()
    try:
        document = check(lab, code=3)
        gate = document["by_id"]["hazards"]
        assert gate["state"] == "not-proven" and "could not be looked at" in gate["evidence"]
        code, line = nagios(lab)
        assert code == 3 and line.startswith("AIRLOCK UNKNOWN - hazards: ")
    finally:
        lab.new.start()
    check(lab, code=0)


def test_a_canary_that_cannot_log_in(lab):
    with planted(lab.old, "ALTER ROLE airlock_probe NOLOGIN", "ALTER ROLE airlock_probe LOGIN"):
        document = check(lab, code=3)
        assert document["by_id"]["rights"]["state"] == "not-proven"
        assert "airlock_probe cannot log in on old" in document["by_id"]["rights"]["evidence"]
        assert ("old", 3, "not-proven") in {
            (law["side"], law["law"], law["state"]) for law in document["laws"]}


def test_rights_that_do_not_suffice(synced):
    with planted(synced.old, "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA airlock_dba FROM airlock",
                 "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA airlock_dba TO airlock"):
        gate = check(synced, code=3)["by_id"]["rights"]
        assert gate["state"] == "fail" and "old: level 1" in gate["evidence"]
        assert "init-roles --print" in gate["remedy"]


def test_ready_after_sync_at_level_2(synced):
    document = check(synced, code=0)
    for name in ("hazards", "rights", "links", "lag", "audit"):
        assert document["by_id"][name]["state"] == "pass", document["by_id"][name]
    assert "old: level 2; new: level 2" == document["by_id"]["rights"]["evidence"]
    unproven = {f["id"] for f in document["findings"] if not f["proven"]}
    assert unproven == {"H-VERIFIER", "H-SETTING-FILE"}
    assert (13, "not-proven") in {(law["law"], law["state"]) for law in document["laws"]}


@pytest.fixture(params=["level3", "level2"])
def by_file(request):
    """A plan whose gateway lets clients in by a file: (the lab, the file, its rows)."""
    lab = request.getfixturevalue("lab" if request.param == "level3" else "synced")
    plan, file = lab.plan.read_text(), lab.dir / "verifiers"
    lab.plan.write_text(plan.replace("{kind: none}", f"{{kind: gateway, listen: '127.0.0.1:1', control: {lab.dir}/none,"
                                     f" register_user: airlock_gateway, auth: {{verifiers: file, file: {file}}}}}"))
    rows = dict(lab.old.query("SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'shop\\_%' AND rolcanlogin"))
    assert len(rows) >= 3 and lab.plan.read_text() != plan
    yield lab, file, rows
    lab.plan.write_text(plan)


def verifiers(lab, file, rows):
    file.write_text("; by the DBA\n" + "".join(f'"{name}" "{text}"\n' for name, text in rows.items()))
    gate, = check(lab, "--gate", "verifiers")["gates"]
    assert not any(text.split(":")[1] in str(gate) for text in rows.values())
    return gate


def test_a_file_of_verifiers_is_compared_with_both_servers(by_file):
    lab, file, rows = by_file
    gate = verifiers(lab, file, rows)
    assert gate["state"] == "pass" and f"{len(rows)} user(s) in" in gate["evidence"]
    gate = verifiers(lab, file, {**rows, "shop_app": rows["shop_worker"], "nobody": rows["shop_app"]})
    assert gate["state"] == "fail" and "1 of them are nobody" in gate["evidence"]
    assert "shop_app: not the verifier of old; shop_app: not the verifier of new" in gate["evidence"]
    assert "shop_worker:" not in gate["evidence"] and "ALTER ROLE" in gate["remedy"]
    with planted(lab.new, "ALTER ROLE shop_app PASSWORD 'another'",
                 f"ALTER ROLE shop_app PASSWORD '{rows['shop_app']}'"):
        gate = verifiers(lab, file, rows)
        assert gate["state"] == "fail" and "shop_app: not the verifier of new" in gate["evidence"]
        assert "not the verifier of old" not in gate["evidence"]
    with planted(lab.new, "ALTER ROLE shop_app NOLOGIN", "ALTER ROLE shop_app LOGIN"):
        gate = verifiers(lab, file, rows)
        assert gate["state"] == "fail" and "shop_app: can not log in by SCRAM on new" in gate["evidence"]
    gate = verifiers(lab, file, {**rows, "a\" \"b": rows["shop_app"]})
    assert gate["state"] == "fail" and f":{len(rows) + 2} is no user" in gate["evidence"]


def test_verifiers_that_cannot_be_compared_are_not_proven(by_file):
    lab, file, rows = by_file
    take = "DROP FUNCTION airlock_dba.holds(text, text)"
    made = lab.new.query("SELECT pg_get_functiondef('airlock_dba.holds(text, text)'::regprocedure)", dbname="airlock")[0][0]
    lab.new.psql(take, "airlock")
    try:
        gate = verifiers(lab, file, rows)
        assert gate["state"] == "not-proven" and "what new holds is NOT PROVEN" in gate["evidence"]
        gate = verifiers(lab, file, {**rows, "shop_app": rows["shop_worker"]})
        assert gate["state"] == "fail" and "shop_app: not the verifier of old" in gate["evidence"]
    finally:
        lab.new.psql(f"{made}; REVOKE ALL ON FUNCTION airlock_dba.holds(text, text) FROM PUBLIC;"
                     " GRANT EXECUTE ON FUNCTION airlock_dba.holds(text, text) TO airlock", "airlock")
    file.unlink()
    gate, = check(lab, "--gate", "verifiers")["gates"]
    assert gate["state"] == "not-proven" and "cannot be read" in gate["evidence"]


def link_of(lab):
    return lab.new.query("SELECT subname FROM pg_subscription", dbname="shop")[0][0]


def test_cut_link(synced):
    link = link_of(synced)
    with planted(synced.new, f"ALTER SUBSCRIPTION {link} DISABLE",
                 f"ALTER SUBSCRIPTION {link} ENABLE"):
        gate = check(synced, code=3)["by_id"]["links"]
        assert gate["state"] == "fail" and f"link {link} is cut" in gate["evidence"]
        assert "resume" in gate["remedy"]
    wait_until(lambda: check(synced)["by_id"]["links"]["state"] == "pass", 30, "the link to run")


def test_lag(synced):
    """An apply worker that waits for a lock, and more log than the plan allows."""
    plan = synced.plan.read_text()
    with synced.new.connect("shop", autocommit=False) as blocker:
        blocker.execute("LOCK TABLE ledger.trace")
        synced.old.psql("INSERT INTO ledger.trace SELECT 1, generate_series(1, 20000)", "shop")
        try:
            synced.plan.write_text(plan.replace("lag: 16MB", "lag: 100kB"))
            gate = check(synced, code=3)["by_id"]["lag"]
            assert gate["state"] == "fail" and "102400 are allowed" in gate["evidence"]
        finally:
            synced.plan.write_text(plan)
        blocker.rollback()
    wait_until(lambda: check(synced)["by_id"]["lag"]["evidence"].startswith("0 bytes"), 30, "new to catch up")


def test_door_that_does_not_shut(synced):
    """The canary really tries: a CONNECT that somebody gave back is found."""
    with planted(synced.new, "GRANT CONNECT ON DATABASE shop TO PUBLIC",
                 "REVOKE CONNECT ON DATABASE shop FROM PUBLIC"):
        gate = check(synced, code=3)["by_id"]["rights"]
        assert gate["state"] == "fail" and "airlock_probe could log in" in gate["evidence"]
    check(synced, code=0)


def test_missing_slot(synced):
    slot = synced.new.query("SELECT slot_name FROM pg_replication_slots WHERE slot_name ~ '^airlock_r'")[0][0]
    synced.new.psql(f"SELECT pg_copy_logical_replication_slot('{slot}', 'kept');"
                    f"SELECT pg_drop_replication_slot('{slot}')", "shop")
    try:
        gate = check(synced, code=3)["by_id"]["links"]
        assert f"slot {slot} on new is missing" in gate["evidence"] and "abandon" in gate["remedy"]
    finally:
        synced.new.psql(f"SELECT pg_copy_logical_replication_slot('kept', '{slot}');"
                        "SELECT pg_drop_replication_slot('kept')", "shop")
    check(synced, code=0)


def test_after_the_switch_and_back(synced):
    """The sides are exchanged, and so is what is looked for where."""
    done = synced.airlock("run", "--approve", plan_hash(synced))
    assert done.returncode == 0, done.stdout + done.stderr
    with psycopg.connect(synced.dsn("new", "shop_app")) as conn:
        conn.execute("INSERT INTO ledger.trace VALUES (7, 7)")
    wait_until(lambda: synced.old.query("SELECT 1 FROM ledger.trace WHERE client = 7", dbname="shop"),
               30, "the way back to bring the row")
    document = check(synced, code=0)
    assert document["by_id"]["audit"]["evidence"] == "no local change on old since its door was shut"
    with synced.old.connect("shop") as dba:  # a superuser on the shut side warns, and is caught
        dba.execute("DELETE FROM ledger.trace WHERE client = 7")
        document = check(synced, code=3)
        assert [f["side"] for f in document["findings"] if f["id"] == "H-SUPERUSER-AHEAD"] == ["old"]
    gate = document["by_id"]["audit"]
    assert gate["state"] == "fail" and "DELETE on old: 1 ledger.trace" in gate["evidence"]


def plan_hash(lab):
    return json.loads(lab.airlock("plan", "--json").stdout)["hash"]

