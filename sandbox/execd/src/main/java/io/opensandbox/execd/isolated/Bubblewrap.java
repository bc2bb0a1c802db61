package io.opensandbox.execd.isolated;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// The command line of bubblewrap for a session. The order matters: a later mount hides an earlier
/// one.
final class Bubblewrap {
  /// Where the namespace has its broker and the broker its socket.
  static final String SOCKET = "/run/execd/socket";

  /// The descriptor from which bubblewrap reads the filter of system calls.
  static final int FILTER_DESCRIPTOR = 220;

  private static final String LAUNCHER = "/run/execd-launcher";

  private Bubblewrap() {}

  /// Where things are on the outside.
  ///
  /// @param mounts what the session sees at which paths
  /// @param broker the directory in which the broker makes its socket
  /// @param hidden the directory of all sessions, which must not be seen
  /// @param launcher the launcher's file
  record Places(List<Mount> mounts, Path broker, Path hidden, Path launcher) {
    Places {
      mounts = List.copyOf(mounts);
    }
  }

  /// @param path where the session sees it
  /// @param actual where its files are
  record Mount(Path path, Path actual, boolean readOnly) {}

  /// The arguments after bubblewrap's own file.
  static List<String> arguments(
      IsolationRequest request, Places places, List<String> kept, boolean filtered) {
    List<String> arguments = new ArrayList<>();
    addNamespaces(arguments, request);
    add(arguments, "--ro-bind", "/", "/");
    boolean ownTemporary = request.profile() == IsolationRequest.Profile.STRICT;
    if (ownTemporary) {
      add(arguments, "--perms", "1777", "--tmpfs", "/tmp");
    } else {
      add(arguments, "--bind", "/tmp", "/tmp");
    }
    add(arguments, "--tmpfs", "/run", "--dev", "/dev", "--proc", "/proc");
    if (!ownTemporary || !places.hidden().startsWith("/tmp")) {
      add(arguments, "--tmpfs", places.hidden().toString());
    }
    addMounts(arguments, request, places);
    add(arguments, "--chdir", request.mounts().getFirst().path().toString());
    addCapabilities(arguments, kept);
    if (filtered) {
      add(arguments, "--seccomp", Integer.toString(FILTER_DESCRIPTOR));
    }
    add(arguments, "--", LAUNCHER, "broker", "--socket", SOCKET);
    return arguments;
  }

  private static void addNamespaces(List<String> arguments, IsolationRequest request) {
    add(arguments, "--unshare-pid", "--unshare-uts", "--unshare-ipc", "--unshare-cgroup-try");
    add(arguments, "--hostname", "sandbox", "--die-with-parent");
    if (!request.shareNetwork()) {
      add(arguments, "--unshare-net");
    }
    IsolationRequest.Identity identity = request.identity();
    if (identity.namespaced()) {
      add(arguments, "--unshare-user", "--disable-userns");
      identity.uid().ifPresent(uid -> add(arguments, "--uid", Long.toString(uid)));
      identity.gid().ifPresent(gid -> add(arguments, "--gid", Long.toString(gid)));
    }
  }

  private static void addMounts(List<String> arguments, IsolationRequest request, Places places) {
    places.mounts().stream()
        .sorted(Comparator.comparingInt(mount -> mount.path().getNameCount()))
        .forEach(mount -> addBind(arguments, mount.actual(), mount.path(), mount.readOnly()));
    request.extraWritable().forEach(path -> addBind(arguments, path, path, false));
    for (IsolationRequest.Bind bind : request.binds()) {
      addBind(arguments, bind.source(), bind.destination(), bind.readOnly());
    }
    addBind(arguments, places.broker(), Path.of(SOCKET).resolveSibling(""), false);
    addBind(arguments, places.launcher(), Path.of(LAUNCHER), true);
  }

  private static void addBind(
      List<String> arguments, Path source, Path destination, boolean readOnly) {
    String option = readOnly ? "--ro-bind" : "--bind";
    add(arguments, option, source.toString(), destination.toString());
  }

  /// Root without them could remount what is read-only.
  private static void addCapabilities(List<String> arguments, List<String> kept) {
    add(arguments, "--cap-drop", "ALL");
    kept.forEach(capability -> add(arguments, "--cap-add", capability));
  }

  private static void add(List<String> arguments, String... more) {
    arguments.addAll(List.of(more));
  }
}
