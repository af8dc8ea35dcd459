package cost

import (
	"math"
	"slices"

	"nashprune/trainer/network"
)

// leastStep is the least number of units between two steps, which divides the widths of
// most tiles, and mostSteps how many steps a model has: those of the widest nodes are
// further apart.
const (
	leastStep = 32
	mostSteps = 16
)

// stepFor returns how many units steps are apart in some networks.
func stepFor(networks [][]network.Load) int {
	widest := 0
	for _, loads := range networks {
		for _, load := range loads {
			widest = max(widest, load.Units)
		}
	}
	step := leastStep
	for step*mostSteps < widest {
		step *= 2
	}
	return step
}

// fitting is what models are fitted to: nodes that have the number of another share its
// coefficients, since a deep network has more nodes than networks are timed.
type fitting struct {
	alike        []int // by node
	networks     [][]network.Load
	microseconds []float64
}

// model returns the model that fits best. It has steps if with them models are nearer to the
// times of networks that they have not seen.
func (f fitting) model() *Model {
	step := stepFor(f.networks)
	if f.validationError(step) >= f.validationError(0) {
		step = 0
	}
	m := f.coefficients(step)
	m.setErrors(f.networks, f.microseconds)
	return m
}

// modelFolds is the number of parts of the networks; a model of the others predicts each
// part.
const modelFolds = 8

// validationError returns the sum of the squares of the relative errors of models on
// networks that they were not fitted to.
func (f fitting) validationError(step int) (squares float64) {
	for fold := range min(modelFolds, len(f.networks)) {
		seen, unseen := fitting{alike: f.alike}, fitting{alike: f.alike}
		for i, w := range f.networks {
			to := &seen
			if i%modelFolds == fold {
				to = &unseen
			}
			to.networks, to.microseconds = append(to.networks, w), append(to.microseconds, f.microseconds[i])
		}
		m := seen.coefficients(step)
		m.setErrors(unseen.networks, unseen.microseconds)
		squares += m.Error * m.Error * float64(len(unseen.networks))
	}
	return squares
}

// coefficients fits a model by least squares of relative errors with coefficients that are
// not negative. Without a step between two it has none.
func (f fitting) coefficients(step int) *Model {
	last, kinds, steps := len(f.alike)-1, slices.Max(f.alike)+1, 0
	if step > 0 {
		steps = mostSteps
	}
	rows, ones := make([][]float64, len(f.networks)), make([]float64, len(f.networks))
	for i, loads := range f.networks {
		row := make([]float64, 1+2*kinds+steps)
		row[0] = 1
		macs, outputs, reading := row[1:], row[1+kinds:], row[1+2*kinds:]
		for l, load := range loads {
			macs[f.alike[l]] += float64(load.MACs)
			if l < last {
				outputs[f.alike[l]] += float64(load.Outputs)
			}
			for j := range steps {
				if j*step < load.Units {
					reading[j] += reads(load)
				}
			}
		}
		for j := range row {
			row[j] /= f.microseconds[i]
		}
		rows[i], ones[i] = row, 1
	}
	x := nonNegativeLeastSquares(rows, ones)
	return &Model{
		Base: x[0], PerMAC: network.Select(x[1:], f.alike), PerNeuron: network.Select(x[1+kinds:], f.alike[:last]),
		Step: step, PerStep: x[1+2*kinds:], Shapes: len(f.networks),
	}
}

// setErrors sets the errors to those over some networks.
func (m *Model) setErrors(networks [][]network.Load, microseconds []float64) {
	squares := 0.
	m.MaxError = 0
	for i, w := range networks {
		off := math.Abs(m.timeOf(w)/microseconds[i] - 1)
		squares += off * off
		m.MaxError = max(m.MaxError, off)
	}
	m.Error = math.Sqrt(squares / float64(len(networks)))
}

// The end of the search for least squares: when a sweep changes no scaled coefficient by
// more than the tolerance, or after so many sweeps. Either is far below what a
// measurement can resolve.
const (
	sweepTolerance = 1e-10
	mostSweeps     = 20_000
)

// nonNegativeLeastSquares returns the x >= 0 that makes |rows x - want| least, by
// minimising over one coordinate after the other: the objective is convex and the
// bounds are separate, so no other point is lower. A column of zeros gets zero.
func nonNegativeLeastSquares(rows [][]float64, want []float64) []float64 {
	n := len(rows[0])
	x, lengths, rest := make([]float64, n), make([]float64, n), slices.Clone(want)
	for j := range n {
		for _, row := range rows {
			lengths[j] += row[j] * row[j]
		}
	}
	for range mostSweeps {
		largest := 0.
		for j := range n {
			if lengths[j] == 0 {
				continue
			}
			slope := 0.
			for i, row := range rows {
				slope += row[j] * rest[i]
			}
			step := max(slope/lengths[j], -x[j])
			x[j] += step
			for i, row := range rows {
				rest[i] -= row[j] * step
			}
			largest = max(largest, math.Abs(step)*math.Sqrt(lengths[j]))
		}
		if largest < sweepTolerance {
			break
		}
	}
	return x
}
