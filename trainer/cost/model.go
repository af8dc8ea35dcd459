package cost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// Model estimates the time of a forward pass over a batch, in microseconds, from what
// the nodes with parameters do: with m_l multiply-accumulates for n_l numbers of w_l units
// (neurons, or channels) of node l,
//
//	T = Base + sum_l (PerMAC[l] m_l + m_l/w_l steps(w_l)) + sum_l PerNeuron[l] n_l
//	steps(w) = sum_j PerStep[j] for all j with j Step < w
//
// where the last sum leaves out the last node. A node takes a step up where a device has
// to begin another tile of its product, and that for all that a unit is made of, m_l/w_l.
// Nodes without parameters, such as pools and sums, take time by the units of those
// before them, so PerNeuron of these has it.
//
// No coefficient is negative, so a network never gets faster by being wider.
type Model struct {
	Device    string    `json:"device"` // that it was measured on
	Batch     int       `json:"batch"`
	Base      float64   `json:"base_us"`
	PerMAC    []float64 `json:"per_mac_us"`    // of each node with parameters, for the whole batch
	PerNeuron []float64 `json:"per_neuron_us"` // of each output of all but the last of them, likewise
	// Step is how many units steps are apart, in all nodes alike; 0 where there are
	// none. PerStep reaches the widest node that was measured and is zero beyond it.
	Step    int       `json:"step,omitempty"`
	PerStep []float64 `json:"per_step_us,omitempty"`
	// Shapes is how many networks were timed; Error is the root mean square of the
	// relative errors of the model over them, MaxError the largest.
	Shapes   int     `json:"shapes"`
	Error    float64 `json:"error"`
	MaxError float64 `json:"max_error"`
}

// Time returns the estimate for a network whose gates have so many players.
func (m *Model) Time(g *network.Graph, players []int) float64 {
	return m.timeOf(g.Loads(g.SizesWith(players)))
}

func (m *Model) timeOf(loads []network.Load) float64 {
	us := m.Base
	for l, load := range loads {
		us += m.PerMAC[l] * float64(load.MACs)
		for j, step := range m.PerStep {
			if j*m.Step < load.Units {
				us += step * reads(load)
			}
		}
		if l < len(m.PerNeuron) {
			us += m.PerNeuron[l] * float64(load.Outputs)
		}
	}
	return us
}

// reads returns the multiply-accumulates that a unit of a node is made of.
func reads(load network.Load) float64 {
	if load.Units == 0 {
		return 0
	}
	return float64(load.MACs) / float64(load.Units)
}

// Check says why the model is not one of networks of the graph.
func (m *Model) Check(g *network.Graph) error {
	layers := len(g.Loads(g.Sizes()))
	if len(m.PerMAC) != layers || len(m.PerNeuron) != layers-1 {
		return fmt.Errorf("it is about %d nodes with parameters, %d of them before the last, and the network has %d", len(m.PerMAC), len(m.PerNeuron), layers)
	}
	for _, x := range slices.Concat([]float64{m.Base, m.Error, m.MaxError}, m.PerMAC, m.PerNeuron, m.PerStep) {
		if !(x >= 0 && x <= math.MaxFloat32) {
			return fmt.Errorf("%v is no time in microseconds", x)
		}
	}
	if m.Batch < 1 || m.Shapes < 1 {
		return fmt.Errorf("it is of %d networks and batches of %d", m.Shapes, m.Batch)
	}
	if len(m.PerStep) > 0 && (m.Step < 1 || m.Step > math.MaxInt32) || len(m.PerStep) > mostSteps {
		return fmt.Errorf("it has %d steps, %d units apart", len(m.PerStep), m.Step)
	}
	return nil
}

// maxModel bounds the size of a file with a model, in bytes.
const maxModel = 16 << 20

// ReadModel reads the model in the result.json of a run, or in a file that
// holds one alone as the value of "latency_model", for a network of the graph.
func ReadModel(path string, g *network.Graph) (*Model, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, backend.Usagef("--latency-model: %v", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxModel+1))
	if err != nil {
		return nil, backend.Usagef("--latency-model: %v", err)
	}
	if len(text) > maxModel {
		return nil, backend.Usagef("--latency-model %s: it has more than %d MiB; name the result.json of a run", path, maxModel>>20)
	}
	model, err := parseModel(text)
	if err == nil {
		err = model.Check(g)
	}
	if err != nil {
		return nil, backend.Usagef("--latency-model %s: %v", path, err)
	}
	return model, nil
}

func parseModel(text []byte) (*Model, error) {
	var read struct {
		Market struct {
			Model *Model `json:"latency_model"`
		} `json:"market"`
		Model *Model `json:"latency_model"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, backend.PlainJSON(err)
	}
	if read.Model == nil {
		read.Model = read.Market.Model
	}
	if read.Model == nil {
		return nil, errors.New("there is no latency_model in it: name the result.json of a run with --cost latency or --max-latency-us")
	}
	return read.Model, nil
}
