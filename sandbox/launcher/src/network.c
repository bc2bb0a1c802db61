#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PREFIX = 30, BUFFER = 1024, REPLY = 4096, PATH_LENGTH = 256 };

static const char inside[] = "eth0";

static bool failed(const char *action, const char *object) {
  fprintf(stderr, "execd network: cannot %s %s: %s\n", action, object, strerror(errno));
  return false;
}

// --- Requests of rtnetlink(7): a message is built, sent, and its acknowledgement read ---

static union {
  struct nlmsghdr header;
  char bytes[BUFFER];
} message;

static void *append(const void *data, size_t length) {
  char *place = message.bytes + NLMSG_ALIGN(message.header.nlmsg_len);
  if (length > 0) memcpy(place, data, length);
  message.header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(message.header.nlmsg_len) + length);
  return place;
}

static void begin(uint16_t type, uint16_t flags, const void *family, size_t length) {
  memset(&message, 0, sizeof message);
  message.header = (struct nlmsghdr){.nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)};
  append(family, length);
}

static struct rtattr *attribute(uint16_t type, const void *data, size_t length) {
  struct rtattr header = {.rta_len = (uint16_t)RTA_LENGTH(length), .rta_type = type};
  struct rtattr *place = append(&header, sizeof header);
  append(data, length);
  return place;
}

static void text(uint16_t type, const char *value) { attribute(type, value, strlen(value) + 1); }

static void number(uint16_t type, uint32_t value) { attribute(type, &value, sizeof value); }

// What was appended since belongs to it.
static void close_nest(struct rtattr *nest) { nest->rta_len = (uint16_t)(message.bytes + message.header.nlmsg_len - (char *)nest); }

static bool request(int socket) {
  static union {
    struct nlmsghdr header;
    char bytes[REPLY];
  } reply;
  if (send(socket, &message, message.header.nlmsg_len, 0) < 0) return false;
  if (recv(socket, &reply, sizeof reply, 0) < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || reply.header.nlmsg_type != NLMSG_ERROR) {
    errno = EPROTO;
    return false;
  }
  const struct nlmsgerr *status = NLMSG_DATA(&reply.header);
  errno = -status->error;
  return status->error == 0;
}

// --- Steps ---

// A pair of connected devices: `eth0` in this namespace, `cable` in the one that `outside` is.
static bool make_cable(int socket, const char *cable, uint32_t mtu, int outside) {
  struct ifinfomsg device = {.ifi_family = AF_UNSPEC};
  begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &device, sizeof device);
  text(IFLA_IFNAME, inside);
  number(IFLA_MTU, mtu);
  struct rtattr *info = attribute(IFLA_LINKINFO, NULL, 0);
  text(IFLA_INFO_KIND, "veth");
  struct rtattr *data = attribute(IFLA_INFO_DATA, NULL, 0);
  struct rtattr *peer = attribute(VETH_INFO_PEER, NULL, 0);
  append(&device, sizeof device);
  text(IFLA_IFNAME, cable);
  number(IFLA_MTU, mtu);
  number(IFLA_NET_NS_FD, (uint32_t)outside);
  close_nest(peer);
  close_nest(data);
  close_nest(info);
  return request(socket);
}

// Without an IPv6 address of its own. Before it goes up, or it has one; a kernel without IPv6 gives none.
static bool refuse_ipv6(int socket, int index) {
  struct ifinfomsg device = {.ifi_family = AF_UNSPEC, .ifi_index = index};
  uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
  begin(RTM_NEWLINK, 0, &device, sizeof device);
  struct rtattr *families = attribute(IFLA_AF_SPEC, NULL, 0);
  struct rtattr *family = attribute(AF_INET6, NULL, 0);
  attribute(IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
  close_nest(family);
  close_nest(families);
  return request(socket) || errno == EAFNOSUPPORT;
}

static bool raise(int socket, int index) {
  struct ifinfomsg device = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  begin(RTM_NEWLINK, 0, &device, sizeof device);
  return request(socket);
}

static bool remove_device(int socket, const char *name) {
  struct ifinfomsg device = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)};
  if (device.ifi_index == 0) return errno == ENODEV;
  begin(RTM_DELLINK, 0, &device, sizeof device);
  return request(socket) || errno == ENODEV;
}

static bool give_address(int socket, int index, struct in_addr address) {
  struct ifaddrmsg device = {.ifa_family = AF_INET, .ifa_prefixlen = PREFIX, .ifa_scope = RT_SCOPE_UNIVERSE, .ifa_index = (uint32_t)index};
  begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &device, sizeof device);
  attribute(IFA_LOCAL, &address, sizeof address);
  attribute(IFA_ADDRESS, &address, sizeof address);
  return request(socket);
}

static bool route_through(int socket, struct in_addr gateway) {
  struct rtmsg route = {.rtm_family = AF_INET,
                        .rtm_table = RT_TABLE_MAIN,
                        .rtm_protocol = RTPROT_BOOT,
                        .rtm_scope = RT_SCOPE_UNIVERSE,
                        .rtm_type = RTN_UNICAST};
  begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
  attribute(RTA_GATEWAY, &gateway, sizeof gateway);
  return request(socket);
}

static bool connect_device(int socket, const char *name, struct in_addr address) {
  int index = (int)if_nametoindex(name);
  if (index == 0) return failed("find", name);
  if (!refuse_ipv6(socket, index)) return failed("switch off IPv6 of", name);
  if (!give_address(socket, index, address)) return failed("give an address to", name);
  return raise(socket, index) || failed("raise", name);
}

static int open_routes(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }

// Names come and go one after the other: whoever holds the lock of their directory knows that none changes. It goes with this process.
static bool lock_directory(const char *directory) {
  if (mkdir(directory, 0755) < 0 && errno != EEXIST) return false;
  int lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return lock >= 0 && flock(lock, LOCK_EX) == 0;
}

static bool directory_of(const char *path, char *directory, size_t size) {
  snprintf(directory, size, "%s", path);
  char *name = strrchr(directory, '/');
  if (name == NULL || name == directory) return errno = EINVAL, false;
  *name = 0;
  return true;
}

// As `ip netns add`, with which others look at it: the directory is a mount whose mounts go where it goes.
static bool share_directory(const char *path) {
  char directory[PATH_LENGTH];
  if (!directory_of(path, directory, sizeof directory) || !lock_directory(directory)) return false;
  if (mount("", directory, "none", MS_SHARED | MS_REC, NULL) == 0) return true;
  if (errno != EINVAL || mount(directory, directory, "none", MS_BIND | MS_REC, NULL) < 0) return false;
  return mount("", directory, "none", MS_SHARED | MS_REC, NULL) == 0;
}

static bool keep_namespace(const char *path) {
  int place = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
  if (place < 0) return false;
  close(place);
  return unshare(CLONE_NEWNET) == 0 && mount("/proc/self/ns/net", path, "none", MS_BIND, NULL) == 0;
}

static bool make(const char *path, const char *cable, uint32_t mtu, struct in_addr gateway, struct in_addr address) {
  int outside = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int host = open_routes();
  if (outside < 0 || host < 0) return failed("open", "the host's network");
  if (!share_directory(path) || !keep_namespace(path)) return failed("make", path);
  int routes = open_routes();
  if (routes < 0 || !make_cable(routes, cable, mtu, outside)) return failed("make", cable);
  if (!raise(routes, (int)if_nametoindex("lo"))) return failed("raise", "lo");
  // The far end first: a route needs a device that is up.
  if (!connect_device(routes, inside, address)) return false;
  if (setns(outside, CLONE_NEWNET) < 0) return failed("return to", "the host's network");
  if (!connect_device(host, cable, gateway)) return false;
  return route_through(routes, gateway) || failed("route through", cable);
}

// The next server clears away what it finds when it starts: what comes later, nobody would. The name is still ours, as is its directory's lock.
static bool still_wanted(pid_t server, const char *path, const char *cable) {
  if (getppid() == server) return true;
  // At once, not when the kernel clears the namespace away: its name may be taken again.
  if (!remove_device(open_routes(), cable)) return failed("remove", cable);
  umount2(path, MNT_DETACH);
  unlink(path);
  errno = ESRCH;
  return failed("find the server that wanted", path);
}

// Both ends of the cable go with the inner one. A place in which no namespace was put has none.
static bool remove_cable(int place) {
  if (setns(place, CLONE_NEWNET) < 0) return errno == EINVAL;
  int routes = open_routes();
  return routes >= 0 && remove_device(routes, inside);
}

// A name that stands for another namespace by now stays.
static bool remove_name(int place, const char *path) {
  struct stat meant, found;
  char directory[PATH_LENGTH];
  if (!directory_of(path, directory, sizeof directory) || !lock_directory(directory) || fstat(place, &meant) < 0) return false;
  if (stat(path, &found) < 0) return errno == ENOENT;
  if (meant.st_dev != found.st_dev || meant.st_ino != found.st_ino) return true;
  umount2(path, MNT_DETACH);
  return unlink(path) == 0;
}

// Takes down the network that standard input is. Whoever opened it said which one: when this comes late, its name may be another's.
static bool take_down(const char *path) {
  if (!remove_cable(STDIN_FILENO)) return failed("remove the cable of", path);
  return remove_name(STDIN_FILENO, path) || failed("remove", path);
}

static bool read_number(const char *text, unsigned long *value) {
  char *rest;
  *value = strtoul(text, &rest, 10);
  return *text >= '0' && *text <= '9' && *rest == 0 && *value > 0;
}

int network_run(int argc, char **argv) {
  struct in_addr gateway, address;
  unsigned long server, mtu;
  if (argc == 2 && strcmp(argv[0], "remove") == 0) return take_down(argv[1]) ? 0 : 1;
  if (argc != 6 || !read_number(argv[0], &server) || !read_number(argv[3], &mtu) || mtu > UINT16_MAX ||
      inet_pton(AF_INET, argv[4], &gateway) != 1 || inet_pton(AF_INET, argv[5], &address) != 1) {
    fprintf(stderr, "usage: execd network SERVER PATH CABLE MTU GATEWAY ADDRESS\n       execd network remove PATH <PATH\n");
    return 2;
  }
  return make(argv[1], argv[2], (uint32_t)mtu, gateway, address) && still_wanted((pid_t)server, argv[1], argv[2]) ? 0 : 1;
}
