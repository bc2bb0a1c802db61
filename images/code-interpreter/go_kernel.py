"""A Jupyter kernel for Go, on the Go toolchain of the PATH.

Each cell is compiled and run as a program of its own. What a cell declares (functions, types, variables, constants,
imports) is there in later cells as well, variables with their first value; a later declaration of a name replaces the
earlier one. A cell is a whole program with `func main`, or statements, which become the body of `main`.
"""

import os
import re
import signal
import subprocess
import tempfile
import threading

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

OPENING = {"{": "}", "(": ")", "[": "]"}
IMPORT = re.compile(r'(?:([\w.]+)\s+)?("[^"]+"|`[^`]+`)')
NAME = re.compile(r"[A-Za-z_]\w*")
ALWAYS_USED = ("_", ".")
# A line that ends with one of these goes on in the next one (Go specification, "Semicolons", the other way round).
CONTINUES = re.compile(r"(?:[-+*/%&|^<>=!,.:(\[{]|&&|\|\|)\s*$")


def skip_literal_or_comment(code, at):
    """The index after the string, rune or comment that begins at `at`, or `at` when none does."""
    if code.startswith("//", at):
        end = code.find("\n", at)
        return len(code) if end < 0 else end
    if code.startswith("/*", at):
        end = code.find("*/", at + 2)
        return len(code) if end < 0 else end + 2
    quote = code[at]
    if quote not in "\"'`":
        return at
    end = at + 1
    while end < len(code) and code[end] != quote:
        end += 2 if code[end] == "\\" and quote != "`" else 1
    return min(end + 1, len(code))


def without_literals(code):
    """The code with strings and comments blanked, for looking for names."""
    parts, at = [], 0
    while at < len(code):
        end = skip_literal_or_comment(code, at)
        parts.append(code[at] if end == at else " ")
        at = max(end, at + 1)
    return "".join(parts)


def chunks(code):
    """Splits code at line ends and semicolons that are in no bracket: one declaration or statement each."""
    start = at = depth = 0
    while at < len(code):
        end = skip_literal_or_comment(code, at)
        if end > at:
            at = end
            continue
        character = code[at]
        if character in OPENING:
            depth += 1
        elif character in OPENING.values():
            depth -= 1
        elif depth <= 0 and character in "\n;" and not (character == "\n" and CONTINUES.search(code[start:at])):
            yield code[start:at]
            start = at + 1
        at += 1
    yield code[start:]


class Declarations:
    """What the cells have declared so far, by name."""

    def __init__(self):
        self.imports = {}
        self.named = {}

    def copy(self):
        other = Declarations()
        other.imports, other.named = dict(self.imports), dict(self.named)
        return other

    def add_imports(self, text):
        for alias, path in IMPORT.findall(text):
            path = path.strip("\"`")
            name = alias or re.sub(r"/v\d+$", "", path).rsplit("/", 1)[-1]
            self.imports[f"{name} {path}" if name in ALWAYS_USED else name] = (alias, path)

    def take(self, chunk):
        """Takes a declaration; gives back what is no declaration."""
        bare = without_literals(chunk).strip()
        word = (NAME.match(bare) or [""])[0]
        if word == "package":
            return ""
        if word == "import":
            self.add_imports(chunk.split("import", 1)[1])
        elif word == "func" and re.match(r"func\s*(\([^)]*\)\s*)?\w", bare):
            receiver, name = re.match(r"func\s*(?:\(([^)]*)\)\s*)?(\w+)", bare).groups()
            if name == "main" and receiver is None:
                return chunk
            owner = re.sub(r"\[.*", "", receiver).split()[-1].lstrip("*") + "." if receiver else ""
            self.named[f"func {owner}{name}" if owner else name] = chunk
        elif word in ("type", "var", "const"):
            names = NAME.findall(bare)
            self.named[names[1] if len(names) > 1 and "(" not in bare.split(names[1])[0] else chunk] = chunk
        else:
            return chunk
        return ""

    def source(self, body):
        everything = "\n".join([*self.named.values(), body])
        bare = without_literals(everything)
        imports = [
            f'import {alias} "{path}"'
            for name, (alias, path) in self.imports.items()
            if name.split()[0] in ALWAYS_USED or re.search(rf"\b{re.escape(name)}\s*\.", bare)
        ]
        return "\n".join(["package main", *imports, everything, ""])


def main_of(rest):
    """The program's entry: `func main` as it was written, else the statements as its body."""
    text = "\n".join(chunk for chunk in rest if chunk.strip())
    if re.search(r"^\s*func\s+main\s*\(", without_literals(text), re.M):
        return text
    return "func main() {\n" + text + "\n}"


class GoKernel(Kernel):
    implementation = "go_kernel"
    implementation_version = "1.0"
    language_info = {"name": "go", "mimetype": "text/x-go", "file_extension": ".go"}
    banner = "Go"

    def __init__(self, **options):
        super().__init__(**options)
        self.declarations = Declarations()
        self.folder = tempfile.TemporaryDirectory(prefix="go-kernel-")
        with open(os.path.join(self.folder.name, "go.mod"), "w") as module:
            module.write("module cell\n")

    def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, **_):
        declarations = self.declarations.copy()
        body = main_of([declarations.take(chunk) for chunk in chunks(code)])
        try:
            failure = self.compile(declarations.source(body))
            if failure is None:
                self.declarations = declarations
                failure = self.execute(silent)
        except KeyboardInterrupt:
            failure = ("Interrupted", "the program was interrupted", [])
        if failure is None:
            return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}
        name, value, traceback = failure
        content = {"ename": name, "evalue": value, "traceback": traceback}
        if not silent:
            self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    def compile(self, source):
        with open(os.path.join(self.folder.name, "main.go"), "w") as file:
            file.write(source)
        build = subprocess.run(
            ["go", "build", "-o", "cell", "."], cwd=self.folder.name, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if build.returncode == 0:
            return None
        lines = [line for line in build.stderr.splitlines() if not line.startswith("#")]
        return "CompileError", lines[0] if lines else "go build failed", lines

    def execute(self, silent):
        program = subprocess.Popen(
            [os.path.join(self.folder.name, "cell")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        last = []
        readers = [
            threading.Thread(target=self.relay, args=(pipe, name, silent, last))
            for pipe, name in ((program.stdout, "stdout"), (program.stderr, "stderr"))
        ]
        # The threads of a running cell send as part of it; ipykernel knows that by the parent that they are given.
        for reader in readers:
            reader.start()
        try:
            for reader in readers:
                reader.join()
            status = program.wait()
        except KeyboardInterrupt:
            program.send_signal(signal.SIGINT)
            try:
                program.wait(2)
            except subprocess.TimeoutExpired:
                program.kill()
            raise
        if status == 0:
            return None
        said = "".join(last).splitlines()
        value = f"exit status {status}" if status > 0 else f"signal: {signal.strsignal(-status).lower()}"
        return ("Panic" if any(line.startswith("panic:") for line in said) else "ExitError"), value, said or [value]

    def relay(self, pipe, name, silent, last):
        while data := os.read(pipe.fileno(), 65536):
            text = data.decode("utf-8", "replace")
            if name == "stderr":
                last[:] = [("".join(last) + text)[-4096:]]
            if not silent:
                self.send_response(self.iopub_socket, "stream", {"name": name, "text": text})
        pipe.close()


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=GoKernel)
