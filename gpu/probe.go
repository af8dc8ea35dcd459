//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
)

func (e *engine) Probe(order []int32, learningRate float64) (_ []backend.Tensor, err error) {
	defer convert(&err)
	if err := e.options.CheckProbe(order); err != nil {
		return nil, err
	}
	if !e.waits() { // which keeps gradients anyway
		arena, err := newArena(e.device, compute.Local, func(take taker) {
			for _, m := range e.trained {
				m.gradient = take(4 * m.size())
			}
		})
		if err != nil {
			return nil, err
		}
		defer arena.Free()
	}
	e.sparse = false
	m := mode{kind: training, rows: len(order)}
	r := e.newRecorder()
	r.counts = true
	r.forward(m)
	r.backward(m)
	r.update(m, true)
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
	e.steps++
	return e.probed(len(order))
}

// probed returns everything that a step over rows samples left behind.
func (e *engine) probed(rows int) (tensors []backend.Tensor, err error) {
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
	addBatch("input", e.input.u(), e.input.to.width)
	var progress backend.Progress
	e.addOutcomes(0, rows, &progress)
	add("loss", []float32{float32(progress.Loss / float64(rows))}, 1)
	for _, t := range e.tensors[1:] { // the first is the inputs
		addBatch(t.name+".output", t.values, t.width)
	}
	for _, p := range e.points[1:] {
		if p.plain() && p.to.by == nil {
			continue
		}
		addBatch(p.name+".derivative", p.to.derivative, p.to.width)
		if !p.plain() {
			addBatch(p.name+".affine", p.affine, p.to.width)
		}
	}
	for _, sort := range []struct {
		prefix   string
		matrices []*matrix
		of       func(*matrix) compute.Buffer
	}{{"gradient.", e.trained, ofGradient}, {"", e.matrices(), ofTheta}, {"first.", e.trained, ofFirst}, {"second.", e.trained, ofSecond}} {
		if sort.prefix == "second." && !e.options.Optimiser.Kind.HasSecond() {
			continue
		}
		all, failed := e.pullTensors(sort.matrices, sort.of)
		if failed != nil {
			return nil, failed
		}
		for p, v := range all {
			if v == nil { // a statistic
				continue
			}
			add(sort.prefix+e.graph.Params[p].Name, v, e.graph.Params[p].Shape...)
		}
	}
	for i, g := range e.gates {
		players, failed := e.readPlayers(g, g.rows, shaders.Square+1)
		if failed != nil {
			return nil, failed
		}
		name := "gate." + e.graph.Gates[i].Name
		add(name+".contribution.mean", players[shaders.Mean], g.players)
		add(name+".contribution.square", players[shaders.Square], g.players)
	}
	return tensors, err
}
