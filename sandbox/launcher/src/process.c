#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "bytes.h"
#include "drain.h"
#include "loop.h"
#include "request.h"
#include "spawn.h"

enum {
  HEADER = 5,
  MAX_FRAME_IN = 8 << 20,
  MAX_FRAME_OUT = 64 << 10,
  MAX_STDIN = 1 << 20,
  // What a terminal may still hold when its leader has ended; pipes tell exactly.
  MAX_TERMINAL_REST = 256 << 10,
  BUCKETS = 256,
};

enum phase {
  AWAITING,  // the SPAWN frame
  STARTING,  // forked; whether exec succeeded is not known yet
  RUNNING,
  DRAINING,  // the leader has ended; what its pipes held then is being sent
  CLOSING,   // the last frame is on its way
  LEFT,      // nobody listens; only what was meant for stdin is still written
  GONE,
};

enum { OUT, ERR, STATE, OUTPUTS };

static const char output_type[OUTPUTS] = {'O', 'R', 'T'};

struct process {
  struct garbage garbage;
  enum phase phase;
  struct source connection;
  struct source in;
  struct source outputs[OUTPUTS];
  struct source verdict;
  size_t rest[OUTPUTS];  // while draining: how much is still to be sent
  struct bytes received;
  struct bytes to_send;
  struct bytes to_stdin;
  size_t input_left;   // bytes of the current I frame that have not arrived
  bool input_ended;    // E was received
  bool hung_up;        // the other side is gone; what it sent before is still read
  bool deaf;           // what we send fails
  pid_t pid;
  bool alive;          // started and not reaped: `pid` and its group are ours
  uint32_t flags;
  bool ended;          // and with this result:
  int status;
  uint64_t peak_bytes;
  struct process *next;
};

static struct process *leaders[BUCKETS];

static void advance(struct process *process);

// --- The table of living leaders ---

struct process *process_find(pid_t pid) {
  struct process *process = leaders[pid % BUCKETS];
  while (process != NULL && process->pid != pid) process = process->next;
  return process;
}

static void remember_leader(struct process *process) {
  struct process **bucket = &leaders[process->pid % BUCKETS];
  process->next = *bucket;
  *bucket = process;
  process->alive = true;
}

static void forget_leader(struct process *process) {
  if (!process->alive) return;
  struct process **at = &leaders[process->pid % BUCKETS];
  while (*at != process) at = &(*at)->next;
  *at = process->next;
  process->alive = false;
}

// --- The end ---

static void let_go_of_outputs(struct process *process) {
  for (int i = 0; i < OUTPUTS; i++) drain_adopt(source_detach(&process->outputs[i]));
}

static void discard_received(struct process *process) {
  static char nowhere[MAX_FRAME_OUT];
  // Unread bytes would make the kernel reset the connection instead of ending it.
  while (recv(process->connection.fd, nowhere, sizeof nowhere, MSG_DONTWAIT) > 0) continue;
}

static void end(struct process *process) {
  if (process->phase == GONE) return;
  process->phase = GONE;
  if (process->connection.fd >= 0) discard_received(process);
  source_close(&process->connection);
  source_close(&process->verdict);
  source_close(&process->in);
  let_go_of_outputs(process);
  forget_leader(process);
  bytes_free(&process->received);
  bytes_free(&process->to_send);
  bytes_free(&process->to_stdin);
  loop_free_later(&process->garbage);
}

static void kill_group(const struct process *process, int signal) {
  // Before exec the child may not have made its group yet.
  if (kill(-process->pid, signal) < 0 && process->phase == STARTING) kill(process->pid, signal);
}

static void abandon(struct process *process) {
  if (process->alive) kill_group(process, SIGKILL);
  end(process);
}

static void leave(struct process *process) {
  process->phase = LEFT;
  process->input_ended = true;
  forget_leader(process);
  let_go_of_outputs(process);
  source_close(&process->connection);
  if (bytes_length(&process->to_stdin) == 0) end(process);
}

// --- Sending ---

// The other side may have gone after a last L that is still to be read, so a failure to send only stops the sending.
static ssize_t try_send(struct process *process, const uint8_t *data, size_t length) {
  ssize_t count = send(process->connection.fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && errno != EAGAIN && errno != EINTR) {
    process->deaf = true;
    bytes_free(&process->to_send);
  }
  return count;
}

static void send_bytes(struct process *process, const uint8_t *data, size_t length) {
  if (process->phase == GONE) return;
  if (bytes_length(&process->to_send) == 0 && !process->deaf) {
    ssize_t count = try_send(process, data, length);
    if (count > 0) {
      data += count;
      length -= (size_t)count;
    }
  }
  if (!process->deaf && !bytes_append(&process->to_send, data, length)) abandon(process);
}

// Sends a frame whose payload is already in place behind room for the header.
static void send_in_place(struct process *process, char type, uint8_t *frame, size_t length) {
  frame[0] = (uint8_t)type;
  put_u32(frame + 1, (uint32_t)length);
  send_bytes(process, frame, HEADER + length);
}

static void send_failure(struct process *process, const struct failure *failure) {
  uint8_t frame[HEADER + 4 + sizeof failure->text];
  size_t length = strnlen(failure->text, sizeof failure->text);
  put_u32(frame + HEADER, (uint32_t)failure->error);
  memcpy(frame + HEADER + 4, failure->text, length);
  send_in_place(process, 'X', frame, 4 + length);
  if (process->phase != GONE) process->phase = CLOSING;
}

static void refuse(struct process *process, const char *why) {
  struct failure failure = {.error = EINVAL};
  snprintf(failure.text, sizeof failure.text, "spawn request: %s", why);
  send_failure(process, &failure);
}

static void send_started(struct process *process) {
  uint8_t frame[HEADER + 4];
  put_u32(frame + HEADER, (uint32_t)process->pid);
  send_in_place(process, 'P', frame, 4);
}

static void send_result(struct process *process) {
  uint8_t frame[HEADER + 17];
  int status = process->status;
  bool signalled = WIFSIGNALED(status);
  put_u32(frame + HEADER, signalled ? (uint32_t)-1 : (uint32_t)WEXITSTATUS(status));
  put_u32(frame + HEADER + 4, signalled ? (uint32_t)WTERMSIG(status) : 0);
  frame[HEADER + 8] = signalled && WCOREDUMP(status);
  put_u64(frame + HEADER + 9, process->peak_bytes);
  send_in_place(process, 'D', frame, 17);
}

// Sends what one read gives, at most `limit` bytes. False at the end of the data, or when there are none now.
static bool send_output(struct process *process, int which, size_t limit, bool *at_end) {
  static uint8_t frame[HEADER + MAX_FRAME_OUT];
  struct source *output = &process->outputs[which];
  ssize_t length = read(output->fd, frame + HEADER, limit < MAX_FRAME_OUT ? limit : MAX_FRAME_OUT);
  *at_end = length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);
  if (length <= 0) return false;
  if (process->phase == DRAINING) process->rest[which] -= (size_t)length;
  send_in_place(process, output_type[which], frame, (size_t)length);
  return true;
}

static void on_output(struct source *source, uint32_t events) {
  struct process *process = source->owner;
  int which = (int)(source - process->outputs);
  bool at_end;
  (void)events;
  send_output(process, which, MAX_FRAME_OUT, &at_end);
  if (at_end) source_close(source);
  advance(process);
}

// --- The leader has ended: send what its pipes hold now, not what others still write ---

static void start_draining(struct process *process) {
  bool terminal = (process->flags & SPAWN_TERMINAL) != 0;
  process->phase = DRAINING;
  source_close(&process->in);
  bytes_free(&process->to_stdin);
  for (int i = 0; i < OUTPUTS; i++) {
    int held = 0;
    if (process->outputs[i].fd < 0) continue;
    if (ioctl(process->outputs[i].fd, FIONREAD, &held) < 0) held = 0;
    process->rest[i] = terminal && i == OUT ? MAX_TERMINAL_REST : (size_t)held;
  }
  send_result(process);
}

static void drain_outputs(struct process *process) {
  for (int i = 0; i < OUTPUTS; i++) {
    while (process->rest[i] > 0) {
      bool at_end;
      if (process->phase != DRAINING || bytes_length(&process->to_send) > 0) return;
      if (!send_output(process, i, process->rest[i], &at_end)) process->rest[i] = 0;
    }
  }
  uint8_t frame[HEADER];
  send_in_place(process, 'Z', frame, 0);
  if (process->phase != GONE) process->phase = CLOSING;
}

void process_before_reap(struct process *process) {
  if ((process->flags & SPAWN_KILL_LEFTOVERS) != 0) kill(-process->pid, SIGKILL);
}

void process_ended(struct process *process, int status, const struct rusage *usage) {
  forget_leader(process);
  process->ended = true;
  process->status = status;
  process->peak_bytes = (uint64_t)usage->ru_maxrss * 1024;
  if (process->phase == RUNNING) start_draining(process);
  advance(process);
}

// --- Starting ---

static void on_verdict(struct source *source, uint32_t events) {
  struct process *process = source->owner;
  struct failure failure;
  (void)events;
  ssize_t length = read(source->fd, &failure, sizeof failure);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  source_close(source);
  if (length == (ssize_t)sizeof failure) {
    send_failure(process, &failure);
  } else {
    send_started(process);
    if (process->phase != GONE) process->phase = RUNNING;
    if (process->phase == RUNNING && process->ended) start_draining(process);
  }
  advance(process);
}

static void on_in(struct source *source, uint32_t events) {
  struct process *process = source->owner;
  (void)events;
  ssize_t count = write(source->fd, bytes_front(&process->to_stdin), bytes_length(&process->to_stdin));
  if (count > 0) {
    bytes_consume(&process->to_stdin, (size_t)count);
  } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
    // Nobody reads it any more. That is the process's right, and the rest of the input is not wanted.
    source_close(source);
    bytes_free(&process->to_stdin);
  }
  advance(process);
}

static void start(struct process *process, const uint8_t *payload, size_t length) {
  const char *why;
  struct failure failure;
  struct spawned spawned;
  struct request *request = request_parse(payload, length, &why);
  if (request == NULL) {
    refuse(process, why);
    return;
  }
  bool forked = spawn(request, &spawned, &failure);
  process->flags = request->flags;
  request_free(request);
  if (!forked) {
    send_failure(process, &failure);
    return;
  }
  process->phase = STARTING;
  process->pid = spawned.pid;
  remember_leader(process);
  process->in = (struct source){.fd = spawned.in, .ready = on_in, .owner = process};
  process->verdict = (struct source){.fd = spawned.verdict, .ready = on_verdict, .owner = process};
  const int outputs[OUTPUTS] = {spawned.out, spawned.err, spawned.state};
  for (int i = 0; i < OUTPUTS; i++) process->outputs[i] = (struct source){.fd = outputs[i], .ready = on_output, .owner = process};
}

// --- Receiving ---

static void send_signal(struct process *process, int signal, uint8_t target) {
  if (!process->alive) return;
  pid_t group = process->pid;
  if (target == 1) {
    kill(process->pid, signal);
    return;
  }
  if (target == 2 && process->in.fd >= 0 && (process->flags & SPAWN_TERMINAL) != 0) {
    pid_t foreground = tcgetpgrp(process->in.fd);
    if (foreground > 0) group = foreground;
  }
  kill(-group, signal);
}

// N: a signal that does not come through the process's own connection, which may be full of input.
static bool notify(struct process *process, const uint8_t *payload, size_t length) {
  if (length != 9 || payload[8] > 2) return false;
  struct process *other = process_find((pid_t)get_u32(payload));
  if (other != NULL) send_signal(other, (int)get_u32(payload + 4), payload[8]);
  end(process);
  return true;
}

static void resize(struct process *process, const uint8_t *payload) {
  struct winsize size = {.ws_row = get_u16(payload), .ws_col = get_u16(payload + 2)};
  if ((process->flags & SPAWN_TERMINAL) != 0 && process->in.fd >= 0) ioctl(process->in.fd, TIOCSWINSZ, &size);
}

// A complete frame other than I. False when it breaks the protocol.
static bool handle_frame(struct process *process, char type, const uint8_t *payload, size_t length) {
  if ((type == 'S' || type == 'N') != (process->phase == AWAITING)) return false;
  switch (type) {
    case 'S': start(process, payload, length); return true;
    case 'N': return notify(process, payload, length);
    case 'E':
      process->input_ended |= (process->flags & SPAWN_TERMINAL) == 0;
      return length == 0;
    case 'K':
      if (length != 5 || payload[4] > 2) return false;
      send_signal(process, (int)get_u32(payload), payload[4]);
      return true;
    case 'W':
      if (length != 4) return false;
      resize(process, payload);
      return true;
    case 'L':
      if (process->phase == RUNNING) {
        leave(process);
      } else {
        end(process);
      }
      return length == 0;
    default: return false;
  }
}

// Passes on what has arrived of an I frame. False when there is no memory.
static bool take_input(struct process *process) {
  size_t length = bytes_length(&process->received);
  if (length > process->input_left) length = process->input_left;
  bool wanted = process->in.fd >= 0 && !process->input_ended && bytes_length(&process->to_stdin) < MAX_STDIN;
  if (wanted && !bytes_append(&process->to_stdin, bytes_front(&process->received), length)) return false;
  process->input_left -= length;
  bytes_consume(&process->received, length);
  return true;
}

static bool accepts_frames(const struct process *process) {
  if (process->phase == AWAITING || process->phase == DRAINING) return true;
  return process->phase == RUNNING && (process->hung_up || bytes_length(&process->to_stdin) < MAX_STDIN);
}

// Handles the frames that have arrived. False when they break the protocol.
static bool handle_received(struct process *process) {
  while (accepts_frames(process)) {
    if (process->input_left > 0) {
      if (bytes_length(&process->received) == 0) return true;
      if (!take_input(process)) return false;
      continue;
    }
    if (bytes_length(&process->received) < HEADER) return true;
    const uint8_t *header = bytes_front(&process->received);
    size_t length = get_u32(header + 1);
    if (length > MAX_FRAME_IN) return false;
    if (header[0] == 'I' && process->phase != AWAITING) {
      process->input_left = length;
      bytes_consume(&process->received, HEADER);
      continue;
    }
    if (bytes_length(&process->received) < HEADER + length) return true;
    if (!handle_frame(process, (char)header[0], header + HEADER, length)) return false;
    if (process->phase == GONE || process->phase == LEFT) return true;
    bytes_consume(&process->received, HEADER + length);
  }
  return true;
}

static void receive(struct process *process) {
  static uint8_t chunk[MAX_FRAME_OUT];
  ssize_t length = recv(process->connection.fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0 || !bytes_append(&process->received, chunk, (size_t)length)) {
    abandon(process);
    return;
  }
}

static void flush(struct process *process) {
  ssize_t count = try_send(process, bytes_front(&process->to_send), bytes_length(&process->to_send));
  if (count > 0) bytes_consume(&process->to_send, (size_t)count);
}

static void on_connection(struct source *source, uint32_t events) {
  struct process *process = source->owner;
  if ((events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0) process->hung_up = true;
  if (bytes_length(&process->to_send) > 0) flush(process);
  if ((events & ~(uint32_t)EPOLLOUT) != 0 && accepts_frames(process)) receive(process);
  advance(process);
}

// --- After every event: do what has become possible, and watch for what is next ---

static void watch_connection(struct process *process) {
  uint32_t events = bytes_length(&process->to_send) > 0 ? EPOLLOUT : 0;
  // A process that does not read its stdin must not hide that the other side is gone.
  if (process->phase == RUNNING) events |= EPOLLRDHUP;
  if (accepts_frames(process)) events |= EPOLLIN;
  if (!source_watch(&process->connection, events)) abandon(process);
}

static void watch_outputs(struct process *process) {
  bool wanted = process->phase == RUNNING && bytes_length(&process->to_send) == 0;
  for (int i = 0; i < OUTPUTS; i++) {
    if (!source_watch(&process->outputs[i], wanted ? EPOLLIN : 0)) abandon(process);
  }
}

static void watch_in(struct process *process) {
  bool pending = bytes_length(&process->to_stdin) > 0;
  if (!pending && process->input_ended) source_close(&process->in);
  if (!source_watch(&process->in, pending ? EPOLLOUT : 0)) abandon(process);
}

static void advance(struct process *process) {
  if (process->phase != GONE && !handle_received(process)) {
    if (process->phase == AWAITING) {
      refuse(process, "not a valid frame");
    } else {
      abandon(process);
    }
  }
  if (process->phase == DRAINING) drain_outputs(process);
  if (process->phase == CLOSING && bytes_length(&process->to_send) == 0) end(process);
  if (process->phase == GONE) return;
  watch_in(process);
  if (process->phase == LEFT) {
    if (process->in.fd < 0) end(process);
    return;
  }
  if (!source_watch(&process->verdict, process->phase == STARTING ? EPOLLIN : 0)) abandon(process);
  watch_outputs(process);
  watch_connection(process);
}

void process_accept(int connection) {
  struct process *process = calloc(1, sizeof *process);
  if (process == NULL) {
    close(connection);
    return;
  }
  process->connection = (struct source){.fd = connection, .ready = on_connection, .owner = process};
  process->in.fd = process->verdict.fd = -1;
  for (int i = 0; i < OUTPUTS; i++) process->outputs[i].fd = -1;
  advance(process);
}
