/// Who may do what: API keys with scopes and tenants, the gate in front of the routes, the rate
/// limit and the audit line. Protects the API; a proxied service protects itself (execd token,
/// egress token), because the proxy paths are exempt by contract.
@NullMarked
package io.opensandbox.server.access;

import org.jspecify.annotations.NullMarked;
