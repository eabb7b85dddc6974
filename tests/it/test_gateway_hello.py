"""The first bytes of a client, and of a server: before anybody has proven who it is."""

import contextlib
import socket
import ssl
import struct
import threading

import psycopg
import pytest

from selfflip import SelfFlip
from test_gateway import make_certificate
from wire import fields_of, message, text

TLS, GSS = struct.pack(">II", 8, 80877103), struct.pack(">II", 8, 80877104)


class Proxy:
    """In front of a server: bytes go through, but that `answer` takes the place of the one to SSLRequest."""

    def __init__(self, server):
        self.server, self.answer, self.asked = server, None, 0
        self._listener = socket.create_server(("127.0.0.2", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.server)
                threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client, server):
        with contextlib.suppress(OSError):
            if self.answer is not None and client.recv(8, socket.MSG_WAITALL) == TLS:
                self.asked += 1
                client.sendall(self.answer)
                client.recv(1)  # until it hangs up
                client.close()
                server.close()
                return
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            self._forward(server, client)

    @staticmethod
    def _forward(source, target):
        with contextlib.suppress(OSError):
            while got := source.recv(65536):
                target.sendall(got)
            target.shutdown(socket.SHUT_WR)


class HelloFlip(SelfFlip):
    """New is reached by a proxy."""

    proxy = None

    def conninfo(self, side):
        if self.proxy is None:
            self.proxy = Proxy(("127.0.0.2", self.old.port))
        plain = super().conninfo(side)
        return plain if side == "old" else plain.replace(f"port={self.old.port}", f"port={self.proxy.port}")

    def down(self):
        super().down()
        self.proxy.close()


@pytest.fixture(scope="module")
def secure(scratch):
    place = scratch()
    make_certificate(place)
    made = HelloFlip.make(place / "flip", tls=(place / "lab.crt", place / "lab.key"))
    yield made
    made.down()


@contextlib.contextmanager
def stranger(flip):
    with socket.create_connection(("127.0.0.1", flip.gateway_port), 10) as conn:
        yield conn


def startup(version=196608, **pairs):
    words = b"".join(text(word) for pair in pairs.items() for word in pair) + b"\0"
    return struct.pack(">II", 8 + len(words), version) + words


def rest(conn):
    got = b""
    while more := conn.recv(65536):
        got += more
    return got


def refusal(got):
    """What the only message says: a FATAL error's SQLSTATE and text."""
    assert got[:1] == b"E" and len(got) == 1 + struct.unpack(">I", got[1:5])[0], got
    fields = fields_of(got[5:])
    assert fields["S"] == "FATAL"
    return fields["C"], fields["M"]


def test_bytes_that_came_before_tls_are_not_taken_for_bytes_within_it(secure):
    """Somebody on the way could have put them there (CVE-2021-23214)."""
    with stranger(secure) as conn:
        conn.sendall(TLS + startup(user="shop_app", database="shop"))
        state, said = refusal(rest(conn))
        assert state == "08P01" and "unencrypted data" in said


@pytest.mark.parametrize("asked, answers", [((TLS, TLS), b"N"), ((GSS, GSS), b"N"), ((GSS, TLS, GSS), b"NN")])
def test_encryption_is_asked_for_once(flip, asked, answers):
    with stranger(flip) as conn:
        for request, answer in zip(asked, answers):
            conn.sendall(request)
            assert conn.recv(1) == bytes([answer])
        conn.sendall(asked[-1])
        assert "twice" in refusal(rest(conn))[1]


def test_gss_is_refused_and_tls_is_spoken_after_it(secure):
    context = ssl.create_default_context(cafile=secure.tls[0])
    with stranger(secure) as conn:
        conn.sendall(GSS)
        assert conn.recv(1) == b"N"
        conn.sendall(TLS)
        assert conn.recv(1) == b"S"
        with context.wrap_socket(conn, server_hostname="127.0.0.1") as inside:
            inside.sendall(startup(user="shop_app", database="another"))
            assert refusal(rest(inside))[0] == "3D000"


@pytest.mark.parametrize("minor, options", [(2, {}), (9999, {"_pq_.future": "on", "_pq_.another": ""})])
def test_a_newer_protocol_is_negotiated_down_as_a_server_does(flip, minor, options):
    """Clients read the answer: one that names no version of theirs ends the login."""
    said = []
    for port in (flip.old.port, flip.gateway_port):
        with socket.create_connection(("127.0.0.1", port), 10) as conn, conn.makefile("rb") as file:
            conn.sendall(startup(196608 + minor, user="shop_app", database="shop", **options))
            kind, length = struct.unpack("!cI", file.read(5))
            said.append((kind, file.read(length - 4), file.read(1)))
    assert said[0] == said[1]
    assert said[0][0] == b"v" and all(name.encode() in said[0][1] for name in options)


@pytest.mark.parametrize("asked, state, said", [
    (startup(user="shop_app", database="shop", replication="database"), "0A000", "replication"),
    (startup(user="shop_app", database="shop", session_preload_libraries="x"), "08P01", "session_preload_libraries"),
    (startup(database="shop"), "28000", "no PostgreSQL user name"),
    (struct.pack(">II", 8, 2 << 16), "0A000", "unsupported frontend protocol"),
], ids=["replication", "a parameter", "nobody", "protocol 2"])
def test_what_is_not_on_the_list_is_refused(flip, asked, state, said):
    with stranger(flip) as conn:
        conn.sendall(asked)
        heard = refusal(rest(conn))
        assert heard[0] == state and said in heard[1]


@pytest.mark.parametrize("size", [0, 7, 10001, 2**31, 2**32 - 1])
def test_a_first_packet_of_no_possible_length_is_not_waited_for(flip, size):
    with stranger(flip) as conn:
        conn.sendall(struct.pack(">I", size))
        assert rest(conn) == b""


@pytest.mark.parametrize("size", [0, 3, 4101, 2**31, 2**32 - 1])
def test_nobody_says_much_before_he_is_known(flip, size):
    with stranger(flip) as conn:
        conn.sendall(startup(user="shop_app", database="shop"))
        assert conn.recv(1) == b"R"
        length = struct.unpack(">I", conn.recv(4, socket.MSG_WAITALL))[0]
        conn.recv(length - 4, socket.MSG_WAITALL)
        conn.sendall(b"p" + struct.pack(">I", size))
        assert refusal(rest(conn)) == ("08P01", "invalid message length")


def test_a_query_before_the_proof_is_refused(flip):
    with stranger(flip) as conn:
        conn.sendall(startup(user="shop_app", database="shop") + message("Q", text("SELECT 1")))
        assert b"expected SASL response" in rest(conn)


@pytest.mark.parametrize("answer, said", [
    (b"SE\0\0\0\5x", "is no such answer"),  # it would be taken for what the server says within TLS
    (b"E", "is no such answer"),
    (b"N", "does not speak TLS"),
])
def test_a_servers_answer_to_the_request_for_tls_is_one_byte(secure, answer, said):
    dsn = secure.gateway_dsn("shop_app")
    with secure.control() as control:
        assert secure.turn(control) is not None and secure.side == "new"
        try:
            with psycopg.connect(dsn) as conn:  # the register's own connection is there now
                conn.execute("SELECT 1")
            before, secure.proxy.answer = secure.proxy.asked, answer
            with pytest.raises(psycopg.OperationalError, match=said):
                psycopg.connect(dsn).close()
            assert secure.proxy.asked > before
        finally:
            secure.proxy.answer = None
            assert secure.turn(control) is not None
