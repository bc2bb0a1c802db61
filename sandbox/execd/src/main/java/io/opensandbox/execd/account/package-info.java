/// Users and groups of the sandbox, read from `/etc/passwd` and `/etc/group` as plain text.
///
/// The files are read again for every question, because the image's user may change them. NSS
/// sources other than these two files (LDAP and the like) are not asked: a static image has none.
@NullMarked
package io.opensandbox.execd.account;

import org.jspecify.annotations.NullMarked;
