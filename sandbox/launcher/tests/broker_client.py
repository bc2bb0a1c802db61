"""A client of the broker (PROTOCOL.md), as small as it gets."""

import os
import signal
import socket
import struct
import subprocess
import tempfile

from harness import DEADLINE

TERMINAL, STDIN_PIPE, STDERR_TO_STDOUT, KILL_LEFTOVERS = 1, 2, 4, 8


def field(tag, data):
    return struct.pack(">BI", tag, len(data)) + data


def u32(value):
    return struct.pack(">I", value)


class Broker:
    """`execd broker` in a directory of its own."""

    def __init__(self, launcher):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "broker.sock")
        self.server = subprocess.Popen([launcher, "broker", "--socket", self.path], stdout=subprocess.PIPE)
        if self.server.stdout.readline() != b"ready\n":
            raise AssertionError("the broker did not start")

    def close(self):
        self.server.send_signal(signal.SIGTERM)
        status = self.server.wait(DEADLINE)
        self.server.stdout.close()
        self.directory.cleanup()
        return status

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(DEADLINE)
        connection.connect(self.path)
        return Process(connection)

    def notify(self, pid, number, target=0):
        """Signals a process from a connection of its own; returns when the broker has done it."""
        other = self.connect()
        other.send("N", struct.pack(">IiB", pid, number, target))
        if other.next_frame() is not None:
            raise AssertionError("an answer to N")
        other.connection.close()

    def spawn(self, *argv, **options):
        process = self.connect()
        process.spawn(*argv, **options)
        return process

    def run(self, *argv, **options):
        return self.spawn(*argv, **options).finish()


class Ended:
    """Everything a process said until its last frame."""

    def __init__(self):
        self.frames = []
        self.pid = self.error = self.code = self.signal = self.core = self.peak = None
        self.data = {"O": b"", "R": b"", "T": b""}

    out = property(lambda self: self.data["O"])
    err = property(lambda self: self.data["R"])
    state = property(lambda self: self.data["T"])


class Process:
    def __init__(self, connection):
        self.connection = connection
        self.received = b""
        self.ended = Ended()

    def send(self, kind, payload=b""):
        self.connection.sendall(kind.encode() + u32(len(payload)) + payload)

    def spawn(self, *argv, env=("PATH=/usr/bin:/bin",), cwd=None, uid=None, gid=None, groups=(), flags=0, size=None,
              limits=(), oom=None, state=None, inputs=()):
        fields = b"".join(field(1, os.fsencode(a)) for a in argv) + b"".join(field(2, os.fsencode(e)) for e in env)
        if cwd is not None:
            fields += field(3, os.fsencode(cwd))
        if uid is not None:
            fields += field(4, u32(uid))
        if gid is not None:
            fields += field(5, u32(gid))
        fields += b"".join(field(6, u32(g)) for g in groups) + field(7, u32(flags))
        if size is not None:
            fields += field(8, struct.pack(">HH", *size))
        fields += b"".join(field(9, struct.pack(">IQQ", *limit)) for limit in limits)
        if oom is not None:
            fields += field(10, struct.pack(">i", oom))
        if state is not None:
            fields += field(11, u32(state))
        fields += b"".join(field(12, u32(fd) + data) for fd, data in inputs)
        self.send("S", fields)

    def send_until_stuck(self, most):
        """Sends input, whole frames but for the last, until the broker takes no more; returns how much it took."""
        frame = b"I" + u32(60000) + bytes(60000)
        self.connection.setblocking(False)
        sent = 0
        try:
            while sent < most:
                sent += self.connection.send(frame[sent % len(frame):])
        except BlockingIOError:
            pass
        self.connection.settimeout(DEADLINE)
        return sent

    def kill(self, number, target=0):
        self.send("K", struct.pack(">iB", number, target))

    def _read_exactly(self, count):
        while len(self.received) < count:
            chunk = self.connection.recv(1 << 16)
            if not chunk:
                return None
            self.received += chunk
        data, self.received = self.received[:count], self.received[count:]
        return data

    def next_frame(self):
        """The next frame as (type, payload), or None at the end of the connection."""
        header = self._read_exactly(5)
        if header is None:
            return None
        kind, length = chr(header[0]), struct.unpack(">I", header[1:])[0]
        payload = self._read_exactly(length)
        self._note(kind, payload)
        return kind, payload

    def _note(self, kind, payload):
        ended = self.ended
        ended.frames.append(kind)
        if kind == "P":
            ended.pid = struct.unpack(">I", payload)[0]
        elif kind == "X":
            ended.error = (struct.unpack(">i", payload[:4])[0], payload[4:].decode())
        elif kind == "D":
            code, ended.signal, core, ended.peak = struct.unpack(">iiBQ", payload)
            ended.code, ended.core = code, bool(core)
        elif kind in ended.data:
            assert 0 < len(payload) <= 65536
            ended.data[kind] += payload

    def read_until(self, kind, text):
        """Reads frames until the data of this kind contain the text."""
        while text not in self.ended.data[kind]:
            if self.next_frame() is None:
                raise AssertionError("ended before %r came: %r" % (text, self.ended.data))

    def started(self):
        while self.ended.pid is None:
            if self.next_frame() is None:
                raise AssertionError("not started: %r" % (self.ended.error,))
        return self.ended.pid

    def finish(self):
        while self.next_frame() is not None:
            continue
        self.connection.close()
        return self.ended
