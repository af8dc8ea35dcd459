//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/gpu"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
)

// TestFewWeightsGoThroughCompressedRows: the suite's case of few weights is computed by them as
// long as nothing is trained, within its bounds, and so are layers whose weights are all zero
// but one, also in a batch of one sample.
func TestFewWeightsGoThroughCompressedRows(t *testing.T) {
	cases := backendtest.Cases()
	c := cases[slices.IndexFunc(cases, func(c backendtest.Case) bool { return c.Sparse })]
	c.Name = "compressed rows of " + c.Name
	found := false
	open := func(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
		e, err := openVulkan(d, o, s)
		if err == nil {
			gpu.UseSparse(e, true)
			err = e.Push(s)
			found = found || gpu.IsSparse(e)
		}
		return e, err
	}
	report, err := backendtest.CompareEvaluations(cpufallback.OpenOracle, open, float32Unit, []backendtest.Case{c})
	if err != nil {
		t.Fatal(err)
	}
	hold(t, report)
	if !found || !slices.ContainsFunc(report.Checks, func(c backendtest.Check) bool { return strings.Contains(c.Quantity, "logits") }) {
		t.Errorf("rows were used: %v", found)
	}
	s := c.State()
	e, err := open(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}, s)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Infer(1); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Train(context.Background(), backend.Stretch{Order: backend.InOrder(c.Batch), LearningRates: []float64{0.01}}); err != nil {
		t.Fatal(err)
	}
	if gpu.IsSparse(e) {
		t.Error("rows of weights before a step are used after it")
	}
}
