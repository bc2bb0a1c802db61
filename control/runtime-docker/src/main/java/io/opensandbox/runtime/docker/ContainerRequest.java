package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.docker.staging.StagedExecd;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// Writes the body of the engine's create call (docker-runtime contract, sections 3 and 7 to 10).
final class ContainerRequest {
  /// Where execd is in every sandbox.
  static final String EXECD = "/opt/opensandbox/execd";

  private static final String BOOTSTRAP = "/opt/opensandbox/bootstrap.sh";
  private static final String FOLDER = "/opt/opensandbox/";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final DockerRuntimeConfig config;
  private final SeccompProfile seccomp;

  ContainerRequest(DockerRuntimeConfig config) {
    this.config = config;
    this.seccomp = SeccompProfile.read(config.security().seccompProfile());
  }

  /// Ports of the host for the two published ports.
  record Published(int execd, int http) {
    Map<String, String> labels() {
      return Map.of(
          Labels.EXECD_PORT, String.valueOf(execd), Labels.HTTP_PORT, String.valueOf(http));
    }

    ObjectNode bindings() {
      ObjectNode bindings = JSON.createObjectNode();
      bindings.set("44772/tcp", binding(execd));
      bindings.set("8080/tcp", binding(http));
      return bindings;
    }

    private static ArrayNode binding(int port) {
      ArrayNode list = JSON.createArrayNode();
      list.addObject().put("HostIp", "0.0.0.0").put("HostPort", String.valueOf(port));
      return list;
    }
  }

  /// How the first process of a sandbox is started.
  enum Start {
    /// Through bootstrap.sh, as the contract says.
    SCRIPT,
    /// Through execd itself, in an image that has no shell.
    EXECD
  }

  /// The body for one sandbox.
  ///
  /// @param labels everything the container carries
  /// @param binds of the request's volumes
  ObjectNode body(
      SandboxSpec spec,
      String image,
      Map<String, String> labels,
      List<String> binds,
      StagedExecd staged,
      Optional<Published> published) {
    ObjectNode body = JSON.createObjectNode();
    body.put("Image", image);
    setStart(body, Start.SCRIPT);
    body.set("Cmd", JSON.valueToTree(spec.entrypoint()));
    body.set("Env", environment(spec));
    body.set("Labels", JSON.valueToTree(labels));
    ObjectNode exposed = body.putObject("ExposedPorts");
    exposed.putObject("44772/tcp");
    exposed.putObject("8080/tcp");
    ObjectNode host = body.putObject("HostConfig");
    host.put("NetworkMode", config.networkMode());
    published.ifPresent(ports -> host.set("PortBindings", ports.bindings()));
    if (!binds.isEmpty()) {
      host.set("Binds", JSON.valueToTree(binds));
    }
    if (staged instanceof StagedExecd.Mounted mounted) {
      host.set("Mounts", mounts(mounted));
    }
    boolean boost = CpuBoost.isFor(spec, staged);
    putLimits(host, boost ? CpuBoost.without(spec.limits()) : spec.limits());
    putSecurity(host);
    return body;
  }

  /// Sets the first process.
  static void setStart(ObjectNode body, Start start) {
    List<String> entrypoint =
        switch (start) {
          case SCRIPT -> List.of(BOOTSTRAP);
          case EXECD -> List.of(EXECD, "bootstrap", "--");
        };
    body.set("Entrypoint", JSON.valueToTree(entrypoint));
  }

  private static ArrayNode environment(SandboxSpec spec) {
    ArrayNode environment = JSON.createArrayNode();
    spec.env().forEach((key, value) -> environment.add(key + "=" + value));
    return environment;
  }

  private static ArrayNode mounts(StagedExecd.Mounted staged) {
    ArrayNode mounts = JSON.createArrayNode();
    for (String name : List.of("execd", "bootstrap.sh", staged.tree())) {
      mounts
          .addObject()
          .put("Type", "bind")
          .put("Source", staged.root() + "/" + name)
          .put("Target", FOLDER + name)
          .put("ReadOnly", true);
    }
    return mounts;
  }

  private void putLimits(ObjectNode host, ResourceLimits limits) {
    limits.nanoCpus().ifPresent(nanos -> host.put("NanoCpus", nanos));
    limits.memoryBytes().ifPresent(bytes -> host.put("Memory", bytes));
    OptionalLong pids = limits.pids().isPresent() ? limits.pids() : config.security().pidsLimit();
    pids.ifPresent(count -> host.put("PidsLimit", count));
    limits
        .gpus()
        .ifPresent(count -> {
          ObjectNode device = host.putArray("DeviceRequests").addObject();
          device.put("Count", count);
          device.putArray("Capabilities").addArray().add("gpu");
        });
  }

  private void putSecurity(ObjectNode host) {
    DockerRuntimeConfig.Security security = config.security();
    if (!security.dropCapabilities().isEmpty()) {
      host.set("CapDrop", JSON.valueToTree(security.dropCapabilities()));
    }
    List<String> options = new ArrayList<>();
    if (security.noNewPrivileges()) {
      options.add("no-new-privileges:true");
    }
    if (!security.apparmorProfile().isBlank()) {
      options.add("apparmor=" + security.apparmorProfile());
    }
    seccomp.option().ifPresent(options::add);
    if (!options.isEmpty()) {
      host.set("SecurityOpt", JSON.valueToTree(options));
    }
    if (!security.ociRuntime().isBlank()) {
      host.put("Runtime", security.ociRuntime());
    }
  }

  /// The body that makes a container like an existing one, with other ports.
  ///
  /// @param container its inspection
  static ObjectNode again(JsonNode container, Published ports) {
    ObjectNode body = ((ObjectNode) container.path("Config")).deepCopy();
    body.remove("Hostname"); // the engine's default is the id of the container
    ports.labels().forEach(body.withObject("/Labels")::put);
    ObjectNode host = ((ObjectNode) container.path("HostConfig")).deepCopy();
    host.set("PortBindings", ports.bindings());
    body.set("HostConfig", host);
    return body;
  }
}
