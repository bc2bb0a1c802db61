"""bootstrap.sh under three shells, and `execd bootstrap`, against the install contract.

Each test runs in a root directory of its own with busybox, bash and dash in it. Usage: bootstrap_test.py LAUNCHER
"""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "launcher", "tests"))
import harness
from harness import DEADLINE

LAUNCHER = os.path.abspath(sys.argv[1])
SCRIPT = os.path.join(HERE, "..", "bootstrap.sh")
CA = "/opt/opensandbox/mitmproxy-ca-cert.pem"
MERGED = "/opt/opensandbox/merged-ca-certificates.pem"
# What a command does to wait for the fake execd.
WAIT = "while [ ! -e /execd.env ]; do sleep 0.01; done; "
START_LINE = "starting OpenSandbox Execd daemon at %s.\n"


def libraries(program):
    out = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+)", out)


def make_root(directory):
    """A root directory with static busybox, bash, dash and /dev/null."""
    for name in ("bin", "dev", "etc", "tmp", "root", "opt/opensandbox"):
        os.makedirs(os.path.join(directory, name))
    shutil.copy(shutil.which("busybox"), directory + "/bin/busybox")
    for applet in subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet not in ("busybox", "bash", "dash"):
            os.symlink("busybox", directory + "/bin/" + applet)
    for shell in ("bash", "dash"):
        program = shutil.which(shell)
        shutil.copy(program, directory + "/bin/" + shell)
        for library in libraries(program):
            os.makedirs(directory + os.path.dirname(library), exist_ok=True)
            shutil.copy(library, directory + library)
    os.mknod(directory + "/dev/null", 0o666 | 0o020000, os.makedev(1, 3))
    os.chmod(directory + "/dev/null", 0o666)
    os.chmod(directory + "/tmp", 0o1777)
    os.chmod(directory, 0o755)
    shutil.copy(SCRIPT, directory + "/bootstrap.sh")
    shutil.copy(LAUNCHER, directory + "/launcher")


_original = tempfile.TemporaryDirectory()
if os.geteuid() == 0:
    make_root(_original.name)


class Bootstrap:
    """What every form does. A subclass says how it is started."""

    command = ()

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, for chroot")
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = temporary.name + "/root"
        subprocess.run(["cp", "-al", _original.name, self.root], check=True)
        os.remove(self.root + "/bootstrap.sh")
        shutil.copy(SCRIPT, self.root + "/bootstrap.sh")
        self.add("/opt/opensandbox/execd", '#!/bin/sh\necho "$0 $#:" "$@" >/execd.args\nenv >/execd.new\nmv /execd.new /execd.env\n')

    def add(self, path, content="", mode=0o755):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        if os.path.lexists(self.root + path):
            os.remove(self.root + path)
        with open(self.root + path, "w") as file:
            file.write(content)
        os.chmod(self.root + path, mode)

    def read(self, path):
        with open(self.root + path) as file:
            return file.read()

    def popen(self, *arguments, user=None, cwd="/", **environment):
        environment = {"PATH": "/bin", "HOME": "/root", **environment}

        def enter():
            os.chroot(self.root)
            os.chdir(cwd)
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)

        process = subprocess.Popen([*self.command, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=enter, start_new_session=True)
        self.addCleanup(self.clean, process)
        return process

    def clean(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def run_it(self, *arguments, **options):
        process = self.popen(*arguments, **options)
        out, err = process.communicate(timeout=DEADLINE)
        return process.returncode, out, err

    def status(self, *arguments, **options):
        return self.run_it(*arguments, **options)[0]

    # --- Arguments (contract 8.5) ---

    def test_arguments_are_run_without_a_shell(self):
        status, out, _ = self.run_it("echo", "a  b", "$HOME", ";", "x")
        self.assertEqual(status, 0)
        self.assertIn("a  b $HOME ; x\n", out)

    def test_dash_c_joins_the_words(self):
        out = self.run_it("-c", "echo", "a", "b", "&&", "echo", "c")[1]
        self.assertEqual([line for line in out.splitlines() if "execd" not in line.lower()], ["a b", "c"])

    def test_dash_c_with_one_string(self):
        self.assertEqual(self.status("-c", "true && false; exit 6"), 6)

    def test_bootstrap_cmd_replaces_the_arguments(self):
        status, out, _ = self.run_it("echo", "ignored", BOOTSTRAP_CMD="echo used; exit 5")
        self.assertEqual(status, 5)
        self.assertIn("used\n", out)
        self.assertNotIn("ignored", out)

    def test_an_empty_bootstrap_cmd_is_none(self):
        self.assertIn("args\n", self.run_it("echo", "args", BOOTSTRAP_CMD="")[1])

    def test_nothing_is_a_shell_without_input(self):
        self.assertEqual(self.status(), 0)

    def test_the_shell_is_bash_then_sh(self):
        self.assertIn("bash\n", self.run_it("-c", 'echo ${BASH_VERSION:+bash}')[1])
        for applet in ("sh", "mkdir", "dirname", "touch", "env", "mv"):
            os.makedirs(self.root + "/small", exist_ok=True)
            os.symlink("/bin/busybox", self.root + "/small/" + applet)
        self.assertIn("no bash\n", self.run_it("-c", 'echo ${BASH_VERSION:-no bash}', PATH="/small")[1])

    def test_the_shell_may_be_chosen(self):
        self.add("/chosen", '#!/bin/sh\necho "chosen $*"\n')
        self.assertIn("chosen -c echo x\n", self.run_it("-c", "echo x", BOOTSTRAP_SHELL="/chosen")[1])

    def test_without_bash_and_sh_it_fails(self):
        self.add("/only/env", "#!/bin/sh\n")
        status, _, err = self.run_it("-c", "true", PATH="/only")
        self.assertEqual(status, 1)
        self.assertIn("neither bash nor sh", err)

    # --- Exit status and signals (8.6) ---

    def test_exit_status(self):
        self.assertEqual([self.status("sh", "-c", "exit %d" % code) for code in (0, 1, 42, 255)], [0, 1, 42, 255])

    def test_a_command_that_is_not_there(self):
        self.assertEqual(self.status("/nowhere"), 127)

    def test_a_command_that_is_not_executable(self):
        self.add("/plain", "x", 0o644)
        self.assertEqual(self.status("/plain"), 126)

    def test_a_command_that_a_signal_kills(self):
        self.assertEqual([self.status("sh", "-c", "kill -%d $$" % number) for number in (9, 10)], [137, 138])

    def started(self, script, **environment):
        """Starts a command that says `up` and returns when it has."""
        process = self.popen("sh", "-c", script, **environment)
        for line in process.stdout:
            if line == "up\n":
                return process
        self.fail("it ended: " + process.stderr.read())

    def is_asleep(self, pid):
        """Whether it has begun to sleep, which a shell does by a program."""
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return "sleep" in [self.program_of(child) for child in children.read().split()]

    def program_of(self, pid):
        try:
            with open("/proc/%s/comm" % pid) as name:
                return name.read().strip()
        except FileNotFoundError:
            return ""

    def term(self, process):
        process.send_signal(signal.SIGTERM)
        return process.communicate(timeout=DEADLINE)[0], process.returncode

    def test_term_is_passed_on_and_gives_zero(self):
        out, status = self.term(self.started("trap 'echo got it; exit 9' TERM; echo up; while :; do sleep 0.02; done"))
        self.assertEqual((out, status), ("got it\n", 0))

    def test_term_waits_for_a_slow_end(self):
        out, status = self.term(self.started("trap 'sleep 0.3; echo slow; exit 9' TERM; echo up; while :; do sleep 0.02; done"))
        self.assertEqual((out, status), ("slow\n", 0))

    def test_term_twice(self):
        process = self.started("trap 'echo 1; sleep 0.3' TERM; echo up; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1; done")
        process.send_signal(signal.SIGTERM)
        self.assertIn("1\n", iter(process.stdout.readline, ""))
        self.assertEqual(self.term(process)[1], 0)

    def test_a_command_that_dies_of_term_gives_zero(self):
        self.assertEqual(self.term(self.started("echo up; exec sleep 1000"))[1], 0)

    def test_a_command_that_ignores_term_keeps_it_alive(self):
        process = self.started("trap '' TERM; echo up; sleep 1000; sleep 1000")
        process.send_signal(signal.SIGTERM)
        ended = os.pidfd_open(process.pid)
        self.addCleanup(os.close, ended)
        self.assertEqual(select.select([ended], [], [], 0.3)[0], [])

    def test_the_end_of_execd_is_not_noticed(self):
        self.add("/opt/opensandbox/execd", "#!/bin/sh\nexit 3\n")
        self.assertEqual(self.status("sh", "-c", "sleep 0.2; exit 4"), 4)

    def test_input_is_empty(self):
        status, out, _ = self.run_it("cat")
        self.assertEqual((status, out), (0, START_LINE % "/opt/opensandbox/execd"))

    # --- execd and the env file (8.1, 8.2) ---

    def test_the_start_line_and_the_default_execd(self):
        _, out, _ = self.run_it("sh", "-c", WAIT)
        self.assertIn(START_LINE % "/opt/opensandbox/execd", out)
        self.assertEqual(self.read("/execd.args"), "/opt/opensandbox/execd 0:\n")

    def test_words_in_execd_are_arguments(self):
        self.add("/mine", self.read("/opt/opensandbox/execd"))
        _, out, _ = self.run_it("sh", "-c", WAIT, EXECD="/mine --port  1")
        self.assertIn(START_LINE % "/mine --port  1", out)
        self.assertEqual(self.read("/execd.args"), "/mine 2: --port 1\n")

    def test_an_empty_execd_is_the_default(self):
        self.assertIn(START_LINE % "/opt/opensandbox/execd", self.run_it("true", EXECD="")[1])

    def test_a_missing_execd_does_not_stop_the_command(self):
        status, out, err = self.run_it("sh", "-c", "sleep 0.2; echo ran; exit 3", EXECD="/nowhere")
        self.assertEqual(status, 3)
        self.assertIn("ran\n", out)
        self.assertIn("/nowhere", err)

    def test_the_env_file_is_made_and_exported_to_both(self):
        _, out, _ = self.run_it("sh", "-c", WAIT + "echo ENVS=$EXECD_ENVS")
        self.assertIn("ENVS=/opt/opensandbox/.env\n", out)
        self.assertIn("EXECD_ENVS=/opt/opensandbox/.env\n", self.read("/execd.env"))
        self.assertEqual(self.read("/opt/opensandbox/.env"), "")

    def test_another_env_file_gets_its_directory(self):
        self.run_it("true", EXECD_ENVS="/a/b/c.env")
        self.assertEqual(self.read("/a/b/c.env"), "")

    def test_an_env_file_keeps_its_content(self):
        self.add("/opt/opensandbox/.env", "A=1\n", 0o644)
        self.run_it("true")
        self.assertEqual(self.read("/opt/opensandbox/.env"), "A=1\n")

    def test_an_env_file_that_cannot_be_made_is_a_warning(self):
        status, out, err = self.run_it("sh", "-c", "echo ENVS=$EXECD_ENVS", user=1000, EXECD_ENVS="/root/x/env")
        self.assertEqual(status, 0)
        self.assertIn("ENVS=/root/x/env\n", out)
        self.assertEqual(err.count("warning: "), 2)

    # --- The certificate authority (8.3) ---

    def with_ca(self, *arguments, flag="true", **environment):
        self.add(CA, "MITM\n", 0o644)
        return self.run_it(*(arguments or ("env",)), OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT=flag, **environment)

    def test_ca_flag(self):
        for flag, asked in (("1", True), ("TRUE", True), ("Yes", True), ("on", True), ("0", False), ("", False), ("enabled", False)):
            with self.subTest(flag):
                self.assertEqual("SSL_CERT_FILE=" in self.with_ca(flag=flag)[1], asked)

    def test_ca_found_is_said(self):
        self.assertRegex(self.with_ca()[1], re.escape(CA) + r" after 0s\n")

    def test_ca_that_comes_late_is_waited_for(self):
        self.add(CA, "", 0o644)
        process = self.popen("env", OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT="1")
        harness.eventually(lambda: self.is_asleep(process.pid), "it waits for the certificate authority")
        self.add(CA, "MITM\n", 0o644)
        out, _ = process.communicate(timeout=DEADLINE)
        self.assertRegex(out, re.escape(CA) + r" after [1-9]\d*s\n")

    def test_ca_wait_ends_on_term(self):
        process = self.popen("env", OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT="1")
        harness.eventually(lambda: self.is_asleep(process.pid), "it waits for the certificate authority")
        self.assertEqual(self.term(process), ("", 0))

    def test_ca_bundle_is_the_first_non_empty_one_and_the_ca(self):
        self.add("/etc/ssl/certs/ca-certificates.crt", "", 0o644)
        self.add("/etc/pki/tls/certs/ca-bundle.crt", "ROOTS", 0o644)
        self.add("/etc/ssl/cert.pem", "OTHER\n", 0o644)
        out = self.with_ca(SSL_CERT_FILE="/user/own")[1]
        self.assertEqual(self.read(MERGED), "ROOTS\nMITM\n")
        self.assertIn("NODE_EXTRA_CA_CERTS=%s\n" % CA, out)
        self.assertIn("REQUESTS_CA_BUNDLE=%s\n" % MERGED, out)
        self.assertIn("SSL_CERT_FILE=%s\n" % MERGED, out)

    def test_ca_bundle_of_certifi_comes_first(self):
        self.add("/etc/ssl/cert.pem", "OTHER\n", 0o644)
        self.add("/certifi.pem", "CERTIFI\n", 0o644)
        self.add("/bin/python", "#!/bin/sh\necho /certifi.pem\n")
        self.with_ca()
        self.assertTrue(self.read(MERGED).startswith("CERTIFI\n"))

    def test_ca_without_roots_is_alone(self):
        _, out, err = self.with_ca()
        self.assertIn("SSL_CERT_FILE=%s\n" % CA, out)
        self.assertIn("warning: no root bundle", err)

    def test_ca_variables_reach_execd(self):
        self.with_ca("sh", "-c", WAIT)
        self.assertIn("NODE_EXTRA_CA_CERTS=%s\n" % CA, self.read("/execd.env"))


class Script(Bootstrap):
    """What needs a shell to be done."""

    # --- The pre-script (8.4) ---

    def test_pre_script_exports_reach_both(self):
        self.add("/pre.sh", "export PRE=1\n", 0o644)
        _, out, _ = self.run_it("sh", "-c", WAIT + "echo PRE=$PRE", EXECD_BOOTSTRAP_PRE_SCRIPT="/pre.sh")
        self.assertIn("PRE=1\n", out)
        self.assertIn("PRE=1\n", self.read("/execd.env"))

    def test_pre_script_sees_the_env_file(self):
        self.add("/pre.sh", 'echo "A=1" >>"$EXECD_ENVS"\n', 0o644)
        self.run_it("true", EXECD_BOOTSTRAP_PRE_SCRIPT="/pre.sh")
        self.assertEqual(self.read("/opt/opensandbox/.env"), "A=1\n")

    def test_pre_script_name_without_slash_is_in_the_working_directory(self):
        self.add("/bin/pre", "echo wrong\n")
        self.add("/work/pre", "echo right\n")
        out = self.run_it("true", cwd="/work", EXECD_BOOTSTRAP_PRE_SCRIPT="pre")[1]
        self.assertTrue(out.startswith("right\n"))

    def test_pre_script_that_is_missing_is_a_warning(self):
        status, _, err = self.run_it("true", EXECD_BOOTSTRAP_PRE_SCRIPT="/nowhere")
        self.assertEqual(status, 0)
        self.assertIn("warning: ", err)

    def test_pre_script_that_is_unreadable_is_a_warning(self):
        self.add("/pre.sh", "echo no\n", 0o600)
        status, out, err = self.run_it("true", user=1000, EXECD_BOOTSTRAP_PRE_SCRIPT="/pre.sh")
        self.assertEqual((status, "no\n" in out), (0, False))
        self.assertIn("pre.sh is not a readable file", err)

    def test_pre_script_that_fails_ends_it_before_execd(self):
        self.add("/pre.sh", "false\n", 0o644)
        status, out, _ = self.run_it("echo", "ran", EXECD_BOOTSTRAP_PRE_SCRIPT="/pre.sh")
        self.assertEqual((status, out), (1, ""))

    def test_pre_script_may_change_the_arguments(self):
        self.add("/pre.sh", "set -- echo changed\n", 0o644)
        self.assertIn("changed\n", self.run_it("echo", "given", EXECD_BOOTSTRAP_PRE_SCRIPT="/pre.sh")[1])

    # --- The certificate authority, with fake tools ---

    def log_of(self, *tools, content='echo "$0 $*" >>/log\n'):
        for tool in tools:
            self.add("/fake/" + tool, "#!/bin/sh\n" + content)
        return {"PATH": "/fake:/bin"}

    def test_ca_wait_is_300_seconds(self):
        text = self.read("/bootstrap.sh")
        self.assertIn("\nca_wait_seconds=300\n", text)
        self.add("/bootstrap.sh", text.replace("ca_wait_seconds=300", "ca_wait_seconds=1"))
        status, out, err = self.run_it("env", OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT="1")
        self.assertEqual((status, "CERT" in out), (0, False))
        self.assertIn("warning: no mitmproxy CA at %s after 1s" % CA, err)

    def test_ca_goes_into_the_system_store_of_debian(self):
        self.with_ca("true", **self.log_of("update-ca-certificates", "update-ca-trust"))
        self.assertEqual(self.read("/usr/local/share/ca-certificates/opensandbox-mitmproxy-ca.crt"), "MITM\n")
        self.assertEqual(self.read("/log"), "/fake/update-ca-certificates \n")

    def test_ca_goes_into_the_system_store_of_fedora(self):
        self.with_ca("true", **self.log_of("update-ca-trust"))
        self.assertEqual(self.read("/etc/pki/ca-trust/source/anchors/opensandbox-mitmproxy-ca.pem"), "MITM\n")
        self.assertEqual(self.read("/log"), "/fake/update-ca-trust extract\n")

    def test_ca_with_an_old_update_ca_trust(self):
        fake = self.log_of("update-ca-trust", content='[ $# = 0 ] || exit 1\necho plain >>/log\n')
        self.with_ca("true", **fake)
        self.assertEqual(self.read("/log"), "plain\n")

    def test_ca_without_a_tool_is_a_warning(self):
        status, _, err = self.with_ca("true")
        self.assertEqual(status, 0)
        self.assertIn("warning: neither update-ca-certificates nor update-ca-trust found", err)

    def test_ca_tool_that_fails_is_a_warning(self):
        status, _, err = self.with_ca("true", **self.log_of("update-ca-certificates", content="exit 1\n"))
        self.assertEqual(status, 0)
        self.assertIn("warning: update-ca-certificates failed", err)

    def test_ca_as_a_user_goes_through_sudo(self):
        fake = self.log_of("update-ca-certificates")
        self.add("/fake/sudo", '#!/bin/sh\necho "sudo $*" >>/tmp/log\n')
        self.with_ca("true", user=1000, **fake)
        self.assertEqual(self.read("/tmp/log").splitlines()[-1], "sudo -n update-ca-certificates")

    def test_ca_goes_into_a_new_nss_database(self):
        self.with_ca("true", **self.log_of("certutil"))
        database = "sql:/root/.pki/nssdb"
        self.assertEqual(self.read("/log").splitlines(), [
            "/fake/certutil -N -d %s --empty-password" % database,
            "/fake/certutil -D -d %s -n opensandbox-mitmproxy" % database,
            "/fake/certutil -A -d %s -n opensandbox-mitmproxy -t C,, -i %s" % (database, CA),
        ])

    def test_ca_goes_into_an_nss_database_that_is_there(self):
        for file, kind in (("cert8.db", "dbm"), ("cert9.db", "sql")):
            with self.subTest(file):
                self.add("/log")
                self.add("/root/.pki/nssdb/" + file)
                self.with_ca("true", **self.log_of("certutil"))
                self.assertEqual([line.split()[1:4] for line in self.read("/log").splitlines()],
                                 [["-D", "-d", kind + ":/root/.pki/nssdb"], ["-A", "-d", kind + ":/root/.pki/nssdb"]])

    def test_ca_nss_failure_is_a_warning(self):
        status, _, err = self.with_ca("true", **self.log_of("certutil", content="exit 1\n"))
        self.assertEqual(status, 0)
        self.assertIn("warning: cannot create the NSS database", err)

    def test_ca_without_a_home_leaves_nss_alone(self):
        self.with_ca("true", HOME="/nowhere", **self.log_of("certutil"))
        self.assertFalse(os.path.exists(self.root + "/log"))


class Dash(Script, unittest.TestCase):
    command = ("/bin/dash", "/bootstrap.sh")


class Bash(Script, unittest.TestCase):
    command = ("/bin/bash", "/bootstrap.sh")


class BusyboxSh(Script, unittest.TestCase):
    command = ("/bin/busybox", "sh", "/bootstrap.sh")
    # This one brings its own sh.
    test_without_bash_and_sh_it_fails = None


class Execd(Bootstrap, unittest.TestCase):
    """`execd bootstrap --`, which needs no shell."""

    command = ("/launcher", "bootstrap", "--")

    def is_asleep(self, pid):
        # Nothing else makes it sleep before that; what it reads and writes are small files.
        with open("/proc/%d/status" % pid) as status:
            return "State:\tS" in status.read()

    def test_without_the_dashes(self):
        self.command = ("/launcher", "bootstrap")
        self.assertIn("hi\n", self.run_it("echo", "hi")[1])

    def test_pre_script_needs_a_shell(self):
        self.assertIn("warning: EXECD_BOOTSTRAP_PRE_SCRIPT needs a shell", self.run_it("true", EXECD_BOOTSTRAP_PRE_SCRIPT="/pre.sh")[2])


if __name__ == "__main__":
    harness.run("__main__", processes=True)
