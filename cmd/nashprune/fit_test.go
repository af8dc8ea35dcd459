package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nashprune/trainer/compare"
	"nashprune/trainer/settings"
)

// namedDevice is the line in which a sweep names the device that it found by the words of the file.
var namedDevice = regexp.MustCompile(`device = "cpu:\d"`)

// TestSettingsOfSmallTables: a sweep has the settings that train has by the size of a table, prune
// has them with the model of the file, and those of compare --quick stay.
func TestSettingsOfSmallTables(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeFile(t, "plants.csv", []byte(plants(20, 1)))
	const rest = "epochs = 2\ncertify-steps = 0\ndevice = \"gonum\"\n"
	writeFile(t, "grid.toml", []byte("data = \"plants.csv\"\n"+rest+"[grid]\nkeep = [30, 40]\n"))
	const fitted = "settings by the size of the data: --model mlp:64-32 --batch 8 --rounds 4\n"
	if _, stderr := program(t, exitDone, "sweep", "grid.toml", "--out", "grid"); strings.Count(stderr, fitted) != 1 {
		t.Errorf("sweep prints %s", stderr)
	}
	flags := strings.Fields("--device gonum --epochs 2 --certify-steps 0")
	elsewhere := process("sweep", "status", filepath.Join(dir, "grid"))
	elsewhere.Dir = t.TempDir() // where the path of the table leads nowhere
	if status, err := elsewhere.CombinedOutput(); err != nil || string(status) != "2 finished\n" {
		t.Errorf("status elsewhere: %v, %s", err, status)
	}
	_, _, stderr := execute(t, append(flags, "train", "--data", "plants.csv", "--keep", "30", "--baseline=false", "--out", "one")...)
	if !strings.Contains(stderr, fitted) {
		t.Errorf("train prints %s", stderr)
	}
	alone, err := os.ReadFile("one/config.toml")
	if swept, also := os.ReadFile("grid/keep=30/config.toml"); err != nil || also != nil || string(alone) != namedDevice.ReplaceAllString(string(swept), `device = "gonum"`) {
		t.Errorf("train:\n%s\nsweep:\n%s\n%v, %v", alone, swept, err, also)
	}
	code, _, stderr := execute(t, append(flags, "prune", "one", "--keep", "10", "--out", "two")...)
	if code != exitDone || !strings.Contains(stderr, "settings by the size of the data: --batch 8 --rounds ") {
		t.Errorf("prune exits with %d and prints %s", code, stderr)
	}
	c, o := settings.Default(), compare.Options{}
	c.Data, c.Epochs = "plants.csv", 3
	named := quickly(func(flag string) bool { return flag == "data" || flag == "epochs" }, &c, &o)
	if err := fitComparison(named, &c, &o, newProgress(io.Discard)); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.Model, c.Batch, c.Epochs, c.Rounds, o.Keep), fmt.Sprint(quickCompareModel, quickBatch, 3, quickRounds, quickCompareKeep); got != want {
		t.Errorf("compare --quick has %s, want %s", got, want)
	}
}
