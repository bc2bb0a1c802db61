// `execd broker --socket PATH`: the broker alone, for tests and for a JVM that was started by hand.
#ifndef STANDALONE_H
#define STANDALONE_H

// Serves until TERM or INT. Returns the exit status.
int standalone_broker(int argc, char **argv);

#endif
