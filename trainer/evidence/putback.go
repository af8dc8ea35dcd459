package evidence

import (
	"runtime"
	"slices"
	"sync"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Closing is the players of a gate before the last round's removals, what they were
// worth over the whole training part, what they played, and how the market
// cleared: Cost is what the price is a multiple of where all layers share one.
type Closing struct {
	Players        []int
	Worths         []float64
	Participations []float64
	Demand         int
	Price          float64
	Cost           float64
}

// The number of samples: as many as share out putBackWork multiplications over
// the network, so that a round stays much cheaper than the training before it,
// within these bounds.
const (
	mostSamples   = 500
	fewestSamples = 64
	putBackWork   = 1 << 28
)

// PutBackSamples are the samples on which the loss is measured when players are put
// back: of the validation part where there is one, else of the training part,
// evenly spread over it.
type PutBackSamples struct {
	part    backend.Part
	loss    backend.Loss
	samples dataset.Samples
	chosen  []int     // of the samples
	inputs  []float64 // a row a sample, all features
}

// NewPutBackSamples chooses the samples for a network that takes so many multiplications a
// sample before the first removal.
func NewPutBackSamples(d *dataset.Dataset, loss backend.Loss, multiplications int) *PutBackSamples {
	w := &PutBackSamples{part: backend.ValidationPart, loss: loss}
	if d.Validation.Len() == 0 {
		w.part = backend.TrainPart
	}
	w.samples = w.part.Of(d)
	available := w.samples.Len()
	count := min(available, mostSamples, max(fewestSamples, putBackWork/multiplications))
	for k := range count {
		w.chosen = append(w.chosen, k*available/count)
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
			inputs = append(inputs, (samples.At(i*samples.Features+j)-d.Mean)/d.Deviation)
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

// lossOf returns the training's loss of a sample, from the network's outputs.
func (w *PutBackSamples) lossOf(sample int, outputs []float64) float64 {
	return w.loss.Of(w.samples, w.chosen[sample], outputs)
}

// PutBack returns by how much the mean loss falls when each of the players in gone, listed
// by gate, is put back alone, with full participation, into the network of the live ones.
// All weights are those in whole, which has full width. The error is that of a removal.
func (w *PutBackSamples) PutBack(whole *network.Network, live network.Survivors, gone [][]int) ([][]float64, error) {
	both := make(network.Survivors, len(live))
	for i := range live {
		both[i] = slices.Sorted(slices.Values(slices.Concat(live[i], gone[i])))
	}
	n, err := whole.Keep(both)
	if err != nil {
		return nil, err
	}
	places := make([][]int, len(gone)) // of the players that are gone, in n
	for i, players := range gone {
		for _, player := range players {
			place, _ := slices.BinarySearch(both[i], player)
			places[i] = append(places[i], place)
			n.Participations[i][place] = 0
		}
	}
	pass := n.Values().Forward(read(n.Graph, w.inputs, len(w.chosen)), len(w.chosen))
	losses := make([]float64, len(w.chosen))
	for k := range losses {
		losses[k] = w.lossOf(k, pass.Output(k))
	}
	falls := make([][]float64, len(gone))
	for i := range gone {
		falls[i] = make([]float64, len(places[i]))
		inParallel(len(places[i]), func(first, step int) {
			alternative := pass.Alternative(i)
			for p := first; p < len(places[i]); p += step {
				for k, before := range losses {
					falls[i][p] += before - w.lossOf(k, alternative.Outputs(places[i][p], 1, k))
				}
				falls[i][p] /= float64(len(losses))
			}
		})
	}
	return falls, nil
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
