package io.opensandbox.execd.isolated;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/// A seccomp filter (bpf(4), seccomp(2)) that refuses system calls which change the kernel, mounts
/// or namespaces, with `EPERM`. All others pass.
final class SystemCallFilter {
  private static final short LOAD_WORD = 0x20;
  private static final short JUMP_EQUAL = 0x15;
  private static final short JUMP_GREATER_OR_EQUAL = 0x35;
  private static final short RETURN = 0x06;

  private static final int OFFSET_NUMBER = 0;
  private static final int OFFSET_ARCHITECTURE = 4;

  private static final int ALLOW = 0x7fff0000;
  private static final int REFUSE = 0x00050001;
  private static final int KILL = 0x80000000;

  private static final int X86_64 = 0xc000003e;
  private static final int AARCH64 = 0xc00000b7;

  /// From here on, numbers on x86_64 are those of the x32 interface, which is a way around.
  private static final int X32_BIT = 0x40000000;

  /// mount, umount2, pivot_root, chroot, swapon, swapoff, reboot, settimeofday, sethostname,
  /// setdomainname, iopl, ioperm, init_module, delete_module, finit_module, kexec_load, add_key,
  /// request_key, keyctl, acct, quotactl, nfsservctl, unshare, setns, perf_event_open,
  /// open_by_handle_at, kexec_file_load, bpf, userfaultfd, open_tree, move_mount, fsopen, fsconfig,
  /// fsmount, fspick, mount_setattr.
  private static final int[] ON_X86_64 = {
    165, 166, 155, 161, 167, 168, 169, 164, 170, 171, 172, 173, 175, 176, 313, 246, 248, 249, 250,
    163, 179, 180, 272, 308, 298, 304, 320, 321, 323, 428, 429, 430, 431, 432, 433, 442
  };

  /// The same, as far as they exist there.
  private static final int[] ON_AARCH64 = {
    40, 39, 41, 51, 224, 225, 142, 170, 161, 162, 105, 106, 273, 104, 217, 218, 219, 89, 60, 42, 97,
    268, 241, 265, 294, 280, 282, 428, 429, 430, 431, 432, 433, 442
  };

  private SystemCallFilter() {}

  /// The program for a machine; empty for one that is not known here.
  ///
  /// @param machine as in the system property `os.arch`
  static Optional<byte[]> of(String machine) {
    return switch (machine) {
      case "amd64", "x86_64" -> Optional.of(program(X86_64, ON_X86_64));
      case "aarch64" -> Optional.of(program(AARCH64, ON_AARCH64));
      default -> Optional.empty();
    };
  }

  private static byte[] program(int architecture, int[] refused) {
    int length = refused.length + 7;
    ByteBuffer program = ByteBuffer.allocate(8 * length).order(ByteOrder.LITTLE_ENDIAN);
    instruction(program, LOAD_WORD, 0, 0, OFFSET_ARCHITECTURE);
    instruction(program, JUMP_EQUAL, 1, 0, architecture);
    instruction(program, RETURN, 0, 0, KILL);
    instruction(program, LOAD_WORD, 0, 0, OFFSET_NUMBER);
    // Each jumps to the last instruction; the distance is counted from the next one.
    instruction(program, JUMP_GREATER_OR_EQUAL, refused.length + 1, 0, X32_BIT);
    for (int i = 0; i < refused.length; i++) {
      instruction(program, JUMP_EQUAL, refused.length - i, 0, refused[i]);
    }
    instruction(program, RETURN, 0, 0, ALLOW);
    instruction(program, RETURN, 0, 0, REFUSE);
    return program.flip().array().length == program.limit()
        ? program.array()
        : java.util.Arrays.copyOf(program.array(), program.limit());
  }

  private static void instruction(ByteBuffer to, short code, int ifTrue, int ifFalse, int value) {
    to.putShort(code).put((byte) ifTrue).put((byte) ifFalse).putInt(value);
  }
}
