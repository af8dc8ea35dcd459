package network_test

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// TestForwardByHand works a small network out on paper.
func TestForwardByHand(t *testing.T) {
	g := build(t, all, input(2), dense("x", 2), activation("a", network.ReLU), dense("y", 1))
	n := network.New(g)
	n.Parameters[0] = []float32{1, 2, 3, -4}
	n.Parameters[1] = []float32{0.5, 1}
	n.Parameters[2] = []float32{10, 100}
	n.Parameters[3] = []float32{7}
	n.Participations[1] = []float32{0.5, 1}
	// u = (1+2*2+0.5, 3-4*2+1) = (5.5, -4), z = (2.75, -4), a = (2.75, 0), y = 34.5.
	if got := n.Values().Forward([]float64{1, 2}, 1).Output(0)[0]; got != 34.5 {
		t.Errorf("output is %g, want 34.5", got)
	}
}

// pass is a way to compute a network.
type pass func(v *network.Values, x []float64, rows int) *network.Pass

// passes are all ways, by name.
var passes = map[string]pass{
	"evaluation": func(v *network.Values, x []float64, rows int) *network.Pass { return v.Forward(x, rows) },
	"training": func(v *network.Values, x []float64, rows int) *network.Pass {
		return v.Training(x, rows, network.Draws{Seed: 1, Step: 1}, 0, nil)
	},
}

// objective is a weighted sum of outputs, whose gradient is the weights.
func objective(forward pass, v *network.Values, x, weights []float64, rows int) float64 {
	p, sum := forward(v, x, rows), 0.
	for row := range rows {
		for k, y := range p.Output(row) {
			sum += weights[row*len(p.Output(row))+k] * y
		}
	}
	return sum
}

// TestGradients holds gradients and contributions to central differences.
func TestGradients(t *testing.T) {
	for how, forward := range passes {
		t.Run(how, func(t *testing.T) { testGradients(t, forward) })
	}
}

func testGradients(t *testing.T, forward pass) {
	const rows, h = 3, 1e-5
	for name, g := range graphs() {
		v, x := filled(g, 6).Values(), samples(g, rows, 7)
		stream, weights := random.New(8, random.Testing, 0, 0), make([]float64, rows*g.Outputs())
		for i := range weights {
			weights[i] = stream.Normal()
		}
		gradients, _ := forward(v, x, rows).Backward(weights, nil)
		check := func(what string, at *float64, got float64) {
			t.Helper()
			was := *at
			*at = was + h
			up := objective(forward, v, x, weights, rows)
			*at = was - h
			down := objective(forward, v, x, weights, rows)
			*at = was
			// The difference errs by h^2 times the third derivative, and by rounding / h.
			if want := (up - down) / (2 * h); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s: gradient of %s is %g, the difference says %g", name, what, got, want)
			}
		}
		for p, values := range v.Parameters {
			if g.Params[p].Statistic {
				if !slices.Equal(gradients.Parameters[p], make([]float64, len(values))) {
					t.Errorf("%s: %s is a statistic and has a gradient", name, g.Params[p].Name)
				}
				continue
			}
			for i := range values {
				check(g.Params[p].Name, &values[i], gradients.Parameters[p][i])
			}
		}
		for i, s := range v.Participations {
			for player := range s {
				sum := 0.
				for row := range rows {
					sum += gradients.Contributions[i][row*len(s)+player]
				}
				check("participation of "+g.Gates[i].Name, &s[player], sum)
			}
		}
		for i := range x {
			check("input", &x[i], gradients.Before[0][i])
		}
	}
}

// TestBounds compares a float32 computation with its bound, and sees that the bound is
// not idle: it is at most some thousand roundings wide.
func TestBounds(t *testing.T) {
	const rows = 20
	for name, g := range graphs() {
		n := filled(g, 9)
		x := samples(g, rows, 10)
		p := n.Values().ForwardWithin(x, rows, network.Float32Unit, nil)
		for row := range rows {
			for k, got := range networktest.Forward32(n, x[row*g.Inputs():][:g.Inputs()]) {
				d, bound := math.Abs(float64(got)-p.Output(row)[k]), p.OutputBounds(row)[k]
				if d > bound {
					t.Errorf("%s: float32 is off by %g, bound %g", name, d, bound)
				}
				if bound > 1e4*network.Float32Unit*(1+math.Abs(p.Output(row)[k])) {
					t.Errorf("%s: bound %g of output %g is too wide to see anything", name, bound, p.Output(row)[k])
				}
			}
		}
	}
}

// TestAlternatives compares them with a whole pass of the changed network.
func TestAlternatives(t *testing.T) {
	const rows = 4
	for name, g := range graphs() {
		v, x := filled(g, 11).Values(), samples(g, rows, 12)
		p := v.ForwardWithin(x, rows, network.Float32Unit, nil)
		for i, s := range v.Participations {
			a := p.Alternative(i)
			for player := range s {
				for _, to := range []float64{0, 1, s[player]} {
					was := s[player]
					s[player] = to
					want := v.ForwardWithin(x, rows, network.Float32Unit, nil)
					s[player] = was
					for row := range rows {
						for k, y := range a.Outputs(player, to, row) {
							if d := math.Abs(y - want.Output(row)[k]); d > want.OutputBounds(row)[k]*0x1p-28 {
								t.Fatalf("%s: gate %d, player %d at %g: output is %g, a pass of its own says %g", name, i, player, to, y, want.Output(row)[k])
							}
						}
					}
				}
			}
		}
	}
}
