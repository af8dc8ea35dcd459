package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"nashprune/game"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// LatencyModel estimates the time of a forward pass over a batch from the widths
// of a network w_0, ..., w_L, inputs and logits included, in microseconds:
//
//	T(w) = Base + sum_l (PerMAC[l] w_l w_{l+1} + w_l steps(w_{l+1})) + sum_l PerNeuron[l] w_{l+1}
//	steps(n) = sum_j PerStep[j] for all j with j Step < n
//
// where the last sum over l is over hidden layers alone. A layer takes a step up where
// a device has to begin another tile of its product, and that for each of its inputs.
//
// No coefficient is negative, so a network never gets faster by being wider.
type LatencyModel struct {
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
func (m *LatencyModel) Time(widths []int) float64 {
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

// check says why the model is not one of networks with so many layers of weights.
func (m *LatencyModel) check(layers int) error {
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

// maxLatencyModel bounds the size of a file with a model, in bytes.
const maxLatencyModel = 1 << 20

// ReadLatencyModel reads the model in the result.json of a run, or in a file that
// holds one alone as the value of "latency_model", for a network with so many
// layers of weights.
func ReadLatencyModel(path string, layers int) (*LatencyModel, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, Usagef("--latency-model: %v", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxLatencyModel))
	if err != nil {
		return nil, Usagef("--latency-model: %v", err)
	}
	model, err := parseLatencyModel(text)
	if err == nil {
		err = model.check(layers)
	}
	if err != nil {
		return nil, Usagef("--latency-model %s: %v", path, err)
	}
	return model, nil
}

func parseLatencyModel(text []byte) (*LatencyModel, error) {
	var read struct {
		Market struct {
			Model *LatencyModel `json:"latency_model"`
		} `json:"market"`
		Model *LatencyModel `json:"latency_model"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, PlainJSON(err)
	}
	if read.Model == nil {
		read.Model = read.Market.Model
	}
	if read.Model == nil {
		return nil, errors.New("there is no latency_model in it: name the result.json of a run with --cost latency or --max-latency-us")
	}
	return read.Model, nil
}

// How a latency model is measured: like latencies, but of more networks and with
// fewer passes of each.
const modelShapes = 46 // besides the whole network and the least

var modelTurns = turns{count: 4, warmUp: 2, passes: 7}

// measureLatencyModel times parts of a network on a device, in turns, and fits a
// model to the lower quartiles: where a machine does other work, too, the median of
// so few passes is often of that. The engine is left with the last part.
func measureLatencyModel(ctx context.Context, engine Engine, device string, available int, whole *network.Network, seed uint64) (*LatencyModel, error) {
	parts := latencyParts(whole, seed)
	batch := min(latencyBatch, available)
	times, err := modelTurns.times(ctx, engine, batch, parts)
	if err != nil {
		return nil, err
	}
	var widths [][]int
	var quartiles []float64
	for i, n := range parts {
		widths, quartiles = append(widths, n.Widths()), append(quartiles, max(times[i][len(times[i])/4], 1e-3)) // clocks may stand still
	}
	model := fitLatencyModel(widths, quartiles)
	model.Device, model.Batch = device, batch
	return model, nil
}

// latencyParts returns the whole network, the least one and networks in between,
// whose widths are drawn evenly on a logarithmic scale. Their neurons are evenly
// spread over those of the whole, so that as many of them are silent.
func latencyParts(whole *network.Network, seed uint64) []*network.Network {
	draw := random.New(seed, random.Timing, 0, 0)
	parts := []*network.Network{whole}
	for k := range modelShapes + 1 {
		var keep network.Survivors
		for _, layer := range whole.Hidden() {
			count := min(game.LeastPerLayer, layer.Out)
			if k > 0 {
				ratio := float64(layer.Out) / float64(count)
				count = int(math.Round(float64(count) * math.Pow(ratio, draw.Float64())))
			}
			stay := make([]int, count)
			for i := range stay {
				stay[i] = i * layer.Out / count
			}
			keep = append(keep, stay)
		}
		parts = append(parts, whole.Keep(keep))
	}
	return parts
}

// leastStep is the least number of neurons between two steps, which divides the widths of
// most tiles, and mostSteps how many steps a model has: those of the widest layers are
// further apart.
const (
	leastStep = 32
	mostSteps = 16
)

// stepFor returns how many neurons steps are apart in networks of some widths.
func stepFor(widths [][]int) int {
	widest := 0
	for _, w := range widths {
		widest = max(widest, slices.Max(w[1:]))
	}
	step := leastStep
	for step*mostSteps < widest {
		step *= 2
	}
	return step
}

// fitLatencyModel fits a model to measured times. It has steps if with them models are
// nearer to the times of networks that they have not seen.
func fitLatencyModel(widths [][]int, microseconds []float64) *LatencyModel {
	step := stepFor(widths)
	if foretold(widths, microseconds, step) >= foretold(widths, microseconds, 0) {
		step = 0
	}
	m := fitCoefficients(widths, microseconds, step)
	m.judge(widths, microseconds)
	return m
}

// modelFolds is into how many parts networks are divided, each of which is foretold by
// a model of the others.
const modelFolds = 8

// foretold returns the sum of the squares of the relative errors of models on networks
// that they were not fitted to.
func foretold(widths [][]int, microseconds []float64, step int) (squares float64) {
	for fold := range min(modelFolds, len(widths)) {
		var seen, unseen [][]int
		var before, after []float64
		for i, w := range widths {
			if i%modelFolds == fold {
				unseen, after = append(unseen, w), append(after, microseconds[i])
			} else {
				seen, before = append(seen, w), append(before, microseconds[i])
			}
		}
		m := fitCoefficients(seen, before, step)
		m.judge(unseen, after)
		squares += m.Error * m.Error * float64(len(unseen))
	}
	return squares
}

// fitCoefficients fits a model by least squares of relative errors with coefficients
// that are not negative. Without a step between two it has none.
func fitCoefficients(widths [][]int, microseconds []float64, step int) *LatencyModel {
	layers := len(widths[0]) - 1
	steps := 0
	if step > 0 {
		steps = mostSteps
	}
	rows, ones := make([][]float64, len(widths)), make([]float64, len(widths))
	for i, w := range widths {
		row := []float64{1}
		for l := range layers {
			row = append(row, float64(w[l]*w[l+1]))
		}
		for _, hidden := range w[1:layers] {
			row = append(row, float64(hidden))
		}
		for j := range steps {
			inputs := 0
			for l := range layers {
				if j*step < w[l+1] {
					inputs += w[l]
				}
			}
			row = append(row, float64(inputs))
		}
		for j := range row {
			row[j] /= microseconds[i]
		}
		rows[i], ones[i] = row, 1
	}
	x := nonNegativeLeastSquares(rows, ones)
	return &LatencyModel{
		Base: x[0], PerMAC: x[1 : 1+layers], PerNeuron: x[1+layers : 2*layers],
		Step: step, PerStep: x[2*layers:], Shapes: len(widths),
	}
}

// judge sets the errors to those over some networks.
func (m *LatencyModel) judge(widths [][]int, microseconds []float64) {
	squares := 0.
	m.MaxError = 0
	for i, w := range widths {
		off := math.Abs(m.Time(w)/microseconds[i] - 1)
		squares += off * off
		m.MaxError = max(m.MaxError, off)
	}
	m.Error = math.Sqrt(squares / float64(len(widths)))
}

// The end of the search for least squares: when a sweep changes no scaled
// coefficient by more than the tolerance, or after so many sweeps. Either is far
// below what a measurement can tell.
const (
	sweepTolerance = 1e-10
	mostSweeps     = 20_000
)

// nonNegativeLeastSquares returns the x >= 0 that makes |rows x - want| least, by
// minimising over one coordinate after the other: the objective is convex and the
// bounds are separate, so no other point is lower. A column of zeros gets zero.
func nonNegativeLeastSquares(rows [][]float64, want []float64) []float64 {
	n := len(rows[0])
	x, lengths, rest := make([]float64, n), make([]float64, n), slices.Clone(want)
	for j := range n {
		for _, row := range rows {
			lengths[j] += row[j] * row[j]
		}
	}
	for range mostSweeps {
		largest := 0.
		for j := range n {
			if lengths[j] == 0 {
				continue
			}
			slope := 0.
			for i, row := range rows {
				slope += row[j] * rest[i]
			}
			step := max(slope/lengths[j], -x[j])
			x[j] += step
			for i, row := range rows {
				rest[i] -= row[j] * step
			}
			largest = max(largest, math.Abs(step)*math.Sqrt(lengths[j]))
		}
		if largest < sweepTolerance {
			break
		}
	}
	return x
}
