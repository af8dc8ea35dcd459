package session

import (
	"context"
	"math"
	"testing"

	"nashprune/game"
	"nashprune/trainer/record"
)

// marketRounds are enough for rounds to be checked.
const marketRounds = 20

// playedMarket is a market of 30 and 15 players that was played to its end.
func playedMarket(t testing.TB, change func(*Training)) (*Training, *quiet) {
	t.Helper()
	training, q := scriptedTraining(t, new(scripted))
	training.Plan.Config.Rounds = marketRounds
	change(training)
	if err := training.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return training, q
}

// TestMarketCertificate checks every part of a certificate against the ledgers, and the
// reason of every removal against the numbers beside it.
func TestMarketCertificate(t *testing.T) {
	training, q := playedMarket(t, func(*Training) {})
	c := training.FinalCertificate(q.rounds)
	if len(c.Players) != 45 || len(c.Layers) != 2 || len(c.Rounds) != training.Plan.Config.Rounds {
		t.Fatalf("%d players, %d layers, %d rounds", len(c.Players), len(c.Layers), len(c.Rounds))
	}
	checked := 0
	for _, line := range q.rounds {
		if line.Check != nil {
			checked++
		}
	}
	// Every sample of this engine has the same players, so plays agree.
	if m := c.Model; m.Checks != checked || checked < 3 || m.Verdict != record.Holds || !m.Closed || c.Certificate != training.Certificate || c.RelativeGap > game.Settled {
		t.Errorf("%+v after %d checks: %+v", c.Model, checked, c.Certificate)
	}
	reasons := map[game.Reason]int{}
	for _, p := range c.Players {
		r := training.Ledgers[p.Layer].Records[p.Index]
		reasons[p.Reason]++
		if p.Reason != r.Reason || p.Round != r.Round || p.Epoch > 5 || (p.Epoch == 0) != (p.Reason == game.Kept) || p.Account != r.Account() {
			t.Errorf("player %s: %+v, recorded %+v", p.PlayerName, p, r)
		}
		if p.Reason != game.Kept && r.Recompute() != p.Reason {
			t.Errorf("player %s is %s, and by its numbers %s: %+v", p.PlayerName, p.Reason, r.Recompute(), r)
		}
	}
	if reasons[game.Kept] != 9 || reasons[game.Forced] > 0 || len(reasons) < 3 {
		t.Errorf("reasons: %v", reasons)
	}
}

// TestFalseMarketsAreRefused: the certificate is about the true interactions, and a market
// that played on others fails it. A market that has not closed fails, too.
func TestFalseMarketsAreRefused(t *testing.T) {
	for _, worth := range []game.Valuation{game.Lottery, game.Reverse} {
		training, q := playedMarket(t, func(t *Training) { t.Plan.Config.Worth = worth })
		if m := training.FinalCertificate(q.rounds).Model; m.Verdict == record.Holds {
			t.Errorf("%s: %+v", worth, m)
		}
		if c := training.Certificate; c.RelativeGap() < 100*game.Settled {
			t.Errorf("%s: relative gap %g", worth, c.RelativeGap())
		}
	}
	training, q := playedMarket(t, func(*Training) {})
	training.Plan.Config.Rounds++ // one is missing
	if m := training.FinalCertificate(q.rounds).Model; m.Closed || m.Verdict != record.Fails {
		t.Errorf("a market that was cut short: %+v", m)
	}
}

// TestAPriceThatIsTooHighIsRefused: players that are asked for more than clears the market
// want less than they would in the games that check them.
func TestAPriceThatIsTooHighIsRefused(t *testing.T) {
	training, _ := scriptedTraining(t, new(scripted))
	const k = 4
	play := func(factor float64) float64 {
		clear := training.Plan.clearing(k, training.Live())
		round, err := PlayRound(context.Background(), training.Engine, nil, game.Outputs, nil, func(h []game.Interactions, play game.Players) (game.Clearing, error) {
			c, err := clear(h, play)
			if err != nil {
				return c, err
			}
			for g := range c.Prices {
				c.Prices[g] *= factor
			}
			var prices [][]float64
			for g := range h {
				prices = append(prices, c.PlayerPrices(g))
			}
			c.Participations, err = game.PlayOn(h, 1000)(prices, c.Participations)
			return c, err
		})
		if err != nil {
			t.Fatal(err)
		}
		check, err := training.check(context.Background(), k, k, round)
		if err != nil {
			t.Fatal(err)
		}
		return check.Gap
	}
	if right, high := play(1), play(1.2); right > game.Settled || high < 100*game.Settled || math.IsNaN(high) {
		t.Errorf("at the price the gap is %g, above it %g", right, high)
	}
}
