/// File routes on behalf of a user: `/v1/filesystem/{uid}/{gid}/...` has all routes of `/files` and
/// `/directories`, and each acts with that user's and group's rights.
///
/// The kernel judges: a request is served on a thread of its own that has taken the identity
/// (setfsuid(2)), so paths, modes and owners are exactly what a process of that user would meet.
@NullMarked
package io.opensandbox.execd.identity;

import org.jspecify.annotations.NullMarked;
