"""`execd network`: the network of a sandbox, made in a network and mount namespace that stand for the host's. Usage: network_test.py LAUNCHER"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness
from harness import DEADLINE


@unittest.skipUnless(os.geteuid() == 0, "only root may make networks")
class Network(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(dir="/tmp")
        self.addCleanup(shutil.rmtree, self.base)
        self.launcher = os.path.abspath(sys.argv[1])

    def run_script(self, script):
        """$1 is where namespaces go, $2 the launcher; `inside` runs a command in the namespace `one`."""
        text = 'set -e; place=$1 launcher=$2; inside() { nsenter --net="$place/one" "$@"; }\n' \
               'make() { "$launcher" network "${3:-$$}" "$place/$1" "$2" 1400 10.9.9.1 10.9.9.2; }\n' + script
        command = ["unshare", "--mount", "--net", "sh", "-c", text, "sh", self.base + "/networks", self.launcher]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
        return done.returncode, done.stdout, done.stderr

    def test_both_ends_are_up_and_know_each_other(self):
        # Not the state that the kernel works out a moment later, but what was asked for: `up`, and the address. What `ip` complains of
        # are networks of others, in /run/netns, that go while it looks at them.
        script = "make one cable; ip -o link show up cable; ip -o addr show cable; inside ip -o link show up; inside ip -o addr; inside ip route"
        status, output, errors = self.run_script(script)
        self.assertEqual(status, 0, errors)
        self.assertEqual(re.findall(r"^\d+: (\w+)[@:].* mtu (\d+)", output, re.M), [("cable", "1400"), ("lo", "65536"), ("eth0", "1400")])
        self.assertEqual(re.findall(r"^\d+: (\w+) +inet (\S+)", output, re.M), [("cable", "10.9.9.1/30"), ("lo", "127.0.0.1/8"), ("eth0", "10.9.9.2/30")])
        self.assertNotIn("fe80", output)
        self.assertIn("default via 10.9.9.1 dev eth0 \n10.9.9.0/30 dev eth0 proto kernel scope link src 10.9.9.2", output)

    def test_connects(self):
        server = "import socket; s = socket.create_server(('10.9.9.2', 80)); print(flush=True); s.accept()[0].sendall(b'hello')"
        client = "import socket; print(socket.create_connection(('10.9.9.2', 80), 60).recv(9).decode())"
        script = 'make one cable; mkfifo "$place.ready"; inside python3 -c "%s" >"$place.ready" &\n' \
                 'read -r _ <"$place.ready"; python3 -c "%s"; wait'
        status, output, errors = self.run_script(script % (server, client))
        self.assertEqual((errors, output, status), ("", "hello\n", 0))

    def test_several_in_one_directory_and_each_goes_with_its_mount(self):
        script = 'make one a; make two b; ls "$place"; umount "$place/one"; rm "$place/one"; ls "$place"'
        status, output, errors = self.run_script(script)
        self.assertEqual((errors, output, status), ("", "one\ntwo\ntwo\n", 0))

    def test_what_is_there_is_left_alone(self):
        script = 'make one a; make one b || echo "status $?"; ls /proc/sys/net/ipv4/conf | grep -x a; make two a || echo "status $?"'
        status, output, errors = self.run_script(script)
        self.assertEqual((output, status), ("status 1\na\nstatus 1\n", 0))
        self.assertRegex(errors, "^execd network: cannot make /.*/one: File exists\nexecd network: cannot make a: File exists\n$")

    def test_what_nobody_wants_any_more_does_not_stay(self):
        script = 'make one a 1 || echo "status $?"; ls "$place"; ls /proc/sys/net/ipv4/conf | grep -x a || true; grep -c "$place/one" /proc/self/mountinfo'
        status, output, errors = self.run_script(script)
        self.assertEqual((output, status), ("status 1\n0\n", 1))
        self.assertRegex(errors, "^execd network: cannot find the server that wanted /.*/one: No such process\n$")

    def test_removes_both_ends_at_once(self):
        # Somebody still holds the namespace, as a process in it would.
        script = 'make one a; make two b; exec 3<"$place/one"; "$launcher" network remove "$place/one" <"$place/one"; ls "$place"; ls /proc/sys/net/ipv4/conf\n' \
                 'grep -c "$place/one" /proc/self/mountinfo || true; nsenter --net=/proc/self/fd/3 ls /proc/sys/net/ipv4/conf'
        status, output, errors = self.run_script(script)
        self.assertEqual((errors, status), ("", 0))
        self.assertEqual([line for line in output.split() if line not in ("all", "default", "lo")], ["two", "b", "0"])

    def test_removal_that_comes_late_leaves_the_next_of_that_name_alone(self):
        script = 'make one a; exec 3<"$place/one"; "$launcher" network remove "$place/one" <&3; make one a\n' \
                 '"$launcher" network remove "$place/one" <&3; ls "$place"; ls /proc/sys/net/ipv4/conf | grep -x a; inside ls /proc/sys/net/ipv4/conf | grep eth0'
        status, output, errors = self.run_script(script)
        self.assertEqual((errors, output, status), ("", "one\na\neth0\n", 0))

    def test_removes_a_name_without_a_namespace(self):
        script = 'make two b; : >"$place/one"; "$launcher" network remove "$place/one" <"$place/one"; ls "$place"'
        status, output, errors = self.run_script(script)
        self.assertEqual((errors, output, status), ("", "two\n", 0))

    def test_bad_usage(self):
        usage = "usage: execd network SERVER PATH CABLE MTU GATEWAY ADDRESS\n       execd network remove PATH <PATH\n"
        for arguments in (["1", "one"], ["1", "one", "a", "1400", "10.9.9.1", "nonsense"], ["1", "one", "a", "0", "10.9.9.1", "10.9.9.2"]):
            done = subprocess.run([self.launcher, "network", *arguments], capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((done.returncode, done.stderr), (2, usage))


if __name__ == "__main__":
    harness.run("__main__")
