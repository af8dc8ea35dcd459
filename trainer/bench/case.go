package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
	"nashprune/trainer/random"
	"nashprune/trainer/settings"
)

// Case is a network and a batch whose training steps are measured.
type Case struct {
	Widths []int  // of a perceptron, from the inputs to the logits, with a hidden layer at least
	Named  string // another network, by its name or its file
	Batch  int

	read *network.Graph // that of a file, which may change later; nil of a name
}

// The inputs and outputs of networks of which only the hidden layers are named.
const (
	inputs  = 28 * 28
	outputs = 10
)

// defaultBatch is the batch of cases that name none.
const defaultBatch = 128

// ParseCase returns the case that a user's words mean: a model by name or file, such as
// mlp:512-256 or lenet5, for the samples that it is usually counted for and 10 outputs, or
// all widths of a perceptron as in 784-512-256-10; after @ the batch, 128 if there is none.
func ParseCase(words string) (Case, error) {
	name, batch, found := strings.Cut(words, "@")
	c := Case{Batch: defaultBatch}
	if found {
		var err error
		if c.Batch, err = strconv.Atoi(batch); err != nil || c.Batch < 1 || c.Batch > settings.MaxBatch {
			return c, backend.Usagef("--model %q: the batch after @ is a number from 1 to %d", words, settings.MaxBatch)
		}
	}
	// All widths alike are those of some network's hidden layers.
	if widths, err := network.Parse("mlp:" + name); err == nil {
		if c.Widths = widths; len(widths) < 3 {
			return c, backend.Usagef("--model %q: a shape has inputs, hidden layers and outputs, as in 784-512-256-10", words)
		}
	} else {
		m, err := models.Parse(name)
		if err != nil {
			return c, backend.Usagef("--model %q: %v", words, err)
		}
		if c.Named = name; m.Hidden != nil {
			c.Named, c.Widths = "", slices.Concat([]int{inputs}, m.Hidden, []int{outputs})
		}
	}
	g, err := c.build()
	if err != nil {
		return c, backend.Usagef("--model %q: %v", words, err)
	}
	if strings.HasSuffix(c.Named, models.Suffix) {
		c.read = g
	}
	if parameters := g.ParameterCount(); parameters > settings.MaxNetworkParameters {
		return c, backend.Usagef("--model %q has %d parameters: at most %d", words, parameters, settings.MaxNetworkParameters)
	}
	return c, nil
}

// DefaultCases are a dense network, one that the game made of it, and a large one.
func DefaultCases() []Case {
	return []Case{
		{Widths: []int{784, 512, 256, 10}, Batch: defaultBatch},
		{Widths: []int{784, 25, 13, 10}, Batch: defaultBatch},
		{Widths: []int{4096, 4096, 4096}, Batch: 1024},
	}
}

// Model returns the name, or the widths as in 784-512-256-10.
func (c Case) Model() string {
	if c.Named != "" {
		return c.Named
	}
	return network.JoinWidths(c.Widths)
}

func (c Case) String() string { return fmt.Sprintf("%s, batch %d", c.Model(), c.Batch) }

// comparable says whether the networks of two cases do the same work: one may be
// what was pruned from the other.
func (c Case) comparable(d Case) bool {
	a, b := c.graph(), d.graph()
	return a.Input().Sample.Equal(b.Input().Sample) && a.Outputs() == b.Outputs() && c.Batch == d.Batch
}

func (c Case) parameters() int { return c.graph().ParameterCount() }

// build returns the network of the case.
func (c Case) build() (*network.Graph, error) {
	switch {
	case c.read != nil:
		return c.read, nil
	case c.Named == "":
		return network.MLP(c.Widths, network.ReLU, network.DefaultPlayers)
	}
	m, err := models.Parse(c.Named)
	if err != nil {
		return nil, err
	}
	return m.Graph(m.Usual, outputs, network.ReLU, network.DefaultPlayers)
}

// graph returns the network of the case, which [ParseCase] has built once.
func (c Case) graph() *network.Graph {
	g, err := c.build()
	if err != nil {
		panic(err)
	}
	return g
}

// Operations returns the additions and multiplications in the products of one training
// step: each multiply-accumulate of a forward pass has one in the gradient of its weight
// and, but where samples are read, one in the derivative below.
func (c Case) Operations() float64 {
	g, products := c.graph(), 0.
	for _, load := range g.Loads(g.Sizes()) {
		times := 3.
		if g.Nodes[load.Node].In[0] == 0 {
			times = 2
		}
		products += times * float64(load.MACs)
	}
	return 2 * float64(c.Batch) * products
}

// Bytes returns how much memory one training step with Adam reads and writes when
// each of its parts, in float32, goes through every tensor once and nothing stays
// in a cache in between: the samples (a byte a feature) to the inputs; forward
// through inputs and parameters to affine parts and outputs; backward through
// derivatives, weights and affine parts to the derivatives below; inputs and
// derivatives to the update, which reads and writes parameters and both moments. Nodes
// without parameters are not counted.
func (c Case) Bytes() float64 {
	const float, moments = 4, 2
	g, batch := c.graph(), float64(c.Batch)
	bytes := (1 + float) * batch * float64(g.Inputs())
	for _, load := range g.Loads(g.Sizes()) {
		node := g.Nodes[load.Node]
		in, out, parameters := float64(g.Nodes[node.In[0]].Shape.Size()), float64(load.Outputs), 0.
		for _, p := range node.Params {
			if !g.Params[p].Statistic {
				parameters += float64(g.Params[p].Size())
			}
		}
		numbers := batch*in + parameters + 2*batch*out // forward
		if node.In[0] != 0 {
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
	g := c.graph()
	samples = max(c.Batch, min(samples, maxSampleBytes/g.Inputs()))
	return dataset.Noise(samples, g.Inputs(), g.Outputs())
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
		deviation := float32(math.Sqrt(2 / float64(network.Shape(param.Shape[1:]).Size())))
		for i := range n.Parameters[p] {
			n.Parameters[p][i] = deviation * drawn[next]
			if next++; next == drawnWeights {
				next = 0
			}
		}
	}
	return &backend.State{Network: n}
}
