"""Where and how the payload is unpacked, and `execd install`. Usage: unpack_test.py LAUNCHER"""

import fcntl
import os
import stat
import subprocess
import sys
import tempfile
import unittest

import harness
from daemon_fixture import HASH, PAYLOAD, TIME, DaemonTest

ROOT = os.geteuid() == 0
TREE = ".execd-" + HASH


class Unpack(DaemonTest):
    def test_beside_the_executable_with_modes_and_times(self):
        self.start()
        self.ask(do="tell")
        tree = os.path.join(self.home, TREE)
        self.assertEqual(stat.S_IMODE(os.stat(tree).st_mode), 0o755)
        self.assertEqual(stat.S_IMODE(os.stat(tree + "/bootstrap.sh").st_mode), 0o755)
        self.assertEqual(os.stat(tree + "/app/deep/big").st_mtime, TIME)
        self.assertEqual(os.path.getsize(tree + "/app/deep/big"), 1600000)
        self.assertEqual(os.path.getsize(tree + "/app/deep/empty"), 0)
        self.assertEqual(os.readlink(tree + "/app/link"), "deep/big")

    def test_a_narrow_umask_does_not_narrow_the_tree(self):
        before = os.umask(0o077)
        try:
            self.start()
        finally:
            os.umask(before)
        self.ask(do="tell")
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.home, TREE, "app")).st_mode) & 0o755, 0o755)

    def test_once(self):
        self.stop(self.start())
        inode = os.stat(os.path.join(self.home, TREE)).st_ino
        self.start()
        self.ask(do="tell")
        self.assertEqual(os.stat(os.path.join(self.home, TREE)).st_ino, inode)

    def test_many_at_once_leave_one(self):
        commands = [subprocess.Popen([self.execd, "install", self.home], env=self.environment) for _ in range(8)]
        self.assertEqual([command.wait(60) for command in commands], [0] * 8)
        self.assertEqual(self.hidden_in(self.home), [TREE])

    def test_what_a_killed_unpacking_left_is_removed_but_not_what_is_in_work(self):
        for name in ("dead", "busy"):
            os.makedirs("%s/%s.new-%s/app" % (self.home, TREE, name))
        busy = os.open("%s/%s.new-busy" % (self.home, TREE), os.O_RDONLY)
        fcntl.flock(busy, fcntl.LOCK_EX)
        self.start()
        self.ask(do="tell")
        os.close(busy)
        self.assertEqual(self.hidden_in(self.home), [TREE, TREE + ".new-busy"])

    def test_a_damaged_payload_leaves_nothing(self):
        with tempfile.NamedTemporaryFile() as damaged:
            with open(PAYLOAD, "rb") as payload:
                damaged.write(payload.read()[:-2000])
            damaged.flush()
            self.pack(damaged.name)
        with tempfile.TemporaryDirectory() as temporary:
            status, _, err = self.run_execd("install", self.home, TMPDIR=temporary)
        self.assertEqual((status, self.hidden_in(self.home)), (1, []))
        self.assertIn("Bad message", err)

    def start_in_namespace(self, mounts, **environment):
        """Starts execd after these mounts, which nobody else sees."""
        wrapper = os.path.join(self.home, "wrapper")
        with open(wrapper, "w") as script:
            script.write("#!/bin/sh\n[ -n \"$INSIDE\" ] || INSIDE=1 exec unshare -m \"$0\" \"$@\"\n%s\nexec %s \"$@\"\n" % (mounts, self.execd))
        os.chmod(wrapper, 0o755)
        return self.start(executable=wrapper, **environment)

    @unittest.skipUnless(ROOT, "needs root, to mount")
    def test_a_read_only_place_is_passed_over(self):
        with tempfile.TemporaryDirectory() as temporary:
            self.start_in_namespace("mount --bind {0} {0} && mount -o remount,bind,ro {0}".format(self.home), TMPDIR=temporary)
            self.ask(do="tell")
            self.assertEqual((self.hidden_in(self.home), self.hidden_in(temporary)), ([], [TREE]))

    @unittest.skipUnless(ROOT, "needs root, to mount")
    def test_a_noexec_place_is_passed_over_even_with_a_tree_in_it(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as temporary, tempfile.TemporaryDirectory() as other:
            os.mkdir(os.path.join(temporary, TREE))
            noexec = "mount --bind {0} {0} && mount -o remount,bind,noexec {0}".format(temporary)
            read_only = "mount --bind {0} {0} && mount -o remount,bind,ro {0}".format(self.home)
            self.start_in_namespace(noexec + " && " + read_only + " && mount --bind %s /tmp" % other, TMPDIR=temporary)
            self.ask(do="tell")
            self.assertEqual(self.hidden_in(other), [TREE])

    @unittest.skipUnless(ROOT, "needs root, to mount")
    def test_without_any_place_it_says_where_it_looked(self):
        places = "for d in /tmp /dev/shm /run /var/tmp; do mount -t tmpfs -o ro x $d || exit 9; done"
        home = tempfile.mkdtemp(dir="/opt")
        self.addCleanup(subprocess.run, ["rm", "-rf", home])
        subprocess.run(["cp", self.execd, home], check=True)
        script = "%s; mount --bind %s %s && mount -o remount,bind,ro %s; exec %s/execd --port %d" % (places, home, home, home, home, self.port)
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("execd: no place to unpack the runtime to; %s: Read-only file system; /tmp: Read-only" % home, done.stderr)

    def test_another_s_directory_is_not_trusted(self):
        if not ROOT:
            self.skipTest("needs root, to give files away")
        os.makedirs(os.path.join(self.home, TREE))
        os.chown(os.path.join(self.home, TREE), 1234, 1234)
        with tempfile.TemporaryDirectory() as temporary:
            self.start(TMPDIR=temporary)
            self.ask(do="tell")
            self.assertEqual(self.hidden_in(temporary), [TREE])

    def test_a_directory_that_others_may_write_is_not_trusted(self):
        os.makedirs(os.path.join(self.home, TREE))
        os.chmod(os.path.join(self.home, TREE), 0o777)
        with tempfile.TemporaryDirectory() as temporary:
            self.start(TMPDIR=temporary)
            self.ask(do="tell")
            self.assertEqual(self.hidden_in(temporary), [TREE])


class Install(DaemonTest):
    def test_puts_everything_in_place(self):
        target = os.path.join(self.home, "a", "b")
        self.assertEqual(self.run_execd("install", target), (0, "", ""))
        self.assertEqual(sorted(os.listdir(target)), [TREE, "bootstrap.sh", "execd"])
        self.assertEqual([stat.S_IMODE(os.stat(target + "/" + name).st_mode) for name in ("execd", "bootstrap.sh")], [0o755, 0o755])
        self.start(executable=target + "/execd")
        self.assertEqual(self.ask(do="run", argv=["/bin/echo", "hi"])["out"], "hi\n")

    def test_twice_is_the_same(self):
        target = os.path.join(self.home, "a")
        self.assertEqual([self.run_execd("install", target)[0] for _ in range(2)], [0, 0])
        self.assertEqual(sorted(os.listdir(target)), [TREE, "bootstrap.sh", "execd"])

    def test_the_script_beside_it_wins(self):
        with open(os.path.join(self.home, "bootstrap.sh"), "w") as script:
            script.write("mine")
        target = os.path.join(self.home, "a")
        self.run_execd("install", target)
        with open(target + "/bootstrap.sh") as script:
            self.assertEqual(script.read(), "mine")

    def test_a_running_one_is_replaced(self):
        self.start()
        self.ask(do="tell")
        self.assertEqual(self.run_execd("install", self.home)[0], 0)

    def test_a_place_that_is_none(self):
        status, _, err = self.run_execd("install", self.execd)
        self.assertEqual((status, err), (1, 'execd: cannot install to "%s": Not a directory\n' % self.execd))

    def test_usage(self):
        self.assertEqual(self.run_execd("install")[0], 2)


if __name__ == "__main__":
    harness.run("__main__")
