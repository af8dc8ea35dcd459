package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
)

// testCertificate is of a market of three and two players, from which two were removed.
func testCertificate() *Certificate {
	round := func(k int) RoundLine {
		return RoundLine{
			Training: GameTraining, Round: k, Epoch: k, Step: 10 * k,
			Demand: []int{2, 1}, Prices: []float64{0.25, 1.0 / 3}, Supply: []float64{1.5, 0.5}, Players: []int{3, 2},
		}
	}
	player := func(l, i int, worth, ceiling, price float64, reason game.Reason, round int) CertifiedPlayer {
		account := game.Record{Worth: worth, Own: 0.5, Ceiling: ceiling, Price: price, Participation: 0.5}.Account()
		return CertifiedPlayer{PlayerName: PlayerName{l, i}, Reason: reason, Round: round, Epoch: round / 2, Account: account}
	}
	bids := testBidAsk()
	c := &Certificate{
		Schema: CertificateSchema, Game: game.MarketGame, Bound: game.EquilibriumBound, MostTempted: &PlayerName{1, 1},
		Model: &ModelClaim{Closed: true, Checks: 2, Ratio: &Interval{1, 0.5, 1.5}},
		Layers: []CertifiedLayer{
			{Gate: "0", Players: 2, Price: 0.25, Demand: 2, Supply: 1.5, Lambda: 2, Potential: -1, Best: -0.5},
			{Gate: "stream", Players: 1, Price: 1.0 / 3, Cost: 7, Demand: 1, Supply: 0.5, Lambda: 1, Potential: -0.25, Best: -0.25},
		},
		Rounds: []RoundLine{round(1), round(2), round(3)},
		BidAsk: bids,
		Players: []CertifiedPlayer{
			player(0, 0, 1, 1.5, 0.25, game.Kept, 0),
			player(0, 1, 0.125, 0.1875, 0.25, game.Dominated, 2),
			player(0, 2, 2, 2, 0.25, game.Kept, 0),
			player(1, 0, 0.25, 0.5, 1.0/3, game.PricedOut, 3),
			player(1, 1, 3, 3, 1.0/3, game.Kept, 0),
		},
	}
	c.Rounds[1].Ascent, c.Rounds[1].Check = []float64{0.5, 0.25}, &RoundCheck{Samples: 750, Gap: 1e-3, Expected: 2e-3}
	c.Model.Conclude()
	for _, p := range c.Players {
		c.Certificate.Add(p.Gain, p.Worth)
	}
	c.RelativeGap, c.Claimed = c.Certificate.RelativeGap(), c.Certificate.Claimed()
	return c
}

// paperCertificate is of the paper's game, with the players and layers of the other.
func paperCertificate() *Certificate {
	c, radius := testCertificate(), 0.75
	c.Game, c.Model, c.BidAsk, c.Rounds = game.PaperGame, nil, nil, nil
	for i := range c.Players {
		c.Players[i].Round, c.Players[i].Ceiling = 0, 0
	}
	c.Layers = []CertifiedLayer{{Gate: "0", Players: 3, SpectralRadius: &radius, MeanSquaredNorm: 2}, {Gate: "stream", Players: 2, SpectralRadius: &radius}}
	c.SpectralRadius = &radius
	return c
}

func written(t testing.TB, c *Certificate) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := c.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func TestCertificateRoundTrip(t *testing.T) {
	for _, want := range []*Certificate{testCertificate(), paperCertificate()} {
		got, err := ReadCertificate(bytes.NewReader(written(t, want)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, %v\nwrote %+v", got, err, want)
			continue
		}
		for _, p := range want.Players {
			if found := got.Player(p.PlayerName); found == nil || found.PlayerName != p.PlayerName {
				t.Errorf("player %s is found as %v", p.PlayerName, found)
			}
		}
	}
	got := testCertificate()
	for _, name := range []PlayerName{{0, 30}, {2, 0}, {-1, 0}, {1, -1}} {
		if got.Player(name) != nil {
			t.Errorf("there is a player %s", name)
		}
	}
}

func TestCertificateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(*Certificate)
		word   string
	}{
		"schema": {func(c *Certificate) { c.Schema = 7 }, "schema 7"},
		"game":   {func(c *Certificate) { c.Game = "chess" }, "chess"},
		"reason": {func(c *Certificate) { c.Players[3].Reason = "bored" }, "bored"},
		"order":  {func(c *Certificate) { c.Players[2].Index = 4 }, "0:4"},
		"layers": {func(c *Certificate) { c.Layers = c.Layers[:1]; c.Rounds = nil }, "1 layers"},
		"first layer": {func(c *Certificate) {
			c.Players, c.MostTempted = slices.DeleteFunc(c.Players, func(p CertifiedPlayer) bool { return p.Layer == 0 }), nil
		}, "1:0"},
		"no players":    {func(c *Certificate) { c.Players = nil }, "players"},
		"round":         {func(c *Certificate) { c.Rounds[2].Supply = nil }, "round 3"},
		"empty round":   {func(c *Certificate) { c.Rounds[2] = RoundLine{} }, "round 0"},
		"most tempted":  {func(c *Certificate) { c.MostTempted = &PlayerName{9, 9} }, "9:9"},
		"model":         {func(c *Certificate) { c.Model = nil }, "whether the model holds"},
		"verdict":       {func(c *Certificate) { c.Model.Verdict = Undecided }, `the model is "undecided"; by its numbers it must be "holds"`},
		"not closed":    {func(c *Certificate) { c.Model.Closed = false }, `it must be "fails"`},
		"unchecked":     {func(c *Certificate) { c.Model.Checks, c.Model.Ratio = 0, nil }, `it must be "undecided"`},
		"no ratio":      {func(c *Certificate) { c.Model.Ratio = nil }, "a ratio of 2 rounds"},
		"ratio of none": {func(c *Certificate) { c.Model.Checks = 0 }, "a ratio of 0 rounds"},
		"ratio":         {func(c *Certificate) { *c.Model.Ratio = Interval{2, 1.75, 2.5} }, `it must be "fails"`},
		"no interval":   {func(c *Certificate) { c.Model.Ratio.Mean = 0.25 }, "must hold its mean"},
		"bids":          {func(c *Certificate) { c.BidAsk.Verdict = Holds }, "by its markets it must be"},
		"layer skipped": {func(c *Certificate) {
			c.Players = append(c.Players, CertifiedPlayer{PlayerName: PlayerName{3, 0}, Reason: game.Kept})
		}, "3:0"},
	} {
		damaged := testCertificate()
		c.damage(damaged)
		if _, err := ReadCertificate(bytes.NewReader(written(t, damaged))); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
	paper := paperCertificate()
	paper.Model = testCertificate().Model
	if _, err := ReadCertificate(bytes.NewReader(written(t, paper))); err == nil || !strings.Contains(err.Error(), "whether the model holds") {
		t.Errorf("the paper's game with a claim of the market: %v", err)
	}
	for _, text := range []string{"", "[]", "null", "{}", `{"all_players":{}}`, `{"all_players":[{}]}`, `{"rounds":[{}]}`, `{"rounds":3}`} {
		if _, err := ReadCertificate(strings.NewReader(text)); err == nil {
			t.Errorf("%q passes", text)
		}
	}
}

// TestOlderCertificates: those of the paper's game are read, with gates that the first did
// not name. Those of a market without interaction are not.
func TestOlderCertificates(t *testing.T) {
	for schema := 1; schema < CertificateSchema; schema++ {
		want := paperCertificate()
		want.Schema = schema
		if schema == 1 {
			want.Layers[0].Gate, want.Layers[1].Gate = "", ""
		}
		got, err := ReadCertificate(bytes.NewReader(written(t, want)))
		if err != nil {
			t.Fatalf("schema %d: %v", schema, err)
		}
		second := map[int]string{1: "2", 2: "stream"}[schema]
		if got.Schema != CertificateSchema || got.Layers[0].Gate != "0" || got.Layers[1].Gate != second || !reflect.DeepEqual(got.Players, want.Players) {
			t.Errorf("schema %d: read %+v", schema, got)
		}
		market := testCertificate()
		market.Schema = schema
		_, err = ReadCertificate(bytes.NewReader(written(t, market)))
		if want := fmt.Sprintf("it has schema %d and this program knows 3, since its market has changed: read it with the program that wrote it", schema); err == nil || err.Error() != want {
			t.Errorf("a market of schema %d: %v, want %q", schema, err, want)
		}
	}
	newer := paperCertificate()
	newer.Schema = CertificateSchema + 1
	if _, err := ReadCertificate(bytes.NewReader(written(t, newer))); err == nil || !strings.Contains(err.Error(), "schema 4") {
		t.Errorf("a newer one: %v", err)
	}
}

// TestConcludeModel: the verdict follows from the numbers alone, at the limits too.
func TestConcludeModel(t *testing.T) {
	for _, c := range []struct {
		closed bool
		checks int
		ratio  *Interval
		want   Verdict
	}{
		{true, 8, &Interval{1, 0.5, LargestRatio}, Holds},
		{true, 8, &Interval{1.5, 1, LargestRatio}, Holds}, // an interval that begins at 1 excludes nothing
		{true, 8, &Interval{1.7, RefusedRatio, 1.9}, Holds},
		{true, 8, &Interval{1.7, 1.501, 1.9}, Fails},
		{true, 8, &Interval{5, 4, 6}, Fails},
		{true, 8, &Interval{1, 0.4, 3.5}, Undecided},
		{true, 8, &Interval{0.1, 0.05, 0.2}, Holds}, // nearer to the equilibrium than a play on a sample
		{false, 8, &Interval{1, 0.5, 1.5}, Fails},
		{true, 0, nil, Undecided},
		{false, 0, nil, Fails},
	} {
		m := ModelClaim{Verdict: "stale", Closed: c.closed, Checks: c.checks, Ratio: c.ratio}
		if m.Conclude(); m.Verdict != c.want {
			t.Errorf("closed %v, %d checks, ratio %v: %s, want %s", c.closed, c.checks, c.ratio, m.Verdict, c.want)
		}
	}
}

// certificateMemory is what reading a certificate may allocate in all. A player takes
// 35 bytes of text at least and 200 of memory; slices double as they grow, and the
// decoder keeps a copy of what it reads. A layer takes 3 bytes of text and 80 of memory.
// So 96 bytes a byte of text, and 64 KiB.
func certificateMemory(text []byte) uint64 { return 1<<16 + 96*uint64(len(text)) }

// FuzzCertificate: no text makes the reader panic or ask for memory out of
// proportion, and what is read can be written and read again.
func FuzzCertificate(f *testing.F) {
	f.Add(written(f, testCertificate()))
	f.Add(written(f, paperCertificate()))
	f.Add([]byte(`{"schema":1,"game":"paper","layers":[{}],"all_players":[{"layer":0,"index":0,"reason":"kept"}]}`))
	f.Add([]byte(`{"all_players":[` + strings.Repeat("{},", 1000) + `{}]}`))
	f.Add([]byte(`{"rounds":[` + strings.Repeat("[],", 1000) + `[]]}`))
	f.Add([]byte(`{"layers":[` + strings.Repeat("{},", 1000) + `{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := ReadCertificate(bytes.NewReader(text))
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > certificateMemory(text) {
			t.Errorf("%d bytes allocated for %d bytes of text", got, len(text))
		}
		if err != nil {
			return
		}
		again, err := ReadCertificate(bytes.NewReader(written(t, c)))
		if err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(c)
		b, _ := json.Marshal(again)
		if !bytes.Equal(a, b) {
			t.Errorf("read %s, then %s", a, b)
		}
	})
}
