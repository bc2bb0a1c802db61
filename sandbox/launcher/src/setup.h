// What a supervising process is like, whatever it was started by.
#ifndef SETUP_H
#define SETUP_H

#include <stdbool.h>

// Opens the standard descriptors, hides every other from children, becomes the reaper of orphans, and raises the limit
// of open files for this process alone.
bool setup_process(void);

#endif
