// `execd as UID:GID[,GROUP...] -- CMD...`: becomes a user, by numbers, and then the command. For runtimes that have no other
// way to apply an image's USER.
#ifndef AS_H
#define AS_H

// Returns the exit status of a refusal, as a shell counts: 2 usage, 125 not allowed, 126 or 127 not executable.
int as_run(int argc, char **argv);

#endif
