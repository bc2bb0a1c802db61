#include "port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_PORT = 44772, MAX_PORT = 65535, BACKLOG = 1024 };

static int parse_number(const char *text) {
  char *end;
  long value = strtol(text, &end, 10);
  if (text[0] >= '0' && text[0] <= '9' && *end == 0 && value <= MAX_PORT) return (int)value;
  fprintf(stderr, "invalid value \"%s\" for flag -port: use a number from 0 to %d\n", text, MAX_PORT);
  return -1;
}

int port_parse(int argc, char **argv) {
  int port = DEFAULT_PORT;
  for (int i = 0; i < argc && port >= 0; i++) {
    const char *name = argv[i];
    if (name[0] != '-' || strcmp(name, "--") == 0) break;
    name += name[1] == '-' ? 2 : 1;
    const char *value = strchr(name, '=');
    size_t length = value != NULL ? (size_t)(value - name) : strlen(name);
    value = value != NULL ? value + 1 : argv[++i];
    if (value == NULL) break;  // the daemon says what is missing
    if (length == 4 && memcmp(name, "port", 4) == 0) port = parse_number(value);
  }
  return port;
}

int port_listen(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_ANY)};
  if (fd < 0) return -1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
      listen(fd, BACKLOG) == 0) {
    return fd;
  }
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}
