package io.opensandbox.runtime.docker;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.time.Instant;
import org.junit.jupiter.api.Test;

final class ArchitectureTest {
  private static final JavaClasses CODE =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.opensandbox.runtime.docker");

  @Test
  void packagesHaveNoCycles() {
    slices().matching("io.opensandbox.runtime.(docker..)").should().beFreeOfCycles().check(CODE);
  }

  @Test
  void environmentClockAndProcessesBelongToMain() {
    noClasses()
        .that()
        .doNotHaveSimpleName("LinuxMountHost") // the runner
        .should()
        .callMethod(System.class, "getenv", String.class)
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Instant.class, "now")
        .orShould()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(ProcessBuilder.class)
        .because(
            "only Main reads the environment and the clock, and only the runner starts processes")
        .check(CODE);
  }
}
