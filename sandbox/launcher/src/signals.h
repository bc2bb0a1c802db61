// Signals as events of the loop.
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

// Gives every signal its default disposition, blocks those we handle, and reports them through the loop. SIGPIPE stays
// blocked, which makes a write to a closed pipe an error. A child must empty its signal mask before it executes.
bool signals_open(void (*received)(int signal));

#endif
