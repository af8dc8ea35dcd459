package trainer_test

import (
	"context"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// The results of many runs hold none of their data: a study keeps such results.
func TestResultsHoldNoData(t *testing.T) {
	const runs, samples, features = 4, 1000, 28 * 28
	dir := t.TempDir()
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // what finalizers let go in the first
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var (
		kept   []*record.Result
		before uint64
	)
	for i := range runs + 1 {
		c := settings.Default()
		c.Data, c.Model, c.Device = "digits:train="+strconv.Itoa(samples)+",test=100", "mlp:4", "gonum"
		c.Epochs, c.Batch, c.Game, c.Seed = 1, 100, game.NoGame, uint64(i)
		result, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(dir, strconv.Itoa(i))})
		if err != nil {
			t.Fatal(err)
		}
		if kept = append(kept, result); i == 0 {
			before = heap() // with what the first run leaves for all
		}
	}
	if after := heap(); after > before+samples*features {
		t.Errorf("%d kept results hold %d bytes; the data of one run has %d", runs, after-before, samples*features)
	}
	runtime.KeepAlive(kept)
}
