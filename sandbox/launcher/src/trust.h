// Trust in the certificate authority of the egress proxy, as far as that is possible without a shell.
#ifndef TRUST_H
#define TRUST_H

#include <stdbool.h>

// Whether OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT is truthy.
bool trust_is_asked(void);

// Waits for the authority's certificate, makes the merged bundle and exports the variables that name them. Troubles are
// warnings. False when TERM came meanwhile. Call with TERM blocked.
bool trust_prepare(void);

#endif
