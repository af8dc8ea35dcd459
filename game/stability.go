package game

// A state is stable when best responses lead back to it: the Jacobian of the map from
// participations to best responses has a spectral radius, the largest magnitude of its
// eigenvalues, below 1. With a damping d an eigenvalue e of the map becomes 1 - d + d e
// of a round's move, so a real eigenvalue below 1 (and above 1 - 2/d) dies out with any
// damping, and one above 1 grows.
//
// What a gradient is taken of depends on what is held fixed. In the paper's game it is
// what a device holds fixed while players move: <g, theta> and theta itself. The market
// needs no such analysis: its moves raise a potential that has one maximum.

// Jacobian returns the Jacobian of the best responses of eq. 14 for the players of
// one layer, given their inner products <theta_i, theta_j>, one row a player. For a
// best response strictly between its ends it is
//
//	ds*_i/ds_j = -eta <theta_i, theta_j> / (2 beta |theta_i|^2),   j != i
//
// and zero elsewhere: no best response depends on the player's own participation, and one
// that is clipped to 0 or 1 stays there under any small change. Without a quadratic cost
// every best response is at an end.
func (g Paper) Jacobian(f Field, products []float64) []float64 {
	n := len(f.Gradient)
	jacobian := make([]float64, n*n)
	for i := range n {
		if s := g.BestResponse(f, i); s <= 0 || s >= 1 {
			continue
		}
		for j := range n {
			if j != i {
				jacobian[i*n+j] = -g.Eta * products[i*n+j] / (2 * g.Beta * f.SquaredNorm[i])
			}
		}
	}
	return jacobian
}
