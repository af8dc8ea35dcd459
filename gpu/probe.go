//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"errors"
	"fmt"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
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
	return e.tensors(len(order), gradients)
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

// tensors returns everything that a step over rows samples left behind.
func (e *engine) tensors(rows int, gradients []compute.Buffer) (tensors []backend.Tensor, err error) {
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
	addBatch("input", e.batch, e.data.Train.Features)
	var progress backend.Progress
	e.judge(0, rows, &progress)
	add("loss", []float32{float32(progress.Loss / float64(rows))}, 1)
	for i, l := range e.layers {
		name := func(tensor string) string { return fmt.Sprintf("%d.%s", i, tensor) }
		addBatch(name("output"), l.output, l.out)
		addBatch(name("derivative"), l.derivative, l.out)
		matrices := []struct {
			name string
			of   compute.Buffer
		}{{"gradient.", gradients[i]}, {"", l.parameters}, {"first.", l.first}, {"second.", l.second}}
		if !e.options.Optimiser.Kind.HasSecond() {
			matrices = matrices[:3]
		}
		for _, m := range matrices {
			v, failed := e.read(m.of)
			if failed != nil {
				return nil, failed
			}
			weight, bias := l.lift(v)
			add(name(m.name+"weight"), weight, l.out, l.in)
			add(name(m.name+"bias"), bias, l.out)
		}
		if !l.gated {
			continue
		}
		addBatch(name("affine"), l.affine, l.out)
		players, failed := e.readPlayers(l, l.players, shaders.PlayerRows)
		if failed != nil {
			return nil, failed
		}
		add(name("contribution.mean"), players[shaders.BatchMean], l.out)
		add(name("contribution.square"), players[shaders.BatchSquare], l.out)
		add(name("average.mean"), players[shaders.Mean], l.out)
		add(name("average.square"), players[shaders.Square], l.out)
	}
	return tensors, err
}
