// Package window shows a run in a window while it goes on: the players of every gate as cells,
// and curves of loss, accuracy and players. It is built with the tag glfw, on Linux, and is empty
// otherwise.
//
// # Where the picture comes from
//
// A kernel of the engine (shaders/show.comp) leaves participations and worths in cells, and
// another (shaders/cells.comp) paints them into a picture, which is copied to an image of the
// swapchain. All of that is on the device that trains; nothing comes to the host. Texts and
// curves are drawn by the host, into an image that the kernel paints over. Where the engine is
// not on a device that shows pictures here, as the CPU, participations come from its answers,
// and the first Vulkan device that does gets them.
//
// In the market players participate fully between rounds. So their cells show what they played
// last. In the paper's game they show where the players are.
//
// # Two goroutines
//
// GLFW belongs to the main thread, which paints. The training is in a goroutine of its own. It
// reaches the window by [Window.Watch], which wraps the engine, and [Window.Update]. The two have
// a compute.Device each, on one queue, which submissions and presentations lock. What the training
// reports waits while the host draws texts and curves of a frame, or lays out a window of a new
// size. It does not wait while the device paints and shows the frame. The bits of the training are
// the same as without a window.
//
// Frames begin no sooner than [gpuInterval] after each other, and only when something has
// changed. Where a CPU plays the GPU, frames hold up the training. So there they are fewer, and
// take at most a twelfth of the time.
//
// The surface is made by GLFW, of which the shim calls glfwCreateWindowSurface: the Go binding
// returns the address of a variable that the garbage collector may free. GLFW reports errors by
// panics; guard turns them into errors.
//
// There is no key that moves the price. A price follows from the players that are asked for,
// and a run follows from its settings and seed. A hand on the price would make a run that
// no command makes again.
package window
