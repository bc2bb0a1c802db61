package io.opensandbox.server.docs;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/// Where the swagger-ui webjar keeps its files. Its folder is named for its version, which only the
/// build knows.
final class SwaggerUi {
  private static final String PROPERTIES = "/META-INF/maven/org.webjars/swagger-ui/pom.properties";
  private static final String FOLDER = "/META-INF/resources/webjars/swagger-ui/" + version() + "/";

  private SwaggerUi() {}

  /// The resource with a file of the webjar.
  static String path(String file) {
    return FOLDER + file;
  }

  private static String version() {
    try (InputStream in = SwaggerUi.class.getResourceAsStream(PROPERTIES)) {
      if (in == null) {
        throw new IllegalStateException("the swagger-ui webjar is not on the class path");
      }
      var properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", "");
    } catch (IOException fault) {
      throw new UncheckedIOException(fault);
    }
  }
}
