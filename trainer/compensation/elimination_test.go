package compensation_test

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// reading returns a network of one hidden layer whose only reader has the given weights, and
// moments of the reader's inputs with a covariance.
func reading(weights [][]float64, covariance func(i, j int) float64) (*network.Network, []backend.InputMoments) {
	units, outputs := len(weights[0]), len(weights)
	n := networktest.Perceptron(2, units, outputs)
	m := backend.InputMoments{Node: n.Graph.Readers()[0], Mean: make([]float64, units), Square: make([]float64, units*units)}
	for o, row := range weights {
		for i, w := range row {
			n.Parameters[2][o*units+i] = float32(w)
		}
	}
	for i := range units {
		m.Mean[i] = float64(i) - 1
	}
	for i := range units {
		for j := range units {
			m.Square[i*units+j] = covariance(i, j) + m.Mean[i]*m.Mean[j]
		}
	}
	return n, []backend.InputMoments{m}
}

// TestUnitsWithoutCovariance: a unit that no other predicts costs |W_i|^2 times its variance,
// with the ridge.
func TestUnitsWithoutCovariance(t *testing.T) {
	variances := []float64{4, 1, 0, 2}
	n, m := reading([][]float64{{1, 2, 5, -3}, {-2, 0.5, 0, 4}}, func(i, j int) float64 {
		if i != j {
			return 0
		}
		return variances[i]
	})
	ridge := compensation.Ridge * 7 / 4
	for i, norm := range []float64{5, 4.25, 25, 25} {
		if got, want := compensation.Eliminate(n, 0, m)[i], norm*(variances[i]+ridge); math.Abs(got-want) > 1e-12*want {
			t.Errorf("unit %d costs %g, want %g", i, got, want)
		}
	}
}

// TestIdenticalUnits: the first of two identical units costs about nothing, w^2 v r (2+r)/(1+r)
// with a ridge r v beside the variance v, and the second what both give.
func TestIdenticalUnits(t *testing.T) {
	const v, a, b, r = 3., 2., 5., compensation.Ridge
	n, m := reading([][]float64{{a, b}}, func(int, int) float64 { return v })
	scores := compensation.Eliminate(n, 0, m)
	first := a * a * v * r * (2 + r) / (1 + r)
	second := math.Pow(b+a/(1+r), 2) * v * (1 + r)
	if math.Abs(scores[0]-first) > 1e-12*first || math.Abs(scores[1]-second) > 1e-12*second {
		t.Errorf("%v, want %g and %g", scores, first, second)
	}
	// Without a reader's weights nothing is missed, and ties go in order.
	n, m = reading([][]float64{{0, 0, 0}}, func(i, j int) float64 { return v })
	if scores := compensation.Eliminate(n, 0, m); scores[0] != 0 || scores[1] <= 0 || scores[2] <= scores[1] || scores[2] > 1e-300 {
		t.Errorf("%v", scores)
	}
	// Nor where no input varies.
	n, m = reading([][]float64{{1, 2, 3}}, func(int, int) float64 { return 0 })
	if scores := compensation.Eliminate(n, 0, m); scores[2] > 1e-300 {
		t.Errorf("%v", scores)
	}
}

// lost returns the mean square, with the ridge, of what the best refit loses of weights whose
// inputs are removed but for some: with the others' weights W_D it is
// tr W_D (C_DD - C_DK C_KK^-1 C_KD) W_D^T.
func lost(weights, covariance *mat.Dense, kept []int) float64 {
	outputs, units := weights.Dims()
	var removed []int
	for i := range units {
		if !slices.Contains(kept, i) {
			removed = append(removed, i)
		}
	}
	choose := func(of mat.Matrix, rows, columns []int) *mat.Dense {
		chosen := mat.NewDense(len(rows), len(columns), nil)
		for a, i := range rows {
			for b, j := range columns {
				chosen.Set(a, b, of.At(i, j))
			}
		}
		return chosen
	}
	residual := choose(covariance, removed, removed)
	if len(kept) > 0 {
		var predicted, explained mat.Dense
		across := choose(covariance, kept, removed)
		if err := predicted.Solve(choose(covariance, kept, kept), across); err != nil {
			panic(err)
		}
		explained.Mul(across.T(), &predicted)
		residual.Sub(residual, &explained)
	}
	gone := choose(weights, network.Indices(outputs), removed)
	var half, all mat.Dense
	half.Mul(gone, residual)
	all.Mul(&half, gone.T())
	return mat.Trace(&all)
}

// TestEliminationAgainstBruteForce removes six units one at a time, each time the one after
// which a least-squares refit of the weights at the start loses least.
func TestEliminationAgainstBruteForce(t *testing.T) {
	const units, outputs = 6, 3
	for seed := range uint64(20) {
		draw := random.New(seed, random.Testing, 0, 0)
		factor, weights := mat.NewDense(units, units+2, nil), mat.NewDense(outputs, units, nil)
		for _, d := range []*mat.Dense{factor, weights} {
			for i := range d.RawMatrix().Data {
				d.RawMatrix().Data[i] = float64(float32(draw.Normal()))
			}
		}
		var covariance mat.Dense
		covariance.Mul(factor, factor.T())
		rows := make([][]float64, outputs)
		for o := range rows {
			rows[o] = mat.Row(nil, o, weights)
		}
		n, m := reading(rows, covariance.At)
		scores := compensation.Eliminate(n, 0, m)
		ridge := compensation.Ridge * mat.Trace(&covariance) / units
		for i := range units {
			covariance.Set(i, i, covariance.At(i, i)+ridge)
		}
		left, before, score := network.Indices(units), 0., 0.
		for len(left) > 0 {
			without := func(i int) []int { return slices.DeleteFunc(slices.Clone(left), func(j int) bool { return i == j }) }
			first := slices.MinFunc(left, func(i, j int) int {
				return cmp.Compare(lost(weights, &covariance, without(i)), lost(weights, &covariance, without(j)))
			})
			left = without(first)
			after := lost(weights, &covariance, left)
			score = max(score, after-before) // a score never falls
			// Sums of tens of products of numbers whose covariance has a condition below 1000.
			if math.Abs(scores[first]-score) > 1e-10*after {
				t.Errorf("seed %d: unit %d has the score %v, want %v", seed, first, scores[first], score)
			}
			before = after
		}
	}
}

// TestScoresAreWhatIsLost: the costs of the units of the lowest scores, however many, add up to
// the mean square of what the outputs lose after [compensation.Apply], but for the ridge.
func TestScoresAreWhatIsLost(t *testing.T) {
	const units, samples = 5, 400
	draw := random.New(4, random.Testing, 0, 0)
	x := make([][units]float64, samples)
	covariance := [units][units]float64{}
	var mean [units]float64
	for s := range x {
		common := draw.Normal()
		for i := range units {
			x[s][i] = common + float64(i+1)*draw.Normal()
			mean[i] += x[s][i] / samples
		}
	}
	for s := range x {
		for i := range units {
			for j := range units {
				covariance[i][j] += (x[s][i] - mean[i]) * (x[s][j] - mean[j]) / samples
			}
		}
	}
	n, m := reading([][]float64{{1, -2, 3, 0.5, 1}, {2, 0, 1, 1, -1}}, func(i, j int) float64 { return covariance[i][j] })
	for i := range units { // the true means
		for j := range units {
			m[0].Square[i*units+j] = covariance[i][j] + mean[i]*mean[j]
		}
	}
	m[0].Mean = mean[:]
	scores := compensation.Eliminate(n, 0, m)
	order := network.Indices(units)
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(scores[i], scores[j]) })
	outputs := func(n *network.Network, s int, read []int) (y [2]float64) {
		for o := range y {
			y[o] = float64(n.Parameters[3][o])
			for _, i := range read {
				y[o] += float64(n.Parameters[2][o*units+i]) * x[s][i]
			}
		}
		return y
	}
	sum := 0.
	for count := 1; count < units; count++ {
		sum += scores[order[count-1]]
		kept := slices.Sorted(slices.Values(order[count:]))
		cut, err := n.Graph.Cut(network.Survivors{kept})
		if err != nil {
			t.Fatal(err)
		}
		refit := n.Clone()
		if err := compensation.Apply(compensation.Full, refit, cut, m); err != nil {
			t.Fatal(err)
		}
		lost := 0.
		for s := range x {
			before, after := outputs(n, s, network.Indices(units)), outputs(refit, s, kept)
			for o := range before {
				lost += (before[o] - after[o]) * (before[o] - after[o]) / samples
			}
		}
		// Costs are those of ridged variances: the ridge is a fifth of the mean variance of
		// 12, and the variance of the first unit is 2, so its cost is at most 4.4/2 of its loss.
		if lost > sum || lost < 2/4.4*0.8*sum {
			t.Errorf("%d units fewer lose %g, and the costs add up to %g", count, lost, sum)
		}
	}
}

// TestSeveralReaders: costs of readers are added, and each has its own covariance.
func TestSeveralReaders(t *testing.T) {
	g, err := network.NewGraph(networktest.Chain(networktest.Input(2), networktest.Dense("x", 3), networktest.Activate("a", network.ReLU),
		networktest.Dense("y", 2, 2), networktest.Dense("z", 2, 2), networktest.Add("sum", 3, 4), networktest.Dense("head", 2)), network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	n := networktest.Random(g)
	gate := slices.IndexFunc(g.Gates, func(gate network.Gate) bool { return gate.Points[0] == 1 })
	var inputs []backend.InputMoments
	variances := map[int]float64{3: 2, 4: 5, 1: 1, 6: 1}
	for _, node := range g.Readers() {
		width := g.Nodes[g.Nodes[node].In[0]].Shape.Size()
		m := backend.InputMoments{Node: node, Mean: make([]float64, width), Square: make([]float64, width*width)}
		for i := range width {
			m.Square[i*width+i] = variances[node]
		}
		inputs = append(inputs, m)
	}
	scores := compensation.Eliminate(n, gate, inputs)
	for i, score := range scores {
		want := 0.
		for _, node := range []int{3, 4} {
			w, _, _ := g.Affine(node)
			for o := range 2 {
				want += math.Pow(float64(n.Parameters[w][o*3+i]), 2) * variances[node] * (1 + compensation.Ridge)
			}
		}
		if math.Abs(score-want) > 1e-12*want {
			t.Errorf("unit %d has the score %v, want %v", i, score, want)
		}
	}
}

// TestWhatCannotBeEliminated: every graph is passed whose readers have one input a player.
func TestWhatCannotBeEliminated(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		err := compensation.CheckElimination(networktest.Build(nodes...))
		want := ""
		if name == "image" || name == "cut image" || name == "twice" {
			want = "several inputs"
		} else if slices.ContainsFunc(nodes, func(n network.Node) bool { return n.Op.Kind() == network.Conv2DKind }) {
			want = "of kind conv2d, reads players, and only dense layers take over"
		}
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for width, want := range map[int]string{backend.LargestMoments: "", backend.LargestMoments + 1: "at most 1024"} {
		err := compensation.CheckElimination(networktest.PerceptronOf(network.ReLU, 2, width, 2))
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d inputs: %v", width, err)
		}
	}
}
