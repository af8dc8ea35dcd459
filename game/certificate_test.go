package game_test

import (
	"math"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

// trade is a random layer of a market: worths over several orders of magnitude,
// some of them zero, and any participations.
func trade(seed uint64, players int) (meanSquares, participations []float64) {
	draw := random.New(seed, random.Testing, 3, 0)
	for i := range players {
		meanSquare := math.Pow(10, -6*draw.Float64())
		if i%7 == 3 {
			meanSquare = 0
		}
		meanSquares = append(meanSquares, meanSquare)
		participations = append(participations, 0.02+0.98*draw.Float64())
	}
	return meanSquares, participations
}

func worthsOf(meanSquares, participations []float64) []float64 {
	worths := make([]float64, len(meanSquares))
	for i, m := range meanSquares {
		worths[i] = game.Worth(participations[i], m)
	}
	return worths
}

// TestAccountsAddUp: in both games the terms are the utility, the gain is what the
// best response brings, and the margin is the slope of the utility at zero.
func TestAccountsAddUp(t *testing.T) {
	const step = 1e-4
	check := func(name string, a game.Account, utility func(s float64) float64, scale float64) {
		t.Helper()
		// A handful of operations on terms of the scale.
		rounding := 1e-14 * scale
		if math.Abs(a.Utility()-utility(a.Participation)) > rounding {
			t.Errorf("%s: terms %g and %g, utility %g", name, a.WorthTerm, a.PriceTerm, utility(a.Participation))
		}
		if want := utility(a.BestResponse) - utility(a.Participation); a.Gain < 0 || math.Abs(a.Gain-max(0, want)) > rounding {
			t.Errorf("%s: gain %g, want %g", name, a.Gain, want)
		}
		// Utilities are quadratic: this difference from the right has no error but rounding.
		slope := (4*utility(step) - utility(2*step) - 3*utility(0)) / (2 * step)
		if math.Abs(a.Margin-slope) > 8*rounding/step {
			t.Errorf("%s: margin %g, slope at zero %g", name, a.Margin, slope)
		}
		if a.Margin <= 0 != (a.BestResponse == 0) {
			t.Errorf("%s: margin %g and best response %g", name, a.Margin, a.BestResponse)
		}
	}
	meanSquares, participations := trade(1, 50)
	worths := worthsOf(meanSquares, participations)
	market := game.Market{Price: game.ClearingPrice(worths, 20)}
	for i, worth := range worths {
		check("market", market.Account(worth, participations[i]), func(s float64) float64 { return market.Utility(worth, s) }, worth+market.Price)
	}
	l := randomLayer(7, 23, 5)
	f := l.field()
	for _, g := range games() {
		for i, s := range l.participation {
			check("paper", g.Account(f, i, s), func(s float64) float64 { return g.Utility(f, i, s) }, g.Scale(f, i))
		}
	}
}

// TestGainsHaveClosedForms: the market's utility is a parabola of curvature h, so
// from s a player with its best response inside gains h/2 (s - s*)^2, and one
// whose best response is zero gains s (p - h + h s/2).
func TestGainsHaveClosedForms(t *testing.T) {
	for seed := range uint64(50) {
		meanSquares, participations := trade(seed, 30)
		worths := worthsOf(meanSquares, participations)
		var c game.Certificate
		total := 0.
		for i, a := range c.CertifyMarket(game.Market{Price: game.ClearingPrice(worths, 10)}, worths, participations) {
			h, p, s := worths[i], a.Price, participations[i]
			want := h / 2 * (s - a.BestResponse) * (s - a.BestResponse)
			if a.BestResponse == 0 {
				want = s * (p - h + h*s/2)
			}
			if math.Abs(a.Gain-want) > 1e-14*(h+p) { // a handful of operations
				t.Errorf("seed %d player %d: gain %g, want %g", seed, i, a.Gain, want)
			}
			total += a.Gain
		}
		if c.Players != 30 || math.Abs(c.TotalGap-total) > 1e-12*total {
			t.Errorf("seed %d: %+v, gains add up to %g", seed, c, total)
		}
	}
}

// TestBestResponsesHaveNoGap: at the best responses to worths that are held fixed no
// player gains anything, and the state is an equilibrium.
func TestBestResponsesHaveNoGap(t *testing.T) {
	for seed := range uint64(50) {
		meanSquares, participations := trade(seed, 40)
		worths := worthsOf(meanSquares, participations)
		market := game.Market{Price: game.ClearingPrice(worths, 15)}
		for i, worth := range worths {
			participations[i] = market.BestResponse(worth)
		}
		var c game.Certificate
		accounts := c.CertifyMarket(game.Market{Price: game.ClearingPrice(worths, 15)}, worths, participations)
		if c.MaxGap != 0 || c.TotalGap != 0 || !c.Claimed() {
			t.Errorf("seed %d: %+v", seed, c)
		}
		if layer, _ := game.MostTempted([][]game.Account{accounts}); layer != -1 {
			t.Errorf("seed %d: somebody is tempted", seed)
		}
	}
}

// TestPlantedDeviation moves one player away from its best response: the
// certificate names it, with the gain that its parabola says.
func TestPlantedDeviation(t *testing.T) {
	for seed := range uint64(50) {
		draw := random.New(seed, random.Testing, 4, 0)
		const players, demand = 40, 15
		layers, certificate := make([][]game.Account, 3), game.Certificate{}
		planted, victim := int(draw.Below(3)), 0
		gain := 0.
		for l := range layers {
			meanSquares, participations := trade(100*seed+uint64(l), players)
			worths := worthsOf(meanSquares, participations)
			market := game.Market{Price: game.ClearingPrice(worths, demand)}
			for i, worth := range worths {
				participations[i] = market.BestResponse(worth)
			}
			if l == planted {
				winners := game.Winners(worths, demand)
				victim = winners[draw.Below(demand)]
				away := 0.3
				if participations[victim] > 0.5 {
					away = -0.3
				}
				participations[victim] += away
				gain = worths[victim] / 2 * away * away
			}
			layers[l] = certificate.CertifyMarket(game.Market{Price: game.ClearingPrice(worths, demand)}, worths, participations)
		}
		layer, position := game.MostTempted(layers)
		if layer != planted || position != victim {
			t.Fatalf("seed %d: named %d:%d, planted %d:%d", seed, layer, position, planted, victim)
		}
		// A few operations on terms of the size of the worth; the gain is 0.045 of it.
		if named := layers[layer][position].Gain; math.Abs(named-gain) > 1e-13*gain || certificate.MaxGap != named {
			t.Errorf("seed %d: gain %g, certificate %g, want %g", seed, named, certificate.MaxGap, gain)
		}
	}
}

// TestCertificateIsScaleFree: worths and prices have the unit of the loss, and in
// another unit gains change along while everything without unit stays.
func TestCertificateIsScaleFree(t *testing.T) {
	for seed := range uint64(30) {
		meanSquares, participations := trade(seed, 25)
		worths := worthsOf(meanSquares, participations)
		for _, factor := range []float64{0x1p-20, 2, 0x1p30} { // powers of two, so that nothing rounds otherwise
			scaled := make([]float64, len(worths))
			for i, worth := range worths {
				scaled[i] = factor * worth
			}
			var c, d game.Certificate
			before, after := c.CertifyMarket(game.Market{Price: game.ClearingPrice(worths, 9)}, worths, participations), d.CertifyMarket(game.Market{Price: game.ClearingPrice(scaled, 9)}, scaled, participations)
			if c.RelativeGap() != d.RelativeGap() || d.MaxGap != factor*c.MaxGap {
				t.Errorf("seed %d times %g: %+v, then %+v", seed, factor, c, d)
			}
			for i, a := range before {
				b := after[i]
				if b.BestResponse != a.BestResponse || b.Feedback != a.Feedback || b.Gain != factor*a.Gain || b.Margin != factor*a.Margin {
					t.Errorf("seed %d times %g, player %d: %+v, then %+v", seed, factor, i, a, b)
				}
			}
		}
	}
}

func TestClaims(t *testing.T) {
	for gap, claimed := range map[float64]bool{0: true, 0.00499: true, game.EquilibriumBound: false, 1: false} {
		if c := (game.Certificate{TotalGap: gap, Scale: 1, Players: 1}); c.Claimed() != claimed {
			t.Errorf("a relative gap of %g: claimed %v", gap, c.Claimed())
		}
	}
	if (game.Certificate{TotalGap: math.NaN(), Scale: 1}).Claimed() {
		t.Error("an equilibrium is claimed of a gap that is no number")
	}
}
