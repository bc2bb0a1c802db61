package io.opensandbox.e2e.demo;

import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Execution;
import io.opensandbox.e2e.wire.Http;
import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Server;
import io.opensandbox.e2e.wire.UnexpectedReplyException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;

/// What a sandbox is good for, step by step. The sandbox is deleted even when a step fails.
final class Tour {
  private static final int WEB_PORT = 8000;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration PULL_PATIENCE = Duration.ofMinutes(10);
  private static final String GREETING = "Hello from a file\n";
  private static final String PROGRAM =
      """
      import platform, sys
      squares = [n * n for n in range(1, 6)]
      print(f"Python {platform.python_version()} says {sum(squares)}")
      """;

  private final Server server;
  private final String image;
  private final PrintStream out;
  private int step;

  Tour(Server server, String image, PrintStream out) {
    this.server = server;
    this.image = image;
    this.out = out;
  }

  void run() {
    var id = step("create a sandbox from " + image, this::create, created -> created);
    try {
      use(id);
    } catch (RuntimeException e) {
      deleteAfter(e, id);
      throw e;
    }
    step("delete the sandbox", () -> delete(id), text -> text);
  }

  private void use(String id) {
    var execd = step("wait until it is ready", () -> ready(id), _ -> "execd answers");
    step("run a shell command", () -> shell(execd), line -> line);
    step("write a file and read it back", () -> file(execd), line -> line);
    if (execd.run("command -v python3").exitCode() == 0) {
      step("run a Python program", () -> python(execd), line -> line);
      step("start a web server inside", () -> web(id, execd), line -> line);
    } else {
      out.println("   " + image + " has no python3; the program and the web server are left out");
    }
  }

  private String create() {
    var request = Server.request(image);
    request.put("metadata", Map.of("made-by", "quickstart"));
    return server.create(request).text("id");
  }

  private Execd ready(String id) {
    var deadline = Deadline.in(PULL_PATIENCE);
    for (var status = status(id); !status.text("state").equals("Running"); status = status(id)) {
      var state = status.text("state");
      var told = state + ": " + status.find("message").orElse("no message");
      if (!state.equals("Pending")) {
        throw new IllegalStateException("the sandbox is " + told);
      }
      deadline.pauseOrFail("the sandbox is still " + told);
    }
    return server.execd(id, PATIENCE);
  }

  private Json status(String id) {
    return server.get(id).at("status");
  }

  private static String shell(Execd execd) {
    return String.join(" ", linesOf(execd.run("echo \"hello from $(cat /etc/hostname)\"")));
  }

  private static String file(Execd execd) {
    execd.write("/tmp/greeting.txt", GREETING);
    var content = new String(execd.read("/tmp/greeting.txt"), StandardCharsets.UTF_8);
    if (!content.equals(GREETING)) {
      throw new IllegalStateException("the file came back as \"" + content + "\"");
    }
    return content.strip();
  }

  private static String python(Execd execd) {
    execd.write("/tmp/squares.py", PROGRAM);
    return String.join(" ", linesOf(execd.run("python3 /tmp/squares.py")));
  }

  private String web(String id, Execd execd) {
    execd.start("cd /tmp && exec python3 -m http.server " + WEB_PORT);
    var endpoint = server.endpoint(id, WEB_PORT, false);
    var page = fetch(server.http().at("http://" + endpoint, Map.of()), "/greeting.txt");
    if (!page.equals(GREETING)) {
      throw new IllegalStateException("http://" + endpoint + " answered \"" + page + "\"");
    }
    return "http://" + endpoint + "/greeting.txt answers \"" + page.strip() + "\"";
  }

  private static String fetch(Http web, String path) {
    var deadline = Deadline.in(PATIENCE);
    while (true) {
      String problem;
      try {
        var reply = web.send("GET", path);
        if (reply.status() == 200) {
          return reply.text();
        }
        problem = reply.status() + " " + reply.text();
      } catch (UncheckedIOException e) {
        problem = String.valueOf(e.getMessage());
      }
      deadline.pauseOrFail("the web server in the sandbox does not answer: " + problem);
    }
  }

  private String delete(String id) {
    server.delete(id);
    var status = server.http().send("GET", "/sandboxes/" + id).status();
    if (status != 404) {
      throw new IllegalStateException("the deleted sandbox is still there: " + status);
    }
    return "gone";
  }

  private void deleteAfter(RuntimeException problem, String id) {
    try {
      server.delete(id);
    } catch (UnexpectedReplyException | UncheckedIOException e) {
      problem.addSuppressed(e);
    }
  }

  private static List<String> linesOf(Execution execution) {
    if (execution.exitCode() != 0) {
      throw new IllegalStateException("the command failed: " + execution.events());
    }
    return execution.stdout();
  }

  private <T> T step(String title, Supplier<T> work, Function<T, String> describe) {
    step++;
    var start = System.nanoTime();
    T result;
    try {
      result = work.get();
    } catch (RuntimeException e) {
      throw new IllegalStateException("step " + step + ", " + title + ": " + e.getMessage(), e);
    }
    var millis = (System.nanoTime() - start) / 1_000_000;
    out.println(
        String.format(
            Locale.ROOT, "%d. %-45s %6d ms   %s", step, title, millis, describe.apply(result)));
    return result;
  }
}
