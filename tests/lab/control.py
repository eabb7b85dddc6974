"""What a controller says to a gateway, said by a test: lines of JSON over its control socket."""

import json
import socket

from server import LabError, PATIENCE


class Control:
    """One connection. Requests are answered one at a time unless send() and answer() are used."""

    def __init__(self, path, seconds=30):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(seconds * PATIENCE)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("r")
        self._last = 0
        self._early = {}  # answers that nobody has asked for yet

    def close(self):
        self._file.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, cmd, **fields):
        self._last += 1
        self._socket.sendall((json.dumps({"id": self._last, "cmd": cmd, **fields}) + "\n").encode())
        return self._last

    def answer(self, number):
        while number not in self._early:
            line = self._file.readline()
            if not line:
                raise LabError("the gateway hung up")
            reply = json.loads(line)
            self._early[reply["id"]] = reply
        return self._early.pop(number)

    def ask(self, cmd, **fields):
        return self.answer(self.send(cmd, **fields))

    def require(self, cmd, **fields):
        reply = self.ask(cmd, **fields)
        if not reply["ok"]:
            raise LabError(f"{cmd}: {reply}")
        return reply
