/// Reads JSON bodies of clients into a tree, strictly after RFC 8259 and within limits. Writing is
/// the JSON library's job; its reader is too lenient for bodies from outside (it accepts text after
/// the value, clamps numbers and recurses without bound).
@NullMarked
package io.opensandbox.server.json;

import org.jspecify.annotations.NullMarked;
