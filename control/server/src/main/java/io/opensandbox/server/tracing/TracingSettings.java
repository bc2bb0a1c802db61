package io.opensandbox.server.tracing;

import java.io.FileInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// Looks at the variables of OpenTelemetry before its SDK does, whose messages name no variable and
/// repeat values, secrets among them.
///
/// See "Environment Variable Specification" and "OpenTelemetry Protocol Exporter" of
/// OpenTelemetry's specification.
final class TracingSettings {
  private static final String PREFIX = "OTEL_EXPORTER_OTLP_";
  private static final String TRACES = PREFIX + "TRACES_";
  private static final Set<String> RATIO_SAMPLERS =
      Set.of("traceidratio", "parentbased_traceidratio");
  private static final Set<String> SAMPLERS =
      Set.of("always_on", "always_off", "parentbased_always_on", "parentbased_always_off");
  private static final Pattern DURATION = Pattern.compile("(\\d{1,12})\\s*(ms|s|m|h|d)?");
  private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
  private static final Pattern STRAY_PERCENT = Pattern.compile("%(?![0-9A-Fa-f]{2})");
  private static final int MOST_SPANS = 1_000_000;

  private final Map<String, String> variables;

  private TracingSettings(Map<String, String> variables) {
    this.variables = variables;
  }

  /// Throws an `IllegalArgumentException` that names the variable and what is allowed, but neither
  /// a header nor an endpoint.
  static void check(Map<String, String> variables) {
    var settings = new TracingSettings(variables);
    settings.endpoint();
    settings.oneOf(settings.either("PROTOCOL"), Set.of("http/protobuf"));
    settings.oneOf(settings.either("COMPRESSION"), Set.of("gzip", "none"));
    settings.headers(settings.either("HEADERS"));
    settings.duration(settings.either("TIMEOUT"), true);
    settings.duration("OTEL_BSP_SCHEDULE_DELAY", true);
    settings.duration("OTEL_BSP_EXPORT_TIMEOUT", false);
    settings.spans("OTEL_BSP_MAX_QUEUE_SIZE");
    settings.spans("OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
    settings.sampler();
    settings.files();
  }

  /// Host and port of the collector.
  static String collector(Map<String, String> variables) {
    URI endpoint = new TracingSettings(variables).endpoint();
    int usual = endpoint.getScheme().equals("https") ? 443 : 80;
    return endpoint.getHost() + ":" + (endpoint.getPort() < 0 ? usual : endpoint.getPort());
  }

  /// Headers the way the SDK wants them: it takes a plus for a blank, and no stray percent sign.
  static String encodedForSdk(String headers) {
    return STRAY_PERCENT.matcher(headers.replace("+", "%2B")).replaceAll("%25");
  }

  /// The value of a variable; an empty one is as good as none.
  private String value(String name) {
    return variables.getOrDefault(name, "").strip();
  }

  /// The variable for traces where that is set, or the one for everything.
  private String either(String name) {
    return value(TRACES + name).isEmpty() ? PREFIX + name : TRACES + name;
  }

  private static IllegalArgumentException wrong(String name, String what) {
    return new IllegalArgumentException(name + " must " + what);
  }

  private URI endpoint() {
    String name = either("ENDPOINT");
    try {
      URI uri = URI.create(value(name));
      String scheme = String.valueOf(uri.getScheme());
      if (uri.getHost() != null
          && (scheme.equals("http") || scheme.equals("https"))
          && uri.getRawUserInfo() == null
          && uri.getRawQuery() == null
          && uri.getRawFragment() == null) {
        return uri;
      }
    } catch (IllegalArgumentException _) { // answered below
    }
    throw wrong(
        name,
        "be an http or https URL with a host and without user, query and fragment; a login goes"
            + " into OTEL_EXPORTER_OTLP_HEADERS");
  }

  private void oneOf(String name, Set<String> allowed) {
    String value = value(name);
    if (!value.isEmpty() && !allowed.contains(value)) {
      throw wrong(
          name,
          "be "
              + String.join(" or ", allowed.stream().sorted().toList())
              + ", not \""
              + value
              + "\"");
    }
  }

  private void headers(String name) {
    String[] entries = value(name).isEmpty() ? new String[0] : value(name).split(",", -1);
    for (int i = 0; i < entries.length; i++) {
      String entry = entries[i];
      int equals = entry.indexOf('=');
      boolean good =
          entry.isBlank()
              || (equals > 0
                  && TOKEN.matcher(entry.substring(0, equals).strip()).matches()
                  && isPrintable(entry.substring(equals + 1).strip()));
      if (!good) {
        throw wrong(
            name,
            "look like name=value,name2=value2, with percent-encoded values without control"
                + " characters; entry "
                + (i + 1)
                + " does not");
      }
    }
  }

  private static boolean isPrintable(String encoded) {
    try {
      String decoded = URLDecoder.decode(encodedForSdk(encoded), StandardCharsets.UTF_8);
      return decoded.chars().allMatch(c -> c >= ' ' && c != 0x7f && c <= 0xff);
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  private void duration(String name, boolean positive) {
    String value = value(name);
    if (value.isEmpty()) {
      return;
    }
    var matcher = DURATION.matcher(value);
    if (!matcher.matches() || (positive && Long.parseLong(matcher.group(1)) == 0)) {
      throw wrong(
          name, "be milliseconds" + (positive ? " above 0" : "") + ", not \"" + value + "\"");
    }
  }

  private void spans(String name) {
    String value = value(name);
    if (!value.isEmpty()
        && !(value.matches("\\d{1,7}")
            && Integer.parseInt(value) > 0
            && Integer.parseInt(value) <= MOST_SPANS)) {
      throw wrong(name, "be a number of spans from 1 to " + MOST_SPANS + ", not \"" + value + "\"");
    }
  }

  private void sampler() {
    String sampler = value("OTEL_TRACES_SAMPLER");
    if (!sampler.isEmpty() && !SAMPLERS.contains(sampler) && !RATIO_SAMPLERS.contains(sampler)) {
      throw wrong(
          "OTEL_TRACES_SAMPLER",
          "be always_on, always_off, traceidratio, or one of these with parentbased_ before it, not"
              + " \""
              + sampler
              + "\"");
    }
    String ratio = value("OTEL_TRACES_SAMPLER_ARG");
    if (RATIO_SAMPLERS.contains(sampler)
        && !ratio.isEmpty()
        && !ratio.matches("0(\\.\\d{1,17})?|1(\\.0{1,17})?|\\.\\d{1,17}")) {
      throw wrong("OTEL_TRACES_SAMPLER_ARG", "be a number from 0 to 1, not \"" + ratio + "\"");
    }
  }

  private void files() {
    certificates(either("CERTIFICATE"));
    String key = either("CLIENT_KEY");
    String certificate = either("CLIENT_CERTIFICATE");
    if (value(key).isEmpty() != value(certificate).isEmpty()) {
      throw new IllegalArgumentException(
          key + " and " + certificate + " go together; one is missing");
    }
    certificates(certificate);
    if (!value(key).isEmpty() && !Files.isReadable(Path.of(value(key)))) {
      throw wrong(key, "name a file that can be read, not \"" + value(key) + "\"");
    }
  }

  private void certificates(String name) {
    if (value(name).isEmpty()) {
      return;
    }
    try (var in = new FileInputStream(value(name))) {
      if (CertificateFactory.getInstance("X.509").generateCertificates(in).isEmpty()) {
        throw new CertificateException("empty");
      }
    } catch (IOException _) {
      throw wrong(name, "name a file that can be read, not \"" + value(name) + "\"");
    } catch (CertificateException _) {
      throw wrong(name, "name a file with certificates in PEM, not \"" + value(name) + "\"");
    }
  }
}
