package io.opensandbox.server.operation;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/// One family of `/metrics` that a feature gives.
///
/// @param type `gauge` or `counter`
/// @param help one sentence
/// @param values by label text such as `pool="p"`, asked for at each scrape
public record MetricFamily(
    String name, String type, String help, Supplier<Map<String, ? extends Number>> values) {
  /// Writes it in the text format of Prometheus.
  void write(StringBuilder out) {
    out.append("# HELP ").append(name).append(' ').append(help).append('\n');
    out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    new LinkedHashMap<String, Number>(values.get())
        .forEach((labels, value) ->
            out.append(name).append('{').append(labels).append("} ").append(value).append('\n'));
  }
}
