package trainer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// TestNetworkInMemory: a network in memory is pruned to the bits to which that of its file is,
// also by a run that goes on, which takes no other network.
func TestNetworkInMemory(t *testing.T) {
	c, _ := trained(t)
	ofFile, want := mustRun(t, c)
	n, _, err := safetensors.LoadModel(c.Source)
	if err != nil {
		t.Fatal(err)
	}
	before := n.Clone()
	equal := func(a, b *network.Network) bool { return slices.EqualFunc(a.Parameters, b.Parameters, slices.Equal) }
	c.Source, c.Model = "", "mlp:3"
	same := func(dir string, result *record.Result, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		a, _, errA := safetensors.LoadModel(filepath.Join(want, record.PrunedFile))
		b, _, errB := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile))
		if errA != nil || errB != nil || !equal(a, b) {
			t.Errorf("the pruned networks differ: %v, %v", errA, errB)
		}
		if *result.Dense.Accuracy != *ofFile.Dense.Accuracy || result.Dense.Source != record.FromSource || result.Source.Format != "memory" {
			t.Errorf("dense %+v, source %+v", result.Dense, result.Source)
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	result, err := trainer.Run(context.Background(), c, trainer.Options{Dir: dir, Network: n})
	same(dir, result, err)
	if !equal(n, before) {
		t.Error("the network was changed")
	}

	dir = stopped(t, c, trainer.Options{Network: n})
	refusedUntouched(t, trainer.Options{Dir: dir}, backend.ErrUsage, "give it the same again as Options.Network")
	other := n.Clone()
	other.Parameters[0][0]++
	refusedUntouched(t, trainer.Options{Dir: dir, Network: other}, backend.ErrUsage, "is not the")
	result, err = trainer.Resume(context.Background(), trainer.Options{Dir: dir, Network: n, Version: "0"})
	same(dir, result, err)
}

// TestMixedRunOfANetworkInMemory: stopped in its first part and in its second, it goes on with the same
// network to the bits to which that of its file is pruned.
func TestMixedRunOfANetworkInMemory(t *testing.T) {
	c, _ := trained(t)
	c.Players, c.Keep, c.MaxBytes, c.Epochs = "neurons,inputs,weights", 0, 2400, 4
	_, want := mustRun(t, c)
	n, _, err := safetensors.LoadModel(c.Source)
	if err != nil {
		t.Fatal(err)
	}
	c.Source = ""
	dir := filepath.Join(t.TempDir(), "run")
	part := filepath.Join(dir, record.StructuredFolder)
	// until stops a run once a part of it has begun to train.
	until := func(folder string) (context.Context, trainer.Options) {
		ctx, cancel := context.WithCancel(t.Context())
		return ctx, trainer.Options{Dir: dir, Network: n, Version: "0", Observe: func(e trainer.Event) {
			if _, err := os.Stat(filepath.Join(folder, record.MetricsFile)); err == nil && e.Message == "" {
				cancel()
			}
		}}
	}
	mustStop := func(folder string, err error) {
		t.Helper()
		if _, missing := os.Stat(filepath.Join(folder, record.CheckpointFile)); missing != nil || !errors.Is(err, backend.ErrInterrupted) {
			t.Fatalf("%v, %v", err, missing)
		}
	}
	ctx, o := until(part)
	_, err = trainer.Run(ctx, c, o)
	mustStop(part, err)
	if _, err := trainer.Resume(t.Context(), trainer.Options{Dir: dir}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "the run in "+dir+" began with") {
		t.Errorf("without the network: %v", err)
	}
	ctx, o = until(dir)
	_, err = trainer.Resume(ctx, o)
	mustStop(dir, err)
	if _, err = trainer.Resume(t.Context(), trainer.Options{Dir: dir, Network: n, Version: "0"}); err != nil {
		t.Fatal(err)
	}
	for _, folders := range [][2]string{{want, dir}, {filepath.Join(want, record.StructuredFolder), part}} {
		a, _, errA := safetensors.LoadModel(filepath.Join(folders[0], record.PrunedFile))
		b, _, errB := safetensors.LoadModel(filepath.Join(folders[1], record.PrunedFile))
		if errA != nil || errB != nil || !slices.EqualFunc(a.Parameters, b.Parameters, slices.Equal) {
			t.Errorf("%s: the networks differ: %v, %v", folders[1], errA, errB)
		}
	}
}
