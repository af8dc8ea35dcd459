package cost

import (
	"math"
	"slices"

	"nashprune/trainer/network"
)

// leastStep is the least number of neurons between two steps, which divides the widths of
// most tiles, and mostSteps how many steps a model has: those of the widest layers are
// further apart.
const (
	leastStep = 32
	mostSteps = 16
)

// stepFor returns how many outputs steps are apart in some networks.
func stepFor(networks [][]network.Load) int {
	widest := 0
	for _, loads := range networks {
		for _, load := range loads {
			widest = max(widest, load.Outputs)
		}
	}
	step := leastStep
	for step*mostSteps < widest {
		step *= 2
	}
	return step
}

// fitModel fits a model to measured times. It has steps if with them models are
// nearer to the times of networks that they have not seen.
func fitModel(networks [][]network.Load, microseconds []float64) *Model {
	step := stepFor(networks)
	if validationError(networks, microseconds, step) >= validationError(networks, microseconds, 0) {
		step = 0
	}
	m := fitCoefficients(networks, microseconds, step)
	m.setErrors(networks, microseconds)
	return m
}

// modelFolds is the number of parts of the networks; a model of the others predicts each
// part.
const modelFolds = 8

// validationError returns the sum of the squares of the relative errors of models on
// networks that they were not fitted to.
func validationError(networks [][]network.Load, microseconds []float64, step int) (squares float64) {
	for fold := range min(modelFolds, len(networks)) {
		var seen, unseen [][]network.Load
		var before, after []float64
		for i, w := range networks {
			if i%modelFolds == fold {
				unseen, after = append(unseen, w), append(after, microseconds[i])
			} else {
				seen, before = append(seen, w), append(before, microseconds[i])
			}
		}
		m := fitCoefficients(seen, before, step)
		m.setErrors(unseen, after)
		squares += m.Error * m.Error * float64(len(unseen))
	}
	return squares
}

// fitCoefficients fits a model by least squares of relative errors with coefficients
// that are not negative. Without a step between two it has none.
func fitCoefficients(networks [][]network.Load, microseconds []float64, step int) *Model {
	layers := len(networks[0])
	steps := 0
	if step > 0 {
		steps = mostSteps
	}
	rows, ones := make([][]float64, len(networks)), make([]float64, len(networks))
	for i, loads := range networks {
		row := []float64{1}
		for _, load := range loads {
			row = append(row, float64(load.MACs))
		}
		for _, load := range loads[:layers-1] {
			row = append(row, float64(load.Outputs))
		}
		for j := range steps {
			reading := 0.
			for _, load := range loads {
				if j*step < load.Outputs {
					reading += inputs(load)
				}
			}
			row = append(row, reading)
		}
		for j := range row {
			row[j] /= microseconds[i]
		}
		rows[i], ones[i] = row, 1
	}
	x := nonNegativeLeastSquares(rows, ones)
	return &Model{
		Base: x[0], PerMAC: x[1 : 1+layers], PerNeuron: x[1+layers : 2*layers],
		Step: step, PerStep: x[2*layers:], Shapes: len(networks),
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
