"""Runs the methods named test_* of unittest classes and ends with the line that every suite of the project ends with."""

import os
import random
import select
import socket
import sys
import time
import unittest

# Of every wait. Far more than is needed, for a machine that does much else.
DEADLINE = 60


def free_port():
    """A port that nobody has bound, below those that the kernel gives to connections: nobody takes it meanwhile."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


def eventually(condition, what):
    """Asks until the condition holds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it never came that " + what)
        time.sleep(0.005)


def wait_gone(pid):
    """Waits until the process has ended; at once when it is gone already."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], DEADLINE)[0])
    finally:
        os.close(fd)


class _Result(unittest.TestResult):
    def addSuccess(self, test):
        super().addSuccess(test)
        print("ok   " + test.id().split(".", 1)[-1], flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print("skip " + test.id().split(".", 1)[-1] + ": " + reason, flush=True)

    def _failed(self, test, err):
        print("FAIL " + test.id().split(".", 1)[-1], flush=True)
        print(self._exc_info_to_string(err, test), flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failed(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._failed(test, err)


def _count(suite):
    """Runs a suite and returns (passed, failed)."""
    result = _Result()
    suite.run(result)
    failed = len(result.failures) + len(result.errors)
    return result.testsRun - failed - len(result.skipped), failed


def _in_processes(suites):
    """Runs each suite in a process of its own and returns the sums; the output comes suite by suite."""
    children = []
    for suite in suites:
        read, write = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.dup2(write, 1)
            passed, failed = _count(suite)
            print("%d %d" % (passed, failed), flush=True)
            sys.stdout.flush()
            # Without the clean-up of what the parent still uses.
            os._exit(0)
        os.close(write)
        children.append((pid, read))
    passed = failed = 0
    for pid, read in children:
        with os.fdopen(read) as output:
            *lines, counts = output.read().splitlines() or ["1 0"]
        print("\n".join(lines))
        crashed = os.waitpid(pid, 0)[1] != 0
        passed += 0 if crashed else int(counts.split()[0])
        failed += 1 if crashed else int(counts.split()[1])
    return passed, failed


def run(module, processes=False):
    """Runs all tests of a module; with `processes`, its classes side by side."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    passed, failed = _in_processes(list(suite)) if processes else _count(suite)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)
