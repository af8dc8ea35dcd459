package compensation

import (
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

const rows = 50 // samples that are observed

// observe returns what the readers of a network read of random samples, and its moments, in
// plain loops.
func observe(n *network.Network) (inputs [][][]float64, moments []backend.InputMoments) {
	draw := random.New(3, random.Testing, 0, 0)
	samples := make([]float64, rows*n.Graph.Inputs())
	for i := range samples {
		samples[i] = draw.Normal()
	}
	pass := n.Values().Forward(samples, rows)
	for _, reader := range n.Graph.Readers() {
		from := n.Graph.Nodes[reader].In[0]
		width := n.Graph.Nodes[from].Shape.Size()
		m := backend.InputMoments{Node: reader, Mean: make([]float64, width), Square: make([]float64, width*width)}
		var read [][]float64
		for row := range rows {
			x := pass.After[from][row*width:][:width]
			read = append(read, x)
			for i := range x {
				m.Mean[i] += x[i] / rows
				for j := range x {
					m.Square[i*width+j] += x[i] * x[j] / rows
				}
			}
		}
		inputs, moments = append(inputs, read), append(moments, m)
	}
	return inputs, moments
}

// apply returns the network whose readers took over what a cut removes.
func apply(t *testing.T, kind Kind, n *network.Network, cut *network.Cut, moments []backend.InputMoments) *network.Network {
	t.Helper()
	changed := n.Clone()
	if err := Apply(kind, changed, cut, moments); err != nil {
		t.Fatal(err)
	}
	return changed
}

func cutOf(t *testing.T, n *network.Network, keep network.Survivors) *network.Cut {
	t.Helper()
	cut, err := n.Graph.Cut(keep)
	if err != nil {
		t.Fatal(err)
	}
	return cut
}

// meanSquare is the mean square of by how much a reader's affine part, with the inputs that a
// cut keeps, differs from that of the network before, with all of them.
func meanSquare(before, after *network.Network, cut *network.Cut, reader int, inputs [][]float64) float64 {
	params := before.Graph.Nodes[reader].Params
	kept, width := cut.Params[params[0]][1], len(inputs[0])
	total := 0.
	for _, x := range inputs {
		for o, bias := range before.Parameters[params[1]] {
			d := float64(after.Parameters[params[1]][o]) - float64(bias)
			for i := range x {
				d -= float64(before.Parameters[params[0]][o*width+i]) * x[i]
			}
			for _, i := range kept {
				d += float64(after.Parameters[params[0]][o*width+i]) * x[i]
			}
			total += d * d
		}
	}
	return total / float64(len(inputs))
}

// hidden is a network 3-width-2 of an activation with random parameters and full
// participation.
func hidden(a network.Activation, width int) *network.Network {
	n := networktest.Random(networktest.PerceptronOf(a, 3, width, 2))
	for i := range n.Participations[0] {
		n.Participations[0][i] = 1
	}
	return n
}

// setUnit gives a hidden unit other weights and another bias.
func setUnit(n *network.Network, unit int, bias float32, weights ...float32) {
	copy(n.Parameters[0][3*unit:], weights)
	n.Parameters[1][unit] = bias
}

// float32Noise is more than the float32 rounding of weights and biases of some units, squared:
// each is off by 2^-24 of itself, and there are a dozen of them.
const float32Noise = 1e-11

// TestConstantUnitsAreExact: units whose output is constant go into the biases, be it zero or
// not, with their covariances or without.
func TestConstantUnitsAreExact(t *testing.T) {
	for _, kind := range []Kind{Mean, Full} {
		n := hidden(network.Tanh, 5)
		setUnit(n, 1, 1, 0, 0, 0)
		setUnit(n, 4, -0.5, 0, 0, 0)
		inputs, moments := observe(n)
		cut := cutOf(t, n, network.Survivors{{0, 2, 3}})
		after := apply(t, kind, n, cut, moments)
		if got, none := meanSquare(n, after, cut, moments[0].Node, inputs[0]), meanSquare(n, n, cut, moments[0].Node, inputs[0]); got > float32Noise || none < 1e-3 {
			t.Errorf("%s: mean square %g, and %g without", kind, got, none)
		}
		for o := range 2 {
			want := float64(n.Parameters[3][o]) + float64(n.Parameters[2][5*o+1])*math.Tanh(1) + float64(n.Parameters[2][5*o+4])*math.Tanh(-0.5)
			if got := float64(after.Parameters[3][o]); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s: bias %d is %g, want %g", kind, o, got, want)
			}
		}
	}
	// A rectifier of a negative bias gives zero, and nothing is to be taken over.
	n := hidden(network.ReLU, 4)
	setUnit(n, 2, -3, 0, 0, 0)
	_, moments := observe(n)
	after := apply(t, Full, n, cutOf(t, n, network.Survivors{{0, 1, 3}}), moments)
	for p, v := range n.Parameters {
		if !slices.Equal(after.Parameters[p], v) {
			t.Errorf("a dead unit changes parameter %d: %v, was %v", p, after.Parameters[p], v)
		}
	}
}

// TestLinearCombinations: what is linear in the other units is taken over but for the ridge.
// The solution is the minimum of the mean square plus r |m|^2, so with the right coefficients
// a the mean square is at most r |a|^2, r the ridge times the mean variance.
func TestLinearCombinations(t *testing.T) {
	for name, coefficients := range map[string][]float64{"duplicate": {1, 0, 0}, "negative": {0, -2, 0}, "combination": {0.5, -1, 0.25}} {
		n := hidden(network.ReLU, 4)
		for i := range n.Parameters[1] {
			n.Parameters[1][i] = 20 // far above zero, where a rectifier is linear
		}
		for i := range 3 {
			sum := 0.
			for k, a := range coefficients {
				sum += a * float64(n.Parameters[0][3*k+i])
			}
			n.Parameters[0][3*3+i] = float32(sum)
		}
		inputs, moments := observe(n)
		cut := cutOf(t, n, network.Survivors{{0, 1, 2}})
		m := moments[0]
		size, variance, out := 0., 0., 0.
		for k, a := range coefficients {
			size += a * a
			variance += (m.Square[5*k] - m.Mean[k]*m.Mean[k]) / 3 // of 4 x 4, on the diagonal
		}
		for o := range 2 {
			w := float64(n.Parameters[2][4*o+3])
			out += w * w
		}
		none := meanSquare(n, n, cut, m.Node, inputs[0])
		bound := Ridge * variance * size * out
		if got := meanSquare(n, apply(t, Full, n, cut, moments), cut, m.Node, inputs[0]); got > bound+float32Noise || bound > none/4 {
			t.Errorf("%s: mean square %g, at most %g; %g without", name, got, bound, none)
		}
	}
}

// TestOneKeptUnit has a closed form: the slope is cov(x_K, x_D) / (var(x_K) (1 + ridge)).
func TestOneKeptUnit(t *testing.T) {
	n := hidden(network.ReLU, 2)
	inputs, moments := observe(n)
	after := apply(t, Full, n, cutOf(t, n, network.Survivors{{1}}), moments)
	var covariance, variance float64
	mean := moments[0].Mean
	for _, x := range inputs[0] {
		covariance += (x[0] - mean[0]) * (x[1] - mean[1])
		variance += (x[1] - mean[1]) * (x[1] - mean[1])
	}
	slope := covariance / (variance * (1 + Ridge))
	for o := range 2 {
		dropped := float64(n.Parameters[2][2*o])
		for at, want := range map[*float32]float64{
			&after.Parameters[2][2*o+1]: float64(n.Parameters[2][2*o+1]) + dropped*slope,
			&after.Parameters[3][o]:     float64(n.Parameters[3][o]) + dropped*(mean[0]-slope*mean[1]),
		} {
			if math.Abs(float64(*at)-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("output %d: %g, want %g", o, *at, want)
			}
		}
	}
}

// solve returns the solution of a x = b by elimination with pivots.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	for c := range n {
		pivot := c
		for r := c; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[pivot][c]) {
				pivot = r
			}
		}
		a[c], a[pivot], b[c], b[pivot] = a[pivot], a[c], b[pivot], b[c]
		for r := range n {
			if r != c {
				f := a[r][c] / a[c][c]
				for k := range n {
					a[r][k] -= f * a[c][k]
				}
				b[r] -= f * b[c]
			}
		}
	}
	for c := range n {
		b[c] /= a[c][c]
	}
	return b
}

// TestEveryGraph compares, for every kind of graph, with normal equations of centred samples.
// In mean square full compensation is no worse than that by means, and that no worse than
// none: the least squares are those of the samples, and m = 0 is a choice.
func TestEveryGraph(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		n := networktest.Random(networktest.Build(nodes...))
		keep := make(network.Survivors, len(n.Gates))
		for gate, g := range n.Gates {
			keep[gate] = slices.DeleteFunc(network.Indices(g.Players), func(i int) bool { return i%3 == 1 })
		}
		inputs, moments := observe(n)
		cut := cutOf(t, n, keep)
		mean, full := apply(t, Mean, n, cut, moments), apply(t, Full, n, cut, moments)
		for r, m := range moments {
			none := meanSquare(n, n, cut, m.Node, inputs[r])
			byMean, byFull := meanSquare(n, mean, cut, m.Node, inputs[r]), meanSquare(n, full, cut, m.Node, inputs[r])
			if byFull > byMean+float32Noise || byMean > none+float32Noise {
				t.Errorf("%s, node %d: mean square %g in full, %g by means, %g by none", name, m.Node, byFull, byMean, none)
			}
			compareWithNormalEquations(t, name, n, full, cut, m, inputs[r])
		}
	}
}

func compareWithNormalEquations(t *testing.T, name string, n, full *network.Network, cut *network.Cut, m backend.InputMoments, inputs [][]float64) {
	t.Helper()
	params, width := n.Graph.Nodes[m.Node].Params, len(m.Mean)
	kept := cut.Params[params[0]][1]
	product := func(u, v func(x []float64) float64) (sum float64) {
		for _, x := range inputs {
			sum += u(x) * v(x) / rows
		}
		return sum
	}
	centred := func(i int) func([]float64) float64 { return func(x []float64) float64 { return x[i] - m.Mean[i] } }
	for o, bias := range n.Parameters[params[1]] {
		row := n.Parameters[params[0]][o*width:][:width]
		dropped, constant := func(x []float64) (sum float64) { // what the removed inputs give, centred
			for i := range x {
				if !slices.Contains(kept, i) {
					sum += float64(row[i]) * (x[i] - m.Mean[i])
				}
			}
			return sum
		}, float64(bias)
		for i := range row {
			if !slices.Contains(kept, i) {
				constant += float64(row[i]) * m.Mean[i]
			}
		}
		var a [][]float64
		var b []float64
		trace := 0.
		for _, i := range kept {
			var line []float64
			for _, j := range kept {
				line = append(line, product(centred(i), centred(j)))
			}
			a, b, trace = append(a, line), append(b, product(centred(i), dropped)), trace+product(centred(i), centred(i))
		}
		for k := range a {
			a[k][k] += Ridge * trace / float64(len(kept))
		}
		slopes := solve(a, b)
		for k, i := range kept {
			constant -= slopes[k] * m.Mean[i]
			if got, want := float64(full.Parameters[params[0]][o*width+i]), float64(row[i])+slopes[k]; math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s, node %d: weight %d,%d is %g, want %g", name, m.Node, o, i, got, want)
			}
		}
		if got := float64(full.Parameters[params[1]][o]); math.Abs(got-constant) > 1e-6*(1+math.Abs(constant)) {
			t.Errorf("%s, node %d: bias %d is %g, want %g", name, m.Node, o, got, constant)
		}
	}
}

// TestFallsBackToMeans: without second moments, with no input kept, and where no kept input
// varies, the means alone are taken over.
func TestFallsBackToMeans(t *testing.T) {
	constant := hidden(network.Tanh, 3)
	setUnit(constant, 0, 1, 0, 0, 0)
	for name, c := range map[string]struct {
		n    *network.Network
		keep []int
		bare bool
	}{
		"no second moments": {hidden(network.ReLU, 4), []int{0, 3}, true},
		"an empty keep":     {hidden(network.ReLU, 4), []int{}, false},
		"a constant input":  {constant, []int{0}, false},
	} {
		_, moments := observe(c.n)
		if c.bare {
			moments[0].Square = nil
		}
		cut := cutOf(t, c.n, network.Survivors{c.keep})
		mean, full := apply(t, Mean, c.n, cut, moments), apply(t, Full, c.n, cut, moments)
		for o := range 2 {
			want := float64(c.n.Parameters[3][o])
			for i, x := range moments[0].Mean {
				if !slices.Contains(c.keep, i) {
					want += float64(c.n.Parameters[2][o*len(moments[0].Mean)+i]) * x
				}
			}
			if got := float64(mean.Parameters[3][o]); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s: bias %d is %g, want %g", name, o, got, want)
			}
		}
		for p := range mean.Parameters {
			if p != 3 && !slices.Equal(mean.Parameters[p], c.n.Parameters[p]) || !slices.Equal(full.Parameters[p], mean.Parameters[p]) {
				t.Errorf("%s: parameter %d is %v in full and %v by means", name, p, full.Parameters[p], mean.Parameters[p])
			}
		}
	}
}

// TestNothingToTakeOver: by none, and where all stay, no bit changes.
func TestNothingToTakeOver(t *testing.T) {
	n := hidden(network.ReLU, 4)
	_, moments := observe(n)
	for _, after := range []*network.Network{
		apply(t, None, n, cutOf(t, n, network.Survivors{{0, 2}}), moments),
		apply(t, Full, n, cutOf(t, n, network.Survivors{{0, 1, 2, 3}}), moments),
	} {
		for p, v := range n.Parameters {
			if !slices.Equal(after.Parameters[p], v) {
				t.Errorf("parameter %d is %v, was %v", p, after.Parameters[p], v)
			}
		}
	}
}

// foreign is a dense layer of another kind.
type foreign struct{ *network.Dense }

func (foreign) Kind() network.Kind { return "attention" }

// TestOtherReaders: a reader that is not dense has an error with its name and what to do, but
// where nothing is taken over.
func TestOtherReaders(t *testing.T) {
	n := hidden(network.ReLU, 4)
	_, moments := observe(n)
	cut := cutOf(t, n, network.Survivors{{0, 2}})
	node := &n.Graph.Nodes[moments[0].Node]
	node.Op = foreign{node.Op.(*network.Dense)}
	if err := Apply(None, n, cut, moments); err != nil {
		t.Error(err)
	}
	for _, kind := range []Kind{Mean, Full} {
		err := Apply(kind, n, cut, moments)
		if err == nil || !strings.Contains(err.Error(), node.Name) || !strings.Contains(err.Error(), "attention") || !strings.Contains(err.Error(), "try --compensate none") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
