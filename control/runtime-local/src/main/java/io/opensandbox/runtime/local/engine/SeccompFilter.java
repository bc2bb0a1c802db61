package io.opensandbox.runtime.local.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// The system call filter of a sandbox as a classic BPF program, in the form `bwrap --seccomp`
/// reads (an array of `struct sock_filter`).
///
/// It follows Docker's default profile for a process without `SYS_ADMIN`, read the other way round:
/// everything up to the newest call known here is allowed except the calls below; anything newer,
/// other architectures' calls and `clone3` (whose flags a filter cannot see) do not exist
/// (`ENOSYS`), so that libraries fall back.
final class SeccompFilter {
  /// Classic BPF and seccomp constants, `linux/bpf_common.h` and `linux/seccomp.h`.
  private static final int LOAD = 0x20;

  private static final int JUMP_EQUAL = 0x15;
  private static final int JUMP_GREATER = 0x25;
  private static final int JUMP_SET = 0x45;
  private static final int RETURN = 0x06;
  private static final int OFFSET_NUMBER = 0;
  private static final int OFFSET_ARCH = 4;
  private static final int OFFSET_ARGUMENT_0 = 16;
  private static final int ALLOW = 0x7fff0000;
  private static final int EPERM = 0x00050001;
  private static final int ENOSYS = 0x00050026;

  /// `CLONE_NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`, `NEWPID`, `NEWNET`.
  private static final int NEW_NAMESPACES = 0x7e020000;

  private static final int AF_VSOCK = 40;
  private static final int[] PERSONALITIES = {0, 8, 0x20000, 0x20008, 0xffffffff};

  /// `removexattrat`, Linux 6.13; numbers from 424 on are the same everywhere.
  private static final int NEWEST = 466;

  private static final int CLONE3 = 435;

  /// Refused on every architecture: `io_uring_*`, the new mount API, `pidfd_getfd`,
  /// `process_madvise`, `mount_setattr`, `quotactl_fd`, `set_mempolicy_home_node`, `statmount`,
  /// `listmount`, `lsm_*`.
  private static final int[] DENIED_EVERYWHERE = {
    425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442, 443, 450, 457, 458, 459, 460, 461
  };

  /// One architecture's numbers.
  private record Arch(int audit, int fork, int socket, int personality, List<Integer> denied) {}

  /// acct, add_key, bpf, clock_settime, create_module, delete_module, fanotify_init, finit_module,
  /// get_kernel_syms, get_mempolicy, init_module, ioperm, iopl, kexec_file_load, kexec_load,
  /// keyctl, lookup_dcookie, mbind, migrate_pages, mount, move_pages, nfsservctl,
  /// open_by_handle_at, perf_event_open, pivot_root, query_module, quotactl, reboot, request_key,
  /// set_mempolicy, setdomainname, sethostname, setns, settimeofday, swapoff, swapon, _sysctl,
  /// sysfs, syslog, umount2, unshare, uselib, userfaultfd, ustat, vhangup.
  private static final Arch AMD64 =
      new Arch(
          0xc000003e,
          56,
          41,
          135,
          List.of(
              163, 248, 321, 227, 174, 176, 300, 313, 177, 239, 175, 173, 172, 320, 246, 250, 212,
              237, 256, 165, 279, 180, 304, 298, 155, 178, 179, 169, 249, 238, 171, 170, 308, 164,
              168, 167, 156, 139, 103, 166, 272, 134, 323, 136, 153));

  private static final Arch ARM64 =
      new Arch(
          0xc00000b7,
          220,
          198,
          92,
          List.of(
              89, 217, 280, 112, 106, 262, 273, 236, 105, 294, 104, 219, 18, 235, 238, 40, 239, 42,
              265, 241, 41, 60, 142, 218, 237, 162, 161, 268, 170, 225, 224, 116, 39, 97, 282, 58));

  private final List<int[]> program = new ArrayList<>();

  private SeccompFilter() {}

  /// The program for `amd64` or `arm64`.
  static byte[] program(String architecture) {
    return switch (architecture) {
      case "amd64" -> new SeccompFilter().assemble(AMD64);
      case "arm64" -> new SeccompFilter().assemble(ARM64);
      default -> throw new IllegalArgumentException("no system call filter for " + architecture);
    };
  }

  private byte[] assemble(Arch arch) {
    load(OFFSET_ARCH);
    unlessEqual(arch.audit(), ENOSYS);
    load(OFFSET_NUMBER);
    // Also catches x32, whose numbers have bit 30 set.
    whenGreater(NEWEST, ENOSYS);
    whenEqual(CLONE3, ENOSYS);
    for (int number : arch.denied()) {
      whenEqual(number, EPERM);
    }
    for (int number : DENIED_EVERYWHERE) {
      whenEqual(number, EPERM);
    }
    onlyFor(arch.fork(), List.of(new int[] {JUMP_SET, 0, 1, NEW_NAMESPACES}, refuse()));
    onlyFor(arch.socket(), List.of(new int[] {JUMP_EQUAL, 0, 1, AF_VSOCK}, refuse()));
    onlyFor(arch.personality(), personalities());
    add(RETURN, 0, 0, ALLOW);
    return bytes();
  }

  private static List<int[]> personalities() {
    List<int[]> checks = new ArrayList<>();
    for (int i = 0; i < PERSONALITIES.length; i++) {
      // A match jumps over the remaining checks and the refusal.
      checks.add(new int[] {JUMP_EQUAL, PERSONALITIES.length - i, 0, PERSONALITIES[i]});
    }
    checks.add(refuse());
    return checks;
  }

  private static int[] refuse() {
    return new int[] {RETURN, 0, 0, EPERM};
  }

  /// Runs `checks` on the first argument of one call and allows it when they do not refuse.
  private void onlyFor(int number, List<int[]> checks) {
    add(JUMP_EQUAL, 0, checks.size() + 2, number);
    load(OFFSET_ARGUMENT_0);
    program.addAll(checks);
    add(RETURN, 0, 0, ALLOW);
  }

  private void load(int offset) {
    add(LOAD, 0, 0, offset);
  }

  private void whenEqual(int value, int verdict) {
    add(JUMP_EQUAL, 0, 1, value);
    add(RETURN, 0, 0, verdict);
  }

  private void unlessEqual(int value, int verdict) {
    add(JUMP_EQUAL, 1, 0, value);
    add(RETURN, 0, 0, verdict);
  }

  private void whenGreater(int value, int verdict) {
    add(JUMP_GREATER, 0, 1, value);
    add(RETURN, 0, 0, verdict);
  }

  private void add(int code, int whenTrue, int whenFalse, int value) {
    program.add(new int[] {code, whenTrue, whenFalse, value});
  }

  private byte[] bytes() {
    ByteBuffer buffer = ByteBuffer.allocate(program.size() * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (int[] instruction : program) {
      buffer.putShort((short) instruction[0]);
      buffer.put((byte) instruction[1]);
      buffer.put((byte) instruction[2]);
      buffer.putInt(instruction[3]);
    }
    return buffer.array();
  }
}
