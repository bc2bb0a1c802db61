#include "hidden.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "_EXECD_HIDDEN_";

static const char *const names[] = {
    "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS",  "JDK_JAVA_OPTIONS", "LD_PRELOAD", "LD_AUDIT",
    "LD_DEBUG",          "LD_LIBRARY_PATH", "LD_BIND_NOW",     "GLIBC_TUNABLES",
};

static size_t name_length(const char *entry) { return strcspn(entry, "="); }

static bool has_name(const char *entry, const char *name, size_t length) {
  return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool is_to_hide(const char *entry) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (has_name(entry, names[i], strlen(names[i]))) return true;
  }
  return false;
}

char **hidden_environment(char **environment) {
  size_t count = 0;
  while (environment[count] != NULL) count++;
  char **result = calloc(count + 1, sizeof *result);
  for (size_t i = 0; result != NULL && i < count; i++) {
    result[i] = environment[i];
    if (!is_to_hide(environment[i])) continue;
    result[i] = malloc(sizeof prefix + strlen(environment[i]));
    if (result[i] == NULL) return NULL;
    strcpy(result[i], prefix);
    strcat(result[i], environment[i]);
  }
  return result;
}

static bool contains(char **environment, const char *name, size_t length) {
  for (; *environment != NULL; environment++) {
    if (has_name(*environment, name, length)) return true;
  }
  return false;
}

void hidden_restore(char **environment) {
  char **to = environment;
  for (char **from = environment; *from != NULL; from++) {
    char *entry = *from;
    if (strncmp(entry, prefix, sizeof prefix - 1) == 0) {
      entry += sizeof prefix - 1;
      if (contains(environment, entry, name_length(entry))) continue;
    }
    *to++ = entry;
  }
  *to = NULL;
}
