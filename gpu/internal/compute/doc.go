// Package compute is Vulkan compute in the small: devices, memory, pipelines and
// programs, which are recorded once and run many times. It knows nothing of
// networks.
//
// A [Device] is for one goroutine at a time; several may be open at once, and
// [Device.Beside] opens one for a second goroutine. A [Screen] shows pictures that programs
// leave in buffers. What
// belongs to a device ([Arena], [Pipeline], [Program]) is given back when the
// device is closed, at the latest.
//
// # Barriers
//
// Commands of a program may overlap in time unless a barrier stands between them. A
// [Program] places its barriers itself. Before each command it compares the bytes that
// the command reads and writes with those of all commands since the last barrier. It
// places a barrier where the command reads bytes that one of them writes, writes bytes
// that one of them reads, or writes bytes that one of them writes. A barrier orders
// everything before it with everything after it, so the comparison starts anew.
//
// What a kernel reads and writes are its buffers, each as a whole. The decorations of its
// SPIR-V say which it reads and which it writes (readonly and writeonly in GLSL); a test
// of package shaders holds them to the instructions. A [Buffer.Part] narrows what a
// kernel is taken to access. Fills and copies access the bytes that they name.
//
// The last command of a program is a barrier between all of it and all that follows: its
// own repetition in the same submission, later programs, and the host. What the host
// writes before a submission is visible in it without a barrier. The marks that kernels
// leave need none: kernels between two barriers leave theirs in different words.
//
// # Marks
//
// A submission that is lost or hangs is reported with the kernel in flight. The first
// invocation of every kernel writes a mark when it begins (shaders/mark.glsl), to memory of
// the host, and the host reads the last one after the failure. The first dispatch behind a
// barrier writes the number of its stage; all kernels between two barriers are named
// together. The number is how many words are bound, so it needs no push constant
// and no state. A program that is submitted many times clears nothing between: the last
// number is the last stage that began. Dispatches that no barrier orders write to different
// words. Marks are writes only and no transfers: vkCmdFillBuffer at every barrier would be a
// dozen transfers in a step of 50 us, events are optional in portability, and timestamps are
// set only where a step is timed.
//
// On llvmpipe a mark takes about 20 of the 270 ns of the smallest workgroups of eight
// vectors, under 1 % of a step. On GPUs one of all invocations writes one word, and barriers
// make it available with everything else; the cost was not measured. The last mark to
// arrive may be that of the stage before. After a loss Vulkan promises nothing about memory:
// where the number names no stage, all kernels are named.
//
// # Loader
//
// The package uses the Vulkan loader of the system, or the one that the
// environment variable NASHPRUNE_VULKAN_LOADER names. Without cgo the package has
// the name of that variable only.
package compute

// LoaderVariable is the environment variable that names a Vulkan loader to use
// instead of the system's.
const LoaderVariable = "NASHPRUNE_VULKAN_LOADER"
