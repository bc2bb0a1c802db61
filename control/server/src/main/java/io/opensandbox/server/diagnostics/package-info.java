/// What people ask for when a sandbox does not do what they want: its logs, what happened to it,
/// how it is set up, and all of that in one text.
///
/// Logs and events come in two forms on the same path: with `scope` a descriptor in JSON, which the
/// SDKs read, without it plain text, which is deprecated. Layouts of texts are for people and may
/// change. What is shown of a sandbox's set-up has its secrets masked; what a program itself wrote
/// to its log is shown as it is.
@NullMarked
package io.opensandbox.server.diagnostics;

import org.jspecify.annotations.NullMarked;
