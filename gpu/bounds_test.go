//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"errors"
	"testing"

	"nashprune/game"
	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/gpu/internal/vktest"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// TestEveryKernelStaysWithinItsBuffers takes small engines through all that there
// is. Whether they stay within their buffers is for the validation layer to say,
// which looks at that if NASHPRUNE_GPU_ASSISTED=1. The batches are odd and fill
// their buffers to the last row, and are cut such that tiles reach over edges. All kernels but the
// gauge's run.
func TestEveryKernelStaysWithinItsBuffers(t *testing.T) {
	if !vktest.GPUAssisted {
		t.Skip("takes minutes and NASHPRUNE_GPU_ASSISTED=1")
	}
	ran := map[string]bool{
		shaders.Cells.Name: true, // in paint, by a program of the view
		shaders.Peak.Name:  true, // is the gauge's
	}
	defer gpu.WhenRecorded(func(p *compute.Program) {
		for _, s := range p.Steps() {
			ran[s.Name] = true
		}
	})()
	for _, c := range []backendtest.Case{
		{Name: "relu and adam", Inputs: 5, Hidden: []int{13, 18}, Outputs: 3, Batch: 261, Rows: 261, Optimiser: adam},
		{Name: "leaky relu and momentum", Inputs: 33, Hidden: []int{1}, Activation: network.LeakyReLU, Outputs: 2, Batch: 3, Rows: 2,
			Optimiser: backend.Optimiser{Kind: backend.SGD, Momentum: 0.9, WeightDecay: 0.1}},
		{Name: "gelu and rmsprop", Inputs: 5, Hidden: []int{7, 9}, Activation: network.GELU, Outputs: 3, Batch: 5, Rows: 5,
			Optimiser: backend.Optimiser{Kind: backend.RMSProp, Momentum: 0.9, ClipNorm: 0.1},
			Loss:      backend.Loss{Smoothing: 0.1, ClassWeights: []float64{1, 2, 3}}},
		{Name: "tanh and adamw", Inputs: 6, Hidden: []int{5}, Activation: network.Tanh, Outputs: 3, Regression: true, Floats: true, Batch: 9, Rows: 9,
			Optimiser: backend.Optimiser{Kind: backend.AdamW, WeightDecay: 0.1, ClipNorm: 0.1}},
	} {
		t.Run(c.Name, func(t *testing.T) {
			within(t, c, cutSmall, everything)
		})
	}
	// Measurements of graphs with gates of several points, or of more players than a block, are
	// left out: under assisted validation one takes llvmpipe more than eight minutes.
	step := func(e backend.Engine, c backendtest.Case) error {
		_, err := e.Probe(steps(c, 1).Order, 1e-3)
		return err
	}
	t.Run("images", func(t *testing.T) {
		odd := network.Window{Kernel: [2]int{2, 1}, Stride: [2]int{1, 2}, Padding: [2]int{1, 0}}
		c := backendtest.Case{Inputs: 6, Outputs: 2, Batch: 3, Rows: 3, Optimiser: adam, Augmentation: dataset.Augmentation{Padding: 1, Flip: true},
			Nodes: networktest.Chain(networktest.Input(1, 3, 2), networktest.BiasedConv("conv", 3, odd), networktest.Norm("norm"), networktest.Activate("a", network.ReLU),
				networktest.Conv("deep", 3, network.Square(1, 1, 0), 3), networktest.Max("max", network.Square(2, 2, 1)), networktest.Average("mean", network.Square(2, 1, 1)),
				network.Node{Name: "drop", Op: &network.Dropout{Probability: 0.5}}, networktest.Flatten("flat"), networktest.Dense("head", 2)),
		}
		within(t, c, cutSmall, func(e backend.Engine, c backendtest.Case) error {
			_, err := e.Observe(t.Context(), steps(c, 1).Order)
			return errors.Join(err, step(e, c))
		})
	})
	// Of the kernels that share memory these are enough, since nothing else is theirs.
	t.Run("tiled", func(t *testing.T) {
		c := backendtest.Case{Inputs: 5, Hidden: []int{67}, Outputs: 3, Batch: 131, Rows: 131, Optimiser: adam}
		within(t, c, asOnGPU(""), step)
	})
	t.Run("weights of the paper's game", func(t *testing.T) {
		c := backendtest.Case{Inputs: 5, Hidden: []int{7}, Outputs: 3, Batch: 5, Rows: 5, Weights: true, Soft: true, Optimiser: adam}
		within(t, c, cutSmall, func(e backend.Engine, c backendtest.Case) error {
			playing := steps(c, 1)
			playing.Paper = &backend.PaperMove{Game: game.Paper{Alpha: 1, Eta: 0.005}, Update: backend.GradientAscent, Rate: 0.5}
			_, trained := e.Train(t.Context(), steps(c, 1))
			_, played := e.Train(t.Context(), playing)
			_, observed := e.ObserveWeights(t.Context(), steps(c, 1).Order)
			return errors.Join(trained, played, observed)
		})
	})
	t.Run("few weights and many outputs", func(t *testing.T) {
		c := backendtest.Case{Inputs: 40, Hidden: []int{50}, Outputs: 37, Batch: 5, Rows: 5, Weights: true, Sparse: true, Optimiser: adam}
		within(t, c, cutSmall, func(e backend.Engine, c backendtest.Case) error {
			_, err := e.Evaluate(t.Context(), backend.TestPart, backend.Want{Logits: true})
			return errors.Join(err, e.Infer(1))
		})
	})
	t.Run("shared oddly", func(t *testing.T) {
		c := backendtest.Case{Inputs: 13, Hidden: []int{9, 6}, Activation: network.Tanh, Outputs: 3, Batch: 19, Rows: 19,
			Optimiser: backend.Optimiser{Kind: backend.RMSProp, ClipNorm: 0.1}}
		within(t, c, func(e backend.Engine) { gpu.CutInto(e, gpu.Cut{Local: 12, Across: 3, Rows: 4, Columns: 1, Step: 4}) }, step)
	})
	if t.Failed() {
		return
	}
	for _, k := range shaders.All() {
		if !ran[k.Name] {
			t.Errorf("kernel %s did not run", k.Name)
		}
	}
}

// cutSmall cuts an engine's work into tiles that reach over edges.
func cutSmall(e backend.Engine) { gpu.CutInto(e, gpu.Cut{Local: 2, Across: 2, Rows: 2, Columns: 1}) }

// within opens a case, has its work cut and does something with it.
func within(t *testing.T, c backendtest.Case, cut func(backend.Engine), do func(backend.Engine, backendtest.Case) error) {
	t.Helper()
	e, err := openVulkan(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser, Loss: c.Loss, Valuation: game.Outputs,
		Joint: c.Optimiser.ClipNorm > 0, SoftWeights: c.Soft}, c.State()) // gradients wait there anyway
	if err != nil {
		t.Fatal(err)
	}
	cut(e)
	if err := do(e, c); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// everything asks an engine for everything that the contract has.
func everything(e backend.Engine, c backendtest.Case) error {
	ctx := context.Background()
	train := func(s backend.Stretch) func() error {
		return func() error { _, err := e.Train(ctx, s); return err }
	}
	partial := steps(c, 3)
	partial.Order = partial.Order[:len(partial.Order)-c.Batch/2]
	paper := steps(c, 2)
	paper.Paper = &backend.PaperMove{
		Game:   game.Paper{Benefit: game.Absolute, Alpha: 1, Beta: 0.02, Gamma: 0.01, Eta: 0.005},
		Update: backend.AdamAscent, Rate: 0.5,
	}
	drawn := steps(c, 2)
	drawn.Paper = &backend.PaperMove{Game: paper.Paper.Game, Update: backend.HardConcrete, Rate: 0.5, Seed: 1}
	var keep network.Survivors
	for _, gate := range c.Graph().Gates {
		keep = append(keep, everySecond(gate.Players))
	}
	for _, do := range []func() error{
		func() error { _, err := e.Measure(ctx); return err },
		func() error { _, err := e.Observe(ctx, steps(c, 1).Order); return err },
		func() error { _, err := e.Probe(steps(c, 1).Order, 1e-3); return err },
		train(partial), train(paper), train(drawn),
		func() error { _, err := e.Play(none(c.Graph().Widths()), none(c.Graph().Widths()), 3); return err },
		func() error { return paint(e.(viewed), c.Graph().Widths()) },
		func() error { return remove(e, keep) },
		train(steps(c, 2)),
		func() error { _, err := e.Evaluate(ctx, backend.TestPart, backend.Want{Logits: true}); return err },
		func() error { return e.Infer(3) },
		e.RestartOptimiser,
		train(partial),
		func() error { return e.Push(c.State()) },
		func() error { _, err := e.Pull(); return err },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}
