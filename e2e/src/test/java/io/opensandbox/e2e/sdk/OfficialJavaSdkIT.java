package io.opensandbox.e2e.sdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.alibaba.opensandbox.sandbox.Sandbox;
import com.alibaba.opensandbox.sandbox.SandboxManager;
import com.alibaba.opensandbox.sandbox.config.ConnectionConfig;
import com.alibaba.opensandbox.sandbox.domain.exceptions.SandboxApiException;
import com.alibaba.opensandbox.sandbox.domain.models.execd.executions.ExecutionHandlers;
import com.alibaba.opensandbox.sandbox.domain.models.execd.executions.OutputMessage;
import com.alibaba.opensandbox.sandbox.domain.models.execd.executions.RunCommandRequest;
import com.alibaba.opensandbox.sandbox.domain.models.execd.filesystem.ContentReplaceEntry;
import com.alibaba.opensandbox.sandbox.domain.models.execd.filesystem.EntryInfo;
import com.alibaba.opensandbox.sandbox.domain.models.execd.filesystem.MoveEntry;
import com.alibaba.opensandbox.sandbox.domain.models.execd.filesystem.SearchEntry;
import com.alibaba.opensandbox.sandbox.domain.models.execd.filesystem.SetPermissionEntry;
import com.alibaba.opensandbox.sandbox.domain.models.execd.filesystem.WriteEntry;
import com.alibaba.opensandbox.sandbox.domain.models.sandboxes.SandboxFilter;
import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.Testbed;
import java.io.IOException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What a user of `com.alibaba.opensandbox:sandbox` does, on each image.
class OfficialJavaSdkIT {
  @ParameterizedTest
  @EnumSource
  void lifecycle(Images image) {
    try (var sandbox = create(image);
        var manager = SandboxManager.builder().connectionConfig(connection()).build()) {
      var id = sandbox.getId();

      var info = sandbox.getInfo();
      assertThat(info.getStatus().getState()).isEqualTo("Running");
      assertThat(info.getEntrypoint()).isEqualTo(entrypoint(image));
      assertThat(sandbox.isHealthy()).isTrue();
      var listed =
          manager
              .listSandboxInfos(
                  SandboxFilter.builder()
                      .metadata(Map.of(Testbed.RUN_KEY, Testbed.RUN, "image", image.name()))
                      .build())
              .getSandboxInfos();
      assertThat(listed).extracting(found -> found.getId()).containsExactly(id);
      sandbox.renew(Duration.ofMinutes(20));
      assertThat(sandbox.getInfo().getExpiresAt())
          .isCloseTo(
              OffsetDateTime.now(ZoneOffset.UTC).plusMinutes(20), within(30, ChronoUnit.SECONDS));
      assertThat(sandbox.getEndpoint(8080).getEndpoint()).startsWith("127.0.0.1:");

      sandbox.kill();

      assertThatThrownBy(() -> manager.getSandboxInfo(id))
          .isInstanceOfSatisfying(
              SandboxApiException.class,
              problem -> assertThat(problem.getStatusCode()).isEqualTo(404));
    }
  }

  @ParameterizedTest
  @EnumSource
  void files(Images image) {
    try (var sandbox = create(image)) {
      var files = sandbox.files();

      files.createDirectories(List.of(WriteEntry.builder().path("/tmp/sdk").mode(755).build()));
      files.write(
          List.of(
              WriteEntry.builder().path("/tmp/sdk/a.txt").data("alpha").mode(644).build(),
              WriteEntry.builder().path("/tmp/sdk/b.txt").data("beta").mode(600).build()));
      assertThat(files.readFile("/tmp/sdk/a.txt")).isEqualTo("alpha");
      assertThat(files.readByteArray("/tmp/sdk/b.txt")).asString().isEqualTo("beta");
      assertThat(files.readFileInfo(List.of("/tmp/sdk/b.txt")))
          .hasEntrySatisfying("/tmp/sdk/b.txt", info -> assertThat(info.getMode()).isEqualTo(600));
      files.replaceContents(
          List.of(
              ContentReplaceEntry.builder()
                  .path("/tmp/sdk/a.txt")
                  .oldContent("alpha")
                  .newContent("omega")
                  .build()));
      files.moveFiles(
          List.of(MoveEntry.builder().src("/tmp/sdk/a.txt").dest("/tmp/sdk/c.txt").build()));
      assertThat(files.readFile("/tmp/sdk/c.txt")).isEqualTo("omega");
      var found = files.search(SearchEntry.builder().path("/tmp/sdk").pattern("*.txt").build());
      assertThat(found)
          .extracting(EntryInfo::getPath)
          .containsExactlyInAnyOrder("/tmp/sdk/b.txt", "/tmp/sdk/c.txt");
      files.deleteFiles(List.of("/tmp/sdk/b.txt"));
      assertThat(files.search(SearchEntry.builder().path("/tmp/sdk").pattern("*").build()))
          .extracting(EntryInfo::getPath)
          .containsExactly("/tmp/sdk/c.txt");
      files.deleteDirectories(List.of("/tmp/sdk"));
      assertThatThrownBy(() -> files.readFile("/tmp/sdk/c.txt"))
          .isInstanceOf(SandboxApiException.class);
      sandbox.kill();
    }
  }

  @ParameterizedTest
  @EnumSource
  void modesStreamsAndRangesOfFiles(Images image) throws IOException {
    try (var sandbox = create(image)) {
      var files = sandbox.files();
      var path = "/tmp/more/a.txt";

      files.write(List.of(WriteEntry.builder().path(path).data("one two").mode(644).build()));
      files.setPermissions(List.of(SetPermissionEntry.builder().path(path).mode(600).build()));

      assertThat(files.readFileInfo(List.of(path)))
          .hasEntrySatisfying(path, info -> assertThat(info.getMode()).isEqualTo(600));
      assertThat(files.readFile(path, "UTF-8", "bytes=4-6")).isEqualTo("two");
      try (var stream = files.readStream(path, null)) {
        assertThat(stream).hasContent("one two");
      }
      assertThat(sandbox.getMetrics().getCpuCount()).isPositive();
      sandbox.kill();
    }
  }

  @ParameterizedTest
  @EnumSource(names = "NO_SHELL", mode = EnumSource.Mode.EXCLUDE)
  void interruptsWhatRuns(Images image) {
    try (var sandbox = create(image)) {
      var commands = sandbox.commands();
      var started =
          commands.run(
              RunCommandRequest.builder().command("exec sleep 300").background(true).build());

      commands.interrupt(Objects.requireNonNull(started.getId()));

      assertThatThrownBy(() -> commands.interrupt("nothing"))
          .isInstanceOf(SandboxApiException.class);
      sandbox.kill();
    }
  }

  @ParameterizedTest
  @EnumSource(names = "NO_SHELL", mode = EnumSource.Mode.EXCLUDE)
  void commands(Images image) {
    try (var sandbox = create(image)) {
      var commands = sandbox.commands();

      var ok = commands.run("echo one; echo two; echo err >&2");
      assertThat(texts(ok.getLogs().getStdout())).containsExactly("one", "two");
      assertThat(texts(ok.getLogs().getStderr())).containsExactly("err");
      assertThat(ok.getError()).isNull();
      var failed = commands.run("exit 9");
      assertThat(failed.getError())
          .extracting(error -> error.getName() + " " + error.getValue())
          .isEqualTo("CommandExecError 9");
      var streamed = Collections.synchronizedList(new ArrayList<String>());
      commands.run(
          RunCommandRequest.builder()
              .command("for i in 1 2 3; do echo tick $i; done; pwd")
              .workingDirectory("/tmp")
              .handlers(
                  ExecutionHandlers.builder()
                      .onInit(init -> streamed.add("init"))
                      .onStdout(message -> streamed.add(message.getText()))
                      .onExecutionComplete(end -> streamed.add("complete"))
                      .build())
              .build());
      assertThat(streamed)
          .containsExactly("init", "tick 1", "tick 2", "tick 3", "/tmp", "complete");
      var metrics = sandbox.getMetrics();
      assertThat(metrics.getCpuCount()).isPositive();
      sandbox.kill();
    }
  }

  private static Sandbox create(Images image) {
    return Sandbox.builder()
        .connectionConfig(connection())
        .image(image.reference())
        .entrypoint(entrypoint(image))
        .metadata(Testbed.RUN_KEY, Testbed.RUN)
        .metadata("image", image.name())
        .timeout(Duration.ofMinutes(10))
        .build();
  }

  private static List<String> entrypoint(Images image) {
    return image.hasShell() ? List.of("tail", "-f", "/dev/null") : List.of("/pause");
  }

  private static ConnectionConfig connection() {
    return ConnectionConfig.builder()
        .domain(Testbed.process().domain())
        .apiKey(Testbed.process().key())
        .build();
  }

  private static List<String> texts(List<OutputMessage> messages) {
    return messages.stream().map(OutputMessage::getText).toList();
  }
}
