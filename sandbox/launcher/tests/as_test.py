"""`execd as`: a command under other numbers. Usage: as_test.py LAUNCHER"""

import os
import subprocess
import sys
import unittest

import harness

REPORT = "import os; print(os.getresuid(), os.getresgid(), sorted(os.getgroups()))"


class As(unittest.TestCase):
    def run_as(self, *arguments):
        return subprocess.run([sys.argv[1], "as", *arguments], capture_output=True, text=True)

    @unittest.skipUnless(os.geteuid() == 0, "only root may change users")
    def test_becomes_user_group_and_groups(self):
        done = self.run_as("1234:2345,3456", "--", "/usr/bin/python3", "-c", REPORT)
        self.assertEqual(done.stdout, "(1234, 1234, 1234) (2345, 2345, 2345) [2345, 3456]\n")

    @unittest.skipUnless(os.geteuid() == 0, "only root may change users")
    def test_passes_the_status_on(self):
        self.assertEqual(self.run_as("1:1", "--", "/bin/sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(self.run_as("1:1", "--", "/no/such").returncode, 127)
        self.assertEqual(self.run_as("1:1", "--", "/etc").returncode, 126)

    def test_refuses_what_is_no_number(self):
        for user in ["", "root", "1", "1:", ":1", "-1:1", "1:x", "1:1,", "4294967295:1", "1:99999999999999999999", "1:1" + ",1" * 64]:
            with self.subTest(user):
                done = self.run_as(user, "--", "true")
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("usage: execd as UID:GID", done.stderr)

    def test_refuses_a_missing_command(self):
        self.assertEqual(self.run_as("1:1").returncode, 2)
        self.assertEqual(self.run_as("1:1", "true").returncode, 2)


if __name__ == "__main__":
    harness.run("__main__")
