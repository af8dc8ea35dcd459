//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"time"

	"nashprune/game"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
)

// mode is what a recorded step does. Steps of one mode differ only in what the
// plan says of them.
type mode struct {
	kind  kind
	rows  int               // samples of the largest batch
	track bool              // keep the moving averages
	paper backend.PaperMove // plays along, unless it is the zero value
	timed bool              // take the time of every kernel
}

type kind int

const (
	training   kind = iota
	measuring       // contributions without an update, for Measure
	observing       // the same for Observe
	evaluating      // forward and loss
	inferring       // forward alone
)

// players returns the matrix of a layer's players whose averages steps of this kind move:
// the engine's own, or one beside it, since a measurement leaves it as it was.
func (k kind) players(l *layer) compute.Buffer {
	if k == measuring {
		return l.measured
	}
	return l.players
}

// program is a recorded step.
type program struct {
	*compute.Program
	step time.Duration // what one took when it last ran, or one of a larger network; 0: nobody knows
}

// submissionTime is how long one submission may take. Systems with a display
// reset a device that does not answer for two seconds; and Ctrl-C has to wait.
const submissionTime = 50 * time.Millisecond

// steps returns how many of the remaining steps to submit at a time.
func (p *program) steps(remaining int) int {
	if p.step == 0 {
		return 1
	}
	return min(remaining, planLength, max(1, int(submissionTime/p.step)))
}

// took notes how long some steps took together. That may be nothing at all: Windows
// moves the clock on every 0.5 to 16 ms.
func (p *program) took(all time.Duration, steps int) {
	p.step = max(1, all/time.Duration(steps))
}

// program returns the recorded step of a mode, recording it at first.
func (e *engine) program(m mode) (*program, error) {
	if p, ok := e.programs[m]; ok {
		return p, nil
	}
	r := e.newRecorder()
	r.forward(m.rows)
	switch {
	case m.kind == inferring:
	case (m.kind == measuring || m.kind == observing) && e.options.Valuation == game.Outputs:
		r.sway(m)
	default:
		r.loss(m)
	}
	switch m.kind {
	case training:
		r.backward(m.rows)
		r.update(m, nil)
	case measuring, observing:
		r.backward(m.rows)
		r.observe(m.kind)
	}
	recorded, err := r.finish(m.timed)
	if err != nil {
		return nil, err
	}
	p := &program{Program: recorded, step: e.before[m]}
	e.programs[m] = p
	return p, nil
}

// forward computes every layer for a batch of at most rows samples.
func (r *recorder) forward(rows int) {
	pipeline, err := r.device.Pipeline(shaders.Advance)
	if err != nil {
		r.err = err
		return
	}
	r.commands.Dispatch(pipeline, [3]int{1, 1, 1}, nil, r.state, r.exchange.planned)
	features, floats := r.data.Train.Features, r.data.Train.Values != nil
	mean, scale := r.data.Mean, 1/r.data.Deviation
	if !floats { // bytes count in steps of 1/255
		mean, scale = 255*mean, scale/255
	}
	r.dispatch(shaders.Gather, []uint32{constant(floats)}, padded(features)/4, rows,
		shaders.GatherPush{
			Features: uint32(features), Stride: uint32(padded(features) / 4),
			Mean: float32(mean), Scale: float32(scale),
		},
		r.state, r.exchange.ordered, r.samples.features.buffer, r.batch)
	below := r.batch
	for _, l := range r.layers {
		r.dispatchTiles(shaders.Forward, r.grain.forward, rows, l.outStride(), []uint32{r.activate(l)},
			shaders.LayerPush{InStride: uint32(l.inStride()), OutStride: uint32(l.outStride())},
			r.state, below, l.parameters, l.players, l.affine, l.output)
		below = l.output
	}
}

// loss judges the batch and leaves the derivative of its mean loss. Evaluations
// know nothing of smoothing and weights.
func (r *recorder) loss(m mode) {
	last := r.layers[len(r.layers)-1]
	push := shaders.LossPush{Outputs: uint32(last.out), Stride: uint32(last.outStride())}
	if r.data.Regression() {
		r.dispatch(shaders.Regression, nil, m.rows, 1, push,
			r.state, r.exchange.ordered, r.samples.answers.buffer, last.output, last.derivative, r.exchange.observed)
		return
	}
	var loss backend.Loss
	if m.kind != evaluating {
		loss = r.options.Loss
	}
	other := loss.Smoothing / float64(last.out)
	own := 1 - loss.Smoothing + other
	r.dispatch(shaders.Loss, []uint32{number(own), number(other), constant(loss.ClassWeights != nil)}, m.rows, 1, push,
		r.state, r.exchange.ordered, r.samples.answers.buffer, r.samples.weights, last.output, last.derivative, r.exchange.observed)
}

// sway leaves the derivative of the batch's mean sway.
func (r *recorder) sway(m mode) {
	last := r.layers[len(r.layers)-1]
	sway := backend.NewOutputSample(last.out, r.data.Regression())
	r.dispatch(shaders.Sway, nil, m.rows, 1,
		shaders.SwayPush{
			Outputs: uint32(last.out), Stride: uint32(last.outStride()), Own: float32(sway.Own), Others: float32(sway.Others),
		},
		r.state, last.derivative)
}

// backward computes the derivatives with respect to the affine part of every
// layer, and the sums over blocks of samples.
func (r *recorder) backward(rows int) {
	for i := len(r.layers) - 1; i > 0; i-- {
		l, below := r.layers[i], r.layers[i-1]
		r.dispatchTiles(shaders.Backward, r.grain.backward, rows, l.inStride(), []uint32{shaders.BackwardRows, r.activate(below)},
			shaders.BackwardPush{
				InStride: uint32(l.inStride()), OutStride: uint32(l.outStride()), Blocks: uint32(r.sumBlocks()),
			},
			r.state, l.derivative, l.parameters, below.affine, below.players, below.derivative, below.sums)
	}
}

// sumBlocks returns the rows of each matrix of sums over blocks of samples.
func (e *engine) sumBlocks() int { return blocks(e.batchRows, shaders.BackwardRows) }

// update ends a training step: the players' contributions, a move in the paper's
// game, and the weight update. If gradients are given, they are left there, in
// the shape of each layer's parameters. Those that are to be clipped are left in
// any case, since no weight moves before all of them are known.
func (r *recorder) update(m mode, gradients []compute.Buffer) {
	clips := r.clips()
	if clips && gradients == nil {
		for _, l := range r.layers {
			gradients = append(gradients, l.gradient)
		}
	}
	plays := m.paper != backend.PaperMove{}
	if plays {
		r.norms(training)
	}
	for i, l := range r.layers {
		c := collection{update: !clips, contributions: l.gated && (m.track || plays), track: m.track}
		if gradients != nil {
			c.gradient = &gradients[i]
		}
		r.collect(l, l.players, c)
	}
	if plays {
		for _, l := range r.hidden() {
			r.paper(l, l.players, m.paper)
		}
	}
	below := r.batch
	for i, l := range r.layers {
		gradient := l.first // bound, but not used
		if gradients != nil {
			gradient = gradients[i]
		}
		r.dispatchTiles(shaders.Gradient, r.grain.gradient, 4*l.inStride(), l.outStride(), append(r.optimiser(), constant(gradients != nil), constant(!clips)),
			shaders.LayerPush{InStride: uint32(l.inStride()), OutStride: uint32(l.outStride())},
			r.state, below, l.derivative, l.parameters, l.first, l.second, l.parameters, l.first, l.second, gradient)
		below = l.output
	}
	if clips {
		r.clip(gradients)
	}
}

// clip scales the gradients of all layers together to the longest that they may
// be, if they are longer, and moves the parameters with them.
func (r *recorder) clip(gradients []compute.Buffer) {
	sums := 0
	for i, l := range r.layers {
		r.dispatch(shaders.Squares, nil, l.squareSums(), 1,
			shaders.SquaresPush{
				Count: uint32(l.size() / 4), Sums: uint32(l.squareSums()), First: uint32(sums),
				Scale: float32(1 / max(r.options.Optimiser.ClipNorm, shortest)),
			},
			gradients[i], r.squares)
		sums += l.squareSums()
	}
	r.dispatch(shaders.Clip, nil, 1, 1, shaders.ClipPush{Count: uint32(sums)}, r.squares, r.factor)
	for i, l := range r.layers {
		r.dispatch(shaders.Update, r.optimiser(), l.outStride(), l.rows(),
			shaders.MatrixPush{Rows: uint32(l.rows()), Stride: uint32(l.outStride())},
			r.state, r.factor, gradients[i], l.parameters, l.first, l.second)
	}
}

// shortest is the shortest length that gradients are clipped to: the smallest
// normal number.
const shortest = 0x1p-126

// collection says what to make of the sums over blocks of samples.
type collection struct {
	update        bool            // of the biases
	contributions bool            // mean c and mean c^2 of the batch
	track         bool            // and their moving averages
	gradient      *compute.Buffer // leave the biases' gradient there
}

// collect adds up the sums over blocks of samples.
func (r *recorder) collect(l *layer, players compute.Buffer, c collection) {
	sums, samples := l.sums, shaders.BackwardRows
	if !l.gated { // every sample is its own block
		sums, samples = l.derivative, 1
	}
	gradient := l.first
	if c.gradient != nil {
		gradient = *c.gradient
	}
	constants := append(r.optimiser(),
		constant(c.gradient != nil), constant(c.update), constant(c.contributions), constant(c.track), uint32(samples))
	r.dispatch(shaders.Collect, constants, l.outStride(), 1,
		shaders.CollectPush{Stride: uint32(l.outStride()), BiasRow: uint32(l.rows() - 1), Blocks: uint32(r.sumBlocks())},
		r.state, sums, l.parameters, l.first, l.second, gradient, players)
}

// norms prepares |theta|^2 and the competition of all players.
func (r *recorder) norms(k kind) {
	for _, l := range r.hidden() {
		r.dispatch(shaders.Mixture, nil, l.rows(), 1,
			shaders.MatrixPush{Rows: uint32(l.rows()), Stride: uint32(l.outStride())},
			l.parameters, k.players(l), l.mixture)
	}
	for _, l := range r.hidden() {
		n := blocks(l.rows(), shaders.NormRows)
		r.dispatch(shaders.Norms, []uint32{shaders.NormRows}, l.outStride(), n,
			shaders.NormsPush{Rows: uint32(l.rows()), Stride: uint32(l.outStride()), Blocks: uint32(n)},
			l.parameters, l.mixture, l.normSums)
	}
}

// paper finishes what norms prepared, and lets the players of a layer move once,
// unless move is the zero value.
func (r *recorder) paper(l *layer, players compute.Buffer, move backend.PaperMove) {
	update, benefit := uint32(1), uint32(0)
	switch {
	case move == backend.PaperMove{}:
		update = 0
	case move.Update == backend.BestResponse:
		update = 2
	case move.Update == backend.AdamAscent:
		update = 3
	}
	switch move.Game.Benefit {
	case game.Descent:
		benefit = 1
	case game.Absolute:
		benefit = 2
	}
	r.dispatch(shaders.Paper, []uint32{update, benefit, constant(move.Game.Gradient == game.OfEffective)}, padded(l.out), 1,
		shaders.PaperPush{
			Stride: uint32(l.outStride()), Blocks: uint32(blocks(l.rows(), shaders.NormRows)),
			Alpha: float32(move.Game.Alpha), Beta: float32(move.Game.Beta),
			Gamma: float32(move.Game.Gamma), Eta: float32(move.Game.Eta), Rate: float32(move.Rate),
		},
		r.state, l.normSums, players)
}

// observe takes the contributions of a batch into the averages.
func (r *recorder) observe(k kind) {
	for _, l := range r.hidden() {
		r.collect(l, k.players(l), collection{contributions: true, track: true})
	}
}

// plan writes down a step of the next submission, over samples that are ready.
func (e *engine) plan(slot int, f *feed, at int, step shaders.Step) {
	first, rows := slot*e.batchRows, len(f.of(at))
	step.First, step.Rows, step.Next = uint32(first), uint32(rows), uint32(slot+1)
	step.Share = 1 / float32(rows)
	e.exchange.plan[slot] = step
	f.locate(at, e.exchange.order[first:][:rows])
}

// outcomes returns what the loss kernel found for the first rows samples of a
// step of the last submission.
func (e *engine) outcomes(slot, rows int) []shaders.Outcome {
	return e.exchange.outcomes[slot*e.batchRows:][:rows]
}

// submit runs the first steps of the plan and waits for them.
func (e *engine) submit(p *program, steps int) error {
	e.exchange.plan[steps-1].Next = 0
	start := time.Now()
	err := p.Run(steps)
	p.took(time.Since(start), steps)
	return err
}
