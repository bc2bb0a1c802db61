package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.VolumeMount;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Attempts to get out of a sandbox or to harm the host, each with what must happen. Run as root in
/// the sandbox, on the image `host`.
class EscapeSuiteIT {
  private static final String NOT_PERMITTED =
      "(?s).*([Nn]ot permitted|[Pp]ermission denied|must be (root|superuser)).*";
  private static final String READ_ONLY = "(?s).*Read-only file system.*";
  private static final String NOT_WRITABLE =
      "(?s).*(Read-only file system|No such file or directory).*";
  private static final String ABSENT = "(?s).*No such file or directory.*";
  private static final String UNREACHABLE = "unreachable\n";

  /// System call by number, printing its result or the name of its error.
  private static final String CALL =
      """
      import ctypes, errno, sys
      libc = ctypes.CDLL(None, use_errno=True)
      numbers = [int(text, 0) for text in sys.argv[1:]]
      result = libc.syscall(*[ctypes.c_long(number) for number in numbers])
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

  private static TestRuntime test;
  private static ServerSocket onHost;
  private static String neighbour;

  @BeforeAll
  static void open() throws IOException {
    Assumptions.assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/python3")) && isAmd64(),
        "the attempts need python3 and know the system calls of amd64 only");
    test = TestRuntime.open();
    onHost = new ServerSocket(0);
    neighbour =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            "sh",
            "-c",
            "while :; do echo neighbour | busybox nc -l -p 8080; done");
  }

  private static boolean isAmd64() {
    return System.getProperty("os.arch").equals("amd64");
  }

  @AfterAll
  static void close() throws IOException {
    if (onHost != null) {
      onHost.close();
    }
    if (test != null) {
      test.close();
    }
  }

  /// One attempt.
  ///
  /// @param name what is tried
  /// @param command run in a fresh sandbox
  /// @param outcome matches all that it writes, when it fails as it must
  record Attempt(String name, List<String> command, String outcome) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Attempt shell(String name, String script, String outcome) {
    return new Attempt(name, List.of("bash", "-c", script), outcome);
  }

  private static Attempt call(String name, String numbers, String outcome) {
    return shell(name, "python3 -c '" + CALL + "' " + numbers, outcome + "\n");
  }

  private static Attempt socket(String name, String numbers) {
    return shell(name, "python3 -c '" + SOCKET + "' " + numbers, "Operation not permitted\n");
  }

  /// Prints what answers at an address, or that nothing does.
  private static Attempt connect(String name, String host, int port) {
    return shell(
        name,
        "timeout 2 bash -c 'exec 3<>/dev/tcp/%s/%d && echo connected' 2>/dev/null || echo unreachable"
            .formatted(host, port),
        UNREACHABLE);
  }

  static Stream<Attempt> attempts() {
    return Stream.of(
            mounts(), kernelFiles(), devices(), processes(), privileges(), calls(), files())
        .flatMap(List::stream);
  }

  private static List<Attempt> mounts() {
    return List.of(
        shell("mount a tmpfs", "mount -t tmpfs none /mnt", NOT_PERMITTED),
        shell("mount proc again", "mount -t proc proc /mnt", NOT_PERMITTED),
        call("mount", "165 0 0 0 4096 0", "EPERM"),
        shell("make /proc/sys writable", "mount -o remount,rw,bind /proc/sys", NOT_PERMITTED),
        shell("uncover /proc/sys", "umount /proc/sys", NOT_PERMITTED),
        shell("mount a cgroup hierarchy", "mount -t cgroup -o memory c /mnt", NOT_PERMITTED),
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
        shell("see other cgroups", "ls /sys/fs/cgroup/memory | grep -c osl", "0\n"));
  }

  private static List<Attempt> devices() {
    return List.of(
        shell("make a disk", "mknod /tmp/disk b 254 0", NOT_PERMITTED),
        shell("make /dev/mem", "mknod /tmp/mem c 1 1", NOT_PERMITTED),
        shell("open /dev/mem", "cat /dev/mem", ABSENT),
        shell("open /dev/kmsg", "cat /dev/kmsg", ABSENT),
        shell("open /dev/kvm", "cat /dev/kvm", ABSENT),
        shell("open the disk", "cat /dev/vda /dev/sda /dev/nvme0n1", ABSENT),
        shell("load a fuse file system", "cat /dev/fuse", ABSENT));
  }

  private static List<Attempt> processes() {
    long server = ProcessHandle.current().pid();
    return List.of(
        shell(
            "see processes of the host", "ls -d /proc/[0-9]* | wc -l | grep -cE '^[1-9]$'", "1\n"),
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
        shell("see sockets of the host", "tail -n +2 /proc/net/unix | wc -l", "0\n"));
  }

  private static List<Attempt> privileges() {
    return List.of(
        shell(
            "have more capabilities than agreed",
            "grep -E 'CapPrm|CapEff' /proc/self/status | cut -f2 | sort -u",
            "00000000800405fb\n"),
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
            "00000000800405fb\n"),
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
        shell("set the clock", "date -s 2001-01-01 2>&1 >/dev/null", NOT_PERMITTED),
        shell("change the network", "ip addr add 10.0.0.1/8 dev eth0", NOT_PERMITTED));
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
        shell("read the host's passwords", "cat /etc/shadow", ABSENT),
        shell("read ssh keys", "ls /root/.ssh /etc/ssh", ABSENT),
        shell("reach Docker's socket", "ls /run/docker.sock /var/run/docker.sock", ABSENT),
        shell("see the host's directories", "ls /work /boot /lost+found", ABSENT),
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
            "echo x >/usr/bin/osl-escaped && test -e /usr/bin/osl-escaped && echo private",
            "private\n"));
  }

  @ParameterizedTest
  @MethodSource("attempts")
  void attempt_fails(Attempt attempt) {
    String output = test.outputOf(test.host(), attempt.command().toArray(String[]::new));

    assertThat(output).as(attempt.name()).matches(attempt.outcome());
    assertThat(Files.exists(Path.of("/usr/bin/osl-escaped"))).isFalse();
  }

  static Stream<Attempt> connections() {
    String gateway = gatewayOf(neighbour);
    return Stream.of(
        connect("the host's loopback", "127.0.0.1", onHost.getLocalPort()),
        connect(
            "the host by its side of the cable",
            "$(ip route | sed -n \"s/default via \\([0-9.]*\\).*/\\1/p\")",
            onHost.getLocalPort()),
        connect("the host by another cable", gateway, onHost.getLocalPort()),
        connect("the host by its public address", publicAddress(), onHost.getLocalPort()),
        connect("the cloud's metadata", "169.254.169.254", 80),
        connect("another sandbox", addressOf(neighbour), 8080),
        connect("another sandbox by the host's port", "127.0.0.1", publishedPort(neighbour)),
        connect(
            "another sandbox by the published port", publicAddress(), publishedPort(neighbour)));
  }

  @ParameterizedTest
  @MethodSource("connections")
  void connection_fails(Attempt attempt) {
    String output = test.outputOf(test.host(), attempt.command().toArray(String[]::new));

    assertThat(output).as(attempt.name()).matches(attempt.outcome());
  }

  @Test
  void neighbour_isThere_forItsOwnServer() {
    String address = addressOf(neighbour);
    var ask =
        io.opensandbox.runtime.local.process.Runner.Command.of("busybox", "nc", address, "8080");

    test.await(() -> TestRuntime.RUNNER.run(ask).stdout().equals("neighbour\n"));
  }

  private static String addressOf(String id) {
    return test.runtime().internalAddress(id, 8080).authority().replaceFirst(":.*", "");
  }

  private static String gatewayOf(String id) {
    String address = addressOf(id);
    int dot = address.lastIndexOf('.');
    return address.substring(0, dot + 1) + (Integer.parseInt(address.substring(dot + 1)) - 1);
  }

  private static int publishedPort(String id) {
    String authority = test.runtime().publicAddress(id, 8080).authority();
    return Integer.parseInt(authority.substring(authority.indexOf(':') + 1));
  }

  private static String publicAddress() {
    return TestRuntime.RUNNER
        .text(
            "sh",
            "-c",
            "ip -4 -o addr show scope global | awk '{print $4}' | cut -d/ -f1 | head -1")
        .strip();
  }

  @Test
  void forkBomb_isContainedAndRemovable() {
    ResourceLimits limits =
        new ResourceLimits(
            OptionalLong.of(500_000_000),
            OptionalLong.empty(),
            OptionalLong.of(64),
            OptionalInt.empty());
    String id =
        test.start(test.host(), limits, "bash", "-c", "b() { b | b & }; b 2>/dev/null; sleep 60");
    test.await(() -> test.runtime().stats(id).pids() > 30);

    assertThat(test.runtime().stats(id).pids()).isLessThanOrEqualTo(64);

    long before = System.nanoTime();
    test.runtime().remove(id, Duration.ZERO);
    assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(10));
    assertThat(test.runtime().find(id)).isEmpty();
  }

  @Test
  void memoryBomb_inSharedMemory_countsAsTheSandboxes() {
    ResourceLimits limits =
        new ResourceLimits(
            OptionalLong.empty(),
            OptionalLong.of(64L << 20),
            OptionalLong.empty(),
            OptionalInt.empty());
    String id =
        test.start(test.host(), limits, "bash", "-c", "exec dd if=/dev/zero of=/dev/shm/x bs=1M");

    assertThat(test.awaitEnd(id).outOfMemory()).isTrue();
  }

  @Test
  void volume_withALinkAsSubPath_isRefused() {
    String volume = "osl-" + UUID.randomUUID();
    String first =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            List.of(named(volume, Optional.empty())),
            "ln",
            "-s",
            "/etc",
            "/vol/way-out");
    test.awaitEnd(first);

    assertThatThrownBy(() ->
            test.start(
                test.host(),
                ResourceLimits.NONE,
                List.of(named(volume, Optional.of("way-out"))),
                "true"))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_INVALID_SUB_PATH));
  }

  @Test
  void volume_overExecd_isRefused() {
    VolumeMount volume =
        new VolumeMount.Named(
            "v", "/opt/opensandbox", false, Optional.empty(), "osl-over", true, true);

    assertThatThrownBy(() -> test.start(test.host(), ResourceLimits.NONE, List.of(volume), "true"))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_INVALID_MOUNT_PATH));
  }

  private static VolumeMount named(String name, Optional<String> subPath) {
    return new VolumeMount.Named("v", "/vol", false, subPath, name, true, true);
  }

  @Test
  void snapshot_withLinksAsMountPoints_touchesNothingOutside() throws IOException {
    Path trap = Files.createTempDirectory("osl-trap-");
    String source =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            "bash",
            "-c",
            "mv /mnt /mnt.old; ln -s /oldroot"
                + trap
                + " /mnt; ln -s "
                + trap
                + " /srv/link; echo done; sleep 60");
    test.await(() -> test.logOf(source).contains("done"));
    String reference = test.runtime().snapshot(source, UUID.randomUUID().toString());

    String id = UUID.randomUUID().toString();
    test.start(
        test.runtime().prepareImage(io.opensandbox.runtime.ImageRequest.of(reference), _ -> {}),
        ResourceLimits.NONE,
        List.of(
            new VolumeMount.Named(
                "a", "/mnt/made", false, Optional.empty(), "osl-a-" + id, true, true),
            new VolumeMount.Named(
                "b", "/srv/link/made", false, Optional.empty(), "osl-b-" + id, true, true)),
        "true");

    try (var entries = Files.list(trap)) {
      assertThat(entries).isEmpty();
    }
    Files.delete(trap);
  }
}
