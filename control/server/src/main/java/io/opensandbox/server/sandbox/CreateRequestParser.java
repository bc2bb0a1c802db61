package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.server.http.Fields;
import io.opensandbox.server.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/// Turns the body of a create into a [CreateRequest], or says what is wrong with it. The first
/// failing check decides: shapes of all fields, rules between fields, then meaning, in the
/// contract's order.
final class CreateRequestParser {
  private static final Pattern LOGIN = Pattern.compile("\\s*([a-z]+://)?[^/@]*@[^/]*/");
  private static final String RENEW_EXTENSION = "access.renew.extend.seconds";
  private static final int MIN_RENEW_SECONDS = 300;
  private static final int MAX_RENEW_SECONDS = 86400;
  private static final Set<String> OS = Set.of("linux", "windows");
  private static final Set<String> ARCH = Set.of("amd64", "arm64");

  private final CreateRules rules;
  private final VolumeParser volumes;

  /// Sees to it that what a create refers to is there.
  @FunctionalInterface
  interface References {
    /// Throws what is wrong with them.
    void check(Optional<String> poolRef, Optional<String> snapshotId);
  }

  CreateRequestParser(CreateRules rules) {
    this.rules = rules;
    this.volumes = new VolumeParser(rules.allowedHostPaths());
  }

  /// What the fields hold, before rules between them.
  private record Shape(
      Optional<String> imageUri,
      Optional<ImageRequest.Auth> auth,
      Optional<String> snapshotId,
      Optional<Fields> platform,
      Optional<Long> timeoutSeconds,
      Optional<Map<String, String>> limits,
      Map<String, String> env,
      Map<String, String> metadata,
      Optional<List<String>> entrypoint,
      boolean networkPolicy,
      boolean credentialProxy,
      boolean secureAccess,
      List<VolumeMount> volumes,
      Map<String, String> extensions) {
    Optional<String> poolRef() {
      return Optional.ofNullable(extensions.get("poolRef")).filter(text -> !text.isBlank());
    }
  }

  /// Parses and checks a body whose references are known to be good, or to be looked at later.
  ///
  /// @param now to judge the timeout by
  CreateRequest parse(Json.Obj body, Instant now) {
    return parse(body, now, (_, _) -> {});
  }

  /// Parses and checks a body.
  ///
  /// @param now to judge the timeout by
  /// @param references asked where the contract has them in its order of checks
  CreateRequest parse(Json.Obj body, Instant now, References references) {
    Shape shape = shape(Fields.of(body));
    checkBetweenFields(shape);
    OptionalInt renewSeconds = renewSeconds(shape.extensions());
    references.check(shape.poolRef(), shape.snapshotId());
    checkEntrypoint(shape);
    MetadataRules.check(shape.metadata());
    Optional<ImageRequest.Platform> platform = shape.platform().map(CreateRequestParser::platform);
    Optional<Duration> timeout = rules.timeout(shape.timeoutSeconds(), now);
    if (shape.secureAccess()) {
      throw invalid("\"secureAccess\" needs ingress.mode \"gateway\" on Kubernetes");
    }
    if (shape.networkPolicy()) {
      rules.checkNetworkPolicy();
    }
    if (platform.isPresent() && platform.get().os().equals("windows")) {
      WindowsLimits.check(shape.limits().orElse(Map.of()));
    }
    volumes.check(shape.volumes());
    Optional<ImageRequest> image =
        shape.imageUri().map(uri -> new ImageRequest(uri, shape.auth(), platform));
    return new CreateRequest(
        image,
        shape.snapshotId(),
        shape.poolRef(),
        platform,
        timeout,
        shape.limits().map(LimitParser::parse).orElse(ResourceLimits.NONE),
        shape.env(),
        shape.metadata(),
        shape.entrypoint().orElse(List.of()),
        shape.volumes(),
        renewSeconds);
  }

  private Shape shape(Fields body) {
    Optional<Fields> image = body.object("image");
    Optional<String> imageUri =
        image
            .map(fields -> fields.requiredText("uri", ErrorCode.INVALID_PARAMETER))
            .filter(uri -> !uri.isBlank())
            .map(CreateRequestParser::withoutLogin);
    Optional<ImageRequest.Auth> auth =
        image
            .flatMap(fields -> fields.object("auth"))
            .map(fields ->
                new ImageRequest.Auth(
                    fields.requiredText("username", ErrorCode.INVALID_PARAMETER),
                    fields.requiredText("password", ErrorCode.INVALID_PARAMETER)));
    Optional<String> snapshotId = body.text("snapshotId").filter(text -> !text.isBlank());
    Optional<Fields> platform = body.object("platform");
    platform.ifPresent(fields -> {
      fields.requiredText("os", ErrorCode.INVALID_PARAMETER);
      fields.requiredText("arch", ErrorCode.INVALID_PARAMETER);
    });
    Optional<Long> timeout = CreateRules.timeoutSeconds(body);
    Optional<Map<String, String>> limits =
        body.textMap("resourceLimits", ErrorCode.INVALID_PARAMETER, false);
    Map<String, String> env =
        body.textMap("env", ErrorCode.INVALID_PARAMETER, true).orElse(Map.of());
    checkEnv(env);
    Map<String, String> metadata =
        body.textMap("metadata", ErrorCode.INVALID_METADATA_LABEL, false).orElse(Map.of());
    Optional<List<String>> entrypoint = body.texts("entrypoint", ErrorCode.INVALID_ENTRYPOINT);
    if (entrypoint.isPresent() && entrypoint.get().isEmpty()) {
      throw new SandboxException(
          ErrorCode.INVALID_ENTRYPOINT, "\"entrypoint\" must have at least one element");
    }
    checkNetworkPolicyShape(body);
    return new Shape(
        imageUri,
        auth,
        snapshotId,
        platform,
        timeout,
        limits,
        env,
        metadata,
        entrypoint,
        body.has("networkPolicy"),
        body.object("credentialProxy").map(fields -> fields.bool("enabled", false)).orElse(false),
        body.bool("secureAccess", false),
        volumes.parse(body.objects("volumes", ErrorCode.INVALID_PARAMETER)),
        body.textMap("extensions", ErrorCode.INVALID_PARAMETER, false).orElse(Map.of()));
  }

  private static void checkEnv(Map<String, String> env) {
    env.forEach((name, value) -> {
      if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf('\0') >= 0) {
        throw invalid("a name in \"env\" must not be empty or contain \"=\" or NUL");
      }
      if (value.indexOf('\0') >= 0) {
        throw invalid("\"env." + name + "\" must not contain NUL");
      }
    });
  }

  private static void checkNetworkPolicyShape(Fields body) {
    Optional<Fields> policy = body.object("networkPolicy");
    if (policy.isEmpty()) {
      return;
    }
    policy.get().text("defaultAction");
    for (Fields rule : policy.get().objects("egress", ErrorCode.INVALID_PARAMETER)) {
      rule.requiredText("action", ErrorCode.INVALID_PARAMETER);
      if (rule.requiredText("target", ErrorCode.INVALID_PARAMETER).isEmpty()) {
        throw invalid("\"" + rule.path("target") + "\" must not be empty");
      }
    }
  }

  private static void checkBetweenFields(Shape shape) {
    if (shape.poolRef().isPresent()) {
      if (shape.snapshotId().isPresent()) {
        throw invalid("\"snapshotId\" must be absent when extensions.poolRef is given");
      }
      if (shape.credentialProxy()) {
        throw invalid("\"credentialProxy\" must not be enabled with extensions.poolRef");
      }
      checkPooled(shape);
      return;
    }
    if (shape.credentialProxy() && !shape.networkPolicy()) {
      throw invalid("\"credentialProxy.enabled\" needs \"networkPolicy\"");
    }
    if (shape.imageUri().isPresent() == shape.snapshotId().isPresent()) {
      throw invalid("exactly one of \"image.uri\" and \"snapshotId\" is required");
    }
    if (shape.imageUri().isPresent() && shape.entrypoint().isEmpty()) {
      throw new SandboxException(
          ErrorCode.INVALID_ENTRYPOINT, "\"entrypoint\" is required with \"image\"");
    }
    if (shape.limits().isEmpty()) {
      throw invalid("\"resourceLimits\" is required; {} means no limits");
    }
  }

  // What is decided when a member is made cannot be asked for when it is claimed.
  private static void checkPooled(Shape shape) {
    if (shape.platform().isPresent()) {
      throw invalid("\"platform\" is not supported together with extensions.poolRef");
    }
    if (!shape.volumes().isEmpty()) {
      throw invalid("\"volumes\" are not supported together with extensions.poolRef");
    }
    if (shape.networkPolicy()) {
      throw invalid("\"networkPolicy\" is not supported together with extensions.poolRef");
    }
  }

  private static OptionalInt renewSeconds(Map<String, String> extensions) {
    if (!extensions.containsKey(RENEW_EXTENSION)) {
      return OptionalInt.empty();
    }
    String text = extensions.getOrDefault(RENEW_EXTENSION, "").strip();
    if (!text.matches("[+-]?\\d{1,9}")) {
      throw invalidRenewal();
    }
    int seconds = Integer.parseInt(text);
    if (seconds < MIN_RENEW_SECONDS || seconds > MAX_RENEW_SECONDS) {
      throw invalidRenewal();
    }
    return OptionalInt.of(seconds);
  }

  private static SandboxException invalidRenewal() {
    return invalid(
        "\"extensions." + RENEW_EXTENSION + "\" must be an integer from 300 to 86400, as text");
  }

  private static void checkEntrypoint(Shape shape) {
    for (String word : shape.entrypoint().orElse(List.of())) {
      if (word.indexOf('\0') >= 0) {
        throw new SandboxException(
            ErrorCode.INVALID_ENTRYPOINT, "\"entrypoint\" must not contain NUL");
      }
    }
    Entrypoints.split(shape.entrypoint().orElse(Entrypoints.KEEP_RUNNING));
  }

  /// A login in a reference would get into logs and answers; an image has `auth` for that.
  private static String withoutLogin(String uri) {
    if (LOGIN.matcher(uri).lookingAt()) {
      throw invalid("\"image.uri\" must not contain a login; it goes into \"image.auth\"");
    }
    return uri;
  }

  private static ImageRequest.Platform platform(Fields fields) {
    String os = normal(fields.requiredText("os", ErrorCode.INVALID_PARAMETER));
    String arch = normal(fields.requiredText("arch", ErrorCode.INVALID_PARAMETER));
    if (!OS.contains(os)) {
      throw invalid("\"platform.os\" must be linux or windows");
    }
    if (!ARCH.contains(arch)) {
      throw invalid("\"platform.arch\" must be amd64 or arm64");
    }
    return new ImageRequest.Platform(os, arch);
  }

  private static String normal(String text) {
    return text.strip().toLowerCase(Locale.ROOT);
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(ErrorCode.INVALID_PARAMETER, message);
  }
}
