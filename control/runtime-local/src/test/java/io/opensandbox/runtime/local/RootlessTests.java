package io.opensandbox.runtime.local;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/// Runs the tests of one class in this process, a child of [RootlessIT] and another user's, and
/// prints each with what it threw. Ends with 0 when all passed, 1 when one failed, and [#NOTHING]
/// when none could run.
final class RootlessTests implements TestExecutionListener {
  static final int NOTHING = 3;

  private final AtomicInteger passed = new AtomicInteger();
  private final AtomicInteger failed = new AtomicInteger();

  private RootlessTests() {}

  /// Runs them and exits.
  ///
  /// @param args the name of the class
  public static void main(String[] args) throws ClassNotFoundException {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(Class.forName(args[0])))
            .build();
    RootlessTests seen = new RootlessTests();
    LauncherFactory.create().execute(request, seen);
    if (seen.failed.get() > 0) {
      System.exit(1);
    }
    System.exit(seen.passed.get() > 0 ? 0 : NOTHING);
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    switch (result.getStatus()) {
      case SUCCESSFUL -> {
        if (test.isTest()) {
          passed.incrementAndGet();
        }
      }
      case FAILED -> failed.incrementAndGet();
      case ABORTED -> {
        // What this user lacks; the reason is printed below.
      }
    }
    if (result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
      System.out.println(result.getStatus() + " " + test.getDisplayName());
      result.getThrowable().ifPresent(thrown -> thrown.printStackTrace(System.out));
    }
  }
}
