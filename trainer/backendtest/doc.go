// Package backendtest is the suite that every backend must pass. It compares a
// candidate with a reference that computes in float64, tensor by tensor, from identical
// state. For each tensor it says how much of the rounding bound the largest difference
// took. Tests run it over every backend, and a command can print it; so it does not
// import testing.
//
// # Bounds
//
// Bounds follow the arithmetic: gamma_n times the sum of magnitudes for a sum of n
// products, plus the errors of operands passed on. A rectifier whose input is within
// its bound of zero may go either way, and is counted so. No bound is a bare relative
// error. Trajectories of 20 steps contain no removals and stay within 1 % of the way
// that they go.
//
// The suite compares the reference with outputs, gradients and contributions of the
// evaluator of package network, and with losses, moments and updates that it
// computes itself, so that an error that two backends share is seen. The reference is also held to central
// differences, closed forms and the identity <dL/dtheta, theta> = s dL/ds. Package game
// is the reference of the game's updates: it gets the device's own inputs widened to
// float64 and makes one update. Of players that move one at a time every move of a sweep is
// checked, since the states between them are known.
package backendtest
