package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
	"nashprune/trainer/settings"
)

// Case is a network and a batch whose training steps are measured.
type Case struct {
	Widths []int // from the inputs to the logits, with a hidden layer at least
	Batch  int
}

// The inputs and outputs of networks of which only the hidden layers are named.
const (
	inputs  = 28 * 28
	outputs = 10
)

// defaultBatch is the batch of cases that name none.
const defaultBatch = 128

// ParseCase returns the case that a user's words mean: mlp:512-256 for the hidden
// layers of a network with 784 inputs and 10 outputs, or all widths as in
// 784-512-256-10; after @ the batch, 128 if there is none.
func ParseCase(words string) (Case, error) {
	model, batch, found := strings.Cut(words, "@")
	c := Case{Batch: defaultBatch}
	if found {
		var err error
		if c.Batch, err = strconv.Atoi(batch); err != nil || c.Batch < 1 || c.Batch > settings.MaxBatch {
			return c, backend.Usagef("--model %q: the batch after @ is a number from 1 to %d", words, settings.MaxBatch)
		}
	}
	// All widths alike are those of some network's hidden layers.
	whole := !strings.HasPrefix(model, "mlp:")
	if whole {
		model = "mlp:" + model
	}
	widths, err := network.Parse(model)
	switch {
	case err != nil:
		return c, backend.Usagef("--model %q: %v", words, err)
	case !whole:
		widths = append(append([]int{inputs}, widths...), outputs)
	case len(widths) < 3:
		return c, backend.Usagef("--model %q: a shape has inputs, hidden layers and outputs, as in 784-512-256-10", words)
	}
	c.Widths = widths
	if c.parameters() > settings.MaxNetworkParameters {
		return c, backend.Usagef("--model %q has %d parameters: at most %d", words, c.parameters(), settings.MaxNetworkParameters)
	}
	return c, nil
}

// DefaultCases are a dense network, one that the game made of it, and a large one.
func DefaultCases() []Case {
	return []Case{
		{[]int{784, 512, 256, 10}, defaultBatch},
		{[]int{784, 25, 13, 10}, defaultBatch},
		{[]int{4096, 4096, 4096}, 1024},
	}
}

// Model returns the widths as in 784-512-256-10.
func (c Case) Model() string {
	return network.JoinWidths(c.Widths)
}

func (c Case) String() string { return fmt.Sprintf("%s, batch %d", c.Model(), c.Batch) }

// comparable says whether the networks of two cases do the same work: one may be
// what was pruned from the other.
func (c Case) comparable(d Case) bool {
	last := func(c Case) int { return c.Widths[len(c.Widths)-1] }
	return c.Widths[0] == d.Widths[0] && last(c) == last(d) && c.Batch == d.Batch
}

func (c Case) parameters() int {
	parameters := 0
	for l, in := range c.Widths[:len(c.Widths)-1] {
		parameters += (in + 1) * c.Widths[l+1]
	}
	return parameters
}

// graph returns the network of the case: widths, which are one at least, make a valid one.
func (c Case) graph() *network.Graph {
	g, err := network.MLP(c.Widths, network.ReLU, network.DefaultPlayers)
	if err != nil {
		panic(err)
	}
	return g
}

// Operations returns the additions and multiplications in the matrix products of
// one training step: each weight takes part in the forward pass and in its own
// gradient, and but for the first layer in the derivative below.
func (c Case) Operations() float64 {
	weights := 0.
	for l, in := range c.Widths[:len(c.Widths)-1] {
		times := 3.
		if l == 0 {
			times = 2
		}
		weights += times * float64(in) * float64(c.Widths[l+1])
	}
	return 2 * float64(c.Batch) * weights
}

// Bytes returns how much memory one training step with Adam reads and writes when
// each of its parts, in float32, goes through every tensor once and nothing stays
// in a cache in between: the samples (a byte a feature) to the inputs; forward
// through inputs and parameters to affine parts and outputs; backward through
// derivatives, weights and affine parts to the derivatives below; inputs and
// derivatives to the update, which reads and writes parameters and both moments.
func (c Case) Bytes() float64 {
	const float, moments = 4, 2
	batch := float64(c.Batch)
	bytes := (1 + float) * batch * float64(c.Widths[0])
	for l, width := range c.Widths[:len(c.Widths)-1] {
		in, out := float64(width), float64(c.Widths[l+1])
		parameters := (in + 1) * out
		numbers := batch*in + parameters + 2*batch*out // forward
		if l > 0 {
			numbers += batch*out + parameters + 2*batch*in // backward
		}
		numbers += batch*in + batch*out + 2*(1+moments)*parameters // update
		bytes += float * numbers
	}
	return bytes
}

// maxSampleBytes bounds the samples that lie on the device.
const maxSampleBytes = 64 << 20

// data returns samples for the case, as many as wanted unless they are too large.
func (c Case) data(samples int) *dataset.Dataset {
	samples = max(c.Batch, min(samples, maxSampleBytes/c.Widths[0]))
	return dataset.Noise(samples, c.Widths[0], c.Widths[len(c.Widths)-1])
}

// EngineOptions are those of the engines of the case.
func (c Case) EngineOptions() backend.EngineOptions {
	return backend.EngineOptions{Batch: c.Batch, Optimiser: backend.Optimiser{Kind: backend.Adam}, Valuation: settings.Default().Worth}
}

// drawnWeights is how many different weights a network begins with, a prime number
// so that no two rows are alike.
const drawnWeights = 8191

// state returns the state that the training starts from: He's initialisation, but
// that the weights repeat themselves, since networks of many million are drawn.
func (c Case) state() *backend.State {
	draw := random.New(1, random.Initialisation, 0, 0)
	drawn := make([]float32, drawnWeights)
	for i := range drawn {
		drawn[i] = float32(draw.Normal())
	}
	n := network.New(c.graph())
	next := 0
	for p, param := range n.Graph.Params {
		if !param.Weight {
			continue
		}
		deviation := float32(math.Sqrt(2 / float64(param.Shape[1])))
		for i := range n.Parameters[p] {
			n.Parameters[p][i] = deviation * drawn[next]
			if next++; next == drawnWeights {
				next = 0
			}
		}
	}
	return &backend.State{Network: n}
}
