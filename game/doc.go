// Package game is pruning as a game, as mathematics on plain slices: players,
// utilities, best responses, prices, departures and certificates, in float64.
// It knows no network, no device and no file, and it is the oracle of every
// device that plays the game.
//
// A player is a group of parameters theta_i, for example a neuron's weights and
// bias. Its strategy is its participation s_i in [0, 1]: the network computes
// with s_i*theta_i. A player whose participation falls to zero is gone.
//
// Two games are here. [Paper] is the game of arXiv:2512.22106: benefits from the
// gradient less the costs of size, participation and rivals. [Market] is the
// default of this project: participation has a worth, the information that the
// loss carries about it, and a price that clears the demand of a layer. A
// [Ledger] runs the market of one layer, round by round, and keeps for every
// player what it was worth, what it would have paid, and why it left. A
// [Certificate] says how far a state is from equilibrium.
package game
