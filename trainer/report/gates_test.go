package report

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
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
		"market":  {func(w io.Writer) error { return Explain(w, market) }, []string{"gate   players   kept", "stream         5", "by gate (stem, stream)", "stem:0", "Player 1:3 (stream neuron 3) gains"}},
		"paper":   {func(w io.Writer) error { return Explain(w, paper) }, []string{"gate   players   kept", "stream:", "stem "}},
		"player":  {func(w io.Writer) error { return ExplainPlayer(w, market, record.PlayerName{Layer: 1, Index: 3}) }, []string{"Player 1:3 (stream neuron 3), "}},
		"result":  {func(w io.Writer) error { return Result(w, &market.Result) }, []string{"gates:        stem: 3 of 7 neurons, stream: 2 of 5 neurons"}},
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

// TestManyGatesHaveALineEach: a table has what they come to together, and the note under it
// each gate.
func TestManyGatesHaveALineEach(t *testing.T) {
	run := marketRun()
	const gates = 9
	grow := func(of []int) []int { return slices.Repeat(of[:1], gates) }
	network := func(shape []int) []int { return slices.Concat(shape[:1], grow(shape[1:]), shape[len(shape)-1:]) }
	run.Result.Dense.Shape, run.Result.Pruned.Shape = network(run.Result.Dense.Shape), network(run.Result.Pruned.Shape)
	first := run.Result.Gates[0]
	run.Result.Gates = nil
	for g := range gates {
		first.Name = fmt.Sprintf("block%d.conv", g)
		run.Result.Gates = append(run.Result.Gates, first)
	}
	for i := range run.Rounds {
		r := &run.Rounds[i]
		r.Demand, r.Players = grow(r.Demand), grow(r.Players)
		r.Supply, r.Prices = slices.Repeat(r.Supply[:1], gates), slices.Repeat(r.Prices[:1], gates)
	}
	for name, c := range map[string]struct {
		write func(io.Writer) error
		words []string
	}{
		"result":  {func(w io.Writer) error { return Result(w, &run.Result) }, []string{"-(9 gates)-", "block0.conv: 3 of 7 neurons\n", "\n              block8.conv: 3 of 7 neurons\n"}},
		"explain": {func(w io.Writer) error { return Explain(w, run) }, []string{"block8.conv", "by all 9 gates together", ".."}},
		"picture": {func(w io.Writer) error { return Picture(w, run) }, []string{"Players of each gate"}},
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
	}
}

// TestEveryReasonIsCounted: players of no reason are left out of the results.
func TestEveryReasonIsCounted(t *testing.T) {
	var e record.Equilibrium
	fields := reflect.ValueOf(&e).Elem()
	var counts []string
	for i := range fields.NumField() {
		if f := fields.Field(i); f.Kind() == reflect.Int && fields.Type().Field(i).Name != "Checked" {
			f.SetInt(int64(101 + i))
			counts = append(counts, fmt.Sprint(101+i))
		}
	}
	if len(counts) < len(game.Reasons)-1 { // rankings count theirs elsewhere
		t.Fatalf("%d counts of %d reasons", len(counts), len(game.Reasons))
	}
	text := reasons(&e)
	for _, count := range counts {
		if !strings.Contains(text, count+" ") {
			t.Errorf("no %s in %q", count, text)
		}
	}
	run := withCertificate(marketRun())
	run.Players[len(run.Players)-1].Reason = game.Followed
	var explained bytes.Buffer
	if err := Explain(&explained, run); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"forced   followed   last price", "followed:    it is a part"} {
		if !strings.Contains(explained.String(), word) {
			t.Errorf("no %q in\n%s", word, explained.String())
		}
	}
	if _, removed, _ := strings.Cut(explained.String(), "Last removed players"); strings.Contains(removed, "followed") {
		t.Errorf("a player that followed another has no margin of its own:\n%s", removed)
	}
}

// TestGateLabels: a label loses words only where there is no room for them.
func TestGateLabels(t *testing.T) {
	for gate, want := range map[string]string{"fc1": "gate fc1: 80 of 800", "flatten": "flatten: 80 of 800", "stage2.block1.conv1": "conv1: 80"} {
		if got := gateLabel("gate", gate, 80, 800); got != want && !strings.HasSuffix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
