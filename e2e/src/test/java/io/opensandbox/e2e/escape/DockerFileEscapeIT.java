package io.opensandbox.e2e.escape;

import io.opensandbox.e2e.testbed.ServerProcess;
import java.nio.file.Path;

class DockerFileEscapeIT extends FileEscapeTck {
  @Override
  ServerProcess start(Path folder) {
    return ServerProcess.start(folder);
  }
}
