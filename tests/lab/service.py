"""A service as one finds it in the field: which environment it works in is a file, switched by a script that can
misbehave.

The script is what a plan's `move: {exec, observe, undo}` calls. It lies in services/NAME/ beside the plan:

    services/NAME/ctl new | old | on-new

Files beside it make it behave badly, each for the word it names: `fail-new` (says why and does nothing), `hang-new`
(does it and never ends), `deaf-new` (does nothing and claims it did), and for the observation `fail-on-new` (ends
with 127), `hang-on-new`, `lie-on-new` (always says old).
"""

import json

SCRIPT = """\
#!/bin/sh
cd "$(dirname "$0")"
echo "$1 $AIRLOCK_SIDE" >>asked
[ -e "hang-$1" ] && [ "$1" = on-new ] && sleep 1000
[ -e "fail-$1" ] && { printf 'no such \\033[31mcluster\\n' >&2; exit 127; }
case $1 in
new|old)
	[ -e "deaf-$1" ] || echo "$1" >side
	[ -e "deaf-$1" ] || echo "$1" >>log
	if [ -e "hang-$1" ]; then sleep 1000 & echo $! >child; wait; fi
	exit 0 ;;
on-new)
	[ -e lie-on-new ] && exit 1
	[ "$(cat side)" = "$AIRLOCK_SIDE" ] ;;
esac
"""


class Service:
    def __init__(self, lab, name, timeout="3s"):
        self.name = name
        self.timeout = timeout
        self.dir = lab.plan.parent / "services" / name
        self.dir.mkdir(parents=True, exist_ok=True)
        (self.dir / "ctl").write_text(SCRIPT)
        (self.dir / "ctl").chmod(0o755)
        self.reset()

    def move(self):
        """The plan's value of `move`."""
        ctl = f"services/{self.name}/ctl"
        return json.dumps({"exec": [ctl, "new"], "observe": [ctl, "on-new"], "undo": [ctl, "old"],
                           "timeout": self.timeout})

    def reset(self, side="old"):
        """On a side, well behaved, and nothing said yet."""
        for path in self.dir.iterdir():
            if path.name != "ctl":
                path.unlink()
        (self.dir / "side").write_text(side + "\n")

    def side(self):
        return (self.dir / "side").read_text().strip()

    def log(self):
        """The sides it was switched to, in order."""
        path = self.dir / "log"
        return path.read_text().split() if path.exists() else []

    def asked(self):
        """Each word it was called with, and AIRLOCK_SIDE."""
        path = self.dir / "asked"
        return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []

    def flag(self, name, there=True):
        if there:
            (self.dir / name).touch()
        else:
            (self.dir / name).unlink()
