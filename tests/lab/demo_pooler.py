"""The figure that the demo is compared with: a PgBouncer PAUSE script under the same clients.

What a careful person would write by hand (bench/stall.py has it): PAUSE, a marker, sequences, RELOAD to the other server, RESUME.
It holds and releases clients as Airlock does and nothing else: old is not fenced, nothing is proven, there is no way back and
nobody finishes it after a crash.
"""

import os
import sys
import time

from lab import ROOT, LabError
from ledger import Ledger, Record

sys.path.insert(0, str(ROOT / "bench"))
from pooler import PGBOUNCER  # noqa: E402 - needs the path above
from stall import Script  # noqa: E402


class _Pooled:
    """As a lab to the ledger's clients, who know one address."""

    def __init__(self, script):
        self._script = script

    def dsn(self, _side, _role):
        return self._script.dsn()


def measure(place, clients, rate, between, longest_within):
    """One cutover by the script, on servers of its own: {"longest_stall_ms", "failed"}, or {"why"} when it could not be."""
    if not os.access(PGBOUNCER, os.X_OK):
        return {"why": "PgBouncer is not installed"}
    place.mkdir(mode=0o755)
    script = None
    try:
        script = Script(place, None)
        script.get_ready()
        with Ledger(_Pooled(script), place / "ledger", clients=clients, rate=rate, sides=("pooler", "pooler")) as ledger:
            ledger.wait_for(between)
            began = time.monotonic_ns()
            script.cut_over()
            ledger.wait_for(between)
            ended = time.monotonic_ns()
        record = Record.read(place / "ledger")
        return {"longest_stall_ms": longest_within(record, began, ended),
                "failed": len(record.fail) + len(record.unknown)}
    except LabError as trouble:
        return {"why": str(trouble).splitlines()[0]}
    finally:
        if script is not None:
            script.close()
