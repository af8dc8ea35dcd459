package record

import (
	"bytes"
	"encoding/json"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
)

// testCertificate is of a market of three and two players, from which two were removed.
func testCertificate() *Certificate {
	radius := 0.75
	round := func(k int) RoundLine {
		return RoundLine{
			Training: GameTraining, Round: k, Epoch: k, Step: 10 * k,
			Demand: []int{2, 1}, Prices: []float64{0.25, 1.0 / 3}, Supply: []float64{1.5, 0.5}, Players: []int{3, 2},
		}
	}
	account := func(worth float64) game.Account { return game.Market{Price: 0.25}.Account(worth, 0.5) }
	c := &Certificate{
		Schema: CertificateSchema, Game: game.MarketGame, Bound: game.EquilibriumBound, MostTempted: &PlayerName{1, 1},
		SpectralRadius: &radius,
		Layers: []CertifiedLayer{
			{Gate: "0", Players: 2, Price: 0.25, Demand: 2, Supply: 1.5, SpectralRadius: &radius},
			{Gate: "stream", Players: 1, Price: 1.0 / 3, Demand: 1, Supply: 0.5, SpectralRadius: &radius},
		},
		Rounds:  []RoundLine{round(1), round(2), round(3)},
		PutBack: &PutBackSummary{Part: backend.TrainPart, Samples: 64},
		Players: []CertifiedPlayer{
			{PlayerName: PlayerName{0, 0}, Reason: game.Kept, Account: account(1)},
			{PlayerName: PlayerName{0, 1}, Reason: game.Dominated, Round: 2, Epoch: 1, Account: account(0.125), PutBack: &PutBack{1e-3, -1e-3, 0.25}},
			{PlayerName: PlayerName{0, 2}, Reason: game.Kept, Account: account(2)},
			{PlayerName: PlayerName{1, 0}, Reason: game.Forced, Round: 3, Epoch: 2, Account: account(0.5), PutBack: &PutBack{0.5, 0.25, 0.125}},
			{PlayerName: PlayerName{1, 1}, Reason: game.Kept, Account: account(3)},
		},
	}
	for _, p := range c.Players {
		c.Certificate.Add(p.Gain, p.Worth)
		if p.PutBack != nil {
			c.PutBack.Of(p.Reason).Add(*p.PutBack)
		}
	}
	c.RelativeGap, c.Claimed = c.Certificate.RelativeGap(), c.Certificate.Claimed()
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
	want := testCertificate()
	got, err := ReadCertificate(bytes.NewReader(written(t, want)))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v\nwrote %+v", got, err, want)
	}
	for _, p := range want.Players {
		if found := got.Player(p.PlayerName); found == nil || found.PlayerName != p.PlayerName {
			t.Errorf("player %s is found as %v", p.PlayerName, found)
		}
	}
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
		"no players":   {func(c *Certificate) { c.Players = nil }, "players"},
		"round":        {func(c *Certificate) { c.Rounds[2].Supply = nil }, "round 3"},
		"empty round":  {func(c *Certificate) { c.Rounds[2] = RoundLine{} }, "round 0"},
		"most tempted": {func(c *Certificate) { c.MostTempted = &PlayerName{9, 9} }, "9:9"},
		"put back":     {func(c *Certificate) { c.PutBack = nil }, "was put back"},
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
	for _, text := range []string{"", "[]", "null", "{}", `{"all_players":{}}`, `{"all_players":[{}]}`, `{"rounds":[{}]}`, `{"rounds":3}`} {
		if _, err := ReadCertificate(strings.NewReader(text)); err == nil {
			t.Errorf("%q passes", text)
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
