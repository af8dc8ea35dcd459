package report

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

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

// TestNoneRemoved: of a market that removed no player no worths are shown, since none was measured.
func TestNoneRemoved(t *testing.T) {
	run := withCertificate(marketRun())
	run.Result.Pruned.Kept = run.Result.Pruned.Players
	for i := range run.Players {
		run.Players[i] = record.Player{Layer: run.Players[i].Layer, Index: run.Players[i].Index, Participation: 1, Reason: game.Kept}
	}
	run.Result.Equilibrium = &record.Equilibrium{Model: record.Undecided, Kept: run.Result.Pruned.Players}
	text := explanation(t, run)
	has(t, "none removed", text, "equilibrium? Undecided: no round had to remove a player.")
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

func TestExplainWithoutGame(t *testing.T) {
	if err := Explain(io.Discard, offRun()); err == nil || !strings.Contains(err.Error(), "without a game") {
		t.Errorf("got the error %v, want one that says that there was no game", err)
	}
}
