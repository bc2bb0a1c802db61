/// Kernels that run code with state: Python, Bash and whatever else speaks the Jupyter messaging
/// protocol (version 5.3).
///
/// A [Kernel] is reached in one of two ways. A [DirectKernels] source starts the kernel itself from
/// its kernelspec and speaks ZMTP 3.0 to it; a [JupyterServer] source asks a Jupyter server. Either
/// gives a [KernelConnection], a pipe of messages; everything else (correlation by parent id, busy
/// state, death, interrupt) is the same for both and lives in [Kernel]. Contexts, events and HTTP
/// are the business of the package `code`.
@NullMarked
package io.opensandbox.execd.kernel;

import org.jspecify.annotations.NullMarked;
