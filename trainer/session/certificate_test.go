package session

import (
	"context"
	"math"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/evidence"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
)

// marketRounds are enough for players to leave before the last.
const marketRounds = 20

// playedMarket is a market of 30 and 15 players that was played to its end, with
// samples.
func playedMarket(t testing.TB) (*Training, *quiet) {
	t.Helper()
	e := new(scripted)
	training, q := scriptedTraining(t, e)
	training.Plan.Config.Rounds = marketRounds
	d := &dataset.Dataset{Classes: 4, Deviation: 1, Train: testSamples(40, 0)}
	d.Train.Features, d.Train.Values = planWidths[0], make([]float32, 40*planWidths[0])
	for i := range d.Train.Values {
		d.Train.Values[i] = float32(i%7) - 3
	}
	training.PutBackSamples = evidence.NewPutBackSamples(d, backend.Loss{}, 1000)
	e.network = networktest.Random(planGraph())
	for _, participation := range e.network.Participations {
		for i := range participation {
			participation[i] = 1
		}
	}
	if err := training.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return training, q
}

// TestMarketCertificate checks every part of a certificate against the ledgers and
// the definitions.
func TestMarketCertificate(t *testing.T) {
	training, q := playedMarket(t)
	c := training.FinalCertificate(q.rounds)
	if len(c.Players) != 45 || len(c.Layers) != 2 || len(c.Rounds) != training.Plan.Config.Rounds {
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
			if b.AtRemoval < record.Price {
				below[p.Reason]++
			}
			if b.Refused != record.Price || b.AtTheEnd != training.AtTheEnd[p.Layer][p.Index] {
				t.Errorf("player %s: put back %+v, recorded %+v", p.PlayerName, *b, record)
			}
		}
		if p.Round > 0 && p.Round < training.Plan.Config.Rounds {
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
		if layer.Supply != supply[l] || layer.Demand != training.Plan.demands(marketRounds)[l] {
			t.Errorf("layer %d: %+v, supply %g", l, layer, supply[l])
		}
	}
	if named := c.Player(*c.MostTempted); named == nil || named.Gain != c.MaxGap {
		t.Errorf("most tempted is %v, the largest gap %g", named, c.MaxGap)
	}
	for _, reason := range []game.Reason{game.Dominated, game.PricedOut, game.Forced} {
		if got := *c.PutBack.Of(reason); got.Players != reasons[reason] || got.AtRemoval != below[reason] {
			t.Errorf("%s: %+v, counted %d of %d", reason, got, below[reason], reasons[reason])
		}
	}
	if len(reasons) < 2 {
		t.Errorf("all players were removed for the same reason, the test shows little: %v", reasons)
	}
}

// TestPlantedDeviationIsNamed changes one participation of the closing state away
// from its best response: the certificate names that player with the gain h/2 d^2 of
// its parabola, and claims no equilibrium.
func TestPlantedDeviationIsNamed(t *testing.T) {
	training, q := playedMarket(t)
	for l := range training.Closing {
		end := &training.Closing[l]
		if want := game.ClearingPrice(end.Worths, training.Plan.demands(marketRounds)[l]); end.Price != want {
			t.Errorf("layer %d closed at the price %g, want %g", l, end.Price, want)
		}
		market := game.Market{Price: end.Price}
		for i, worth := range end.Worths {
			end.Participations[i] = market.BestResponse(worth)
		}
	}
	certify := func() *record.Certificate {
		training.Certificate = game.Certificate{}
		for _, end := range training.Closing {
			training.Certificate.CertifyMarket(game.Market{Price: end.Price}, end.Worths, end.Participations)
		}
		return training.FinalCertificate(q.rounds)
	}
	if c := certify(); !c.Claimed || c.MostTempted != nil || c.TotalGap != 0 {
		t.Fatalf("at the best responses: %+v", c)
	}
	end := training.Closing[1]
	position := len(end.Players) - 1 // of the largest worth, as scripted
	const away = 0.4
	end.Participations[position] -= away
	c := certify()
	want := record.PlayerName{Layer: 1, Index: end.Players[position]}
	gain := end.Worths[position] / 2 * away * away
	if c.Claimed || c.MostTempted == nil || *c.MostTempted != want {
		t.Fatalf("planted %s, named %v, claimed %v", want, c.MostTempted, c.Claimed)
	}
	if got := c.Player(want).Gain; math.Abs(got-gain) > 1e-13*gain || got != c.MaxGap || got != c.TotalGap { // a few operations
		t.Errorf("gain %g, certificate %g and %g, want %g", got, c.MaxGap, c.TotalGap, gain)
	}
}
