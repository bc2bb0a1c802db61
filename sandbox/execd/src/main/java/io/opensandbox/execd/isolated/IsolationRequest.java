package io.opensandbox.execd.isolated;

import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonValue;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// What a session is to be like, with the profile's defaults filled in.
///
/// @param mounts the session's own directories, at least one; the first is its workspace
/// @param extraWritable further directories, seen where they are
/// @param binds further directories, seen elsewhere
/// @param environment which variables pass
/// @param identity user and group of the runs
/// @param idle zero for never
record IsolationRequest(
    Profile profile,
    List<Mount> mounts,
    List<Path> extraWritable,
    List<Bind> binds,
    boolean shareNetwork,
    Passthrough environment,
    Identity identity,
    Duration idle) {
  private static final int MAX_MOUNTS = 16;
  private static final long DEFAULT_IDLE_SECONDS = 1800;
  private static final long MAX_IDLE_SECONDS = 7L * 24 * 3600;
  private static final long MAX_ID = 0xffff_fffeL;

  IsolationRequest {
    mounts = List.copyOf(mounts);
    extraWritable = List.copyOf(extraWritable);
    binds = List.copyOf(binds);
  }

  /// A set of defaults.
  enum Profile {
    STRICT,
    BALANCED
  }

  /// What runs may do to a directory.
  enum Mode {
    RW,
    OVERLAY,
    RO
  }

  /// A directory of the session.
  ///
  /// @param persistence of what an overlay is written to
  record Mount(Path path, Mode mode, Persistence persistence) {}

  /// How long what is written to an overlay lasts, and how much it may be.
  ///
  /// @param store where it is kept
  /// @param retain how long it is kept after the session's end
  /// @param maxBytes of all of it
  record Persistence(Store store, Duration retain, long maxBytes) {
    static final long MAX_BYTES = 8L << 30;
    static final long DEFAULT_BYTES = 2L << 30;
    static final long DEFAULT_RETAIN_SECONDS = 3600;

    /// Nothing is kept after the session's end.
    static Persistence of(Store store) {
      return new Persistence(store, Duration.ZERO, MAX_BYTES);
    }
  }

  /// Where what is written to an overlay is kept.
  enum Store {
    /// In memory.
    MEMORY,
    /// On disk if that can be, else in memory.
    ANY,
    /// On a mounted volume, also after the session's end.
    VOLUME
  }

  /// A directory seen elsewhere.
  record Bind(Path source, Path destination, boolean readOnly) {}

  /// Which variables pass.
  ///
  /// @param allow whether `keys` are the only variables that pass, or those that do not
  record Passthrough(boolean allow, List<String> keys) {
    Passthrough {
      keys = List.copyOf(keys);
    }
  }

  /// User and group of the runs.
  ///
  /// @param namespaced whether the numbers are made by a user namespace or by changing identity
  record Identity(OptionalLong uid, OptionalLong gid, boolean namespaced) {
    /// The group of new files: without one, that of the user's number.
    OptionalLong group() {
      return gid.isPresent() ? gid : uid;
    }
  }

  /// What is tried to find out whether sessions are possible.
  static IsolationRequest trial(Path workspace, Mode mode, Store store, boolean namespaced) {
    var none = OptionalLong.empty();
    return new IsolationRequest(
        Profile.STRICT,
        List.of(new Mount(workspace, mode, Persistence.of(store))),
        List.of(),
        List.of(),
        true,
        new Passthrough(true, List.of()),
        new Identity(none, none, namespaced),
        Duration.ZERO);
  }

  /// Reads the members, which may be wrapped in `isolation`.
  static IsolationRequest parse(JsonObject body, IsolationLimits limits) {
    List<Path> writableRoots = limits.writableRoots();
    JsonObject json = body.object("isolation").orElse(body);
    Profile profile = choice(json, "profile", Profile.STRICT);
    Identity identity =
        new Identity(
            json.integer("uid", 0, MAX_ID),
            json.integer("gid", 0, MAX_ID),
            choice(json, "uid_mode", UidMode.SETPRIV) == UidMode.USERNS);
    return new IsolationRequest(
        profile,
        mounts(json, profile == Profile.STRICT ? Mode.OVERLAY : Mode.RW, limits.persistentBytes()),
        extraWritable(json, writableRoots),
        binds(json, writableRoots),
        json.flag("share_net", true),
        passthrough(json, profile),
        identity,
        Duration.ofSeconds(
            json.integer("idle_timeout_seconds", 0, MAX_IDLE_SECONDS)
                .orElse(DEFAULT_IDLE_SECONDS)));
  }

  private enum UidMode {
    SETPRIV,
    USERNS
  }

  private static List<Mount> mounts(JsonObject json, Mode usual, long usualBytes) {
    List<Mount> mounts = new ArrayList<>();
    json.object("workspace")
        .ifPresent(workspace -> mounts.add(mount("workspace", workspace, usual, usualBytes)));
    for (JsonObject overlay : objects(json, "overlays")) {
      mounts.add(mount("overlays", overlay, Mode.OVERLAY, usualBytes));
    }
    if (mounts.isEmpty()) {
      throw invalid("field \"workspace\" with a \"path\", or \"overlays\", is required");
    }
    if (mounts.size() > MAX_MOUNTS) {
      throw invalid("there may be at most " + MAX_MOUNTS + " overlays");
    }
    if (mounts.stream().map(Mount::path).distinct().count() < mounts.size()) {
      throw invalid("field \"overlays\": two have the same path");
    }
    return mounts;
  }

  private static Mount mount(String field, JsonObject json, Mode usual, long usualBytes) {
    Path path = absolute(field + ".path", json.stringOrEmpty("path"));
    if (path.getNameCount() == 0) {
      throw invalid("field \"" + field + ".path\" must not be the root directory");
    }
    Mode mode = choice(json, "mode", usual);
    return new Mount(path, mode, persistence(field, json.find("persist"), mode, usualBytes));
  }

  /// Either whether it is on disk, or an object that asks for more.
  private static Persistence persistence(
      String field, @Nullable JsonValue persist, Mode mode, long usualBytes) {
    return switch (persist) {
      case null -> Persistence.of(Store.ANY);
      case JsonValue.Flag _ when mode != Mode.OVERLAY ->
          throw invalid("field \"" + field + ".persist\" is only for mode overlay");
      case JsonValue.Flag(boolean onDisk) -> Persistence.of(onDisk ? Store.ANY : Store.MEMORY);
      case JsonObject wanted when !wanted.flag("enabled") -> Persistence.of(Store.MEMORY);
      case JsonObject _ when mode != Mode.OVERLAY ->
          throw invalid("field \"" + field + ".persist\" is only for mode overlay");
      case JsonObject wanted ->
          new Persistence(
              Store.VOLUME,
              Duration.ofSeconds(
                  wanted
                      .integer("retain_seconds", 0, MAX_IDLE_SECONDS)
                      .orElse(Persistence.DEFAULT_RETAIN_SECONDS)),
              wanted.integer("max_size_bytes", 1, Persistence.MAX_BYTES).orElse(usualBytes));
      default -> throw JsonObject.wrongType(field + ".persist", "object", persist);
    };
  }

  private static List<Path> extraWritable(JsonObject json, List<Path> writableRoots) {
    List<Path> paths = new ArrayList<>();
    for (String text : strings(json, "extra_writable")) {
      Path path = absolute("extra_writable", text);
      requireAllowed("extra_writable", path, writableRoots);
      paths.add(path);
    }
    return paths;
  }

  private static List<Bind> binds(JsonObject json, List<Path> writableRoots) {
    List<Bind> binds = new ArrayList<>();
    for (JsonObject bind : objects(json, "binds")) {
      Path source = absolute("binds.source", bind.stringOrEmpty("source"));
      Path destination = absolute("binds.dest", bind.string("dest").orElse(source.toString()));
      requireAllowed("binds.source", source, writableRoots);
      binds.add(new Bind(source, destination, bind.flag("readonly")));
    }
    return binds;
  }

  private static List<JsonObject> objects(JsonObject json, String field) {
    List<JsonObject> objects = new ArrayList<>();
    for (JsonValue item : json.array(field).map(JsonArray::values).orElse(List.of())) {
      if (!(item instanceof JsonObject object)) {
        throw JsonObject.wrongType(field, "object", item);
      }
      objects.add(object);
    }
    return objects;
  }

  private static void requireAllowed(String field, Path path, List<Path> roots) {
    if (roots.stream().noneMatch(path::startsWith)) {
      throw invalid(
          "field \"%s\": \"%s\" is not below one of the writable directories %s"
              .formatted(field, path, roots));
    }
  }

  private static Path absolute(String field, String text) {
    try {
      Path path = Path.of(text);
      if (path.isAbsolute() && path.normalize().equals(path)) {
        return path;
      }
    } catch (InvalidPathException _) { // answered below
    }
    throw invalid("field \"" + field + "\" must be an absolute path without \"..\"");
  }

  private static Passthrough passthrough(JsonObject json, Profile profile) {
    JsonObject wanted = json.object("env_passthrough").orElse(JsonObject.EMPTY);
    if (wanted.find("mode") == null && wanted.find("keys") == null) {
      return new Passthrough(false, profile == Profile.STRICT ? SecretNames.PATTERNS : List.of());
    }
    String mode = wanted.string("mode").orElse("deny");
    if (!mode.equals("allow") && !mode.equals("deny")) {
      throw invalid("field \"env_passthrough.mode\" must be allow or deny, not \"" + mode + "\"");
    }
    return new Passthrough(mode.equals("allow"), strings(wanted, "keys"));
  }

  private static List<String> strings(JsonObject json, String field) {
    List<String> strings = new ArrayList<>();
    for (JsonValue item : json.array(field).map(JsonArray::values).orElse(List.of())) {
      if (!(item instanceof JsonValue.Text(String text))) {
        throw JsonObject.wrongType(field, "string", item);
      }
      strings.add(text);
    }
    return strings;
  }

  private static <E extends Enum<E>> E choice(JsonObject json, String field, E absent) {
    String text = json.stringOrEmpty(field);
    if (text.isEmpty()) {
      return absent;
    }
    E[] all = absent.getDeclaringClass().getEnumConstants();
    List<String> names = new ArrayList<>();
    for (E each : all) {
      String name = each.name().toLowerCase(Locale.ROOT);
      names.add(name);
      if (name.equals(text)) {
        return each;
      }
    }
    throw invalid("field \"" + field + "\" must be one of " + names + ", not \"" + text + "\"");
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message);
  }
}
