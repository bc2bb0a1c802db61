package io.opensandbox.execd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.execd.Settings.Code;
import io.opensandbox.execd.Settings.Jupyter;
import io.opensandbox.execd.Settings.LogSettings;
import io.opensandbox.execd.command.CommandLimits;
import io.opensandbox.execd.isolated.IsolationLimits;
import io.opensandbox.execd.log.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
  @Test
  void defaultsAreThoseOfTheContract() {
    assertThat(Settings.of(List.of(), Map.of()))
        .isEqualTo(
            new Settings(
                44772,
                "",
                new LogSettings(Level.INFO, List.of("stdout")),
                new Jupyter("", "", Duration.ofMillis(100)),
                new Code("", 10 << 20),
                CommandLimits.DEFAULT,
                new IsolationLimits(
                    List.of(
                        Path.of("/var/lib/execd/isolation/44772"),
                        Path.of("/tmp/execd-isolated-44772")),
                    8L << 30,
                    4L << 30,
                    List.of(
                        Path.of("/workspace"),
                        Path.of("/mnt"),
                        Path.of("/media"),
                        Path.of("/data"))),
                Duration.ofMinutes(10),
                "/tmp"));
  }

  @Test
  void everyFlagIsRead_withOneDashOrTwo() {
    var settings =
        Settings.of(
            List.of(
                "-port",
                "1234",
                "--access-token=secret",
                "--log-level=7",
                "-jupyter-host=http://j",
                "--jupyter-token",
                "t",
                "--jupyter-idle-poll-interval=1s",
                "--graceful-shutdown-timeout=2s",
                "--warm-kernel=python",
                "--code-output-limit=2048",
                "--hibernate-after=0",
                "--command-records=5",
                "--command-retention=1m",
                "--command-output-limit=65536",
                "--command-output-total=131072",
                "--isolation-upper-root=/up",
                "--isolation-upper-max-bytes=5",
                "--isolation-diff-max-bytes=6",
                "--isolation-allowed-writable=/a, /b"),
            Map.of("TMPDIR", "/t", "EXECD_LOG_FILE", "/l", "EXECD_ACCESS_TOKEN", "other"));

    assertThat(settings)
        .isEqualTo(
            new Settings(
                1234,
                "secret",
                new LogSettings(Level.DEBUG, List.of("/l")),
                new Jupyter("http://j", "t", Duration.ofSeconds(1)),
                new Code("python", 2048),
                new CommandLimits(5, Duration.ofMinutes(1), 4096, 65536, 131072),
                new IsolationLimits(
                    List.of(Path.of("/up")), 5, 6, List.of(Path.of("/a"), Path.of("/b"))),
                Duration.ZERO,
                "/t"));
  }

  @Test
  void environmentIsRead() {
    var environment =
        Map.of(
            "EXECD_ACCESS_TOKEN", "secret",
            "JUPYTER_HOST", "https://j",
            "EXECD_JUPYTER_IDLE_POLL_INTERVAL", "0s",
            "OPENSANDBOX_LOG_OUTPUT", "stderr, /x",
            "EXECD_HIBERNATE_AFTER", "1h",
            "EXECD_ISOLATION_UPPER_ROOT", "/up");

    var settings = Settings.of(List.of(), environment);

    assertThat(settings.accessToken()).isEqualTo("secret");
    assertThat(settings.jupyter()).isEqualTo(new Jupyter("https://j", "", Duration.ofMillis(100)));
    assertThat(settings.log().outputs()).isEqualTo(List.of("stderr", "/x"));
    assertThat(settings.hibernateAfter()).isEqualTo(Duration.ofHours(1));
    assertThat(settings.isolation().roots()).containsExactly(Path.of("/up"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--isolation-upper-root=relative",
        "--isolation-upper-max-bytes=8589934593",
        "--isolation-diff-max-bytes=0",
        "--nope=1",
        "port",
        "--port",
        "--port=x",
        "--port=70000",
        "--hibernate-after=-1s",
        ""
      })
  void refusesBadFlags(String flag) {
    assertThatThrownBy(() -> Settings.of(List.of(flag), Map.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void refusesBadEnvironment() {
    assertThatThrownBy(() -> Settings.of(List.of(), Map.of("JUPYTER_HOST", "j:8888")))
        .hasMessage("JUPYTER_HOST must begin with http:// or https://, not \"j:8888\"");
    assertThatThrownBy(() -> Settings.of(List.of(), Map.of("EXECD_API_GRACE_SHUTDOWN", "soon")))
        .hasMessageContaining("EXECD_API_GRACE_SHUTDOWN");
  }
}
