//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"math"
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
	paper backend.PaperMove // plays along, unless it is the zero value
	timed bool              // take the time of every kernel
	// sparse: layers with few weights that are not zero go through these alone.
	sparse bool
}

func (m mode) plays() bool { return m.paper != backend.PaperMove{} }

type kind int

const (
	training   kind = iota
	measuring       // contributions without an update, for Measure
	observing       // interactions of players and moments of inputs, for Observe
	weighing        // squares of derivatives of weights, for ObserveWeights
	deriving        // derivatives by weights, for Measure
	evaluating      // forward and loss
	inferring       // forward alone
)

// program is a recorded step.
type program struct {
	*compute.Program
	step time.Duration // what one took when it last ran; 0: unknown
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
	r.counts = m.kind != training || m.plays()
	r.forward(m)
	switch m.kind {
	case training:
		r.backward(m)
		r.update(m, false)
	case measuring:
		r.backward(m)
		r.measure()
	case observing:
		r.backward(m)
		r.observe()
	case weighing:
		r.backward(m)
		r.weigh(m)
	case deriving:
		r.backward(m)
		r.derive(m)
	}
	recorded, err := r.finish(m.timed)
	if err != nil {
		return nil, err
	}
	p := &program{Program: recorded}
	e.programs[m] = p
	return p, nil
}

// forward computes every stage for a batch, and what the kind of step asks of the outputs.
func (r *recorder) forward(m mode) {
	observes := m.kind == measuring || m.kind == observing || m.kind == weighing || m.kind == deriving
	samplesOutputs := observes && r.options.Valuation.ByOutputs()
	hasLoss := m.kind != inferring && !samplesOutputs
	fuses := hasLoss && r.fusesLoss()
	for _, s := range r.stages {
		if fuses && s == stage(r.output.by) {
			r.outputAndLoss(m)
			return
		}
		s.forward(r, m)
	}
	switch {
	case hasLoss:
		r.loss(m)
	case samplesOutputs:
		r.sampleOutputs(m)
	}
}

// loss computes the loss and the derivative of its mean from the outputs.
func (r *recorder) loss(m mode) {
	t := r.output
	r.dispatch(shaders.Loss, r.lossConstants(m), m.rows, 1, shaders.LossPush{Outputs: uint32(t.width), OutStride: uint32(t.stride())},
		r.state, t.values, r.exchange.ordered, r.samples.answers.buffer, r.samples.weights, t.derivative, r.exchange.observed)
}

// lossConstants returns the specialisation constants of the loss. Evaluations know
// nothing of smoothing and weights.
func (r *recorder) lossConstants(m mode) []uint32 {
	var loss backend.Loss
	if m.kind != evaluating {
		loss = r.options.Loss
	}
	other := loss.Smoothing / float64(r.output.width)
	own := 1 - loss.Smoothing + other
	return []uint32{constant(r.data.Regression()), number(own), number(other), constant(loss.ClassWeights != nil)}
}

// sampleOutputs leaves the derivative of the mean output sample of the batch.
func (r *recorder) sampleOutputs(m mode) {
	last := r.output
	sample := backend.NewOutputSample(last.width, r.data.Regression())
	r.dispatch(shaders.OutputSample, nil, m.rows, 1,
		shaders.OutputSamplePush{
			Outputs: uint32(last.width), Stride: uint32(last.stride()), Own: float32(sample.Own), Others: float32(sample.Others),
		},
		r.state, last.derivative)
}

// backward computes the derivatives with respect to the output u of every node, and the sums
// over blocks of samples that players need.
func (r *recorder) backward(m mode) {
	for _, t := range r.tensors {
		t.written = false
	}
	for _, l := range r.layers {
		l.taken = l.plain()
	}
	for _, g := range r.gates {
		g.done = 0
	}
	for i := len(r.stages) - 1; i >= 0; i-- {
		r.stages[i].backward(r, m)
	}
}

// sumBlocks returns the rows of each matrix of sums over blocks of samples.
func (e *engine) sumBlocks() int { return blocks(e.batchRows, shaders.BackwardRows) }

// update ends a training step: the players' contributions in the paper's game or for a
// probe, a move in that game, and the weight update. For a probe the gradients are left in
// each layer's, as they are if they wait: to be charged, or to be clipped, where no weight
// moves before all of them are known.
func (r *recorder) update(m mode, probe bool) {
	plays := m.plays()
	if plays {
		r.norms(ofRows)
	}
	r.learn(learning{update: !r.waits(), keep: probe || r.waits(), gates: probe || plays}, m)
	if plays && r.options.SoftWeights {
		r.paperWeights(m.paper)
	} else {
		r.mask()
	}
	if plays && r.options.Joint {
		r.charge(m.paper.Game)
	}
	if plays {
		for i, g := range r.gates {
			r.paper(i, g.rows, m.paper)
		}
	}
	if !r.waits() {
		return
	}
	if r.clips() {
		r.clip()
	} else if r.err == nil {
		r.commands.Fill(r.factor, math.Float32bits(1))
	}
	for _, m := range r.trained {
		r.dispatch(shaders.Update, r.optimiser(), m.outStride(), m.rows(),
			shaders.UpdatePush{Rows: uint32(m.rows()), Stride: uint32(m.outStride()), Weights: m.decaying()},
			r.state, r.factor, m.gradient, m.theta, m.first, m.second)
	}
	r.participate()
}

// charge adds to the gradients what players pay for theta.
func (r *recorder) charge(paper game.Paper) {
	for _, g := range r.gates {
		for _, l := range g.owners {
			r.dispatch(shaders.Charge, nil, l.outStride(), l.rows(),
				shaders.ChargePush{Rows: uint32(l.rows()), Stride: uint32(l.outStride()), Beta: float32(paper.Beta), Eta: float32(paper.Eta)},
				l.parameters, g.rows, l.mixture, l.gradient)
		}
	}
}

// clip finds the factor that scales the gradients of all layers together to the longest
// that they may be, if they are longer.
func (r *recorder) clip() {
	count := 0
	layerRuns, _, runs := r.schedule(ofRows)
	for _, run := range layerRuns {
		runs = append(runs, matrixRun{matricesOf(run.layers), run.firstJob})
	}
	for _, run := range runs {
		sums := 0
		for _, m := range run.matrices {
			sums += squareSums(m.size() / 4)
		}
		whole, _ := span(run.matrices, ofGradient)
		r.dispatch(shaders.Squares, []uint32{shaders.SquaresSummed, shaders.SquaresMost}, sums, 1,
			shaders.SquaresPush{
				First: uint32(run.firstJob), Matrices: uint32(len(run.matrices)), FirstSum: uint32(count),
				Scale: float32(1 / max(r.options.Optimiser.ClipNorm, shortest)),
			},
			whole, r.jobs, r.squares)
		count += sums
	}
	r.dispatch(shaders.Clip, nil, 1, 1, shaders.ClipPush{Count: uint32(count)}, r.squares, r.factor)
}

// shortest is the shortest length that gradients are clipped to: the smallest
// normal number.
const shortest = 0x1p-126

// norms prepares |theta|^2 and the competition of all players.
func (r *recorder) norms(players func(*gate) compute.Buffer) {
	for _, g := range r.gates {
		for _, l := range g.owners {
			r.dispatch(shaders.Mixture, []uint32{constant(true)}, l.rows(), 1,
				shaders.MatrixPush{Rows: uint32(l.rows()), Stride: uint32(l.outStride())},
				l.parameters, players(g), l.mixture)
		}
	}
	for _, g := range r.gates {
		first := 0
		for _, l := range g.owners {
			n := blocks(l.rows(), shaders.NormRows)
			r.dispatch(shaders.Norms, []uint32{shaders.NormRows}, l.outStride(), n,
				shaders.NormsPush{Rows: uint32(l.rows()), Stride: uint32(l.outStride()), First: uint32(first), Blocks: uint32(g.normBlocks())},
				l.parameters, l.mixture, g.normSums)
			first += n
		}
	}
}

// paper finishes what norms prepared, and lets the players of a gate move once,
// unless move is the zero value.
func (r *recorder) paper(gate int, players compute.Buffer, move backend.PaperMove) {
	g := r.gates[gate]
	r.dispatch(shaders.Paper, reading(move), padded(g.players), 1,
		shaders.PaperPush{
			Stride: uint32(g.stride()), Blocks: uint32(g.normBlocks()),
			Alpha: float32(move.Game.Alpha), Beta: float32(move.Game.Beta),
			Gamma: float32(move.Game.Gamma), Eta: float32(move.Game.Eta), Rate: float32(move.Rate),
			Gate: uint32(gate), SeedLow: uint32(move.Seed), SeedHigh: uint32(move.Seed >> 32),
		},
		r.state, g.normSums, players)
}

// reading returns the specialisation constants of a move.
func reading(move backend.PaperMove) []uint32 {
	update, benefit := uint32(1), uint32(0)
	switch {
	case move == backend.PaperMove{}:
		update = 0
	case move.Update == backend.BestResponse:
		update = 2
	case move.Update == backend.AdamAscent:
		update = 3
	case move.Update == backend.HardConcrete:
		update = 4
	}
	switch move.Game.Benefit {
	case game.Descent:
		benefit = 1
	case game.Absolute:
		benefit = 2
	}
	return []uint32{update, benefit, constant(move.Game.Gradient == game.OfEffective)}
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
