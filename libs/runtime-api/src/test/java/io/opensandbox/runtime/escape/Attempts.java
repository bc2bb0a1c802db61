package io.opensandbox.runtime.escape;

import java.util.List;
import java.util.stream.Stream;

/// The attempts that every runtime must withstand. They need bash, coreutils, util-linux and
/// python3 in the image, and know the system calls of amd64.
public final class Attempts {
  private static final String NOT_PERMITTED =
      "(?s).*([Nn]ot permitted|[Pp]ermission denied|must be (root|superuser)).*";
  private static final String CROSS_DEVICE = "(?s).*[Cc]ross-device link.*";
  private static final String READ_ONLY = "(?s).*Read-only file system.*";
  private static final String NOT_WRITABLE =
      "(?s).*(Read-only file system|No such file or directory).*";
  private static final String ABSENT = "(?s).*No such file or directory.*";

  /// Name of the attempt on a cloud's metadata, which an engine may leave to its operator.
  public static final String METADATA = "connect to the cloud's metadata";

  private static final String REFUSED = "(EPERM|EACCES)";

  /// Root's capabilities in a sandbox: Docker's default without the contract's list.
  private static final String CAPABILITIES = "00000000800405fb\n";

  /// System call by number, printing its result or the name of its error.
  private static final String CALL =
      """
      import ctypes, errno, sys
      libc = ctypes.CDLL(None, use_errno=True)
      numbers = [int(text, 0) for text in sys.argv[1:]]
      result = libc.syscall(*[ctypes.c_long(number) for number in numbers])
      print(result if result >= 0 else errno.errorcode[ctypes.get_errno()])
      """;

  /// A function of the C library with texts and numbers, printing the same.
  private static final String FUNCTION =
      """
      import ctypes, errno, sys
      libc = ctypes.CDLL(None, use_errno=True)
      values = [int(text, 0) if text[0].isdigit() else text.encode() for text in sys.argv[2:]]
      result = getattr(libc, sys.argv[1])(*values)
      print(result if result >= 0 else errno.errorcode[ctypes.get_errno()])
      """;

  /// Makes a socket and prints what became of it.
  private static final String SOCKET =
      """
      import socket, sys
      try:
          socket.socket(*[int(text) for text in sys.argv[1:]])
          print("open")
      except OSError as e:
          print(e.strerror)
      """;

  /// Connects to an abstract UNIX socket and prints what became of it.
  private static final String ABSTRACT =
      """
      import socket, sys
      try:
          socket.socket(socket.AF_UNIX).connect("\\0" + sys.argv[1])
          print("connected")
      except OSError as e:
          print(e.strerror)
      """;

  private final long server;
  private final int port;
  private final String socket;
  private final String metadata;

  private Attempts(long server, int port, String socket, String metadata) {
    this.server = server;
    this.port = port;
    this.socket = socket;
    this.metadata = metadata;
  }

  /// All attempts, those that need few processes around them first.
  ///
  /// @param server process of the host that is attacked
  /// @param port on which something listens on the host's loopback
  /// @param socket name of an abstract UNIX socket of the host
  /// @param metadata link-local address on whose port 80 something listens that the host reaches,
  ///   as the metadata of clouds
  static List<Attempt> on(long server, int port, String socket, String metadata) {
    Attempts all = new Attempts(server, port, socket, metadata);
    return Stream.of(
            all.processes(),
            all.sockets(),
            mounts(),
            kernelFiles(),
            devices(),
            privileges(),
            calls(),
            files())
        .flatMap(List::stream)
        .toList();
  }

  private static Attempt shell(String name, String script, String outcome) {
    return new Attempt(name, script, outcome);
  }

  private static Attempt call(String name, String numbers, String outcome) {
    return shell(name, "python3 -c '" + CALL + "' " + numbers, outcome + "\n");
  }

  private static Attempt function(String name, String arguments, String outcome) {
    return shell(name, "python3 -c '" + FUNCTION + "' " + arguments, outcome + "\n");
  }

  private static Attempt socket(String name, String numbers) {
    return shell(name, "python3 -c '" + SOCKET + "' " + numbers, "Operation not permitted\n");
  }

  private static Attempt connect(String name, String address, int port) {
    return shell(
        name,
        "timeout 5 bash -c 'exec 3<>/dev/tcp/%s/%d && echo connected' 2>/dev/null || echo unreachable"
            .formatted(address, port),
        "unreachable\n");
  }

  private List<Attempt> sockets() {
    return List.of(
        connect("connect to the host's loopback", "127.0.0.1", port),
        connect(METADATA, metadata, OutsideService.PORT),
        shell(
            "connect to an abstract socket of the host",
            "python3 -c '" + ABSTRACT + "' " + socket,
            "Connection refused\n"));
  }

  private static List<Attempt> mounts() {
    return List.of(
        function("mount a tmpfs", "mount none /mnt tmpfs 0 0", REFUSED),
        function("mount proc again", "mount proc /mnt proc 0 0", REFUSED),
        call("mount", "165 0 0 0 4096 0", "EPERM"),
        function("make /proc/sys writable", "mount none /proc/sys none 0x1020 0", REFUSED),
        function("uncover /proc/sys", "umount2 /proc/sys 0", REFUSED),
        function("mount a cgroup hierarchy", "mount c /mnt cgroup 0 memory", REFUSED),
        call("fsopen", "430 0 0", "EPERM"),
        call("open_tree", "428 -100 0 1", "EPERM"),
        call("move_mount", "429 0 0 0 0 0", "EPERM"),
        call("mount_setattr", "442 0 0 0 0 0", "EPERM"),
        call("pivot_root", "155 0 0", "EPERM"),
        shell(
            "break out of a nested chroot",
            """
            mkdir -p /tmp/jail && python3 -c '
            import os
            os.chroot("/tmp/jail")
            for _ in range(64): os.chdir("..")
            os.chroot(".")
            print(os.path.exists("/opt/opensandbox/bootstrap.sh"), os.path.exists("/work"))'
            """,
            "True False\n"));
  }

  private static List<Attempt> kernelFiles() {
    return List.of(
        shell("trigger sysrq", "echo b >/proc/sysrq-trigger", NOT_WRITABLE),
        shell("set core_pattern", "echo '|/tmp/x' >/proc/sys/kernel/core_pattern", READ_ONLY),
        shell("set modprobe", "echo /tmp/x >/proc/sys/kernel/modprobe", NOT_WRITABLE),
        shell("set binfmt or panic", "echo 1 >/proc/sys/kernel/panic_on_oops", READ_ONLY),
        shell("forward packets", "echo 1 >/proc/sys/net/ipv4/ip_forward", READ_ONLY),
        shell("read kernel memory", "head -c 1 /proc/kcore 2>/dev/null | wc -c", "0\n"),
        shell("read kernel symbols", "head -c 1 /proc/kallsyms 2>/dev/null | wc -c", "0\n"),
        shell("read the key list", "cat /proc/keys", ""),
        shell("write to sysfs", "echo 1 >/sys/kernel/mm/ksm/run", READ_ONLY),
        shell("look at the firmware", "ls /sys/firmware", ""),
        shell(
            "set release_agent",
            "cd /sys/fs/cgroup; for f in */release_agent release_agent; do echo /x >$f; done",
            "(?s).*(Read-only file system|No such file|Permission denied).*"),
        shell("make a cgroup", "cd /sys/fs/cgroup; mkdir memory/x 2>&1 || mkdir x", READ_ONLY),
        shell(
            "raise the own memory limit",
            "cd /sys/fs/cgroup; echo 99999999999 >memory/memory.limit_in_bytes || echo max >memory.max",
            READ_ONLY),
        shell(
            "leave the cgroup",
            "cd /sys/fs/cgroup; echo $$ >memory/cgroup.procs || echo $$ >cgroup.procs",
            READ_ONLY),
        shell("see other cgroups", "ls /sys/fs/cgroup/memory 2>/dev/null | grep -c osl", "0\n"));
  }

  private static List<Attempt> devices() {
    return List.of(
        shell("make a disk", "mknod /tmp/disk b 254 0", NOT_PERMITTED),
        shell("make /dev/mem", "mknod /tmp/mem c 1 1", NOT_PERMITTED),
        // Where they are the sandbox's own it may; the host's are looked at afterwards.
        shell(
            "change the host's devices",
            "chmod 644 /dev/full 2>/dev/null; chown 1 /dev/full 2>/dev/null; echo tried",
            "tried\n"),
        shell("open /dev/mem", "cat /dev/mem", ABSENT),
        shell("open /dev/kmsg", "cat /dev/kmsg", ABSENT),
        shell("open /dev/kvm", "cat /dev/kvm", ABSENT),
        shell("open the disk", "cat /dev/vda /dev/sda /dev/nvme0n1", ABSENT),
        shell("load a fuse file system", "cat /dev/fuse", ABSENT));
  }

  private List<Attempt> processes() {
    return List.of(
        shell(
            "see processes of the host",
            "cat /proc/[0-9]*/comm | grep -cE '^(kthreadd|ksoftirqd/0|dockerd)$'",
            "0\n"),
        shell("signal the server", "kill -9 " + server, "(?s).*No such process.*"),
        shell("read the server's environment", "cat /proc/" + server + "/environ", ABSENT),
        shell("enter the server's root", "ls /proc/" + server + "/root/", ABSENT),
        call("signal a thread of the server", "234 " + server + " " + server + " 9", "ESRCH"),
        call("ptrace the server", "101 16 " + server + " 0 0", "ESRCH"),
        call("pidfd_getfd", "438 0 0 0", "EPERM"),
        call("setns", "308 0 0", "EPERM"),
        shell(
            "find descriptors of the host",
            "readlink /proc/1/fd/* | grep -vE '^(/dev/null|pipe:.*|/run/out|.*/out( .deleted.)?|"
                + "/opt/opensandbox/bootstrap.sh)$'; true",
            ""),
        shell(
            "see sockets of the host",
            "grep -cE 'docker|containerd|systemd|dbus' /proc/net/unix",
            "0\n"));
  }

  private static List<Attempt> privileges() {
    return List.of(
        shell(
            "have more capabilities than agreed",
            "grep -E 'CapPrm|CapEff' /proc/self/status | cut -f2 | sort -u",
            CAPABILITIES),
        shell(
            "run without no_new_privs or filter",
            "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status",
            "NoNewPrivs:\t1\nSeccomp:\t2\n"),
        shell(
            "become root by a setuid program",
            "cp /usr/bin/id /tmp/id; chmod 4755 /tmp/id;"
                + " setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/id -u",
            "65534\n"),
        shell(
            "gain capabilities by a file",
            """
            cp /usr/bin/grep /tmp/grep
            python3 -c 'import os
            os.setxattr("/tmp/grep", "security.capability",
                bytes.fromhex("0100000200002000000000000000000000000000"))'
            /tmp/grep CapEff /proc/self/status | cut -f2
            """,
            CAPABILITIES),
        shell("make a user namespace", "unshare -U true", NOT_PERMITTED),
        shell("make a mount namespace", "unshare -m true", NOT_PERMITTED),
        shell("make a network namespace", "unshare -n true", NOT_PERMITTED),
        shell(
            "storm with namespaces",
            "for i in $(seq 200); do unshare -Urm true; done 2>&1 | grep -vc 'not permitted'",
            "0\n"),
        call("clone into a user namespace", "56 0x10000011 0 0 0 0", "EPERM"),
        call("clone3", "435 0 88", "ENOSYS"),
        shell("set the host name", "hostname evil", NOT_PERMITTED),
        shell(
            "be the last whom a lack of memory ends",
            "echo -1000 >/proc/self/oom_score_adj",
            NOT_PERMITTED),
        shell("run before everybody else", "chrt --fifo 1 true", NOT_PERMITTED),
        shell("have a higher priority", "nice -n -5 true", NOT_PERMITTED),
        shell("raise a hard limit", "ulimit -Hn 99999999", NOT_PERMITTED),
        shell("set the clock", "date -s 2001-01-01 2>&1 >/dev/null", NOT_PERMITTED),
        shell(
            "switch the network off",
            "python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914,"
                + " struct.pack(\"16sh14s\", b\"eth0\", 0, b\"\"))' 2>&1 | tail -n 1",
            NOT_PERMITTED));
  }

  private static List<Attempt> calls() {
    return List.of(
        call("reboot", "169 0 0 0 0", "EPERM"),
        call("kexec_load", "246 0 0 0 0", "EPERM"),
        call("init_module", "175 0 0 0", "EPERM"),
        call("finit_module", "313 0 0 0", "EPERM"),
        call("bpf", "321 0 0 0", "EPERM"),
        call("perf_event_open", "298 0 0 0 0 0", "EPERM"),
        call("io_uring_setup", "425 8 0", "EPERM"),
        call("keyctl", "250 0 0 0 0 0", "EPERM"),
        call("add_key", "248 0 0 0 0 0", "EPERM"),
        call("request_key", "249 0 0 0 0", "EPERM"),
        call("userfaultfd", "323 0", "EPERM"),
        call("open_by_handle_at", "304 0 0 0", "EPERM"),
        call("fanotify_init", "300 0 0", "EPERM"),
        call("personality without address randomisation", "135 0x40000", "EPERM"),
        call("syslog", "103 3 0 0", "EPERM"),
        call("swapon", "167 0 0", "EPERM"),
        call("iopl", "172 3", "EPERM"),
        call("acct", "163 0", "EPERM"),
        call("quotactl", "179 0 0 0 0", "EPERM"),
        call("an x32 call", "0x40000027", "ENOSYS"),
        call("a call that nobody knows yet", "900", "ENOSYS"),
        socket("a raw socket", "2 3 1"),
        socket("a packet socket", "17 3 0"),
        socket("a vsock socket", "40 1 0"));
  }

  private static List<Attempt> files() {
    return List.of(
        shell("reach Docker's socket", "ls /run/docker.sock /var/run/docker.sock", ABSENT),
        shell("see the host's directories", "ls /work /boot /lost+found", ABSENT),
        shell("link a file of another mount", "ln /etc/hostname /dev/shm/x", CROSS_DEVICE),
        shell("go above the root", "cd /../../../..; ls -d work", ABSENT),
        shell(
            "follow links out of the root",
            "ln -s ../../../../../../work /tmp/up; ls /tmp/up/",
            ABSENT),
        // Refused before Linux 6.7, stored under another name since.
        shell(
            "forge an overlay mark",
            "python3 -c 'import os; os.setxattr(\"/etc\", \"user.overlay.opaque\", b\"y\")'"
                + " 2>/dev/null; ls /etc/os-release",
            "/etc/os-release\n"),
        shell(
            "write to the host's programs",
            "echo x >/usr/bin/osb-escaped && test -e /usr/bin/osb-escaped && echo private",
            "private\n"));
  }
}
