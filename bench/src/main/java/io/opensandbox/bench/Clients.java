package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Server;
import java.util.ArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Several clients of one server at once.
final class Clients {
  private static final int MANY = 8;

  private Clients() {}

  /// Does `work` so often, by several threads; throws what the first failure was.
  static void work(int times, Runnable work) {
    try (var threads = Executors.newFixedThreadPool(MANY)) {
      var running = new ArrayList<Future<?>>();
      for (int i = 0; i < times; i++) {
        running.add(threads.submit(work));
      }
      for (var one : running) {
        one.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /// Creates a sandbox of an image that a [StubEngine] has.
  ///
  /// @return its id
  static String create(Server api) {
    return api.create(Server.request("bench")).text("id");
  }
}
