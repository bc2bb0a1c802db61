package io.opensandbox.execd;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.time.Clock;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.opensandbox.execd");

  @Test
  void packagesHaveNoCycles() {
    slices()
        .matching("io.opensandbox.execd.(*)..")
        .should()
        .beFreeOfCycles()
        .because("a cycle between packages is never repaired later")
        .check(CLASSES);
  }

  @Test
  void onlyMainKnowsEverything() {
    noClasses()
        .that()
        .resideInAPackage("io.opensandbox.execd.*..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.opensandbox.execd")
        .because("the wiring uses the features, never the other way round")
        .check(CLASSES);
  }

  @Test
  void timeComesFromTheClockThatMainMakes() {
    noClasses()
        .that()
        .doNotBelongToAnyOf(Main.class)
        .should()
        .callMethod(Instant.class, "now")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Clock.class, "systemUTC")
        .orShould()
        .callMethod(Clock.class, "systemDefaultZone")
        .because("tests turn the clock")
        .check(CLASSES);
  }

  @Test
  void onlyMainReadsTheEnvironmentAndExits() {
    noClasses()
        .that()
        .doNotBelongToAnyOf(Main.class)
        .should()
        .callMethod(System.class, "getenv")
        .orShould()
        .callMethod(System.class, "getenv", String.class)
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .because("what a program does must follow from its arguments")
        .check(CLASSES);
  }

  @Test
  void nobodyForksOrSleeps() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .belongToAnyOf(ProcessBuilder.class)
        .orShould()
        .callMethod(Runtime.class, "exec", String[].class)
        .orShould()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .callMethod(Thread.class, "sleep", java.time.Duration.class)
        .because("the launcher's broker starts processes, and waiting is on events")
        .check(CLASSES);
  }
}
