"""The packaged execd, in a root directory without anything else. Usage: package_test.py EXECD"""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests"))
import harness
from harness import DEADLINE, eventually, free_port

EXECD = os.path.abspath(sys.argv[1])
PACKAGE = os.path.join(HERE, "..", "..", "..", "scripts", "package-execd")
MIB = 1 << 20


def status_kib(pid, key):
    with open("/proc/%d/status" % pid) as status:
        return int(next(line for line in status if line.startswith(key + ":")).split()[1])


class Package(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, for chroot and mounts")
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = temporary.name
        os.chmod(self.root, 0o755)
        for name in ("proc", "dev", "tmp", "opt/opensandbox"):
            os.makedirs(os.path.join(self.root, name))
        os.mknod(self.root + "/dev/null", 0o666 | 0o020000, os.makedev(1, 3))
        os.chmod(self.root + "/dev/null", 0o666)
        os.chmod(self.root + "/tmp", 0o1777)
        shutil.copy(EXECD, self.root + "/opt/opensandbox/execd")
        self.port = free_port()

    def start(self, *command, user=0, **environment):
        """Runs a program of the root directory, which has /proc and nothing else mounted."""
        enter = 'mount --bind /proc "$0/proc" && exec chroot --userspec=%d:%d "$0" "$@"' % (user, user)
        process = subprocess.Popen(["unshare", "-m", "/bin/sh", "-c", enter, self.root, *command], stdin=subprocess.DEVNULL,
                                   env={"PATH": os.environ["PATH"], **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_execd(self, **options):
        process = self.start("/opt/opensandbox/execd", "--port", str(self.port), **options)
        eventually(lambda: process.poll() is not None or self.is_bound(), "execd binds its port")
        if process.poll() is not None:
            self.fail("it ended: " + process.stdout.read())
        return process

    def is_bound(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ping(self):
        return self.get("/ping")

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status

    def jvm_of(self, launcher):
        with open("/proc/%d/task/%d/children" % (launcher.pid, launcher.pid)) as children:
            return int(children.read().split()[0])

    def test_is_at_most_25_mib(self):
        self.assertLessEqual(os.path.getsize(EXECD), 25 * MIB)

    def test_answers_in_an_empty_root(self):
        process = self.start_execd()
        self.assertEqual(self.ping(), 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_the_user_s_java_and_loader_settings_do_not_matter(self):
        process = self.start_execd(JAVA_TOOL_OPTIONS="-XX:NoSuchFlag", JDK_JAVA_OPTIONS="-nonsense", LD_PRELOAD="/nowhere.so", LANG="xx_YY")
        self.assertEqual(self.ping(), 200)
        process.send_signal(signal.SIGTERM)
        self.assertNotIn("Picked up", process.communicate(timeout=DEADLINE)[0])

    def test_the_runtime_warns_of_nothing(self):
        process = self.start_execd()
        # The one route that calls the kernel from Java.
        self.assertEqual(self.get("/v1/filesystem/65534/65534/files/info?path=/tmp"), 200)
        process.send_signal(signal.SIGTERM)
        self.assertNotIn("WARNING", process.communicate(timeout=DEADLINE)[0])

    def test_the_cache_is_accepted_where_it_was_unpacked(self):
        self.start_execd()
        self.ping()
        tree = next(name for name in os.listdir(self.root + "/opt/opensandbox") if re.fullmatch(r"\.execd-[0-9a-f]{16}", name))
        tree = "/opt/opensandbox/" + tree
        with open(self.root + tree + "/launch.args") as file:
            command = [line.replace("{tree}", tree).replace("{broker}", "/none") for line in file.read().splitlines()]
        # With `on`, a cache that does not fit is an error and not a slow start.
        at = next(i for i, argument in enumerate(command) if argument.startswith("-XX:AOTCache="))
        command[at:at] = ["-XX:AOTMode=on"]
        process = self.start(*command[:-1], "--version")
        self.assertIn("openjdk 25", process.communicate(timeout=DEADLINE)[0])
        self.assertEqual(process.returncode, 0)

    def test_idle_memory(self):
        process = self.start_execd()
        self.ping()
        self.assertLess(status_kib(process.pid, "VmRSS"), 2048)
        self.assertLess(status_kib(self.jvm_of(process), "VmRSS"), 50 * 1024)

    def test_works_for_a_user_who_may_not_write_beside_it(self):
        self.start_execd(user=65534)
        self.assertEqual(self.ping(), 200)
        self.assertTrue([name for name in os.listdir(self.root + "/tmp") if re.fullmatch(r"\.execd-[0-9a-f]{16}", name)])

    def test_packaging_again_changes_nothing(self):
        before = os.stat(EXECD)
        subprocess.run([PACKAGE], check=True, stdout=subprocess.DEVNULL)
        after = os.stat(EXECD)
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))


if __name__ == "__main__":
    harness.run("__main__")
