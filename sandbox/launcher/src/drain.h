// Pipes of processes that nobody listens to any more: read into nothing, so that the writers do not die of SIGPIPE.
#ifndef DRAIN_H
#define DRAIN_H

// Takes over a non-blocking descriptor (or -1) and closes it at its end of file. Keeps at most 1,024 and drops the oldest.
void drain_adopt(int fd);

#endif
