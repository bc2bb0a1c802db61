package io.opensandbox.execd.http;

/// Told about requests, for the log and the metrics. Called on connection threads; must be quick
/// and must not throw.
public interface HttpObserver {
  /// An observer that does nothing.
  HttpObserver NONE = new HttpObserver() {};

  /// Tells two.
  static HttpObserver both(HttpObserver first, HttpObserver second) {
    return new HttpObserver() {
      @Override
      public void finished(Exchange exchange, String route, int status, long nanos) {
        first.finished(exchange, route, status, nanos);
        second.finished(exchange, route, status, nanos);
      }

      @Override
      public void failed(Exchange exchange, Throwable cause) {
        first.failed(exchange, cause);
        second.failed(exchange, cause);
      }

      @Override
      public void acceptFailed(Throwable cause) {
        first.acceptFailed(cause);
        second.acceptFailed(cause);
      }

      @Override
      public void remarked(Exchange exchange, String text) {
        first.remarked(exchange, text);
        second.remarked(exchange, text);
      }
    };
  }

  /// Tells of what went wrong only.
  static HttpObserver ofFaults(HttpObserver observer) {
    return new HttpObserver() {
      @Override
      public void failed(Exchange exchange, Throwable cause) {
        observer.failed(exchange, cause);
      }
    };
  }

  /// A request was answered.
  ///
  /// @param exchange the request; its body and response must not be touched
  /// @param route the matched pattern, or `unknown`
  /// @param status the response's status; 0 when the connection went away before one was sent
  /// @param nanos from the end of the request's head to the end of the response
  default void finished(Exchange exchange, String route, int status, long nanos) {}

  /// A request failed in a way that is nobody's contract: a fault of ours, answered with 500, or a
  /// response that had to be cut.
  default void failed(Exchange exchange, Throwable cause) {}

  /// Something of a request that is under way is worth a line in the log.
  default void remarked(Exchange exchange, String text) {}

  /// The listener could not accept, for example for lack of descriptors. It goes on trying.
  default void acceptFailed(Throwable cause) {}
}
