//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"nashprune/game"
	"nashprune/gpu"
	"nashprune/trainer"
	"nashprune/trainer/backendtest"
)

// TestNumbersThatAreNotFinite puts one number that is not finite into a state, and
// expects the device to leave it where the CPU does: a training that diverged must
// not look as if it had not.
func TestNumbersThatAreNotFinite(t *testing.T) {
	c := backendtest.Cases()[2]
	infinity, nan := float32(math.Inf(1)), float32(math.NaN())
	for name, spoil := range map[string]func(*trainer.State){
		"NaN in a hidden weight":      func(s *trainer.State) { s.Network.Layers[0].Weight[0] = nan },
		"NaN in a hidden bias":        func(s *trainer.State) { s.Network.Layers[0].Bias[1] = nan },
		"NaN in a participation":      func(s *trainer.State) { s.Network.Layers[0].Participation[0] = nan },
		"NaN in a logit":              func(s *trainer.State) { s.Network.Layers[1].Bias[1] = nan },
		"infinity in a hidden weight": func(s *trainer.State) { s.Network.Layers[0].Weight[0] = infinity },
		"infinity below a rectifier":  func(s *trainer.State) { s.Network.Layers[0].Bias[1] = -infinity },
		"infinity in a logit":         func(s *trainer.State) { s.Network.Layers[1].Bias[1] = -infinity },
	} {
		for _, paper := range []*trainer.PaperMove{nil, {Game: game.Paper{Alpha: 1, Beta: 1}, Update: trainer.GradientAscent, Rate: 0.1}} {
			found := func(driver string) string {
				e := openOn(t, driver, c)
				state := c.State()
				spoil(state)
				if err := e.Push(state); err != nil {
					t.Fatal(err)
				}
				evaluation, err := e.Evaluate(context.Background(), trainer.TrainPart, trainer.Want{})
				if err != nil {
					t.Fatal(err)
				}
				stretch := steps(c, 1, true)
				stretch.Paper = paper
				progress, err := e.Train(context.Background(), stretch)
				if err != nil {
					t.Fatal(err)
				}
				statistics, err := e.Statistics()
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(kindsOf(evaluation.Loss, progress.Loss), kindsOf(statistics[0].Participation...), kindsOf(statistics[0].MeanSquare...))
			}
			if got, want := found(gpu.DriverName), found("cpu"); got != want {
				t.Errorf("%s, paper's game %v: %s, the CPU has %s", name, paper != nil, got, want)
			}
		}
	}
}

// kindsOf writes finite numbers as 0.
func kindsOf(numbers ...float64) (kinds []float64) {
	for _, x := range numbers {
		kinds = append(kinds, x-x)
	}
	return kinds
}
