/// One network per sandbox: a namespace with a cable to the host and nothing else on it.
///
/// Every sandbox gets a /30 of its own, so no two share a link and addresses cannot be borrowed.
/// One `nft` table per runtime says what may pass: out through NAT, in only answers; nothing to
/// another sandbox, to the host itself or to link-local addresses (cloud metadata). Namespaces are
/// made ahead, because making one takes longer than handing one out. Ports of the host are served
/// by a small forwarder in this process. IPv6 is not offered.
@NullMarked
package io.opensandbox.runtime.local.network;

import org.jspecify.annotations.NullMarked;
