package trainer_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"nashprune/trainer"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/network/safetensors"
)

// TestExportsTakeSamplesAsTheyAre: a file of ONNX standardises what data sets hold as training
// did, and gives predictions in the units of their targets.
func TestExportsTakeSamplesAsTheyAre(t *testing.T) {
	lenet := networktest.Nets()["lenet"]
	colour := slices.Clone(lenet)
	colour[0] = networktest.Input(2, 9, 8)
	flat := networktest.Chain(networktest.Input(2*3*2), networktest.Dense("0", 3))
	for name, c := range map[string]struct {
		nodes []network.Node
		m     safetensors.Metadata
		// standard is what training made of number e of a sample.
		standard func(e int, x float64) float64
	}{
		"grey images": {
			lenet, safetensors.Metadata{Channels: 1, Height: 9, Width: 8, Classes: 3, Mean: 0.25, Deviation: 0.5},
			func(_ int, x float64) float64 { return (x/255 - 0.25) / 0.5 },
		},
		"colour images": {
			colour, safetensors.Metadata{
				Channels: 2, Height: 9, Width: 8, Classes: 3, Deviation: 1, ChannelMeans: []float64{0.25, 0.75}, ChannelDeviations: []float64{0.5, 0.125},
			},
			func(e int, x float64) float64 {
				return (x/255 - []float64{0.25, 0.75}[e/72]) / []float64{0.5, 0.125}[e/72]
			},
		},
		"colour images in a row": {
			flat, safetensors.Metadata{
				Channels: 2, Height: 3, Width: 2, Classes: 3, Deviation: 1, ChannelMeans: []float64{0.25, 0.75}, ChannelDeviations: []float64{0.5, 0.125},
			},
			func(e int, x float64) float64 {
				return (x/255 - []float64{0.25, 0.75}[e/6]) / []float64{0.5, 0.125}[e/6]
			},
		},
		"features": {
			networktest.Chain(networktest.Input(2), networktest.Dense("0", 2)),
			safetensors.Metadata{
				Height: 1, Width: 2, Deviation: 1, Means: []float64{3, -5}, Deviations: []float64{2, 0.1}, FeatureNames: []string{"a", "b"},
				TargetMeans: []float64{100, -7}, TargetDeviations: []float64{10, 3}, TargetNames: []string{"x", "y"},
			},
			func(e int, x float64) float64 { return (x - []float64{3, -5}[e]) / []float64{2, 0.1}[e] },
		},
	} {
		n := network.New(networktest.Build(c.nodes...))
		c.m.Data, c.m.Generator = "test", "nashprune test"
		folder := t.TempDir()
		model, out := filepath.Join(folder, "model.safetensors"), filepath.Join(folder, "model.onnx")
		if err := safetensors.SaveModel(model, n, c.m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := trainer.Export(model, out, trainer.ExportONNX, false); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := onnx.ReadFile(out)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		scale, shift, err := onnx.Affine(m.Before, m.Sample)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for e := range scale {
			for _, x := range []float64{0, 1, 200} {
				// Two roundings of constants of the file, before a subtraction.
				want := c.standard(e, x)
				if have := scale[e]*x + shift[e]; math.Abs(have-want) > 1e-6*(math.Abs(scale[e]*x)+math.Abs(shift[e])) {
					t.Errorf("%s: %g of number %d becomes %g; it must be %g", name, x, e, have, want)
				}
			}
		}
		output := "logits"
		if c.m.Regression() {
			output = "predictions"
			scale, shift, err := onnx.Affine(m.After, network.Shape{2})
			if err != nil || !slices.Equal(scale, c.m.TargetDeviations) || !slices.Equal(shift, c.m.TargetMeans) {
				t.Errorf("%s: outputs become %v y + %v (%v)", name, scale, shift, err)
			}
			if want := (onnx.Entry{Key: "target_names", Value: `["x","y"]`}); !slices.Contains(m.Metadata, want) {
				t.Errorf("%s: the metadata is %v", name, m.Metadata)
			}
		}
		if m.Input != "input" || m.Output != output || m.Producer != "nashprune test" {
			t.Errorf("%s: the model is %s to %s by %s", name, m.Input, m.Output, m.Producer)
		}
	}
}
