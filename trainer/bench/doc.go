// Package bench measures how long training takes: on every device beside the
// others, dense networks beside pruned ones, with the game and without, beside
// the highest rates of the device, and how times grow.
//
// All that is compared takes turns, so that a machine that slows down for a
// while slows all of it, and has a median and quartiles over the turns.
//
// # Highest rates
//
// Ceilings come from loops that do nothing else: multiply-adds in registers, and a
// copy (vkCmdCopyBuffer on Vulkan, as a kernel that copies is slow on llvmpipe). On
// llvmpipe three vectors of fma fit the registers; four do not. The loops take
// turns of 50 ms with what is measured. The best turn is the ceiling, since other work
// only slows a loop down; a step's median is given as a fraction of it. Where more was
// reached than the ceiling there is no fraction: bytes then came from caches, or other
// work slowed down every turn of the loop.
//
// # The share of the game
//
// The share of the game is a round, spread over the steps between two rounds of a
// default run. It includes everything that the game does in it: the observation of the
// players, the search for prices, the moves, and compensation. The price clears half of the
// players, but of every gate one alone is removed. The first network is pushed back before
// more players have left than make no difference, which does not count. What a run records to
// explain itself is not included: checks on other samples, bids and asks, metrics,
// checkpoints.
package bench
