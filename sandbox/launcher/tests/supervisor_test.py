"""The daemon around the JVM: start, restart, hibernation, end, environment. Usage: supervisor_test.py LAUNCHER"""

import os
import signal
import socket
import subprocess
import sys
import time
import unittest

import harness
from daemon_fixture import DaemonTest, children_of, status_of
from harness import DEADLINE, eventually, wait_gone

CLONE3 = "import ctypes,os; c=ctypes.CDLL(None,use_errno=True); c.syscall(435,None,0); print(os.strerror(ctypes.get_errno()))"


class Start(DaemonTest):
    def test_the_jvm_gets_the_socket_and_all_arguments(self):
        self.start("--log-level", "7")
        self.assertEqual(self.ask(do="tell")["args"], ["--port", str(self.port), "--log-level", "7"])

    def test_processes_start_through_the_broker(self):
        self.start()
        self.assertEqual(self.ask(do="run", argv=["/bin/echo", "hi"])["out"], "hi\n")

    def test_only_the_jvm_may_use_the_broker(self):
        self.start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
            stranger.connect(self.ask(do="tell")["broker"])
            self.assertEqual(stranger.recv(1), b"")

    def test_port_with_one_dash_and_equals(self):
        self.start(flag="-port={}")
        self.assertEqual(self.ask(do="tell")["args"], ["-port=%d" % self.port])

    def test_the_value_of_another_flag_is_not_the_port(self):
        self.start("--access-token", "--port")
        self.assertEqual(self.ask(do="tell")["start"], 1)

    def test_a_port_that_is_none(self):
        status, _, err = self.run_execd("--port", "x")
        self.assertEqual(status, 2)
        self.assertIn('invalid value "x" for flag -port', err)

    def test_a_port_that_is_taken(self):
        with socket.socket() as other:
            other.bind(("0.0.0.0", 0))
            other.listen()
            port = other.getsockname()[1]
            status, _, err = self.run_execd("--port", str(port))
        self.assertEqual((status, err), (1, "execd: cannot listen on port %d: Address in use\n" % port))

    def test_only_ipv4(self):
        self.start()
        with socket.socket(socket.AF_INET6) as client:
            self.assertNotEqual(client.connect_ex(("::1", self.port)), 0)

    def test_version(self):
        status, out, _ = self.run_execd("--version")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"^execd \d+\.\d+\.\d+")

    def test_help(self):
        for flag in ("--help", "-help", "-h"):
            status, out, _ = self.run_execd(flag)
            self.assertEqual(status, 0)
            self.assertIn("--port N", out)

    def test_without_a_payload(self):
        done = subprocess.run([sys.argv[1], "--port", str(self.port)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no payload", done.stderr)

    def test_the_launcher_is_small(self):
        process = self.start()
        self.ask(do="tell")
        self.assertLess(int(status_of(process.pid, "VmRSS")), 2048)


class Restart(DaemonTest):
    def test_after_a_crash_the_port_stays_and_the_next_client_is_served(self):
        process = self.start()
        first = self.ask(do="tell")
        self.ask(do="exit", status=9)
        second = self.ask(do="tell")
        self.assertEqual((first["start"], second["start"]), (1, 2))
        self.assertIn("status 9", self.stderr_until(process, "started again"))

    def test_killed_by_a_signal(self):
        process = self.start()
        jvm = self.ask(do="tell")["pid"]
        os.kill(jvm, signal.SIGKILL)
        # Before it is gone it could still accept the next connection, and take it to the grave.
        self.assertTrue(wait_gone(jvm))
        self.assertEqual(self.ask(do="tell")["start"], 2)
        self.assertIn("signal 9", self.stderr_until(process, "started again"))

    def test_the_pause_doubles(self):
        process = self.start(FAKE_JVM_EXIT="1,1,1,1")
        self.ask(do="tell")
        times = self.start_times()
        pauses = [later - earlier for earlier, later in zip(times, times[1:])]
        self.assertEqual(len(pauses), 4)
        for pause, least in zip(pauses, (0, 100, 200, 400)):
            self.assertIn("started again in %d ms" % least, self.stderr_until(process, "started again"))
            self.assertGreaterEqual(pause, least / 1000)

    def test_processes_of_a_jvm_that_died_are_killed(self):
        self.start()
        process = self.ask(do="keep", argv=["/bin/sh", "-c", "echo up; exec sleep 1000"])["pid"]
        self.ask(do="exit", status=1)
        self.assertTrue(wait_gone(process))

    def test_a_configuration_error_ends_it(self):
        process = self.start(FAKE_JVM_EXIT="78")
        self.assertEqual(process.wait(DEADLINE), 1)

    def test_the_jvm_does_not_outlive_its_launcher(self):
        process = self.start()
        jvm = self.ask(do="tell")["pid"]
        process.kill()
        self.assertTrue(wait_gone(jvm))


class Hibernation(DaemonTest):
    def test_sleeps_until_a_client_comes(self):
        process = self.start()
        jvm = self.ask(do="tell")["pid"]
        self.ask(do="exit", status=77)
        self.assertTrue(wait_gone(jvm))
        eventually(lambda: children_of(process.pid) == [], "the JVM is reaped")
        self.assertLess(int(status_of(process.pid, "VmRSS")), 2048)
        self.assertEqual(self.ask(do="tell")["start"], 2)

    def test_on_demand_sleeps_from_the_beginning(self):
        environment = {**self.environment, "EXECD_START": "on-demand"}
        process = subprocess.Popen([self.execd, "--port", str(self.port)], env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        eventually(self.is_listening, "execd listens")
        asked = time.monotonic()
        self.assertEqual(self.ask(do="tell")["start"], 1)
        self.assertGreaterEqual(self.start_times()[0], asked)

    def is_listening(self):
        # Asked without connecting, which would wake it.
        with open("/proc/net/tcp") as sockets:
            return any(line.split()[1].endswith(":%04X" % self.port) and line.split()[3] == "0A" for line in sockets)

    def test_term_ends_a_sleeping_one(self):
        process = self.start()
        jvm = self.ask(do="tell")["pid"]
        self.ask(do="exit", status=77)
        self.assertTrue(wait_gone(jvm))
        self.assertEqual(self.stop(process), 0)


class End(DaemonTest):
    def test_term_ends_the_jvm_and_every_process(self):
        process = self.start()
        jvm = self.ask(do="tell")["pid"]
        kept = self.ask(do="keep", argv=["/bin/sh", "-c", "sleep 1000 & echo $!; wait"])["pid"]
        broker = self.ask(do="tell")["broker"]
        self.assertEqual(self.stop(process), 0)
        self.assertTrue(wait_gone(jvm) and wait_gone(kept))
        self.assertFalse(os.path.exists(broker))

    def test_int_is_like_term(self):
        process = self.start()
        self.ask(do="tell")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_a_background_process_that_ignores_term_is_killed_a_second_later(self):
        process = self.start()
        stubborn = int(self.ask(do="run", argv=["/bin/sh", "-c", "trap '' TERM; sleep 1000 & echo $!"])["out"])
        begin = time.monotonic()
        self.assertEqual(self.stop(process), 0)
        self.assertTrue(wait_gone(stubborn))
        self.assertGreaterEqual(time.monotonic() - begin, 1)

    def test_a_jvm_that_ignores_term_is_killed_after_five_seconds(self):
        process = self.start()
        self.ask(do="stubborn")
        begin = time.monotonic()
        self.assertEqual(self.stop(process), 0)
        self.assertGreaterEqual(time.monotonic() - begin, 5)

    def test_orphans_are_reaped(self):
        process = self.start()
        orphan = int(self.ask(do="run", argv=["/bin/sh", "-c", "sleep 0.05 & echo $!"])["out"])
        self.assertTrue(wait_gone(orphan))
        eventually(lambda: orphan not in children_of(process.pid), "the orphan is reaped")


class Environment(DaemonTest):
    def test_what_would_disturb_the_jvm_is_hidden_from_it_alone(self):
        self.start(JAVA_TOOL_OPTIONS="-Xmx1g -Dx=1", LD_LIBRARY_PATH="/nowhere")
        seen = self.ask(do="tell")["env"]
        out = self.ask(do="run", argv=["/usr/bin/env"])["out"].splitlines()
        self.assertNotIn("JAVA_TOOL_OPTIONS", seen)
        self.assertNotIn("LD_LIBRARY_PATH", seen)
        self.assertIn("JAVA_TOOL_OPTIONS=-Xmx1g -Dx=1", out)
        self.assertIn("LD_LIBRARY_PATH=/nowhere", out)
        self.assertFalse([line for line in out if "HIDDEN" in line])

    def test_a_request_s_own_value_wins_over_a_hidden_one(self):
        self.start(JAVA_TOOL_OPTIONS="-Da")
        out = self.ask(do="run", argv=["/usr/bin/env"], env=["JAVA_TOOL_OPTIONS=-Db"])["out"].splitlines()
        self.assertEqual([line for line in out if "JAVA_TOOL_OPTIONS" in line], ["JAVA_TOOL_OPTIONS=-Db"])

    def test_the_jvm_has_a_utf_8_locale_and_processes_have_the_sandbox_s(self):
        self.start(LANG="de_DE", LC_TIME="C")
        seen = self.ask(do="tell")["env"]
        own = self.ask(do="run", argv=["/usr/bin/env"])["out"].splitlines()
        given = self.ask(do="run", argv=["/usr/bin/env"], env=["LC_CTYPE=C.UTF-8"])["out"].splitlines()
        self.assertEqual(seen["LC_CTYPE"].upper(), "C.UTF-8")
        self.assertTrue(seen["LOCPATH"].endswith("/locale"))
        self.assertNotIn("LANG", seen)
        self.assertIn("LANG=de_DE", own)
        self.assertIn("LC_TIME=C", own)
        self.assertFalse([line for line in own if line.startswith(("LC_CTYPE=", "LOCPATH="))])
        self.assertIn("LC_CTYPE=C.UTF-8", given)

    def test_clone3_filter(self):
        for value in ("1", " True ", "yes", "ON"):
            with self.subTest(value):
                process = self.start(EXECD_CLONE3_COMPAT=value)
                self.assertEqual(self.ask(do="run", argv=[sys.executable, "-c", CLONE3])["out"], "Function not implemented\n")
                self.stop(process)

    def test_clone3_reexec_marks_the_environment(self):
        self.start(EXECD_CLONE3_COMPAT="reexec")
        self.assertEqual(self.ask(do="tell")["env"]["_EXECD_CLONE3_COMPAT_APPLIED"], "1")
        self.assertEqual(self.ask(do="run", argv=[sys.executable, "-c", CLONE3])["out"], "Function not implemented\n")

    def test_clone3_off(self):
        for value in ("", "0", "false", "off", "no"):
            with self.subTest(value):
                process = self.start(EXECD_CLONE3_COMPAT=value)
                self.assertEqual(self.ask(do="run", argv=[sys.executable, "-c", CLONE3])["out"], "Invalid argument\n")
                self.stop(process)

    def test_clone3_unknown(self):
        status, _, err = self.run_execd("--port", str(self.port), EXECD_CLONE3_COMPAT="maybe")
        self.assertEqual(status, 1)
        self.assertIn('EXECD_CLONE3_COMPAT="maybe" is not valid', err)


if __name__ == "__main__":
    harness.run("__main__")
