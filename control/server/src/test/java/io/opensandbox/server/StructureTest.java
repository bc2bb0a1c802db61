package io.opensandbox.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.time.Clock;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/// The shape of the server.
class StructureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.opensandbox.server");

  @Test
  void packagesHaveNoCycles() {
    slices()
        .matching("io.opensandbox.server.(*)..")
        .should()
        .beFreeOfCycles()
        .because("a cycle is never repaired later")
        .check(CLASSES);
  }

  @Test
  void featuresDoNotKnowTheirWiring() {
    noClasses()
        .that()
        .resideInAPackage("io.opensandbox.server.*..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.opensandbox.server")
        .because("only the root package knows every feature")
        .check(CLASSES);
  }

  @Test
  void onlyMainReadsClockAndEnvironmentAndExits() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(Main.class.getName())
        .should()
        .callMethod(System.class, "getenv")
        .orShould()
        .callMethod(System.class, "getenv", String.class)
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Instant.class, "now")
        .orShould()
        .callMethod(Clock.class, "systemUTC")
        .because("tests turn the clock and choose the environment")
        .check(CLASSES);
  }

  @Test
  void nobodySleepsOrStartsProcesses() {
    noClasses()
        .should()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(ProcessBuilder.class)
        .because("waiting is on an event, and the server starts no programs")
        .check(CLASSES);
  }

  @Test
  void databasesAreSeenByStoresOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.opensandbox.server.store")
        .and()
        .haveSimpleNameNotEndingWith("Store")
        .and()
        .haveSimpleNameNotContaining("EarlierCreate")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.sql")
        .because("SQL stays in the stores")
        .check(CLASSES);
  }
}
