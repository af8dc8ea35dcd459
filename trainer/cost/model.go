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
)

// Model estimates the time of a forward pass over a batch from the widths
// of a network w_0, ..., w_L, inputs and logits included, in microseconds:
//
//	T(w) = Base + sum_l (PerMAC[l] w_l w_{l+1} + w_l steps(w_{l+1})) + sum_l PerNeuron[l] w_{l+1}
//	steps(n) = sum_j PerStep[j] for all j with j Step < n
//
// where the last sum over l is over hidden layers alone. A layer takes a step up where
// a device has to begin another tile of its product, and that for each of its inputs.
//
// No coefficient is negative, so a network never gets faster by being wider.
type Model struct {
	Device    string    `json:"device"` // that it was measured on
	Batch     int       `json:"batch"`
	Base      float64   `json:"base_us"`
	PerMAC    []float64 `json:"per_mac_us"`    // of each layer of weights, for the whole batch
	PerNeuron []float64 `json:"per_neuron_us"` // of each hidden layer, likewise
	// Step is how many neurons steps are apart, in all layers alike; 0 where there are
	// none. PerStep reaches the widest layer that was measured and is zero beyond it.
	Step    int       `json:"step,omitempty"`
	PerStep []float64 `json:"per_step_us,omitempty"`
	// Shapes is how many networks were timed; Error is the root mean square of the
	// relative errors of the model over them, MaxError the largest.
	Shapes   int     `json:"shapes"`
	Error    float64 `json:"error"`
	MaxError float64 `json:"max_error"`
}

// Time returns the estimate for a network of the given widths.
func (m *Model) Time(widths []int) float64 {
	us := m.Base
	for l, in := range widths[:len(widths)-1] {
		us += m.PerMAC[l] * float64(in*widths[l+1])
		for j, step := range m.PerStep {
			if j*m.Step < widths[l+1] {
				us += step * float64(in)
			}
		}
	}
	for l, neuron := range m.PerNeuron {
		us += neuron * float64(widths[l+1])
	}
	return us
}

// Check says why the model is not one of networks with so many layers of weights.
func (m *Model) Check(layers int) error {
	if len(m.PerMAC) != layers || len(m.PerNeuron) != layers-1 {
		return fmt.Errorf("it is about %d layers of weights and %d hidden layers, and the network has %d layers of weights", len(m.PerMAC), len(m.PerNeuron), layers)
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
		return fmt.Errorf("it has %d steps, %d neurons apart", len(m.PerStep), m.Step)
	}
	return nil
}

// maxModel bounds the size of a file with a model, in bytes.
const maxModel = 1 << 20

// ReadModel reads the model in the result.json of a run, or in a file that
// holds one alone as the value of "latency_model", for a network with so many
// layers of weights.
func ReadModel(path string, layers int) (*Model, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, backend.Usagef("--latency-model: %v", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxModel))
	if err != nil {
		return nil, backend.Usagef("--latency-model: %v", err)
	}
	model, err := parseModel(text)
	if err == nil {
		err = model.Check(layers)
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
