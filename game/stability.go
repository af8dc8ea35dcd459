package game

// A state is stable when best responses lead back to it: the Jacobian of the map from
// participations to best responses has a spectral radius, the largest magnitude of its
// eigenvalues, below 1. With a damping d an eigenvalue e of the map becomes 1 - d + d e
// of a round's move, so a real eigenvalue below 1 (and above 1 - 2/d) dies out with any
// damping, and one above 1 grows.
//
// What a gradient is taken of depends on what is held fixed. Here it is what a
// device holds fixed while players move: in the market the mean squares of their
// contributions, in the paper's game <g, theta> and theta itself. What a move does to
// these through the network is not in the map; training brings it before the
// next round.
//
// A round of the market goes from the participations s and the mean squares m of a layer
// to worths h_i = s_i^2 m_i, to the price p that clears the demand, the worth of the best
// loser k, and from that to best responses. Where h_i > p and s_i > 0,
//
//	ds*_i/ds_i = 2 p / (h_i s_i),   ds*_i/ds_k = -2 p / (h_i s_k)
//
// and everything else is zero: losers stay at zero under any small change, and so does the
// one that sets the price. Its own row being zero, column k adds nothing to the
// eigenvalues: they are the diagonal, the [Account.Feedback] of each player. Of equal worths
// the lower position wins, as in [ClearingPrice]; the derivatives are those on that side of
// the tie.
//
// At a fixed point 1 - p/h = s, so the diagonal is 2(1-s)/s: a player is stable
// above a participation of 2/3 and tips below it, the further it falls the faster.

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

// Supply returns the participation that players of the given worths offer at the
// price, the sum of their best responses.
func (m Market) Supply(worths []float64) float64 {
	supply := 0.
	for _, worth := range worths {
		supply += m.BestResponse(worth)
	}
	return supply
}
