package io.opensandbox.runtime.local;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.escape.Attempt;
import io.opensandbox.runtime.escape.EscapeTck;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;

/// The attempts of every runtime, on the image `host`.
final class LocalEscapeIT extends EscapeTck {
  private static final String ABSENT = "(?s).*No such file or directory.*";

  private static TestRuntime test;

  @BeforeAll
  static void open() {
    Assumptions.assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/python3")), "the attempts need python3");
    test = TestRuntime.open();
  }

  @AfterAll
  static void close() {
    if (test != null) {
      test.close();
    }
  }

  @Override
  protected SandboxRuntime runtime() {
    return test.runtime();
  }

  @Override
  protected String image() {
    return "host";
  }

  @Override
  protected List<Attempt> more() {
    return List.of(
        new Attempt(
            "see nobody else's processes",
            "ls -d /proc/[0-9]* | wc -l | grep -cE '^1?[0-9]$'",
            "1\n"),
        new Attempt("see no socket at all", "tail -n +2 /proc/net/unix | wc -l", "0\n"),
        new Attempt("read the host's passwords", "cat /etc/shadow", ABSENT),
        new Attempt("read ssh keys", "ls /root/.ssh /etc/ssh", ABSENT));
  }
}
