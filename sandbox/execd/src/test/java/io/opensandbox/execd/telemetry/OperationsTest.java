package io.opensandbox.execd.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OperationsTest {
  @ParameterizedTest
  @CsvSource({
    "GET,/files/info,info",
    "DELETE,/files,delete",
    "POST,/files/permissions,chmod",
    "POST,/files/mv,rename",
    "POST,/directories,mkdir",
    "DELETE,/directories,rmdir",
    "GET,/directories/list,listdir",
    "GET,/files/search,search",
    "POST,/files/replace,replace",
    "POST,/files/upload,upload",
    "GET,/files/download,download"
  })
  void namesWhatIsDoneWithFiles(String method, String pattern, String operation) {
    assertThat(Operations.file(method, pattern)).contains(operation);
    assertThat(Operations.file(method, "/v1/isolated/session/{id}" + pattern)).contains(operation);
    assertThat(Operations.file(method, "/v1/filesystem/{uid}/{gid}" + pattern)).contains(operation);
    assertThat(Operations.execution(method, pattern)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "POST,/code,run_code",
    "POST,/command,run_command",
    "POST,/session/{id}/run,run_in_session"
  })
  void namesWhatIsRun(String method, String pattern, String operation) {
    assertThat(Operations.execution(method, pattern)).contains(operation);
    assertThat(Operations.file(method, pattern)).isEmpty();
  }

  @Test
  void doesNotNameOtherRequests() {
    assertThat(Operations.execution("DELETE", "/command")).isEmpty();
    assertThat(Operations.execution("POST", "/session")).isEmpty();
    assertThat(Operations.file("POST", "/files")).isEmpty();
    assertThat(Operations.file("GET", "unknown")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "/ping,/ping",
    "/command/status/{id},/command/status/:id",
    "/command/{id}/logs,/command/:id/logs",
    "/session/{id},/session/:sessionId",
    "/session/{id}/run,/session/:sessionId/run",
    "/code/contexts/{id},/code/contexts/:contextId",
    "/pty/{id}/ws,/pty/:sessionId/ws",
    "/proxy/{port},unknown",
    "unknown,unknown"
  })
  void namesRoutesByTheirTemplates(String pattern, String route) {
    assertThat(Operations.route(pattern)).isEqualTo(route);
  }

  @Test
  void countsMadeUpMethodsAsOne() {
    assertThat(Operations.method("GET")).isEqualTo("GET");
    assertThat(Operations.method("BREW")).isEqualTo("_OTHER");
  }
}
