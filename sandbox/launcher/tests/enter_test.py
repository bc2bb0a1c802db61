"""`execd enter`: starts a prepared sandbox; scripts in the places of bubblewrap and svlogd tell what they got. Usage: enter_test.py LAUNCHER"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness
from harness import DEADLINE, eventually

WRITER = "#!/bin/sh\nexec cat >log.txt\n"
# As bubblewrap: the number of the first process to 3, the exit status to 5, and 3 closed before the program begins.
BWRAP = """#!/bin/sh
echo "arguments: $*"
echo "prepared: $(tr '\\0' ' ' <&4)filter: $(cat <&6)"
echo started >&3
exec 3>&-
while [ "$1" != -- ]; do shift; done
shift
"$@"
echo "status $?" >&5
echo the end
"""


@unittest.skipUnless(os.geteuid() == 0, "only root may mount")
class Enter(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(dir="/tmp")
        self.addCleanup(shutil.rmtree, self.base)
        self.launcher = shutil.copy(sys.argv[1], os.path.join(self.base, "execd"))
        self.box = os.path.join(self.base, "sandboxes", "one")
        for name in ("run", "root/sys", "files/upper/0/new", "files/work/0", "lower/sys"):
            os.makedirs(os.path.join(self.box, name))
        for name, text in (("svlogd", WRITER), ("bwrap", BWRAP), ("seccomp", "the filter")):
            self.write(os.path.join(self.base, "bin", name), text)
            os.chmod(os.path.join(self.base, "bin", name), 0o755)
        self.write("run/args", "--one\0--two\0")
        self.write("run/cgroups", "")
        self.write("run/mounts", "overlay userxattr,lowerdir=lower,upperdir=files/upper/0,workdir=files/work/0 root\n")

    def write(self, name, text):
        path = os.path.join(self.box, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def read(self, name):
        try:
            with open(os.path.join(self.box, name)) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def enter(self, *command, network="/proc/self/ns/net"):
        path = os.path.join(self.base, "bin") + ":" + os.environ["PATH"]
        return subprocess.run([self.launcher, "enter", network, "--", *command], cwd=self.box, env={"PATH": path}, timeout=DEADLINE,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def logged(self, text):
        eventually(lambda: text in self.read("log.txt"), '"%s" is logged' % text)
        return self.read("log.txt")

    def test_hands_on_what_was_prepared(self):
        self.assertEqual(self.enter("echo", "it", "runs").returncode, 0)
        log = self.logged("the end")
        self.assertEqual(log, "arguments: --args 4 --seccomp 6 --info-fd 3 --json-status-fd 5 -- echo it runs\n"
                              "prepared: --one --two filter: the filter\nit runs\nthe end\n")
        self.assertEqual(self.read("run/status"), "status 0\n")

    def test_returns_while_the_sandbox_runs(self):
        fifo = os.path.join(self.base, "fifo")
        os.mkfifo(fifo)
        self.assertEqual(self.enter("cat", fifo).returncode, 0)
        self.assertEqual(self.read("run/status"), "")
        with open(fifo, "w") as file:
            file.write("told to end\n")
        self.assertIn("told to end\n", self.logged("the end"))

    def test_mounts_are_seen_in_the_sandbox_only(self):
        with open(os.path.join(self.box, "run/mounts"), "a") as mounts:
            mounts.write("sysfs sysfs root/sys\ntmpfs tmpfs root/sys/fs/cgroup\n")
            mounts.write("bind %s root/sys/fs/cgroup/mine\nseal - root/sys/fs/cgroup\n" % self.base)
        script = "ls root root/sys/fs/cgroup; touch root/x root/sys/fs/cgroup/x root/sys/fs/cgroup/mine/x; cat root/sys/fs/cgroup/mine/bin/seccomp"
        self.enter("sh", "-c", script)
        log = self.logged("the end")
        self.assertIn("root:\nnew\nsys\n\nroot/sys/fs/cgroup:\nmine\n", log)
        self.assertIn("root/sys/fs/cgroup/x': Read-only", log)
        self.assertIn("root/sys/fs/cgroup/mine/x': Read-only", log)
        self.assertIn("the filter", log)
        self.assertEqual(os.listdir(os.path.join(self.box, "root")), ["sys"])
        self.assertIn("x", os.listdir(os.path.join(self.box, "files/upper/0")))

    def test_what_is_dropped_is_not_mounted_any_more(self):
        place = os.path.join(self.base, "place")
        os.mkdir(place)
        with open(os.path.join(self.box, "run/mounts"), "a") as mounts:
            mounts.write("tmpfs tmpfs %s\nbind %s %s/below\ndrop - %s\ndrop - %s\ndrop - /nowhere\n" % (place, self.box, place, place, place))
        self.enter("grep", "-c", place, "/proc/self/mountinfo")
        self.assertIn("\n0\n", self.logged("the end"))

    def test_devices_cannot_be_changed(self):
        before = os.stat("/dev/full").st_mode
        self.enter("sh", "-c", "chmod 666 /dev/full; chmod 666 /proc/self/fd/0; echo x >/dev/null && echo written")
        log = self.logged("the end")
        self.assertEqual(log.count("Read-only file system"), 2, log)
        self.assertIn("written", log)
        self.assertEqual(os.stat("/dev/full").st_mode, before)

    def test_volumes_are_held_with_what_is_below_and_only_in_the_sandbox(self):
        place, odd = os.path.join(self.base, "place"), "place/odd\nname and more"
        os.makedirs(os.path.join(self.base, odd))
        self.write(os.path.join(self.base, odd, "file"), "in the volume")
        self.write(os.path.join(self.base, "single"), "a file")
        self.write("run/volumes", "".join(os.path.join(self.base, name) + "\0" for name in (odd, "single")))
        with open(os.path.join(self.box, "run/mounts"), "a") as mounts:
            mounts.write("drop - %s\n" % place)
        self.enter("sh", "-c", "cat run/volume-0/file; echo; cat run/volume-1; echo new >run/volume-0/new")
        self.assertIn("in the volume\na file", self.logged("the end"))
        self.assertEqual(self.read(os.path.join(self.base, odd, "new")), "new\n")
        self.assertEqual(os.listdir(os.path.join(self.box, "run/volume-0")), [])

    def test_volumes_behind_links_are_not_held(self):
        os.makedirs(os.path.join(self.base, "outside/below"))
        os.symlink(os.path.join(self.base, "outside"), os.path.join(self.base, "link"))
        for name in ("link", "link/below"):
            with self.subTest(name):
                self.write("run/volumes", os.path.join(self.base, name) + "\0")
                self.assertEqual(self.enter("true").returncode, 0)
                self.assertNotIn("arguments", self.logged("execd enter: cannot open %s/%s: " % (self.base, name)))

    def test_processes_are_limited(self):
        self.write("run/processes", "4321\n")
        self.enter("grep", "Max processes", "/proc/self/limits")
        self.assertRegex(self.logged("the end"), r"Max processes +4321 +4321 ")

    def test_what_cannot_be_done_is_logged_and_nothing_started(self):
        for name, text, message in (("run/mounts", "overlay lowerdir=/nowhere root\n", "execd enter: cannot mount root: "),
                                    ("run/mounts", "garbage\n", "execd enter: cannot mount garbage: Invalid argument"),
                                    ("run/cgroups", "/nowhere\n", "execd enter: cannot join /nowhere: No such file or directory")):
            with self.subTest(text):
                before = self.read(name)
                self.write(name, text)
                self.assertEqual(self.enter("true").returncode, 0)
                self.assertNotIn("arguments", self.logged(message))
                self.write(name, before)

    def test_a_network_that_is_not_there(self):
        self.assertEqual(self.enter("true", network="/nowhere/at-all").returncode, 0)
        self.assertEqual(self.logged("\n"), "execd enter: cannot enter the network /nowhere/at-all: No such file or directory\n")

    def test_bad_usage(self):
        done = subprocess.run([self.launcher, "enter", "network"], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual((done.returncode, done.stderr), (2, "usage: execd enter NETWORK -- CMD...\n"))


if __name__ == "__main__":
    harness.run("__main__")
