package report

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"nashprune/trainer/record"
)

// TestGatesAreNamed: where the network is no multilayer perceptron, reports call gates by
// their names.
func TestGatesAreNamed(t *testing.T) {
	names := []string{"stem", "stream"}
	named := func(run *Run) *Run {
		for l := range run.Result.Gates {
			run.Result.Gates[l].Name = names[l]
		}
		for i := range run.Players {
			run.Players[i].Gate = names[run.Players[i].Layer]
		}
		return run
	}
	market, paper := named(withCertificate(marketRun())), named(withCertificate(paperRun()))
	for name, c := range map[string]struct {
		write func(io.Writer) error
		words []string
	}{
		"market":  {func(w io.Writer) error { return Explain(w, market) }, []string{"gate   players   kept", "stream         5", "by gate (stem, stream)", "stem:0", "Player 1:3 (stream:3) gains"}},
		"paper":   {func(w io.Writer) error { return Explain(w, paper) }, []string{"gate   players   kept", "stream:", "stem "}},
		"player":  {func(w io.Writer) error { return ExplainPlayer(w, market, record.PlayerName{Layer: 1, Index: 3}) }, []string{"Player 1:3 (stream:3), "}},
		"result":  {func(w io.Writer) error { return Result(w, &market.Result) }, []string{"gates:        stem 3 of 7 neurons, stream 2 of 5 neurons"}},
		"picture": {func(w io.Writer) error { return Picture(w, market) }, []string{"gate stem: 3 of 7", "Players of each gate"}},
	} {
		var text bytes.Buffer
		if err := c.write(&text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, word := range c.words {
			if !strings.Contains(text.String(), word) {
				t.Errorf("%s: no %q in\n%s", name, word, text.String())
			}
		}
		if strings.Contains(text.String(), "layer:index") {
			t.Errorf("%s names layers:\n%s", name, text.String())
		}
	}
}

// TestARunWithoutGates: a network without gates, which was trained without a game, is
// shown as any other.
func TestARunWithoutGates(t *testing.T) {
	run := offRun()
	run.Result.Gates, run.Result.Dense.Shape = nil, []int{13, 3}
	for i := range run.Epochs {
		run.Epochs[i].Players = nil
	}
	for name, write := range map[string]func(io.Writer) error{
		"result":  func(w io.Writer) error { return Result(w, &run.Result) },
		"picture": func(w io.Writer) error { return Picture(w, run) },
	} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if word := "13-3"; name == "result" && !strings.Contains(text.String(), word) {
			t.Errorf("%s: no %q in\n%s", name, word, text.String())
		}
	}
}
