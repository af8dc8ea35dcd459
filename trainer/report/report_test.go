package report

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

var update = flag.Bool("update", false, "rewrite the golden files from what is written now")

// golden compares what write writes with a file in testdata.
func golden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update makes it)", err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs from what is written now (go test -update rewrites it):\n%s", path, got.String())
	}
}

func of(x float64) *float64 { return &x }

// three is how well a network does on three classes of 4, 4 and 2 samples.
func three() record.Classes {
	labels, guesses := []uint8{0, 0, 0, 0, 1, 1, 1, 1, 2, 2}, []int{0, 0, 0, 1, 1, 1, 0, 1, 1, 0}
	return record.NewClasses(3, labels, func(i int) int { return guesses[i] })
}

func accurate(percent float64) record.Quality { return record.Quality{Accuracy: of(percent)} }

// marketRun is a run of the market with a baseline: 13-7-5-3 becomes 13-3-2-3.
func marketRun() *Run {
	run := &Run{Config: settings.Default()}
	run.Config.Epochs, run.Config.Rounds = 5, 4
	run.Result = record.Result{
		Schema: record.ResultSchema, Command: "nashprune train --keep 5", Seed: 7,
		Device: record.Device{Name: "CPU & Sons <fast>, 2 threads", Kind: backend.CPU, BLAS: "gonum"},
		Data:   record.Data{Name: "digits", Train: 18000, Validation: 2000, Test: 4000, EvaluatedOn: backend.TestPart},
		Gates:  []record.Gate{{Name: "0", Kind: "neurons", Players: 7, Kept: 3}, {Name: "2", Kind: "neurons", Players: 5, Kept: 2}},
		Dense: record.NetworkResult{
			Source: record.FromBaseline, Shape: []int{13, 7, 5, 3}, Quality: accurate(98.725), Loss: of(0.05),
			Parameters: 156, MACs: 141, Bytes: 624, LatencyUS: 1234.5, LatencyBatch: 128,
		},
		Gated: &record.Gated{Quality: accurate(95.8), MaxLogitDifference: 5.7e-6, BoundUsed: 8.8e-5},
		Pruned: &record.Pruned{
			NetworkResult: record.NetworkResult{
				Shape: []int{13, 3, 2, 3}, Quality: accurate(95.8), Loss: of(0.15),
				Parameters: 59, MACs: 51, Bytes: 236, LatencyUS: 261.4, LatencyBatch: 128, Classes: three(),
			},
			Kept: 5, Players: 12, Sparsity: 100 * 7. / 12,
		},
		Equilibrium: &record.Equilibrium{MaxGap: 0.00096, RelativeGap: 0.0023, Claimed: true, Model: record.Holds, Network: record.Fails, Dead: 1, Dominated: 2, PricedOut: 3, Forced: 1, Kept: 5},
		Seconds:     record.Seconds{Total: 13.1, Train: 2.8, Game: 1.8, Tail: 0.1, Baseline: 7.3, Evaluate: 2.2},
	}
	for i, accuracy := range []float64{85, 93, 94.5, 96, 97.25} {
		run.Epochs = append(run.Epochs, record.EpochLine{
			Training: record.GameTraining, Epoch: i + 1, Step: 141 * (i + 1), LearningRate: 0.002, Loss: 0.3, Accuracy: of(accuracy),
			ValidationLoss: of(0.4), ValidationAccuracy: of(accuracy - 1), Players: []int{7, 5}, Seconds: float64(i + 1),
		})
	}
	for i, accuracy := range []float64{90, 97, 98, 99, 99.5} {
		run.Epochs = append(run.Epochs, record.EpochLine{
			Training: record.DenseTraining, Epoch: i + 1, Step: 141 * (i + 1), LearningRate: 0.002, Loss: 0.3, Accuracy: of(accuracy),
			ValidationLoss: of(0.2), ValidationAccuracy: of(accuracy - 0.5), Players: []int{7, 5}, Seconds: float64(i + 1),
		})
	}
	demands := [][]int{{5, 4}, {4, 3}, {3, 2}, {3, 2}}
	players := [][]int{{7, 5}, {6, 4}, {4, 2}, {3, 2}}
	for k := range demands {
		run.Rounds = append(run.Rounds, record.RoundLine{
			Training: record.GameTraining, Round: k + 1, Epoch: 1 + k/2, Demand: demands[k],
			Prices: []float64{1.35e-5 * float64(k), 0.25 * float64(k)}, Supply: []float64{4.5 - float64(k)/2, 2}, Players: players[k],
		})
	}
	run.Rounds[1].Check = &record.RoundCheck{Samples: 750, Gap: 0.0021, Expected: 0.0024}
	run.Rounds[3].Check = &record.RoundCheck{Samples: 750, Gap: 0.0025, Expected: 0.0023}
	// By the worths, ceilings and the price below.
	reasons := []game.Reason{
		game.Kept, game.Dominated, game.PricedOut, game.Kept, game.Forced, game.PricedOut, game.Kept,
		game.PricedOut, game.Kept, game.Dominated, game.Kept, game.Dead,
	}
	for i, reason := range reasons {
		p := record.Player{Layer: i / 7, Gate: run.Result.Gates[i/7].Name, Index: i % 7, Price: 0.002, Epoch: 2 + i%2, Reason: reason}
		switch reason {
		case game.Kept:
			p.Worth, p.Ceiling, p.Participation, p.Epoch = 0.01*float64(i+1), 0.02*float64(i+1), 0.9, 0
		case game.Dominated:
			p.Worth, p.Ceiling = 0.001/float64(i), 0.002/float64(i)
		case game.PricedOut:
			p.Worth, p.Ceiling = 0.002/float64(i), 0.02/float64(i)
		case game.Forced:
			p.Worth, p.Ceiling, p.Participation = 0.0025, 0.005, 0.125
		}
		run.Players = append(run.Players, p)
	}
	return run
}

// withCertificate adds the certificate that fits a run.
func withCertificate(run *Run) *Run {
	e := run.Result.Equilibrium
	c := &record.Certificate{
		Schema: record.CertificateSchema, Game: run.Config.Game, Bound: game.EquilibriumBound,
		RelativeGap: e.RelativeGap, Claimed: e.Claimed,
		Certificate: game.Certificate{MaxGap: e.MaxGap, TotalGap: 0.0012, Scale: 0.5, Players: 7},
		MostTempted: &record.PlayerName{Layer: 1, Index: 3},
		Layers:      []record.CertifiedLayer{{Players: 4, Gap: 1e-4}, {Players: 3, Gap: 0.0011}},
	}
	for _, p := range run.Players {
		name := record.PlayerName{Layer: p.Layer, Index: p.Index}
		player := record.CertifiedPlayer{PlayerName: name, Reason: p.Reason, Epoch: p.Epoch}
		player.Account = game.Record{Worth: p.Worth, Own: p.Worth / 2, Ceiling: p.Ceiling, Price: p.Price, Participation: p.Participation}.Account()
		if run.Config.Game == game.MarketGame && p.Reason != game.Kept {
			player.Round = 1 + p.Epoch%2
		}
		c.Players = append(c.Players, player)
	}
	if run.Config.Game == game.MarketGame {
		for l := range c.Layers {
			c.Layers[l].Price, c.Layers[l].Demand, c.Layers[l].Supply = 0.002, 3-l, 2.75-float64(l)
			c.Layers[l].Lambda, c.Layers[l].Potential, c.Layers[l].Best = 4.5, -0.25, -0.125
		}
		c.Rounds = run.Rounds
		c.Model = &record.ModelClaim{Closed: true, Checks: 2, Ratio: &record.Interval{Mean: 0.98, Low: 0.57, High: 1.7}}
		c.Model.Conclude()
		c.BidAsk = testBids()
	} else {
		c.SpectralRadius = of(0.25)
		c.Layers[0].SpectralRadius, c.Layers[1].SpectralRadius = of(0.25), of(0)
	}
	run.Epochs[0].ConditionNumbers = []*float64{of(12.5), nil, of(1.25)}
	run.Certificate = c
	return run
}

// testBids is a market of each layer of a market run: one holds and one fails.
func testBids() *record.BidAsk {
	interval := func(mean, half float64) record.Interval {
		return record.Interval{Mean: mean, Low: mean - half, High: mean + half}
	}
	market := func(l, kept, asking, bidding int, ask, bid, half float64) record.BidAskMarket {
		asks, bids := record.PlayerName{Layer: l, Index: asking}, record.PlayerName{Layer: l, Index: bidding}
		excess := interval(bid-ask, half)
		return record.BidAskMarket{
			Layers: []int{l}, Kept: kept, Removed: 4 - l, Size: float64(kept),
			Asks: []record.Quote{{PlayerName: asks, Value: ask}}, Bids: []record.Quote{{PlayerName: bids, Value: bid}},
			Ask: &record.Confirmed{PlayerName: asks, Interval: interval(ask, half/2)}, Bid: &record.Confirmed{PlayerName: bids, Interval: interval(bid, half)}, Excess: &excess,
		}
	}
	b := &record.BidAsk{
		Part: backend.ValidationPart, Samples: 2000, Steps: 100, LearningRate: 0.002, Repeats: 3, Refits: 30, OverConstant: interval(2, 0.125),
		Markets: []record.BidAskMarket{market(0, 3, 0, 5, 0.004, 0.001, 0.002), market(1, 2, 3, 0, 0.002, 0.008, 0.003)},
		Pairs: []record.BidPair{
			{Players: [2]record.PlayerName{{Layer: 0, Index: 5}, {Layer: 1, Index: 0}}, Alone: [2]float64{0.001, 0.008}, Joint: 0.012},
			{Players: [2]record.PlayerName{{Layer: 0, Index: 1}, {Layer: 1, Index: 2}}, Alone: [2]float64{0.001, 0.003}, Joint: 0.002},
		},
	}
	b.Conclude()
	return b
}

// paperRun is a run of the paper's game without a baseline, in which the second
// hidden layer loses all players.
func paperRun() *Run {
	run := marketRun()
	run.Config.Game, run.Config.Threshold = game.PaperGame, 0.01
	run.Rounds, run.Epochs = nil, run.Epochs[:run.Config.Epochs]
	r := &run.Result
	r.Dense.Source, r.Dense.Accuracy, r.Dense.Loss = record.NotTrained, nil, nil
	r.Gated = &record.Gated{Quality: accurate(40)}
	r.Gates[0].Kept, r.Gates[1].Kept = 2, 0
	r.Pruned.Shape, r.Pruned.Kept, r.Pruned.Sparsity = []int{13, 2, 0, 3}, 2, 100*10./12
	r.Pruned.Parameters, r.Pruned.MACs, r.Pruned.Bytes = 31, 26, 124
	r.Equilibrium = &record.Equilibrium{MaxGap: 0.1, RelativeGap: 0.95, Dominated: 7, BelowThreshold: 3, Kept: 2}
	r.Seconds = record.Seconds{Total: 17.2, Train: 9.2, Game: 9.2, Evaluate: 7.4}
	for i := range run.Players {
		p := &run.Players[i]
		p.Epoch, p.Participation = 5, 0.0005*float64(i)
		switch {
		case i < 2:
			p.Epoch, p.Participation, p.Reason = 0, 0.95, game.Kept
		case i%4 == 2:
			p.Reason = game.BelowThreshold
		default:
			p.Reason = game.Dominated
		}
	}
	return run
}

// offRun is a run without a game.
func offRun() *Run {
	run := marketRun()
	run.Config.Game = game.NoGame
	run.Rounds, run.Players, run.Epochs = nil, nil, run.Epochs[:run.Config.Epochs]
	for i := range run.Epochs {
		run.Epochs[i].Training = record.DenseTraining
	}
	r := &run.Result
	r.Dense.Source = record.FromRun
	r.Gates[0].Kept, r.Gates[1].Kept = 7, 5
	r.Gated, r.Pruned, r.Equilibrium = nil, nil, nil
	r.Seconds = record.Seconds{Total: 10.1, Train: 8.4, Evaluate: 1.4}
	return run
}

// TestEvaluatedOn: a table names the samples that its accuracies are of.
func TestEvaluatedOn(t *testing.T) {
	run := marketRun()
	run.Result.Data.Validation, run.Result.Data.Test = 2345, 6789
	for part, want := range map[backend.Part]string{
		backend.ValidationPart: "evaluated on 2,345 validation samples", backend.TestPart: "evaluated on 6,789 test samples",
	} {
		run.Result.Data.EvaluatedOn = part
		var b strings.Builder
		if err := Result(&b, &run.Result); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%v: no %q in %s", err, want, b.String())
		}
	}
}

func TestTexts(t *testing.T) {
	for name, run := range map[string]*Run{"market": marketRun(), "paper": paperRun(), "off": offRun()} {
		t.Run(name, func(t *testing.T) {
			golden(t, "result-"+name+".golden", func(w io.Writer) error { return Result(w, &run.Result) })
			golden(t, "picture-"+name+".svg", func(w io.Writer) error { return Picture(w, run) })
			if run.removes() {
				golden(t, "explain-"+name+".golden", func(w io.Writer) error { return Explain(w, run) })
				withCertificate(run)
				golden(t, "certificate-"+name+".golden", func(w io.Writer) error { return Explain(w, run) })
				for fate, player := range map[string]record.PlayerName{"stays": {Layer: 0, Index: 0}, "left": {Layer: 1, Index: 2}} {
					golden(t, "player-"+fate+"-"+name+".golden", func(w io.Writer) error { return ExplainPlayer(w, run, player) })
				}
			}
		})
	}
}

// explanation is what Explain writes of a run.
func explanation(t *testing.T, run *Run) string {
	t.Helper()
	var b strings.Builder
	if err := Explain(&b, run); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// has reports which of some words a text lacks.
func has(t *testing.T, name, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s: no %q in\n%s", name, w, text)
		}
	}
}

// TestStability: the text says what a radius means, on both sides of 1 and without one. It
// says so of the paper's game alone, and no radius below 1 makes changes die out where there
// is no equilibrium, nor where no best response depends on another player.
func TestStability(t *testing.T) {
	for want, c := range map[string]struct {
		radius  *float64
		claimed bool
	}{
		"below 1: a small change of participations dies out": {of(0.99), true},
		"not below 1": {of(1), true}, "not computed": {nil, true},
		"at an equilibrium, and this state is none": {of(0.5), false},
		"no best response depends on another":       {of(0), false},
	} {
		run := withCertificate(paperRun())
		run.Certificate.Claimed, run.Certificate.SpectralRadius = c.claimed, c.radius
		text := explanation(t, run)
		has(t, want, text, want)
		if !c.claimed && strings.Contains(text, "dies out") {
			t.Errorf("%s, and changes die out in\n%s", want, text)
		}
	}
	if text := explanation(t, withCertificate(marketRun())); strings.Contains(text, "spectral radius") {
		t.Errorf("a market has a spectral radius:\n%s", text)
	}
}

// TestVerdicts: a result and its explanation say of each part what its verdict is.
func TestVerdicts(t *testing.T) {
	for verdict, words := range map[record.Verdict][2]string{
		record.Holds:     {"yes: its relative gap on other samples is 0.0023, less than 3 times what", "yes: no removed player that was measured"},
		record.Fails:     {"no: its relative gap on other samples is 0.0023", "no: a removed player"},
		record.Undecided: {"undecided: its relative gap on other samples is 0.0023", "undecided: the difference"},
	} {
		run := marketRun()
		run.Result.Equilibrium.Checked = 2
		run.Result.Equilibrium.Model, run.Result.Equilibrium.Network = verdict, verdict
		has(t, string(verdict), explanation(t, run), "game in equilibrium? "+capital(words[0]), "best choice for the network? "+capital(words[1]))
		var b strings.Builder
		if err := Result(&b, &run.Result); err != nil {
			t.Fatal(err)
		}
		has(t, string(verdict), b.String(), "equilibrium:  "+words[0], "\nbest choice:  "+words[1])
		if why := strings.Contains(b.String(), "explain says why"); why != (verdict == record.Fails) {
			t.Errorf("%s: it is said where the reason is: %v", verdict, why)
		}
	}
	run := marketRun()
	run.Result.Equilibrium.Network, run.Result.Equilibrium.Constant = record.Fails, true
	has(t, "constant", explanation(t, run), "best choice for the network? No: the network is no better than a constant prediction.")
	run = marketRun()
	run.Result.Equilibrium.Network = "" // bids were not measured
	has(t, "without bids", explanation(t, run), "best choice for the network? Not tested: it takes")
	var b strings.Builder
	if err := Result(&b, &run.Result); err != nil {
		t.Fatal(err)
	}
	has(t, "without bids", b.String(), "\nbest choice:  not tested: it takes")
	paper := paperRun()
	paper.Result.Equilibrium.Claimed = true
	has(t, "paper", explanation(t, paper), "equilibrium? Yes: its relative gap is 0.95, under the limit 0.005")
}

// TestExplainModel: the text names the numbers that the verdict on the model follows from.
func TestExplainModel(t *testing.T) {
	for name, c := range map[string]struct {
		model record.ModelClaim
		words []string
	}{
		"holds":     {record.ModelClaim{Closed: true, Checks: 2, Ratio: &record.Interval{Mean: 1, Low: 0.75, High: 1.5}}, []string{"2 rounds were checked", "gap is 1 (0.75 to 1.5) times", "ends at 3 or below", "The last round that was checked"}},
		"one round": {record.ModelClaim{Closed: true, Checks: 1, Ratio: &record.Interval{Mean: 3, Low: 0, High: math.MaxFloat64}}, []string{"1 round was checked", "3 times the expected one; an interval needs 2 rounds"}},
		"unchecked": {record.ModelClaim{Closed: true}, []string{"No round was checked on other samples"}},
		"cut short": {record.ModelClaim{Checks: 0}, []string{"did not play all its rounds", "No round was checked"}},
	} {
		run := withCertificate(marketRun())
		run.Certificate.Model = &c.model
		text := explanation(t, run)
		has(t, name, text, c.words...)
		if strings.Contains(text, "lambda") != (c.model.Checks > 0) || strings.Contains(text, "e+308") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	shared := withCertificate(marketRun())
	shared.Certificate.Layers[0].Cost, shared.Certificate.Layers[1].Cost = 799, 18
	has(t, "costs", explanation(t, shared), "supply   cost   price", "2.75    799   0.002")
}

// TestExplainBids: each verdict stands in the table, a profitable deviation is named where
// one is, and the bound is stated with what it rests on.
func TestExplainBids(t *testing.T) {
	interval := func(mean, half float64) record.Interval {
		return record.Interval{Mean: mean, Low: mean - half, High: mean + half}
	}
	const deviation = "A profitable deviation"
	for name, c := range map[string]struct {
		change   func(*record.BidAsk)
		deviates bool
		words    []string
	}{
		"fails": {func(*record.BidAsk) {}, true, []string{
			"0.006 (0.003 to 0.009)     fails", "-0.003 (-0.005 to -0.001)     holds",
			"at any price player 1:0 gains if it returns or player 1:3 if it leaves; the bid is 0.006 above the ask",
			"2,000 samples of the validation part (held out)", "same 100 steps",
			// Gammas 3/4 and 2; the bound is (3*0.003 + 2*0.011)/(3/4).
			"by at most 0.0413, if more players never raise it", "ratio is at least 0.75 everywhere", "at least 0.75, with a median of 1.38",
		}},
		"holds":     {func(b *record.BidAsk) { *b.Markets[1].Excess = interval(-1, 0.5) }, false, []string{"-1 (-1.5 to -0.5)     holds"}},
		"undecided": {func(b *record.BidAsk) { *b.Markets[1].Excess = interval(0.25, 0.5) }, false, []string{"0.25 (-0.25 to 0.75)   undecided"}},
		"no bids": {func(b *record.BidAsk) {
			m := &b.Markets[1]
			m.Bids, m.Bid, m.Excess, m.Removed = nil, nil, nil, 0
		}, false, []string{"-        -                           -     holds"}},
		"untrained": {func(b *record.BidAsk) { b.OverConstant, b.Markets = interval(-0.25, 0.5), b.Markets[:1] }, false, []string{
			"no better than the best constant prediction: its loss is -0.25 (-0.75 to 0.25) below"}},
		"submodular":   {func(b *record.BidAsk) { b.Pairs = b.Pairs[1:] }, true, []string{"at least 1 everywhere", "at least 2, with a median of 2"}},
		"no gain":      {func(b *record.BidAsk) { b.Pairs = nil }, true, []string{"There is no bound", "no pair of removed players"}},
		"no ratio":     {func(b *record.BidAsk) { b.Pairs[0].Alone[0] = -1 }, true, []string{"There is no bound", "is -82.7; it must be above 0"}},
		"not held out": {func(b *record.BidAsk) { b.Part = backend.TrainPart }, true, []string{"(not held out: no --validation)"}},
		"one price": {func(b *record.BidAsk) { b.Markets = b.Markets[1:]; b.Markets[0].Layers = []int{0, 1} }, true, []string{
			"0, 1      2         3", "divided by what the player costs"}},
	} {
		run := withCertificate(marketRun())
		if name == "one price" {
			run.Config.Cost = cost.Parameters
		}
		b := run.Certificate.BidAsk
		c.change(b)
		b.Conclude()
		text := explanation(t, run)
		has(t, name, text, c.words...)
		if strings.Contains(text, deviation) != c.deviates {
			t.Errorf("%s: a deviation is named %v in\n%s", name, !c.deviates, text)
		}
		if divided := strings.Contains(text, "divided by what"); divided != (name == "one price") {
			t.Errorf("%s: by costs %v in\n%s", name, divided, text)
		}
	}
	run := withCertificate(marketRun())
	if run.Certificate.BidAsk = nil; strings.Contains(explanation(t, run), "Equilibrium of the network") {
		t.Error("bids that were not measured are explained")
	}
}

// TestExplainReasons: the counts by layer and reason are those of the players, and rounds
// have gaps where they were checked.
func TestExplainReasons(t *testing.T) {
	text := explanation(t, marketRun())
	has(t, "market", text, "5 kept; 7 removed: 1 without any effect, 2 never worth the price, 3 not worth the price, 1 worth the price, but less than those that stay",
		"       0         7      3      0           1            2        1", "       1         5      2      1           1            1        0",
		"6-4   1.35e-05 0.25   0.0021     0.0024", "7-5             0 0        -          -")
	// The reasons follow from what the players are listed with.
	for _, p := range marketRun().Players {
		r := game.Record{Worth: p.Worth, Own: p.Worth, Ceiling: p.Ceiling, Price: p.Price}
		if p.Reason != game.Kept && r.Recompute() != p.Reason {
			t.Errorf("player %d:%d is %s; by its numbers it is %s", p.Layer, p.Index, p.Reason, r.Recompute())
		}
	}
}

// TestContributions: the text says what contributions are, and of false markets that they are.
func TestContributions(t *testing.T) {
	for want, c := range map[string]settings.Config{
		"undecided network": {Worth: game.Outputs}, "mean square change": {Worth: game.Outputs, Task: dataset.Regression},
		"derivatives of the loss":                           {Worth: game.Effective},
		"random numbers: this market is false on purpose":   {Worth: game.Lottery},
		"worth least stay: this market is false on purpose": {Worth: game.Reverse},
	} {
		run := marketRun()
		run.Config.Worth, run.Config.Task = c.Worth, c.Task
		has(t, want, explanation(t, run), want)
	}
}

func TestParsePlayer(t *testing.T) {
	named := marketRun()
	named.Result.Gates[1].Name = "stage1.conv"
	if got, err := named.ParsePlayer("stage1.conv:17"); err != nil || got != (record.PlayerName{Layer: 1, Index: 17}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := named.ParsePlayer("1:17"); err != nil || got != (record.PlayerName{Layer: 1, Index: 17}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "1", "1:", ":1", "1:2:3", "-1:2", "1:+2", "a:b", "1:99999999999999999999"} {
		if got, err := named.ParsePlayer(bad); !errors.Is(err, backend.ErrUsage) {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
	run := withCertificate(marketRun())
	for name, words := range map[record.PlayerName]string{
		{Layer: 0, Index: 7}: "--player is 0:7; layer 0 has the players 0 to 6",
		{Layer: 2, Index: 0}: "--player is 2:0; it must name a layer of 0, 1",
	} {
		if err := ExplainPlayer(io.Discard, run, name); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A convolutional network may have many gates, and their names help more than their places.
	run.Result.Gates = slices.Repeat([]record.Gate{{Name: "conv", Kind: "filters", Players: 8}}, 14)
	if _, err := run.ParsePlayer("cnov:3"); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "a gate of 0 (conv), 1 (conv)") || !strings.HasSuffix(err.Error(), "11 (conv), 2 more") {
		t.Errorf("a gate that is none: %v", err)
	}
}

// TestKeptWithoutWorth: nothing false is said of a player that stays though it is not worth its price.
func TestKeptWithoutWorth(t *testing.T) {
	run := withCertificate(marketRun())
	for k, c := range []struct{ worth, price float64 }{{0, 0}, {1, 2}, {2, 1}} {
		p := &run.Certificate.Players[0]
		p.Account, p.Reason = game.Record{Worth: c.worth, Ceiling: c.worth, Own: c.worth, Price: c.price}.Account(), game.Kept
		var b strings.Builder
		if err := ExplainPlayer(&b, run, p.PlayerName); err != nil {
			t.Fatal(err)
		}
		if more := strings.Contains(b.String(), "more than the price") && !strings.Contains(b.String(), "no more than the price"); more != (c.worth > c.price) {
			t.Errorf("case %d: worth %g, price %g:\n%s", k, c.worth, c.price, b.String())
		}
	}
}

// TestNobodyLeft: of a market that removed no player no worths are shown, since none was measured.
func TestNobodyLeft(t *testing.T) {
	run := withCertificate(marketRun())
	run.Result.Pruned.Kept = run.Result.Pruned.Players
	for i := range run.Players {
		run.Players[i] = record.Player{Layer: run.Players[i].Layer, Index: run.Players[i].Index, Participation: 1, Reason: game.Kept}
	}
	run.Result.Equilibrium = &record.Equilibrium{Model: record.Undecided, Kept: run.Result.Pruned.Players}
	text := explanation(t, run)
	has(t, "nobody left", text, "equilibrium? Undecided: no round had to remove a player.")
	if !strings.Contains(text, "No round had to remove a player") || strings.Contains(text, "closest to removal") {
		t.Errorf("\n%s", text)
	}
	p := &run.Certificate.Players[0]
	p.Account, p.Reason, p.Round, p.Epoch = game.Account{Participation: 1}, game.Kept, 0, 0
	var b strings.Builder
	if err := ExplainPlayer(&b, run, p.PlayerName); err != nil || b.String() != "Player 0:0, kept.\nNo round had to remove a player, so no worth was measured.\n" {
		t.Errorf("%v: %q", err, b.String())
	}
}

// TestWorthlessPlayer: where nothing is at stake, any participation is as good as none.
func TestWorthlessPlayer(t *testing.T) {
	run := withCertificate(marketRun())
	p := &run.Certificate.Players[0]
	p.Account = game.Record{Participation: 1}.Account()
	var b strings.Builder
	if err := ExplainPlayer(&b, run, p.PlayerName); err != nil || p.Gain != 0 || !strings.Contains(b.String(), "no participation is better than zero") {
		t.Errorf("%v, gain %g:\n%s", err, p.Gain, b.String())
	}
}

// TestExplainCosts: where players have costs of their own, explain says what one costs and how prices
// follow.
func TestExplainCosts(t *testing.T) {
	run := withCertificate(marketRun())
	gate := run.Result.Gates[0]
	costs := slices.Repeat([]float64{1}, gate.Players)
	costs[1] = 2.5
	run.Result.Market = &record.Market{Target: run.Config.Target(len(run.Result.Gates)), PlayerCosts: map[string][]float64{gate.Name: costs}}
	for _, c := range []struct {
		write func(w io.Writer) error
		words string
	}{
		{func(w io.Writer) error { return ExplainPlayer(w, run, record.PlayerName{Index: 1}) }, "times its cost, 2.5"},
		{func(w io.Writer) error { return ExplainPlayer(w, run, record.PlayerName{Layer: 1}) }, "times its cost, 1\n"},
		{func(w io.Writer) error { return Explain(w, run) }, "Players have costs of their own"},
	} {
		var b strings.Builder
		if err := c.write(&b); err != nil || !strings.Contains(b.String(), c.words) {
			t.Errorf("%v:\n%s", err, b.String())
		}
	}
}

func TestEval(t *testing.T) {
	correct := 9740
	r := &record.EvalResult{
		Model: "runs/mnist-38", Data: "mnist", Samples: 10000, Correct: &correct, Network: marketRun().Result.Pruned.NetworkResult,
		ClassNames: []string{"one", "two & a half"},
	}
	golden(t, "eval.golden", func(w io.Writer) error { return Eval(w, r) })
}

func TestExplainWithoutGame(t *testing.T) {
	if err := Explain(io.Discard, offRun()); err == nil || !strings.Contains(err.Error(), "without a game") {
		t.Errorf("got the error %v, want one that says that there was no game", err)
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		before, after float64
		want          string
	}{
		{535818, 20103, "26.7 times fewer"},
		{1, 2, "2.0 times more"},
		{1, 1, "the same"},
		{1.04, 1, "the same"},
		{1, 1.04, "the same"},
		{1.06, 1, "1.1 times fewer"},
		{52650, 10, "5,265 times fewer"},
		{5, 0, ""},
		{0, 5, ""},
	} {
		if got := times(c.before, c.after, "fewer", "more"); got != c.want {
			t.Errorf("times(%v, %v) = %q, want %q", c.before, c.after, got, c.want)
		}
	}
	for want, counts := range map[string][2]int{"3.5 % fewer": {25815, 24913}, "4 % more": {100, 104}, "the same": {7, 7}, "1.1 times fewer": {106, 100}} {
		if got := times(counts[0], counts[1], "fewer", "more"); got != want {
			t.Errorf("of %v: %q, want %q", counts, got, want)
		}
	}
}

// broken fails at every write.
type broken struct{}

var errBroken = errors.New("disk full")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	run := marketRun()
	for name, write := range map[string]func(io.Writer) error{
		"Result":  func(w io.Writer) error { return Result(w, &run.Result) },
		"Explain": func(w io.Writer) error { return Explain(w, run) },
		"Player":  func(w io.Writer) error { return ExplainPlayer(w, withCertificate(run), record.PlayerName{}) },
		"Picture": func(w io.Writer) error { return Picture(w, run) },
		"Eval":    func(w io.Writer) error { return Eval(w, &record.EvalResult{}) },
	} {
		if err := write(broken{}); !errors.Is(err, errBroken) {
			t.Errorf("%s returned %v, want %v", name, err, errBroken)
		}
	}
}

// TestBestEpochs: where --patience chose epochs, the table names them; else there is
// no such line.
func TestBestEpochs(t *testing.T) {
	run := marketRun()
	if got := bestEpochs(&run.Result); got != "" {
		t.Errorf("without patience: %q", got)
	}
	run.Result.Pruned.Best = &record.BestEpoch{Epoch: 4, ValidationLoss: 0.2}
	run.Result.Dense.Best = &record.BestEpoch{Epoch: 2, ValidationLoss: 0.1}
	want := "best epoch:   the pruned network is from epoch 4 (loss 0.2), the dense network is from epoch 2 (loss 0.1), where the loss that is trained was lowest on the validation part, after the last removal\n"
	var text strings.Builder
	if err := Result(&text, &run.Result); err != nil || !strings.Contains(text.String(), want) {
		t.Errorf("%v: %q is missing in\n%s", err, want, text.String())
	}
}

// TestTargetNotes: what drove a market stands in its result, unless it was a number
// of players for each layer.
func TestTargetNotes(t *testing.T) {
	model := &cost.Model{Device: "a\ndevice", Batch: 128, Shapes: 26, Error: 0.031, MaxError: 0.1}
	stepped := &cost.Model{Device: "another", Batch: 64, Shapes: 48, Step: 32, PerStep: []float64{1}}
	for want, market := range map[string]*record.Market{
		"": {Target: cost.Target{Resource: cost.Players, Limit: 5}, Reached: 5},
		"target:       21 players: 25 stay; a market a gate\n": { // with --round-to
			Target: cost.Target{Resource: cost.Players, Limit: 21}, Reached: 25},
		"target:       5 players; one market, in which all players cost the same\n": {
			Target: cost.Target{Resource: cost.Players, Limit: 5}, Cost: cost.Players, Reached: 5},
		"target:       at most 20,000 parameters: 19,873 are left; one market, in which players pay for their parameters\n": {
			Target: cost.Target{Resource: cost.Parameters, Limit: 20000}, Cost: cost.Parameters, Reached: 19873},
		"target:       at most 270.5 us for a batch: 269 us by the model, 261 us measured; one market, in which players pay for their time\n" +
			"time model:   of 128 samples on a device; error 3 % (root mean square of 26 shapes), at most 10 %\n": {
			Target: cost.Target{Resource: cost.Latency, Limit: 270.5}, Cost: cost.Latency, Reached: 269.2, LatencyModel: model},
		"target:       at most 200 us for a batch: 190 us by the model, 261 us measured, NOT met; one market, in which players pay for their time\n" +
			"time model:   of 64 samples on another, with steps 32 units apart; error 0 % (root mean square of 48 shapes), at most 0 %\n": {
			Target: cost.Target{Resource: cost.Latency, Limit: 200}, Cost: cost.Latency, Reached: 190, LatencyModel: stepped},
		"target:       at most 0.5 points less on the validation part: -0.25 points, from 98.50 % to 98.25 %; a market a gate\n": {
			Target: cost.Target{Resource: cost.Players, Limit: 4, AccuracyDrop: 0.5}, Reached: 5, Validation: &record.ValidationPair{Dense: of(98.5), Pruned: of(98.25)}},
		"target:       at most 1 points less on the validation part: 98.25 % there (--baseline also trains the dense network and compares); a market a gate\n": {
			Target: cost.Target{Resource: cost.Players, Limit: 4, AccuracyDrop: 1}, Reached: 5, Validation: &record.ValidationPair{Pruned: of(98.25)}},
	} {
		run := marketRun()
		run.Result.Market = market
		if got := targetNote(&run.Result); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	all := marketRun()
	all.Result.Pruned.Kept = all.Result.Pruned.Players
	all.Result.Market = &record.Market{Target: cost.Target{Resource: cost.Parameters, Limit: 20000}, Cost: cost.Parameters, Reached: 156}
	if got := targetNote(&all.Result); !strings.Contains(got, "156 are left, and no player had to leave; one market") {
		t.Errorf("the dense network meets the target: %q", got)
	}
	run := marketRun()
	for k := range run.Rounds {
		run.Rounds[k].Costs = []float64{2, 0.5}
		run.Rounds[k].ValidationAccuracy, run.Rounds[k].Held = of(97.5), k
	}
	run.Result.Market = &record.Market{Target: cost.Target{Resource: cost.Players, Limit: 4, AccuracyDrop: 1}, Cost: cost.MACs}
	for cost, words := range map[cost.Resource][]string{
		cost.MACs:    {"2 0.5", "price of a unit", "97.50 %", "All gates share one market", "Players win by their worths at the equilibrium", "well within 1 points"},
		cost.Latency: {"All gates share one market", "whose worths exceed by most what n players cost together", "Time grows in steps, 32 units apart"},
	} {
		run.Result.Market.Cost, run.Result.Market.LatencyModel = cost, stepped
		var b strings.Builder
		if err := Explain(&b, run); err != nil {
			t.Fatal(err)
		}
		for _, words := range words {
			if !strings.Contains(b.String(), words) {
				t.Errorf("%s: no %q in\n%s", cost, words, b.String())
			}
		}
	}
}

// TestEvalOfOddClasses: a label may hold anything, and each takes one line of the
// table, in which a terminal obeys nothing.
func TestEvalOfOddClasses(t *testing.T) {
	var b strings.Builder
	names := []string{"two\nlines", "a\ttab", "\x1b[31mred\x1b[0m", "sü ß", strings.Repeat("long", 64)}
	classes := record.NewClasses(len(names), []uint8{0, 1, 2, 3, 4}, func(i int) int { return i })
	if err := Eval(&b, &record.EvalResult{ClassNames: names, Network: record.NetworkResult{Classes: classes}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" two lines ", " a tab ", " \ufffd[31mred\ufffd[0m ", " sü ß "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in %q", want, b.String())
		}
	}
	if longest := slices.MaxFunc(strings.Split(b.String(), "\n"), func(a, b string) int { return len(a) - len(b) }); utf8.RuneCountInString(longest) > 90 {
		t.Errorf("a line of %d bytes: %s", len(longest), longest)
	}
}
