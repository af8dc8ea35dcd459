package game

import "math"

// Valuation says what contributions of the players of the market are taken to: c is the
// derivative with respect to s of one sample's loss or, by [Outputs], of one of its outputs.
// The empty valuation is [Effective].
type Valuation string

const (
	// Effective takes contributions to the loss: mean c^2 is, to second order, twice what
	// the loss would rise by without the player.
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
	// Lottery takes contributions to the outputs times a number that was drawn for each
	// player once, of a size from 10^-1.5 to 10^1.5. The market of it is false: chance decides.
	Lottery Valuation = "lottery"
	// Reverse takes contributions to the outputs over H_ii: who is worth least stays.
	Reverse Valuation = "reverse"
)

// Valuations lists the valuations.
var Valuations = []Valuation{Effective, Outputs, Lottery, Reverse}

// ByOutputs reports whether contributions are to the outputs.
func (v Valuation) ByOutputs() bool { return v != Effective && v != "" }

// Null reports whether a market of the valuation is false on purpose, to test certificates.
func (v Valuation) Null() bool { return v == Lottery || v == Reverse }

// Distort returns the interactions that a false market plays on, from the true ones and a
// number from 0 to 1 for each player, drawn once.
func (v Valuation) Distort(h Interactions, drawn []float64) Interactions {
	factors := make([]float64, len(drawn))
	for i, own := range h.Own() {
		switch {
		case v == Lottery:
			factors[i] = math.Pow(10, 3*drawn[i]-1.5)
		case own > 0:
			factors[i] = 1 / own
		}
	}
	return h.Scale(factors)
}
