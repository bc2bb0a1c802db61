/// SQL of the code API: one statement at a time on the MySQL or MariaDB server of the sandbox, over
/// the MySQL client protocol (dev.mysql.com, "Client/Server Protocol"), without a driver.
@NullMarked
package io.opensandbox.execd.sql;

import org.jspecify.annotations.NullMarked;
