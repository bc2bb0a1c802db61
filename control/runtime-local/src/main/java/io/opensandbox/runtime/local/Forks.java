package io.opensandbox.runtime.local;

import io.opensandbox.runtime.ForkPoint;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.local.engine.Engine;
import io.opensandbox.runtime.local.image.Image;
import io.opensandbox.runtime.local.record.SandboxRecord;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/// Makes copies of sandboxes from a layer that is captured once for all of them.
final class Forks {
  private final Boxes boxes;
  private final Snapshots snapshots;
  private final Creation creation;
  private final Housekeeping housekeeping;
  private final Engine engine;

  Forks(
      Boxes boxes,
      Snapshots snapshots,
      Creation creation,
      Housekeeping housekeeping,
      Engine engine) {
    this.boxes = boxes;
    this.snapshots = snapshots;
    this.creation = creation;
    this.housekeeping = housekeeping;
    this.engine = engine;
  }

  /// Captures what a sandbox has written.
  ForkPoint capture(Box source) {
    housekeeping.forkBegins();
    try {
      return new Captured(source.locked(() -> snapshots.captureForCopies(source)), source.record());
    } catch (RuntimeException e) {
      housekeeping.forkEnds();
      throw e;
    }
  }

  /// The files of a sandbox at one moment. Their layer stays while this is open or a copy uses it.
  private final class Captured implements ForkPoint {
    private final Image image;
    private final SandboxRecord source;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Captured(Image image, SandboxRecord source) {
      this.image = image;
      this.source = source;
    }

    @Override
    public RuntimeSandbox copy(String id, Map<String, String> labels) {
      return boxes.make(id, () -> creation.copy(id, labels, source, image)).view(engine);
    }

    @Override
    public void close() {
      if (!closed.getAndSet(true)) {
        housekeeping.forkEnds();
      }
    }
  }
}
