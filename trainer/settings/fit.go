package settings

import (
	"fmt"
	"math"
	"reflect"
	"strings"
)

// Data with fewer training samples than fewSamples get settings that follow from their number;
// from there on the defaults hold.
const (
	fewSamples  = 10_000
	leastSteps  = 2000 // of a training: tables of some hundred rows take a hundred epochs
	fewRounds   = 20
	fewSparsity = 0.8
)

// Fit returns the configuration with the settings that were not named as a number of training
// samples asks for, and these settings, as flags. Small data take small networks, since a dense
// network of the default size learns the noise of a few hundred rows, smaller batches, and more
// epochs, so that a training has two thousand steps; of a few players a smaller part leaves.
func (c Config) Fit(samples int, named func(setting string) bool) (Config, string) {
	if samples < 1 || samples >= fewSamples {
		return c, ""
	}
	var chosen []string
	choose := func(name string, set func()) {
		if !named(name) {
			set()
			chosen = append(chosen, fmt.Sprintf("--%s %v", name, reflect.ValueOf(Find(name).Field(&c)).Elem()))
		}
	}
	if c.Source == "" {
		choose("model", func() {
			c.Model = "mlp:64-32"
			if samples >= fewSamples/4 {
				c.Model = "mlp:128-64"
			}
		})
	}
	choose("batch", func() {
		const least, most, batches = 8, 128, 32
		c.Batch = int(math.Exp2(math.Round(math.Log2(float64(samples) / batches))))
		c.Batch = min(max(c.Batch, least), most)
	})
	perEpoch := (samples + c.Batch - 1) / max(c.Batch, 1)
	choose("epochs", func() { c.Epochs = max(20, (leastSteps+perEpoch-1)/perEpoch) })
	if c.Game.InRounds() {
		if c.Epochs > 0 { // else rounds take no steps
			choose("rounds", func() {
				c.Rounds = max(1, min(fewRounds, int(float64(c.Epochs*perEpoch)*c.GameShare)))
			})
		}
		target := false
		for _, s := range All {
			target = target || s.Target != NoTarget && named(s.Name)
		}
		if !target {
			choose("sparsity", func() { c.Sparsity = fewSparsity })
		}
	}
	return c, strings.Join(chosen, " ")
}
