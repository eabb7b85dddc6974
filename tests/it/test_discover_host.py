"""What this host says of a move: jobs that run in the window, names and who keeps them, certificates, systemd."""

import json
import os
import socket
import struct
import subprocess
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from server import free_port, wait_until
from test_dependencies import discover, job, lab, purge, rows, state, tree  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("utc")
WINDOW = "2031-03-05T02:00Z/2031-03-05T04:00Z"  # a Wednesday


@pytest.fixture(scope="module")
def utc():
    """Crontabs go by the clock of the host."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        yield


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


def text_of(lab, state, *words):
    done = lab.airlock("--state", state, "discover", "--for", "100ms", "--root", state.parent / "host", *words)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stdout.splitlines() if len(line) > 80 and " " in line.strip()]
    return " ".join(done.stdout.split())


# ---- the window ----


def plant_jobs(lab, host):
    psql = f"psql -h 127.0.0.1 -p {lab.old.port} -U shop_legacy -d shop -c x"
    url = f"postgres://shop_legacy@127.0.0.1:{lab.old.port}/shop"
    tree(host, {
        "etc/crontab": "25 2 * * * root cd / && run-parts --report /etc/cron.daily\n",
        "etc/cron.daily/sweep": f"#!/bin/sh\n{psql}\n",
        "etc/cron.weekly/rarely": f"#!/bin/sh\n{psql}\n",
        "etc/cron.d/nightly": f"15 2 * * * root {psql}\n",
        "etc/cron.d/morning": f"15 9 * * * root {psql}\n",
        "etc/cron.d/often": f"*/20 * * * * root {psql}\n",
        "etc/cron.d/boot": f"@reboot root {psql}\n",
        "etc/cron.d/odd": f"H H * * * root {psql}\n",
        "etc/cron.d/zone": f"CRON_TZ=Asia/Tokyo\n15 2 * * * root {psql}\n",
        "etc/cron.d/elsewhere": "15 2 * * * root psql -h elsewhere.example -d shop -c x\n",
    })
    for name, timer in {"in": "OnCalendar=Wed 03:00 UTC", "late": "OnCalendar=*-*-* 01:55:00\nRandomizedDelaySec=15min",
                        "out": "OnCalendar=daily", "odd": "OnCalendar=2031-03-05 03:00",
                        "span": "OnBootSec=15min\nOnUnitActiveSec=1h",
                        "off": "OnCalendar=*-*-* 03:00:00"}.items():
        tree(host, {f"etc/systemd/system/t-{name}.timer": f"[Timer]\n{timer}\n",
                    f"etc/systemd/system/t-{name}.service": f"[Service]\nEnvironment=URL={url}\n"})
        if name != "off":
            tree(host, {f"etc/systemd/system/timers.target.wants/t-{name}.timer": ""})


def test_each_schedule_is_held_against_the_window(lab, state, purge):  # noqa: F811
    plant_jobs(lab, state.parent / "host")
    _, document = discover(lab, state, "--root", state.parent / "host", "--window", WINDOW)
    assert (document["window"]["from"], document["window"]["to"]) == (at("2031-03-05T02:00"), at("2031-03-05T04:00"))
    cron = {row["where"].split("/etc/")[1]: row for row in rows(document, "cron")}
    timers = {row["where"]: row for row in rows(document, "timer")}
    told = {name: (row["in_window"], row["window_runs"]) for name, row in {**cron, **timers}.items()}
    assert told["cron.d/nightly:1"] == ("runs", [at("2031-03-05T02:15")])
    assert told["cron.d/morning:1"] == ("no", [])
    assert told["cron.d/often:1"] == ("runs", [at("2031-03-05T02:00") + 1200 * n for n in range(5)])
    assert told["cron.daily/sweep:2"] == ("runs", [at("2031-03-05T02:25")])
    for name, why in {"cron.weekly/rarely:2": "no line of /etc/crontab", "cron.d/boot:1": "when this host starts",
                      "cron.d/odd:1": "not understood", "cron.d/zone:2": "CRON_TZ"}.items():
        assert told[name] == ("unknown", []) and why in cron[name]["window_why"], (name, cron[name])
    assert told["unit t-in.timer"] == ("runs", [at("2031-03-05T03:00")])
    assert told["unit t-late.timer"] == ("runs", [at("2031-03-05T02:00")])  # it may come as late as 02:10
    assert told["unit t-out.timer"] == ("no", [])
    for name, why in {"odd": "not understood", "span": "counts from when", "off": "not enabled"}.items():
        row = timers[f"unit t-{name}.timer"]
        assert row["in_window"] == "unknown" and why in row["window_why"], row
    assert not [name for name in cron if "elsewhere" in name]
    (inside,) = rows(document, "pg-cron")
    assert inside["window_runs"] == [at("2031-03-05T03:15")]  # by GMT, whatever this host's zone is
    assert document["window"]["jobs"] == 6 and document["window"]["unknown"] == 7


def test_the_window_is_said(lab, state):  # noqa: F811
    plant_jobs(lab, state.parent / "host")
    text = text_of(lab, state, "--window", WINDOW)
    assert "IN WINDOW orders old: cron: " in text and "runs at 2031-03-05 02:15:00Z: stop it for the move" in text
    assert "02:00:00Z, 2031-03-05 02:20:00Z" in text and "and more often" in text
    assert "NOT KNOWN orders old: timer: unit t-span.timer" in text
    assert "window 2031-03-05 02:00:00Z to 2031-03-05 04:00:00Z: jobs that run in it 5," in text
    assert "first found" not in text
    text = text_of(lab, state)
    assert "; first found 20" in text
    assert "(the next 2 hours; --window FROM/TO names another)" in text


@pytest.mark.parametrize("window, word", [
    ("tomorrow/2h", "'tomorrow' is no time"), ("now/never", "'never' is no end"), ("now", "FROM/TO"),
    ("2031-03-05T04:00Z/2031-03-05T02:00Z", "ends before it begins"), ("now/400d", "no end")])
def test_windows_that_are_none(lab, state, window, word):  # noqa: F811
    done = lab.airlock("--state", state, "discover", "--window", window)
    assert done.returncode == 2 and word in done.stderr


# ---- systemd ----


def test_units_of_users_and_changes_to_units(lab, state):  # noqa: F811
    host, url = state.parent / "host", f"postgres://shop_legacy@127.0.0.1:{lab.old.port}/shop"
    service = f"[Unit]\nDescription=x\n[Service]\nEnvironment=URL={url}\n"
    tree(host, {
        "home/ann/.config/systemd/user/mine.timer": "[Timer]\nOnCalendar=daily\n",
        "home/ann/.config/systemd/user/mine.service": service,
        "home/ann/.config/systemd/user/timers.target.wants/mine.timer": "",
        "etc/systemd/user/all.service": service,
        "run/systemd/transient/once.service": service,
        "usr/lib/systemd/system/app.service": "[Service]\nExecStart=/usr/bin/app \\\n --serve\n",
        "etc/systemd/system/app.service.d/10-db.conf": f"# ours\n[Service]\nEnvironment=URL={url}\n",
        "etc/systemd/system/long.service": "[Service]\nExecStart=psql -h 127.0.0.1 \\\n  -p %d \\\n  -d shop -U shop_legacy\n"
                                           % lab.old.port,
    })
    _, document = discover(lab, state, "--root", host)
    told = {row["where"]: (row["file"].removeprefix(str(host) + "/"), row["line"]) for row in rows(document, "timer")}
    assert told == {
        "unit mine.timer of user ann's manager": ("home/ann/.config/systemd/user/mine.service", 4),
        "unit all.service of every user's manager": ("etc/systemd/user/all.service", 4),
        "unit once.service": ("run/systemd/transient/once.service", 4),
        "unit app.service": ("etc/systemd/system/app.service.d/10-db.conf", 3),
        "unit long.service": ("etc/systemd/system/long.service", 2),
    }


MANAGER = """\
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
# It takes every process of its control group along: there may be none but ours.
test "$(tail -n 1 /proc/self/cgroup)" = 0::/ && test "$(wc -l </sys/fs/cgroup/cgroup.procs)" -lt 6
exec /lib/systemd/systemd --user
"""


@contextmanager
def manager(host):
    """systemd itself as a user's manager with the units of the tree, in a control group and a name space of its own."""
    (group,) = [path for path in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
                if (path / "cgroup.subtree_control").exists()][:1]
    group /= f"airlock-test-{os.getpid()}"
    (host / "home").mkdir()
    (host / "run").mkdir(mode=0o700)
    environment = {"PATH": os.environ["PATH"], "HOME": str(host / "home"), "XDG_RUNTIME_DIR": str(host / "run"),
                   "SYSTEMD_UNIT_PATH": str(host / "etc/systemd/system")}
    group.mkdir()
    try:
        with subprocess.Popen(["sh", "-c", f"echo $$ >{group}/cgroup.procs && exec unshare -C -m sh -c \"$0\"", MANAGER],
                              env=environment) as process:
            try:
                wait_until(lambda: (host / "run/systemd/private").is_socket() or process.poll() is not None, 30, "systemd")
                assert process.poll() is None, "systemd did not start: this test needs root and cgroup2"
                yield
            finally:
                process.kill()
    finally:
        for path in sorted(group.rglob("*"), reverse=True):
            if path.is_dir():
                path.rmdir()
        group.rmdir()


@pytest.mark.long
def test_systemd_has_the_word(lab, state):  # noqa: F811
    """What the files do not say: whether a timer is started, and when one by an interval elapses."""
    host = state.parent / "host"
    for name, timer in {"span": "OnActiveSec=30min", "off": "OnCalendar=minutely"}.items():
        tree(host, {f"etc/systemd/system/t-{name}.timer": f"[Timer]\n{timer}\n",
                    f"etc/systemd/system/t-{name}.service":
                        f"[Service]\nEnvironment=URL=postgres://shop_legacy@127.0.0.1:{lab.old.port}/shop\n"
                        "ExecStart=/bin/true\n"})
    tree(host, {"etc/systemd/system/default.target": "[Unit]\nWants=t-span.timer\n"})
    _, document = discover(lab, state, "--root", host)
    assert {row["in_window"] for row in rows(document, "timer")} == {"unknown"}
    with manager(host):
        _, document = discover(lab, state, "--root", host)
    timers = {row["name"]: row for row in rows(document, "timer")}
    assert timers["t-span"]["in_window"] == "runs" and timers["t-off"]["in_window"] == "no"
    assert "by systemd's own word started" in timers["t-span"]["what"]
    assert abs(timers["t-span"]["next_run"] - document["window"]["from"] - 1800) < 60


# ---- names ----


class Names(threading.Thread):
    """A name server on loopback: {name: (ttl, [IPv4 addresses])}, and "alias": (ttl, "name")."""

    def __init__(self, records):
        super().__init__(daemon=True)
        self.records, self.asked = records, []
        self.port = free_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", self.port))

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if query == b"end":
                return
            self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        labels, position = [], 12
        while query[position]:
            labels.append(query[position + 1:position + 1 + query[position]].decode())
            position += 1 + query[position]
        name, question = ".".join(labels).lower(), query[12:position + 5]
        (kind,) = struct.unpack("!H", query[position + 1:position + 3])
        self.asked.append((name, kind))
        answers, alias = [], b"\xc0\x0c"
        ttl, data = self.records.get(name, (0, None))
        known = data is not None
        if isinstance(data, str):
            target = b"".join(bytes([len(part)]) + part.encode() for part in data.split(".")) + b"\0"
            answers.append(alias + struct.pack("!HHIH", 5, 1, ttl, len(target)) + target)
            alias = target
            ttl, data = self.records[data]
        if kind == 1:
            answers += [alias + struct.pack("!HHIH", 1, 1, ttl, 4) + socket.inet_aton(one) for one in data or ()]
        flags = 0x8580 if known else 0x8583
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(answers), 0, 0) + question + b"".join(answers)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


@contextmanager
def name_server(records):
    server = Names(records)
    server.start()
    try:
        yield server
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
            stop.sendto(b"end", ("127.0.0.1", server.port))
        server.join()
        server.socket.close()


@pytest.fixture
def named(lab):  # noqa: F811
    """The plan calls old by a name; where that leads libpq is told aside from it."""
    plan = lab.plan.read_text()
    lab.plan.write_text(plan.replace("host=127.0.0.1", "host=pg-old.shop.test hostaddr=127.0.0.1", 1)
                        if "host=127.0.0.1" in plan else plan.replace("host='127.0.0.1'", "host='pg-old.shop.test' hostaddr='127.0.0.1'", 1))
    assert "pg-old.shop.test" in lab.plan.read_text()
    yield lab
    lab.plan.write_text(plan)


def names_of(document):
    return {row["where"]: row for row in rows(document, "name") if row["source"] == "now"}


def test_names_with_their_ttl_and_who_keeps_them(named, state):
    host = state.parent / "host"
    tree(host, {
        "etc/hosts": "127.0.0.1 localhost\n192.0.2.7 pinned.shop.test other  # by hand\n",
        "etc/resolv.conf": "search shop.test\nnameserver 192.0.2.53\noptions timeout:1 rotate\n",
        "etc/nsswitch.conf": "passwd: files\nhosts: files dns\n",
        "etc/nscd.conf": "\tpositive-time-to-live\thosts\t\t1800\n\tpositive-time-to-live\tpasswd\t\t600\n",
        "run/nscd/socket": "",
        "etc/systemd/resolved.conf": "[Resolve]\n#Cache=yes\nCache=no-negative\n",
        "etc/dnsmasq.conf": "# max-cache-ttl=9\nmax-cache-ttl=600\n",
        "usr/lib/jvm/j17/conf/security/java.security": "#networkaddress.cache.ttl=-1\n",
    })
    tree(state.parent / "files", {
        "more/pgbouncer.ini": "[databases]\n[pgbouncer]\n",
        "nginx.conf": "resolver 192.0.2.53 valid=10s;\nsign valid=30;\n",
        "app.sh": "java -Dsun.net.inetaddr.ttl=-1 -jar shop.jar\n",
        "pgbouncer.ini": "[databases]\nshop = host=alias.shop.test port=%d dbname=shop user=shop_app\n"
                         "[pgbouncer]\ndns_max_ttl = 900\n" % named.old.port,
    })
    with name_server({"pg-old.shop.test": (300, ["127.0.0.1"]), "alias.shop.test": (60, "pg-old.shop.test")}) as dns:
        _, document = discover(named, state, "--root", host, "--files", state.parent / "files",
                               "--nameserver", dns.address)
        assert ("pg-old.shop.test", 1) in dns.asked and ("pg-old.shop.test", 28) in dns.asked
    names = names_of(document)
    name = names["pg-old.shop.test (store orders)"]
    assert (name["target"], name["how"], name["side"]) == ("127.0.0.1", "seen", "old")
    assert f"TTL 300 s by {dns.address}" in name["what"] and "kept here by nscd" in name["what"]
    assert name["first_seen"] and name["last_seen"] and document["names"] >= 1
    (alias,) = [row for row in names.values() if row["name"] == "alias.shop.test"]  # of a file, the same address
    assert "TTL 60 s" in alias["what"] and alias["where"] == "alias.shop.test (file)"
    assert (alias["file"], alias["line"], alias["store"]) == (str(state.parent / "files/pgbouncer.ini"), 2, "orders")
    kept = {row["where"].split("/")[-1]: row["what"] for row in rows(document, "name-cache")}
    assert kept["nscd.conf:1"] == "nscd keeps names: positive-time-to-live hosts 1800"
    assert kept["dnsmasq.conf:2"] == "dnsmasq keeps names: max-cache-ttl 600"
    assert "30 s, and for ever with a security manager" in kept["java.security"]
    assert kept["app.sh:1"].endswith("sun.net.inetaddr.ttl -1, which is for ever")
    assert kept["resolved.conf"] == "systemd-resolved keeps names: Cache is no-negative"
    assert kept["nginx.conf:1"] == "nginx keeps names: valid= 10s" and "nginx.conf:2" not in kept
    assert kept["pgbouncer.ini"] == "PgBouncer keeps names: dns_max_ttl is not set, which means 15 s"
    assert kept["pgbouncer.ini:4"] == "PgBouncer keeps names: dns_max_ttl 900"
    assert kept["resolv.conf:3"].endswith("options timeout:1 rotate") and "nameserver 192.0.2.53" in kept["resolv.conf:2"]
    assert kept["nsswitch.conf:2"].endswith("hosts: files dns")


def test_on_the_server_s_own_machine(named, state):
    """What a job there calls localhost, or nothing at all, the plan knows by a name."""
    host = state.parent / "host"
    tree(host, {"etc/cron.d/purge": f"1 1 * * * root psql -p {named.old.port} -U shop_legacy -d shop -c x\n"
                                    f"2 1 * * * root psql -h localhost -p {named.new.port} -U shop_legacy -d shop -c x\n"
                                    "3 1 * * * root psql -p 5999 -U shop_legacy -d shop -c x\n"})
    _, document = discover(named, state, "--root", host)
    assert [(row["line"], row["side"], row["undeclared"]) for row in rows(document, "cron")] == [
        (1, "old", True), (2, "new", True)]


def test_a_name_that_is_pinned_or_leads_nowhere(named, state):
    host = state.parent / "host"
    tree(host, {"etc/hosts": "# 192.0.2.1 pg-old.shop.test\n192.0.2.7 other pg-old.shop.test\n"})
    with name_server({"pg-old.shop.test": (30, ["127.0.0.1"])}) as dns:
        _, document = discover(named, state, "--root", host, "--nameserver", dns.address)
        name = names_of(document)["pg-old.shop.test (store orders)"]
        assert name["target"] == "192.0.2.7" and "etc/hosts:2, TTL not observable" in name["what"]
        assert "DNS says 127.0.0.1, TTL 30 s" in name["what"]
        (host / "etc/hosts").unlink()
        dns.records.clear()
        _, document = discover(named, state, "--root", host, "--nameserver", dns.address)
    name = names_of(document)["pg-old.shop.test (store orders)"]
    assert name["how"] == "not-observable" and "knows no such name" in name["what"]
    done = named.airlock("--state", state, "discover", "--nameserver", "ns.shop.test")
    assert done.returncode == 2 and "an IPv4 address is wanted" in done.stderr


def test_a_name_server_that_does_not_answer(named, state):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        _, document = discover(named, state, "--nameserver", f"127.0.0.1:{silent.getsockname()[1]}")
    name = names_of(document)["pg-old.shop.test (store orders)"]
    assert name["how"] == "not-observable" and "does not answer" in name["what"]
    assert document["names_us"] < 5_000_000


def test_who_still_talks_to_the_address_that_a_name_had(named, state):
    """The name moves; a session that stands does not."""
    with job("steady", named.dsn("old", "shop_app"), "SELECT 1") as talker, \
            name_server({"pg-old.shop.test": (30, ["127.0.0.1"])}) as dns:
        words = ("--root", state.parent, "--nameserver", dns.address)
        _, document = discover(named, state, *words)
        assert not rows(document, "stale-connection")
        dns.records["pg-old.shop.test"] = (30, ["192.0.2.9"])
        _, document = discover(named, state, *words)
    (now,) = [row for row in rows(document, "name") if row["source"] == "now"]
    assert now["target"] == "192.0.2.9"
    told = [row for row in rows(document, "stale-connection") if f"pid {talker.pid}," in (row["process"] or "")]
    assert len(told) == 1 and f"to 127.0.0.1 port {named.old.port}" in told[0]["where"]
    assert "pg-old.shop.test had until" in told[0]["what"] and told[0]["how"] == "seen"


# ---- certificates ----


def certificate(days):
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "-",
         "-subj", f"/CN=for-{days}", "-days", str(days)], check=True, capture_output=True, text=True).stdout
    key, _, rest = made.partition("-----BEGIN CERTIFICATE-----")
    return key, "-----BEGIN CERTIFICATE-----" + rest


def test_certificates_that_are_named(lab, state):  # noqa: F811
    (key, soon), (_, later) = certificate(1), certificate(3000)
    secrets, files = state.parent / "secrets", state.parent / "files"
    tree(secrets, {"soon.pem": soon, "later.pem": later, "both.pem": later + soon, "key.pem": key})
    tree(files, {
        "app.env": f"URL=postgresql://app@db.example/shop?sslmode=verify-full&sslcert={str(secrets).replace('/', '%2F')}"
                   f"%2Fsoon.pem&sslrootcert={secrets}/later.pem\n",
        "postgresql.conf": f"ssl = on\nssl_cert_file = '{secrets}/both.pem'\n#ssl_ca_file = '{secrets}/soon.pem'\n"
                           f"ssl_key_file = '{secrets}/key.pem'\n",
        "pgbouncer.ini": f"server_tls_cert_file = {secrets}/later.pem\nserver_tls_ca_file = ../secrets/soon.pem\n"
                         "client_tls_ca_file = /nowhere/ca.pem\n",
        "haproxy.cfg": f"bind :443 ssl crt {secrets}/soon.pem\n",
        "auth.yaml": "jwt_ttl: 15m\nrefresh_token_ttl: 90d\ncert: true\n",
    })
    begin = datetime.now(timezone.utc) + timedelta(hours=20)
    window = f"{begin:%Y-%m-%dT%H:%MZ}/8h"
    _, document = discover(lab, state, "--files", files, "--window", window)
    told = {(row["where"].split("/")[-1], row["name"]): row for row in rows(document, "certificate")}
    inside = {("app.env:1", "sslcert"), ("postgresql.conf:2", "ssl_cert_file"),
              ("pgbouncer.ini:2", "server_tls_ca_file"), ("haproxy.cfg:1", "crt")}
    after = {("app.env:1", "sslrootcert"), ("pgbouncer.ini:1", "server_tls_cert_file")}
    assert set(told) == inside | after | {("pgbouncer.ini:3", "client_tls_ca_file")}
    for place in inside:
        assert "certificate of for-1 ends" in told[place]["what"] and "IN THE WINDOW" in told[place]["what"], told[place]
        assert begin.timestamp() < told[place]["ends"] < begin.timestamp() + 8 * 3600
    assert "the first of 2 in it to end" in told["postgresql.conf:2", "ssl_cert_file"]["what"]
    for place in after:
        assert told[place]["what"].endswith("after the window") and "for-3000" in told[place]["what"]
    assert told["pgbouncer.ini:3", "client_tls_ca_file"]["how"] == "not-observable"
    assert document["window"]["certificates"] == len(inside)
    tokens = {row["what"] for row in rows(document, "token-lifetime")}
    assert tokens == {"jwt_ttl = 15m, shorter than the window: it has to be renewed within it",
                      "refresh_token_ttl = 90d"}
    assert "PRIVATE KEY" not in json.dumps(document)


def test_a_certificate_of_the_plan_itself(lab, state):  # noqa: F811
    _, soon = certificate(1)
    tree(state.parent, {"client.pem": soon})
    plan = lab.plan.read_text()
    lab.plan.write_text(plan.replace("user=airlock", f"sslcert={state.parent}/client.pem user=airlock", 1))
    try:
        _, document = discover(lab, state, "--window", "now/3d")
    finally:
        lab.plan.write_text(plan)
    (found,) = rows(document, "certificate")
    assert found["name"] == "sslcert" and "IN THE WINDOW" in found["what"]
    assert found["where"].startswith(str(lab.plan))
