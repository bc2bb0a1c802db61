package io.opensandbox.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The fake is held to the same suite as the real runtimes, and its hooks do what they say.
final class FakeRuntimeTest extends SandboxRuntimeTck {
  private final FakeRuntime runtime = new FakeRuntime();

  @Override
  protected SandboxRuntime runtime() {
    return runtime;
  }

  @Override
  protected String image() {
    return "busybox";
  }

  @Override
  protected String unknownImage() {
    return "localhost:1/no/such:image";
  }

  @AfterEach
  @Override
  protected void removeEverything() {
    super.removeEverything();
    runtime.close();
  }

  @Test
  void failNext_failsBeforeAnyEffect() {
    SandboxException planned = new SandboxException(ErrorCode.START_FAILED, "planned");
    runtime.failNext(FakeRuntime.Step.CREATE, planned);

    assertThatThrownBy(() -> create("sleep", "60")).isSameAs(planned);

    assertThat(runtime.sandboxIds()).isEmpty();
  }

  @Test
  void failAfterNext_failsAfterTheEffect() {
    SandboxException planned = new SandboxException(ErrorCode.START_FAILED, "planned");
    runtime.failAfterNext(FakeRuntime.Step.CREATE, planned);

    assertThatThrownBy(() -> create("sleep", "60")).isSameAs(planned);

    assertThat(runtime.sandboxIds()).hasSize(1);
  }

  @Test
  void privateImage_needsItsLogin() {
    ImageRequest.Auth login = new ImageRequest.Auth("me", "secret");
    runtime.addPrivateImage("registry.test/private:1", login);

    assertThatThrownBy(
            () -> runtime.prepareImage(ImageRequest.of("registry.test/private:1"), _ -> {}))
        .isInstanceOf(SandboxException.class)
        .hasMessageContaining("registry.test/private:1");

    List<String> progress = new CopyOnWriteArrayList<>();
    runtime.prepareImage(
        new ImageRequest("registry.test/private:1", Optional.of(login), Optional.empty()),
        progress::add);
    assertThat(progress).isNotEmpty();
  }

  @Test
  void lostEvents_endWithAResync() {
    List<RuntimeEvent> seen = new CopyOnWriteArrayList<>();
    runtime.subscribe(seen::add);
    RuntimeSandbox sandbox = createAndStart("sleep", "60");
    runtime.awaitEvents();
    seen.clear();

    runtime.loseEvents(true);
    runtime.exit(sandbox.id(), 1);
    runtime.loseEvents(false);
    runtime.awaitEvents();

    assertThat(seen).containsExactly(new RuntimeEvent.Resync());
  }
}
