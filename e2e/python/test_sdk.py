"""What a user of the official Python SDK does, on each image, against a running server.

The server is the one that OPEN_SANDBOX_DOMAIN and OPEN_SANDBOX_API_KEY name. Run by ./test once per SDK version:
    .work/sdk/python-VERSION/bin/python -m unittest -v e2e/python/test_sdk.py
"""

import asyncio
import threading
import time
import unittest
import uuid
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from opensandbox import Sandbox, SandboxManagerSync, SandboxSync
from opensandbox.config import ConnectionConfig, ConnectionConfigSync
from opensandbox.exceptions import SandboxApiException, SandboxException
from opensandbox.models.execd import RunCommandOpts
from opensandbox.models.execd_sync import ExecutionHandlersSync
from opensandbox.models.filesystem import (
    ContentReplaceEntry,
    MoveEntry,
    SearchEntry,
    SetPermissionEntry,
    WriteEntry,
)
from opensandbox.models.sandboxes import SandboxFilter

RUN = str(uuid.uuid4())
WAIT_FOREVER = ["tail", "-f", "/dev/null"]
IMAGES = {
    "python": ("opensandbox/demo:local", WAIT_FOREVER),
    "busybox": ("opensandbox/busybox:local", WAIT_FOREVER),
    "user": ("opensandbox/user:local", WAIT_FOREVER),  # who is not root
    "noshell": ("opensandbox/noshell:local", ["/pause"]),
}
SHELLS = ["python", "busybox", "user"]
KNOWS_ARGV = not version("opensandbox").startswith("0.")
if KNOWS_ARGV:
    from opensandbox.models.filesystem import DirectoryListEntry


def create(image, **options):
    name, entrypoint = IMAGES[image]
    options.setdefault("entrypoint", entrypoint)
    options.setdefault("metadata", {"e2e-python": RUN, "image": image})
    options.setdefault("connection_config", ConnectionConfigSync())
    options.setdefault("ready_timeout", timedelta(minutes=2))
    return SandboxSync.create(name, **options)


def texts(messages):
    return [message.text for message in messages]


def until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come true in time")
        time.sleep(0.05)


class OnEachImage(unittest.TestCase):
    def on(self, images, scenario):
        for image in images:
            with self.subTest(image=image):
                sandbox = create(image)
                try:
                    scenario(image, sandbox)
                finally:
                    sandbox.kill()
                    sandbox.close()

    def test_lifecycle(self):
        def scenario(image, sandbox):
            info = sandbox.get_info()
            self.assertEqual(info.id, sandbox.id)
            self.assertEqual(info.status.state, "Running")
            self.assertEqual(info.entrypoint, IMAGES[image][1])
            self.assertEqual(info.image.image, IMAGES[image][0])
            self.assertTrue(sandbox.is_healthy())
            with SandboxManagerSync.create(connection_config=ConnectionConfigSync()) as manager:
                found = manager.list_sandbox_infos(
                    SandboxFilter(states=["Running"], metadata={"e2e-python": RUN, "image": image})
                )
                self.assertEqual([item.id for item in found.sandbox_infos], [sandbox.id])
                self.assertEqual(found.pagination.total_items, 1)
            sandbox.renew(timedelta(minutes=20))
            left = sandbox.get_info().expires_at - datetime.now(timezone.utc)
            self.assertLess(abs(left - timedelta(minutes=20)), timedelta(seconds=30))
            self.assertRegex(sandbox.get_endpoint(44772).endpoint, r"^127\.0\.0\.1:\d+/proxy/44772$")
            self.assertRegex(sandbox.get_endpoint(8080).endpoint, r"^127\.0\.0\.1:\d+$")

        self.on(IMAGES, scenario)

    def test_killed_sandbox_is_gone(self):
        sandbox = create("busybox")
        sandbox.kill()
        with self.assertRaises(SandboxApiException) as caught:
            sandbox.get_info()
        self.assertEqual(caught.exception.status_code, 404)
        with self.assertRaises(SandboxApiException):
            sandbox.kill()
        sandbox.close()

    def test_connect_to_an_existing_sandbox(self):
        def scenario(image, sandbox):
            again = SandboxSync.connect(sandbox.id, connection_config=ConnectionConfigSync())
            again.files.write_file("/tmp/shared.txt", "shared")
            self.assertEqual(sandbox.files.read_file("/tmp/shared.txt"), "shared")
            again.close()

        self.on(IMAGES, scenario)

    def test_commands(self):
        def scenario(_, sandbox):
            ok = sandbox.commands.run("echo one; echo two; echo err >&2")
            self.assertEqual(texts(ok.logs.stdout), ["one", "two"])
            self.assertEqual(texts(ok.logs.stderr), ["err"])
            self.assertEqual((ok.exit_code, ok.error), (0, None))
            self.assertIsNotNone(ok.complete)
            failed = sandbox.commands.run("exit 9")
            self.assertEqual((failed.exit_code, failed.error.name, failed.error.value), (9, "CommandExecError", "9"))
            self.assertIsNone(failed.complete)
            where = sandbox.commands.run(
                "pwd; echo $E2E", opts=RunCommandOpts(working_directory="/tmp", envs={"E2E": "set"})
            )
            self.assertEqual(texts(where.logs.stdout), ["/tmp", "set"])

        self.on(SHELLS, scenario)

    def test_users_and_time_limits_of_commands(self):
        def scenario(image, sandbox):
            commands = sandbox.commands
            uid, gid = (1000, 1000) if image == "user" else (4321, 4322)
            identity = commands.run("id -u; id -g", opts=RunCommandOpts(uid=uid, gid=gid))
            self.assertEqual(texts(identity.logs.stdout), [str(uid), str(gid)])
            late = commands.run("sleep 600", opts=RunCommandOpts(timeout=timedelta(milliseconds=500)))
            self.assertEqual((late.exit_code, late.error.name, late.complete), (-1, "CommandExecError", None))
            session = commands.create_session()
            late = commands.run_in_session(session, "KEPT=yes; sleep 600", timeout=timedelta(milliseconds=500))
            self.assertEqual((late.error.name, late.error.value), ("CommandExecError", "-1"))
            here = commands.run_in_session(session, "pwd", working_directory="/tmp")
            self.assertEqual(texts(here.logs.stdout), ["/tmp"])
            commands.delete_session(session)

        self.on(SHELLS, scenario)

    @unittest.skipUnless(KNOWS_ARGV, "this SDK sends shell text only")
    def test_argument_lists_need_no_shell(self):
        def scenario(image, sandbox):
            program = ["/app", "print"] if image == "noshell" else ["echo"]
            execution = sandbox.commands.run([*program, "$HOME", "a  b", "*"])
            self.assertEqual(texts(execution.logs.stdout), ["$HOME a  b *"])
            self.assertEqual(execution.exit_code, 0)

        self.on(IMAGES, scenario)

    def test_streaming(self):
        def scenario(_, sandbox):
            seen = []
            execution = sandbox.commands.run(
                "echo first; echo oops >&2; printf 'a\\n\\nb'",
                handlers=ExecutionHandlersSync(
                    on_init=lambda init: seen.append(("init", init.id)),
                    on_stdout=lambda message: seen.append(("out", message.text)),
                    on_stderr=lambda message: seen.append(("err", message.text)),
                    on_execution_complete=lambda _: seen.append(("end", "")),
                ),
            )
            self.assertEqual(seen[0], ("init", execution.id))
            self.assertEqual([text for kind, text in seen if kind == "out"], ["first", "a", "\n", "b"])
            self.assertIn(("err", "oops"), seen)
            self.assertEqual(seen[-1], ("end", ""))

        self.on(SHELLS, scenario)

    def test_background_status_logs_and_interrupt(self):
        def scenario(_, sandbox):
            commands = sandbox.commands
            started = commands.run("echo begun; exec sleep 600", opts=RunCommandOpts(background=True))
            self.assertIsNone(started.exit_code)
            self.assertTrue(commands.get_command_status(started.id).running)
            content, cursor = "", 0
            deadline = time.monotonic() + 60
            while "begun\n" not in content and time.monotonic() < deadline:
                logs = commands.get_background_command_logs(started.id, cursor=cursor)
                content, cursor = content + logs.content, logs.cursor
            self.assertEqual(content, "begun\n")
            commands.interrupt(started.id)
            until(lambda: not commands.get_command_status(started.id).running)
            self.assertEqual(commands.get_command_status(started.id).exit_code, -1)

        self.on(SHELLS, scenario)

    def test_interrupt_of_a_running_stream(self):
        def scenario(_, sandbox):
            started = threading.Event()
            ids, results = [], []
            handlers = ExecutionHandlersSync(on_init=lambda init: (ids.append(init.id), started.set()))
            runner = threading.Thread(
                target=lambda: results.append(sandbox.commands.run("exec sleep 600", handlers=handlers))
            )
            runner.start()
            self.assertTrue(started.wait(60))
            sandbox.commands.interrupt(ids[0])
            runner.join(60)
            self.assertFalse(runner.is_alive())
            self.assertEqual(results[0].error.value, "-1")

        self.on(SHELLS, scenario)

    def test_sessions(self):
        def scenario(_, sandbox):
            commands = sandbox.commands
            session = commands.create_session(working_directory="/tmp")
            self.assertEqual(texts(commands.run_in_session(session, "pwd").logs.stdout), ["/tmp"])
            commands.run_in_session(session, "export KEPT='a b'; cd /etc")
            after = commands.run_in_session(session, 'echo "$KEPT"; pwd')
            self.assertEqual(texts(after.logs.stdout), ["a b", "/etc"])
            failed = commands.run_in_session(session, "sh -c 'exit 7'")
            self.assertEqual(failed.error.value, "7")
            commands.delete_session(session)
            with self.assertRaises(SandboxException):
                commands.run_in_session(session, "pwd")

        self.on(SHELLS, scenario)

    def test_files(self):
        def scenario(_, sandbox):
            files = sandbox.files
            files.create_directories([WriteEntry(path="/tmp/sdk", mode=755)])
            files.write_files(
                [
                    WriteEntry(path="/tmp/sdk/a.txt", data="alpha", mode=644),
                    WriteEntry(path="/tmp/sdk/b.bin", data=bytes(range(256)), mode=600),
                    WriteEntry(path="/tmp/sdk/sub/ü.txt", data="ünïcode", mode=644),
                ]
            )
            self.assertEqual(files.read_file("/tmp/sdk/a.txt"), "alpha")
            self.assertEqual(files.read_bytes("/tmp/sdk/b.bin"), bytes(range(256)))
            self.assertEqual(files.read_bytes("/tmp/sdk/b.bin", range_header="bytes=0-9"), bytes(range(10)))
            self.assertEqual(files.read_file("/tmp/sdk/sub/ü.txt"), "ünïcode")
            self.assertEqual(b"".join(files.read_bytes_stream("/tmp/sdk/b.bin")), bytes(range(256)))
            self.assertEqual(files.get_file_info(["/tmp/sdk/b.bin"])["/tmp/sdk/b.bin"].mode, 600)
            files.set_permissions([SetPermissionEntry(path="/tmp/sdk/b.bin", mode=640)])
            self.assertEqual(files.get_file_info(["/tmp/sdk/b.bin"])["/tmp/sdk/b.bin"].mode, 640)
            files.replace_contents(
                [ContentReplaceEntry(path="/tmp/sdk/a.txt", old_content="alpha", new_content="omega")]
            )
            files.move_files([MoveEntry(src="/tmp/sdk/a.txt", dest="/tmp/sdk/moved/c.txt")])
            self.assertEqual(files.read_file("/tmp/sdk/moved/c.txt"), "omega")
            found = files.search(SearchEntry(path="/tmp/sdk", pattern="*.txt"))
            self.assertEqual(sorted(entry.path for entry in found), ["/tmp/sdk/moved/c.txt", "/tmp/sdk/sub/ü.txt"])
            files.delete_files(["/tmp/sdk/b.bin"])
            files.delete_directories(["/tmp/sdk"])
            with self.assertRaises(SandboxApiException) as caught:
                files.read_file("/tmp/sdk/b.bin")
            self.assertEqual(caught.exception.status_code, 404)

        self.on(IMAGES, scenario)

    @unittest.skipUnless(KNOWS_ARGV, "this SDK has no such calls")
    def test_lists_line_windows_and_counted_replacements(self):
        def scenario(_, sandbox):
            files = sandbox.files
            files.write_file("/tmp/lines/sub/a.txt", "one\ntwo\nthree\nfour\n")
            names = lambda depth: [
                (entry.path, entry.entry_type)
                for entry in files.list_directory(DirectoryListEntry(path="/tmp/lines", depth=depth))
            ]
            self.assertEqual(names(1), [("/tmp/lines/sub", "directory")])
            self.assertEqual(names(2), [("/tmp/lines/sub", "directory"), ("/tmp/lines/sub/a.txt", "file")])
            self.assertEqual(files.read_file("/tmp/lines/sub/a.txt", offset=2, limit=2), "two\nthree")
            self.assertEqual(b"".join(files.read_bytes_stream("/tmp/lines/sub/a.txt", offset=4)), b"four")
            replaced = files.replace_contents_detailed(
                [ContentReplaceEntry(path="/tmp/lines/sub/a.txt", old_content="o", new_content="0")]
            )
            self.assertEqual([(result.path, result.replaced_count) for result in replaced], [("/tmp/lines/sub/a.txt", 3)])

        self.on(IMAGES, scenario)

    @unittest.skipUnless(KNOWS_ARGV, "this SDK has no such call")
    def test_variables_set_for_later_commands(self):
        def scenario(image, sandbox):
            # On Docker the folder of the file belongs to root, who alone can be sure to write there.
            writable = sandbox.commands.run('test -w "${EXECD_ENVS%/*}" || test -w "$EXECD_ENVS"').exit_code == 0
            if not writable:
                self.assertEqual(image, "user")
                with self.assertRaises(SandboxException) as caught:
                    sandbox.commands.set_env("E2E_KEPT", "kept")
                self.assertIn("Permission denied", str(caught.exception))
                return
            sandbox.commands.set_env("E2E_KEPT", "kept")
            # This SDK writes quotes, which files of variables do not have in the contract: they are part of the value.
            self.assertEqual(texts(sandbox.commands.run('echo "$E2E_KEPT"').logs.stdout), ["'kept'"])

        self.on(SHELLS, scenario)

    @unittest.skipUnless(KNOWS_ARGV, "this SDK has no files of users")
    def test_files_with_the_rights_of_a_user(self):
        def scenario(image, sandbox):
            sandbox.files.create_directories([WriteEntry(path="/tmp/shared", mode=777)])
            sandbox.files.write_files([WriteEntry(path="/tmp/shared/secret", data="secret", mode=600)])
            theirs = sandbox.files_with_identity(4321, 4322)
            if image == "user":  # only root may act for others
                with self.assertRaises(SandboxApiException) as caught:
                    theirs.write_file("/tmp/shared/theirs", "text")
                self.assertEqual(caught.exception.status_code, 403)
                own = sandbox.files_with_identity(1000, 1000)
                self.assertEqual(own.read_file("/tmp/shared/secret"), "secret")
                return
            theirs.write_file("/tmp/shared/theirs", "text")
            self.assertEqual(theirs.read_file("/tmp/shared/theirs"), "text")
            info = sandbox.files.get_file_info(["/tmp/shared/theirs"])["/tmp/shared/theirs"]
            self.assertEqual((info.owner, info.group), ("4321", "4322"))
            with self.assertRaises(SandboxException):
                theirs.read_file("/tmp/shared/secret")
            self.assertEqual(sandbox.files.read_file("/tmp/shared/secret"), "secret")

        self.on(IMAGES, scenario)

    @unittest.skipUnless(KNOWS_ARGV, "this SDK has no isolated sessions")
    def test_isolated_sessions(self):
        from opensandbox.models.isolated import CreateIsolatedSessionRequest, IsolatedRunOpts, IsolatedWorkspaceSpec

        def workspace(mode):
            return CreateIsolatedSessionRequest(workspace=IsolatedWorkspaceSpec(path="/tmp/isolated", mode=mode))

        def scenario(_, sandbox):
            isolation = sandbox.isolation
            capabilities = isolation.capabilities()
            self.assertEqual(isolation.list(), [])
            if not capabilities.available:  # Docker's default profile forbids namespaces
                self.assertIn("bubblewrap", capabilities.message)
                with self.assertRaises(SandboxApiException) as caught:
                    isolation.create(workspace("rw"))
                self.assertEqual(caught.exception.status_code, 503)
                return
            sandbox.files.write_file("/tmp/isolated/note.txt", "before")
            with isolation.session(workspace("overlay")) as session:
                ran = session.run("echo $GREETING > note.txt; cat note.txt", opts=IsolatedRunOpts(envs={"GREETING": "after"}))
                self.assertEqual((texts(ran.logs.stdout), ran.exit_code), (["after"], 0))
                self.assertEqual(session.run("exit 3").exit_code, 3)
                self.assertEqual(session.files.read_file("/tmp/isolated/note.txt"), "after\n")
                self.assertEqual(sandbox.files.read_file("/tmp/isolated/note.txt"), "before")
                session.files.write_file("/tmp/isolated/sub/new.txt", "new")
                found = session.files.search(SearchEntry(path="/tmp/isolated", pattern="*.txt"))
                self.assertEqual(sorted(entry.path for entry in found), ["/tmp/isolated/note.txt", "/tmp/isolated/sub/new.txt"])
                self.use_all_file_calls(session.files, "/tmp/isolated/all")
                self.assertEqual(sandbox.files.search(SearchEntry(path="/tmp/isolated", pattern="*.dat")), [])
                self.assertEqual(isolation.attach(session.session_id).info.workspace.mode, "overlay")
                self.assertEqual((session.get().status, len(isolation.list())), ("active", 1))
                background = session.run_background("echo begun; exit 4")
                until(lambda: not session.run_status(background.run_id).running)
                self.assertEqual(session.run_status(background.run_id).exit_code, 4)
                self.assertEqual(session.run_logs(background.run_id).text, "begun\n")
            self.assertEqual(isolation.list(), [])
            self.assertEqual(texts(isolation.run_once("echo once", workspace="/tmp/isolated").logs.stdout), ["once"])

        self.on(SHELLS, scenario)

    def test_as_another_user_than_root(self):
        sandbox = create("user")
        try:
            commands, files = sandbox.commands, sandbox.files
            identity = commands.run("id -u; id -g; echo $HOME; pwd")
            self.assertEqual(texts(identity.logs.stdout), ["1000", "1000", "/home/user", "/home/user"])
            own = commands.run("id -u", opts=RunCommandOpts(uid=1000, gid=1000))
            self.assertEqual(texts(own.logs.stdout), ["1000"])
            other = commands.run("id -u", opts=RunCommandOpts(uid=0, gid=0))
            self.assertEqual((other.exit_code, other.error.name), (None, "CommandExecError"))
            files.write_file("~/note.txt", "mine")
            info = files.get_file_info(["/home/user/note.txt"])["/home/user/note.txt"]
            self.assertEqual((info.owner, info.group), ("1000", "1000"))
            for forbidden in (
                lambda: files.write_file("/etc/forbidden", "no"),
                lambda: files.set_permissions([SetPermissionEntry(path="/home/user/note.txt", owner="root", mode=600)]),
                lambda: files.read_file("/root/.profile"),
            ):
                with self.assertRaises(SandboxApiException) as caught:
                    forbidden()
                self.assertEqual(caught.exception.status_code, 500)
            self.assertEqual(files.read_file("/home/user/note.txt"), "mine")
        finally:
            sandbox.kill()
            sandbox.close()

    def use_all_file_calls(self, files, root):
        def entries():
            return sorted(entry.path for entry in files.list_directory(DirectoryListEntry(path=root, depth=2)))

        files.create_directories([WriteEntry(path=root + "/sub", mode=755)])
        files.write_files([WriteEntry(path=root + "/a.dat", data="one\ntwo\nthree\n", mode=600)])
        self.assertEqual(files.read_bytes(root + "/a.dat", range_header="bytes=4-6"), b"two")
        self.assertEqual(files.read_file(root + "/a.dat", offset=2, limit=1), "two")
        self.assertEqual(b"".join(files.read_bytes_stream(root + "/a.dat")), b"one\ntwo\nthree\n")
        files.set_permissions([SetPermissionEntry(path=root + "/a.dat", mode=640)])
        self.assertEqual(files.get_file_info([root + "/a.dat"])[root + "/a.dat"].mode, 640)
        files.replace_contents([ContentReplaceEntry(path=root + "/a.dat", old_content="two", new_content="zwei")])
        counted = files.replace_contents_detailed(
            [ContentReplaceEntry(path=root + "/a.dat", old_content="e", new_content="E")]
        )
        self.assertEqual([(result.path, result.replaced_count) for result in counted], [(root + "/a.dat", 4)])
        files.move_files([MoveEntry(src=root + "/a.dat", dest=root + "/sub/b.dat")])
        self.assertEqual(files.read_file(root + "/sub/b.dat"), "onE\nzwEi\nthrEE\n")
        self.assertEqual(entries(), [root + "/sub", root + "/sub/b.dat"])
        files.delete_files([root + "/sub/b.dat"])
        self.assertEqual(entries(), [root + "/sub"])
        files.delete_directories([root + "/sub"])
        self.assertEqual(entries(), [])

    def test_metrics(self):
        def scenario(_, sandbox):
            metrics = sandbox.get_metrics()
            self.assertGreater(metrics.cpu_count, 0)
            self.assertLessEqual(metrics.memory_used_in_mib, metrics.memory_total_in_mib)

        self.on(IMAGES, scenario)

    def test_through_the_server_proxy(self):
        for image in IMAGES:
            with self.subTest(image=image):
                sandbox = create(image, connection_config=ConnectionConfigSync(use_server_proxy=True))
                try:
                    endpoint = sandbox.get_endpoint(18080).endpoint
                    self.assertIn(f"/sandboxes/{sandbox.id}/proxy/18080", endpoint)
                    sandbox.files.write_file("/tmp/p.txt", "proxied")
                    self.assertEqual(sandbox.files.read_file("/tmp/p.txt"), "proxied")
                    if image in SHELLS:
                        self.assertEqual(texts(sandbox.commands.run("echo hi").logs.stdout), ["hi"])
                finally:
                    sandbox.kill()
                    sandbox.close()

    def test_pause_and_resume(self):
        sandbox = create("python")
        try:
            sandbox.files.write_file("/tmp/kept.txt", "kept")
            sandbox.pause()
            self.assertEqual(sandbox.get_info().status.state, "Paused")
            again = SandboxSync.resume(sandbox.id, connection_config=ConnectionConfigSync())
            self.assertEqual(again.get_info().status.state, "Running")
            self.assertEqual(again.files.read_file("/tmp/kept.txt"), "kept")
            again.close()
        finally:
            sandbox.kill()
            sandbox.close()

    def test_metadata_patch(self):
        sandbox = create("busybox", metadata={"e2e-python": RUN, "drop": "me"})
        try:
            patched = sandbox.patch_metadata({"drop": None, "add": "this"})
            self.assertEqual(patched.metadata, {"e2e-python": RUN, "add": "this"})
        finally:
            sandbox.kill()
            sandbox.close()

    def test_manual_cleanup(self):
        sandbox = create("busybox", timeout=None)
        try:
            self.assertIsNone(sandbox.get_info().expires_at)
        finally:
            sandbox.kill()
            sandbox.close()

    def test_errors_carry_code_and_request_id(self):
        with self.assertRaises(SandboxApiException) as caught:
            SandboxSync.connect(str(uuid.uuid4()), connection_config=ConnectionConfigSync(headers={"X-Request-ID": RUN}))
        self.assertEqual(caught.exception.status_code, 404)
        self.assertEqual(caught.exception.request_id, RUN)
        self.assertEqual(caught.exception.error.code, "DOCKER::SANDBOX_NOT_FOUND")


class Asynchronous(unittest.TestCase):
    def test_three_at_once(self):
        async def one(number):
            sandbox = await Sandbox.create(
                IMAGES["busybox"][0],
                entrypoint=WAIT_FOREVER,
                metadata={"e2e-python": RUN},
                connection_config=ConnectionConfig(),
            )
            try:
                execution = await sandbox.commands.run(f"echo {number}")
                return texts(execution.logs.stdout)
            finally:
                await sandbox.kill()
                await sandbox.close()

        async def all_three():
            return await asyncio.gather(*(one(number) for number in range(3)))

        self.assertEqual(asyncio.run(all_three()), [["0"], ["1"], ["2"]])


if __name__ == "__main__":
    unittest.main()
