#pragma once

// Makes the network of a sandbox of the local runtime; `arguments` are those after `network`. Returns the exit status.
int network_run(int argc, char **argv);
