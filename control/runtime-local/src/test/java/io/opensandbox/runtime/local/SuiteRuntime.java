package io.opensandbox.runtime.local;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// A runtime for all tests of a class, as a static `@RegisterExtension`.
final class SuiteRuntime implements BeforeAllCallback, AfterAllCallback {
  private @Nullable TestRuntime test;

  @Override
  public void beforeAll(ExtensionContext context) {
    test = TestRuntime.open();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (test != null) {
      test.close();
    }
  }

  LocalRuntime get() {
    return Objects.requireNonNull(test, "not open").runtime();
  }
}
