package backend

import (
	"context"
	"errors"
	"fmt"

	"nashprune/game"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Driver opens engines on the devices of one kind of backend.
type Driver interface {
	// Name is what users call the backend, for example "cpu".
	Name() string
	// Devices lists what can be opened. The error says why there is none, or
	// names the devices that exist besides and cannot be opened.
	Devices() ([]Device, error)
	// Operators lists the kinds of operators that its engines run.
	Operators() []network.Kind
	// Open places the samples of a data set and a state on a device. Of the
	// state only the network is required (see [Engine.Push]); the engine keeps
	// no reference to it.
	Open(device Device, d *dataset.Dataset, o EngineOptions, s *State) (Engine, error)
}

// EngineOptions are the choices that stay fixed while an engine lives.
type EngineOptions struct {
	Batch     int // samples a training step, at least 1
	Optimiser Optimiser
	Loss      Loss
	// Valuation is that of the players of a market. Where it is by outputs the contributions
	// that Measure and Observe find are those to the outputs, see [OutputSample].
	Valuation game.Valuation
	Samples   Placement // where they are, on devices with memory of their own
	// Joint says that in the paper's game theta pays its cost, too: with a [PaperMove] the
	// gradient of a step is that of the loss plus dC_i/dtheta_i, see game.AddCostGradient,
	// at the participations before the move. It is part of what is clipped.
	Joint bool
	// SoftWeights says that single weights play the paper's game: their participations are
	// numbers from 0 to 1, and the engine keeps theta beside s theta, with moments of slopes.
	SoftWeights bool
	// Inference says that the engine only computes outputs, and takes no memory for what training
	// needs besides: it is asked for Evaluate, Infer, Participations, Push, which then takes the network alone,
	// and Pull, which then brings it alone. Other calls are [ErrInference]. Its outputs have the bits
	// of any other engine's.
	Inference bool
	Seed      uint64 // of what is drawn in training steps, see [network.Draws] and Augmentation
	// Augmentation moves the images of every training step anew: those of row b of the batch
	// by its Move for the seed, the number of the optimiser's step from 1, and b. What lies
	// outside is 0 to the network. It is for images alone.
	Augmentation dataset.Augmentation
}

// Validate says why a network cannot be trained on a data set with the options.
// Engines call it when they are opened.
func (o EngineOptions) Validate(d *dataset.Dataset, n *network.Network) error {
	if o.Batch < 1 {
		return fmt.Errorf("batch is %d: it takes at least one sample", o.Batch)
	}
	if in := n.Graph.Input().Sample.Size(); in != d.Train.Features {
		return fmt.Errorf("the network has %d inputs, the samples of %s have %d features", in, d.Name, d.Train.Features)
	}
	if a := o.Augmentation; a != (dataset.Augmentation{}) && (d.Channels == 0 || len(n.Graph.Input().Sample) != 3) {
		return fmt.Errorf("augmentation moves images, and the network reads %s of %s as %s numbers; choose a convolutional network and data of images, or no augmentation",
			d.Name, n.Graph.Input().Sample, n.Graph.Input().Sample)
	}
	for _, part := range []dataset.Samples{d.Validation, d.Test} {
		if part.Len() > 0 && (part.Values != nil) != (d.Train.Values != nil) {
			return fmt.Errorf("%s has bytes in one part and floats in another", d.Name)
		}
	}
	switch out := n.Outputs(); {
	case d.Regression() && out != d.Outputs():
		return fmt.Errorf("the network has %d outputs, %s has %d targets", out, d.Name, d.Outputs())
	case out < d.Outputs():
		return fmt.Errorf("the network has %d outputs, %s has %d classes", out, d.Name, d.Outputs())
	case o.Loss.ClassWeights != nil && len(o.Loss.ClassWeights) != out:
		return fmt.Errorf("the network has %d outputs and the loss weights for %d classes", out, len(o.Loss.ClassWeights))
	case d.Regression() && (o.Loss.Smoothing != 0 || o.Loss.ClassWeights != nil):
		return errors.New("label smoothing and class weights are for classes, and numbers are to be predicted")
	}
	if !o.Samples.Known() {
		return fmt.Errorf("unknown placement %q of samples", o.Samples)
	}
	return nil
}

// Engine holds a network, its players and the samples on one device. It is
// asked for whole stretches of work, never for single operations, so that a
// device need not wait for the host in between. An engine is used by one
// goroutine at a time.
type Engine interface {
	// Train runs the steps of a stretch. When ctx ends it stops between two
	// steps, says in Progress how far it came, and returns the ctx's error.
	// The loss of a step is taken before its update.
	Train(ctx context.Context, s Stretch) (Progress, error)

	// Participations reads where the players of each gate are, from 0 to 1, and then, with
	// [EngineOptions.SoftWeights], those of each parameter of [network.Graph.Masked].
	Participations() ([][]float64, error)

	// Measure brings the statistics of the players, with the contributions averaged over
	// the whole training part, at the present state, in the order of Participations. It changes
	// nothing.
	Measure(ctx context.Context) ([]Statistics, error)

	// Observe measures, over the given training samples, at least one, how the players act
	// together and what nodes read that read players. Of contributions to the outputs a
	// sample's place in the order says which output is looked at (see [OutputSample]). Of
	// the engine it changes nothing but what Play plays on.
	Observe(ctx context.Context, order []int32) (*Observation, error)

	// ObserveWeights measures, over the given training samples, at least one, E[g^2] of each
	// weight that is a player, by the places of [network.Graph.Masked]: g is the derivative
	// of the loss of one sample or of its output, as with Observe, with respect to the weight.
	// So w^2 E[g^2] is mean c^2. It changes nothing.
	ObserveWeights(ctx context.Context, order []int32) ([][]float32, error)

	// Play lets the players of every gate move one at a time, in their order and sweeps times
	// each, from given participations to best responses at the price of each player, as
	// game.Interactions.Play does on the interactions that the engine observed last. It
	// returns where they are. The participations of the network stay.
	Play(prices, from [][]float64, sweeps int) ([][]float64, error)

	// RestartOptimiser sets moments, also those of the players' slopes, and step
	// count to zero.
	RestartOptimiser() error

	// Evaluate runs the network over a part of the data.
	Evaluate(ctx context.Context, part Part, want Want) (Evaluation, error)

	// Infer computes the logits of the first count test samples, starting from
	// the samples as they lie on the device, and waits for them: what a user of
	// the network waits for. count is at most InferLimit, or the batch of the engine's
	// options where that is larger.
	Infer(count int) error

	// Pull copies the whole state to the host. Push puts one back, of any graph of the same
	// inputs and outputs; moments and counts that it does not have start at zero. Where the
	// device computes in float32, Pull then Push changes no later result. Push of another graph
	// lets go of the state before, and then allocates, so that the two need not fit side by
	// side. Push of the graph that is there, the same pointer, may keep the memory.
	Pull() (*State, error)
	Push(s *State) error

	// Probe makes one training step on the given training samples and returns every tensor
	// of it by name, for comparing backends: "input" and "loss"; of each of
	// [network.Graph.Stages] but views "NODE.output" and, of a dense one,
	// "NODE.derivative" with respect to its affine part and, where that is gated or
	// goes through an activation, "NODE.affine"; of each parameter P, after the step,
	// "P", "first.P", "second.P" and "gradient.P"; of each gate G
	// "gate.G.contribution.mean" and "gate.G.contribution.square", the means over the batch.
	Probe(order []int32, learningRate float64) ([]Tensor, error)

	// Timings returns the time by kernel of the steps that were timed since the engine
	// was opened, where the device measures it. Of a stretch that may be the first step
	// alone.
	Timings() []Timing

	// Close gives everything back. An engine is not used after it.
	Close() error
}

// Stretch is a number of training steps without a word from the host.
type Stretch struct {
	Order         []int32   // training samples, one batch after the other; the last may be partial
	LearningRates []float64 // one a step
	NoDecay       bool      // AdamW lets weights keep what they have, see [Optimiser.Shrink]
	Paper         *PaperMove
}

// Steps returns the number of steps of the stretch.
func (s Stretch) Steps() int { return len(s.LearningRates) }

// PaperMove plays the paper's game along with the training: after the gradients
// of a step and before its weight update, all players move once, with the
// gradient of that batch.
type PaperMove struct {
	Game   game.Paper
	Update PaperUpdate
	// Rate is lr_s for either ascent, the damping for best responses, and the rate of log
	// alpha for gates.
	Rate float64
	// Seed names the numbers that gates are drawn with, see [HardConcrete].
	Seed uint64
}

// PaperUpdate says how players of the paper's game move.
type PaperUpdate string

const (
	// GradientAscent is Algorithm 1: s <- Proj[0,1](s + rate dU/ds).
	GradientAscent PaperUpdate = "gradient"
	// AdamAscent is game.Paper.AscendAdam at the optimiser's step.
	AdamAscent PaperUpdate = "adam"
	// BestResponse is s <- s + rate (s* - s) with s* from eq. 14.
	BestResponse PaperUpdate = "best-response"
	// HardConcrete is game.Paper.AscendGates: participations are drawn anew in every step.
	// Players of a gate take one after the other a number [random.Stream.Inner] of the stream
	// of random.Gating that the seed, the number of the optimiser's step and the gate name.
	HardConcrete PaperUpdate = "hard-concrete"
)

// Progress is what a stretch did.
type Progress struct {
	Steps   int
	Samples int
	Correct int     // samples whose largest logit was their class, before each update; 0 in regression
	Loss    float64 // summed over the samples, before each update
}

// Add takes in the progress of a further stretch.
func (p *Progress) Add(q Progress) {
	p.Steps += q.Steps
	p.Samples += q.Samples
	p.Correct += q.Correct
	p.Loss += q.Loss
}

// Statistics is what is known of the players of one gate, or of the weights of one parameter.
// All slices have one number a player; single weights have no MeanSquare.
type Statistics struct {
	Participation []float64 // s
	// MeanContribution is mean_b c_b, of the loss dL/ds, and MeanSquare is mean_b c_b^2,
	// where c_b is the derivative of the loss of sample b with respect to s, or of
	// its [OutputSample].
	MeanContribution []float64
	MeanSquare       []float64
	SquaredNorm      []float64 // |theta|^2, weights and bias
	Competition      []float64 // sum over j != i of s_j <theta_i, theta_j>
}

// Fisher returns s^2 mean(c^2) of each player, what the network would lose of it as it is:
// to second order, twice the rise of the loss without it.
func (s Statistics) Fisher() []float64 {
	worths := make([]float64, len(s.Participation))
	for i, p := range s.Participation {
		worths[i] = p * p * s.MeanSquare[i]
	}
	return worths
}

// Observation is what a round of the market knows of the players.
type Observation struct {
	// Interactions holds, by gate, E[e e^T] of the players' effects e = s c: of what each
	// moves an output or a loss as it participates now.
	Interactions []game.Interactions
	Inputs       []InputMoments // of network.Graph.Readers, in their order
}

// InputMoments is the first and second moments of the inputs x of a node.
type InputMoments struct {
	Node   int
	Mean   []float64 // E[x]
	Square []float64 // E[x x^T], row-major; nil of more than [LargestMoments] inputs
}

// LargestMoments is of how many inputs second moments are taken at most: those of more
// would take more time than the steps between two rounds.
const LargestMoments = 1024

// OfWeights returns the statistics of single weights theta that participate with s, where
// mean is the mean derivative of the loss with respect to s theta. The inner product of two
// weights is their product.
func OfWeights[T float32 | float64](theta, s []T, mean []float64) Statistics {
	stats := Statistics{MeanContribution: mean, Competition: game.Competition(theta, s)}
	for i, w := range theta {
		stats.Participation = append(stats.Participation, float64(s[i]))
		stats.SquaredNorm = append(stats.SquaredNorm, float64(w)*float64(w))
		mean[i] *= float64(w)
	}
	return stats
}

// Field returns what the players' utilities in the paper's game depend on.
func (s Statistics) Field(g game.Paper) game.Field {
	f := game.Field{SquaredNorm: s.SquaredNorm, Competition: s.Competition}
	for i, c := range s.MeanContribution {
		f.Gradient = append(f.Gradient, g.GradientOf(s.Participation[i], c))
	}
	return f
}

// State is everything that a later result depends on, as host tensors.
type State struct {
	Network *network.Network
	// First and Second hold the optimiser's moments, m and v of [OptimiserKind], in the
	// shapes of the network's parameters. Second is nil where the optimiser has none.
	First, Second [][]float32
	Steps         int // optimiser steps since the start or the last restart
	// Slopes holds the moments of the players' slopes in the paper's game, in the order of
	// [Engine.Participations]; zero where players move neither by [AdamAscent] nor by
	// [HardConcrete].
	Slopes []SlopeMoments
}

// SlopeMoments is the moments of game.Moments for one gate or one parameter. With
// [HardConcrete] they are game.Gates: First the log alphas, Second the prices, which an engine
// keeps as they are.
type SlopeMoments struct {
	First, Second []float32
}

// Cut returns what a cut of the network's graph keeps of a state.
func (s *State) Cut(c *network.Cut) *State {
	g := s.Network.Graph
	kept := &State{
		Network: c.Of(s.Network), First: c.OfParams(g, s.First), Second: c.OfParams(g, s.Second), Steps: s.Steps,
	}
	gates := min(len(g.Gates), len(s.Slopes))
	for i, v := range s.Slopes[:gates] {
		kept.Slopes = append(kept.Slopes, SlopeMoments{First: network.Select(v.First, c.Gates[i]), Second: network.Select(v.Second, c.Gates[i])})
	}
	for i, v := range s.Slopes[gates:] {
		p := g.Masked()[i]
		if c.Params[p] == nil { // in a removed branch
			continue
		}
		of := func(v []float32) []float32 { return network.SelectTensor(v, g.Params[p].Shape, c.Params[p]) }
		kept.Slopes = append(kept.Slopes, SlopeMoments{First: of(v.First), Second: of(v.Second)})
	}
	return kept
}

// Part names a part of a data set.
type Part string

const (
	TrainPart      Part = "train"
	ValidationPart Part = "validation"
	TestPart       Part = "test"
)

// Of returns the samples of the part.
func (p Part) Of(d *dataset.Dataset) dataset.Samples {
	switch p {
	case ValidationPart:
		return d.Validation
	case TestPart:
		return d.Test
	default:
		return d.Train
	}
}

// InOrder lists the first n samples of a part in their order.
func InOrder(n int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	return order
}

// Want says what an evaluation is to bring besides loss and accuracy.
type Want struct {
	Logits bool
	Only   []int32 // samples of the part that are evaluated, in their order; nil: all
}

// Of returns the samples of a part that are evaluated.
func (w Want) Of(part dataset.Samples) []int32 {
	if w.Only != nil {
		return w.Only
	}
	return InOrder(part.Len())
}

// Evaluation is how a network does on a part of the data.
type Evaluation struct {
	Samples, Correct int
	Loss             float64   // mean cross-entropy or, in regression, mean squared error
	ClassSamples     []int     // samples of each class; nil in regression
	ClassCorrect     []int     // of those, correct
	Logits           []float32 // a row a sample, if wanted
}

// Accuracy returns the percentage of correct samples.
func (e Evaluation) Accuracy() float64 {
	if e.Samples == 0 {
		return 0
	}
	return 100 * float64(e.Correct) / float64(e.Samples)
}

// Class returns the class that a sample was taken for: the first of those with the largest logit.
// Logits have to be there.
func (e Evaluation) Class(sample int) int {
	width := len(e.Logits) / e.Samples
	logits := e.Logits[sample*width : (sample+1)*width]
	best := 0
	for class, z := range logits {
		if z > logits[best] {
			best = class
		}
	}
	return best
}

// Tensor is a named array of a probe.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float64
}

// Timing is the time that one kernel took on the device.
type Timing struct {
	Kernel  string
	Calls   int
	Seconds float64
}
