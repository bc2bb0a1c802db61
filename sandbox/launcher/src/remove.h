#ifndef REMOVE_H
#define REMOVE_H

// Removes a file or a directory with all that is in it, as far as possible. Follows no links.
void remove_tree(int parent, const char *name);

#endif
