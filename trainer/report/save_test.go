package report_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/report"
	"nashprune/trainer/settings"
)

// TestSavePictureOfARealRun draws a run as it comes from the trainer, so that
// what is written there and what is read here stay the same.
func TestSavePictureOfARealRun(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	for _, kind := range []game.Kind{game.MarketGame, game.PaperGame, game.NoGame} {
		c := settings.Default()
		c.Game, c.Model, c.Epochs, c.Rounds, c.Keep = kind, "mlp:8-6", 1, 3, 5
		c.Baseline = kind == game.MarketGame
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := trainer.Run(context.Background(), c, trainer.Options{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		if drawn, err := report.SavePicture(dir); err != nil || !drawn {
			t.Fatalf("%s: %v", kind, err)
		}
		svg, err := os.ReadFile(filepath.Join(dir, report.PictureFile))
		if err != nil {
			t.Fatal(err)
		}
		decoder := xml.NewDecoder(bytes.NewReader(svg))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
		}
	}
	if _, err := report.SavePicture(t.TempDir()); err == nil {
		t.Error("an empty folder has a picture")
	}
}
