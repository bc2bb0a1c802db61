package io.opensandbox.server.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.server.TestServer;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// The document and the server say the same.
class SpecDriftTest {
  private final Spec spec = new Spec();

  @Test
  void everyServedRouteIsDocumentedAndTheOtherWayRound(@TempDir Path folder) {
    Set<String> served;
    try (var server = TestServer.start(folder)) {
      served =
          server.routes().stream()
              .map(route -> withoutNames(route.method() + " " + route.path()))
              .collect(Collectors.toCollection(TreeSet::new));
    }
    Set<String> documented = new TreeSet<>();
    for (var operation : spec.operations()) {
      if (!operation.isProxy()) {
        documented.add(withoutNames(operation.method() + " " + operation.path()));
        if (!operation.isRootOnly()) {
          documented.add(withoutNames(operation.method() + " /v1" + operation.path()));
        }
      }
    }

    assertThat(documented)
        .as("specs/lifecycle.yaml, against the routes of the server")
        .containsAll(served);
    assertThat(documented)
        .filteredOn(route -> !served.contains(route))
        .as("documented in specs/lifecycle.yaml and not served")
        .isEmpty();
  }

  @TestFactory
  Stream<DynamicTest> everyRecordIsDocumentedMemberByMember() {
    return records()
        .map(record ->
            DynamicTest.dynamicTest(
                record.getSimpleName(),
                () -> {
                  assertThat(spec.schemas()).containsKey(record.getSimpleName());
                  var schema = Spec.object(spec.schemas().get(record.getSimpleName()));

                  assertThat(Spec.object(schema.get("properties")).keySet())
                      .containsExactlyInAnyOrderElementsOf(names(record, false));
                  assertThat((List<?>) schema.get("required"))
                      .isEqualTo(List.copyOf(requiredInOrder(schema, names(record, true))));
                }));
  }

  @Test
  void everySchemaOfAResponseHasARecord() {
    var records = records().map(Class::getSimpleName).collect(Collectors.toSet());
    var closed =
        spec.schemas().entrySet().stream()
            .filter(schema ->
                Boolean.FALSE.equals(Spec.object(schema.getValue()).get("additionalProperties")))
            .map(schema -> schema.getKey())
            .toList();

    assertThat(records).containsAll(closed);
  }

  @Test
  void everyOperationIdIsUnique() {
    assertThat(spec.operations().stream().map(Spec.Operation::id)).doesNotHaveDuplicates();
  }

  @Test
  void everyStatusOfTheCatalogueIsDocumentedSomewhere() {
    var documented =
        spec.operations().stream()
            .flatMap(
                operation -> Spec.object(operation.fields().get("responses")).keySet().stream())
            .collect(Collectors.toSet());

    assertThat(Arrays.stream(ErrorCode.values()).map(code -> Integer.toString(code.status())))
        .filteredOn(status -> !status.equals("405"))
        .isSubsetOf(documented);
  }

  /// Wire records: everything with a JSON adapter.
  private static Stream<? extends Class<?>> records() {
    return new ClassFileImporter()
        .importPackages("io.opensandbox.protocol", "io.opensandbox.protocol.lifecycle").stream()
            .filter(type -> type.isRecord() && !type.isNestedClass())
            .filter(type ->
                type.getPackageName().equals("io.opensandbox.protocol.lifecycle")
                    || type.getPackageName().equals("io.opensandbox.protocol"))
            .map(JavaClass::reflect);
  }

  private static List<String> names(Class<?> record, boolean requiredOnly) {
    return Arrays.stream(record.getRecordComponents())
        .filter(component -> !requiredOnly || !isNullable(component))
        .map(RecordComponent::getName)
        .toList();
  }

  private static boolean isNullable(RecordComponent component) {
    return component.getAnnotatedType().isAnnotationPresent(Nullable.class);
  }

  /// The required names in the order of the schema, so that order does not matter.
  private static List<?> requiredInOrder(
      java.util.Map<String, Object> schema, List<String> required) {
    var listed = schema.get("required") instanceof List<?> names ? names : List.of();
    var missing = required.stream().filter(name -> !listed.contains(name)).toList();
    return Stream.concat(listed.stream().filter(required::contains), missing.stream()).toList();
  }

  private static String withoutNames(String route) {
    return route.replaceAll("\\{[^}]*}", "{}");
  }
}
