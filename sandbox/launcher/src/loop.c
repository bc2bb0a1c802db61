#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 };

static int epoll_fd = -1;
static bool stopped;
static struct timer *timers;
static struct garbage *garbage;

bool loop_open(void) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  return epoll_fd >= 0;
}

int64_t now_millis(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void loop_stop(void) { stopped = true; }

static int millis_to_next_timer(void) {
  int64_t due = 0;
  for (struct timer *timer = timers; timer != NULL; timer = timer->next) {
    if (due == 0 || timer->due < due) due = timer->due;
  }
  if (due == 0) return -1;
  int64_t left = due - now_millis();
  if (left < 0) return 0;
  return left > 1000000 ? 1000000 : (int)left;
}

// Fires what is due. Starts over after each, because a timer may set or clear others.
static void fire_timers(void) {
  int64_t now = now_millis();
  struct timer *timer = timers;
  while (timer != NULL) {
    if (timer->due <= now) {
      timer_clear(timer);
      timer->fired(timer);
      timer = timers;
    } else {
      timer = timer->next;
    }
  }
}

static void free_garbage(void) {
  while (garbage != NULL) {
    struct garbage *next = garbage->next;
    free(garbage);
    garbage = next;
  }
}

void loop_run(void) {
  struct epoll_event batch[BATCH];
  stopped = false;
  while (!stopped) {
    int count = epoll_wait(epoll_fd, batch, BATCH, millis_to_next_timer());
    for (int i = 0; i < count; i++) {
      struct source *source = batch[i].data.ptr;
      // An earlier event of this batch may have closed it or stopped watching it.
      if (source->fd >= 0 && source->events != 0) source->ready(source, batch[i].events);
    }
    fire_timers();
    free_garbage();
  }
}

bool source_watch(struct source *source, uint32_t events) {
  if (source->fd < 0 || events == source->events) return true;
  int operation = source->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  struct epoll_event event = {.events = events, .data.ptr = source};
  if (epoll_ctl(epoll_fd, operation, source->fd, &event) < 0) return false;
  source->events = events;
  return true;
}

int source_detach(struct source *source) {
  int fd = source->fd;
  source_watch(source, 0);
  source->fd = -1;
  return fd;
}

void source_close(struct source *source) {
  if (source->fd >= 0) close(source_detach(source));
}

void timer_set(struct timer *timer, int64_t millis) {
  timer_clear(timer);
  timer->due = now_millis() + millis;
  timer->next = timers;
  timers = timer;
}

void timer_clear(struct timer *timer) {
  for (struct timer **at = &timers; *at != NULL; at = &(*at)->next) {
    if (*at == timer) {
      *at = timer->next;
      break;
    }
  }
  timer->due = 0;
}

void loop_free_later(struct garbage *piece) {
  piece->next = garbage;
  garbage = piece;
}
