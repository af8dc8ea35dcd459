package settings

import (
	"slices"
	"strings"
	"testing"
)

func TestParseGrid(t *testing.T) {
	runs, err := ParseGrid([]byte(`
epochs = 3
[[list]]
game = "ranking"
criterion = "taylor"
[[list]]
game = "market"
[grid]
seed = [4, 5]
learning-rate = [1e-3, 2]
`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, run := range runs {
		names = append(names, CombinationName(run.Varied))
		if run.Config.Epochs != 3 {
			t.Errorf("%d epochs", run.Config.Epochs)
		}
	}
	want := []string{ // the last line varies fastest
		"criterion=taylor,game=ranking,seed=4,learning-rate=0.001", "criterion=taylor,game=ranking,seed=4,learning-rate=2",
		"criterion=taylor,game=ranking,seed=5,learning-rate=0.001", "criterion=taylor,game=ranking,seed=5,learning-rate=2",
		"game=market,seed=4,learning-rate=0.001", "game=market,seed=4,learning-rate=2",
		"game=market,seed=5,learning-rate=0.001", "game=market,seed=5,learning-rate=2",
	}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	if c := runs[3].Config; c.Game != "ranking" || c.Criterion != "taylor" || c.Seed != 5 || c.LearningRate != 2 {
		t.Errorf("%+v", c)
	}
	if !runs[3].Named("criterion") || !runs[3].Named("epochs") || runs[4].Named("criterion") {
		t.Error("a run does not know which settings the file names")
	}
	if c := runs[4].Config; c.Criterion != Default().Criterion {
		t.Error("a setting of one entry of the list is in another's runs")
	}
	if runs, err = ParseGrid(nil); err != nil || len(runs) != 1 || runs[0].Config != Default() {
		t.Errorf("an empty file: %v, %v", runs, err)
	}
	if runs, err = ParseGrid([]byte("source = \"m.onnx\"\n[grid]\nkeep = [8, 9]")); err != nil || len(runs) != 2 || runs[1].Config.Epochs != Trained().Epochs {
		t.Errorf("a trained network: %v, %v", runs, err)
	}
}

// TestPercentagesInGrids are texts, beside numbers in one list.
func TestPercentagesInGrids(t *testing.T) {
	runs, err := ParseGrid([]byte("[grid]\nmax-macs = [\"12.5%\", 3000]\nseed = [1, 2]"))
	if err != nil || len(runs) != 4 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	if c := runs[0].Config; c.MaxMACs != -12.5 || runs[2].Config.MaxMACs != 3000 || CombinationName(runs[0].Varied) != "max-macs=12.5%,seed=1" {
		t.Errorf("%v, %v, %s", c.MaxMACs, runs[2].Config.MaxMACs, CombinationName(runs[0].Varied))
	}
}

func TestGridErrors(t *testing.T) {
	many := "[1" + strings.Repeat(", 1", 101) + "]"
	for text, want := range map[string]string{
		"max-macs = \"0%\"":                           "max-macs is 0%: a percentage of the dense network must be above 0",
		"keep = true":                                 "keep is true: it must be a number above 0, or a percentage",
		"epochs = [1, 2]":                             "epochs takes a whole number",
		"seed = 1\n[grid]\nseed = [1]":                "seed is set twice",
		"[[list]]\nseed = 1\n[grid]\nseed = [1]":      "seed is set twice",
		"[grid]\nseed = []":                           "seed must be a list of one value or more",
		"[grid]\nseed = [1.5]":                        "grid: seed takes a whole number",
		"[grid.seed]\nx = 1":                          "seed must be a list",
		"grid = 3":                                    "grid must be a table",
		"[list]\nseed = 1":                            "list must be tables",
		"[[list]]\nseeds = 1":                         "list 1: there is no setting \"seeds\"",
		"[grid]\nkeep = [5]\nmax-params = [5]":        "targets keep and max-params",
		"[grid]\nseed = [1, 2, 1]":                    "two runs have the same settings: seed=1",
		"[grid]\nseed = " + many + "\nkeep = " + many: "more than 10000 runs",
		strings.Repeat("a.", 2000) + "b = 1":          "dots and brackets",
		"[grid":                                       "line 1",
	} {
		if _, err := ParseGrid([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// FuzzGrid: whatever passes describes runs that differ, each as its name says.
func FuzzGrid(f *testing.F) {
	f.Add([]byte("epochs = 3\n[[list]]\ngame = \"off\"\n[grid]\nseed = [1, 2]\nmomentum = [0.1]"))
	f.Add([]byte("[grid]\n\"seed\" = [0x1F, 0o7]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		runs, err := ParseGrid(text)
		if err != nil {
			return
		}
		if len(runs) == 0 || len(runs) > maxRuns {
			t.Fatalf("%d runs", len(runs))
		}
		seen := map[Config]bool{}
		for _, run := range runs {
			if seen[run.Config] {
				t.Fatalf("two runs are alike: %s", CombinationName(run.Varied))
			}
			seen[run.Config] = true
			again := run.Config
			for _, v := range run.Varied {
				v.set(&again)
			}
			if len(Different(again, run.Config)) > 0 && again == again { // NaN differs from itself
				t.Fatalf("%s has other values", CombinationName(run.Varied))
			}
		}
	})
}
