// Package cpufallback trains on the CPU, with the matrix products of the system's
// OpenBLAS where there is one, or with gonum's. It is registered as the driver
// "cpu" and computes in float32; [OpenOracle] opens the same code in float64 with
// gonum, against which every backend is checked.
//
// # Order of sums
//
// The same seed gives the same bits with any number of processors: work is cut
// into chunks of fixed size, and sums over chunks are taken in their order.
// Evaluation always takes 128 samples at a time, since gonum's products add in
// another order at other sizes.
//
// Host tensors are [out, in], as files are. The theta of a player is then one
// contiguous row, and gonum's products skip the zeros that the rectifier makes when
// derivatives come first: 7.8 ms against 12.3 ms for the five products of
// 784-512-256 at batch 128.
//
// # Vectors
//
// Work number by number (rectifier, contributions, optimisers) is a call on slices:
// plain loops, and where the processor has AVX2 assembly for eight numbers at a time,
// which needs no C compiler. Both round every product before they add it, so they
// give the same bits; a test compares them. The float64 instance has the loops. On
// one thread of an AMD EPYC, Adam takes 0.2 ms instead of 1.1 ms at 784-512-256-10.
// The derivatives of 512 rectifiers of 128 samples take 0.01 ms instead of 0.3 ms:
// branches on unpredictable signs are what costs.
//
// Batch norms take their sums in float64, as eight sums of every eighth number.
//
// # Convolutions
//
// In float32 on amd64 with AVX2 and FMA convolutions are direct: sixteen samples (with
// AVX-512, else eight) lie in the lanes of vectors, in frames with margins of zeros. Then
// every output of a tile reads whole aligned vectors at the same offsets from its position,
// whatever the width of images, the padding and the stride, and no column is written. A tile
// is four filters by six positions (three), whose sums stay in registers. The derivative of
// the inputs is the same loop over the derivative of the outputs, once for each place of the
// stride. The gradient of a tile of weights is a loop over positions, after which lanes are
// added up. On a Xeon with AVX-512 both loops reach more than four fifths of the highest rate
// in resnet20, where OpenBLAS reached a sixth on products that small.
//
// What decides is the processor and the number of samples: columns and a product for each
// sample remain in float64, without kernels, and for fewer samples than half the lanes, as
// one timed inference has. A sum of products starts from the bias and adds them in the order
// of the weights, so outputs and derivatives have the same bits with both sets of kernels,
// but other bits than with columns; gradients differ in the order of samples.
//
// # OpenBLAS
//
// The library is opened at run time through purego, also in builds without cgo, which
// on Linux are then linked to libc dynamically. It computes on the calling thread.
// Products are cut here into tiles of 128 x 128, so the same library gives the same
// bits with any number of processors, and no second pool of threads competes with
// ours. OpenBLAS is a device (cpu:0, and gonum cpu:1) and not a setting, so that
// devices, parity and a run's result name it like any other.
//
// # Memory
//
// Each worker, of at most eight, has frames of sixteen samples of the largest inputs and
// outputs of a convolution. They, packed weights and gradients in tiles are shared by all
// convolutions, which compute one after the other. Offsets, two for each product of an
// output, are not counted: they are below a hundredth of the activations.
//
// Push lays activations out where those before lay, if there is room. It lets go of the
// parameters, moments and players before it allocates others. The garbage collector frees
// them.
//
// Sums over samples are taken for 1,024 players at a time, from u and not from the
// output. With a million players statistics take 1 % of a step (9 % before; processor time).
//
// # Highest rates
//
// The gauge multiplies and adds in registers. On amd64 that is a loop in assembly,
// AVX2 or AVX-512, since Go makes no vectors; elsewhere there is none. For the memory
// it copies in each thread: 32 MiB a thread and buffer, at least 128 MiB in all, at
// most 1.5 GiB and an eighth of the available memory. That is more than last caches
// hold. Devices that are one processor with different libraries share one gauge.
package cpufallback
