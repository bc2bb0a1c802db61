/// JSON as execd reads and writes it: a small tree for request bodies, read leniently where the
/// contract is lenient (key case, nulls, trailing data) and strictly elsewhere (types, ranges), and
/// a writer straight to UTF-8 bytes with the escapes that event streams need. No reflection, no
/// generated adapters: start-up and idle memory count here.
@NullMarked
package io.opensandbox.execd.json;

import org.jspecify.annotations.NullMarked;
