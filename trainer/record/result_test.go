package record

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
)

// TestResultsOfTheFirstSchema: their gates are those of the hidden layers, which they do
// not list.
func TestResultsOfTheFirstSchema(t *testing.T) {
	r, err := ReadResult([]byte(`{"schema":1,"seed":7,"dense":{"shape":[13,7,5,3]},"pruned":{"shape":[13,3,2,3]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Gate{{"0", "neurons", 7, 3}, {"2", "neurons", 5, 2}}
	if !reflect.DeepEqual(r.Gates, want) || r.Schema != ResultSchema || r.Seed != 7 {
		t.Errorf("read %+v", r)
	}
	if r, err = ReadResult([]byte(`{"schema":1,"dense":{"shape":[13,7,3]}}`)); err != nil || !reflect.DeepEqual(r.Gates, []Gate{{"0", "neurons", 7, 7}}) {
		t.Errorf("without a game: read %+v, %v", r, err)
	}
	if r, err = ReadResult([]byte(`{"schema":1}`)); err != nil || r.Gates != nil {
		t.Errorf("without shapes: read %+v, %v", r, err)
	}
	for text, word := range map[string]string{`{"schema":3,"program":"nashprune 9"}`: `"nashprune 9"`, `{}`: "schema 0", `[]`: "array"} {
		if _, err := ReadResult([]byte(text)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want %q", text, err, word)
		}
	}
}

func TestCertificatesOfTheFirstSchema(t *testing.T) {
	text := `{"schema":1,"game":"paper","layers":[{},{}],"all_players":[{"layer":0,"index":0,"reason":"kept"},{"layer":1,"index":0,"reason":"kept"}]}`
	c, err := ReadCertificate(strings.NewReader(text))
	if err != nil || c.Layers[0].Gate != "0" || c.Layers[1].Gate != "2" || c.Schema != CertificateSchema {
		t.Errorf("read %+v, %v", c, err)
	}
	if _, err := ReadCertificate(strings.NewReader(text + "{}")); err == nil || !strings.Contains(err.Error(), "follows") {
		t.Errorf("with more behind it: %v", err)
	}
}

func TestGateNames(t *testing.T) {
	perceptron := Result{Gates: []Gate{{Name: "0"}, {Name: "2"}}}
	if !perceptron.Perceptron() || perceptron.GateName(1) != "1" {
		t.Errorf("the second hidden layer is called %q", perceptron.GateName(1))
	}
	residual := Result{Gates: []Gate{{Name: "0"}, {Name: "stream"}}}
	if residual.Perceptron() || residual.GateName(1) != "stream" || residual.GateName(0) != "0" {
		t.Errorf("the gates are called %q and %q", residual.GateName(0), residual.GateName(1))
	}
}

// TestNewEquilibrium counts every reason once more than the one before, and takes verdicts
// from the certificate.
func TestNewEquilibrium(t *testing.T) {
	var players []Player
	for i, reason := range []game.Reason{game.Kept, game.Dead, game.Dominated, game.PricedOut, game.Forced, game.BelowThreshold} {
		players = append(players, slices.Repeat([]Player{{Reason: reason}}, i+1)...)
	}
	c := &Certificate{RelativeGap: 0.25, Certificate: game.Certificate{MaxGap: 3}, Claimed: true}
	want := Equilibrium{MaxGap: 3, RelativeGap: 0.25, Claimed: true, Kept: 1, Dead: 2, Dominated: 3, PricedOut: 4, Forced: 5, BelowThreshold: 6}
	if got := *NewEquilibrium(c, players); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	c.Model, c.BidAsk = &ModelClaim{Verdict: Holds}, &BidAsk{Verdict: Undecided, OverConstant: Interval{Mean: 1, Low: 0.5, High: 1.5}}
	want.Model, want.Network = Holds, Undecided
	if got := *NewEquilibrium(c, players); got != want {
		t.Errorf("with claims: %+v, want %+v", got, want)
	}
	c.BidAsk.OverConstant.Low, want.Constant = 0, true
	if got := *NewEquilibrium(c, players); got != want {
		t.Errorf("no better than a constant: %+v, want %+v", got, want)
	}
}
