"""Plays the JVM in the launcher's tests: descriptor 0 is the listening socket, the arguments are the broker and then the
daemon's own. A client sends one line of JSON, {"do": ...}, and gets one line back."""

import json
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.environ["FAKE_JVM_LIBRARY"])
from broker_client import Process


def spawn(broker, order):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(broker)
    process = Process(connection)
    environment = ["%s=%s" % item for item in os.environ.items()] + order.get("env", [])
    process.spawn(*order["argv"], env=environment)
    return process


def handle(order, broker, kept):
    what = order["do"]
    if what == "tell":
        return {"pid": os.getpid(), "broker": broker, "args": sys.argv[2:], "env": dict(os.environ), "start": kept["start"]}
    if what == "run":
        ended = spawn(broker, order).finish()
        return {"out": ended.out.decode(), "error": ended.error}
    if what == "keep":
        process = spawn(broker, order)
        process.read_until("O", b"\n")
        kept["processes"].append(process)
        return {"pid": process.ended.pid}
    if what == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return {}
    raise ValueError(what)


def main():
    listener = socket.socket(fileno=0)
    broker = sys.argv[1]
    kept = {"processes": []}
    with open(os.environ["FAKE_JVM_STARTS"], "a+") as starts:
        starts.write("%f\n" % time.monotonic())
        starts.seek(0)
        kept["start"] = len(starts.readlines())
    fatal = os.environ.get("FAKE_JVM_EXIT", "").split(",")
    if kept["start"] <= len(fatal) and fatal[kept["start"] - 1]:
        os._exit(int(fatal[kept["start"] - 1]))
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as stream:
            line = stream.readline()
            if not line:
                continue
            order = json.loads(line)
            if order["do"] == "exit":
                os._exit(order["status"])
            stream.write(json.dumps(handle(order, broker, kept)) + "\n")


main()
