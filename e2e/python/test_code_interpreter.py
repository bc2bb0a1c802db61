"""What the README of the official Python code-interpreter SDK shows, against a running server.

The server is the one that OPEN_SANDBOX_DOMAIN and OPEN_SANDBOX_API_KEY name. Run by ./test:
    .work/sdk/python-1.1.1/bin/python -m unittest -v e2e/python/test_code_interpreter.py
"""

import asyncio
import unittest
from datetime import timedelta

from code_interpreter import CodeInterpreter, CodeInterpreterSync, SupportedLanguage
from opensandbox import Sandbox, SandboxSync
from opensandbox.config import ConnectionConfig, ConnectionConfigSync
from opensandbox.models.execd import ExecutionHandlers
from opensandbox.models.execd_sync import ExecutionHandlersSync

IMAGE = "opensandbox/code-interpreter:v1.1.0"
OPTIONS = {
    "entrypoint": ["/opt/code-interpreter/code-interpreter.sh"],
    "resource": {"cpu": "2", "memory": "2Gi"},
    "timeout": timedelta(minutes=10),
}
# The server that starts the kernels, as in the published image, or none, when execd does it.
BACKENDS = {"jupyter": {}, "direct": {"JUPYTER_HOST": ""}}


def stdout(execution):
    return "".join(message.text for message in execution.logs.stdout)


class Readme(unittest.IsolatedAsyncioTestCase):
    async def flows(self, env):
        config = ConnectionConfig(request_timeout=timedelta(seconds=90))
        sandbox = await Sandbox.create(IMAGE, connection_config=config, env=env, **OPTIONS)
        async with sandbox:
            try:
                interpreter = await CodeInterpreter.create(sandbox=sandbox, ready_timeout=timedelta(minutes=2))
                for flow in (
                    self.quick_start,
                    self.default_context,
                    self.java,
                    self.state,
                    self.streaming,
                    self.several_languages,
                    self.contexts,
                    self.failure,
                    self.handlers,
                    self.interrupt,
                ):
                    with self.subTest(flow=flow.__name__):
                        await flow(interpreter.codes)
                with self.subTest(flow="services"):
                    await self.services(sandbox, interpreter)
                with self.subTest(flow="pip"):
                    pip = await sandbox.commands.run("pip --version")
                    self.assertIn("/opt/python/versions/cpython-", stdout(pip))
            finally:
                await sandbox.kill()

    async def test_with_a_jupyter_server(self):
        await self.flows(BACKENDS["jupyter"] | {"PYTHON_VERSION": "3.14", "JAVA_VERSION": "21"})

    async def test_with_direct_kernels(self):
        await self.flows(BACKENDS["direct"])

    async def quick_start(self, codes):
        context = await codes.create_context(SupportedLanguage.PYTHON)
        result = await codes.run("import sys\nprint(sys.version)\nresult = 2 + 2\nresult", context=context)
        self.assertEqual(result.result[0].text, "4")
        self.assertTrue(stdout(result).startswith("3."))
        self.assertEqual(result.id, context.id)

    async def default_context(self, codes):
        await codes.run("x = 42", language=SupportedLanguage.PYTHON)
        execution = await codes.run("result = x\nresult", language=SupportedLanguage.PYTHON)
        self.assertEqual(execution.result[0].text, "42")

    async def java(self, codes):
        context = await codes.create_context(SupportedLanguage.JAVA)
        execution = await codes.run(
            'System.out.println("Calculating sum...");\nint a = 10;\nint b = 20;\nint sum = a + b;\n'
            'System.out.println("Sum: " + sum);\nsum',
            context=context,
        )
        self.assertEqual(stdout(execution), "Calculating sum...\nSum: 30\n")
        self.assertEqual(execution.result[0].text, "30")

    async def state(self, codes):
        context = await codes.create_context(SupportedLanguage.PYTHON)
        await codes.run("users = ['Alice', 'Bob', 'Charlie']\nprint(len(users))", context=context)
        result = await codes.run("users.append('Dave')\nprint(users)\nresult = users\nresult", context=context)
        self.assertEqual(result.result[0].text, "['Alice', 'Bob', 'Charlie', 'Dave']")

    async def streaming(self, codes):
        seen = []

        async def on_stdout(message):
            seen.append(message.text)

        context = await codes.create_context(SupportedLanguage.PYTHON)
        await codes.run(
            "import time\nfor i in range(5):\n    print(i)\n    time.sleep(0.1)",
            context=context,
            handlers=ExecutionHandlers(on_stdout=on_stdout),
        )
        self.assertEqual("".join(seen), "0\n1\n2\n3\n4\n")

    async def several_languages(self, codes):
        go = await codes.create_context(SupportedLanguage.GO)
        execution = await codes.run('package main\nfunc main() { println("Running in Go") }', context=go)
        self.assertEqual("".join(message.text for message in execution.logs.stderr), "Running in Go\n")
        for language, code in {
            SupportedLanguage.TYPESCRIPT: "const n: number = 40; console.log(n + 2)",
            SupportedLanguage.JAVASCRIPT: "console.log(40 + 2)",
            SupportedLanguage.BASH: "echo $((40 + 2))",
        }.items():
            self.assertEqual(stdout(await codes.run(code, language=language)), "42\n", language)

    async def contexts(self, codes):
        context = await codes.create_context(SupportedLanguage.BASH)
        self.assertEqual((await codes.get_context(context.id)).language, "bash")
        self.assertIn(context.id, [found.id for found in await codes.list_contexts("bash")])
        await codes.delete_context(context.id)
        self.assertNotIn(context.id, [found.id for found in await codes.list_contexts("bash")])
        await codes.delete_contexts("bash")
        self.assertEqual(await codes.list_contexts("bash"), [])

    async def failure(self, codes):
        execution = await codes.run("undefined_name", language=SupportedLanguage.PYTHON)
        self.assertEqual(execution.error.name, "NameError")
        self.assertTrue(execution.error.traceback)

    async def handlers(self, codes):
        seen = []

        def note(kind, value):
            async def handler(event):
                seen.append((kind, value(event)))

            return handler

        handlers = ExecutionHandlers(
            on_init=note("init", lambda event: event.id),
            on_stdout=note("stdout", lambda event: event.text),
            on_stderr=note("stderr", lambda event: event.text),
            on_result=note("result", lambda event: event.text),
            on_error=note("error", lambda event: event.name),
            on_execution_complete=note("complete", lambda event: event.execution_time_in_millis >= 0),
        )
        context = await codes.create_context(SupportedLanguage.PYTHON)
        code = "import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr, flush=True)\n6 * 7"
        await codes.run(code, context=context, handlers=handlers)
        await codes.run("1 / 0", context=context, handlers=handlers)
        self.assertEqual(
            seen,
            [
                ("init", context.id),
                ("stdout", "out\n"),
                ("stderr", "err\n"),
                ("result", "42"),
                ("complete", True),
                ("init", context.id),
                ("error", "ZeroDivisionError"),
            ],
        )

    async def interrupt(self, codes):
        context = await codes.create_context(SupportedLanguage.PYTHON)
        started = asyncio.Event()

        async def on_stdout(_):
            started.set()

        code = "import time\nprint('up', flush=True)\ntime.sleep(600)"
        run = asyncio.create_task(codes.run(code, context=context, handlers=ExecutionHandlers(on_stdout=on_stdout)))
        await asyncio.wait_for(started.wait(), 60)
        await codes.interrupt(context.id)
        self.assertEqual((await asyncio.wait_for(run, 60)).error.name, "KeyboardInterrupt")
        self.assertEqual((await codes.run("1 + 1", context=context)).result[0].text, "2")

    async def services(self, sandbox, interpreter):
        self.assertEqual(interpreter.id, sandbox.id)
        self.assertIs(interpreter.sandbox, sandbox)
        self.assertTrue(await interpreter.ping())
        self.assertTrue(await interpreter.is_healthy())
        await interpreter.files.write_file("/tmp/shared.txt", "shared")
        read = await interpreter.codes.run("open('/tmp/shared.txt').read()", language=SupportedLanguage.PYTHON)
        self.assertEqual(read.result[0].text, "'shared'")
        self.assertEqual(stdout(await interpreter.commands.run("cat /tmp/shared.txt")), "shared")
        self.assertGreater((await interpreter.metrics.get_metrics(sandbox.id)).cpu_count, 0)


class SynchronousReadme(unittest.TestCase):
    def test_quick_start(self):
        config = ConnectionConfigSync(request_timeout=timedelta(seconds=90))
        env = BACKENDS["direct"] | {"PYTHON_VERSION": "3.11"}
        sandbox = SandboxSync.create(IMAGE, connection_config=config, env=env, **OPTIONS)
        with sandbox:
            try:
                interpreter = CodeInterpreterSync.create(sandbox=sandbox, ready_timeout=timedelta(minutes=2))
                result = interpreter.codes.run("result = 2 + 2\nresult")
                self.assertEqual(result.result[0].text, "4")
                version = interpreter.codes.run("import sys\nprint(sys.version)")
                self.assertTrue(stdout(version).startswith("3.11."))
                with self.subTest(flow="contexts"):
                    self.contexts(interpreter.codes)
                with self.subTest(flow="interrupt"):
                    self.interrupt(interpreter.codes)
                with self.subTest(flow="services"):
                    self.services(sandbox, interpreter)
            finally:
                sandbox.kill()

    def contexts(self, codes):
        context = codes.create_context(SupportedLanguage.BASH)
        self.assertEqual(stdout(codes.run("echo one", context=context)), "one\n")
        self.assertEqual(codes.get_context(context.id).language, "bash")
        self.assertEqual([found.id for found in codes.list_contexts("bash")], [context.id])
        codes.delete_context(context.id)
        codes.create_context(SupportedLanguage.BASH)
        codes.delete_contexts("bash")
        self.assertEqual(codes.list_contexts("bash"), [])

    def interrupt(self, codes):
        context = codes.create_context(SupportedLanguage.PYTHON)
        handlers = ExecutionHandlersSync(on_stdout=lambda _: codes.interrupt(context.id))
        code = "import time\nprint('up', flush=True)\ntime.sleep(600)"
        self.assertEqual(codes.run(code, context=context, handlers=handlers).error.name, "KeyboardInterrupt")

    def services(self, sandbox, interpreter):
        self.assertEqual(interpreter.id, sandbox.id)
        self.assertTrue(interpreter.ping())
        self.assertTrue(interpreter.is_healthy())
        interpreter.files.write_file("/tmp/shared.txt", "shared")
        self.assertEqual(stdout(interpreter.commands.run("cat /tmp/shared.txt")), "shared")
        self.assertGreater(interpreter.metrics.get_metrics(sandbox.id).cpu_count, 0)


if __name__ == "__main__":
    unittest.main()
