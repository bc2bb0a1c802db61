"""Time from process start to the first answer of GET /ping, CPU time until then, memory when idle.

Usage: bench_start.py EXECD [COUNT] [--first]    --first unpacks anew each time
"""

import glob
import os
import shutil
import socket
import subprocess
import sys
import time



def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ping(port):
    while True:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert connection.recv(1000).startswith(b"HTTP/1.1 200"), "no 200"
                return
        time.sleep(0.0005)


def jvm_of(launcher):
    with open("/proc/%d/task/%d/children" % (launcher, launcher)) as children:
        return int(children.read().split()[0])


def cpu_millis(pid):
    """CPU time of a process by the scheduler's count, which is finer than a tick."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as stat:
            total += int(stat.read().split()[0])
    return total / 1e6


def memory(pid):
    with open("/proc/%d/status" % pid) as status:
        return {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("VmRSS", "RssAnon"))}


def nearest_rank(values, percent):
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def main():
    executable = os.path.abspath(sys.argv[1])
    numbers = [int(a) for a in sys.argv[2:] if a.isdigit()]
    ready, cpu = [], []
    for i in range(numbers[0] if numbers else 20):
        if "--first" in sys.argv:
            for tree in glob.glob(os.path.dirname(executable) + "/.execd-*"):
                shutil.rmtree(tree, ignore_errors=True)
        port = free_port()
        begin = time.monotonic()
        launcher = subprocess.Popen([executable, "--port", str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        ping(port)
        ready.append((time.monotonic() - begin) * 1000)
        cpu.append(cpu_millis(jvm_of(launcher.pid)))
        last = launcher
        if i + 1 < (numbers[0] if numbers else 20):
            launcher.terminate()
            launcher.wait()
    time.sleep(2)  # idle
    print("ready ms   min %.0f p50 %.0f p99 %.0f" % (min(ready), nearest_rank(ready, 50), nearest_rank(ready, 99)))
    print("JVM cpu ms min %.0f p50 %.0f" % (min(cpu), nearest_rank(cpu, 50)))
    print("launcher KiB", memory(last.pid), "JVM KiB", memory(jvm_of(last.pid)))
    last.terminate()
    last.wait()


main()
