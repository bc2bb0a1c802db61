"""`execd zstd` and `execd unzstd`. Usage: filter_test.py LAUNCHER"""

import os
import random
import subprocess
import sys
import unittest

import harness


def run(mode, content):
    return subprocess.run([sys.argv[1], mode], input=content, capture_output=True)


class Filter(unittest.TestCase):
    def test_gives_back_what_it_took(self):
        noise = random.Random(1).randbytes(3_000_000)
        for content in [b"", b"x", b"text\n" * 1_000_000, noise, os.urandom(131072)]:
            with self.subTest(len(content)):
                packed = run("zstd", content)
                self.assertEqual((packed.returncode, packed.stderr), (0, b""))
                self.assertEqual(run("unzstd", packed.stdout).stdout, content)

    def test_speaks_to_zstd(self):
        content = b"text\n" * 100_000
        packed = run("zstd", content).stdout
        self.assertLess(len(packed), 1000)
        self.assertEqual(subprocess.run(["zstd", "-dc"], input=packed, capture_output=True).stdout, content)
        theirs = subprocess.run(["zstd", "-19", "-c"], input=content, capture_output=True).stdout
        self.assertEqual(run("unzstd", theirs + theirs).stdout, content + content)

    def test_says_what_is_damaged(self):
        packed = run("zstd", b"text\n" * 100_000).stdout
        flipped = packed[:-3] + bytes([packed[-3] ^ 1]) + packed[-2:]
        for damaged in [b"", b"no zstd at all", packed[:-1], packed[:10], flipped]:
            with self.subTest(damaged[:20]):
                done = run("unzstd", damaged)
                self.assertEqual(done.returncode, 1)
                self.assertNotEqual(done.stderr, b"")

    def test_ends_when_nobody_reads(self):
        process = subprocess.Popen([sys.argv[1], "zstd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        with self.assertRaises(BrokenPipeError):
            while True:
                process.stdin.write(os.urandom(1 << 20))
        self.assertNotEqual(process.wait(60), 0)
        process.stderr.close()


if __name__ == "__main__":
    harness.run("__main__")
