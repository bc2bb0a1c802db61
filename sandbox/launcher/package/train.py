"""Starts execd and uses its main routes once, so that the cache holds the classes they need. Usage: train.py EXECD"""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_bound(port):
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.002)
    sys.exit("nothing listens on port %d" % port)


class Client:
    def __init__(self, port):
        self.port = port

    def call(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        print(method, path, response.status, content[:200], flush=True)
        return response.status, content

    def json(self, method, path, value):
        return self.call(method, path, json.dumps(value), {"Content-Type": "application/json"})


def multipart(path, content):
    parts = [
        ("metadata", "metadata", "application/json", json.dumps({"path": path, "mode": 644}).encode()),
        ("file", "file", "application/octet-stream", content),
    ]
    body = b"".join(
        b'--train\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n%s\r\n'
        % (name.encode(), filename.encode(), kind.encode(), data)
        for name, filename, kind, data in parts
    )
    return body + b"--train--\r\n", {"Content-Type": "multipart/form-data; boundary=train"}


def use_files(client, directory):
    file = directory + "/a.txt"
    client.json("POST", "/directories", {directory + "/sub": {"mode": 755}})
    client.call("POST", "/files/upload", *multipart(file, b"hello\n" * 1000))
    client.call("GET", "/files/info?path=" + file)
    client.call("GET", "/files/download?path=" + file)
    client.call("GET", "/files/download?path=" + file, headers={"Range": "bytes=10-20"})
    client.call("GET", "/files/search?path=%s&pattern=*.txt" % directory)
    client.call("GET", "/directories/list?path=%s&depth=2" % directory)
    client.json("POST", "/files/replace", {file: {"old": "hello", "new": "bye"}})
    client.json("POST", "/files/permissions", {file: {"mode": 600}})
    client.json("POST", "/files/mv", [{"src": file, "dest": directory + "/b.txt"}])
    client.call("GET", "/files/info?path=/nowhere")
    client.call("DELETE", "/files?path=%s/b.txt" % directory)
    client.call("DELETE", "/directories?path=%s/sub" % directory)


def use_commands(client):
    client.json("POST", "/command", {"command": "echo out; echo err >&2", "cwd": "/", "envs": {"A": "1"}})
    client.json("POST", "/command", {"command": "exit 3", "timeout": 5000})
    _, stream = client.json("POST", "/command", {"command": "echo background", "background": True})
    for line in stream.decode().splitlines():
        if line.startswith("data:"):
            line = line[5:]
        if line.startswith("{") and json.loads(line).get("type") == "init":
            name = json.loads(line).get("text")
            client.call("GET", "/command/status/%s" % name)
            client.call("GET", "/command/%s/logs?cursor=0" % name)
    client.json("POST", "/command", {})


def use_sessions(client):
    status, content = client.json("POST", "/session", {"cwd": "/"})
    if status == 200:
        session = json.loads(content)["session_id"]
        client.json("POST", "/session/%s/run" % session, {"command": "X=1; echo $X", "code": "X=1; echo $X"})
        client.call("DELETE", "/session/" + session)


def use_terminal(client):
    status, content = client.json("POST", "/pty", {"cwd": "/"})
    if status not in (200, 201):
        return
    terminal = json.loads(content)["session_id"]
    with socket.create_connection(("127.0.0.1", client.port), DEADLINE) as connection:
        request = "GET /pty/%s/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" % terminal
        connection.sendall((request + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
        print("WS", connection.recv(4096)[:60], flush=True)
    client.call("DELETE", "/pty/" + terminal)


def use_everything(client):
    for _ in range(2):
        client.call("GET", "/ping")
        client.call("GET", "/nowhere")
        client.call("GET", "/metrics")
        use_commands(client)
        use_sessions(client)
        use_terminal(client)
        with tempfile.TemporaryDirectory() as directory:
            use_files(client, directory)


def jvm_of(launcher):
    with open("/proc/%d/task/%d/children" % (launcher, launcher)) as children:
        return int(children.read().split()[0])


def main():
    # For what execd keeps for its next start on that port, which never comes.
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:
        train(temporary)


def train(temporary):
    port = free_port()
    launcher = subprocess.Popen([sys.argv[1], "--port", str(port)], stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": temporary})
    try:
        wait_until_bound(port)
        client = Client(port)
        status, _ = client.call("GET", "/ping")
        if status != 200:
            sys.exit("GET /ping gave %d" % status)
        use_everything(client)
        # The JVM writes its record when it ends. The launcher must neither hurry it nor start another one, which would empty
        # the file first.
        jvm = jvm_of(launcher.pid)
        launcher.send_signal(signal.SIGSTOP)
        ended = os.pidfd_open(jvm)
        os.kill(jvm, signal.SIGTERM)
        if not select.select([ended], [], [], 2 * DEADLINE)[0]:
            sys.exit("the JVM did not end")
    finally:
        launcher.kill()
        launcher.wait()


main()
