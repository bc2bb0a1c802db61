package io.opensandbox.server.pool;

import io.opensandbox.protocol.lifecycle.PoolCapacity;
import io.opensandbox.server.sandbox.Members;

/// What a pool needs, decided from numbers alone (the operator's arithmetic, which the contract
/// shares between runtimes).
///
/// @param grow members to make
/// @param shrink members that nobody has claimed to remove
record Plan(int grow, int shrink) {
  /// The plan for a pool as it is.
  static Plan of(PoolCapacity capacity, Members.Counts counts) {
    int idle = counts.making() + counts.ready();
    long total = (long) idle + counts.claimed();
    long want = Math.max(counts.claimed() + wantedIdle(capacity, idle), capacity.poolMin());
    long room = Math.max(0, capacity.poolMax() - total);
    long beyond = Math.max(0, total - capacity.poolMax());
    long grow = Math.max(0, Math.min(want - total, room));
    long shrink = Math.min(idle, Math.max(Math.max(0, total - want), beyond));
    return new Plan((int) grow, (int) shrink);
  }

  /// How many unclaimed members there should be when there are `idle`: as many while that is within
  /// the bounds, else half way between them.
  static long wantedIdle(PoolCapacity capacity, int idle) {
    boolean within = capacity.bufferMin() <= idle && idle <= capacity.bufferMax();
    return within ? idle : ((long) capacity.bufferMin() + capacity.bufferMax()) / 2;
  }
}
