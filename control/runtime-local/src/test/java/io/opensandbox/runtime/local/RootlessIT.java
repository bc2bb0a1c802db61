package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.escape.OutsideService;
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

  private static OutsideService metadata;
  private static OutsideService outside;
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
    metadata = OutsideService.linkLocal();
    outside = OutsideService.open();
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
    for (OutsideService one : new OutsideService[] {metadata, outside}) {
      if (one != null) {
        one.close();
      }
    }
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
        HostRefusalIT.class,
        CrashIT.class
      })
  void holdsForAnOrdinaryUser(Class<?> tests) throws Exception {
    passesAs(USER, tests);
  }

  /// One without lines in `/etc/subuid`, whose namespace has no other user.
  @ParameterizedTest
  @ValueSource(classes = {LocalRuntimeIT.class, HostRefusalIT.class})
  void holdsForAUserWhoIsAlone(Class<?> tests) throws Exception {
    passesAs("nobody", tests);
  }

  @Test
  void hostWithoutUserNamespaces_isNamed() throws Exception {
    List<String> forbidding =
        List.of("bwrap", "--unshare-user", "--disable-userns", "--dev-bind", "/", "/");
    Path nothing = copies.resolve("forbidding.out");
    assumeTrue(
        ends(start(USER, nothing, forbidding, "true")) == 0,
        () -> "there is no way to forbid them");
    Path state = Files.createDirectory(copies.resolve("state"));
    TestRuntime.RUNNER.text("chown", USER, state.toString());
    Path output = copies.resolve("without-namespaces.out");

    Process process =
        start(
            USER,
            output,
            forbidding,
            "env",
            "XDG_RUNTIME_DIR=" + state,
            copies.resolve("rootless").toString(),
            "true");

    assertThat(ends(process)).as(Files.readString(output)).isEqualTo(NO_NAMESPACE);
    assertThat(output)
        .content()
        .contains("lets " + USER + " make no user namespace", "user.max_user_namespaces");
    // A process that waits for ever would be left of it.
    for (ProcessHandle left : processesWith(state.toString())) {
      left.onExit().get(30, TimeUnit.SECONDS);
    }
  }

  private static List<ProcessHandle> processesWith(String text) {
    return ProcessHandle.allProcesses()
        .filter(one -> one.info().commandLine().filter(line -> line.contains(text)).isPresent())
        .toList();
  }

  private static void passesAs(String user, Class<?> tests) throws Exception {
    Path output = copies.resolve(tests.getSimpleName() + "-" + user + ".out");
    List<String> java = new ArrayList<>();
    java.add(copies.resolve("rootless").toString());
    java.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    java.addAll(List.of(OutsideService.handedOn(metadata, outside)));
    Process process =
        start(
            user,
            output,
            java,
            "--enable-native-access=ALL-UNNAMED",
            "-Dosl.launcher=" + copies.resolve("launcher"),
            "-cp",
            classPath,
            RootlessTests.class.getName(),
            tests.getName());

    int status = ends(process);
    String text = Files.readString(output);
    assumeTrue(status != NO_NAMESPACE, text);
    assumeTrue(status != RootlessTests.NOTHING, text);
    assertThat(status).as(text).isZero();
  }

  private static Process start(String user, Path output, List<String> through, String... command)
      throws IOException {
    List<String> argv = new ArrayList<>(List.of("runuser", "-u", user, "--"));
    argv.addAll(through);
    argv.addAll(List.of(command));
    return new ProcessBuilder(argv)
        .directory(new File("/"))
        .redirectErrorStream(true)
        .redirectOutput(output.toFile())
        .start();
  }

  /// The status with which it ends.
  private static int ends(Process process) throws InterruptedException {
    try {
      assertThat(process.waitFor(MINUTES, TimeUnit.MINUTES)).as("it ends in time").isTrue();
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }
}
