// Package gpu trains on any Vulkan 1.1 device. It is registered as the driver
// "vulkan"; its arithmetic is that of package shaders, in float32.
//
// # Recorded steps
//
// A step is recorded once for each mode (training, the paper's game, measuring, observing,
// evaluating, inferring) and network shape, as one command buffer with static descriptor
// sets. It is submitted as often as there are steps, many times in one vkQueueSubmit. What
// differs from step to step is in the plan, which the host writes to shared memory before
// it submits: the place of the step's samples in the order, their number, the learning
// rate with Adam's corrections, the decay of AdamW, the weight of a batch in means over
// several, and the next step. The first kernel of a step copies its line of the plan to
// the state of the device; all others read it there. The loss kernel writes each sample's
// loss and hit to shared memory, and the host adds them up in float64.
//
// Package compute places the barriers between the kernels of a step, from what each of
// them reads and writes. The code that records a step says only which kernels run on which
// buffers, in an order that one processor could follow. Kernels that need no barrier
// between them are adjacent, since a barrier waits for everything before it.
//
// A submission holds as many steps as fit into 50 ms by the time of the last one, at most
// 64. After a Push of another graph the first submission of a mode has one step.
//
// # Few dispatches
//
// A step takes few dispatches, since each costs a GPU a few microseconds: with Adam 8 on a
// CPU and 7 on a GPU for 784-512-256-10. Gradients of all parameters and contributions of
// all players are independent once the derivatives exist, so one dispatch serves all that
// have the same tile (jobs.go). The kernels of a step:
//   - gather: the next line of the plan; the batch from bytes or floats to inputs, of which
//     images may be moved at random. It draws a move for each sample from seed, step and row.
//   - forward, one a hidden layer: u = Wx + b and a = activation(s u).
//   - output: the last layer and its loss, softmax cross-entropy and hits (in training with
//     smoothing and class weights) or the mean squared error, and its derivative. With more
//     than 32 outputs, or without hidden layers, forward and loss.
//   - outputsample, in place of a loss where contributions to the outputs are measured or
//     observed: the derivative of one output of each sample.
//   - backward, one a hidden layer: the derivative through the weights and the gates below;
//     sums of c and c^2 by block of samples.
//   - pass: sums, concats, features that a flatten keeps and activations that nothing joins, in
//     both directions. dropout, likewise, in training.
//   - pointwise: the gate of any other node than a dense layer, and the activation behind it.
//     through, ungate: the derivative at a gate or an activation where no backward takes it
//     along, since several nodes read the output, the gate has several points, or a player
//     has many numbers. Then c of a sample is added up over numbers and points, and tally
//     sums c and c^2 up by blocks of samples.
//   - gradient, one for all matrices with the same tile: gradients of weights and biases,
//     the optimiser's step, and, in the paper's game, the means of c and c^2 of all players. A
//     table says which workgroup computes what. collect is its part for players, where
//     nothing is trained.
//   - convolve: a convolution, and the derivative of its inputs. correlate: the gradient of
//     its parameters by blocks of samples. See Images.
//   - normsums, normstats: mean and variance of each channel of a batch norm, and backward the
//     means of d and d h; pointwise and normback do the rest. pool, poolback.
//   - settle: the gradients of convolutions and batch norms, added up over blocks, and the
//     optimiser's step.
//   - squares, clip, update: only where gradients are clipped. Sums of squares of gradients;
//     one workgroup adds them up to a factor; the optimiser's step.
//   - mixture, norms, paper: v = sum of s theta, |theta|^2, competition, and a move in the
//     paper's game.
//   - effects, moments: e = B du u of every player and sample; E[e e^T] by blocks of players,
//     and the moments of the inputs that players give, with the tiles of gradient.
//   - play: best responses, one player at a time, a workgroup a block. It is recorded once for a
//     graph, with the copies to and from the host, so that each of a round's many calls is one
//     submission.
//
// # Images
//
// A convolution is a matrix product whose right operand is never stored. The left one is the
// weights. A column of the right one is a position in a sample; its terms are the inputs that
// the kernel meets there, which are read from the image by address. What lies outside is
// zero. Places of the kernel come before channels in the order of the terms, so an invocation
// works out addresses once a place. The derivative of the inputs is the same product with
// inputs and outputs exchanged: each input gathers its terms, and there are no atomics. A
// stride leaves terms of zeros there, which are computed.
//
// The gradient has as many terms as a batch has positions, and few outputs. So it is cut into
// blocks of samples, as many as give 256 tiles of 64 x 64. The count follows from shapes and
// batch alone. Each block leaves a matrix, and settle adds the matrices up in their order.
//
// Groups of channels are products of their own in one dispatch. A depthwise convolution has a
// tile of four rows for each channel, of which one counts.
//
// A node's gate and activation have a dispatch of their own, and the parameters of any node
// are a matrix with a column an output. A batch norm's scale and shift are the weights of one
// input and the biases. So the kernels of players and optimisers are the same for all nodes.
// Statistics are a matrix that no optimiser moves.
//
// Variances take two passes, since sums of squares cancel. Sums of a channel take the numbers
// of a block of samples in an order that depends on the size of workgroups alone.
//
// # Memory
//
// Two arenas hold what is kept of a layer and what a step leaves, observations among it. A third,
// which the host sees, holds the prices and moves of players that play. Push
// of another graph makes all anew and drops the recorded steps, which are recorded again when
// needed. Push of the graph that is there writes the state into the arenas, and recorded steps
// stay: no step depends on what an earlier one left behind.
//
// The function that lays out a buffer either takes from an arena or only counts, for the
// plan of the memory. So the plan cannot differ from what is allocated. Such a Push gives
// back what there was before it allocates, since both might not fit.
//
// # Where samples are
//
// All parts of the data are resident on the device, bytes as bytes, if the plan of the
// memory fits with an eighth to spare and kernels reach them (maxStorageBufferRange,
// 128 MiB on lavapipe). Else they are streamed: there are two chunks of at most 8 MiB, of at
// least one step, in memory that the host writes and the device reads. A chunk holds features
// and answers of steps in the order in which they will run, which is known ahead. While the
// device works on one chunk, up to four goroutines copy the next from the data set, which
// the host keeps once. Kernels see both as one buffer, and the order says where in it a
// sample is. Kernels, recorded steps and results are the same bits in both cases.
//
// Each sample is read once a step, so on a discrete GPU it crosses the bus once, as with a
// copy, and takes no device memory; the plan counts the chunks. A stretch begins with
// nothing to overlap, so its first chunk has a single step and each further one twice as
// many. A submission ends with its chunk. Infer is timed, so it copies samples only if
// others are there. The plan of the whole network decides, also for a resumed run. The CPU
// backend computes where the data are and refuses a choice.
//
// On llvmpipe (BenchmarkStreamed, medians in turns, two cores under a load of 8 to 14) an
// epoch of 784-25-13-10 took 0.96 and 0.98 of one with resident samples, one of
// 784-512-256-10 0.90 and 1.17: such a machine does not separate them. In seven epochs of
// the latter the device waited 1 ms in all for chunks after the first of a stretch. No GPU was
// measured.
//
// # Kernel sets
//
// The products have two sets of kernels, the same SPIR-V with other specialisation
// constants. In vec4 every invocation reads its operands: a workgroup computes a tile of
// 16 x 128 on a CPU, and of 8 x 256 on a GPU. In tiled a workgroup computes 64 x 64 with 8 x 4
// outputs an invocation, and shares 16 terms of all rows and columns at a time (8 KiB). On a GPU
// tiles of forward and output become lower, 8 x 64 at least, while a product has fewer than 128
// workgroups: large GPUs have as many processors, and a batch of 128 has 16 tiles of a layer of
// 512. None was measured. A
// matrix whose columns fill its last tile badly is cut into tiles of a single vec4 an
// invocation where that takes less. A device runs a set if its workgroups are no larger than
// maxComputeWorkGroupInvocations and maxComputeWorkGroupSize and share at most
// maxComputeSharedMemorySize. A CPU takes vec4: on llvmpipe the set with shared memory took
// 3.3 times as long at 784-512-256-10 (testdata/timings). A GPU takes tiled, by reasoning:
// none was measured. In both sets every output is one sum in the order of its
// terms, and sums over samples go by blocks. Tiles of images are as low as their channels
// allow, but tiled has no fewer than 32 rows: for fewer filters it takes the tile of vec4 where that
// computes less. The same seed, device and kernels give
// the same bits; other kernels may differ by rounding. The last terms are filled up with
// zeros on both sides, which change no sum.
//
// # Views
//
// A view may look at the players from another goroutine, on the same device: Beside opens it
// once more, and Show leaves participations and worths in the view's own buffers, by a kernel.
// So the view needs none of the engine's, which come and go with Push, and nothing comes to the
// host.
//
// # Checks
//
// lavapipe clips accesses out of bounds, so parity cannot see them. make bounds runs every
// kernel under GPU-assisted validation, with a VkBuffer for each buffer
// (compute.SeparateBuffers), because the layer measures against whole VkBuffers. Every call
// that can fail is made to fail once with each result that it can have, by a loader that
// injects them. Each ends in an error that names the call and its kind, and nothing leaks, by
// our count and by the validation layer's.
package gpu
