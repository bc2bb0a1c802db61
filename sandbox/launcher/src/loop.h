// The event loop: one epoll descriptor, sources of events, timers. Single-threaded.
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

// A descriptor that is watched. Embedded in the struct that owns it; `owner` points back.
struct source {
  int fd;
  uint32_t events;  // what epoll watches for now; 0 when it is not in the epoll set
  void (*ready)(struct source *source, uint32_t events);
  void *owner;
};

// A one-shot timer. `due` is 0 while it is not set.
struct timer {
  int64_t due;
  void (*fired)(struct timer *timer);
  struct timer *next;
};

bool loop_open(void);
// Runs until loop_stop(), one batch of events after the other.
void loop_run(void);
void loop_stop(void);

// Watches a descriptor for these EPOLL events; 0 takes it out of the set, so that even a hang-up is not reported.
// False when the kernel refuses.
bool source_watch(struct source *source, uint32_t events);
// Takes the source out of the set and gives its descriptor away; the source is closed then.
int source_detach(struct source *source);
// Takes the source out of the set and closes its descriptor. Does nothing when it is closed (fd is -1).
void source_close(struct source *source);

// Calls `fired` once, `millis` from now; sets the timer anew when it is running.
void timer_set(struct timer *timer, int64_t millis);
void timer_clear(struct timer *timer);

// First member of a struct that is freed by loop_free_later().
struct garbage {
  struct garbage *next;
};

// Frees the struct after the current batch of events, which may still point into it. Its sources must be closed.
void loop_free_later(struct garbage *garbage);

// Milliseconds of the monotonic clock.
int64_t now_millis(void);

#endif
