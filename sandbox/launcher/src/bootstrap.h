// `execd bootstrap [--] CMD...`: what bootstrap.sh does, for images without a shell. Two steps need one and are left out with
// a warning: sourcing EXECD_BOOTSTRAP_PRE_SCRIPT, and updating the system's certificate store.
#ifndef BOOTSTRAP_H
#define BOOTSTRAP_H

// Returns the exit status: the command's, 128 + the signal that killed it, or 0 after TERM.
int bootstrap_run(int argc, char **argv);

#endif
