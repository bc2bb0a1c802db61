"""The broker against PROTOCOL.md. Usage: broker_test.py LAUNCHER"""

import errno
import os
import resource
import select
import signal
import struct
import sys
import time
import unittest

import harness
from broker_client import KILL_LEFTOVERS, STDERR_TO_STDOUT, STDIN_PIPE, TERMINAL, Broker, field, u32
from harness import DEADLINE, eventually, wait_gone

LAUNCHER = os.path.abspath(sys.argv[1])
ROOT = os.geteuid() == 0


class BrokerTest(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(LAUNCHER)
        self.addCleanup(self.broker.close)

    def sh(self, script, **options):
        return self.broker.run("/bin/sh", "-c", script, **options)


class Results(BrokerTest):
    def test_reports_output_and_exit_code(self):
        ended = self.sh("echo out; echo err >&2; exit 3")
        self.assertEqual((ended.out, ended.err, ended.code, ended.signal), (b"out\n", b"err\n", 3, 0))
        self.assertEqual((ended.frames[0], ended.frames[-1]), ("P", "Z"))
        self.assertEqual(ended.frames.count("D"), 1)

    def test_reports_the_signal_that_killed(self):
        ended = self.sh("kill -TERM $$")
        self.assertEqual((ended.code, ended.signal, ended.core), (-1, signal.SIGTERM, False))

    def test_reports_peak_memory(self):
        ended = self.broker.run(sys.executable, "-c", "b = bytearray(64 << 20)")
        self.assertGreater(ended.peak, 64 << 20)
        self.assertLess(ended.peak, 512 << 20)

    def test_a_silent_process_sends_no_empty_frames(self):
        self.assertEqual(self.broker.run("/bin/true").frames, ["P", "D", "Z"])

    def test_all_output_before_the_end_arrives(self):
        ended = self.sh("head -c 20000000 /dev/zero; echo last >&2")
        self.assertEqual((len(ended.out), ended.err), (20000000, b"last\n"))

    def test_many_at_once(self):
        processes = [self.broker.spawn("/bin/sh", "-c", "echo %d" % i) for i in range(200)]
        self.assertEqual([p.finish().out for p in processes], [b"%d\n" % i for i in range(200)])


class Failures(BrokerTest):
    def test_missing_file(self):
        ended = self.broker.run("/bin/nope")
        self.assertEqual(ended.error, (errno.ENOENT, "exec /bin/nope: No such file or directory"))
        self.assertEqual(ended.frames, ["X"])

    def test_not_executable(self):
        self.assertEqual(self.broker.run("/etc/passwd").error, (errno.EACCES, "exec /etc/passwd: Permission denied"))

    def test_missing_working_directory(self):
        self.assertEqual(self.broker.run("/bin/true", cwd="/nope").error, (errno.ENOENT, "chdir /nope: No such file or directory"))

    def test_name_without_slash(self):
        self.assertEqual(self.broker.run("true").error, (errno.EINVAL, "spawn request: argv[0] has no slash"))

    def test_no_argv(self):
        process = self.broker.connect()
        process.send("S", field(2, b"A=1"))
        self.assertEqual(process.finish().error, (errno.EINVAL, "spawn request: argv is missing"))

    def test_field_cut_short(self):
        process = self.broker.connect()
        process.send("S", field(1, b"/bin/true") + b"\x02\x00\x00\x00\x09A")
        self.assertEqual(process.finish().error, (errno.EINVAL, "spawn request: field is cut short"))

    def test_frame_too_long(self):
        process = self.broker.connect()
        process.connection.sendall(b"S" + u32((8 << 20) + 1))
        self.assertEqual(process.finish().error, (errno.EINVAL, "spawn request: not a valid frame"))

    def test_other_frame_first(self):
        process = self.broker.connect()
        process.kill(9)
        self.assertEqual(process.finish().error, (errno.EINVAL, "spawn request: not a valid frame"))

    def test_second_spawn_kills(self):
        process = self.broker.spawn("/bin/sleep", "1000")
        pid = process.started()
        process.send("S", field(1, b"/bin/true"))
        self.assertIsNone(process.next_frame())
        self.assertTrue(wait_gone(pid))

    def test_random_bytes_never_hang_or_crash(self):
        state = 12345
        for _ in range(300):
            data = bytearray(b"S" + u32(40))
            for _ in range(40):
                state = (state * 1103515245 + 12345) & 0x7FFFFFFF
                data.append((state >> 16) & (0x0F if state & 1 else 0xFF))
            process = self.broker.connect()
            process.connection.sendall(bytes(data))
            process.finish()
        self.assertEqual(self.sh("echo alive").out, b"alive\n")


class Surroundings(BrokerTest):
    def test_environment_is_exactly_what_was_asked(self):
        self.assertEqual(self.broker.run("/usr/bin/env", env=["A=1", "B=x y\nz"]).out, b"A=1\nB=x y\nz\n")

    def test_working_directory(self):
        self.assertEqual(self.sh("pwd", cwd="/usr/share").out, b"/usr/share\n")

    def test_stdin_is_empty(self):
        self.assertEqual(self.broker.run("/bin/cat").out, b"")

    def test_leads_its_own_group_in_the_same_session(self):
        ended = self.sh("cut -d' ' -f1,5,6 /proc/self/stat; cut -d' ' -f6 /proc/$PPID/stat")
        (_, group, session), (parent_session,) = [line.split() for line in ended.out.decode().splitlines()]
        self.assertEqual((int(group), session), (ended.pid, parent_session))

    def test_no_descriptor_leaks(self):
        others = [self.broker.spawn("/bin/sleep", "1000", flags=STDIN_PIPE) for _ in range(3)]
        [other.started() for other in others]
        self.assertEqual(self.broker.run("/bin/ls", "/proc/self/fd").out.split(), [b"0", b"1", b"2", b"3"])
        [other.connection.close() for other in others]

    def test_signals_are_reset(self):
        status = self.broker.run("/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status").out.decode().split()
        self.assertEqual([int(value, 16) for value in status[1::2]], [0, 0])

    def test_limits(self):
        self.assertEqual(self.sh("ulimit -n; ulimit -c", limits=[(resource.RLIMIT_NOFILE, 77, 99), (resource.RLIMIT_CORE, 0, 0)]).out, b"77\n0\n")

    def test_the_broker_s_own_limit_is_not_passed_on(self):
        self.assertEqual(int(self.sh("ulimit -n").out), resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    def test_oom_score(self):
        self.assertEqual(self.broker.run("/bin/cat", "/proc/self/oom_score_adj", oom=500).out, b"500\n")

    @unittest.skipUnless(ROOT, "needs root")
    def test_user_and_groups(self):
        self.assertEqual(self.sh("id -u; id -g; id -G", uid=1234, gid=2345, groups=[5, 6]).out, b"1234\n2345\n2345 5 6\n")

    @unittest.skipUnless(ROOT, "needs root")
    def test_groups_are_cleared(self):
        self.assertEqual(self.sh("id -G", uid=1234, gid=2345).out, b"2345\n")

    @unittest.skipUnless(ROOT, "needs root")
    def test_another_user_can_reopen_its_output(self):
        ended = self.sh("echo a > /dev/stdout; echo b > /dev/stderr; cat /dev/fd/5", uid=1234, gid=2345, inputs=[(5, b"c\n")])
        self.assertEqual((ended.out, ended.err), (b"a\nc\n", b"b\n"))

    def test_own_user_needs_no_privilege(self):
        self.assertEqual(self.sh("id -u", uid=os.geteuid(), gid=os.getegid()).out.decode(), "%d\n" % os.geteuid())


class Descriptors(BrokerTest):
    def test_stderr_into_stdout_keeps_the_order(self):
        ended = self.sh("echo 1; echo 2 >&2; echo 3", flags=STDERR_TO_STDOUT)
        self.assertEqual((ended.out, ended.err), (b"1\n2\n3\n", b""))

    def test_state_descriptor(self):
        ended = self.sh("echo shown; echo kept >&9", state=9)
        self.assertEqual((ended.out, ended.state), (b"shown\n", b"kept\n"))

    def test_state_descriptor_held_open_is_not_waited_for(self):
        ended = self.sh("echo kept >&3; sleep 1000 & echo $!", state=3)
        self.assertEqual((ended.state, ended.code), (b"kept\n", 0))
        os.kill(int(ended.out), signal.SIGKILL)

    def test_inputs_are_read_exactly(self):
        big = os.urandom(3000000)
        ended = self.sh("cat <&7; cat /dev/fd/8", inputs=[(7, b"a\0b"), (8, big)])
        self.assertEqual(ended.out, b"a\0b" + big)

    def test_input_may_be_stdin(self):
        self.assertEqual(self.broker.run("/bin/cat", inputs=[(0, b"hello")]).out, b"hello")

    def test_input_and_state_may_take_low_numbers_in_any_order(self):
        ended = self.sh("cat <&4; cat <&3; echo s >&5", inputs=[(4, b"4"), (3, b"3")], state=5)
        self.assertEqual((ended.out, ended.state), (b"43", b"s\n"))

    def test_script_from_a_descriptor(self):
        self.assertEqual(self.broker.run("/bin/sh", "/dev/fd/3", "x", inputs=[(3, b"echo arg $1\n")]).out, b"arg x\n")


class Stdin(BrokerTest):
    def test_is_passed_on_until_its_end(self):
        process = self.broker.spawn("/bin/cat", flags=STDIN_PIPE)
        process.send("I", b"one ")
        process.send("I", b"two")
        process.send("E")
        self.assertEqual(process.finish().out, b"one two")

    def test_more_than_every_buffer(self):
        data = os.urandom(6 << 20)
        process = self.broker.spawn("/usr/bin/wc", "-c", flags=STDIN_PIPE)
        process.send("I", data)
        process.send("I", data)
        process.send("E")
        self.assertEqual(process.finish().out.strip(), b"%d" % (12 << 20))

    def test_a_process_that_does_not_read_blocks_only_its_sender(self):
        process = self.broker.spawn("/bin/sleep", "1000", flags=STDIN_PIPE)
        pid = process.started()
        self.assertLess(process.send_until_stuck(64 << 20), 8 << 20)
        self.assertEqual(self.sh("echo others").out, b"others\n")
        process.connection.close()
        self.assertTrue(wait_gone(pid))

    def test_a_process_that_closes_it_goes_on(self):
        read, write = os.pipe()
        path = "/proc/%d/fd/%d" % (os.getpid(), read)
        process = self.broker.spawn("/bin/sh", "-c", "exec <%s; echo closed; cat; echo done" % path, flags=STDIN_PIPE)
        process.read_until("O", b"closed")
        process.send("I", bytes(3 << 20))
        os.close(write)
        os.close(read)
        self.assertEqual(process.finish().out, b"closed\ndone\n")


class Backpressure(BrokerTest):
    def test_a_reader_that_stops_stops_the_process_and_nothing_else(self):
        process = self.broker.spawn("/usr/bin/head", "-c", "50000000", "/dev/zero")
        pid = process.started()
        self.assertEqual(self.sh("echo others").out, b"others\n")
        self.assertFalse(select.select([os.pidfd_open(pid)], [], [], 0.2)[0])
        with open("/proc/%d/status" % self.broker.server.pid) as status:
            resident = int(next(line for line in status if line.startswith("VmRSS")).split()[1])
        self.assertLess(resident, 4096)
        self.assertEqual(len(process.finish().out), 50000000)


class Signals(BrokerTest):
    def test_to_the_group(self):
        process = self.broker.spawn("/bin/sh", "-c", "sleep 1000 & echo $!; wait")
        process.read_until("O", b"\n")
        process.kill(signal.SIGTERM, 0)
        ended = process.finish()
        self.assertEqual(ended.signal, signal.SIGTERM)
        self.assertTrue(wait_gone(int(ended.out)))

    def test_to_the_leader_alone(self):
        process = self.broker.spawn("/bin/sh", "-c", "sleep 1000 & echo $!; wait")
        process.read_until("O", b"\n")
        process.kill(signal.SIGTERM, 1)
        child = int(process.finish().out)
        os.kill(child, 0)
        os.kill(child, signal.SIGKILL)
        self.assertTrue(wait_gone(child))

    def test_from_another_connection_when_the_input_is_stuck(self):
        process = self.broker.spawn("/bin/sleep", "1000", flags=STDIN_PIPE)
        pid = process.started()
        process.send_until_stuck(64 << 20)
        self.broker.notify(pid, signal.SIGKILL)
        self.assertEqual(process.finish().signal, signal.SIGKILL)

    def test_from_another_connection_reaches_leaders_only(self):
        self.broker.notify(os.getpid(), signal.SIGKILL)
        self.assertEqual(self.broker.run("/bin/true").code, 0)

    def test_closing_the_connection_kills_the_group(self):
        process = self.broker.spawn("/bin/sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait")
        process.read_until("O", b"\n")
        process.connection.close()
        self.assertTrue(wait_gone(process.ended.pid))
        self.assertTrue(wait_gone(int(process.ended.out)))

    def test_leftovers_live_on(self):
        ended = self.sh("sleep 1000 & echo $!")
        os.kill(int(ended.out), 0)
        os.kill(int(ended.out), signal.SIGKILL)
        self.assertTrue(wait_gone(int(ended.out)))

    def test_leftovers_are_killed_when_asked(self):
        ended = self.sh("sleep 1000 & echo $!", flags=KILL_LEFTOVERS)
        self.assertEqual(ended.code, 0)
        self.assertTrue(wait_gone(int(ended.out)))


class Leaving(BrokerTest):
    def test_the_process_runs_on(self):
        read, write = os.pipe()
        path = "/proc/%d/fd/%d" % (os.getpid(), write)
        process = self.broker.spawn("/bin/sh", "-c", "exec 9>%s; echo up; head -c 9000000 /dev/zero; echo end >&9" % path)
        process.read_until("O", b"up")
        process.send("L")
        process.connection.close()
        os.close(write)
        self.assertEqual(os.read(read, 10), b"end\n")
        os.close(read)

    def test_what_was_sent_to_stdin_still_arrives(self):
        read, write = os.pipe()
        path = "/proc/%d/fd/%d" % (os.getpid(), write)
        process = self.broker.spawn("/bin/sh", "-c", "sleep 0.2; wc -c > %s" % path, flags=STDIN_PIPE)
        process.started()
        process.send("I", bytes(900000))
        process.send("L")
        process.connection.close()
        self.assertEqual(os.read(read, 10).strip(), b"900000")
        os.close(write)
        os.close(read)

    def test_a_server_started_with_an_ampersand_does_not_die_of_sigpipe(self):
        ended = self.sh("(while :; do echo tick; sleep 0.01; done) & echo $! >&2; exec sleep 0.05")
        server = int(ended.err)
        process = os.pidfd_open(server)
        self.assertFalse(select.select([process], [], [], 0.3)[0])
        os.kill(server, signal.SIGKILL)
        os.close(process)

    def test_an_endless_writer_does_not_delay_the_end(self):
        begin = time.monotonic()
        ended = self.sh("yes & echo $! >&2; exec sleep 0.1")
        self.assertLess(time.monotonic() - begin, DEADLINE)
        self.assertEqual(ended.frames[-1], "Z")
        os.kill(int(ended.err), signal.SIGKILL)

    def test_orphans_are_reaped(self):
        ended = self.sh("(sleep 0.05 & echo $!) ; exec sleep 0.01")
        orphan = int(ended.out)
        self.assertTrue(wait_gone(orphan))
        eventually(lambda: not os.path.exists("/proc/%d" % orphan), "the orphan is reaped")


class Terminal(BrokerTest):
    def test_is_a_controlling_terminal_of_the_asked_size(self):
        ended = self.sh("stty size; tty; echo on tty >/dev/tty; echo err >&2", flags=TERMINAL, size=(33, 111))
        lines = ended.out.split(b"\r\n")
        self.assertEqual((lines[0], lines[1][:9], lines[2], lines[3]), (b"33 111", b"/dev/pts/", b"on tty", b"err"))

    def test_default_size(self):
        self.assertEqual(self.sh("stty size", flags=TERMINAL).out, b"24 80\r\n")

    def test_leads_a_session(self):
        ended = self.sh("cut -d' ' -f6 /proc/self/stat", flags=TERMINAL)
        self.assertEqual(int(ended.out), ended.pid)

    def test_input_and_line_end(self):
        process = self.broker.spawn("/bin/cat", flags=TERMINAL)
        process.send("I", b"hi\n")
        process.read_until("O", b"hi\r\nhi\r\n")
        process.send("I", b"\x04")
        self.assertEqual(process.finish().code, 0)

    def test_resize_signals_the_foreground(self):
        process = self.broker.spawn("/bin/sh", "-c", "trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.05; done", flags=TERMINAL)
        process.read_until("O", b"up")
        process.send("W", struct.pack(">HH", 50, 200))
        process.read_until("O", b"50 200")
        self.assertEqual(process.finish().code, 0)

    def test_signal_to_the_foreground_group(self):
        script = "set -m; trap 'echo shell' INT; sh -c 'trap \"echo job; exit 7\" INT; echo up; while :; do sleep 0.05; done'; echo code $?"
        process = self.broker.spawn("/bin/bash", "-c", script, flags=TERMINAL)
        process.read_until("O", b"up")
        process.kill(signal.SIGINT, 2)
        ended = process.finish()
        self.assertIn(b"job\r\ncode 7", ended.out)
        self.assertNotIn(b"shell", ended.out)

    def test_last_output_is_not_lost(self):
        for _ in range(20):
            self.assertTrue(self.sh("seq 1 2000", flags=TERMINAL).out.endswith(b"1999\r\n2000\r\n"))

    def test_closing_hangs_up(self):
        process = self.broker.spawn("/bin/bash", "-c", "sleep 1000 & echo $!; wait", flags=TERMINAL)
        process.read_until("O", b"\n")
        process.connection.close()
        self.assertTrue(wait_gone(process.ended.pid))

    def test_another_process_of_the_session_is_not_waited_for(self):
        script = "trap 'exit 0' USR1; setsid sh -c 'echo $$; kill -USR1 $1; exec sleep 1000' sh $$ & while :; do wait; done"
        ended = self.sh(script, flags=TERMINAL)
        self.assertEqual((ended.code, ended.frames[-1]), (0, "Z"))
        os.kill(int(ended.out), signal.SIGKILL)


class Service(unittest.TestCase):
    def test_the_socket_is_private_and_removed_at_the_end(self):
        broker = Broker(LAUNCHER)
        mode = os.stat(broker.path).st_mode & 0o777
        pid = broker.spawn("/bin/sleep", "1000").started()
        path = broker.path
        self.assertEqual((mode, broker.close()), (0o600, 0))
        self.assertFalse(os.path.exists(path))
        self.assertTrue(wait_gone(pid))

    def test_an_idle_broker_is_small(self):
        broker = Broker(LAUNCHER)
        broker.run("/bin/true")
        with open("/proc/%d/status" % broker.server.pid) as status:
            resident = int(next(line for line in status if line.startswith("VmRSS")).split()[1])
        broker.close()
        self.assertLess(resident, 2048)

    def test_descriptors_do_not_leak(self):
        broker = Broker(LAUNCHER)
        count = lambda: len(os.listdir("/proc/%d/fd" % broker.server.pid))
        broker.run("/bin/true")
        before = count()
        for flags in (0, TERMINAL, STDIN_PIPE, STDERR_TO_STDOUT):
            for _ in range(10):
                broker.run("/bin/true", flags=flags, state=5, inputs=[(6, b"x")])
                broker.run("/bin/nope", flags=flags, state=5)
        broker.run("/bin/true")
        # The broker closes its end of a connection a moment after the last frame.
        eventually(lambda: count() <= before, "it has no more descriptors than before")
        broker.close()


if __name__ == "__main__":
    harness.run("__main__")
