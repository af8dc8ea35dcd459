// Package session trains one network on its way through a plan: warm-up, rounds of a
// game or of rankings with removals, and the tail.
//
// # Position
//
// A training is a pure function of its position: the number of completed steps, the
// engine's state and the ledgers. The plan gives for any step the learning rate, the
// order of samples and the next round. A checkpoint may therefore be taken after any
// step, and a resumed run has the same bits.
//
// Phases are fractions of the run (--warm-up 0.1 --game-share 0.4), so a shorter run is
// the same run at a smaller scale. The settings are those of our prototypes and were
// confirmed on MNIST's validation split (testdata/mnist/README.md).
//
// # Rounds
//
// In a round the device observes the players: their interactions, and the moments of what
// nodes read that read players. Package game looks for the price in float64, and the
// device's players move at each price that it tries. The losers are removed, and the nodes
// that read them take over what the others predict of them (package compensation): on the
// host, in a state that is pulled and pushed. A round in which all may stay does nothing.
// A default run has forty rounds.
//
// For every 32 samples trained on since the last round a round observes one, at least 256 and at
// most 1024 in all. Each costs two thirds of a step's products, 2 % in all.
// Where fewer than 8,192 samples lie between two rounds it is more: up to half of what is
// trained where they are a few hundred. Class weights and smoothing belong to the loss and
// have no part in contributions to the outputs.
//
// One round in four is checked. Where gates have markets of their own, the round in which the
// demand comes to its end is checked, too. A check plays the round twice more, on other samples, if
// there are enough. It says how far the play is from equilibrium, beside what samples explain. When the market has closed, bids and asks compare the network with and without
// players (package evidence).
//
// A plan of no epochs has its rounds one after the other, without steps between them: only a
// trained network is worth that. They observe 1024 samples, and no bids and asks follow.
//
// # A drop of accuracy
//
// --max-accuracy-drop lets the demand fall along the schedule, down to two players a
// layer. A round holds the demand where the accuracy on the validation part is below the
// best of the rounds before by more than a part of the drop allows. Rounds have one
// learning rate, so they compare with each other. The final network is compared with the
// dense one where there is a baseline.
//
// # Weight decay
//
// Decay is for weights, not for biases; clipping comes before it. AdamW's decay pauses
// while players are removed, in rankings as in the market. What other optimisers add to
// gradients is part of the loss and stays.
//
// # Evaluation
//
// Test samples are evaluated once, after a training. Epochs are evaluated on the training
// part and, where it exists, on the validation part. With --evaluate-on validation the
// test part is never evaluated, so settings can be chosen without it. (Infer times its
// first 128 inputs and reads no label.)
//
// Early stopping compares epochs in which the network trained after the market had closed, since
// networks of different widths do not compare, and one that was just cut is no result. It compares
// the loss that is trained: without its smoothing and weights another network would be the best.
// The best network is part of the checkpoint.
//
// # Rankings
//
// --game ranking has the market's calendar, removal, folding, restart and tail. It has
// no utilities, so no prices, no voluntary removals and no certificate. Its rounds pull
// the network or measure statistics over the whole training part; a ledger keeps scores
// where the market keeps worths. The criterion outputs observes the samples of a market's
// round, so it is the market without participations. The criterion obs is a backward
// elimination by the moments of the same samples, see [compensation.Eliminate]. Over the whole network the winners
// are those of game.Allocate, where all pay the same or, by --cost or a budget of
// --max-params or --max-macs, what a player takes of that resource. Random scores belong to a player from the
// start, so rounds agree. The criterion participation plays the paper's game until the
// last round. Gates under an L1 penalty are that game with the descent of the loss as
// benefit, g by s theta, and gamma as the only cost: s <- clip(s - rate (dL/ds + gamma), 0, 1).
//
// With --update hard-concrete participations are gates that are drawn in every step, see
// game.LogAlpha. Before a removal noise ends: participations become the gates without noise, and
// players are ranked by the probability that their gate is open, which orders as those do
// and has no ties. Until then epochs are evaluated with the gates as they were drawn last. With
// --multiplier-rate the host moves Lagrange's multipliers of the sparsity every 16 steps of the
// training, wherever a stretch or a process ends, and sets the prices of gates.
//
// With --group-lasso the norms of players shrink while the market is open. The proximal
// steps are on the host, every 16 steps of the training, so no engine has to know them.
package session
