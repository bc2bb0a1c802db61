package io.opensandbox.server.sandbox;

import io.opensandbox.server.json.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What the members of a pool are made from.
///
/// @param pool its name
/// @param revision changes with the template
/// @param body a create as a client would send it; may hold secrets in its `env`
public record PoolTemplate(String pool, String revision, Json.Obj body) {
  private static final String TOKEN = "EXECD_ACCESS_TOKEN";

  /// Its text form hides the body.
  @Override
  public String toString() {
    return "PoolTemplate[pool=" + pool + ", revision=" + revision + "]";
  }

  /// The create that gives what a claim asks for when there is no member to claim: the template,
  /// and from the claim what belongs to the sandbox alone.
  Json.Obj coldCreate(Json.Obj claim) {
    Map<String, Json> merged = new LinkedHashMap<>(body.members());
    for (String name : List.of("timeout", "metadata", "entrypoint")) {
      Json value = claim.member(name);
      if (value != null) {
        merged.put(name, value);
      }
    }
    Map<String, Json> env = members(body.member("env"));
    env.putAll(members(claim.member("env")));
    merged.put("env", new Json.Obj(env));
    Map<String, Json> extensions = members(claim.member("extensions"));
    extensions.remove("poolRef");
    merged.put("extensions", new Json.Obj(extensions));
    return new Json.Obj(merged);
  }

  private static Map<String, Json> members(@Nullable Json value) {
    return new LinkedHashMap<>(value instanceof Json.Obj object ? object.members() : Map.of());
  }

  /// What the members run while they wait, after splitting.
  List<String> entrypoint() {
    List<String> words = asked();
    return Entrypoints.split(words.isEmpty() ? Entrypoints.KEEP_RUNNING : words);
  }

  /// What the members run while they wait, as it was asked for; empty for the default.
  private List<String> asked() {
    List<String> words = new ArrayList<>();
    if (body.member("entrypoint") instanceof Json.Arr array) {
      for (Json item : array.items()) {
        if (item instanceof Json.Str text) {
          words.add(text.value());
        }
      }
    }
    return words;
  }

  /// The token that execd of the members wants to see.
  Optional<String> execdToken() {
    return body.member("env") instanceof Json.Obj env && env.member(TOKEN) instanceof Json.Str text
        ? Optional.of(text.value()).filter(token -> !token.isEmpty())
        : Optional.empty();
  }
}
