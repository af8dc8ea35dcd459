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
	"time"

	"nashprune/game"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// LatencyModel estimates the time of a forward pass over a batch from the widths
// of a network w_0, ..., w_L, inputs and logits included, in microseconds:
//
//	T(w) = Base + sum_l PerMAC[l] w_l w_{l+1} + sum_l PerNeuron[l] w_{l+1}
//
// where the second sum is over hidden layers alone.
//
// No coefficient is negative, so a network never gets faster by being wider.
type LatencyModel struct {
	Device    string    `json:"device"` // that it was measured on
	Batch     int       `json:"batch"`
	Base      float64   `json:"base_us"`
	PerMAC    []float64 `json:"per_mac_us"`    // of each layer of weights, for the whole batch
	PerNeuron []float64 `json:"per_neuron_us"` // of each hidden layer, likewise
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
	for _, x := range slices.Concat([]float64{m.Base, m.Error, m.MaxError}, m.PerMAC, m.PerNeuron) {
		if !(x >= 0 && x <= math.MaxFloat32) {
			return fmt.Errorf("%v is no time in microseconds", x)
		}
	}
	if m.Batch < 1 || m.Shapes < 1 {
		return fmt.Errorf("it is of %d networks and batches of %d", m.Shapes, m.Batch)
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
		return nil, err
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
const (
	modelShapes = 24 // besides the whole network and the least
	modelTurns  = 7
	modelWarmUp = 2 // passes of each turn that are not counted
	modelPasses = 7 // passes of each turn that are
)

// measureLatencyModel times parts of a network on a device, in turns, and fits a
// model to the lower quartiles: where a machine does other work, too, the median of
// so few passes is often of that. The engine is left with the last part.
func measureLatencyModel(ctx context.Context, engine Engine, device string, available int, whole *network.Network, seed uint64) (*LatencyModel, error) {
	parts := latencyParts(whole, seed)
	batch := min(latencyBatch, available)
	times := make([][]float64, len(parts))
	for range modelTurns {
		for i, n := range parts {
			if err := engine.Push(&State{Network: n}); err != nil {
				return nil, err
			}
			for pass := range modelWarmUp + modelPasses {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				start := time.Now()
				if err := engine.Infer(batch); err != nil {
					return nil, err
				}
				if pass >= modelWarmUp {
					times[i] = append(times[i], float64(time.Since(start).Nanoseconds())/1e3)
				}
			}
		}
	}
	var widths [][]int
	var quartiles []float64
	for i, n := range parts {
		slices.Sort(times[i])
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

// fitLatencyModel fits a model to measured times by least squares of relative
// errors with coefficients that are not negative.
func fitLatencyModel(widths [][]int, microseconds []float64) *LatencyModel {
	layers := len(widths[0]) - 1
	rows, ones := make([][]float64, len(widths)), make([]float64, len(widths))
	for i, w := range widths {
		row := []float64{1}
		for l := range layers {
			row = append(row, float64(w[l]*w[l+1]))
		}
		for _, hidden := range w[1:layers] {
			row = append(row, float64(hidden))
		}
		for j := range row {
			row[j] /= microseconds[i]
		}
		rows[i], ones[i] = row, 1
	}
	x := nonNegativeLeastSquares(rows, ones)
	m := &LatencyModel{Base: x[0], PerMAC: x[1 : 1+layers], PerNeuron: x[1+layers:], Shapes: len(widths)}
	for i, w := range widths {
		off := math.Abs(m.Time(w)/microseconds[i] - 1)
		m.Error += off * off
		m.MaxError = max(m.MaxError, off)
	}
	m.Error = math.Sqrt(m.Error / float64(len(widths)))
	return m
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
