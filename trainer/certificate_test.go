package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// marketRounds are enough for players to leave before the last.
const marketRounds = 20

// playedMarket is a market of 30 and 15 players that was played to its end, with
// witnesses.
func playedMarket(t testing.TB) (*training, *quiet) {
	t.Helper()
	e := new(scripted)
	training, q := scriptedTraining(t, e)
	training.plan.config.Rounds = marketRounds
	d := &dataset.Dataset{Classes: 4, Deviation: 1, Train: testSamples(40, 0)}
	d.Train.Features, d.Train.Values = planWidths[0], make([]float32, 40*planWidths[0])
	for i := range d.Train.Values {
		d.Train.Values[i] = float32(i%7) - 3
	}
	training.witnesses = newWitnesses(d, Loss{}, 1000)
	e.network = testNetwork(planWidths, network.ReLU)
	for _, layer := range e.network.Hidden() {
		for i := range layer.Participation {
			layer.Participation[i] = 1
		}
	}
	if err := training.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return training, q
}

func testCertificate(t testing.TB) *Certificate {
	t.Helper()
	training, q := playedMarket(t)
	return training.certificate(q.rounds)
}

// TestMarketCertificate checks every part of a certificate against the ledgers and
// the definitions.
func TestMarketCertificate(t *testing.T) {
	training, q := playedMarket(t)
	c := training.certificate(q.rounds)
	if len(c.Players) != 45 || len(c.Layers) != 2 || len(c.Rounds) != training.plan.config.Rounds {
		t.Fatalf("%d players, %d layers, %d rounds", len(c.Players), len(c.Layers), len(c.Rounds))
	}
	if c.Certificate.TotalGap != training.Certificate.TotalGap || c.Bound != 0.005 || c.Claimed != (c.RelativeGap < 0.005) {
		t.Errorf("%+v", c)
	}
	reasons, below := map[game.Reason]int{}, map[game.Reason]int{}
	total, supply, certified := 0., []float64{0, 0}, 0
	for _, p := range c.Players {
		record := training.Ledgers[p.Layer].Records[p.Index]
		if p.Reason != record.Reason || p.Round != record.Round || p.Epoch > 5 || (p.Epoch == 0) != (p.Reason == game.Kept) {
			t.Errorf("player %s: %+v, recorded %+v", p.PlayerName, p, record)
		}
		if (p.PutBack != nil) != (p.Reason != game.Kept) {
			t.Errorf("player %s, %s: put back %v", p.PlayerName, p.Reason, p.PutBack)
		}
		if b := p.PutBack; b != nil {
			reasons[p.Reason]++
			if b.WhenItLeft < record.Price {
				below[p.Reason]++
			}
			if b.Refused != record.Price || b.AtTheEnd != training.AtTheEnd[p.Layer][p.Index] {
				t.Errorf("player %s: put back %+v, recorded %+v", p.PlayerName, *b, record)
			}
		}
		if p.Round > 0 && p.Round < training.plan.config.Rounds {
			if want := (game.Market{Price: record.Price}).Account(record.Worth, record.Participation); p.Account != want {
				t.Errorf("player %s left with %+v, recorded %+v", p.PlayerName, p.Account, want)
			}
			continue
		}
		certified++
		total += p.Gain
		supply[p.Layer] += p.BestResponse
		if p.Price != c.Layers[p.Layer].Price {
			t.Errorf("player %s faces the price %g of its layer's %g", p.PlayerName, p.Price, c.Layers[p.Layer].Price)
		}
	}
	if certified != c.Certificate.Players || math.Abs(total-c.TotalGap) > 1e-12*total {
		t.Errorf("%d players gain %g, certified are %d and %g", certified, total, c.Certificate.Players, c.TotalGap)
	}
	for l, layer := range c.Layers {
		if layer.Supply != supply[l] || layer.Demand != training.plan.demands(marketRounds)[l] {
			t.Errorf("layer %d: %+v, supply %g", l, layer, supply[l])
		}
	}
	if named := c.Player(*c.MostTempted); named == nil || named.Gain != c.MaxGap {
		t.Errorf("most tempted is %v, the largest gap %g", named, c.MaxGap)
	}
	for _, reason := range []game.Reason{game.Dominated, game.PricedOut, game.Forced} {
		if got := *c.PutBack.Of(reason); got.Players != reasons[reason] || got.WhenItLeft != below[reason] {
			t.Errorf("%s: %+v, counted %d of %d", reason, got, below[reason], reasons[reason])
		}
	}
	if len(reasons) < 2 {
		t.Errorf("everybody left for the same reason, the test shows little: %v", reasons)
	}
}

// TestPlantedDeviationIsNamed changes one participation of the closing state away
// from its best response: the certificate names that player with the gain h/2 d^2 of
// its parabola, and claims no equilibrium.
func TestPlantedDeviationIsNamed(t *testing.T) {
	training, q := playedMarket(t)
	for l := range training.Closing {
		end := &training.Closing[l]
		if want := game.ClearingPrice(end.Worths, training.plan.demands(marketRounds)[l]); end.Price != want {
			t.Errorf("layer %d closed at the price %g, want %g", l, end.Price, want)
		}
		market := game.Market{Price: end.Price}
		for i, worth := range end.Worths {
			end.Participations[i] = market.BestResponse(worth)
		}
	}
	certify := func() *Certificate {
		training.Certificate = game.Certificate{}
		for _, end := range training.Closing {
			training.Certificate.CertifyMarket(game.Market{Price: end.Price}, end.Worths, end.Participations)
		}
		return training.certificate(q.rounds)
	}
	if c := certify(); !c.Claimed || c.MostTempted != nil || c.TotalGap != 0 {
		t.Fatalf("at the best responses: %+v", c)
	}
	end := training.Closing[1]
	position := len(end.Players) - 1 // of the largest worth, as scripted
	const away = 0.4
	end.Participations[position] -= away
	c := certify()
	want := PlayerName{Layer: 1, Index: end.Players[position]}
	gain := end.Worths[position] / 2 * away * away
	if c.Claimed || c.MostTempted == nil || *c.MostTempted != want {
		t.Fatalf("planted %s, named %v, claimed %v", want, c.MostTempted, c.Claimed)
	}
	if got := c.Player(want).Gain; math.Abs(got-gain) > 1e-13*gain || got != c.MaxGap || got != c.TotalGap { // a few operations
		t.Errorf("gain %g, certificate %g and %g, want %g", got, c.MaxGap, c.TotalGap, gain)
	}
}

// TestPaperCertificate: accounts are those of the paper's game, and a layer's radius
// is that of its Jacobian, which for two players is eta |<a,b>| / (2 beta |a| |b|).
func TestPaperCertificate(t *testing.T) {
	g := game.Paper{Benefit: game.Printed, Alpha: 1, Beta: 0.5, Gamma: 0.1, Eta: 0.2}
	n := network.New([]int{1, 2, 3, 1})
	copy(n.Layers[0].Weight, []float32{1, 0.5})
	copy(n.Layers[0].Bias, []float32{0.5, 1.25})
	s := []float64{0.5, 0.6}
	measured := []Statistics{
		{Participation: s, MeanContribution: []float64{1.5, 1.5}, SquaredNorm: []float64{1.25, 1.8125}, Competition: []float64{1.125 * s[1], 1.125 * s[0]}},
		{Participation: []float64{0, 0, 0}, MeanContribution: []float64{0, 0, 0}, SquaredNorm: []float64{1, 1, 1}, Competition: []float64{0, 0, 0}},
	}
	players := make([]Player, 5)
	var total game.Certificate
	var accounts [][]game.Account
	for _, m := range measured {
		accounts = append(accounts, total.CertifyPaper(g, m.Field(g), m.Participation))
	}
	c := paperCertificate(g, total, accounts, measured, n, players)
	want := 0.2 * 1.125 / math.Sqrt(1.25*1.8125)
	if c.Layers[0].SpectralRadius == nil || math.Abs(*c.Layers[0].SpectralRadius-want) > 1e-14 || *c.SpectralRadius != *c.Layers[0].SpectralRadius || *c.Layers[1].SpectralRadius != 0 {
		t.Errorf("spectral radius %v, want %g", c.Layers[0].SpectralRadius, want)
	}
	for i := range s {
		if got := c.Players[i].Account; got != g.Account(measured[0].Field(g), i, s[i]) {
			t.Errorf("player %d: %+v", i, got)
		}
	}
	if math.Abs(c.Layers[0].MeanSquaredNorm-(1.25+1.8125)/2) > 1e-15 || c.Layers[1].MeanSquaredNorm != 1 {
		t.Errorf("mean |theta|^2 %g and %g", c.Layers[0].MeanSquaredNorm, c.Layers[1].MeanSquaredNorm)
	}
	if c.Claimed != (total.RelativeGap() < game.EquilibriumBound) || c.PutBack != nil || len(c.Players) != 5 {
		t.Errorf("%+v", c)
	}
	wide := network.Linear{In: 1, Out: spectrumLimit + 1, Weight: make([]float32, spectrumLimit+1), Bias: make([]float32, spectrumLimit+1)}
	field := game.Field{Gradient: make([]float64, wide.Out), SquaredNorm: make([]float64, wide.Out)}
	for i := range wide.Out {
		field.Gradient[i], field.SquaredNorm[i] = 0.5, 1
	}
	if paperRadius(g, field, wide) != nil {
		t.Error("a layer of too many players has a radius")
	}
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
	want := testCertificate(t)
	got, err := ReadCertificate(written(t, want))
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
		"order":  {func(c *Certificate) { c.Players[3].Index = 4 }, "0:4"},
		"layers": {func(c *Certificate) { c.Layers = c.Layers[:1]; c.Rounds = nil }, "1 layers"},
		"first layer": {func(c *Certificate) {
			c.Players, c.MostTempted = slices.DeleteFunc(c.Players, func(p CertifiedPlayer) bool { return p.Layer == 0 }), nil
		}, "1:0"},
		"nobody":       {func(c *Certificate) { c.Players = nil }, "players"},
		"round":        {func(c *Certificate) { c.Rounds[2].Supply = nil }, "round 3"},
		"empty round":  {func(c *Certificate) { c.Rounds[2] = RoundLine{} }, "round 0"},
		"most tempted": {func(c *Certificate) { c.MostTempted = &PlayerName{9, 9} }, "9:9"},
		"put back":     {func(c *Certificate) { c.PutBack = nil }, "was put back"},
		"layer skipped": {func(c *Certificate) {
			c.Players = append(c.Players, CertifiedPlayer{PlayerName: PlayerName{3, 0}, Reason: game.Kept})
		}, "3:0"},
	} {
		damaged := testCertificate(t)
		c.damage(damaged)
		if _, err := ReadCertificate(written(t, damaged)); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "[]", "null", "{}", `{"all_players":{}}`, `{"all_players":[{}]}`, `{"rounds":[{}]}`, `{"rounds":3}`} {
		if _, err := ReadCertificate([]byte(text)); err == nil {
			t.Errorf("%q passes", text)
		}
	}
}

// certificateMemory is what reading a certificate may allocate in all. A player takes
// 35 bytes of text at least and 200 of memory; slices double as they grow, and the
// decoder keeps a copy of what it reads. So 64 bytes a byte of text, and 64 KiB.
func certificateMemory(text []byte) uint64 { return 1<<16 + 64*uint64(len(text)) }

// FuzzCertificate: no text makes the reader panic or ask for memory out of
// proportion, and what is read can be written and read again.
func FuzzCertificate(f *testing.F) {
	f.Add(written(f, testCertificate(f)))
	f.Add([]byte(`{"schema":1,"game":"paper","layers":[{}],"all_players":[{"layer":0,"index":0,"reason":"kept"}]}`))
	f.Add([]byte(`{"all_players":[` + strings.Repeat("{},", 1000) + `{}]}`))
	f.Add([]byte(`{"rounds":[` + strings.Repeat("[],", 1000) + `[]]}`))
	f.Add([]byte(`{"layers":[` + strings.Repeat("{},", 1000) + `{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := ReadCertificate(text)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > certificateMemory(text) {
			t.Errorf("%d bytes allocated for %d bytes of text", got, len(text))
		}
		if err != nil {
			return
		}
		again, err := ReadCertificate(written(t, c))
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

// TestConditionsAreDueEvenly: at the last epoch always, five times where there are
// as many epochs, and never without a game.
func TestConditionsAreDueEvenly(t *testing.T) {
	for _, epochs := range []int{1, 2, 5, 7, 20, 1001} {
		for _, kind := range []GameKind{MarketGame, PaperGame, NoGame} {
			p := plan{config: Config{Epochs: epochs}, game: kind}
			due := 0
			for epoch := 1; epoch <= epochs; epoch++ {
				if p.conditionsDue(epoch) {
					due++
				}
			}
			want := min(epochs, conditionPoints)
			if kind == NoGame {
				want = 0
			}
			if due != want || p.conditionsDue(epochs) != (kind != NoGame) {
				t.Errorf("%d epochs with the game %s: due %d times", epochs, kind, due)
			}
		}
	}
}
