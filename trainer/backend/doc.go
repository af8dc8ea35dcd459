// Package backend is the contract between training and devices: [Driver], [Device] and
// [Engine], their options, the registry, memory plans, typed errors and exit codes.
//
// # Stretches
//
// An engine holds the network, its players and the samples (or a view of them that moves
// on) on one device. It is asked for whole stretches of work, never for single
// operations. A stretch ends at the next round or the end of an epoch, after 64 steps at
// most, to show progress. The host sends nothing within a stretch.
//
// Play returns the participations, so that removals are decided by what the device's
// players really do. Measure and Infer exist for rankings, the paper's certificate and
// latencies. An engine neither removes nor folds players: the host cuts or folds a pulled
// state and pushes the rest. An engine opens at a state, so memory is laid out once.
// Host tensors are [out, in], as files are, so that the parameters of a player are one
// contiguous row; a device may store weights as it likes.
//
// # Optional parts
//
// A driver may implement three more interfaces. [Planner] works out the memory of an engine
// before it exists. [Gauger] opens a gauge of the highest rates of a device in loops that
// only multiply and add, or only copy. [KernelChooser] lists the sets of kernels that a
// device can compute with. The chosen set is part of the [Device] value.
//
// # Losses
//
// Class weights multiply losses and do not divide by their sum in the batch, so that the
// contribution of a sample does not depend on its neighbours. Evaluations report the plain
// loss, so that networks that were trained differently compare.
//
// # Output samples
//
// With worths by the outputs, a random output of each sample is differentiated instead of
// the loss; see package game.
package backend
