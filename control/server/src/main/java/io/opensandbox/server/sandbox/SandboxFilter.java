package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.http.Query;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a list request asks for.
///
/// @param states any of which a sandbox may have; none means all
/// @param metadata all of which it must have
/// @param page from 1
record SandboxFilter(List<String> states, Map<String, String> metadata, int page, int pageSize) {
  private static final int MAX_PAGE_SIZE = 200;

  SandboxFilter {
    states = List.copyOf(states);
    metadata = Map.copyOf(metadata);
  }

  static SandboxFilter of(Query query) {
    return new SandboxFilter(
        query.all("state"),
        metadata(query.text("metadata").orElse("")),
        query.integer("page", 1, 1, Integer.MAX_VALUE),
        query.integer("pageSize", 20, 1, MAX_PAGE_SIZE));
  }

  /// The pairs in the parameter, which is a query string of its own and is decoded once more.
  static Map<String, String> metadata(String parameter) {
    Map<String, String> pairs = new LinkedHashMap<>();
    if (parameter.isEmpty()) {
      return pairs;
    }
    for (String segment : parameter.split("&", -1)) {
      int equals = segment.indexOf('=');
      if (equals < 0) {
        throw invalid();
      }
      pairs.put(decode(segment.substring(0, equals)), decode(segment.substring(equals + 1)));
    }
    return pairs;
  }

  private static String decode(String text) {
    try {
      return Query.decode(text);
    } catch (SandboxException _) { // said with the parameter's own code
      throw invalid();
    }
  }

  private static SandboxException invalid() {
    return new SandboxException(
        ErrorCode.INVALID_METADATA_FORMAT,
        "query parameter \"metadata\" must look like key=value&key2=value2");
  }

  boolean isEmpty() {
    return states.isEmpty() && metadata.isEmpty();
  }

  boolean matches(SandboxRow row) {
    boolean stateMatches =
        states.isEmpty() || states.stream().anyMatch(row.status().state()::matches);
    return stateMatches && row.metadata().entrySet().containsAll(metadata.entrySet());
  }
}
