// Variables of the sandbox's environment that would change how our own JVM and loader work, such as JAVA_TOOL_OPTIONS and
// LD_PRELOAD. The JVM gets them under another name; a process that it starts with that environment gets them back.
#ifndef HIDDEN_H
#define HIDDEN_H

// A NULL-terminated copy of the environment with those names hidden; NULL when there is no memory. Lives for ever.
char **hidden_environment(char **environment);

// Gives hidden names back in a NULL-terminated list of `NAME=value`, in place. An entry that the list has under its own
// name already wins.
void hidden_restore(char **environment);

#endif
