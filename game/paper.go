package game

import "math"

// Benefit is a reading of eq. 9 of arXiv:2512.22106, B_i = alpha s_i <g_i, theta_i>
// with g_i = dL/dtheta_i. The sign decides what a player is rewarded for, and
// the paper leaves it open.
type Benefit string

const (
	// Printed takes eq. 9 as it stands: it rewards a player whose growth would
	// raise the loss.
	Printed Benefit = "printed"
	// Descent takes -<g_i, theta_i>: it rewards a player whose growth would
	// lower the loss.
	Descent Benefit = "descent"
	// Absolute takes |<g_i, theta_i>|: it rewards a player that the loss is
	// sensitive to, either way.
	Absolute Benefit = "absolute"
)

// Benefits lists the readings.
var Benefits = []Benefit{Printed, Descent, Absolute}

// BenefitGradient is a reading of g_i in eq. 9. The network computes with
// s_i theta_i, and the paper does not say which of the two g_i is the gradient with
// respect to.
type BenefitGradient string

const (
	// OfTheta takes <dL/dtheta_i, theta_i> = s_i dL/ds_i. It fades with the
	// participation.
	OfTheta BenefitGradient = "theta"
	// OfEffective takes <dL/d(s_i theta_i), theta_i> = dL/ds_i, so that alpha s_i times
	// it is the first-order change of the loss that the player makes.
	OfEffective BenefitGradient = "effective"
)

// BenefitGradients lists the readings.
var BenefitGradients = []BenefitGradient{OfTheta, OfEffective}

// Paper is the game of arXiv:2512.22106. The utility of player i is
//
//	U_i = B_i - C_i                                                      (eq. 8)
//	B_i = alpha s_i b_i                                                  (eq. 9)
//	C_i = beta |theta_i|^2 s_i^2 + gamma |s_i| + eta s_i r_i             (eq. 10)
//
// where b_i is <g_i, theta_i> in one of its readings and
// r_i = sum over j != i of s_j <theta_i, theta_j> is the competition. All four
// weights are at least zero; the zero value is a game in which nothing matters.
type Paper struct {
	Benefit  Benefit         // empty means Printed
	Gradient BenefitGradient // empty means OfTheta
	Alpha    float64         // weight of the benefit
	Beta     float64         // weight of the quadratic cost of size
	Gamma    float64         // weight of the linear cost of participation
	Eta      float64         // weight of the competition
}

// GradientOf returns <g_i, theta_i> as the game reads it, for a player of
// participation s and the given dL/ds.
func (g Paper) GradientOf(s, slope float64) float64 {
	if g.Gradient == OfEffective {
		return slope
	}
	return s * slope
}

// Field is what the utilities of one layer's players depend on besides their
// own strategies. All slices have one number a player.
type Field struct {
	Gradient    []float64 // <g_i, theta_i>, as Paper.GradientOf reads it
	SquaredNorm []float64 // |theta_i|^2
	Competition []float64 // sum over j != i of s_j <theta_i, theta_j>; nil means none
}

// BenefitOf returns B_i when player i plays s (eq. 9).
func (g Paper) BenefitOf(f Field, i int, s float64) float64 {
	terms := g.terms(f)
	return terms.benefit(i) * s
}

// CostOf returns C_i when player i plays s and all others stay (eq. 10).
func (g Paper) CostOf(f Field, i int, s float64) float64 {
	terms := g.terms(f)
	return terms.linearCost(i)*s + g.Beta*f.SquaredNorm[i]*s*s
}

// Utility returns U_i when player i plays s and all others stay (eq. 8).
func (g Paper) Utility(f Field, i int, s float64) float64 {
	return g.BenefitOf(f, i, s) - g.CostOf(f, i, s)
}

// Slope returns dU_i/ds_i at s (eq. 13 and 18). At s = 0 it is the derivative
// from the right, the only one inside the strategy set, so gamma counts there.
func (g Paper) Slope(f Field, i int, s float64) float64 {
	terms := g.terms(f)
	return terms.slope(i, s)
}

// terms are those of the utilities of a layer's players, with what the players share worked out
// once: where each weight is a player, they take most of the time of a move.
type terms struct {
	Field
	alpha, gamma, eta, curvature float64
	absolute                     bool
}

func (g Paper) terms(f Field) terms {
	alpha := g.Alpha
	if g.Benefit == Descent {
		alpha = -alpha
	}
	return terms{Field: f, alpha: alpha, gamma: g.Gamma, eta: g.Eta, curvature: 2 * g.Beta, absolute: g.Benefit == Absolute}
}

// benefit returns the benefit of one unit of participation.
func (t *terms) benefit(i int) float64 {
	b := t.Gradient[i]
	if t.absolute {
		b = math.Abs(b)
	}
	return t.alpha * b
}

// linearCost returns gamma + eta r_i, the linear cost of one unit of participation.
func (t *terms) linearCost(i int) float64 {
	if t.Competition == nil {
		return t.gamma
	}
	return t.gamma + t.eta*t.Competition[i]
}

func (t *terms) slope(i int, s float64) float64 {
	return t.benefit(i) - t.linearCost(i) - t.curvature*t.SquaredNorm[i]*s
}

// BestResponse returns the strategy that maximises U_i while all others stay
// (eq. 14). Without a quadratic cost the utility is linear: the answer is then
// one if the slope is positive and zero otherwise.
func (g Paper) BestResponse(f Field, i int) float64 {
	slope, curvature := g.Slope(f, i, 0), 2*g.Beta*f.SquaredNorm[i]
	switch {
	case slope <= 0:
		return 0
	case slope >= curvature:
		return 1
	default:
		return slope / curvature
	}
}

// Dominated reports whether zero is strictly better for player i than every
// other strategy (eq. 12), which is the condition of eq. 15.
func (g Paper) Dominated(f Field, i int) bool {
	slope := g.Slope(f, i, 0)
	return slope < 0 || slope == 0 && g.Beta*f.SquaredNorm[i] > 0
}

// Gap returns what player i would gain by playing its best response instead of
// s while all others stay. It is never negative, and zero for all players
// exactly at a Nash equilibrium (eq. 11).
func (g Paper) Gap(f Field, i int, s float64) float64 {
	return max(0, g.Utility(f, i, g.BestResponse(f, i))-g.Utility(f, i, s))
}

// Scale returns the size of what player i realises, |B_i| + |C_i|, at s or at its best
// response, whichever is larger. A gap is small against it or not: it is at most twice the
// scale, about the scale for a player at zero that should play, and the same for
// participations near zero as for large ones. It has the unit of the utilities.
func (g Paper) Scale(f Field, i int, s float64) float64 {
	realised := func(s float64) float64 { return math.Abs(g.BenefitOf(f, i, s)) + math.Abs(g.CostOf(f, i, s)) }
	return max(realised(s), realised(g.BestResponse(f, i)))
}

// Ascend moves all participations at once by one step of projected gradient
// ascent, s <- Proj[0,1](s + rate dU/ds) (Algorithm 1).
func (g Paper) Ascend(f Field, participation []float64, rate float64) {
	terms := g.terms(f)
	for i, s := range participation {
		participation[i] = clip(s + rate*terms.slope(i, s))
	}
}

// The constants of [Paper.AscendAdam], as the authors of Adam recommend.
const (
	AscentBeta1   = 0.9
	AscentBeta2   = 0.999
	AscentEpsilon = 1e-8
)

// AscentLimit is the steepest slope that [Paper.AscendAdam] takes, since the second moment
// may be kept in float32: that holds no square of a slope above 2^64, from which no
// later one recovers. A step does not depend on the unit of its slopes, so what is cut off
// is only how much steeper one was than those of other steps.
const AscentLimit = 1 << 62

// Moments are those of the slopes dU/ds that [Paper.AscendAdam] keeps, one number a
// player. They start at zero.
type Moments struct{ First, Second []float64 }

// AscendAdam moves all participations at once by step number t, from 1, of
// projected ascent by Adam (arXiv:1412.6980, algorithm 1), and the moments m and v
// with them: with d = dU/ds, between -[AscentLimit] and AscentLimit,
//
//	m <- b1 m + (1 - b1) d,  v <- b2 v + (1 - b2) d^2
//	s <- Proj[0,1](s + rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon))
func (g Paper) AscendAdam(f Field, participation []float64, moments Moments, t int, rate float64) {
	first, second := 1-math.Pow(AscentBeta1, float64(t)), 1-math.Pow(AscentBeta2, float64(t))
	terms := g.terms(f)
	for i, s := range participation {
		slope := min(max(terms.slope(i, s), -AscentLimit), AscentLimit)
		m, v := &moments.First[i], &moments.Second[i]
		*m += (1 - AscentBeta1) * (slope - *m)
		*v += (1 - AscentBeta2) * (slope*slope - *v)
		participation[i] = clip(s + rate*(*m/first)/(math.Sqrt(*v/second)+AscentEpsilon))
	}
}

// Respond moves all participations at once towards their best responses,
// s <- s + damping (s* - s), with 0 < damping <= 1.
func (g Paper) Respond(f Field, participation []float64, damping float64) {
	for i, s := range participation {
		participation[i] = s + damping*(g.BestResponse(f, i)-s)
	}
}

func clip(s float64) float64 { return min(max(s, 0), 1) }

// Competition returns r_i = sum over j != i of s_j <theta_i, theta_j> for all
// players of a layer, in time proportional to the size of theta: with
// v = sum over j of s_j theta_j it is <theta_i, v> - s_i |theta_i|^2. Theta has one
// row a player. Inner products add up over parts of theta, so a layer's weights
// and biases may be given one after the other and the results added.
func Competition[T float32 | float64](theta []T, participation []T) []float64 {
	players := len(participation)
	competition := make([]float64, players)
	if players == 0 {
		return competition
	}
	v := mixture(theta, participation)
	width := len(v)
	for i, s := range participation {
		var withAll, withItself float64
		for k, t := range theta[i*width : (i+1)*width] {
			withAll += float64(t) * v[k]
			withItself += float64(t) * float64(t)
		}
		competition[i] = withAll - float64(s)*withItself
	}
	return competition
}

// mixture returns v = sum over j of s_j theta_j, of at least one player.
func mixture[T float32 | float64](theta []T, participation []T) []float64 {
	width := len(theta) / len(participation)
	v := make([]float64, width)
	for j, s := range participation {
		for k, t := range theta[j*width : (j+1)*width] {
			v[k] += float64(s) * float64(t)
		}
	}
	return v
}

// AddCostGradient adds dC_i/dtheta_i of all players to a gradient with respect to theta, of
// its shape: with v = sum over j of s_j theta_j
//
//	dC_i/dtheta_i = s_i (2 beta s_i theta_i + eta sum over j != i of s_j theta_j)
//	              = s_i ((2 beta - eta) s_i theta_i + eta v)
//
// Theta has one row a player, in parts as for [Competition].
func AddCostGradient[T float32 | float64](gradient []T, g Paper, theta, participation []T) {
	if len(participation) == 0 {
		return
	}
	v := make([]float64, len(theta)/len(participation))
	if g.Eta != 0 {
		v = mixture(theta, participation)
	}
	width := len(v)
	for i, s := range participation {
		own := (2*g.Beta - g.Eta) * float64(s)
		for k, t := range theta[i*width : (i+1)*width] {
			gradient[i*width+k] += T(float64(s) * (own*float64(t) + g.Eta*v[k]))
		}
	}
}

// PaperThreshold is the paper's eps, the participation below which a player is removed at
// the end.
const PaperThreshold = 0.01
