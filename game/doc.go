// Package game is pruning as a game, as mathematics on plain slices: players,
// utilities, best responses, prices, removals and certificates, in float64. It
// knows no network, no device and no file. It is the reference of every device
// that plays the game.
//
// A player is a group of parameters theta_i, for example a neuron's weights and
// bias. Its strategy is its participation s_i in [0, 1]: the network computes
// with s_i*theta_i. A player whose participation falls below [Gone] is removed.
//
// Two games are here. [Paper] is the game of arXiv:2512.22106: benefits from the
// gradient less the costs of size, participation and competition. [Market] is the
// default of this project: participation has a worth, the information that the
// outputs or the loss carry about it, and a price that clears the demand of a
// layer. A [Ledger] runs the market of one layer, round by round, and keeps the
// worth, the price and the reason of each player. A [Certificate] says how far a
// state is from equilibrium. [Ledger.RankOut] removes players by a score, without
// a game.
//
// # The gate
//
// A neuron's player owns its row of weights and its bias: z = s (Wx+b),
// a = activation(z). With s = 0 the neuron has no effect, so removing it changes
// nothing but the order of sums. All activations are 0 at 0 and follow the gate, so
// folding s into theta changes nothing either. Some activations have a slope at
// zero: a player at s = 0 then still has a contribution. Its worth, s^2 times that,
// is zero, so it stays at zero.
//
// # Contributions
//
// For a sample b of a batch of B, with the mean loss and u = Wx+b, a player's
// contribution is c_b = B dz_b u_b. Then mean c = dL/ds, mean c^2 is the Fisher
// information along s, and s mean c = <dL/dtheta, theta>. A worth is s^2 mean c^2:
// to second order what the network would lose without the player as it is.
//
// By [Outputs], the default, c is the derivative along s of a logit, drawn for each
// sample, less the mean of the logits. Then mean c^2 is the curvature of the loss of
// a network that is undecided: the second derivative of the cross-entropy of K equal
// logits is 1/K (I - 11^T/K). By [Effective], c is the derivative of the loss. That
// vanishes where the network is right, so the few samples in error decide. On MNIST
// both have the same accuracy. Players removed as dominated were put back: by
// Outputs 99 to 100 % of them lower the loss by less than their price, by Effective
// 86 to 95 % (testdata/mnist/README.md). Prices by Outputs are those of an undecided
// network, so this asks less of a network that is sure.
//
// # One market or several
//
// By default every layer is a market of its own, with its share of the players
// ([Split]). With a cost, or with a budget as the target, all layers share one market
// ([ClearTogether]). A player of layer l then costs c_l: on average what the network
// would no longer take up without it, at the widths of the round (1; in+1+out;
// in+out; microseconds). Its utility is -h/2 (1-s)^2 - p c_l s. Players win in the
// order of h/c until the first that does not fit; its h/c is the price p. A round
// thus gives a demand and a price for each layer in both cases, and devices, ledgers
// and certificates need not know which. A layer keeps at least [LeastPerLayer]
// players. Where p would remove these, the layer pays its own clearing price. Costs
// are constant while players move, so the eigenvalues of the map remain the players'
// own feedbacks; a test compares them with differences.
//
// The time of a device grows in steps: it works on tiles, and on llvmpipe a layer of
// 33 neurons takes as long as one of 96. Removing one player then saves nothing, and
// removing all of a step saves all. So where costs come in steps, players win in
// bundles with the players behind the same step: the concave hull of a layer's worths
// over its costs, by pooling neighbours. A bundle that does not fit closes its layer.
// The players of that layer pay its own clearing price, since no price per
// microsecond divides what cannot be divided; the other layers continue. Where all
// players of a layer cost the same there are no bundles.
//
// # Reasons
//
// Reasons follow from the moves that were made. [Dominated]: zero was the best
// response in every round since the player last gained participation. [PricedOut]:
// it wanted some participation in between. [Forced]: the last round had to meet the
// demand. [BelowThreshold] exists in the paper's game only, where zero did not
// dominate.
//
// # Equilibrium
//
// An equilibrium is claimed only where the gains of all players add up to less than
// [EquilibriumBound] of what is at stake. Otherwise the gap is reported, and that
// none is claimed. The player with the largest gain is named.
//
// The spectral radius is that of the map which a round plays, without its damping. In
// the market the map goes from participations to worths s^2 mean c^2, to the price
// that clears the demand, to best responses; the mean squares are constant, as a
// device holds them while players move. In the paper's game it is eq. 14 with
// <g, theta> and theta constant. The effect of a move on contributions through the
// network is not in the map, since no player of a round sees it. The market's
// eigenvalues are its diagonal, 2p/(h s) for each player with h > p. At a fixed point
// that is 2(1-s)/s: a player is unstable below s = 2/3. Eigenvalues of the paper's
// game are computed for up to 512 players with inner best responses, which takes four
// seconds; above that none is given. With a damping d an eigenvalue e becomes
// 1 - d + d e. Tests compare both Jacobians with differences of the maps.
//
// # Readings of the paper
//
// [Paper] holds the readings of what the paper leaves open: the sign of the benefit,
// and whether g is the gradient by theta or by s theta. Ascent by Adam keeps the
// moments of dU/ds, two numbers a player. Its step number is that of the optimiser,
// since players move once a step. Slopes are limited to [AscentLimit]. Where the loss
// rises, |dL/ds| can move players from nearly 0 to 1, and the loss can be very large
// for an epoch and recover. So a run is stopped only where numbers are not finite.
// The competition sum_{j!=i} s_j <theta_i, theta_j> is <theta_i, v> - s_i |theta_i|^2
// with v = sum_j s_j theta_j: O(N d) instead of O(N^2 d).
package game
