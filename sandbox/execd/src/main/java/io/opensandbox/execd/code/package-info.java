/// Code contexts: code that keeps state between runs (`/code`, `/code/context`, `/code/contexts`).
///
/// A [CodeContext] owns one kernel at a time and starts a new one when that died. [CodeContexts]
/// keeps them by id, one default context per language among them. [CodeRoutes] is the HTTP side.
/// How kernels are reached is the business of the package `kernel`; shell languages go to the
/// package `command`.
@NullMarked
package io.opensandbox.execd.code;

import org.jspecify.annotations.NullMarked;
