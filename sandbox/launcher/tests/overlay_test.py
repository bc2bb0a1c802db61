"""`execd overlay`: mounts over directories for one command. Usage: overlay_test.py LAUNCHER"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness

NOBODY = 65534


class Overlay(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(dir="/tmp")
        self.addCleanup(self.remove)
        os.chmod(self.base, 0o777)
        self.launcher = shutil.copy(sys.argv[1], os.path.join(self.base, "execd"))
        self.folder = self.make("folder", 0o777)
        self.lower = self.make("odd, name: \\ of it", 0o751)
        with open(os.path.join(self.lower, "old"), "w") as file:
            file.write("old")

    def make(self, name, mode):
        path = os.path.join(self.base, name)
        os.mkdir(path)
        os.chmod(path, mode)
        return path

    def remove(self):
        subprocess.run(["chmod", "-R", "u+rwx", self.base], check=False)
        shutil.rmtree(self.base)

    def run_overlay(self, mode, size, script, **options):
        command = [self.launcher, "overlay", mode, str(size), self.folder, self.lower, "--", "/bin/sh", "-ec", script, "sh", self.folder]
        return subprocess.run(command, capture_output=True, text=True, **options)

    def check(self, mode, size, **options):
        done = self.run_overlay(mode, size, 'cd "$1/merged"; cat old; rm old; touch new; stat -c %a .; ls; cd ../store/upper; stat -c %F,%t,%T old', **options)
        if done.returncode == 125:
            self.skipTest(done.stderr)
        self.assertEqual((done.stderr, done.stdout), ("", "old751\nnew\ncharacter special file,0,0\n"))
        self.assertEqual(os.listdir(self.lower), ["old"])
        self.assertEqual(os.listdir(os.path.join(self.folder, "merged")), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root may mount")
    def test_memory_as_root(self):
        self.check("root", 1 << 20)
        self.assertEqual(os.listdir(os.path.join(self.folder, "store")), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root may mount")
    def test_disk_as_root(self):
        self.check("root", 0)
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder, "store/upper"))), ["new", "old"])

    def test_memory_in_a_user_namespace(self):
        os.chmod(self.lower, 0o777)
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        done = self.run_overlay("user", 1 << 20, 'id -u; cd "$1/merged"; rm old; touch new; ls', **options)
        if done.returncode == 125:
            self.skipTest(done.stderr)
        self.assertEqual((done.stderr, done.stdout), ("", "%d\nnew\n" % (NOBODY if options else os.geteuid())))

    def test_passes_the_status_on(self):
        done = subprocess.run([self.launcher, "overlay", "user", "--", "/bin/sh", "-c", "exit 7"], capture_output=True, text=True)
        self.assertIn(done.returncode, (7, 125), done.stderr)

    def test_says_what_failed(self):
        done = subprocess.run([self.launcher, "overlay", "user", "0", "/no/such", "/tmp", "--", "true"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 125)
        self.assertIn("execd overlay: cannot ", done.stderr)

    def test_refuses_bad_usage(self):
        for arguments in [[], ["root"], ["nobody", "--", "true"], ["root", "--"], ["root", "0", "/a", "--", "true"], ["root", "x", "/a", "/b", "--", "true"]]:
            with self.subTest(arguments):
                done = subprocess.run([self.launcher, "overlay", *arguments], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (2, ""))


if __name__ == "__main__":
    harness.run("__main__")
