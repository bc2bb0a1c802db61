#!/bin/sh
# start.sh SANDBOX NETWORK COMMAND...: leaves a sandbox running and ends.
#
# Run by the server in its data directory; SANDBOX is the directory of one sandbox below it. Ends when
# the sandbox's namespaces are there, or could not be made: descriptor 3 is a pipe that bwrap and what
# leads to it hold open until then. Nothing that is left behind is a child of the server.
cd "$1" || exit 1
network=$2
shift 2
exec </dev/null
mkfifo -m 600 run/out || exit 1
{
  # The writer is in no cgroup of the sandbox: it neither dies with it nor counts as its memory.
  setsid svlogd -ttt -b 32768 -l 32000 log <run/out 3>&- >/dev/null 2>&1 &
  setsid nsenter --net="$network" unshare --mount --propagation private \
    busybox sh ../../bin/enter.sh "$@" >run/out 2>&1 &
} 3>&1 >/dev/null | while read -r _; do :; done
