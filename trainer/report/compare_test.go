package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compare"
	"nashprune/trainer/record"
)

func pointer(x float64) *float64 { return &x }

// comparison is one of three methods with two sizes, in which something of everything
// happens.
func comparison() *compare.Report {
	run := func(figure float64, layers ...int) compare.SeedRun {
		return compare.SeedRun{Seed: 1, Figure: &figure, Layers: layers, Parameters: 1234, MACs: 1200, Device: "a processor"}
	}
	entry := func(method string, shape compare.Shape, keep int, mean float64, d *compare.Difference) compare.Entry {
		return compare.Entry{
			Method: method, Shape: shape, Keep: keep, Setting: "learning-rate 0.002", Mean: &mean, Deviation: pointer(0.25), Difference: d,
			Runs: []compare.SeedRun{run(mean, keep-2, 2), run(mean, keep-3, 3)}, LatencyUS: 77,
		}
	}
	reverse := entry("market-reverse", compare.Equal, 15, 92.75, nil)
	reverse.Null, reverse.Runs[0].Model, reverse.Runs[1].Model = true, record.Fails, record.Undecided
	reverse.Runs[0].Network, reverse.Runs[1].Network = record.Fails, record.Fails
	diverged := compare.Entry{Method: "taylor", Shape: compare.ParametersWinner, Keep: 38, Runs: []compare.SeedRun{{Diverged: "so it is"}, {}}}
	return &compare.Report{
		Data: record.Data{Name: "grain", Train: 900, Test: 100, EvaluatedOn: backend.TestPart}, Model: "mlp:512-256", Epochs: 20, Seeds: []uint64{1, 2}, MostSeeds: 5,
		Dense: []compare.SeedRun{run(98, 512, 256), {Seed: 2, Figure: pointer(99), Layers: []int{512, 256}, Parameters: 1234, MACs: 1200, Device: "another"}},
		Winners: []compare.Winner{
			{Shape: compare.FreeWinner, Keep: 38, Method: "fisher", Layers: []int{36, 2}},
			{Shape: compare.ParametersWinner, Keep: 15, Method: "taylor", Layers: []int{9, 43}},
		},
		Entries: []compare.Entry{
			entry("market", compare.Free, 15, 93.5, nil),
			entry("fisher", compare.Free, 15, 20, &compare.Difference{Mean: -73.5, Low: pointer(-75), High: pointer(-71)}),
			entry("market", compare.Equal, 15, 93, nil),
			reverse,
			entry("taylor", compare.Equal, 15, 94, &compare.Difference{Mean: 1, Low: pointer(0.5), High: pointer(1.5)}),
			entry("taylor", compare.ParametersWinner, 15, 94, &compare.Difference{Mean: -0.5, Pairs: 1}),
			entry("fisher", compare.ParametersWinner, 15, 94, &compare.Difference{Mean: 0.25, Pairs: 2}),
			entry("market", compare.Free, 38, 96.5, nil),
			entry("fisher", compare.FreeWinner, 38, 96, &compare.Difference{Mean: -1, Low: pointer(-2), High: pointer(0)}),
			diverged,
		},
		Search: &compare.Search{Seed: 1, Held: 100, Trials: []compare.Trial{
			{Method: "market", Shape: compare.Equal, Keep: 15, Setting: "learning-rate 0.001", Figure: pointer(92)},
			{Method: "market", Shape: compare.Equal, Keep: 15, Setting: "learning-rate 0.002", Figure: pointer(93), Chosen: true},
			{Method: "market", Shape: compare.Equal, Keep: 38, Setting: "learning-rate 0.004", Figure: pointer(97), Chosen: true},
			{Method: "taylor", Shape: compare.Equal, Keep: 38, Setting: "learning-rate 0.001", Diverged: "so it is"},
		}},
	}
}

// TestCompareSaysWhatIntervalsAllow looks for what is printed of every entry.
func TestCompareSaysWhatIntervalsAllow(t *testing.T) {
	var b strings.Builder
	if err := Compare(&b, comparison()); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"device: a processor; another dense: 98.50 +- 0.71 % accuracy",
		"seeds: 5 for methods within 1 point of the best of their table, and for the market there",
		"15 players, the method finds the layers: method seeds accuracy +- sd to the market model network layers parameters MACs latency setting " +
			"market 2 93.50 +- 0.25 % - - - 13-2 1,234 1,200 77 us learning-rate 0.002 " +
			"fisher 2 20.00 +- 0.25 % -73.50 [-75.00, -71.00]* the market is better",
		"15 players, in proportion to the layers:",
		"market-reverse (null) 2 92.75 +- 0.25 % - 0/1/1 0/2/0 13-2",
		"taylor 2 94.00 +- 0.25 % +1.00 [+0.50, +1.50]* the market is worse",
		"15 players, as many parameters: the layers that taylor found (9-43), which is the best there:",
		"taylor 2 94.00 +- 0.25 % -0.50 one seed: open",
		"fisher 2 94.00 +- 0.25 % +0.25 no spread: open",
		"38 players, the layers that fisher found (36-2), which is the best there:",
		"fisher 2 96.00 +- 0.25 % -1.00 [-2.00, +0.00] includes zero: open",
		"38 players, the layers of the best method, of which there is none:",
		"taylor 2 diverged -",
		"chosen with seed 1, by accuracy on 100 samples held out",
		"15 equal market learning-rate 0.001: 92.00 % learning-rate 0.002: 93.00 %*",
		"38 equal market learning-rate 0.004: 97.00 %*",
		"38 equal taylor learning-rate 0.001: diverged",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	r := comparison()
	r.Search, r.Seeds, r.MostSeeds = nil, []uint64{4}, 1
	b.Reset()
	if err := Compare(&b, r); err != nil || !strings.Contains(b.String(), "No settings were searched") || !strings.Contains(b.String(), "seed 4\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestFrontIsWhole draws comparisons with much in them and with little: the XML is well
// formed, every method that came to something is named in its panel, and the same
// report gives the same bytes.
func TestFrontIsWhole(t *testing.T) {
	one := comparison()
	one.Entries = one.Entries[:1]
	none := comparison()
	none.Entries = none.Entries[9:]
	strange := comparison()
	strange.Data.Name, strange.Entries[1].Method = "<&>", "<&>"
	for name, r := range map[string]*compare.Report{"all": comparison(), "one": one, "none": none, "strange": strange} {
		var b, again bytes.Buffer
		if err := errors.Join(Front(&b, r), Front(&again, r)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("%s: two pictures differ", name)
		}
		for decoder := xml.NewDecoder(&b); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		text := again.String()
		for _, want := range map[string][]string{
			"all":     {">market 93.00<", ">market 93.50<", ">fisher 20.00<", ">taylor 94.00<", ">15<", ">38<"},
			"strange": {"&lt;&amp;&gt; 20.00"},
		}[name] {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in the picture", name, want)
			}
		}
		if name == "all" && (strings.Count(text, ">taylor 94.00<") != 1 || strings.Contains(text, "96.00")) {
			t.Error("what has the layers of a winner is in a panel")
		}
	}
}

// TestFrontOfThePerfect: where all methods are right all are at the upper edge, on an axis that
// has a length.
func TestFrontOfThePerfect(t *testing.T) {
	r := comparison()
	for i := range r.Entries {
		r.Entries[i].Mean, r.Entries[i].Deviation = pointer(100), pointer(0)
	}
	up := frontScale(r, accuracy)
	if up.at(100) != frontTop || up.at(up.low) != frontBottom || up.low > 100-leastAccuracies {
		t.Errorf("100 %% lies at %g of %g to %g: %+v", up.at(100), up.start, up.end, up)
	}
}

// TestNothingIsTimedThatDiverged: a network that is not there takes no 0 us.
func TestNothingIsTimedThatDiverged(t *testing.T) {
	r := comparison()
	r.Entries = r.Entries[9:]
	var b strings.Builder
	if err := Compare(&b, r); err != nil || strings.Contains(b.String(), " us") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// rankedRun is a run of two layers without a game.
func rankedRun() *Run {
	run := marketRun()
	run.Config.Game, run.Config.Criterion = game.RankingGame, game.Fisher
	run.Result.Equilibrium = nil
	run.Result.Pruned.Criterion = game.Fisher
	for i := range run.Players {
		if run.Players[i].Reason != game.Kept {
			run.Players[i].Reason = game.RankedOut
		}
	}
	for i := range run.Rounds {
		run.Rounds[i].Cuts, run.Rounds[i].Prices, run.Rounds[i].Supply = run.Rounds[i].Prices, nil, nil
	}
	for i := range run.Epochs {
		if run.Epochs[i].Training == record.GameTraining {
			run.Epochs[i].Training = record.RankingTraining
		}
	}
	return run
}

// TestRankedRunsAreTold: all reports say that there was no game.
func TestRankedRunsAreTold(t *testing.T) {
	run := rankedRun()
	var explained, table, picture strings.Builder
	if err := errors.Join(Explain(&explained, run), Result(&table, &run.Result), Picture(&picture, run)); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		explained.String(): "There was no game: players were ranked by fisher",
		table.String():     "ranked out by fisher; without a game",
		picture.String():   "no game: ranked by fisher",
	} {
		if !strings.Contains(text, want) || strings.Contains(text, "equilibrium:") || strings.Contains(text, "dominated") {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if err := run.ReadCertificate(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no game") {
		t.Errorf("%v", err)
	}
	for name, spoil := range map[string]func(*Run){
		"an equilibrium of no game": func(r *Run) { r.Result.Equilibrium = marketRun().Result.Equilibrium },
		"an unknown criterion":      func(r *Run) { r.Result.Pruned.Criterion = "charm" },
		"a round without cuts":      func(r *Run) { r.Rounds[0].Cuts = nil },
	} {
		run := rankedRun()
		spoil(run)
		if err := run.check(); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// TestFrontMarksWhatIsBelow: a figure below the axis is no circle on it, which would
// read as the lowest figure, and the picture says so where there is one.
func TestFrontMarksWhatIsBelow(t *testing.T) {
	r := comparison() // in which fisher has 20 %, and the market 93
	picture := func() string {
		var b strings.Builder
		if err := Front(&b, r); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if text := picture(); strings.Contains(text, `cy="400"`) || strings.Count(text, "<polygon") != 1 || strings.Count(text, "triangles: below the axis") != 1 {
		t.Errorf("20 %% is not marked as below:\n%s", text)
	}
	r.Entries[1].Mean = pointer(92.5)
	if text := picture(); strings.Contains(text, "<polygon") || strings.Contains(text, "triangles") {
		t.Errorf("nothing is below:\n%s", text)
	}
}

// TestFewSeedsDecideNothing: an interval of two seeds without zero is not called a result.
func TestFewSeedsDecideNothing(t *testing.T) {
	low, high := -1.2, -0.8
	for pairs, want := range map[int]string{2: "2 seeds are too few to say: open", 3: "the market is better"} {
		e := &compare.Entry{Difference: &compare.Difference{Mean: -1, Pairs: pairs, Low: &low, High: &high}}
		if got := verdict(e); got != want {
			t.Errorf("%d pairs: %q, want %q", pairs, got, want)
		}
	}
}
