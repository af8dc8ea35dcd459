package evidence

import (
	"runtime"
	"sync"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// The number of samples: as many as share out screenWork multiplications over
// the network, within these bounds.
const (
	mostSamples   = 500
	fewestSamples = 64
	screenWork    = 1 << 28
)

// screen is the samples on which asks are estimated without a refit.
type screen struct {
	loss    backend.Loss
	samples dataset.Samples
	chosen  []int     // of the samples
	inputs  []float64 // a row a sample, all features
}

// heldOut returns the validation part where there is one, else the training part.
func heldOut(d *dataset.Dataset) backend.Part {
	if d.Validation.Len() == 0 {
		return backend.TrainPart
	}
	return backend.ValidationPart
}

// newScreen chooses samples of the held-out part evenly from those that are available, for
// a network that takes so many multiplications a sample.
func newScreen(d *dataset.Dataset, loss backend.Loss, multiplications int, available []int32) screen {
	w := screen{loss: loss, samples: heldOut(d).Of(d)}
	count := min(len(available), mostSamples, max(fewestSamples, screenWork/max(multiplications, 1)))
	for k := range count {
		w.chosen = append(w.chosen, int(available[k*len(available)/count]))
	}
	w.inputs = standardised(d, w.samples, w.chosen)
	return w
}

// standardised returns what a network that reads all features sees of some samples, a row
// a sample.
func standardised(d *dataset.Dataset, samples dataset.Samples, chosen []int) []float64 {
	inputs := make([]float64, 0, len(chosen)*samples.Features)
	for _, i := range chosen {
		for j := range samples.Features {
			inputs = append(inputs, d.Input(j, samples.At(i*samples.Features+j)))
		}
	}
	return inputs
}

// read returns the inputs that a network reads of rows of all features.
func read(g *network.Graph, inputs []float64, rows int) []float64 {
	features := g.Input().Features()
	if features == nil {
		return inputs
	}
	width := len(inputs) / rows
	var some []float64
	for row := range rows {
		some = append(some, network.Select(inputs[row*width:][:width], features)...)
	}
	return some
}

// asks returns by how much the mean loss rises when each player of a gate is removed alone.
func (w screen) asks(n *network.Network, gate int) []float64 {
	pass := n.Values().Forward(read(n.Graph, w.inputs, len(w.chosen)), len(w.chosen))
	lossOf := func(sample int, outputs []float64) float64 { return w.loss.Of(w.samples, w.chosen[sample], outputs) }
	rises := make([]float64, n.Gates[gate].Players)
	inParallel(len(rises), func(first, step int) {
		alternative := pass.Alternative(gate)
		for p := first; p < len(rises); p += step {
			for k := range w.chosen {
				rises[p] += lossOf(k, alternative.Outputs(p, 0, k)) - lossOf(k, pass.Output(k))
			}
			rises[p] /= float64(len(w.chosen))
		}
	})
	return rises
}

// inParallel divides n pieces of work among as many goroutines as there are processors:
// each does those from its first on, a step apart.
func inParallel(n int, do func(first, step int)) {
	var workers sync.WaitGroup
	count := min(n, runtime.GOMAXPROCS(0))
	for first := range count {
		workers.Go(func() { do(first, count) })
	}
	workers.Wait()
}
