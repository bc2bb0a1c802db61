#!/usr/bin/env python3
"""Runs the server in a container, as compose.yaml says, and sandboxes beside it. Ends with "N passed, N failed".

    deploy/container_test.py PACKAGE JDK

PACKAGE is what deploy/package has made; JDK is a JDK 25. Needs a Docker engine on /var/run/docker.sock with
opensandbox/demo:local and opensandbox/execd:local, and pulls nothing: in the place of
the Dockerfile's base stands an image with a runtime made from JDK. Leaves nothing but that image.
"""
import contextlib
import json
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["server"]
CONFIG = DEPLOY / "compose.config.toml"
BASE = "opensandbox/test-java-25:local"
MODULES = ("java.base,java.compiler,java.desktop,java.instrument,java.logging,java.management,java.naming,java.net.http,"
           "java.security.jgss,java.sql,java.xml,jdk.crypto.ec,jdk.management,jdk.unsupported")
RUN = "osb-deploy-" + secrets.token_hex(4)
KEY = secrets.token_hex(16)
VOLUME = RUN + "-data"
NETWORK = RUN + "-net"
DEADLINE = 60


def docker(*arguments, check=True):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=300)
    if check and done.returncode != 0:
        raise AssertionError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def until(what, condition):
    end = time.monotonic() + DEADLINE
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.05)


def base_image(jdk):
    if docker("images", "-q", BASE):
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([f"{jdk}/bin/jlink", "--add-modules", MODULES, "--strip-debug", "--no-header-files",
                        "--no-man-pages", "--output", f"{folder}/jre"], check=True)
        pathlib.Path(folder, "Dockerfile").write_text(
            "FROM opensandbox/demo:local\nCOPY jre /opt/java/openjdk\n"
            "ENV JAVA_HOME=/opt/java/openjdk PATH=/opt/java/openjdk/bin:/usr/local/bin:/usr/bin:/bin\n")
        docker("build", "-q", "-t", BASE, folder)


def server_image(package):
    with tempfile.TemporaryDirectory() as folder:
        lines = (DEPLOY / "Dockerfile").read_text().splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("FROM "))
        lines[start] = "FROM " + BASE
        pathlib.Path(folder, "Dockerfile").write_text("\n".join(lines) + "\n")
        shutil.copytree(package, pathlib.Path(folder, "server"))
        docker("build", "-q", "-t", RUN, folder)


def compose_options(config, network):
    """What Compose would give to the engine for the service, but for the port of the host and the names.

    CONFIG stands for compose.config.toml; NETWORK, when not empty, is one of docs/server.md's "With Compose"."""
    options = ["--name", RUN, "--restart", COMPOSE["restart"], "-e", "OPENSANDBOX_SERVER_API_KEY"]
    assert set(COMPOSE["environment"]) == {"OPENSANDBOX_SERVER_API_KEY"}
    address, _, inside = COMPOSE["ports"][0].split(":")
    options += ["--network", network] if network else []
    options += ["-p", f"{address}::{inside}"] if network != "host" else []
    for volume in COMPOSE["volumes"]:
        source, _, rest = volume.partition(":")
        named = f"{RUN}-{source}" if not source.startswith((".", "/")) else str((DEPLOY / source).resolve())
        named = str(config) if named == str(CONFIG) else named
        options += ["-v", f"{named}:{rest}"]
    for host in COMPOSE["extra_hosts"]:
        options += ["--add-host", host]
    assert COMPOSE["healthcheck"]["test"][0] == "CMD"
    probe = COMPOSE["healthcheck"]["test"][1:]
    options += ["--health-cmd", subprocess.list2cmdline(probe[:-1]) + f" '{probe[-1]}'", "--health-interval", "1s"]
    options += ["--read-only"] if COMPOSE["read_only"] else []
    for flag, name in (("--tmpfs", "tmpfs"), ("--cap-drop", "cap_drop"), ("--security-opt", "security_opt")):
        for value in COMPOSE[name]:
            options += [flag, value]
    return options


class Server:
    def __init__(self):
        self.address = ""
        self.port = 0

    def start(self, config=CONFIG, network="", port=0):
        self.port = port
        subprocess.run(["docker", "run", "-d", *compose_options(config, network), RUN], check=True, capture_output=True, text=True,
                       env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                            "OPENSANDBOX_SERVER_API_KEY": KEY})
        self.found()

    def found(self):
        def published():
            return docker("port", RUN, COMPOSE["ports"][0].split(":")[2], check=False)
        if self.port:
            self.address = f"127.0.0.1:{self.port}"
        else:
            self.address = until("the server's port is published", published).splitlines()[0]
            until("the server is healthy",
                  lambda: docker("inspect", "-f", "{{.State.Health.Status}}", RUN) == "healthy")
        until("the server answers", lambda: self.call("GET", "/sandboxes", tolerant=True) is not None)

    def call(self, method, path, body=None, tolerant=False):
        try:
            return fetch(method, f"http://{self.address}/v1{path}", body, {"OPEN-SANDBOX-API-KEY": KEY})
        except OSError:
            if tolerant:
                return None
            raise

    def create(self, **more):
        body = {"image": {"uri": "opensandbox/demo:local"}, "entrypoint": ["tail", "-f", "/dev/null"], "timeout": 600,
                "resourceLimits": {"cpu": "500m", "memory": "256Mi"}, **more}
        sandbox = json.loads(self.call("POST", "/sandboxes", {k: v for k, v in body.items() if v is not None}))["id"]
        until("it runs", lambda: self.state(sandbox) == "Running")
        return sandbox

    def state(self, sandbox):
        return json.loads(self.call("GET", f"/sandboxes/{sandbox}"))["status"]["state"]

    def endpoint(self, sandbox, proxied=False):
        query = "?use_server_proxy=true" if proxied else ""
        return json.loads(self.call("GET", f"/sandboxes/{sandbox}/endpoints/44772{query}"))["endpoint"]

    def run(self, sandbox, command, proxied=True):
        return fetch("POST", f"http://{self.endpoint(sandbox, proxied)}/command", {"command": command}, {})


def fetch(method, url, body, headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url}: {error.code} {error.read().decode()}") from error


def says(text, output):
    assert f'"text":"{text}' in output.replace(" ", ""), output


SERVER = Server()


def becomes_healthy():
    SERVER.start()


def a_client_on_the_host_reaches_sandboxes_by_themselves_and_through_the_server():
    sandbox = SERVER.create(env={"WHO": "me"})
    assert SERVER.endpoint(sandbox).startswith("127.0.0.1:"), SERVER.endpoint(sandbox)
    assert SERVER.endpoint(sandbox, True).startswith(SERVER.address), SERVER.endpoint(sandbox, True)
    says("me-directly", SERVER.run(sandbox, "echo $WHO-directly", proxied=False))
    says("me-proxied", SERVER.run(sandbox, "echo $WHO-proxied"))


def a_client_in_a_container_reaches_them_through_the_server():
    sandbox = SERVER.create()
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", RUN)
    port = COMPOSE["ports"][0].split(":")[2]
    code = ("import urllib.request as r; print(r.urlopen(r.Request("
            f"'http://{address}:{port}/v1/sandboxes/{sandbox}/proxy/44772/ping'), timeout=30).status)")
    assert docker("run", "--rm", "opensandbox/demo:local", "python3", "-c", code) == "200"


def named_volumes_are_shared_and_go_when_that_is_asked_for():
    volume = {"name": "data", "mountPath": "/data",
              "pvc": {"claimName": VOLUME, "createIfNotExists": True, "deleteOnSandboxTermination": True}}
    sandbox = SERVER.create(volumes=[volume])
    SERVER.run(sandbox, "echo kept >/data/file")
    other = SERVER.create(volumes=[volume])
    says("kept", SERVER.run(other, "cat /data/file"))
    for each in (other, sandbox):
        SERVER.call("DELETE", f"/sandboxes/{each}")
    until("the volume is gone", lambda: VOLUME not in docker("volume", "ls", "-q").split())


def sandboxes_are_paused_resumed_and_restored():
    sandbox = SERVER.create()
    SERVER.run(sandbox, "echo before >/root/file || echo before >/tmp/file")
    SERVER.call("POST", f"/sandboxes/{sandbox}/pause")
    until("it is paused", lambda: SERVER.state(sandbox) == "Paused")
    SERVER.call("POST", f"/sandboxes/{sandbox}/resume")
    until("it runs again", lambda: SERVER.state(sandbox) == "Running")
    snapshot = json.loads(SERVER.call("POST", f"/sandboxes/{sandbox}/snapshots", {}))["id"]
    until("the snapshot is ready",
          lambda: json.loads(SERVER.call("GET", f"/snapshots/{snapshot}"))["status"]["state"] == "Ready")
    restored = SERVER.create(image=None, snapshotId=snapshot)
    says("before", SERVER.run(restored, "cat /root/file /tmp/file 2>/dev/null"))
    SERVER.call("DELETE", f"/sandboxes/{restored}")
    SERVER.call("DELETE", f"/snapshots/{snapshot}")


def a_pool_serves_creates():
    SERVER.call("POST", "/pools", {
        "name": "p", "template": {"spec": {"containers": [{"name": "sandbox", "image": "opensandbox/demo:local"}]}},
        "capacitySpec": {"bufferMin": 1, "bufferMax": 1, "poolMin": 0, "poolMax": 2}})
    until("a member waits", lambda: json.loads(SERVER.call("GET", "/pools/p"))["status"]["available"] >= 1)
    sandbox = SERVER.create(image=None, entrypoint=None, resourceLimits=None, extensions={"poolRef": "p"})
    says("claimed", SERVER.run(sandbox, "echo claimed"))
    SERVER.call("DELETE", f"/sandboxes/{sandbox}")
    SERVER.call("DELETE", "/pools/p")


def a_killed_server_finds_its_sandboxes_again():
    sandbox = SERVER.create()
    SERVER.run(sandbox, "echo alive >/tmp/alive")
    docker("kill", "-s", "KILL", RUN)
    docker("start", RUN)
    SERVER.found()
    assert SERVER.state(sandbox) == "Running"
    says("alive", SERVER.run(sandbox, "cat /tmp/alive"))


def the_key_is_nowhere_but_in_the_server():
    sandboxes = of_this_server()
    assert sandboxes, "no sandbox to look at"
    for container in sandboxes:
        assert KEY not in docker("inspect", container), f"the API key is in the description of {container}"
    logs = subprocess.run(["docker", "logs", RUN], capture_output=True, text=True, timeout=60)
    assert KEY not in logs.stdout + logs.stderr, "the API key is in the server's log"


def nothing_is_left():
    for item in json.loads(SERVER.call("GET", "/sandboxes?pageSize=200"))["items"]:
        SERVER.call("DELETE", f"/sandboxes/{item['id']}")
    until("all containers are gone", lambda: not of_this_server())


def in_a_network_of_its_own_the_server_reaches_sandboxes_there():
    with variant("bridge", NETWORK) as config:
        SERVER.start(config, NETWORK)
        sandbox = SERVER.create()
        assert NETWORK in docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", *of_this_server())
        says("proxied", SERVER.run(sandbox, "echo proxied"))
        says("direct", SERVER.run(sandbox, "echo direct", proxied=False))
        nothing_is_left()


def in_the_hosts_network_the_server_reaches_sandboxes_there():
    port = free_port()
    with variant("bridge", "host", port) as config:
        SERVER.start(config, "host", port)
        sandbox = SERVER.create()
        says("proxied", SERVER.run(sandbox, "echo proxied"))
        says("direct", SERVER.run(sandbox, "echo direct", proxied=False))
        nothing_is_left()


@contextlib.contextmanager
def variant(mode, wanted, port=0):
    """compose.config.toml with another network mode, and a server's end before and after it is used."""
    text = CONFIG.read_text()
    assert f'network_mode = "{mode}"' in text
    text = text.replace(f'network_mode = "{mode}"', f'network_mode = "{wanted}"')
    if port:
        text = text.replace("port = 8090", f"port = {port}").replace('host = "0.0.0.0"', 'host = "127.0.0.1"')
    docker("rm", "-f", RUN, check=False)
    if wanted != "host":
        docker("network", "create", wanted)
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        pathlib.Path(file.name).chmod(0o644)
        try:
            yield file.name
        finally:
            docker("rm", "-f", RUN, check=False)
            remove_what_is_new()
            if wanted != "host":
                docker("network", "rm", wanted)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def remove_what_is_new():
    for left in set(docker("ps", "-aq", "--no-trunc").split()) - BEFORE:
        docker("rm", "-f", "-v", left, check=False)


def of_this_server():
    """Containers that were not there before, other than the server's."""
    now = set(docker("ps", "-aq", "--no-trunc").split())
    return now - BEFORE - {docker("inspect", "-f", "{{.Id}}", RUN)}


def main():
    base_image(sys.argv[2])
    server_image(sys.argv[1])
    failed = 0
    checks = [becomes_healthy, a_client_on_the_host_reaches_sandboxes_by_themselves_and_through_the_server,
              a_client_in_a_container_reaches_them_through_the_server,
              named_volumes_are_shared_and_go_when_that_is_asked_for, sandboxes_are_paused_resumed_and_restored,
              a_pool_serves_creates, a_killed_server_finds_its_sandboxes_again, the_key_is_nowhere_but_in_the_server,
              nothing_is_left, in_a_network_of_its_own_the_server_reaches_sandboxes_there,
              in_the_hosts_network_the_server_reaches_sandboxes_there]
    done = 0
    for check in checks:
        try:
            check()
            done += 1
        except (AssertionError, OSError, subprocess.SubprocessError, KeyError, ValueError) as fault:
            failed += 1
            print(f"FAILED: {check.__name__.replace('_', ' ')}: {fault}")
            print(docker("logs", "--tail", "20", RUN, check=False))
            if check is becomes_healthy:
                break
    print(f"{done} passed, {failed} failed")
    return failed


BEFORE = set(docker("ps", "-aq", "--no-trunc").split())
try:
    status = 1 if main() else 0
finally:
    docker("rm", "-f", "-v", RUN, check=False)
    remove_what_is_new()
    docker("volume", "rm", f"{RUN}-state", VOLUME, check=False)
    docker("rmi", RUN, check=False)
sys.exit(status)
