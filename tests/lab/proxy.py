"""A bad network in front of one TCP port: delay, bandwidth, a pause, resets, nobody there.

    with Proxy(server.port, delay=0.02, per_second=200_000) as proxy: ... proxy.port ...

Each connection has two threads; what is set counts for all of them from the next piece on.
"""

import socket
import struct
import threading
import time

PIECE = 16384
NO_LINGER = struct.pack("ii", 1, 0)  # close() sends RST


class Proxy:
    """A context manager; its connections and its port are gone at the end."""

    def __init__(self, target, delay=0.0, per_second=None):
        self.target, self.delay, self.per_second = target, delay, per_second
        self.carried = 0                 # bytes from the server
        self._changed = threading.Condition()
        self._open = threading.Event()   # not set: nothing is carried
        self._open.set()
        self._pairs = set()
        self._listener = None
        self.port = None

    def __enter__(self):
        self._listen(0)
        return self

    def __exit__(self, *_):
        self.refuse()

    def _listen(self, port):
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    # -- weather ---------------------------------------------------------------------------------

    def pause(self):
        """Connections stay; nothing passes."""
        self._open.clear()

    def resume(self):
        self._open.set()

    def reset(self):
        """Every connection ends as by a firewall that has forgotten it."""
        with self._changed:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)

    def refuse(self):
        """Nobody is there any more."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
            listener.close()
        self.resume()
        self.reset()

    def come_back(self):
        self._listen(self.port)

    def wait_carried(self, count, seconds=30):
        """Until so many bytes more than now have come from the server."""
        goal = self.carried + count
        with self._changed:
            assert self._changed.wait_for(lambda: self.carried >= goal, seconds), (self.carried, goal)

    # -- connections -----------------------------------------------------------------------------

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self._changed:
                self._pairs.add(pair)
            for source, sink, counts in ((client, server, False), (server, client, True)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._carry, args=(pair, source, sink, counts), daemon=True).start()

    def _carry(self, pair, source, sink, counts):
        try:
            while piece := source.recv(PIECE):
                self._open.wait()
                time.sleep(self.delay + (len(piece) / self.per_second if self.per_second else 0))
                sink.sendall(piece)
                if counts:
                    with self._changed:
                        self.carried += len(piece)
                        self._changed.notify_all()
        except OSError:
            pass
        self._end(pair)

    def _end(self, pair):
        with self._changed:
            if pair not in self._pairs:
                return
            self._pairs.discard(pair)
        for end in pair:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            try:
                end.shutdown(socket.SHUT_RD)  # wakes recv() of the other thread
            except OSError:
                pass
            end.close()
