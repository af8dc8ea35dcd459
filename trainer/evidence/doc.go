// Package evidence computes what a run says about itself: the rounding bound of a
// removal, the certificate, bids and asks, and spectra.
//
// # Removal
//
// Every run compares the gated network of full width, in which every removed player has a
// gate of zero, with the compacted one, on all samples that it is evaluated on. Their
// logits must agree within the rounding bound of each sample. The bound passes errors
// through an activation by its largest slope. Where the activation is not ReLU, which is
// exact, it adds 8 float32 units of |z| + |activation(z)|.
//
// # Bids and asks
//
// [BidAsk] tests the set S of kept players as an equilibrium of the real game, in which
// V(S) is minus the held-out loss after a short refit. It needs Push, Train and Evaluate
// alone. All networks of a repeat are refitted on the same batches, so their losses are
// compared sample by sample.
//
// The highest bid and the lowest ask are selected on one half of the samples, and confirmed
// on the other half with other batches. The halves are drawn at random. The interval of
// their difference holds the variance over samples and that over batches, see [record.BidAsk].
// With G markets each interval misses with the probability 0.05/(G+1), so that all hold
// together with 95 %, that over a constant included. "Holds" says that the selected pair has
// no gain. Another pair may still have a gain that is smaller than the noise of repeat 0.
//
// If V has the submodularity ratio g (arXiv:1102.3975), then the bids of a set T add up to
// at least g [V(S and T) - V(S)]. If V is monotone too, then V(T) <= V(S) + K max(bid, 0)/g
// for any T of the size K of S. The ratio is measured on pairs of removed players that bid.
// That is a sample, and no minimum over all sets.
//
// # Spectra
//
// The spectral radius of the best responses is explained in package game. Condition
// numbers are those of diag(s) W, by the eigenvalues of the smaller product with its
// transpose in float64. Their relative error is n k^2 2^-53 for a condition number k, so
// above a million none is given, and none where the shorter side exceeds 1024. For
// 784-512-256-10 they take a tenth of a second before the first removal.
package evidence
