package trainer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/random"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// TestPrunedOnTheSamePart: a network is evaluated on the samples that it was not trained on,
// whatever the seed of the pruning.
func TestPrunedOnTheSamePart(t *testing.T) {
	var table strings.Builder
	table.WriteString("a,b,c,d,label\n")
	draw := random.New(1, random.Testing, 0, 0)
	for range 120 {
		fmt.Fprintf(&table, "%.4f,%.4f,%.4f,%.4f,%d\n", draw.Normal(), draw.Normal(), draw.Normal(), draw.Normal(), draw.Below(2))
	}
	path := filepath.Join(t.TempDir(), "noise.csv")
	if err := os.WriteFile(path, []byte(table.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := settings.Default()
	c.Data, c.Model, c.Device, c.Game, c.Batch, c.Epochs = path, "mlp:64", "gonum", game.NoGame, 16, 100
	dense, dir := mustRun(t, c)

	prune := settings.Trained()
	prune.Source, prune.Data, prune.Device, prune.Batch = filepath.Join(dir, record.DenseFile), path, c.Device, c.Batch
	prune.Epochs, prune.Rounds, prune.Keep, prune.Seed = 1, 2, 32, 9
	result, _ := mustRun(t, prune)
	// Accuracies of so few samples may be equal by chance; losses are not.
	if *result.Dense.Loss != *dense.Dense.Loss || result.Data.Test != dense.Data.Test {
		t.Errorf("the dense network has a loss of %g on %d samples and had %g on %d", *result.Dense.Loss, result.Data.Test, *dense.Dense.Loss, dense.Data.Test)
	}
	prune.TestFraction = 0.5
	if _, err := trainer.Run(t.Context(), prune, trainer.Options{Dir: filepath.Join(t.TempDir(), "run")}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "samples of its training") {
		t.Errorf("another test fraction: %v", err)
	}
}
