package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What holds for the runtime of root holds for that of an ordinary user: the same tests once more,
/// as the user that `scripts/setup --test` makes, each class in a process of its own.
class RootlessIT {
  private static final String USER = "opensandbox-test";
  private static final long MINUTES = 12;

  /// How `rootless` ends where users may make no namespaces.
  private static final int NO_NAMESPACE = 125;

  private static Path copies;
  private static String classPath;

  /// The user cannot read what is below `/root`, and whatever else belongs to root alone.
  @BeforeAll
  static void copyPrograms() throws IOException {
    TestRuntime.Condition hasUser =
        () ->
            Files.readAllLines(Path.of("/etc/passwd")).stream()
                .anyMatch(line -> line.startsWith(USER + ":"));
    assumeTrue(hasUser.holds(), "there is no user " + USER + "; scripts/setup --test makes it");
    copies = Files.createTempDirectory("osl-rootless-");
    List<String> entries = new ArrayList<>();
    for (String entry :
        System.getProperty("java.class.path").split(Pattern.quote(File.pathSeparator), -1)) {
      if (Files.exists(Path.of(entry))) {
        Path copy = copies.resolve(entries.size() + "-" + Path.of(entry).getFileName());
        copy(entry, copy);
        entries.add(copy.toString());
      }
    }
    classPath = String.join(File.pathSeparator, entries);
    for (String script : List.of("rootless", "rootless-holder")) {
      copy("../server/bin/" + script, copies.resolve(script));
    }
    copy(TestRuntime.launcher().toString(), copies.resolve("launcher"));
    TestRuntime.RUNNER.text("chmod", "-R", "a+rX", copies.toString());
  }

  private static void copy(String from, Path to) {
    String source = Path.of(from).toAbsolutePath().normalize().toString();
    TestRuntime.RUNNER.text("cp", "-r", source, to.toString());
  }

  @AfterAll
  static void removeCopies() {
    if (copies != null) {
      TestRuntime.RUNNER.text("rm", "-rf", "--", copies.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        LocalRuntimeIT.class,
        LocalEscapeIT.class,
        EscapeSuiteIT.class,
        ImagesIT.class,
        ImageCollectionIT.class,
        BehaviourIT.class,
        CrashIT.class
      })
  void holdsForAnOrdinaryUser(Class<?> tests) throws Exception {
    passesAs(USER, tests);
  }

  /// One without lines in `/etc/subuid`, whose namespace has no other user.
  @Test
  void commonSuite_holdsForAUserWhoIsAlone() throws Exception {
    passesAs("nobody", LocalRuntimeIT.class);
  }

  private static void passesAs(String user, Class<?> tests) throws Exception {
    Path output = copies.resolve(tests.getSimpleName() + "-" + user + ".out");
    Process process =
        new ProcessBuilder(
                "runuser",
                "-u",
                user,
                "--",
                copies.resolve("rootless").toString(),
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Dosl.launcher=" + copies.resolve("launcher"),
                "-cp",
                classPath,
                RootlessTests.class.getName(),
                tests.getName())
            .directory(new File("/"))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(MINUTES, TimeUnit.MINUTES)).as("it ends in time").isTrue();
    } finally {
      process.destroyForcibly();
    }

    String text = Files.readString(output);
    assumeTrue(process.exitValue() != NO_NAMESPACE, text);
    assumeTrue(process.exitValue() != RootlessTests.NOTHING, text);
    assertThat(process.exitValue()).as(text).isZero();
  }
}
