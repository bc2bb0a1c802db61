package io.opensandbox.execd;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.isolated.IsolatedRoutes;
import io.opensandbox.execd.log.Level;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.protocol.execd.FileInfo;
import io.opensandbox.protocol.execd.Metrics;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.RecordComponent;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/// `specs/execd.yaml` and what the daemon serves are the same.
class SpecTest {
  private static final Set<String> METHODS = Set.of("get", "post", "put", "patch", "delete");

  private final Map<String, Object> spec = load();

  @TempDir private Path directory;

  private static Map<String, Object> load() {
    Path file = Path.of("../../specs/execd.yaml");
    try {
      Map<String, Object> loaded = new Yaml().load(Files.readString(file));
      if (loaded == null) {
        throw new IllegalStateException("the specification is empty");
      }
      return loaded;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Map<String, Object> parent, String key) {
    return (Map<String, Object>) parent.getOrDefault(key, Map.of());
  }

  @SuppressWarnings("unchecked")
  private static List<String> strings(Map<String, Object> parent, String key) {
    return (List<String>) parent.getOrDefault(key, List.of());
  }

  @Test
  void describesExactlyTheRoutesThatAreServed() throws IOException {
    assertThat(described()).containsExactlyInAnyOrderElementsOf(served());
  }

  private Set<String> described() {
    Set<String> described = new TreeSet<>();
    Map<String, Object> paths = map(spec, "paths");
    for (String path : paths.keySet()) {
      Map<String, Object> item = map(paths, path);
      if (item.containsKey("x-every-method")) {
        described.add("* " + path);
      } else {
        item.keySet().stream()
            .filter(METHODS::contains)
            .forEach(method -> described.add(method.toUpperCase(Locale.ROOT) + " " + path));
      }
    }
    return described;
  }

  private Set<String> served() throws IOException {
    Settings settings = Settings.of(List.of(), Map.of("TMPDIR", directory.toString()));
    Clock clock = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);
    OutputStream nowhere = OutputStream.nullOutputStream();
    Log log = Log.open(Level.ofFlag(3), List.of(), nowhere, nowhere, clock);
    var surroundings =
        new Execd.Surroundings(
            Map.of(),
            _ -> {
              throw new SpawnException("no process in this test");
            },
            new IsolatedRoutes.Tools(Optional::empty, List.of()),
            clock,
            log,
            new Random(7));
    ServerSocketChannel listener = ServerSocketChannel.open();
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    Set<String> served = new TreeSet<>();
    try (Execd execd = new Execd(settings, surroundings, listener)) {
      for (Router.Route route : execd.routes()) {
        served.add(route.method() + " " + route.pattern());
      }
    }
    return served;
  }

  @ParameterizedTest
  @ValueSource(classes = {FileInfo.class, Metrics.class})
  void describesEveryMemberOfAWireRecord(Class<? extends Record> type) {
    List<String> members =
        Arrays.stream(type.getRecordComponents()).map(SpecTest::wireName).toList();

    Map<String, Object> schema = map(map(map(spec, "components"), "schemas"), type.getSimpleName());

    assertThat(map(schema, "properties").keySet()).containsExactlyElementsOf(members);
    assertThat(strings(schema, "required")).containsExactlyElementsOf(members);
  }

  private static String wireName(RecordComponent component) {
    StringBuilder name = new StringBuilder();
    component
        .getName()
        .chars()
        .forEach(c -> {
          if (Character.isUpperCase(c)) {
            name.append('_');
          }
          name.append((char) Character.toLowerCase(c));
        });
    return name.toString();
  }

  @Test
  void refersOnlyToWhatIsThere() {
    List<String> missing = new ArrayList<>();
    collectMissing(spec, missing);

    assertThat(missing).isEmpty();
  }

  private void collectMissing(Object node, List<String> missing) {
    switch (node) {
      case Map<?, ?> map -> {
        if (map.get("$ref") instanceof String reference && !exists(reference)) {
          missing.add(reference);
        }
        map.values().forEach(value -> collectMissing(value, missing));
      }
      case List<?> list -> list.forEach(value -> collectMissing(value, missing));
      case null, default -> {}
    }
  }

  private boolean exists(String reference) {
    Object at = spec;
    for (String step : reference.substring(2).split("/", -1)) {
      at = at instanceof Map<?, ?> map ? map.get(step) : null;
    }
    return at != null;
  }
}
