"""airlock-gateway of a lab's plan: started, stopped, killed, frozen, by its process id alone."""

import os
import signal
import subprocess
from pathlib import Path

from server import LabError, wait_until


class Gateway:
    """One process; its log is a file, its addresses are the plan's."""

    def __init__(self, program, plan, log, port, route="gw"):
        self.program, self.plan, self.log = program, Path(plan), Path(log)
        self.port, self.route = port, route
        self._process = None

    def start(self, seconds=20):
        begin = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, "--plan", self.plan, "--route", self.route], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)

        def settled():
            if self._process.poll() is not None:
                raise LabError(f"the gateway does not start:\n{self.log_text()[begin:]}")
            return "listening on" in self.log_text()[begin:]

        wait_until(settled, seconds, "the gateway to listen")
        return self

    @property
    def pid(self):
        return self._process.pid

    def is_alive(self):
        return self._process is not None and self._process.poll() is None

    def stop(self, seconds=20):
        """Asks it to end, which it must do well, unless it was killed before."""
        if not self.is_alive():
            if self._process is not None and self._process.returncode not in (0, -signal.SIGKILL):
                raise LabError(f"the gateway had ended ({self._process.returncode}):\n{self.log_text()[-4000:]}")
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait(10)
        if code != 0:
            raise LabError(f"the gateway ended with {code}:\n{self.log_text()[-4000:]}")

    def kill9(self):
        self._process.kill()
        self._process.wait(10)

    def sigstop(self):
        os.kill(self.pid, signal.SIGSTOP)

    def sigcont(self):
        os.kill(self.pid, signal.SIGCONT)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""
