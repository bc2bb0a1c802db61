package io.opensandbox.execd.session;

import java.time.Duration;

/// A request to run a text in a session.
///
/// @param text for the shell, not empty
/// @param folder where to run it, expanded; empty for where the session is
/// @param timeout positive
record SessionRun(String text, String folder, Duration timeout) {}
