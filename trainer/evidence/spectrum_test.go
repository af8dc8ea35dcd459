package evidence

import (
	"math"
	"testing"

	"nashprune/game"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

func TestSpectralRadius(t *testing.T) {
	for name, c := range map[string]struct {
		matrix []float64
		rows   int
		want   float64
	}{
		"nothing":     {nil, 0, 0},
		"zero":        {make([]float64, 9), 3, 0},
		"diagonal":    {[]float64{0.5, 0, 0, -0.75}, 2, 0.75},
		"rotation":    {[]float64{0, -2, 2, 0}, 2, 2}, // a complex pair
		"triangular":  {[]float64{0.5, 100, 0, 0.25}, 2, 0.5},
		"two against": {[]float64{0, -3, -3, 0}, 2, 3},
		"zero row":    {[]float64{0, 0, 0, 7, 0.5, 0, 9, 0, 0.25}, 3, 0.5},
	} {
		// An eigenvalue of a well-conditioned problem of two rows.
		if got, found := spectralRadius(c.matrix, c.rows); !found || math.Abs(got-c.want) > 1e-14 {
			t.Errorf("%s: %g, %v, want %g", name, got, found, c.want)
		}
	}
}

// TestConditionNumber has matrices with known singular values: a diagonal between two
// reflections 1 - 2vv^T, wide and tall, gated, and such that have none.
func TestConditionNumber(t *testing.T) {
	reflection := func(n int) []float64 {
		draw := random.New(uint64(n), random.Testing, 6, 0)
		v, norm := make([]float64, n), 0.
		for i := range v {
			v[i] = draw.Normal()
			norm += v[i] * v[i]
		}
		q := make([]float64, n*n)
		for i := range n {
			for j := range n {
				q[i*n+j] = -2 * v[i] * v[j] / norm
			}
			q[i*n+i]++
		}
		return q
	}
	for _, size := range [][2]int{{5, 9}, {9, 5}, {7, 7}, {1, 3}, {3, 1}} {
		out, in := size[0], size[1]
		left, right := reflection(out), reflection(in)
		weight, participation := make([]float32, in*out), []float32{}
		side := min(in, out)
		for i := range out {
			participation = append(participation, 1/float32(i+1))
			for j := range in {
				sum := 0.
				for k := range side { // singular values 2^0 to 2^(side-1)
					sum += left[i*out+k] * math.Ldexp(1, k) * right[k*in+j]
				}
				weight[i*in+j] = float32(sum * float64(i+1)) // which the gate takes back
			}
		}
		// Weights are rounded to float32, each relative to the largest singular value.
		want := math.Ldexp(1, side-1)
		if got := conditionNumber(weight, out, in, participation); got == nil || math.Abs(*got-want) > 1e-5*want*want {
			t.Errorf("%d by %d: %v, want %g", out, in, got, want)
		}
		if side > 1 {
			participation[0] = 0
			if got := conditionNumber(weight, out, in, participation); out <= in && got != nil {
				t.Errorf("%d by %d with a dead player: %g", out, in, *got)
			}
		}
	}
	for _, size := range [][2]int{{0, 3}, {3, 0}} {
		if got := conditionNumber(nil, size[0], size[1], nil); got != nil {
			t.Errorf("%v: %g", size, *got)
		}
	}
}

// TestConditionNumberOfManyRemoved has few players left of many, as the paper's game
// does, and few whose copies all others are: the numbers are above the limit. The
// eigenvalues of gonum 0.17 panic on the first.
func TestConditionNumberOfManyRemoved(t *testing.T) {
	for name, change := range map[string]func(n *network.Network, i int){
		"removed": func(n *network.Network, i int) { n.Participations[0][i] = 0 },
		"faint":   func(n *network.Network, i int) { n.Participations[0][i] = 1e-40 },
		"copies": func(n *network.Network, i int) {
			copy(n.Parameters[0][i*784:][:784], n.Parameters[0][i%16*784:])
		},
	} {
		n := networktest.Perceptron(784, 512, 10)
		if err := n.Initialise(network.He, 1); err != nil {
			t.Fatal(err)
		}
		for i := range 512 {
			if i%16 != 0 || name == "copies" {
				change(n, i)
			}
		}
		numbers := ConditionNumbers(n)
		if numbers[0] != nil {
			t.Errorf("%s: condition number %g", name, *numbers[0])
		}
		if len(numbers) != 2 || numbers[1] == nil { // the output has no gate
			t.Errorf("%s: the output's condition number is %v", name, numbers[1])
		}
	}
}

// TestConditionNumberOfFaintLayers: where all players are faint alike the number is that
// of the same layer at full size.
func TestConditionNumberOfFaintLayers(t *testing.T) {
	for _, size := range [][2]int{{40, 20}, {20, 40}} {
		n := networktest.Random(networktest.Perceptron(size[1], size[0], 3).Graph)
		want := ConditionNumbers(n)[0]
		for i := range n.Participations[0] {
			n.Participations[0][i] *= 0x1p-110
		}
		for i := range n.Parameters[0] {
			n.Parameters[0][i] *= 0x1p-110
		}
		if got := ConditionNumbers(n)[0]; want == nil || got == nil || *got != *want { // powers of two round nothing
			t.Errorf("%v: %v, want %v", size, got, want)
		}
	}
}

// TestPaperRadiusOfInsiders: players whose best response is clipped change nothing,
// so that the radius of the others alone is that of the whole matrix.
func TestPaperRadiusOfInsiders(t *testing.T) {
	draw := random.New(6, random.Testing, 0, 0)
	g := game.Paper{Benefit: game.Printed, Alpha: 1, Beta: 0.5, Gamma: 0.1, Eta: 0.3}
	const players, inputs = 9, 3
	n := networktest.Perceptron(inputs, players, 2)
	for i := range n.Parameters[0] {
		n.Parameters[0][i] = float32(draw.Normal())
	}
	var f game.Field
	all := theta(n, 0)
	products := innerProducts(all)
	inside := 0
	for i := range players {
		f.SquaredNorm = append(f.SquaredNorm, products[i*players+i])
		f.Competition = append(f.Competition, 0)
		f.Gradient = append(f.Gradient, f.SquaredNorm[i]*(1.5*draw.Float64()-0.2))
		if s := g.BestResponse(f, i); s > 0 && s < 1 {
			inside++
		}
	}
	if inside < 3 || inside == players {
		t.Fatalf("%d of %d inside: the test shows little", inside, players)
	}
	want, _ := spectralRadius(g.Jacobian(f, products), players)
	if got := paperRadius(g, f, all); got == nil || math.Abs(*got-want) > 1e-12*want { // eigenvalues of the same matrix
		t.Errorf("%v, want %g", got, want)
	}
}
