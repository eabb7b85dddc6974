"""PostgreSQL's protocol 3, message by message: what a test wants to say byte by byte, and hear whole."""

import base64
import hashlib
import hmac
import os
import secrets
import socket
import struct
import time

from server import LabError, PATIENCE


def message(kind, *parts):
    body = b"".join(parts)
    return kind.encode() + struct.pack(">I", len(body) + 4) + body


def text(value):
    return value.encode() + b"\0"


def short(*values):
    return struct.pack(f">{len(values)}H", *values)


def query(sql):
    return message("Q", text(sql))


def parse(sql, name="", types=()):
    return message("P", text(name), text(sql), short(len(types)), *(struct.pack(">I", oid) for oid in types))


def bind(name="", portal=""):
    return message("B", text(portal), text(name), short(0, 0, 0))


def describe(name=""):
    return message("D", b"S", text(name))


def execute(portal="", rows=0):
    return message("E", text(portal), struct.pack(">I", rows))


def close(name):
    return message("C", b"S", text(name))


def run(sql, name=""):
    """Parse, Bind, Execute, without Sync."""
    return parse(sql, name) + bind(name) + execute()


def call(oid, *arguments):
    given = b"".join(struct.pack(">I", len(a)) + a for a in arguments)
    return message("F", struct.pack(">I", oid), short(0, len(arguments)), given, short(0))


def data(row):
    return message("d", row)


SYNC, FLUSH, DONE, TERMINATE = message("S"), message("H"), message("c"), message("X")


def fail(reason="the test wants it so"):
    return message("f", text(reason))


class Scram:
    """The client's end of SCRAM-SHA-256 (RFC 5802, 7677), without channel binding."""

    def __init__(self, password):
        self.password, self.bare = password, f"n=,r={secrets.token_hex(9)}"

    def first(self):
        return f"n,,{self.bare}"

    def final(self, server_first):
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(fields["s"]),
                                     int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without = f"c=biws,r={fields['r']}"
        signed = hmac.digest(hashlib.sha256(client_key).digest(),
                             f"{self.bare},{server_first},{without}".encode(), "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signed))
        return f"{without},p={base64.b64encode(proof).decode()}"


class Wire:
    """One client. `messages` are what came since the login and was not taken: (type, body).

    source: an address of this host that it comes from."""

    def __init__(self, address, user, password, dbname, seconds=20, source="", **startup):
        self._socket = socket.create_connection(address, timeout=seconds * PATIENCE, source_address=(source, 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""
        self.parameters, self.key = {}, None
        self._login(user, password, {"user": user, "database": dbname, **startup})

    def _login(self, user, password, startup):
        pairs = b"".join(text(word) for pair in startup.items() for word in pair)
        body = struct.pack(">I", 196608) + pairs + b"\0"
        self.send(struct.pack(">I", len(body) + 4) + body)
        scram = Scram(password)
        while True:
            kind, body = self.next()
            if kind == "E":
                raise LabError(f"login of {user}: {error_of(body)}")
            if kind == "R":
                self._authenticate(scram, struct.unpack(">I", body[:4])[0], body[4:].decode())
            elif kind == "S":
                name, value = body.decode().split("\0")[:2]
                self.parameters[name] = value
            elif kind == "K":
                self.key = body
            elif kind == "Z":
                return

    def _authenticate(self, scram, code, rest):
        if code == 10:
            first = scram.first().encode()
            self.send(message("p", text("SCRAM-SHA-256"), struct.pack(">I", len(first)), first))
        elif code == 11:
            self.send(message("p", scram.final(rest).encode()))
        elif code not in (0, 12):
            raise LabError(f"authentication by method {code} is not what this client does")

    def port(self):
        """Where it comes from."""
        return self._socket.getsockname()[1]

    def send(self, message_bytes):
        self._socket.sendall(message_bytes)

    def send_in_pieces(self, message_bytes, cuts):
        """Each piece is sent when the other end has read the one before."""
        begin = 0
        for cut in [*cuts, len(message_bytes)]:
            if cut > begin:
                self.send(message_bytes[begin:cut])
                await_read(self._socket)
            begin = cut

    def next(self):
        """The next message: its type, its body."""
        while len(self._got) < 5 or len(self._got) < 1 + struct.unpack(">I", self._got[1:5])[0]:
            more = self._socket.recv(65536)
            if not more:
                raise LabError("the connection was closed")
            self._got += more
        size = 1 + struct.unpack(">I", self._got[1:5])[0]
        whole, self._got = self._got[:size], self._got[size:]
        return chr(whole[0]), whole[5:]

    def hear(self, count):
        return [self.next() for _ in range(count)]

    def shut(self):
        """Nothing more will be said; what comes is heard."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def await_read(sock, seconds=10):
    """Until the other end, on this machine too, has read all that was sent, or is gone."""
    own, peer = sock.getsockname()[1], sock.getpeername()[1]
    end = time.monotonic() + seconds * PATIENCE
    while queue_of(peer, own):
        if time.monotonic() > end:
            raise LabError(f"waited {seconds * PATIENCE} s in vain for the other end to read")
        os.sched_yield()


def queue_of(port, peer_port, peer="127.0.0.1"):
    """Bytes that the socket at 127.0.0.1:`port` with that peer has not read; 0 without such a socket.

    Asked of the kernel by netlink (sock_diag(7)): /proc/net/tcp would list all there are, each time."""
    own, other = (socket.inet_aton(address) + bytes(12) for address in ("127.0.0.1", peer))
    which = struct.pack(">HH", port, peer_port) + own + other + struct.pack("=III", 0, 2**32 - 1, 2**32 - 1)
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 2**32 - 1) + which
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as netlink:  # NETLINK_SOCK_DIAG
        netlink.send(struct.pack("=IHHII", 16 + len(request), 20, 1, 1, 0) + request)
        answer = netlink.recv(8192)
    kind = struct.unpack_from("=H", answer, 4)[0]
    return struct.unpack_from("=I", answer, 16 + 4 + len(which) + 4)[0] if kind == 20 else 0


def fields_of(body):
    return {chr(part[0]): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def error_of(body):
    fields = fields_of(body)
    return f"{fields.get('C')} {fields.get('M')}"
