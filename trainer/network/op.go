package network

// Kind names an operator in files and in the tables of backends.
type Kind string

// Op is an operator with its settings. It is a value that is never changed.
type Op interface {
	Kind() Kind

	// Infer returns the shape of the output for inputs of the given shapes, and the
	// parameters. The error says which setting or shape is wrong.
	Infer(in []Shape) (out Shape, params []ParamSpec, err error)

	// Ties says which entries of the axes of inputs and output are the same.
	Ties(in []Shape, out Shape) []Tie

	// MACs returns the multiply-accumulates of one sample.
	MACs(in []Shape, out Shape) int

	// Cut returns the operator that is left when only the given entries of the first
	// dimension of its inputs, which had the given shapes, and of its output stay.
	Cut(in []Shape, keepIn [][]int, keepOut []int) Op

	// Forward writes the output of one sample, and its bounds where they are asked for.
	Forward(x Operands)

	// Backward writes the gradients with respect to the inputs of one sample, and adds
	// those with respect to the parameters, from the one with respect to the output.
	Backward(x Operands, g Derivatives)
}

// Operands is what an operator reads and writes for one sample.
type Operands struct {
	In       [][]float64 // values of the inputs
	Params   [][]float64
	Out      []float64
	InShapes []Shape
	OutShape Shape
	Node     int   // in its graph
	Draws    Draws // of the training step, for what is drawn in one
	// Bounds say how far a computation with unit roundoff Unit, sums in any order, can be
	// from the values. The parameters are exact. All are nil where none are asked for.
	Unit      float64
	InBounds  [][]float64
	OutBounds []float64
}

// Draws name the random numbers of a training step: the seed of the training and the number
// of the optimiser's step, from 1. A fresh optimiser counts, and draws, from the beginning.
type Draws struct {
	Seed uint64
	Step int
}

// Derivatives are gradients of one sample, in the shapes of its operands. Those of
// parameters are added up over Rows samples.
type Derivatives struct {
	Rows                  int
	Out                   []float64
	In, Params            [][]float64
	OutBounds             []float64 // nil where no bounds are asked for
	InBounds, ParamBounds [][]float64
}

// Elementwise is an operator each of whose outputs depends on one entry of each
// input, or of one of them. It passes classes on and never creates one.
type Elementwise interface {
	Op
	// Entry returns entry e of the output.
	Entry(in [][]float64, e int) float64
}

// Batched is an operator that computes from all samples of a batch together in a training
// step, and alone from each at all other times.
type Batched interface {
	Op
	// ForwardBatch is Forward for all samples. It writes what the statistics of the node
	// become, and their bounds where they are asked for, by parameter.
	ForwardBatch(x []Operands, statistics, bounds [][]float64)
	// BackwardBatch is Backward for all samples.
	BackwardBatch(x []Operands, g []Derivatives)
}

// Normaliser is an operator that undoes any scaling of the entries of its input's first
// dimension, so that a gate before it would have no effect.
type Normaliser interface {
	Op
	// Scales returns by what the entries of the first dimension are multiplied outside of
	// training steps.
	Scales(params [][]float32) []float64
}

// Copier is an operator whose output is numbers of its inputs as they are, in other
// places.
type Copier interface {
	Elementwise
	// From returns the input, and the entry of it, that entry e of the output is.
	From(in [][]float64, e int) (input, entry int)
	// IsView reports whether they are even in the same places, row-major, so that the
	// input serves as the output.
	IsView() bool
}

// copyForward copies, which is exact.
func copyForward(op Copier, x Operands) {
	for e := range x.Out {
		k, i := op.From(x.In, e)
		x.Out[e] = x.In[k][i]
		if x.OutBounds != nil {
			x.OutBounds[e] = x.InBounds[k][i]
		}
	}
}

// copyBackward copies derivatives back; entries that were not copied have none.
func copyBackward(op Copier, g Derivatives) {
	for k := range g.In {
		clear(g.In[k])
		if g.OutBounds != nil {
			clear(g.InBounds[k])
		}
	}
	for e, d := range g.Out {
		k, i := op.From(g.In, e)
		g.In[k][i] = d
		if g.OutBounds != nil {
			g.InBounds[k][i] = g.OutBounds[e]
		}
	}
}

// IsView reports whether the output of an operator is its input as it lies in memory.
func IsView(op Op) bool {
	copier, ok := op.(Copier)
	return ok && copier.IsView()
}

// Linear is an operator that is linear in each entry of its first input, and to which
// a change of a few entries can be added.
type Linear interface {
	Op
	// AddEntry adds to out what entry e of the input adds more when it grows by delta.
	AddEntry(params [][]float64, e int, delta float64, out []float64)
}

// Axis names a dimension of an operator's input or output.
type Axis struct {
	Tensor int // [Output], or the place of an input from 0
	Dim    int
}

// Output is the place of an operator's output in an [Axis].
const Output = -1

// ParamSpec describes a parameter of an operator.
type ParamSpec struct {
	Name  string // "weight"; the full name is that of the node, a dot, and this
	Shape []int  // row-major, as PyTorch stores it
	Axes  []Axis // of the first dimensions; entries of the others are never removed
	// Produces says that dimension 0 is the axis that the operator creates: a row with
	// its bias is what a player of the class owns.
	Produces bool
	Weight   bool // decayed and drawn at random; biases are neither
	// Statistic says that it is what training observed, and not trained. Statistics come
	// after all other parameters of a node.
	Statistic bool
	Initial   float32 // before training, where it is not drawn at random
}

// Tie says that entries of two axes are the same: entry AFrom+i of A and the Block
// entries of B from BFrom + i Block on, for i from 0 to Count-1. With Child the
// entries of B are finer: they are removed with that of A, and can be without it.
type Tie struct {
	A, B         Axis
	AFrom, BFrom int
	Count, Block int
	Child        bool
}

// same ties two axes of n entries, one to one.
func same(a, b Axis, n int) Tie { return Tie{A: a, B: b, Count: n, Block: 1} }

// sameAll ties all dimensions of input k to those of the output, which has its shape.
func sameAll(k int, shape Shape) []Tie {
	var ties []Tie
	for d, n := range shape {
		ties = append(ties, same(Axis{k, d}, Axis{Output, d}, n))
	}
	return ties
}

// ops returns an operator of each kind with its zero settings, for decoding.
var ops = map[Kind]func() Op{
	InputKind:      func() Op { return new(Input) },
	DenseKind:      func() Op { return new(Dense) },
	ActivationKind: func() Op { return new(Activate) },
	AddKind:        func() Op { return new(Add) },
	ConcatKind:     func() Op { return new(Concat) },
	FlattenKind:    func() Op { return new(Flatten) },

	Conv2DKind:      func() Op { return new(Conv2D) },
	BatchNormKind:   func() Op { return new(BatchNorm) },
	MaxPoolKind:     func() Op { return new(MaxPool) },
	AveragePoolKind: func() Op { return new(AveragePool) },
	DropoutKind:     func() Op { return new(Dropout) },

	BranchKind: func() Op { return new(Branch) },
}
