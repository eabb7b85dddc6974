"""The lab: two private PostgreSQL servers, *old* with a shop in it and *new* with its schema.

As a library: lab = Lab.up(dir, level=3, rows="small"); lab.old.kill9(); lab.down().
As a program: tests/lab/up DIR, tests/lab/down DIR.

DIR afterwards holds old/ and new/ (the servers), pgpass, env (KEY=value lines), airlock.yaml (a plan
that works as it is) and lab.json (what `down` and Lab.open need). `down` removes all of it.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from gateway import Gateway
from server import LabError, Server, free_port, pg_program, server_user

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATABASE = "shop"
STORE = "orders"

SIZES = {
    "small": {"customers": 2000, "products": 300, "orders": 4000, "documents": 10, "kilobytes": 40},
    "demo": {"customers": 30000, "products": 3000, "orders": 110000, "documents": 200, "kilobytes": 100},
}

# Every role class that can write, but superuser; `reporting` must never write.
APP_ROLES = {
    "shop_owner": "LOGIN",
    "shop_app": "LOGIN",
    "shop_worker": "LOGIN",
    "shop_deploy": "LOGIN IN ROLE shop_owner",  # a member of the owner
    "reporting": "LOGIN",
}
LEGACY_ROLE = "shop_legacy"  # of a job that the plan does not know: tests/lab/legacy_job.py
AIRLOCK_ROLES = ("airlock", "airlock_repl", "airlock_probe", "airlock_probe_owner", "airlock_gateway")
MADE_BY_UP = ("old", "new", "pgpass", "env", "airlock.yaml", ".airlock", "lab.json", "gateway.log", "gateway.sock", "job")

# SCRAM iterations of the lab's passwords.  A client pays for them, and in the field clients have
# processors of their own; here they share two with both servers, and 4096 would measure PBKDF2.
SCRAM_ITERATIONS = 64

PLAN = """\
# Made by tests/lab/up: the lab's shop, moved from old to new.
airlock: 1
name: lab-shop

budgets:
  stall: 5s
  window: 5s
  hold: 20s
  drain: 2s
  lag: 16MB
  rollback_lag: 30s
  attempts: 5
  sync_age: 14d

overlap:
  - {{from: web, to: orders, because: "clients try both sides", at_most: 30m}}
  - {{from: worker, to: orders, because: "clients try both sides", at_most: 30m}}
  - {{from: deploy, to: orders, because: "clients try both sides", at_most: 30m}}
  - {{from: reports, to: orders, because: "may read old for a while", at_most: 30m}}

stores:
  orders:
    engine: postgresql
    old: "{old}"
    new: "{new}"
    pattern: replica-promotion
    sync: logical
    route: {route}

services:
  web: {{tier: entry, writes: [orders], match: {{user: shop_app}}}}
  worker: {{tier: replayable, writes: [orders], match: {{user: shop_worker}}}}
  deploy: {{tier: replayable, writes: [orders], match: {{user: "shop_[od]*"}}}}
  reports: {{tier: read-only, reads: [orders], match: {{user: reporting}}}}

routes:
{routes}"""

DIRECT = "  direct: {kind: none}    # the clients try old and new themselves\n"
THROUGH_GATEWAY = """\
  gw: {{kind: gateway, listen: "127.0.0.1:{port}", control: {control}, register_user: airlock_gateway{tls}}}
"""


def scram_verifier(password, iterations=SCRAM_ITERATIONS):
    """What PostgreSQL stores for a password (RFC 5803); made here once, so both sides hold the same."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def find_program(name):
    """A program of the build: $AIRLOCK_BUILD, then build/, then the newest build-*/ that has it."""
    places = {"airlock": "src/cli/airlock",
              "airlock-gateway": "src/gateway/airlock-gateway",
              "conformance_postgres": "tests/conformance/conformance_postgres"}
    where = places.get(name, f"tests/lab/{name}")
    if os.environ.get("AIRLOCK_BUILD"):
        candidates = [Path(os.environ["AIRLOCK_BUILD"]).resolve()]
    else:
        others = [path for path in ROOT.glob("build-*") if (path / where).exists()]
        candidates = [ROOT / "build", *sorted(others, key=lambda p: -(p / where).stat().st_mtime)]
    for candidate in candidates:
        if os.access(candidate / where, os.X_OK):
            return candidate / where
    return None


def airlock_program():
    """The program under test, or None: $AIRLOCK, else out of the build."""
    if os.environ.get("AIRLOCK"):
        return Path(os.environ["AIRLOCK"]).resolve()
    return find_program("airlock")


class Lab:
    """Two servers and what stands around them; see the head of this file."""

    def __init__(self, directory, level, ports, gateway_port=None):
        self.dir = Path(directory).resolve()
        self.level = level
        self.old = Server(self.dir / "old", ports[0], "old")
        self.new = Server(self.dir / "new", ports[1], "new")
        self.servers = (self.old, self.new)
        self.passfile = self.dir / "pgpass"
        self.plan = self.dir / "airlock.yaml"
        self.airlock_ready = False
        self.gateway_port = gateway_port  # None: the clients find the open side themselves
        self.gateway_tls = None           # (certificate, key), before write_plan
        self.gateways = []

    # -- making and removing -------------------------------------------------------------------

    @classmethod
    def up(cls, directory, level=3, rows="small", progress=lambda text: None, roles=True,
           settings=None, gateway=False):
        """Makes a lab in a directory that is empty or does not exist yet, and starts it.

        With `roles`, and when the program is built, its roles are made too (init_roles). `settings`
        of the servers override the lab's own. With `gateway` the plan reaches the store by one; see
        start_gateway."""
        directory = Path(directory).resolve()
        if any(character in str(directory) for character in "'\"\\\n"):
            raise LabError(f"{directory}: quotes and backslashes do not go into connection strings")
        if (directory / "lab.json").exists():
            raise LabError(f"{directory} holds a lab already: tests/lab/down {directory}")
        if directory.exists() and any((directory / name).exists() for name in MADE_BY_UP):
            raise LabError(f"{directory} holds files that a lab would overwrite; take another one")
        if not directory.exists():
            directory.mkdir(parents=True)
            directory.chmod(0o755)  # whatever the umask is: the servers' user has to enter
        check_reachable(directory)
        lab = cls(directory, level, (free_port(), free_port()), free_port() if gateway else None)
        lab._save()
        try:
            lab._make(rows, progress, roles, settings)
        except BaseException:
            lab.down()
            raise
        return lab

    @classmethod
    def open(cls, directory):
        """The lab that an earlier `up` made in this directory."""
        try:
            saved = json.loads((Path(directory) / "lab.json").read_text())
        except FileNotFoundError:
            raise LabError(f"there is no lab in {directory}") from None
        lab = cls(directory, saved["level"], saved["ports"], saved.get("gateway_port"))
        lab.airlock_ready = saved["airlock_ready"]
        for pid in saved["gateways"]:
            lab.gateways.append(lab._gateway().adopt(pid))
        return lab

    def down(self):
        """Stops both servers by their process id and removes all that `up` made."""
        troubles = []
        for gateway in self.gateways:
            try:
                gateway.stop()
            except LabError as trouble:
                troubles.append(str(trouble))
        self._remove()
        if troubles:
            raise LabError("\n".join(troubles))

    def _remove(self):
        for server in self.servers:
            server.stop(at_once=True)
            server.remove()
        for name in MADE_BY_UP:
            path = self.dir / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if self.dir.exists() and not any(self.dir.iterdir()):
            self.dir.rmdir()

    def _make(self, rows, progress, roles, settings):
        progress("initdb, two servers")
        self._in_parallel(lambda server: (server.create(settings), server.start()))
        progress("roles")
        self._write_roles()
        self._in_parallel(self._create_database)
        progress(f"the shop on old, {rows}")
        self.old.psql("SET ROLE shop_owner;\n" + (HERE / "shop.sql").read_text(), DATABASE)
        self.old.psql((HERE / "shop_data.sql").read_text(), DATABASE, SIZES[rows])
        progress("its schema on new")
        self._copy_schema()
        self.write_plan()
        self._write_env()
        if roles and airlock_program() is not None:
            progress(f"Airlock's roles, level {self.level}")
            self.init_roles()
        self._save()

    def _in_parallel(self, action):
        with ThreadPoolExecutor(len(self.servers)) as pool:
            list(pool.map(action, self.servers))

    def _write_roles(self):
        self._passwords = {role: secrets.token_hex(12) for role in (*APP_ROLES, LEGACY_ROLE, *AIRLOCK_ROLES)}
        self._verifiers = {role: scram_verifier(word) for role, word in self._passwords.items()}
        with open(self.passfile, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            for role, password in self._passwords.items():
                file.write(f"*:*:*:{role}:{password}\n")
        # The servers read it too: their replication workers log in with it.
        os.chown(self.passfile, server_user().pw_uid, server_user().pw_gid)

    def _create_database(self, server):
        create = "".join(
            f"CREATE ROLE {role} {options} PASSWORD '{self._verifiers[role]}';\n"
            for role, options in {**APP_ROLES, LEGACY_ROLE: "LOGIN"}.items())
        server.psql(create + f"CREATE DATABASE {DATABASE} OWNER shop_owner;\n")
        self.grant_connect(server)

    @staticmethod
    def grant_connect(server):
        """Besides what PUBLIC has, grants of the owner, as a grown database carries them."""
        server.psql(f"SET ROLE shop_owner;"
                    f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO shop_app, shop_worker;"
                    f"GRANT CONNECT ON DATABASE {DATABASE} TO reporting;")

    def _copy_schema(self):
        dump = subprocess.run(
            [pg_program("pg_dump"), "--schema-only", "-d", self.old.admin_uri(DATABASE)],
            capture_output=True, text=True, check=False)
        if dump.returncode != 0:
            raise LabError(f"pg_dump failed:\n{dump.stderr.strip()}")
        self.new.psql(dump.stdout, DATABASE)

    def conninfo(self, side):
        """As the plan has it."""
        return self.server(side).conninfo("airlock", DATABASE, self.passfile)

    def write_plan(self):
        sides = {side: self.conninfo(side) for side in ("old", "new")}
        if self.gateway_port is None:
            self.plan.write_text(PLAN.format(**sides, route="direct", routes=DIRECT))
            return
        tls = ", tls: {{cert: {}, key: {}}}".format(*self.gateway_tls) if self.gateway_tls else ""
        routes = THROUGH_GATEWAY.format(port=self.gateway_port, control=self.dir / "gateway.sock", tls=tls)
        self.plan.write_text(PLAN.format(**sides, route="gw", routes=routes))

    def _write_env(self):
        (self.dir / "env").write_text("".join(f"{k}={v}\n" for k, v in self.env().items()))

    def env(self):
        """What DIR/env says."""
        return {
            "OLD_DSN": self.dsn("old", "shop_app"),
            "NEW_DSN": self.dsn("new", "shop_app"),
            "OLD_ADMIN": self.old.admin_uri(DATABASE),
            "NEW_ADMIN": self.new.admin_uri(DATABASE),
            "PLAN": str(self.plan),
            **({"GATEWAY_DSN": self.dsn("gateway", "shop_app")} if self.gateway_port else {}),
        }

    def _save(self):
        saved = {"level": self.level, "ports": [s.port for s in self.servers],
                 "airlock_ready": self.airlock_ready, "gateway_port": self.gateway_port,
                 "gateways": [gateway.pid for gateway in self.gateways if gateway.is_alive()]}
        (self.dir / "lab.json").write_text(json.dumps(saved) + "\n")

    # -- use -----------------------------------------------------------------------------------

    def server(self, side):
        return {"old": self.old, "new": self.new}[side]

    def dsn(self, side, role, dbname=DATABASE):
        """Of a side, or of the gateway."""
        if side == "gateway":
            return self.gateway_dsn(role, dbname)
        return self.server(side).uri(role, dbname, self.passfile)

    def gateway_dsn(self, role, dbname=DATABASE):
        return (f"postgresql://{role}@127.0.0.1:{self.gateway_port}/{dbname}"
                f"?passfile={quote(str(self.passfile))}")

    def start_gateway(self):
        """Starts airlock-gateway on the lab's plan; `down` stops it."""
        gateway = self._gateway().start()
        self.gateways.append(gateway)
        self._save()
        return gateway

    def _gateway(self):
        return Gateway(find_program("airlock-gateway"), self.plan, self.dir / "gateway.log")

    def airlock(self, *arguments, **kwargs):
        """Runs the program on the lab's plan; the finished process, with text output."""
        program = airlock_program()
        if program is None:
            raise LabError("airlock is not built; set AIRLOCK or build into build/")
        kwargs.setdefault("timeout", 300)
        return subprocess.run([program, "-f", self.plan, *arguments], capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL, **kwargs)

    def init_roles(self):
        """What the DBA does with the SQL that `airlock init-roles --print` hands him, on both sides."""
        for server in self.servers:
            done = self.airlock("init-roles", "--print", "--side", server.name, "--level", str(self.level))
            if done.returncode != 0:
                raise LabError(f"airlock init-roles --print: exit {done.returncode}\n{done.stderr}")
            server.psql(done.stdout)
            present = {row[0] for row in server.query("SELECT rolname FROM pg_roles")}
            server.psql("".join(
                f"ALTER ROLE {role} LOGIN PASSWORD '{self._verifiers[role]}';\n"
                for role in AIRLOCK_ROLES if role in present))
        self.airlock_ready = True


def check_reachable(directory):
    """The servers' user must be able to enter the directory (root's home, say, is closed to it)."""
    user = server_user()
    if user.pw_uid == os.geteuid():
        return
    for place in (directory, *directory.parents):
        if place.stat().st_uid != user.pw_uid and not place.stat().st_mode & 0o001:
            raise LabError(f"{place} is closed to user {user.pw_name}, who runs the servers: "
                           f"chmod o+x {place}, or take another directory")


def main_up(arguments):
    parser = argparse.ArgumentParser(prog="tests/lab/up", description=(
        "Starts two private PostgreSQL servers, old with a shop in it and new with its schema."))
    parser.add_argument("dir", metavar="DIR")
    parser.add_argument("--level", type=int, choices=(2, 3), default=3,
                        help="rights of role airlock: 3 superuser (default), 2 provider admin")
    parser.add_argument("--rows", choices=tuple(SIZES), default="small",
                        help="small (about 2 MB, default) or demo (about 100 MB)")
    options = parser.parse_args(arguments)
    lab = Lab.up(options.dir, options.level, options.rows,
                 lambda text: print(f"lab: {text}", file=sys.stderr),
                 gateway=find_program("airlock-gateway") is not None)
    if lab.airlock_ready:
        lab.start_gateway()
    else:
        print("lab: airlock is not built yet, so its roles were not made", file=sys.stderr)
    print((lab.dir / "env").read_text(), end="")


def main_down(arguments):
    parser = argparse.ArgumentParser(prog="tests/lab/down", description=(
        "Stops the servers that tests/lab/up started in DIR and removes what it made."))
    parser.add_argument("dir", metavar="DIR")
    Lab.open(parser.parse_args(arguments).dir).down()


def main():
    verbs = {"up": main_up, "down": main_down}
    if len(sys.argv) < 2 or sys.argv[1] not in verbs:
        sys.exit("usage: lab.py up DIR [--level 2|3] [--rows small|demo] | lab.py down DIR")
    try:
        verbs[sys.argv[1]](sys.argv[2:])
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
