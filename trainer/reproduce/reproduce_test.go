package reproduce

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/settings"
	"nashprune/trainer/sweep"
)

// smallPlan is a plan that takes a second or two: both ascents, one of them so fast that
// all players are pruned.
func smallPlan() plan {
	return plan{
		data: "digits:side=8,train=400,test=80", model: "mlp:12-8", screenEpochs: 1, epochs: 2, validation: 0.2, haste: 100,
		readings: readings([]game.BenefitGradient{game.OfEffective}, []Training{adam}, []float64{0.001}, false),
	}
}

func run(t *testing.T, dir string, ctx context.Context, ended func(sweep.Event)) (*Report, error) {
	t.Helper()
	return smallPlan().run(ctx, Options{Device: "gonum", Seeds: 2, Dir: dir, Make: sweep.Local{Jobs: 2, Ended: ended}.Make})
}

// TestPaper: figures are those of the runs, the screen never looks at the test part,
// and a table that was stopped ends as one that was not.
func TestPaper(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	dir := t.TempDir()
	want, err := run(t, dir, context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range want.Rows {
		if row.Name != Rows()[i].Name || len(row.Screen) != 6 || len(row.Full) != 2 { // 2 ascents that differ in more than the benefit
			t.Fatalf("%s: %d screened, %d in full", row.Name, len(row.Screen), len(row.Full))
		}
		for k, run := range row.Screen {
			if math.Abs(run.Before-run.Chosen) > 1e-9 {
				t.Errorf("%s: a screen is evaluated on %v, and the validation part gives %v", row.Name, run.Before, run.Chosen)
			}
			if k > 0 && run.Distance < row.Screen[k-1].Distance {
				t.Errorf("%s: run %d is nearer than the one before", row.Name, k)
			}
			if run.Distance != row.Distance(run.Chosen, run.Sparsity) || !(run.SquaredNorm > 0) {
				t.Errorf("%s: %+v", row.Name, run)
			}
		}
		for _, c := range row.Full {
			if len(c.Runs) != 2 || c.Runs[0].Seed != 1 || c.Runs[1].Seed != 2 || c.Diverged != 0 {
				t.Errorf("%s: runs %+v", row.Name, c.Runs)
			}
			if mean := (c.Runs[0].Before + c.Runs[1].Before) / 2; math.Abs(c.Before.Mean-mean) > 1e-9 {
				t.Errorf("%s: a mean of %v, want %v", row.Name, c.Before.Mean, mean)
			}
		}
		first := row.Full[0].Runs[0]
		last := row.Curve[len(row.Curve)-1]
		if len(row.Curve) != 2 || last.Sparsity != first.Sparsity || last.Accuracy != first.Chosen || last.Active != first.Kept[0]+first.Kept[1] {
			t.Errorf("%s: the curve ends at %+v and the run at %+v", row.Name, last, first)
		}
		players, below := 0, row.Histogram[0]
		for _, n := range row.Histogram {
			players += n
		}
		if players != 20 || below != 20-last.Active {
			t.Errorf("%s: a histogram of %d players, %d of them below eps, and %d are active", row.Name, players, below, last.Active)
		}
	}
	if want.Single == nil || len(want.Single.Runs) != 4 {
		t.Errorf("the reading nearest to all rows is %+v", want.Single)
	}

	other, stops := t.TempDir(), 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		ended := 0
		got, err := run(t, other, ctx, func(sweep.Event) {
			if ended++; ended == 9 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			if !reflect.DeepEqual(got, want) {
				t.Errorf("after %d stops got %+v\nwant %+v", stops, got, want)
			}
			break
		}
		if !errors.Is(err, backend.ErrInterrupted) {
			t.Fatal(err)
		}
		if stops++; stops > 20 {
			t.Fatal("it does not come to an end")
		}
	}
	if stops == 0 {
		t.Error("it was never stopped: the test shows little")
	}
}

// TestReadings: the paper's experiment has every combination once, and a screen moves
// weights, and participations but by Adam, as far as a full run.
func TestReadings(t *testing.T) {
	p := wholePlan("mnist")
	if want := 3*2*3*2*2 + 3*2*3*2 + 3; len(p.readings) != want {
		t.Errorf("%d readings, want %d", len(p.readings), want)
	}
	seen := map[Reading]bool{}
	folders := map[string]bool{}
	for _, r := range p.readings {
		seen[r], folders[r.folder()] = true, true
		for _, row := range Rows() {
			short, full := p.config(row, r, p.screenEpochs, 1), p.config(row, r, p.epochs, 1)
			if full.ParticipationRate != r.Rate || full.LearningRate != r.LearningRate || full.Eta != 0 || full.Batch != 128 ||
				full.Alpha != map[bool]float64{false: 1, true: 128}[r.Sum] || full.Joint != r.Joint {
				t.Errorf("%+v in full is %+v", r, full)
			}
			travel := func(c settings.Config) (weights, players float64) {
				epochs := float64(c.Epochs)
				return epochs * c.LearningRate, epochs * c.ParticipationRate
			}
			shortWeights, shortPlayers := travel(short)
			weights, players := travel(full)
			if shortWeights != weights {
				t.Errorf("%+v: weights travel %v and %v", r, shortWeights, weights)
			}
			if far := shortPlayers == players; far != (r.Update == backend.GradientAscent) {
				t.Errorf("%+v: players travel %v and %v", r, shortPlayers, players)
			}
		}
	}
	if len(seen) != len(p.readings) || len(folders) != len(p.readings) {
		t.Errorf("%d readings in %d folders, %d in all", len(seen), len(folders), len(p.readings))
	}
}

func TestNearest(t *testing.T) {
	at := func(benefit game.Benefit, rate, distance float64, diverged string) Run {
		return Run{Reading: Reading{benefit, game.OfTheta, Training{Rate: rate}}, Distance: distance, Diverged: diverged}
	}
	runs := []Run{
		at(game.Printed, 1, 0, "diverged"), at(game.Printed, 2, 5, ""), at(game.Descent, 2, 4, ""), at(game.Absolute, 3, 9, ""),
		at(game.Printed, 4, 7, ""), at(game.Printed, 5, 8, ""),
	}
	diverged := slices.Clone(runs[:1])
	slices.SortStableFunc(runs, nearer)
	want := []Reading{runs[0].Reading, runs[2].Reading, runs[3].Reading}
	if got := nearest(runs); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	other := runs[0] // nearest, which differs in the gradient alone
	other.Gradient = game.OfEffective
	runs = slices.Insert(runs, 1, other)
	want = []Reading{runs[0].Reading, other.Reading, runs[3].Reading}
	if got := nearest(runs); !reflect.DeepEqual(got, want) {
		t.Errorf("with another gradient it is %+v, want %+v", got, want)
	}
	if got := nearest(diverged); got != nil {
		t.Errorf("of one that diverged: %+v", got)
	}
}

func TestSingle(t *testing.T) {
	rows := []RowReport{
		{Screen: []Run{{Seed: 1, Distance: 1}, {Seed: 2, Distance: 2}, {Seed: 3, Distance: 0}}},
		{Screen: []Run{{Seed: 1, Distance: 5}, {Seed: 2, Distance: 3}, {Seed: 3, Diverged: "diverged"}}},
	}
	if s := single(rows); s == nil || s.Distance != 5 || s.Runs[1].Seed != 2 {
		t.Errorf("%+v", s)
	}
}

func TestSpreadAndDistance(t *testing.T) {
	c := Candidate{Runs: []Run{{Before: 1, Distance: 2}, {Before: 2, Distance: 3}, {Before: 6, Distance: 4}, {Before: 9, Diverged: "so it is"}}}
	if c.sumUp(Rows()[1]); c.Before.Mean != 3 || math.Abs(c.Before.Deviation-math.Sqrt(7)) > 1e-15 || c.Distance != 3 || c.Diverged != 1 {
		t.Errorf("of 1, 2, 6: %+v", c)
	}
	c = Candidate{Runs: []Run{{After: 4}}}
	if c.sumUp(Rows()[1]); c.After != (Spread{4, 0}) {
		t.Errorf("of one: %+v", c)
	}
	row := Rows()[1]
	for _, test := range []struct {
		accuracy, sparsity, distance float64
		reached                      bool
	}{
		{91.15, 95.18, 0, true}, {92.65, 95.18, 1, true}, {91.15, 92.18, 1, true}, {92.7, 95.18, 1.55 / 1.5, false}, {91.15, 99.18, 4. / 3, false},
	} {
		if d := row.Distance(test.accuracy, test.sparsity); math.Abs(d-test.distance) > 1e-9 {
			t.Errorf("%v: distance %v", test, d)
		}
		if got := row.Reached(test.accuracy, test.sparsity); got != test.reached && test.distance != 1 { // at the bound roundings decide
			t.Errorf("%v: reached %v", test, got)
		}
	}
}

// A seed that diverged is in no mean, and keeps a reading from counting as reached.
func TestDivergedSeeds(t *testing.T) {
	row := RowReport{Row: Rows()[0]}
	good := Run{Seed: 1, Before: 96.64, Chosen: 96.64}
	bad := Run{Seed: 2, Diverged: "the loss is NaN"}
	first := row.compare([]trial{{run: bad}, {run: good}}, 2)
	if c := row.Full[0]; c.Before.Mean != 96.64 || c.Diverged != 1 || c.Reached || first == nil || first.run.Seed != 1 {
		t.Errorf("%+v, first %+v", c, first)
	}
	row.Full = nil
	if first := row.compare([]trial{{run: bad}}, 1); first != nil || row.Full[0].Diverged != 1 || !math.IsInf(row.Full[0].rank(), 1) {
		t.Errorf("%+v, first %+v", row.Full[0], first)
	}
}

func TestCSV(t *testing.T) {
	r := &Report{Rows: []RowReport{{Row: Rows()[0],
		Screen: []Run{{Seed: 1, Diverged: "a, b"}},
		Full:   []Candidate{{Runs: []Run{{Seed: 1, Kept: []int{3, 2}}, {Seed: 2, Kept: []int{4, 1}}}}},
	}}}
	var b bytes.Buffer
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 4 || lines[1][0] != "screen" || lines[1][len(lines[1])-1] != "a, b" || lines[3][0] != "full" || lines[3][15] != "4-1" {
		t.Errorf("%v, %v", lines, err)
	}
}

func TestRefusals(t *testing.T) {
	for name, o := range map[string]Options{
		"--seeds": {Dir: t.TempDir()}, "--out": {Seeds: 1},
		"--data": {Dir: filepath.Join(t.TempDir(), "x"), Seeds: 1, Data: "no such data", Device: "gonum", Make: sweep.Local{}.Make},
	} {
		if _, err := Paper(context.Background(), o); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOnly: patterns choose among the readings, each once and in their order, and what is
// left out is said.
func TestOnly(t *testing.T) {
	for _, test := range []struct {
		patterns []string
		left     int // of 111; 0: an error
	}{
		{nil, 111},
		{[]string{"*"}, 111},
		{[]string{"*-effective-adam-*"}, 12 + 6 + 1},
		{[]string{"*-effective-adam-*", "descent-effective-*"}, 12 + 6 + 1 + 8 + 4 + 2},
		{[]string{"*-sum"}, 36},
		{[]string{"*-joint"}, 3},
		{[]string{"printed-theta-sgd-0.01-gradient-0.001"}, 1},
		{[]string{"*-adams-*"}, 0},
		{[]string{"[z-"}, 0},
	} {
		p := wholePlan("mnist")
		err := p.only(test.patterns)
		if test.left == 0 {
			if !errors.Is(err, backend.ErrUsage) {
				t.Errorf("%q: %v", test.patterns, err)
			}
			continue
		}
		if err != nil || len(p.readings) != test.left || (p.leftOut != "") != (test.left < 111) {
			t.Errorf("%q: %d readings, %q, %v", test.patterns, len(p.readings), p.leftOut, err)
		}
	}
}
