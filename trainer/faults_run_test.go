package trainer_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// crookedDriver opens CPU engines that get the logits of small networks wrong and
// add something to every loss that they evaluate.
type crookedDriver struct {
	name string
	loss float64
}

type crookedEngine struct {
	backend.Engine
	crookedDriver
	players int
}

func (d crookedDriver) Name() string { return d.name }

func (crookedDriver) Operators() []network.Kind { return networktest.PerceptronKinds }

func (d crookedDriver) Devices() ([]backend.Device, error) {
	return []backend.Device{{Driver: d.name, Name: strings.ToUpper(d.name), Kind: backend.SoftwareGPU}}, nil
}

func (crooked crookedDriver) Open(_ backend.Device, d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	device, err := backend.FindDevice(cpufallback.DriverName)
	if err != nil {
		return nil, err
	}
	e, err := device.Open(d, o, s)
	return &crookedEngine{Engine: e, crookedDriver: crooked}, err
}

func (e *crookedEngine) Push(s *backend.State) error {
	e.players = s.Network.Players()
	return e.Engine.Push(s)
}

func (e *crookedEngine) Evaluate(ctx context.Context, part backend.Part, want backend.Want) (backend.Evaluation, error) {
	evaluation, err := e.Engine.Evaluate(ctx, part, want)
	if e.players < 20 && evaluation.Logits != nil {
		evaluation.Logits[0] += 0.1
	}
	evaluation.Loss += e.loss
	return evaluation, err
}

func init() {
	backend.Register(crookedDriver{name: "crooked"})
	backend.Register(crookedDriver{name: "endless", loss: math.Inf(1)})
}

// Train ends as an engine may that waits for its last step and then looks at ctx.
func (e *crookedEngine) Train(ctx context.Context, s backend.Stretch) (backend.Progress, error) {
	progress, err := e.Engine.Train(context.WithoutCancel(ctx), s)
	if err == nil {
		err = ctx.Err()
	}
	return progress, err
}

// TestAStopAfterTheLastStepOfAStretch: what is due after that step is done before
// the checkpoint is taken, so that the run can go on.
func TestAStopAfterTheLastStepOfAStretch(t *testing.T) {
	c := tinyConfig(t)
	c.Device = "crooked"
	for stop := range 10 { // of the training's about 43 questions whether ctx has ended
		dir := filepath.Join(t.TempDir(), "run")
		ctx := newCountdown(1 + 4*stop)
		if _, err := trainer.Run(ctx, c, trainer.Options{Dir: dir}); !errors.Is(err, backend.ErrInterrupted) {
			t.Fatalf("stop %d: %v", stop, err)
		}
		_, err := trainer.Resume(newCountdown(4), trainer.Options{Dir: dir})
		if !errors.Is(err, backend.ErrInterrupted) {
			t.Errorf("stop %d: going on: %v", stop, err)
		}
	}
}

// TestARemovalThatChangesLogitsFailsTheRun: the comparison of the gated and the
// compacted network is not for show.
func TestARemovalThatChangesLogitsFailsTheRun(t *testing.T) {
	c := tinyConfig(t)
	c.Device = "crooked"
	_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run")})
	if !errors.Is(err, backend.ErrParity) || !strings.Contains(err.Error(), "rounding") {
		t.Errorf("%v", err)
	}
}
