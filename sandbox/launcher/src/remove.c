#include "remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void remove_tree(int parent, const char *name) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  DIR *listing = fdopendir(fd);
  if (listing == NULL) {
    close(fd);
    return;
  }
  for (struct dirent *item; (item = readdir(listing)) != NULL;) {
    if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) remove_tree(fd, item->d_name);
  }
  closedir(listing);
  unlinkat(parent, name, AT_REMOVEDIR);
}
