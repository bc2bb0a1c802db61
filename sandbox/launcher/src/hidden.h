// Variables of the sandbox's environment that would change how our own JVM and loader work, such as JAVA_TOOL_OPTIONS,
// LD_PRELOAD and the locale. The JVM gets them under another name, and a locale of ours; a process that it starts with that
// environment gets the sandbox's own back.
#ifndef HIDDEN_H
#define HIDDEN_H

// A NULL-terminated copy of the environment with those names hidden and the locale of the unpacked `tree`; NULL when there
// is no memory. Lives for ever. Call it once.
char **hidden_environment(char **environment, const char *tree);

// Takes our locale out and gives hidden names back in a NULL-terminated list of `NAME=value`, in place. An entry that the list has under its own
// name already wins.
void hidden_restore(char **environment);

#endif
