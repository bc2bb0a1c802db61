package io.opensandbox.server.pool;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.http.Fields;
import io.opensandbox.server.json.Json;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads the pod template of a pool as far as a single host can follow it: of the container named
/// `sandbox`, else the first, the image, command, arguments, environment, limits, and mounts of
/// `hostPath` and `persistentVolumeClaim` volumes. Everything else is ignored: execd needs no
/// container of its own here.
final class PodTemplate {
  private static final ErrorCode INVALID = ErrorCode.INVALID_PARAMETER;

  private PodTemplate() {}

  /// The create that makes a member.
  static Json.Obj create(Fields template) {
    Fields spec = template.object("spec").orElseThrow(PodTemplate::noContainer);
    Fields container = container(spec);
    String image = container.text("image").orElse("");
    if (image.isBlank()) {
      throw invalid("\"" + container.path("image") + "\" is required");
    }
    Map<String, Json> body = new LinkedHashMap<>();
    body.put("image", new Json.Obj(Map.of("uri", new Json.Str(image))));
    body.put("entrypoint", texts(command(container)));
    body.put("env", new Json.Obj(environment(container)));
    body.put("resourceLimits", new Json.Obj(limits(container)));
    body.put("volumes", new Json.Arr(volumes(spec, container)));
    return new Json.Obj(body);
  }

  private static Fields container(Fields spec) {
    List<Fields> containers = spec.objects("containers", INVALID);
    return containers.stream()
        .filter(one -> one.text("name").orElse("").equals("sandbox"))
        .findFirst()
        .or(() -> containers.stream().findFirst())
        .orElseThrow(PodTemplate::noContainer);
  }

  private static List<String> command(Fields container) {
    List<String> words = new ArrayList<>(container.texts("command", INVALID).orElse(List.of()));
    words.addAll(container.texts("args", INVALID).orElse(List.of()));
    return words.isEmpty() ? List.of("tail", "-f", "/dev/null") : words;
  }

  private static Json.Arr texts(List<String> words) {
    return new Json.Arr(words.stream().<Json>map(Json.Str::new).toList());
  }

  private static Map<String, Json> environment(Fields container) {
    Map<String, Json> environment = new LinkedHashMap<>();
    for (Fields entry : container.objects("env", INVALID)) {
      if (entry.has("valueFrom")) {
        throw invalid("\"" + entry.path("valueFrom") + "\" is not supported by this runtime");
      }
      String name = entry.requiredText("name", INVALID);
      environment.put(name, new Json.Str(entry.text("value").orElse("")));
    }
    return environment;
  }

  private static Map<String, Json> limits(Fields container) {
    Map<String, Json> limits = new LinkedHashMap<>();
    Optional<Fields> given =
        container.object("resources").flatMap(resources -> resources.object("limits"));
    if (given.isPresent()) {
      for (String name : List.of("cpu", "memory", "gpu", "pids")) {
        quantity(given.get(), name).ifPresent(text -> limits.put(name, new Json.Str(text)));
      }
      quantity(given.get(), "nvidia.com/gpu")
          .ifPresent(text -> limits.put("gpu", new Json.Str(text)));
    }
    return limits;
  }

  // Kubernetes takes a number for a quantity too.
  private static Optional<String> quantity(Fields limits, String name) {
    return switch (limits.value(name)) {
      case null -> Optional.empty();
      case Json.Str text -> Optional.of(text.value());
      case Json.Num number when number.value().abs().compareTo(BigDecimal.valueOf(1e18)) < 0 ->
          Optional.of(number.value().toPlainString());
      case Json other ->
          throw invalid("\"" + limits.path(name) + "\" must be a quantity, not " + other.kind());
    };
  }

  private static List<Json> volumes(Fields spec, Fields container) {
    Map<String, Fields> sources = new LinkedHashMap<>();
    for (Fields volume : spec.objects("volumes", INVALID)) {
      sources.put(volume.requiredText("name", INVALID), volume);
    }
    List<Json> volumes = new ArrayList<>();
    for (Fields mount : container.objects("volumeMounts", INVALID)) {
      @Nullable Fields source = sources.get(mount.requiredText("name", INVALID));
      if (source == null) {
        throw invalid("\"" + mount.path("name") + "\" names no volume of the template");
      }
      volume(source, mount, volumes.size()).ifPresent(volumes::add);
    }
    return volumes;
  }

  private static Optional<Json> volume(Fields source, Fields mount, int index) {
    Map<String, Json> volume = new LinkedHashMap<>();
    volume.put("name", new Json.Str("v" + index));
    volume.put("mountPath", new Json.Str(mount.requiredText("mountPath", INVALID)));
    volume.put("readOnly", new Json.Bool(mount.bool("readOnly", false)));
    mount.text("subPath").ifPresent(path -> volume.put("subPath", new Json.Str(path)));
    Optional<Fields> host = source.object("hostPath");
    Optional<Fields> claim = source.object("persistentVolumeClaim");
    if (host.isPresent()) {
      String path = host.get().requiredText("path", INVALID);
      volume.put("host", new Json.Obj(Map.of("path", new Json.Str(path))));
    } else if (claim.isPresent()) {
      String name = claim.get().requiredText("claimName", INVALID);
      volume.put("pvc", new Json.Obj(Map.of("claimName", new Json.Str(name))));
    } else if (source.has("emptyDir")) {
      return Optional.empty(); // a directory of the sandbox's own is as good
    } else {
      throw invalid(
          "volume \""
              + source.text("name").orElse("")
              + "\" of the template must be a hostPath, persistentVolumeClaim or emptyDir");
    }
    return Optional.of(new Json.Obj(volume));
  }

  private static SandboxException noContainer() {
    return invalid("\"template.spec.containers\" must have a container with an \"image\"");
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(INVALID, message);
  }
}
