#include "hidden.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "_EXECD_HIDDEN_";

static const char *const names[] = {
    "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS",  "JDK_JAVA_OPTIONS", "LD_PRELOAD", "LD_AUDIT",
    "LD_DEBUG",          "LD_LIBRARY_PATH", "LD_BIND_NOW",     "GLIBC_TUNABLES", "LANG",
    "LANGUAGE",          "LOCPATH",         "MALLOC_ARENA_MAX",
};

// What the JVM gets instead of the sandbox's locale: without a UTF-8 one, which many images lack, it can name no file beyond
// ASCII. The spelling, which the C library takes like any other, tells our entry from a user's.
static char locale_name[] = "LC_CTYPE=C.UtF-8";
static char *locale_path;

// One heap of the C library instead of one per thread: the JVM allocates little there, and the others would stay half empty.
static char malloc_arenas[] = "MALLOC_ARENA_MAX=01";

static size_t name_length(const char *entry) { return strcspn(entry, "="); }

static bool has_name(const char *entry, const char *name, size_t length) {
  return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool is_to_hide(const char *entry) {
  if (strncmp(entry, "LC_", 3) == 0) return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (has_name(entry, names[i], strlen(names[i]))) return true;
  }
  return false;
}

static bool set_locale_path(const char *tree) {
  static const char format[] = "LOCPATH=%s/locale";
  size_t size = sizeof format + strlen(tree);
  locale_path = malloc(size);
  if (locale_path != NULL) snprintf(locale_path, size, format, tree);
  return locale_path != NULL;
}

char **hidden_environment(char **environment, const char *tree) {
  size_t count = 0;
  while (environment[count] != NULL) count++;
  char **result = calloc(count + 4, sizeof *result);
  if (result == NULL || !set_locale_path(tree)) return NULL;
  for (size_t i = 0; i < count; i++) {
    result[i] = environment[i];
    if (!is_to_hide(environment[i])) continue;
    result[i] = malloc(sizeof prefix + strlen(environment[i]));
    if (result[i] == NULL) return NULL;
    strcpy(result[i], prefix);
    strcat(result[i], environment[i]);
  }
  result[count] = locale_name;
  result[count + 1] = locale_path;
  result[count + 2] = malloc_arenas;
  return result;
}

static bool is_for_the_jvm(const char *entry) {
  return strcmp(entry, locale_name) == 0 || strcmp(entry, malloc_arenas) == 0 || (locale_path != NULL && strcmp(entry, locale_path) == 0);
}

static bool contains(char **environment, const char *name, size_t length) {
  for (; *environment != NULL; environment++) {
    if (has_name(*environment, name, length) && !is_for_the_jvm(*environment)) return true;
  }
  return false;
}

void hidden_restore(char **environment) {
  char **to = environment;
  for (char **from = environment; *from != NULL; from++) {
    char *entry = *from;
    if (is_for_the_jvm(entry)) continue;
    if (strncmp(entry, prefix, sizeof prefix - 1) == 0) {
      entry += sizeof prefix - 1;
      if (contains(environment, entry, name_length(entry))) continue;
    }
    *to++ = entry;
  }
  *to = NULL;
}
