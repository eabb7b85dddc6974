"""airlock-gateway of a lab's plan: started, stopped, killed, frozen, by its process id alone."""

import os
import signal
import subprocess
from pathlib import Path

from server import LabError, process_state, signal_quietly, wait_until

KILLED = (0, -signal.SIGKILL)


class Gateway:
    """One process; its log is a file, its addresses are the plan's."""

    def __init__(self, program, plan, log, route="gw"):
        self.program, self.plan, self.log, self.route = program, Path(plan), Path(log), route
        self.pid = None
        self._child = None  # None for one that an earlier program started

    def start(self, seconds=20):
        if self.program is None:
            raise LabError("airlock-gateway is not built")
        begin = len(self.log_text())
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [self.program, "--plan", self.plan, "--route", self.route], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        self.pid = self._child.pid

        def settled():
            if not self.is_alive():
                raise LabError(f"the gateway does not start:\n{self.log_text()[begin:]}")
            return "listening on" in self.log_text()[begin:]

        wait_until(settled, seconds, "the gateway to listen")
        return self

    def adopt(self, pid):
        """One that an earlier program started."""
        self.pid = pid
        return self

    def is_alive(self):
        if self._child is not None:
            return self._child.poll() is None
        return self.pid is not None and process_state(self.pid) not in (None, "Z") and self._is_ours()

    def stop(self, seconds=20):
        """Asks it to end, which it must do well, unless it was killed before."""
        if self.is_alive():
            self.sigcont()
            signal_quietly(self.pid, signal.SIGTERM)
            try:
                wait_until(lambda: not self.is_alive(), seconds, "the gateway to end")
            finally:
                if self.is_alive():
                    signal_quietly(self.pid, signal.SIGKILL)
        if self._child is not None and self._child.wait(10) not in KILLED:
            raise LabError(f"the gateway ended with {self._child.returncode}:\n{self.log_text()[-4000:]}")

    def kill9(self):
        signal_quietly(self.pid, signal.SIGKILL)
        wait_until(lambda: not self.is_alive(), 10, "the gateway to be gone")

    def sigstop(self):
        signal_quietly(self.pid, signal.SIGSTOP)
        wait_until(lambda: process_state(self.pid) == "T", 10, "the gateway to be frozen")

    def sigcont(self):
        signal_quietly(self.pid, signal.SIGCONT)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _is_ours(self):
        try:
            words = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")
        except FileNotFoundError:
            return False
        return os.fsencode(self.plan) in words
