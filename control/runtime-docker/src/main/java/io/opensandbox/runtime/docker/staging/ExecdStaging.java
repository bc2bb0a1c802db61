package io.opensandbox.runtime.docker.staging;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.image.ImageStore;
import io.opensandbox.runtime.docker.image.LocalImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Prepares execd once per content of the execd image; concurrent first users share the work, a
/// failure is not remembered.
public final class ExecdStaging implements AutoCloseable {
  /// Message of the contract for an execd image that lacks the script.
  static final String NO_BOOTSTRAP = "bootstrap.sh not found in execd image cache";

  private static final Logger log = LoggerFactory.getLogger(ExecdStaging.class);
  private static final String INSTALLABLE = "io.opensandbox.execd.install";

  private final Engine engine;
  private final ImageStore images;
  private final ExecdVolume volume;
  private final String reference;
  private final Map<String, CompletableFuture<StagedExecd>> staged = new ConcurrentHashMap<>();

  /// @param reference `runtime.execd_image`
  public ExecdStaging(Engine engine, ImageStore images, String reference, Clock clock) {
    this.engine = engine;
    this.images = images;
    this.volume = new ExecdVolume(engine, clock);
    this.reference = reference;
  }

  /// execd of the image that the reference names now.
  ///
  /// Throws `IMAGE_PULL_FAILED` naming the execd image, `EXECD_START_FAILED`,
  /// `EXECD_DISTRIBUTION_FAILED`, or `BOOTSTRAP_INSTALL_FAILED` for an image without the script.
  public StagedExecd stage() {
    String id = images.prepare(ImageRequest.of(reference), _ -> {}).id();
    CompletableFuture<StagedExecd> mine = new CompletableFuture<>();
    CompletableFuture<StagedExecd> running = staged.putIfAbsent(id, mine);
    if (running != null) {
      return join(running);
    }
    try {
      mine.complete(fetch(id));
    } catch (RuntimeException e) {
      staged.remove(id, mine);
      mine.completeExceptionally(e);
    }
    return join(mine);
  }

  private static StagedExecd join(CompletableFuture<StagedExecd> work) {
    try {
      return work.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof SandboxException failure) {
        throw new SandboxException(failure.code(), String.valueOf(failure.getMessage()), e);
      }
      throw distributionFailed(String.valueOf(e.getCause()), e);
    }
  }

  /// Forgets what was prepared, because it turned out to be gone.
  public void forget(StagedExecd gone) {
    CompletableFuture<StagedExecd> known = staged.get(gone.imageId());
    if (known != null
        && known.isDone()
        && !known.isCompletedExceptionally()
        && known.join().equals(gone)) {
      staged.remove(gone.imageId(), known);
    }
  }

  /// Removes what a crash left and what earlier execd images needed, and nothing that a living
  /// server or sandbox works with.
  ///
  /// @return how many things
  public int sweep() {
    return volume.sweep(Set.copyOf(staged.keySet()));
  }

  private StagedExecd fetch(String id) {
    boolean ours =
        images
            .find(reference)
            .map(LocalImage::labels)
            .map(labels -> "1".equals(labels.get(INSTALLABLE)))
            .orElse(false);
    long start = System.nanoTime();
    StagedExecd result = ours ? volume.fill(id) : read(id);
    log.info("execd {} staged in {} ms", id, (System.nanoTime() - start) / 1_000_000);
    return result;
  }

  private StagedExecd read(String id) {
    String name = "sandbox-execd-" + UUID.randomUUID();
    try (TemporaryContainer source = container(name, id)) {
      requireFiles(engine, source.id());
      return new StagedExecd.Copied(id, copyFiles(source.id()));
    }
  }

  private TemporaryContainer container(String name, String id) {
    try {
      return TemporaryContainer.create(engine, name, id, List.of("/execd"), List.of());
    } catch (EngineException e) {
      throw new SandboxException(
          ErrorCode.EXECD_START_FAILED,
          "Failed to start execd container from " + reference + ": " + e.text(),
          e);
    }
  }

  private Path copyFiles(String container) {
    Path file = null;
    try {
      file = Files.createTempFile("opensandbox-execd-", ".tar");
      try (InputStream execd = engine.readArchive(container, "/execd");
          InputStream bootstrap = engine.readArchive(container, "/bootstrap.sh")) {
        ExecdTar.write(file, execd, bootstrap);
      }
      return file;
    } catch (IOException e) {
      delete(file);
      throw distributionFailed(e.getMessage(), e);
    } catch (EngineException e) {
      delete(file);
      throw distributionFailed(e.text(), e);
    }
  }

  /// Fails with the contract's words when the image lacks one of the two files.
  static void requireFiles(Engine engine, String container) {
    try {
      if (engine.stat(container, "/execd").isEmpty()) {
        throw new SandboxException(
            ErrorCode.EXECD_DISTRIBUTION_FAILED,
            "Failed to read execd artifacts: /execd not found in the execd image");
      }
      if (engine.stat(container, "/bootstrap.sh").isEmpty()) {
        throw new SandboxException(ErrorCode.BOOTSTRAP_INSTALL_FAILED, NO_BOOTSTRAP);
      }
    } catch (EngineException e) {
      throw distributionFailed(e.text(), e);
    }
  }

  static SandboxException distributionFailed(@Nullable String why, Throwable cause) {
    return new SandboxException(
        ErrorCode.EXECD_DISTRIBUTION_FAILED, "Failed to read execd artifacts: " + why, cause);
  }

  private static void delete(@Nullable Path file) {
    if (file == null) {
      return;
    }
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("cannot delete {}: {}", file, e.toString());
    }
  }

  /// Deletes the copies.
  @Override
  public void close() {
    for (CompletableFuture<StagedExecd> one : staged.values()) {
      if (one.isDone()
          && !one.isCompletedExceptionally()
          && one.join() instanceof StagedExecd.Copied copied) {
        delete(copied.tar());
      }
    }
    staged.clear();
  }
}
