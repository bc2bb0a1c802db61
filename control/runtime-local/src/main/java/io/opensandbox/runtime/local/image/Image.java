package io.opensandbox.runtime.local.image;

import io.avaje.jsonb.Json;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// An image that is on this machine.
///
/// @param reference as asked for, tag included
/// @param id content id, begins with `sha256:`
/// @param trees file trees, the root first, each with its layers from the top
/// @param env environment that it sets
/// @param user `uid`, `uid:gid`, or names; empty for root
/// @param workingDirectory absolute path
@Json
public record Image(
    String reference,
    String id,
    List<Tree> trees,
    Map<String, String> env,
    String user,
    String workingDirectory) {
  /// `PATH` where an image sets none.
  public static final String DEFAULT_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  /// The same with more in its environment.
  public Image with(Map<String, String> more) {
    Map<String, String> all = new LinkedHashMap<>(env);
    all.putAll(more);
    return new Image(reference, id, trees, all, user, workingDirectory);
  }

  /// Copies the collections.
  public Image {
    trees = List.copyOf(trees);
    env = Collections.unmodifiableMap(new LinkedHashMap<>(env));
  }
}
