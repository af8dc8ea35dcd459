package cpufallback

import (
	"maps"
	"slices"

	"nashprune/trainer/network"
)

// tensor is the output of a stage for a batch, a row a sample, with the derivative of
// the mean loss with respect to it.
type tensor[T real] struct {
	name       string // of the node
	inner      bool   // a gate stage alone reads it
	values     matrix[T]
	memory     block[T]  // of the values
	derivative matrix[T] // of zero rows where no stage asks for it
	written    bool      // in this backward pass, by the first of the stages that read it
}

// receive hands rows of the derivative to a stage that reads the tensor, in chunks of
// samples: to write them, or to add to what others wrote.
func (t *tensor[T]) receive(rows int, row func(b int, to []T, add bool)) {
	if t.derivative.rows == 0 {
		return
	}
	add := t.written
	t.written = true
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			row(b, t.derivative.row(b), add)
		}
	})
}

// pass writes a row of a derivative, or adds it.
func (e *engine[T]) pass(to, from []T, add bool) {
	if add {
		e.vectors.add(to, from)
	} else {
		copy(to, from)
	}
}

// stage computes the output of some nodes from tensors of earlier ones.
type stage[T real] interface {
	// output is the tensor that the stage writes.
	output() *tensor[T]
	forward(rows int)
	// backward turns the derivative of the output into those of inputs, parameters and
	// players, of each as it is asked.
	backward(rows int, ask ask)
}

// acting is a stage with a gate. After a backward pass it adds what its players do to the
// rows of effects: rows du u, with du the derivative with respect to u = Wx+b, which is
// s c.
type acting[T real] interface {
	gated() *gate[T]
	act(rows int, effects matrix[T])
}

// ask says what a backward pass is for.
type ask struct{ weights, contributions bool }

// place is where a stage belongs: its node in the graph, with the activation that is
// joined to it, the tensors that it reads and writes, and its gate, if it has one.
type place[T real] struct {
	network.Stage
	op   network.Op
	from []network.Shape // of the inputs
	to   network.Shape   // of the node's output
	in   []*tensor[T]
	out  *tensor[T]
	gate *gate[T]
	// learning takes what backward passes alone need.
	learning taker[T]
}

// makers make the stages of each kind of operator. A new operator is a line here and a
// file op_KIND.go.
func makers[T real]() map[network.Kind]func(e *engine[T], at place[T], take taker[T]) stage[T] {
	return map[network.Kind]func(*engine[T], place[T], taker[T]) stage[T]{
		network.InputKind:      newInput[T],
		network.DenseKind:      newDense[T],
		network.ActivationKind: newActivation[T],
		network.AddKind:        newAdd[T],
		network.ConcatKind:     newConcat[T],
		network.FlattenKind:    newFlatten[T],
		network.BranchKind:     newBranch[T],

		network.Conv2DKind:      newConv2D[T],
		network.BatchNormKind:   newBatchNorm[T],
		network.MaxPoolKind:     newMaxPool[T],
		network.AveragePoolKind: newAveragePool[T],
		network.DropoutKind:     newDropout[T],
	}
}

// Operators lists the kinds that this backend runs.
func (driver) Operators() []network.Kind {
	return slices.Collect(maps.Keys(makers[float32]()))
}
