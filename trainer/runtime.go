package trainer

import (
	"bytes"
	"context"
	"fmt"

	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/onnxruntime"
	"nashprune/trainer/record"
)

// runtimeBatches are the numbers of samples that networks are timed with in another program.
var runtimeBatches = []int{1, cost.LatencyBatch}

// findRuntime opens the program that times networks besides the device, if one is named,
// before anything is trained.
func (r *run) findRuntime() (err error) {
	if r.config.Runtime == "" {
		return nil
	}
	if r.runtime, err = onnxruntime.Open(r.config.RuntimeLibrary); err != nil {
		return backend.Usagef("--runtime %s: %v; install its library, such as that of the package onnxruntime-node, onnxruntime of Python, or your system's, and name the file with --runtime-library (nashprune help onnx)", r.config.Runtime, err)
	}
	return nil
}

// timeInRuntime times the dense and the pruned network in another program. What goes wrong
// there does not end the run, which is done; the result says it.
func (r *run) timeInRuntime(ctx context.Context, networks []*network.Network) error {
	if r.runtime == nil {
		return nil
	}
	r.announce("measuring latencies in " + onnxruntime.Name)
	in := &record.Runtime{Name: onnxruntime.Name, Version: r.runtime.Version, Latencies: []record.RuntimeLatency{}}
	r.result.Runtime = in
	for _, batch := range runtimeBatches {
		microseconds, err := runtimeLatencies(ctx, r.runtime, networks, batch)
		if ended(ctx, err) {
			return err
		}
		if err != nil {
			in.Problem = err.Error()
			break
		}
		latency := record.RuntimeLatency{Batch: batch, DenseUS: microseconds[0]}
		if len(networks) > 1 {
			latency.PrunedUS = microseconds[1]
		}
		in.Latencies = append(in.Latencies, latency)
	}
	return nil
}

// runtimeLatencies returns the median times of forward passes over a batch, all networks
// having taken turns.
func runtimeLatencies(ctx context.Context, r *onnxruntime.Runtime, networks []*network.Network, batch int) ([]float64, error) {
	var passes []func() error
	for _, n := range networks {
		m := onnx.New(n)
		var file bytes.Buffer
		if err := m.Write(&file, n); err != nil {
			return nil, fmt.Errorf("as ONNX: %w", err)
		}
		s, err := r.NewSession(onnxruntime.Model{File: file.Bytes(), Input: m.Input, Output: m.Output, Sample: m.Sample, Outputs: []int{n.Outputs()}}, batch)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		passes = append(passes, s.Run)
	}
	return cost.LatenciesOf(ctx, passes)
}
