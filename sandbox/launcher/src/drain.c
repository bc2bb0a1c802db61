#include "drain.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop.h"

enum { MAX_DRAINS = 1024, CHUNK = 65536 };

struct drain {
  struct garbage garbage;
  struct source source;
  struct drain *older, *newer;
};

static struct drain *oldest, *newest;
static int count;

static void drop(struct drain *drain) {
  *(drain->older ? &drain->older->newer : &oldest) = drain->newer;
  *(drain->newer ? &drain->newer->older : &newest) = drain->older;
  count--;
  source_close(&drain->source);
  loop_free_later(&drain->garbage);
}

static void on_ready(struct source *source, uint32_t events) {
  static char nowhere[CHUNK];
  (void)events;
  ssize_t length = read(source->fd, nowhere, sizeof nowhere);
  if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) drop(source->owner);
}

void drain_adopt(int fd) {
  if (fd < 0) return;
  struct drain *drain = calloc(1, sizeof *drain);
  if (drain == NULL) {
    close(fd);
    return;
  }
  drain->source = (struct source){.fd = fd, .ready = on_ready, .owner = drain};
  drain->older = newest;
  *(newest ? &newest->newer : &oldest) = drain;
  newest = drain;
  count++;
  if (!source_watch(&drain->source, EPOLLIN)) drop(drain);
  if (count > MAX_DRAINS) drop(oldest);
}
