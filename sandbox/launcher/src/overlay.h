#pragma once

// Mounts overlays in a mount namespace of its own and executes a command in it; `arguments` are those after `overlay`. Returns
// the exit status when that fails.
int overlay_run(int argc, char **argv);
