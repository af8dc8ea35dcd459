package trainer_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// stoppedDriver opens engines whose every evaluation is infinite, and after which the
// user has had enough.
type stoppedDriver struct{ crookedDriver }

type stoppedEngine struct{ backend.Engine }

func (d stoppedDriver) Open(device backend.Device, data *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	e, err := d.crookedDriver.Open(device, data, o, s)
	return stoppedEngine{e}, err
}

// stopUser ends the context of the test under way.
var stopUser context.CancelFunc

func (e stoppedEngine) Evaluate(ctx context.Context, part backend.Part, want backend.Want) (backend.Evaluation, error) {
	defer stopUser()
	return e.Engine.Evaluate(ctx, part, want)
}

func init() {
	backend.Register(stoppedDriver{crookedDriver{name: "stopped", loss: math.Inf(1)}})
}

// waysToEvaluate are changes to a configuration after which the networks of a training are
// evaluated at different places.
var waysToEvaluate = map[string]func(*settings.Config){
	"validation": func(c *settings.Config) { c.Validation = 0.1 },
	"market":     func(*settings.Config) {},
	"paper":      func(c *settings.Config) { c.Game, c.Keep = game.PaperGame, 0 },
	"off":        func(c *settings.Config) { c.Game, c.Keep = game.NoGame, 0 },
}

// TestDivergenceIsNamed trains at rates that leave the finite numbers (SGD) or
// stay within them at losses that no training has (Adam).
func TestDivergenceIsNamed(t *testing.T) {
	for optimiser, rate := range map[backend.OptimiserKind]float64{backend.SGD: 100, backend.Adam: 90} {
		c := smallConfig()
		c.Optimiser, c.LearningRate = optimiser, rate
		dir := filepath.Join(t.TempDir(), "run")
		_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: dir})
		var diverged *session.DivergedError
		if !errors.As(err, &diverged) || diverged.Epoch != 1 || diverged.LearningRate != rate {
			t.Errorf("%s: %v", optimiser, err)
		}
		if _, err := os.Stat(filepath.Join(dir, record.CheckpointFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a diverged run can be resumed: %v", optimiser, err)
		}
	}
}

// TestDivergenceInTheLastStepIsSeen: the loss of a step is taken before its
// update, so the last update shows only when the network is evaluated.
func TestDivergenceInTheLastStepIsSeen(t *testing.T) {
	for name, change := range waysToEvaluate {
		c := tinyConfig(t)
		c.Device = "endless"
		change(&c)
		dir := filepath.Join(t.TempDir(), "run")
		_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: dir})
		var diverged *session.DivergedError
		if !errors.As(err, &diverged) {
			t.Errorf("%s: %v", name, err)
		}
		for _, file := range []string{record.DenseFile, record.PrunedFile, record.ResultFile, record.CheckpointFile} {
			if _, err := os.Stat(filepath.Join(dir, file)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %s of a diverged run is there: %v", name, file, err)
			}
		}
	}
}

// TestDivergenceThatMeetsAStop is reported as a divergence: continuing would only diverge
// again.
func TestDivergenceThatMeetsAStop(t *testing.T) {
	diverged := func(name string, err error, dir string) {
		t.Helper()
		if told := new(session.DivergedError); !errors.As(err, &told) || errors.Is(err, backend.ErrInterrupted) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, record.CheckpointFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a diverged run can be resumed: %v", name, err)
		}
	}
	for name, change := range waysToEvaluate {
		c := tinyConfig(t)
		c.Device, c.CertifySteps = "stopped", 0 // bids and asks would be stopped first
		change(&c)
		var ctx context.Context
		ctx, stopUser = context.WithCancel(t.Context())
		dir := filepath.Join(t.TempDir(), "run")
		_, err := trainer.Run(ctx, c, trainer.Options{Dir: dir})
		diverged(name, err, dir)
	}

	// Within a stretch: a stop between two steps, once the loss is no number any more.
	c := tinyConfig(t)
	c.Model, c.Keep, c.Optimiser, c.Momentum, c.LearningRate = "mlp:40-40-40", 20, backend.SGD, 0.99, 100
	met := 0
	for left := 2; met < 3; left++ {
		ctx := newCountdown(left)
		dir := filepath.Join(t.TempDir(), "run")
		_, err := trainer.Run(ctx, c, trainer.Options{Dir: dir})
		if ctx.Err() == nil {
			t.Fatalf("asked %d times, nothing had stopped before it diverged: %v", left, err)
		}
		if met > 0 || !errors.Is(err, backend.ErrInterrupted) {
			diverged("within a stretch", err, dir)
			met++
		}
	}
}
