package game

import "math"

// LogAlpha is the location log alpha of a gate's hard concrete distribution (Louizos,
// Welling and Kingma, arXiv:1712.01312, section 2.2). The gate is drawn with a number u that
// is uniform between 0 and 1:
//
//	s = clip(sigmoid((log u - log(1-u) + log alpha) / beta) (zeta - gamma) + gamma, 0, 1)
//
// The constants are those of the paper.
type LogAlpha float64

const (
	ConcreteBeta  = 2. / 3 // beta, the temperature
	ConcreteGamma = -0.1   // the ends of the distribution before it is cut off
	ConcreteZeta  = 1.1
)

// Gate returns the gate that u draws, 0 < u < 1.
func (a LogAlpha) Gate(u float64) float64 {
	return stretch((math.Log(u) - math.Log1p(-u) + float64(a)) / ConcreteBeta)
}

// TestGate returns the gate without noise, which is used when the training of gates has ended:
// clip(sigmoid(log alpha) (zeta - gamma) + gamma, 0, 1).
func (a LogAlpha) TestGate() float64 { return stretch(float64(a)) }

// Open returns the probability that a drawn gate is above zero,
// sigmoid(log alpha - beta log(-gamma/zeta)).
func (a LogAlpha) Open() float64 {
	return sigmoid(float64(a) - ConcreteBeta*math.Log(-ConcreteGamma/ConcreteZeta))
}

// OpenSlope returns the derivative of Open with respect to log alpha, P (1 - P).
func (a LogAlpha) OpenSlope() float64 {
	open := a.Open()
	return open * (1 - open)
}

// GateSlope returns ds/dlog alpha of a gate that was drawn to be s, whatever u was: with
// q = (s - gamma)/(zeta - gamma) it is (zeta - gamma) q (1 - q) / beta, and zero where the
// gate is cut off at 0 or 1.
func GateSlope(s float64) float64 {
	if s <= 0 || s >= 1 {
		return 0
	}
	q := (s - ConcreteGamma) / (ConcreteZeta - ConcreteGamma)
	return (ConcreteZeta - ConcreteGamma) * q * (1 - q) / ConcreteBeta
}

func stretch(x float64) float64 {
	return clip(sigmoid(x)*(ConcreteZeta-ConcreteGamma) + ConcreteGamma)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Gates is what is known of the hard concrete gates of a layer, one number a player.
type Gates struct {
	LogAlpha []float64
	Price    []float64 // of the probability that the gate is open, besides gamma; of any sign
}

// AscendGates moves the locations of all gates by a step of gradient ascent, and draws each
// gate anew with its number of u. The probability P that a gate is open takes the place of
// |s| in the linear cost of the game:
//
//	log alpha <- log alpha + rate (dU/ds ds/dlog alpha - (gamma + price) dP/dlog alpha)
//
// where dU/ds is that of the game with gamma = 0. With the descent of the loss for a benefit,
// gamma is lambda of arXiv:1712.01312.
func (g Paper) AscendGates(f Field, participation []float64, gates Gates, u []float64, rate float64) {
	free := g
	free.Gamma = 0
	terms := free.terms(f)
	for i, s := range participation {
		a := &gates.LogAlpha[i]
		*a += rate * (terms.slope(i, s)*GateSlope(s) - (g.Gamma+gates.Price[i])*LogAlpha(*a).OpenSlope())
		participation[i] = LogAlpha(*a).Gate(u[i])
	}
}
