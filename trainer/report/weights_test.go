package report

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
)

// weightRun is a run of one tensor of 2x3 weights in two rounds, in a folder.
func weightRun(t *testing.T) (*Run, string) {
	t.Helper()
	names := []record.TensorName{{Name: "0.weight", Shape: []int{2, 3}}}
	books := []*game.Separable{{Worths: []float32{0, 1, 2, 3, 4, 5}, Rounds: []int32{1, 2, 0, 0, 2, 0}, Prices: []float64{0, 4}}}
	var file bytes.Buffer
	if err := record.WriteWeights(&file, names, books); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, record.WeightsFile), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	weights := record.NewWeights(names, books)
	weights.Metric = game.AdamMetric
	run := &Run{
		Result: record.Result{
			Weights: weights, Gates: []record.Gate{{Name: "0.weight", Kind: "weights", Players: 6, Kept: 3}},
			Pruned: &record.Pruned{Kept: 3, Players: 6},
		},
		Rounds: []record.RoundLine{{Round: 1, Epoch: 2, Players: []int{5}, Prices: []float64{0}}, {Round: 2, Epoch: 3, Players: []int{3}, Prices: []float64{4}}},
	}
	run.Config.Rounds = 2
	return run, dir
}

func TestExplainWeights(t *testing.T) {
	run, dir := weightRun(t)
	var b bytes.Buffer
	if err := Explain(&b, run); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{
		"3 of 6 weights stay, in 2 rounds.", "w^2 sqrt(v)", "0.weight         6      3      1            4              2        3         5", "2       3         3       4", "'0.weight[0,0]'",
	} {
		if !strings.Contains(b.String(), words) {
			t.Errorf("it says %q, without %q", b.String(), words)
		}
	}
	if strings.Contains(b.String(), "The network has") {
		t.Errorf("of a result that does not say how many weights are left: %q", b.String())
	}
	run.Result.Weights.Left = 2
	b.Reset()
	if err := Explain(&b, run); err != nil || !strings.Contains(b.String(), "in 2 rounds.\nThe network has 2 of them: ") {
		t.Errorf("%q, %v", b.String(), err)
	}
	for name, want := range map[string]string{
		"0.weight[0,0]": "0.weight[0,0]: removed in round 1, in epoch 2, dead: its worth 0 was not above the price 0\n",
		"0.weight[1,1]": "0.weight[1,1]: removed in round 2, in epoch 3, dominated: its worth 4 was not above the price 4\n",
		"0.weight[1,2]": "0.weight[1,2]: kept: its worth is 5, the last price 4\n",
	} {
		w, err := run.ReadWeight(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		b.Reset()
		if err := ExplainWeight(&b, run, w); err != nil || b.String() != want {
			t.Errorf("%q, %v, want %q", b.String(), err, want)
		}
	}
	for _, name := range []string{"", "0.weight", "0.weight[2,0]", "0.weight[0]", "0.weight[0,0", "0.weight[-1,0]", "1.weight[0,0]", "0.weight[0,x]", "[0,0]"} {
		if _, err := run.ReadWeight(dir, name); !errors.Is(err, backend.ErrUsage) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for pattern, want := range map[string]string{
		"":    "0.weight[0,2]: kept as the first of equal ones: its worth is 2, the last price 2\n",
		"1:3": "0.weight[0,2]: kept by its place in its group of 1:3: its worth is 2, the last price 2\n",
	} {
		run.Result.Weights.Pattern = pattern
		b.Reset()
		if err := ExplainWeight(&b, run, &Weight{Tensor: "0.weight", Index: []int{0, 2}, Worth: 2, Price: 2}); err != nil || b.String() != want {
			t.Errorf("%q, %v, want %q", b.String(), err, want)
		}
	}
	run.Result.Pruned.Criterion, run.Rounds[0].Cuts, run.Rounds[1].Cuts = game.Magnitude, []float64{0}, []float64{4}
	w, err := run.ReadWeight(dir, "0.weight[1,1]")
	if err != nil || w.Reason != game.RankedOut {
		t.Errorf("%+v, %v", w, err)
	}
}

// TestPageOfWeights: the page counts weights, and misses no certificate, which such a run has not.
func TestPageOfWeights(t *testing.T) {
	run, _ := weightRun(t)
	played := playedRun()
	played.Result.Weights, played.Result.Gates, played.Rounds = run.Result.Weights, run.Result.Gates, run.Rounds
	played.Result.Pruned.Kept, played.Result.Pruned.Players, played.Result.Equilibrium = 3, 6, nil
	played.Result.Dense.Shape, played.Result.Pruned.Shape = []int{3, 2}, []int{3, 2}
	f, err := ReadFolder(writeRun(t, played))
	if err != nil {
		t.Fatal(err)
	}
	if missing := strings.Join(f.Missing, "; "); strings.Contains(missing, record.CertificateFile) {
		t.Errorf("missing: %s", missing)
	}
	text := pageOf(t, f)
	if !strings.Contains(text, "<h1>3 of 6 weights stay: ") || strings.Contains(text, "Demand and supply") {
		t.Errorf("the page begins %.300s", text[strings.Index(text, "<h1>"):])
	}
	// Of two runs the table begins with what the first one left, and a line says what was before.
	played.Result.Structured = &record.Structured{Kept: 4, Players: 9, Dense: 156, MaxParameters: 80, Parameters: 71, Before: accurate(97.25)}
	var table strings.Builder
	if err := Result(&table, &played.Result); err != nil || strings.Contains(table.String(), "shape") ||
		!strings.Contains(table.String(), "what it left\n              the network of all 156 parameters has 97.25 %\n") {
		t.Errorf("%v, %s", err, table.String())
	}
}

// TestExplainPaperWeights: of weights that played the paper's game there is where they ended.
func TestExplainPaperWeights(t *testing.T) {
	names := []record.TensorName{{Name: "0.weight", Shape: []int{2, 2}}}
	g := game.Paper{Benefit: game.Descent, Gradient: game.OfEffective, Alpha: 1, Gamma: 2}
	end, certificate := g.End(game.Field{Gradient: []float64{-3, -2, 0, 1}, SquaredNorm: make([]float64, 4)}, []float64{1, 0, 0.5, 0}, 0.01)
	ends := []*game.PaperEnd{end}
	var file bytes.Buffer
	if err := record.WritePaperWeights(&file, names, ends); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, record.WeightsFile), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	run := &Run{Result: record.Result{
		Weights: record.NewPaperWeights(names, ends, record.NewPaperClaim(certificate)),
		Gates:   []record.Gate{{Name: "0.weight", Kind: "weights", Players: 4, Kept: 2}},
		Pruned:  &record.Pruned{Kept: 2, Players: 4},
	}}
	run.Config.Threshold = 0.01
	var b bytes.Buffer
	if err := Explain(&b, run); err != nil {
		t.Fatal(err)
	}
	// The third gains 2 * 0.5 by s = 0, of 5 + 0 + 1 + 0 that is realised.
	for _, words := range []string{"2 of 4 weights stay", "not in equilibrium: the gains that are left, over what is realised, are 0.167",
		"0.weight         4      2           1                 1          0         0        0              0.5         1"} {
		if !strings.Contains(b.String(), words) {
			t.Errorf("it says %q, without %q", b.String(), words)
		}
	}
	for name, want := range map[string]string{
		"0.weight[0,0]": "0.weight[0,0]: kept: its participation is 1; full participation has a benefit of 3 and a cost of 2\n",
		"0.weight[0,1]": "0.weight[0,1]: below threshold: its participation is 0; full participation has a benefit of 2 and a cost of 2\n",
		"0.weight[1,1]": "0.weight[1,1]: dominated: its participation is 0; full participation has a benefit of -1 and a cost of 2\n",
	} {
		w, err := run.ReadWeight(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		b.Reset()
		if err := ExplainWeight(&b, run, w); err != nil || b.String() != want {
			t.Errorf("%q, %v, want %q", b.String(), err, want)
		}
	}
	for _, other := range [][]record.TensorName{{{Name: "0.weight", Shape: []int{4}}}, {{Name: "1.weight", Shape: []int{2, 2}}}} {
		if _, err := record.ReadPaperWeights(bytes.NewReader(file.Bytes()), other); err == nil {
			t.Errorf("%v is read", other)
		}
	}
}
