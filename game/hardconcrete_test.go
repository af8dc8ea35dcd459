package game_test

import (
	"math"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

// differenceStep makes central differences err by about a sixth of its square times third
// derivatives, which are below 5 here, and by roundings of 2e-16 over it: 1e-10 together.
const differenceStep = 1e-5

// TestGateSlopeIsADerivative holds ds/dlog alpha, which is given s alone, to central
// differences of the gate with u held.
func TestGateSlopeIsADerivative(t *testing.T) {
	inside, cutOff := 0, 0
	for a := -3.; a <= 3; a += 0.25 {
		for u := 0.02; u < 1; u += 0.02 {
			at := func(a float64) float64 { return game.LogAlpha(a).Gate(u) }
			low, s, high := at(a-differenceStep), at(a), at(a+differenceStep)
			if (low == 0) != (high == 0) || (low == 1) != (high == 1) {
				continue // a kink lies in between
			}
			if s > 0 && s < 1 {
				inside++
			} else {
				cutOff++
			}
			if got, want := game.GateSlope(s), (high-low)/(2*differenceStep); math.Abs(got-want) > 1e-9 {
				t.Errorf("log alpha %g, u %g: %g, want %g", a, u, got, want)
			}
		}
	}
	if inside < 100 || cutOff < 100 {
		t.Errorf("only %d gates were inside and %d cut off", inside, cutOff)
	}
}

// TestOpenSlopeIsADerivative by central differences; far out it is not negative.
func TestOpenSlopeIsADerivative(t *testing.T) {
	for a := -9.; a <= 9; a += 0.25 {
		got := game.LogAlpha(a).OpenSlope()
		want := (game.LogAlpha(a+differenceStep).Open() - game.LogAlpha(a-differenceStep).Open()) / (2 * differenceStep)
		if math.Abs(got-want) > 1e-9 || got <= 0 {
			t.Errorf("log alpha %g: %g, want %g", a, got, want)
		}
	}
	for _, a := range []float64{-1e3, 1e3} {
		if got := game.LogAlpha(a).OpenSlope(); !(got >= 0 && got < 1e-300) {
			t.Errorf("log alpha %g: %g", a, got)
		}
	}
}

// TestOpenIsHowOftenGatesAreOpen: a gate is open exactly where u is above 1 - P, and the gate
// without noise is the one of u = 1/2 with the temperature 1.
func TestOpenIsHowOftenGatesAreOpen(t *testing.T) {
	for _, a := range []float64{-5, -1.5, 0, 0.7, 4} {
		gate := game.LogAlpha(a)
		edge := 1 - gate.Open()
		if gate.Gate(edge*(1-1e-6)) != 0 || gate.Gate(edge*(1+1e-6)) <= 0 {
			t.Errorf("log alpha %g: gates do not open at u = %g", a, edge)
		}
		if got, want := gate.TestGate(), game.LogAlpha(a*game.ConcreteBeta).Gate(0.5); math.Abs(got-want) > 1e-15 {
			t.Errorf("log alpha %g: without noise %g, want %g", a, got, want)
		}
	}
	if s := game.LogAlpha(0).TestGate(); math.Abs(s-0.5) > 1e-15 {
		t.Errorf("at 0 the gate without noise is %g", s)
	}
	// With the numbers that engines draw: binomial, and five standard deviations are allowed.
	const draws = 20000
	for _, a := range []float64{-3, 0, 1} {
		stream, open := random.New(1, random.Gating, 0, 0), 0
		for range draws {
			if game.LogAlpha(a).Gate(stream.Inner()) > 0 {
				open++
			}
		}
		p := game.LogAlpha(a).Open()
		if math.Abs(float64(open)-draws*p) > 5*math.Sqrt(draws*p*(1-p)) {
			t.Errorf("log alpha %g: %d of %d are open, want %g", a, open, draws, draws*p)
		}
	}
}

// TestAscendGatesClimbsTheUtility: log alpha moves by the rate times the derivative of the
// utility of the drawn gate, less what being open costs, by central differences of
// the utility written out term by term.
func TestAscendGatesClimbsTheUtility(t *testing.T) {
	const rate, price, u, newU = 0.3, -0.2, 0.55, 0.35
	for seed, g := range games() {
		l := randomLayer(uint64(seed), 9, 4)
		gates := game.Gates{}
		for i := range l.participation {
			a := float64(i)/2 - 2
			gates.LogAlpha, gates.Price = append(gates.LogAlpha, a), append(gates.Price, price*float64(i%2))
			l.participation[i] = game.LogAlpha(a).Gate(u)
		}
		free := g
		free.Gamma = 0
		var want []float64
		for i, a := range gates.LogAlpha {
			value := func(a float64) float64 {
				return l.utility(free, i, game.LogAlpha(a).Gate(u)) - (g.Gamma+gates.Price[i])*game.LogAlpha(a).Open()
			}
			want = append(want, a+rate*(value(a+differenceStep)-value(a-differenceStep))/(2*differenceStep))
		}
		moved := append([]float64{}, l.participation...)
		all := make([]float64, len(moved))
		for i := range all {
			all[i] = newU
		}
		g.AscendGates(l.field(), moved, gates, all, rate)
		for i, a := range gates.LogAlpha {
			if math.Abs(a-want[i]) > 1e-7 {
				t.Errorf("%+v player %d: log alpha is %g, want %g", g, i, a, want[i])
			}
			if moved[i] != game.LogAlpha(a).Gate(newU) {
				t.Errorf("%+v player %d: %g is not drawn after the move", g, i, moved[i])
			}
		}
	}
}
