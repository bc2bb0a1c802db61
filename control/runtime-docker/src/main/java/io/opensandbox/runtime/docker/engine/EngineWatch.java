package io.opensandbox.runtime.docker.engine;

/// Is told of every call to the engine, on the thread that makes it.
@FunctionalInterface
public interface EngineWatch {
  /// Does nothing.
  EngineWatch NONE = (_, _) -> Call.UNWATCHED;

  /// A call begins.
  ///
  /// @param path with the version of the API and without the query
  Call begin(String method, String path);

  /// One call, closed when the head of its answer is there or it has failed.
  interface Call extends AutoCloseable {
    /// Does nothing.
    Call UNWATCHED =
        new Call() {
          @Override
          public void answered(int status) {
            // nobody wants to know
          }

          @Override
          public void failed(Throwable why) {
            // nobody wants to know
          }

          @Override
          public void close() {
            // nobody wants to know
          }
        };

    /// The engine has answered.
    void answered(int status);

    /// There is no answer.
    void failed(Throwable why);

    @Override
    void close();
  }
}
