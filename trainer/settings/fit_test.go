package settings_test

import (
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/settings"
)

// TestFit: small data get settings of their size, but not those that were named, and rounds fit into
// the steps; large data have the defaults.
func TestFit(t *testing.T) {
	none := func(string) bool { return false }
	for samples, want := range map[int]string{
		0: "", 10_000: "",
		20:    "--model mlp:64-32 --batch 8 --epochs 667 --rounds 20 --sparsity 0.8",
		120:   "--model mlp:64-32 --batch 8 --epochs 134 --rounds 20 --sparsity 0.8",
		1000:  "--model mlp:64-32 --batch 32 --epochs 63 --rounds 20 --sparsity 0.8",
		9_999: "--model mlp:128-64 --batch 128 --epochs 26 --rounds 20 --sparsity 0.8",
	} {
		c, chosen := settings.Default().Fit(samples, none)
		if chosen != want {
			t.Errorf("%d samples: %q, want %q", samples, chosen, want)
		}
		if _, err := c.Resolve(); err != nil {
			t.Errorf("%d samples: %v", samples, err)
		}
	}
	c := settings.Default()
	c.Epochs, c.Keep = 1, 30
	c, chosen := c.Fit(40, func(name string) bool { return name == "epochs" || name == "keep" })
	if c.Epochs != 1 || strings.Contains(chosen, "sparsity") || c.Rounds != 2 { // of five steps
		t.Errorf("%+v, %q", c, chosen)
	}
	c.Epochs = 0
	if _, chosen := c.Fit(40, func(name string) bool { return name == "epochs" }); strings.Contains(chosen, "rounds") {
		t.Errorf("without training: %q", chosen)
	}
	c.Game = game.NoGame
	if _, chosen := c.Fit(40, none); strings.Contains(chosen, "rounds") {
		t.Errorf("without a game: %q", chosen)
	}
}
