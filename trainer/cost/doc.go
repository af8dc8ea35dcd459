// Package cost says what a network takes (players, parameters, multiply-accumulates,
// microseconds), which target a run has, and how time follows from widths.
//
// # Target and cost
//
// Target and cost are apart. The target is a budget B of a resource. A round may take
// B + (A-B)(1-t)^3 of it, where A is what the dense network takes and t the fraction of
// the game that has passed. In the end the network takes at most B; of players exactly B.
// A budget that the smallest network, two players a layer, does not meet is refused
// before anything is written.
//
// # The model of latencies
//
// The time is T = base + sum a_l m_l + sum b_l n_l over the nodes with parameters, with
// m_l multiply-accumulates for n_l numbers; see [Model]. Networks are timed with their batch
// norms folded, so the times of these nodes are those of their outputs only. Where steps predict better, a node
// takes the steps that its units (neurons, or channels) exceed: 32 apart, more in nodes
// wider than 512, alike in all nodes. No coefficient is below zero. Nodes that do the same
// work in the initial network share their coefficients: a residual network has more nodes
// than parts are timed. The model is fitted to the medians of 48 parts of the
// initial network, timed in turns on the engine before the training. Whether it has steps
// is decided by cross-validation: each eighth of the parts is predicted from the others.
//
// On llvmpipe, beside other work, steps brought the error of one measurement (root mean
// square) from 10 to 5 %. On a virtual machine that does nothing else, whose neighbours
// disturb it, it is 3 to 5 % with one thread of OpenBLAS, and 6 to 8 with two; with four
// turns in place of sixteen it was 12 to 22. Errors are in result.json, beside what was
// measured at the end. The players of a layer cost on average at least a
// hundredth of those of the most expensive layer, since no measurement separates a
// hundredth from zero. Checkpoints hold the model, so a resumed run has the same prices.
// Another run repeats the bits only with the same model (--latency-model).
package cost
