package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.image.ImageStore;
import java.util.regex.Pattern;

/// Snapshots are images of this engine, one per snapshot id.
final class SnapshotImages {
  private static final Pattern PLAIN_KEY = Pattern.compile("[A-Za-z0-9._/-]+");

  private final Engine engine;
  private final SandboxIndex index;
  private final ImageStore images;

  SnapshotImages(Engine engine, SandboxIndex index, ImageStore images) {
    this.engine = engine;
    this.index = index;
    this.images = images;
  }

  String take(String id, String snapshotId) {
    JsonNode container = index.inspect(id).orElseThrow(() -> SandboxIndex.notFound(id));
    String reference = ImageStore.SNAPSHOTS + ":" + snapshotId;
    if (isPresent(reference)) {
      return reference;
    }
    StringBuilder path = new StringBuilder("/commit?container=");
    path.append(container.path("Id").asText());
    path.append("&repo=").append(ImageStore.SNAPSHOTS);
    path.append("&tag=").append(Engine.encode(snapshotId));
    // The image would carry the source's labels into every sandbox restored from it.
    for (String key : new ContainerView(container).rawLabels().keySet()) {
      if (PLAIN_KEY.matcher(key).matches()) {
        path.append("&changes=").append(Engine.encode("LABEL " + TextNode.valueOf(key) + "=\"\""));
      }
    }
    try {
      new Freezer(engine).post(path.toString());
    } catch (EngineException e) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_CREATE_FAILED,
          "Failed to create snapshot of sandbox \"" + id + "\": " + e.text(),
          e);
    }
    images.forget();
    return reference;
  }

  boolean isPresent(String reference) {
    try {
      engine.get("/images/" + Engine.encode(reference) + "/json");
      return true;
    } catch (EngineException e) {
      if (e.isNotFound()) {
        return false;
      }
      throw new SandboxException(
          ErrorCode.SANDBOX_QUERY_FAILED,
          "Failed to inspect snapshot image " + reference + ": " + e.text(),
          e);
    }
  }

  void remove(String reference) {
    try {
      engine.delete("/images/" + Engine.encode(reference));
      images.forget();
    } catch (EngineException e) {
      if (e.isNotFound()) {
        return;
      }
      ErrorCode code =
          e.isConflict()
              ? ErrorCode.SNAPSHOT_DELETE_CONFLICT
              : ErrorCode.SNAPSHOT_IMAGE_REMOVE_FAILED;
      throw new SandboxException(
          code, "Failed to remove snapshot image " + reference + ": " + e.text(), e);
    }
  }
}
