package evidence

import (
	"runtime"
	"slices"
	"sync"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

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
	return spreadSamples(d, loss, multiplications, network.Indices(heldOut(d).Of(d).Len()))
}

// heldOut returns the validation part where there is one, else the training part.
func heldOut(d *dataset.Dataset) backend.Part {
	if d.Validation.Len() == 0 {
		return backend.TrainPart
	}
	return backend.ValidationPart
}

// spreadSamples chooses samples of the held-out part evenly from those that are available.
func spreadSamples(d *dataset.Dataset, loss backend.Loss, multiplications int, available []int) *PutBackSamples {
	w := &PutBackSamples{part: heldOut(d), loss: loss}
	w.samples = w.part.Of(d)
	count := min(len(available), mostSamples, max(fewestSamples, putBackWork/multiplications))
	for k := range count {
		w.chosen = append(w.chosen, available[k*len(available)/count])
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
	all := make(network.Survivors, len(live))
	for i := range live {
		all[i] = slices.Sorted(slices.Values(slices.Concat(live[i], gone[i])))
	}
	every, err := whole.Graph.Cut(all)
	if err != nil {
		return nil, err
	}
	var shared *absence
	falls := make([][]float64, len(gone))
	for i, players := range gone {
		if len(players) == 0 {
			continue
		}
		alone := slices.Clone(live)
		alone[i] = all[i]
		own, err := whole.Graph.Cut(alone)
		if err != nil {
			return nil, err
		}
		// Without what is gone from other gates, each put-back takes less work, for one
		// more forward pass.
		if n := len(players); own.Graph.MACs()+n*own.Graph.AlternativeMACs(i) < n*every.Graph.AlternativeMACs(i) {
			falls[i] = w.without(own.Of(whole), alone, live).falls(i, players, 1)
			continue
		}
		if shared == nil {
			shared = w.without(every.Of(whole), all, live)
		}
		falls[i] = shared.falls(i, players, 1)
	}
	return falls, nil
}

// absence is a network in which some players participate with zero.
type absence struct {
	*PutBackSamples
	players network.Survivors // of the whole network, by gate
	pass    *network.Pass
	losses  []float64 // a sample
}

// without evaluates a network of players of which only the live ones participate.
func (w *PutBackSamples) without(n *network.Network, players, live network.Survivors) *absence {
	for i, gate := range players {
		for place, player := range gate {
			if _, lives := slices.BinarySearch(live[i], player); !lives {
				n.Participations[i][place] = 0
			}
		}
	}
	a := &absence{w, players, n.Values().Forward(read(n.Graph, w.inputs, len(w.chosen)), len(w.chosen)), nil}
	for k := range w.chosen {
		a.losses = append(a.losses, w.lossOf(k, a.pass.Output(k)))
	}
	return a
}

// falls returns by how much the mean loss falls when each of some players of a gate
// participates with s.
func (a *absence) falls(gate int, players []int, s float64) []float64 {
	falls := make([]float64, len(players))
	inParallel(len(players), func(first, step int) {
		alternative := a.pass.Alternative(gate)
		for p := first; p < len(players); p += step {
			place, _ := slices.BinarySearch(a.players[gate], players[p])
			for k, before := range a.losses {
				falls[p] += before - a.lossOf(k, alternative.Outputs(place, s, k))
			}
			falls[p] /= float64(len(a.losses))
		}
	})
	return falls
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
