package trainer_test

import (
	"context"
	"path/filepath"
	"slices"
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
