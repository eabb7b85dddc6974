"""A relay in front of a server whose bytes reach the gateway one at a time, each after the one before
was read: every split of every message that a server can send."""

import contextlib
import socket
import threading

from wire import await_read


class Chopper:
    """Listens on 127.0.0.1:port; each connection is taken to `server`, an address. Logins of `whole` are
    left as they are."""

    def __init__(self, server, whole):
        self.server, self.whole = server, whole.encode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.server)
                self._sockets += [client, server]
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client, server):
        with contextlib.suppress(OSError):
            login = client.recv(65536)
            while len(login) == 8:  # a request for TLS, refused by one byte
                server.sendall(login)
                client.sendall(server.recv(1))
                login = client.recv(65536)
            server.sendall(login)
            chopped = self.whole not in login
            threading.Thread(target=self._forward, args=(client, server, False), daemon=True).start()
            self._forward(server, client, chopped)

    def _forward(self, source, target, chopped):
        with contextlib.suppress(OSError):
            while got := source.recv(65536):
                for piece in self._pieces(got, chopped):
                    target.sendall(piece)
                    if chopped:
                        await_read(target)
            target.shutdown(socket.SHUT_WR)

    @staticmethod
    def _pieces(got, chopped):
        return (got[i:i + 1] for i in range(len(got))) if chopped else (got,)
