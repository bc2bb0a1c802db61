// This executable.
#ifndef SELF_H
#define SELF_H

// Its absolute path.
const char *self_path(void);
// The directory it is in.
const char *self_directory(void);

#endif
