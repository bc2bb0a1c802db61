#pragma once

// Starts a sandbox of the local runtime, prepared in the working directory; `arguments` are those after `enter`. Returns when the
// sandbox's namespaces are there or could not be made, with 0 unless not even that could be tried.
int enter_run(int argc, char **argv);
