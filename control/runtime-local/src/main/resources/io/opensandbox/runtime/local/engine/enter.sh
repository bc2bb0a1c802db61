# enter.sh COMMAND...: becomes the sandbox. In its network and mount namespace already, in its
# directory; bwrap closes 3 once the namespaces are there. Prepared by the server, each line made of plain words:
#   run/cgroups  directories to join
#   run/mounts   overlays: OPTIONS TARGET
#   run/processes  how many processes the user may have, when there are no cgroups
#   run/args     arguments of bwrap, each ended by a zero byte
exec 9<run/cgroups
while read -r group <&9; do
  echo 0 >"$group/cgroup.procs" || exit 1
done
# Without cgroups at least a fork bomb ends somewhere, though all sandboxes share this number.
if [ -e run/processes ]; then
  read -r processes <run/processes && ulimit -u "$processes" || exit 1
fi
exec 9<run/mounts
while read -r options target <&9; do
  mount -t overlay -o "$options" overlay "$target" || exit 1
done
exec 9<&-
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs root/sys || exit 1
exec bwrap --args 4 --seccomp 6 --info-fd 3 --json-status-fd 5 -- "$@" \
  4<run/args 5>>run/status 6<../../bin/seccomp
