package io.opensandbox.runtime.local;

import io.opensandbox.runtime.ForkPoint;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.local.engine.Engine;
import io.opensandbox.runtime.local.image.Holds;
import io.opensandbox.runtime.local.image.Image;
import io.opensandbox.runtime.local.image.Images;
import io.opensandbox.runtime.local.record.SandboxRecord;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/// Makes copies of sandboxes from a layer that is captured once for all of them.
final class Forks {
  private final Boxes boxes;
  private final Images images;
  private final Snapshots snapshots;
  private final Creation creation;
  private final Housekeeping housekeeping;
  private final Engine engine;

  Forks(
      Boxes boxes,
      Images images,
      Snapshots snapshots,
      Creation creation,
      Housekeeping housekeeping,
      Engine engine) {
    this.boxes = boxes;
    this.images = images;
    this.snapshots = snapshots;
    this.creation = creation;
    this.housekeeping = housekeeping;
    this.engine = engine;
  }

  /// Captures what a sandbox has written.
  ForkPoint capture(Box source) {
    housekeeping.forkBegins();
    Holds.Hold hold = images.hold();
    try {
      Image image = source.locked(() -> snapshots.captureForCopies(source, hold));
      return new Captured(image, source.record(), hold);
    } catch (RuntimeException e) {
      hold.close();
      housekeeping.forkEnds();
      throw e;
    }
  }

  /// The files of a sandbox at one moment. Their layer stays while this is open or a copy uses it.
  private final class Captured implements ForkPoint {
    private final Image image;
    private final SandboxRecord source;
    private final Holds.Hold hold;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Captured(Image image, SandboxRecord source, Holds.Hold hold) {
      this.image = image;
      this.source = source;
      this.hold = hold;
    }

    @Override
    public RuntimeSandbox copy(String id, Map<String, String> labels) {
      return boxes.make(id, () -> creation.copy(id, labels, source, image)).view(engine);
    }

    @Override
    public void close() {
      if (!closed.getAndSet(true)) {
        hold.close();
        housekeeping.forkEnds();
      }
    }
  }
}
