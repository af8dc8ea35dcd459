package game

// Valuation says what a player of the market is worth, by the mean square m of its
// contribution c, the derivative with respect to s of one sample's loss or, by
// [Outputs], of one of its outputs. The empty valuation is [Effective].
type Valuation string

const (
	// Effective takes contributions to the loss: the worth h = s^2 m is, to second order,
	// what the network would lose of the player as it is. A falling player's worth falls
	// with it, so that it tips and is removed.
	Effective Valuation = "effective"
	// Outputs takes contributions to the outputs: c is the derivative of a logit less the
	// mean of the logits, the mean being over the logits, too. The cross-entropy of K
	// equal logits has the second derivative 1/K (I - 11^T/K), so h/2 is what removing
	// the player would cost, to second order, if the network were undecided about every
	// sample. Where it is sure of nearly all, the loss's own derivatives vanish with the
	// errors and say little about which players carry the outputs. Class weights and
	// smoothing belong to the loss, and have no part in it. In regression c^2 is twice
	// the square of the derivative of an output, and h/2 is the mean squared change of
	// the outputs.
	Outputs Valuation = "outputs"
)
