//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"errors"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

func (e *engine) Probe(order []int32, learningRate float64) (_ []backend.Tensor, err error) {
	defer convert(&err)
	if len(order) == 0 || len(order) > e.options.Batch {
		return nil, errors.New("a probe takes between one sample and a whole batch")
	}
	gradients, arena, err := e.newGradients()
	if err != nil {
		return nil, err
	}
	defer arena.Free()
	m := mode{kind: training, rows: len(order), track: true}
	r := e.newRecorder()
	r.forward(m)
	r.backward(m.rows)
	r.update(m, gradients)
	recorded, err := r.finish(false)
	if err != nil {
		return nil, err
	}
	defer recorded.Free()
	f := e.feed(batches{backend.TrainPart, order, len(order)})
	defer f.stop()
	f.ready(0)
	e.plan(0, f, 0, e.stepAfter(0, learningRate))
	if err := e.submit(&program{Program: recorded}, 1); err != nil {
		return nil, err
	}
	e.took(1, true)
	return e.probed(len(order), gradients)
}

// newGradients makes room for the gradient of every layer.
func (e *engine) newGradients() ([]compute.Buffer, *compute.Arena, error) {
	gradients := make([]compute.Buffer, len(e.layers))
	arena, err := newArena(e.device, compute.Local, func(take taker) {
		for i, l := range e.layers {
			gradients[i] = take(4 * l.size())
		}
	})
	return gradients, arena, err
}

// probed returns everything that a step over rows samples left behind.
func (e *engine) probed(rows int, gradients []compute.Buffer) (tensors []backend.Tensor, err error) {
	add := func(name string, v []float32, shape ...int) {
		tensors = append(tensors, backend.Tensor{Name: name, Shape: shape, Values: widen(v)})
	}
	addBatch := func(name string, b compute.Buffer, width int) {
		if err != nil {
			return
		}
		var v []float32
		if v, err = e.readBatch(b, rows, width); err == nil {
			add(name, v, rows, width)
		}
	}
	addBatch("input", e.batch, e.input.width)
	var progress backend.Progress
	e.addOutcomes(0, rows, &progress)
	add("loss", []float32{float32(progress.Loss / float64(rows))}, 1)
	for _, s := range e.graph.Stages() {
		if s.Node == 0 || network.IsView(e.graph.Nodes[s.Node].Op) {
			continue
		}
		t := e.tensorOf(s)
		addBatch(e.graph.Nodes[s.Out()].Name+".output", t.values, t.width)
		if l := t.by; l != nil {
			addBatch(l.name+".derivative", t.derivative, t.width)
			if !l.plain() {
				addBatch(l.name+".affine", l.affine, l.out)
			}
		}
	}
	kept := map[*layer]compute.Buffer{}
	for i, l := range e.layers {
		kept[l] = gradients[i]
	}
	for _, sort := range []struct {
		prefix string
		of     func(*layer) compute.Buffer
	}{
		{"gradient.", func(l *layer) compute.Buffer { return kept[l] }}, {"", func(l *layer) compute.Buffer { return l.parameters }},
		{"first.", func(l *layer) compute.Buffer { return l.first }}, {"second.", func(l *layer) compute.Buffer { return l.second }},
	} {
		if sort.prefix == "second." && !e.options.Optimiser.Kind.HasSecond() {
			continue
		}
		all, failed := e.pullTensors(sort.of)
		if failed != nil {
			return nil, failed
		}
		for p, v := range all {
			add(sort.prefix+e.graph.Params[p].Name, v, e.graph.Params[p].Shape...)
		}
	}
	for i, g := range e.gates {
		players, failed := e.readPlayers(g, g.rows, shaders.PlayerRows)
		if failed != nil {
			return nil, failed
		}
		name := "gate." + e.graph.Gates[i].Name
		add(name+".contribution.mean", players[shaders.BatchMean], g.players)
		add(name+".contribution.square", players[shaders.BatchSquare], g.players)
		add(name+".average.mean", players[shaders.Mean], g.players)
		add(name+".average.square", players[shaders.Square], g.players)
	}
	return tensors, err
}

// tensorOf returns the output of a stage of the graph.
func (e *engine) tensorOf(s network.Stage) *tensor {
	place := 0
	for _, other := range e.graph.Stages() {
		switch {
		case other == s:
			return e.tensors[place]
		case !network.IsView(e.graph.Nodes[other.Node].Op):
			place++
		}
	}
	panic("gpu: no such stage")
}
