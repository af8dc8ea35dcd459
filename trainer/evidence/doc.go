// Package evidence computes what a run says about itself: the rounding bound of a
// removal, the effect of putting removed players back, the certificate, bids and asks, and
// spectra.
//
// # Removal
//
// Every run compares the gated network of full width, in which every removed player has a
// gate of zero, with the compacted one, on all samples that it is evaluated on. Their
// logits must agree within the rounding bound of each sample. The bound passes errors
// through an activation by its largest slope. Where the activation is not ReLU, which is
// exact, it adds 8 float32 units of |z| + |activation(z)|.
//
// # Put-back
//
// A removed player is put back alone, with full participation, its weights, and its
// neighbours' weights for it at its removal: into the network of the round of its removal,
// without all players removed in that round, and into the network after the last round,
// which has trained on. The first is the fair comparison with the price: the network has
// not adapted to the removal, and the price is that round's. The result is the fall of the
// training loss on up to 500 samples of the validation part or, without one, spread evenly
// over the training part. It is computed in float64 on the host: forward once, then from
// the player's layer upwards for each player. All that is kept is one network of full width
// with each player as it last was; checkpoints hold it until the market closes.
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
// With G markets each interval misses with the probability 0.05/G, so that all hold together
// with 95 %. "Holds" says that the selected pair has no gain. A pair that was not selected may
// have one below the noise of repeat 0.
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
