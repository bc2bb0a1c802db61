"""An execd whose payload is a fake JVM, in a directory of its own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from harness import DEADLINE, eventually, free_port

LAUNCHER = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
PACK = os.path.join(HERE, "..", "package", "pack.py")
HASH = "0123456789abcdef"
TIME = 1767225600


def make_payload(directory):
    """A payload whose launch.args start the fake JVM. Returns its path."""
    tree = os.path.join(directory, "tree")
    os.makedirs(os.path.join(tree, "app", "deep"))
    shutil.copy(os.path.join(HERE, "fake_jvm.py"), os.path.join(tree, "app"))
    files = {
        "launch.args": "%s\n{tree}/app/fake_jvm.py\n{broker}\n" % sys.executable,
        "bootstrap.sh": "#!/bin/sh\n",
        "app/deep/empty": "",
        "app/deep/big": "0123456789abcdef" * 100000,
    }
    for name, content in files.items():
        with open(os.path.join(tree, name), "w") as file:
            file.write(content)
    os.symlink("deep/big", os.path.join(tree, "app", "link"))
    os.chmod(os.path.join(tree, "bootstrap.sh"), 0o755)
    payload = os.path.join(directory, "payload")
    names = "find . -mindepth 1 -printf '%P\\n' | sort"
    tar = "tar --create --format=ustar --no-recursion --mtime=@%d --files-from=- | zstd -q -o %s" % (TIME, payload)
    subprocess.run("%s | %s" % (names, tar), shell=True, check=True, cwd=tree)
    return payload


_payload_directory = tempfile.TemporaryDirectory()
PAYLOAD = make_payload(_payload_directory.name)


def status_of(pid, key):
    with open("/proc/%d/status" % pid) as status:
        return next(line for line in status if line.startswith(key + ":")).split()[1]


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
        return [int(child) for child in children.read().split()]


class DaemonTest(unittest.TestCase):
    def setUp(self):
        # Not below /tmp, which some tests cover with a mount.
        temporary = tempfile.TemporaryDirectory(dir="/var/tmp")
        self.addCleanup(temporary.cleanup)
        self.home = os.path.join(temporary.name, "home")
        os.mkdir(self.home)
        self.execd = os.path.join(self.home, "execd")
        self.starts = os.path.join(temporary.name, "starts")
        self.environment = {"PATH": os.environ["PATH"], "FAKE_JVM_LIBRARY": HERE, "FAKE_JVM_STARTS": self.starts}
        self.port = free_port()
        self.pack(PAYLOAD)

    def pack(self, payload):
        subprocess.run([sys.executable, PACK, LAUNCHER, payload, HASH, self.execd], check=True)

    def start(self, *arguments, executable=None, flag="--port {}", **environment):
        """Starts execd and returns when the port is bound, or execd has ended."""
        command = [executable or self.execd, *flag.format(self.port).split(), *arguments]
        process = subprocess.Popen(command, env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        eventually(lambda: process.poll() is not None or self.is_bound(), "execd binds its port")
        return process

    def is_bound(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE)
        process.stdout.close()
        process.stderr.close()

    def run_execd(self, *arguments, **environment):
        """Runs it to its end and returns (status, stdout, stderr)."""
        done = subprocess.run([self.execd, *arguments], env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE)
        return done.returncode, done.stdout, done.stderr

    def ask(self, **order):
        """Sends an order to the fake JVM and returns its answer, None when it ended without one."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as connection, connection.makefile("rw") as stream:
            stream.write(json.dumps(order) + "\n")
            stream.flush()
            try:
                line = stream.readline()
            except ConnectionResetError:
                return None
            return json.loads(line) if line else None

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        return process.wait(DEADLINE)

    def start_times(self):
        with open(self.starts) as starts:
            return [float(line) for line in starts]

    def stderr_until(self, process, pattern):
        """Reads stderr until a line matches."""
        for line in process.stderr:
            if re.search(pattern, line):
                return line
        self.fail("stderr ended without %r" % pattern)

    def hidden_in(self, directory):
        return sorted(name for name in os.listdir(directory) if name.startswith(".execd-") and not name.endswith(".sock"))
