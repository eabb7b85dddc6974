"""A job as one finds it in the field: started and stopped by a script, with a pid file, writing straight
to a server (legacy_job.py).

The script is what a plan's `stop: {exec, observe, undo}` calls. It lies in job/ beside the plan:

    job/ctl start | stop | stopped

start goes to the side that $AIRLOCK_SIDE names, and to old without it. Files beside it make it behave
badly: `stubborn` (stop does nothing and says it did), `broken` (start fails).
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "legacy_job.py"

SCRIPT = """\
#!/bin/sh
cd "$(dirname "$0")"
state() {{ sed -n 's/^State:[[:space:]]*//p' "/proc/$(cat pid)/status" 2>/dev/null; }}
runs() {{ [ -e pid ] && case $(state) in '' | [XZ]*) false ;; esac; }}  # a dead one may stay unreaped
case $1 in
start)
	[ -e broken ] && {{ echo 'cannot start: no such disk' >&2; exit 1; }}
	case $AIRLOCK_SIDE in new) dsn='{new}' ;; *) dsn='{old}' ;; esac
	echo "started on ${{AIRLOCK_SIDE:-old}}" >>log
	setsid {python} {program} "$dsn" </dev/null >>log 2>&1 &
	echo $! >pid ;;
stop)
	[ -e stubborn ] && exit 0
	runs && kill "$(cat pid)"
	exit 0 ;;
stopped)
	! runs ;;
esac
"""


class Job:
    def __init__(self, lab, role):
        self.dir = lab.plan.parent / "job"
        self.dir.mkdir(exist_ok=True)
        self._ctl = self.dir / "ctl"
        self._ctl.write_text(SCRIPT.format(
            python=shlex.quote(sys.executable), program=shlex.quote(str(PROGRAM)),
            old=lab.dsn("old", role), new=lab.dsn("new", role)))
        self._ctl.chmod(0o755)

    def do(self, word):
        return subprocess.run([self._ctl, word], check=False, stdin=subprocess.DEVNULL).returncode

    def runs(self):
        return self.do("stopped") != 0

    def pid(self):
        return int((self.dir / "pid").read_text())

    def _lines(self):
        log = self.dir / "log"
        return log.read_text().splitlines() if log.exists() else []

    def writes(self):
        """How many of its writes were acknowledged, by its own count, since it was last started."""
        for line in reversed(self._lines()):
            if line.isdigit():
                return int(line)
            if line.startswith("started on"):
                break
        return 0

    def log(self):
        """What became of it, without the counts."""
        return [line for line in self._lines() if line and not line.isdigit() and not line.startswith(" ")]

    def forget(self):
        (self.dir / "log").unlink(missing_ok=True)

    def flag(self, name, there):
        if there:
            (self.dir / name).touch()
        else:
            (self.dir / name).unlink()
