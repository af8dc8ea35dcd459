package trainer_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// smallConvolutions is a residual block on images of 6x6 and a dense layer.
const smallConvolutions = `
# A stem, a block, and a classifier.
[[node]]
name = "stem"
op = "conv2d"
out = 6
kernel = 3
padding = 1
bias = false

[[node]]
name = "bn1"
op = "batch-norm"

[[node]]
name = "act1"
op = "activation"

[[node]]
name = "conv"
op = "conv2d"
out = 6
kernel = 3
padding = 1

[[node]]
name = "add"
op = "add"
in = ["conv", "act1"]

[[node]]
name = "act2"
op = "activation"

[[node]]
name = "pool"
op = "max-pool"
kernel = 2

[[node]]
name = "flatten"
op = "flatten"

[[node]]
name = "fc"
op = "dense"
out = 12

[[node]]
name = "act3"
op = "activation"

[[node]]
name = "head"
op = "dense"
out = "classes"
`

// modelFile writes a file with a graph and returns its path.
func modelFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "net.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// modelConfig is a tiny run of a model.
func modelConfig(t *testing.T, model string) settings.Config {
	c := tinyConfig(t)
	c.Model, c.Device, c.Keep, c.Sparsity = model, "gonum", 0, 0.5
	return c
}

// TestModelsAreTrainedAndPruned: by name and by file, from the settings to the model file.
func TestModelsAreTrainedAndPruned(t *testing.T) {
	for name, change := range map[string]func(*settings.Config){
		"file":      func(c *settings.Config) { c.Model = modelFile(t, smallConvolutions) },
		"resnet8:4": func(c *settings.Config) {},
		"file with inputs": func(c *settings.Config) {
			c.Model, c.Players = modelFile(t, smallConvolutions), "filters,channels,inputs"
		},
		"shape":     func(c *settings.Config) { c.Model, c.Shape = modelFile(t, smallConvolutions), "3-5" },
		"budget":    func(c *settings.Config) { c.Model, c.MaxMACs = modelFile(t, smallConvolutions), 6000 },
		"mlp:16-8":  func(c *settings.Config) { c.Players = "neurons,inputs" },
		"multiples": func(c *settings.Config) { c.Model, c.RoundTo = modelFile(t, smallConvolutions), 4 },
		"multiples in a budget": func(c *settings.Config) {
			c.Model, c.MaxMACs, c.RoundTo = modelFile(t, smallConvolutions), 9000, 4
		},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "file" {
				t.Skip("one graph will do")
			}
			c := modelConfig(t, name)
			change(&c)
			dir := filepath.Join(t.TempDir(), "run")
			result, err := trainer.Run(t.Context(), c, trainer.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if p := result.Pruned; p.Kept >= p.Players || result.Gated.BoundUsed > 1 || result.Model.Name != c.Model || len(result.Model.Digest) != 64 {
				t.Errorf("%+v, %+v, %+v", p, result.Gated, result.Model)
			}
			switch {
			case c.RoundTo > 1:
				for _, gate := range result.Gates {
					if gate.Kept%c.RoundTo != 0 && gate.Kept != gate.Players {
						t.Errorf("%d of %d %s of %s stay; it must be a multiple of %d", gate.Kept, gate.Players, gate.Kind, gate.Name, c.RoundTo)
					}
				}
				if got := result.Pruned.MACs; c.MaxMACs > 0 && got > int(c.MaxMACs) {
					t.Errorf("asked for %v multiply-accumulates, it has %d", c.MaxMACs, got)
				}
			case c.Shape != "":
				if got := result.Gates; got[0].Kept != 3 || got[1].Kept != 5 {
					t.Errorf("asked for 3-5, it is %+v", got)
				}
			case c.MaxMACs > 0:
				if got := result.Pruned.MACs; got > int(c.MaxMACs) {
					t.Errorf("asked for %v multiply-accumulates, it has %d", c.MaxMACs, got)
				}
			default:
				if got, want := result.Pruned.Kept, (result.Pruned.Players+1)/2; got != want {
					t.Errorf("%d of %d players are kept", got, result.Pruned.Players)
				}
			}
			again, err := trainer.Eval(t.Context(), filepath.Join(dir, record.PrunedFile), trainer.EvalOptions{Device: "gonum", Data: c.Data})
			if err != nil {
				t.Fatal(err)
			}
			if *again.Network.Loss != *result.Pruned.Loss || again.Network.Parameters != result.Pruned.Parameters {
				t.Errorf("the file has a loss of %g and %d parameters, the result %g and %d", *again.Network.Loss, again.Network.Parameters, *result.Pruned.Loss, result.Pruned.Parameters)
			}
			inspected := settings.Default()
			inspected.Source, inspected.Model = filepath.Join(dir, record.PrunedFile), ""
			if i, err := trainer.Inspect(inspected, nil, 0); err != nil || i.Parameters != result.Pruned.Parameters || i.MACs != result.Pruned.MACs {
				t.Errorf("inspect: %+v, %v", i, err)
			}
		})
	}
}

// TestResumeNeedsNoModelFile: a run of a graph goes on with the graph that it began with,
// also where the file is gone or describes another. It moves images as one without a stop does.
func TestResumeNeedsNoModelFile(t *testing.T) {
	path := modelFile(t, smallConvolutions)
	c := modelConfig(t, path)
	c.CropPadding, c.Flip = 1, true
	whole := trainer.Options{Dir: filepath.Join(t.TempDir(), "whole"), Command: "test", Version: "0"}
	if _, err := trainer.Run(t.Context(), c, whole); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() error{
		"gone": func() error { return os.Remove(path) },
		"changed": func() error {
			return os.WriteFile(path, []byte(strings.Replace(smallConvolutions, "out = 12", "out = 99", 1)), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(smallConvolutions), 0o644); err != nil {
				t.Fatal(err)
			}
			stopped := trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), Command: "test", Version: "0"}
			if _, err := trainer.Run(newCountdown(60), c, stopped); !errors.Is(err, backend.ErrInterrupted) {
				t.Fatal(err)
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if _, err := trainer.Resume(context.Background(), stopped); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{record.PrunedFile, record.PlayersFile, record.ConfigFile} {
				if !bytes.Equal(read(t, stopped.Dir, file), read(t, whole.Dir, file)) {
					t.Errorf("%s is not what an uninterrupted run gives", file)
				}
			}
		})
	}
}

// TestModelsThatDoNotFitAreRefused: before a folder is made, with the node where there is one.
func TestModelsThatDoNotFitAreRefused(t *testing.T) {
	for _, test := range []struct {
		change func(*settings.Config)
		want   string
	}{
		{func(c *settings.Config) { c.Model = "vgg16" }, `node 24, "stage3.pool"`},
		{func(c *settings.Config) {
			c.Model = modelFile(t, strings.Replace(smallConvolutions, "kernel = 2", "kernel = 9", 1))
		}, `net.toml for samples of 1x6x6: node 7, "pool": a kernel of 9x9 leaves nothing`},
		{func(c *settings.Config) {
			c.Model = modelFile(t, strings.Replace(smallConvolutions, "out = 6\nkernel = 3\npadding = 1\n\n", "out = 5\nkernel = 3\npadding = 1\n\n", 1))
		}, `node 5, "add": inputs 0 and 1 have shapes 5x6x6 and 6x6x6`},
		{func(c *settings.Config) { c.Data = tableFile(t) }, "takes images of channels, height and width, and the samples are 2 numbers without a shape; use data of images"},
		{func(c *settings.Config) { c.Players = "neurons,nobody" }, `--players is "neurons,nobody"; it must be some of`},
		{func(c *settings.Config) { c.Model, c.Players = "mlp:6", "filters" }, "0 players"},
		{func(c *settings.Config) { c.Shape = "3-5-7-9" }, "of the 2 gates"},
		{func(c *settings.Config) { c.Keep = 2 }, "keep at least 4"},
	} {
		c := modelConfig(t, modelFile(t, smallConvolutions))
		test.change(&c)
		dir := filepath.Join(t.TempDir(), "run")
		_, err := trainer.Run(t.Context(), c, trainer.Options{Dir: dir})
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("it says %v, want %q", err, test.want)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder was made: %v", err)
		}
	}
}

// tableFile is a table of two features and two classes.
func tableFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte("a,b,label\n"+strings.Repeat("1,2,x\n2,1,y\n3,5,x\n", 20)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAShapeFromScratch: without a game the network has the shape from the start, and that of
// a perceptron is the one of these widths to the bit.
func TestAShapeFromScratch(t *testing.T) {
	tiny := modelConfig(t, modelFile(t, smallConvolutions)) // one, as its samples are drawn
	run := func(change func(*settings.Config)) (string, *record.Result) {
		c := tiny
		c.Game, c.Epochs = game.NoGame, 1
		change(&c)
		dir := filepath.Join(t.TempDir(), "run")
		result, err := trainer.Run(t.Context(), c, trainer.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return dir, result
	}
	if _, result := run(func(c *settings.Config) { c.Shape = "3-5" }); !slices.Equal(result.Dense.Shape, []int{36, 3, 5, 4}) {
		t.Errorf("asked for 3-5, it is %v", result.Dense.Shape)
	}
	shaped, _ := run(func(c *settings.Config) { c.Model, c.Shape = "mlp:16-8", "5-3" })
	named, _ := run(func(c *settings.Config) { c.Model = "mlp:5-3" })
	a, _, err := safetensors.LoadModel(filepath.Join(shaped, record.DenseFile))
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := safetensors.LoadModel(filepath.Join(named, record.DenseFile))
	if err != nil || !reflect.DeepEqual(a.Parameters, b.Parameters) {
		t.Errorf("mlp:16-8 in the shape 5-3 is not mlp:5-3 (%v)", err)
	}
}
