"""Runs the methods named test_* of unittest classes and ends with the line that every suite of the project ends with."""

import sys
import unittest


class _Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.buffer = False

    def addSuccess(self, test):
        super().addSuccess(test)
        print("ok   " + test.id().split(".", 1)[-1], flush=True)

    def _failed(self, test, err):
        print("FAIL " + test.id().split(".", 1)[-1], flush=True)
        print(self._exc_info_to_string(err, test), flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failed(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._failed(test, err)


def run(module):
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    result = _Result()
    suite.run(result)
    failed = len(result.failures) + len(result.errors)
    passed = result.testsRun - failed - len(result.skipped)
    for test, reason in result.skipped:
        print("skip " + test.id().split(".", 1)[-1] + ": " + reason)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)
