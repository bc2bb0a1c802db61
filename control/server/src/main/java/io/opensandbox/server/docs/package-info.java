/// The API's own description: `/openapi.json`, made from `specs/lifecycle.yaml`, and pages that
/// show it. Everything is served from here; a browser needs no other network.
@NullMarked
package io.opensandbox.server.docs;

import org.jspecify.annotations.NullMarked;
