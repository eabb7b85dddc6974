"""Self-flip: old and new are two addresses of one server, so whatever a session says must come out as
without a gateway. Only the two register rows move; admission is not touched.

    with SelfFlip.up(dir) as flip: flip.turn(); flip.dsn("shop_app"); flip.direct("shop_app")
"""

import os
import random
import threading

from control import Control
from lab import DATABASE, Lab, STORE
from server import free_port, server_user
from wire import Wire

ADDRESSES = {"old": "127.0.0.1", "new": "127.0.0.2"}
OTHER = {"old": "new", "new": "old"}
PLAN_NAME = "lab-shop"


class SelfFlip(Lab):
    """A lab of one server that plays both sides, its gateway, and who moves the registers."""

    def __init__(self, directory, level, ports, gateway_port=None):
        super().__init__(directory, level, ports, gateway_port or free_port())
        self.new = self.old
        self.servers = (self.old,)
        self.side, self.attempt = "old", 0
        self.tls = None
        self.undrained = None  # the gateway's last answer no

    def _copy_schema(self):
        pass

    def conninfo(self, side):
        text = self.old.conninfo("airlock", DATABASE, self.passfile).replace(
            "host=127.0.0.1", f"host={ADDRESSES[side]}", 1)
        return text + (f" sslmode=verify-full sslrootcert={self.tls[0]}" if self.tls else "")

    @classmethod
    def make(cls, directory, rows="small", tls=None):
        """Up, registers written, gateway started. tls: (certificate, key), for both legs."""
        settings = {"fsync": "off", "listen_addresses": ",".join(ADDRESSES.values())}
        if tls:
            settings |= {"ssl": "on", "ssl_cert_file": tls[0], "ssl_key_file": tls[1]}
            os.chown(tls[1], server_user().pw_uid, -1)
        flip = cls.up(directory, 3, rows, settings=settings)
        flip.tls = flip.gateway_tls = tls
        flip.write_plan()
        flip.plan.write_text(flip.plan.read_text().replace("hold: 20s", "hold: 6s"))
        flip.enroll()
        flip.start_gateway()
        return flip

    def enroll(self):
        self.old.query(
            "INSERT INTO airlock.register (plan, store, side, dbname, state, epoch)"
            " VALUES (%s, %s, 'old', %s, 'ACTIVE', 1), (%s, %s, 'new', %s, 'STANDBY', 0)",
            (PLAN_NAME, STORE, DATABASE) * 2, "airlock")

    def direct(self, role):
        return self.old.uri(role, DATABASE, self.passfile)

    def address(self, side=None):
        return ADDRESSES[side or self.side]

    def wire(self, port=None, role="shop_app", seconds=20):
        """A client of the gateway's, or of who else listens at that port, that says byte by byte what it will."""
        password = next(line.split(":")[4] for line in self.passfile.read_text().splitlines() if f":{role}:" in line)
        return Wire(("127.0.0.1", port or self.gateway_port), role, password, DATABASE, seconds)

    # -- the registers -------------------------------------------------------------------------

    def set_register(self, side, state, **columns):
        """One row, as it pleases the test."""
        names = ", ".join(f"{name} = %s" for name in ("state", *columns))
        self.old.query(f"UPDATE airlock.register SET {names} WHERE plan = %s AND store = %s AND side = %s",
                       (state, *columns.values(), PLAN_NAME, STORE, side), "airlock")

    def register(self, side):
        return self.old.query("SELECT state, attempt FROM airlock.register WHERE plan = %s AND side = %s",
                              (PLAN_NAME, side), "airlock")[0]

    def seal(self, left_ms, attempt=None):
        """As the attempt that is held, or another that will be; admission as it is."""
        self.old.query("UPDATE airlock.register SET state = 'SEALED', attempt = %s, undo = '[]', deadline ="
                       " clock_timestamp() + %s * interval '1 ms' WHERE plan = %s AND side = %s",
                       (attempt or self.attempt, left_ms, PLAN_NAME, self.side), "airlock")

    def move_registers(self):
        """The other side opens, at the next epoch; returns that epoch."""
        to = OTHER[self.side]
        with self.old.connect("airlock") as conn, conn.transaction():
            epoch = conn.execute("SELECT max(epoch) + 1 FROM airlock.register WHERE plan = %s",
                                 (PLAN_NAME,)).fetchone()[0]
            for side, state in ((self.side, "STANDBY"), (to, "ACTIVE")):
                conn.execute("UPDATE airlock.register SET state = %s, epoch = CASE WHEN %s = 'ACTIVE' THEN"
                             " %s ELSE epoch END, attempt = %s WHERE plan = %s AND side = %s",
                             (state, state, epoch, self.attempt, PLAN_NAME, side))
        self.side = to
        return epoch

    # -- turning -------------------------------------------------------------------------------

    def control(self):
        return Control(self.dir / "gateway.sock")

    def arm(self, control, share=5, **more):
        """For the hold that comes next; the gateway's answer."""
        armed = control.answer(self.send_arm(control, share, **more))
        assert armed["ok"], armed
        return armed

    def send_arm(self, control, share=5, **more):
        return control.send("arm", attempt=self.attempt + 1, src=self.side, dst=OTHER[self.side], share=share, **more)

    def send_hold(self, control, hold_ms=20000, drain_ms=5000, lull_ms=0, **carry):
        """carry: policies by class, as the controller sends them. Returns the request's number."""
        self.attempt += 1
        more = {"carry": carry} if carry else {}
        return control.send("hold", attempt=self.attempt, src=self.side, hold_ms=hold_ms, drain_ms=drain_ms,
                            lull_ms=lull_ms, **more)

    def hold(self, control, **kwargs):
        return control.answer(self.send_hold(control, **kwargs))

    def turn(self, control):
        """Hold, move the registers, release; the answers of both, or None when it did not drain."""
        held = self.hold(control)
        if not held["ok"]:
            self.undrained = held
            return None
        epoch = self.move_registers()
        return held, control.require("release", side=self.side, epoch=epoch)


class Turning:
    """Turns over and over, at random moments, until it has been told to stop."""

    def __init__(self, flip, seed, pause_s=0.02):
        self.flip, self.random, self.pause_s = flip, random.Random(seed), pause_s
        self.turns = self.undrained = self.failed = 0
        self.error = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _run(self):
        try:
            with self.flip.control() as control:
                while not self._stop.wait(self.random.random() * self.pause_s):
                    self._turn(control)
        except Exception as error:  # noqa: BLE001 - told where it is awaited
            self.error = error

    def _turn(self, control):
        if self.random.random() < 0.5:  # every session is looked at first, and made again where it is
            self.flip.arm(control)
        done = self.flip.turn(control)
        if done is None:
            self.undrained += 1
        else:
            self.turns += 1
            self.failed += done[1]["failed"]
