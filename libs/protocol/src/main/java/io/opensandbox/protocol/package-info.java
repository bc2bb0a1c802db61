/// Wire types that more than one family of programs needs: the error envelope, the error codes and
/// the records of the lifecycle and execd APIs. The OpenAPI documents in `specs/` are their source;
/// a test compares the two. Nothing here talks to a network or keeps state.
@NullMarked
package io.opensandbox.protocol;

import org.jspecify.annotations.NullMarked;
