// Package game is pruning as a game, as mathematics on plain slices: players,
// utilities, best responses, prices, removals and certificates, in float64. It
// knows no network, no device and no file. It is the reference of every device
// that plays the game.
//
// A player is a group of parameters theta_i, for example a neuron's weights and
// bias. Its strategy is its participation s_i in [0, 1]: the network computes
// with s_i*theta_i. A player whose participation is zero is removed.
//
// Two games are here. [Paper] is the game of arXiv:2512.22106: benefits from the
// gradient less the costs of size, participation and competition. The market is the
// default of this project: what a player is worth depends on which rivals participate, by
// [Interactions], and a price clears the demand of a gate ([ClearLayers]). A [Ledger] keeps
// the worth, the price and the reason of each player, round by round. A [Certificate] says
// how far a state is from equilibrium. [Ledger.RankOut] removes players by a score, without
// a game. [Paper.AscendGates] draws participations anew in every step, as L0 penalties and CoFi do.
//
// # The gate
//
// A neuron's player owns its row of weights and its bias: z = s (Wx+b),
// a = activation(z). With s = 0 the neuron has no effect, so removing it changes
// nothing but the order of sums. All activations are 0 at 0 and follow the gate, so
// folding s into theta changes nothing either. Some activations have a slope at
// zero: a player at s = 0 then still has a contribution.
//
// # Contributions
//
// For a sample b of a batch of B, with the mean loss and u = Wx+b, a player's
// contribution is c_b = B dz_b u_b, the derivative of the sample's loss with respect to s.
// Then mean c = dL/ds, mean c^2 is the Fisher information along s, and
// s mean c = <dL/dtheta, theta>.
//
// By [Outputs], the default, c is the derivative along s of a logit, drawn for each
// sample, less the mean of the logits. Then E[c c^T] is the curvature of the loss of a
// network that is undecided: the second derivative of the cross-entropy of K equal logits
// is 1/K (I - 11^T/K). By [Effective], c is the derivative of the loss. That vanishes where
// the network is right, so the few samples in error decide.
//
// # The market of a round
//
// A round is a game of its own, on the network as it is: parameters are held while players
// move, and all players enter with s = 1. Let H = E[c c^T] over the samples that the round
// observes. If players participate with s instead of 1, the outputs change by
// sum_i (1 - s_i) c_i, and the loss by (1-s)^T H (1-s)/2 to second order. With a price p of
// participation all players have the potential
//
//	Phi_p(s) = -(1-s)^T H (1-s)/2 - p sum_i s_i,
//
// and each the utility U_i(s) = w_i s_i - H_ii s_i^2/2 - p s_i, where the worth
// w_i = H_ii + sum_{j != i} H_ij (1 - s_j) depends on what its rivals play. On MNIST 88 % of
// 1^T H 1 stands off the diagonal. A move changes Phi_p by what it changes U_i, so this is
// an exact potential game. Phi_p is strictly concave with the [Ridge], so there is one
// equilibrium. The conditions of optimality at two prices give
// (p - p') (sum s(p) - sum s(p')) <= 0: supply falls continuously with the price, and some
// price clears every demand in units of participation. The demand of a network is a number
// of players; the price is one at which so many participate, see [ClearLayers]. Players move
// one at a time, which never lowers Phi_p.
//
// Where the game holds theta, and why: a rectifier allows (s, theta) -> (s/a, a theta) at
// equal loss and less cost. With a price above zero and free theta no equilibrium has
// participants. So theta is held while s moves, and after a round the players that stay
// participate fully again: a participation below one at the equilibrium says how much a
// player would buy at the price. Between rounds s is 0 or 1, and theta is trained.
//
// What removed players gave can be taken over by the nodes that read them: see package
// compensation. The model knows nothing of it.
//
// # One market or several
//
// By default every gate is a market of its own, with its share of the players ([Split]).
// With a cost, or with a budget as the target, all gates share one market
// ([ClearTogether]). A player of gate l then costs c_l: on average what the network
// would no longer take up without it, at the widths of the round (1; in+1+out;
// in+out; microseconds), and pays p c_l s. The potential is then
// sum_l -(1-s)^T H_l (1-s)/2 - p c^T s. Contributions to different gates do not interact:
// that a network needs both is left to training, round by round.
//
// The players of a gate may cost different amounts, c_i beside 1 ([ClearAtCosts]): each pays p c_i s_i.
// Divided by c_i, a player's utility has the same best responses and one price for the gate, so
// all of the above holds for the worths w_i / c_i, and those of the highest worth for their cost stay.
//
// The time of a device grows in steps: it works on tiles, and on llvmpipe a layer of
// 33 neurons takes as long as one of 96. Removing one player then saves nothing, and
// removing all of a step saves all. So the players behind a step stay or leave together.
//
// # Single weights
//
// Where the players are the weights of a network there are too many for interactions. H is
// taken as diagonal, so the worth of a weight is h_i whatever others play, U_i(s) = h_i (s -
// s^2/2) - p s, and it participates where h_i > p. The price that clears the demand is the
// highest worth among the losers. A selection by the bits of float32 finds it without sorting,
// see [ClearSeparable]. [Metric] says what h is. With mean c^2 for h, Fisher's, few errors
// decide. A step of Adam minimises g d + d^2 sqrt(v)/(2 rate). With its metric, m = sqrt(v),
// h/(2 rate) is what the square of that takes on the weight's way to zero. On MNIST's
// validation part Fisher's came last, and the two roots were alike (testdata/weights). A
// pattern N:M is a market a group: the N best have their places, and the others leave by one
// price as the demand falls to the places.
//
// No certificate is made of this market: given h its equilibrium is exact.
//
// In the paper's game a weight w is computed with as s w, both are kept, and w moves by
// s dL/d(s w). Its theta is one number, so <theta_i, theta_j> = w_i w_j for two weights of a
// tensor, and one sum v = sum s_j w_j gives all competitions. [PaperEnd] is how it ends.
//
// # Reasons
//
// The reason of a removal follows from one line of numbers, which is kept
// ([Record.Recompute]): the worth w, the ceiling (the highest worth whatever the others
// play), the price and the participation at the equilibrium of the round of the removal.
// [Dead]: the ceiling is 0. [Dominated]: the ceiling is no higher than the price, which is
// eq. 12 of the paper. [PricedOut]: the worth is no higher than the price. [Followed] needs no
// numbers: a part of a removed player is removed with it.
//
// # Equilibrium
//
// Two things are certified, and both can fail. Of the model: how far the last removals are
// from an equilibrium of the game with H measured afresh, see [Certificate]. Of the
// network: that no removed player would lower the loss of the network, after a short
// training, by more than a kept one does; see package evidence.
//
// Two markets are false on purpose: a [Lottery] and a [Reverse] market. They test the
// certificate, which has to refuse them.
//
// A gap of the paper's game is relative to what is realised ([Paper.Scale]). Against what full
// participation would bring, any state of small participations had a small gap.
//
// In the paper's game the spectral radius is that of the map of eq. 14 with <g, theta> and
// theta constant, without damping. Eigenvalues are computed for up to 512 players with
// inner best responses, which takes four seconds; above that none is given. With a damping
// d an eigenvalue e becomes 1 - d + d e. A test compares the Jacobian with differences.
//
// # Readings of the paper
//
// [Paper] holds the readings of what the paper leaves open: the sign of the benefit,
// and whether g is the gradient by theta or by s theta. Ascent by Adam keeps the
// moments of dU/ds, two numbers a player. Its step number is that of the optimiser,
// since players move once a step. The sum of the loss in place of its mean is an Alpha of the
// batch size. In the joint objective a player moves its theta along its utility as well as s,
// by [AddCostGradient]. With Alpha 1, Descent and OfEffective all descend on
// L + sum_i (beta |theta_i|^2 s_i^2 + gamma s_i) + eta sum_{i<j} s_i s_j <theta_i, theta_j>,
// whose slope in s_i is that of player i's own cost. Slopes are limited to [AscentLimit]. Where the loss
// rises, |dL/ds| can move players from nearly 0 to 1, and the loss can be very large
// for an epoch and recover. So a run is stopped only where numbers are not finite.
// The competition sum_{j!=i} s_j <theta_i, theta_j> is <theta_i, v> - s_i |theta_i|^2
// with v = sum_j s_j theta_j: O(N d) instead of O(N^2 d).
package game
