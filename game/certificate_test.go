package game_test

import (
	"math"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

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
	h, draw := market(1, 50), random.New(1, random.Testing, 5, 0)
	s := anywhere(draw, 50)
	worths, own, price := h.Worths(s), h.Own(), slices.Max(h.Ceilings())/10
	var c game.Certificate
	for i, a := range c.CertifyMarket(h, atOnePrice(price, s), s, worths) {
		utility := func(x float64) float64 { return worths[i]*x - own[i]*x*x/2 - price*x }
		if own[i] > 0 { // a dead player does not participate, whatever its margin
			check("market", a, utility, math.Abs(worths[i])+own[i]+price)
		}
	}
	l := randomLayer(7, 23, 5)
	f := l.field()
	for _, g := range games() {
		for i, s := range l.participation {
			check("paper", g.Account(f, i, s), func(s float64) float64 { return g.Utility(f, i, s) }, size(g, f, i))
		}
	}
}

// TestRelativeGapOfThePaper has closed forms of players with the benefit b, the size n and
// no other cost. From s to s* = b/(2 beta n) inside they gain beta n (s - s*)^2, and at s* they
// realise b s* + beta n s*^2 = 3 beta n s*^2.
func TestRelativeGapOfThePaper(t *testing.T) {
	for _, test := range []struct {
		name       string
		g          game.Paper
		benefit, s float64
		want       float64 // of n = 4
	}{
		{"no player plays, and all gain by playing in full", game.Paper{Alpha: 1}, 2, 0, 1},
		{"the same at a small cost, (b - c)/(b + c)", game.Paper{Alpha: 1, Gamma: 0.02}, 2, 0, 1.98 / 2.02},
		{"no player plays, and all gain by playing some", game.Paper{Alpha: 1, Beta: 1}, 2, 0, 1. / 3},
		{"all play full, and are best off so", game.Paper{Alpha: 1}, 2, 1, 0},
		{"all play their best response", game.Paper{Alpha: 1, Beta: 1}, 2, 0.25, 0},
		{"all play three times as much, 4 s*^2 of 6 s*^2 + 9 s*^2", game.Paper{Alpha: 1, Beta: 1}, 2, 0.75, 4. / 15},
		{"no player plays, and none should", game.Paper{Alpha: 1, Beta: 1}, -2, 0, 0},
		{"players are on their way to zero, however near", game.Paper{Alpha: 1, Beta: 1}, 0, 1e-9, 1},
		{"and they would play more", game.Paper{Alpha: 1, Beta: 1}, 2, 1e-9, 1. / 3},
		{"leaving saves what is paid and what is lost", game.Paper{Alpha: 1, Gamma: 1}, -2, 0.001, 1},
	} {
		f := game.Field{Gradient: slices.Repeat([]float64{test.benefit}, 5), SquaredNorm: slices.Repeat([]float64{4}, 5)}
		var c game.Certificate
		c.CertifyPaper(test.g, f, slices.Repeat([]float64{test.s}, 5))
		if math.Abs(c.RelativeGap()-test.want) > 1e-8 { // s = 1e-9 is that near to zero
			t.Errorf("%s: relative gap %g, want %g", test.name, c.RelativeGap(), test.want)
		}
	}
}

// TestRelativeGapOfThePaperIsScaleFree: neither the unit of utilities nor that of
// participations changes it, and it is at most 2.
func TestRelativeGapOfThePaperIsScaleFree(t *testing.T) {
	l := randomLayer(11, 40, 3)
	f := l.field()
	for _, g := range games() {
		var c game.Certificate
		c.CertifyPaper(g, f, l.participation)
		if gap := c.RelativeGap(); !(gap > 0 && gap <= 2) {
			t.Errorf("%+v: relative gap %g", g, gap)
		}
		for _, factor := range []float64{0x1p-40, 2, 0x1p60} { // powers of two, so that nothing rounds otherwise
			scaled := g
			scaled.Alpha, scaled.Beta, scaled.Gamma, scaled.Eta = factor*g.Alpha, factor*g.Beta, factor*g.Gamma, factor*g.Eta
			var d game.Certificate
			d.CertifyPaper(scaled, f, l.participation)
			if c.RelativeGap() != d.RelativeGap() {
				t.Errorf("%+v times %g: relative gap %g, then %g", g, factor, c.RelativeGap(), d.RelativeGap())
			}
		}
	}
	// Players that are u times as small and u^-2 times as large have the same utilities, where
	// no best response meets the end at 1.
	const u = 0x1p-20
	g, small := game.Paper{Benefit: game.Descent, Alpha: 1.5, Beta: 0.05, Gamma: 0.3}, game.Paper{Benefit: game.Descent, Alpha: 1.5 / u, Beta: 0.05 / (u * u), Gamma: 0.3 / u}
	var shrunk []float64
	for i, s := range l.participation {
		f.SquaredNorm[i] = 20 * (1 + math.Abs(f.Gradient[i]))
		shrunk = append(shrunk, u*s)
	}
	var c, d game.Certificate
	c.CertifyPaper(g, f, l.participation)
	d.CertifyPaper(small, f, shrunk)
	if c.RelativeGap() != d.RelativeGap() {
		t.Errorf("relative gap %g, of small players %g", c.RelativeGap(), d.RelativeGap())
	}
}

// TestGainsHaveClosedForms: the market's utility is a parabola of curvature H_ii, so
// from s a player with its best response inside gains H_ii/2 (s - s*)^2, and one
// whose best response is zero gains s (p - w + H_ii s/2).
func TestGainsHaveClosedForms(t *testing.T) {
	for seed := range uint64(50) {
		h, draw := market(seed, 30), random.New(seed, random.Testing, 5, 0)
		s := anywhere(draw, 30)
		worths, own, price := h.Worths(s), h.Own(), slices.Max(h.Ceilings())*draw.Float64()/4
		var c game.Certificate
		total := 0.
		for i, a := range c.CertifyMarket(h, atOnePrice(price, s), s, worths) {
			move := s[i] - a.BestResponse
			want := own[i] / 2 * move * move
			switch a.BestResponse {
			case 0:
				want = s[i] * (price - worths[i] + own[i]*s[i]/2)
			case 1:
				want = (1 - s[i]) * (worths[i] - price - own[i]*(1+s[i])/2)
			}
			if math.Abs(a.Gain-want) > 1e-14*(math.Abs(worths[i])+own[i]+price) { // a handful of operations
				t.Errorf("seed %d player %d: gain %g, want %g", seed, i, a.Gain, want)
			}
			total += a.Gain
		}
		if c.Players != 30 || math.Abs(c.TotalGap-total) > 1e-12*total {
			t.Errorf("seed %d: %+v, gains add up to %g", seed, c, total)
		}
	}
}

// TestPlantedDeviation moves one player away from an equilibrium: it is named.
func TestPlantedDeviation(t *testing.T) {
	for seed := range uint64(30) {
		draw := random.New(seed, random.Testing, 4, 0)
		planted := int(draw.Below(3))
		gates, certificate, victim := make([][]game.Account, 3), game.Certificate{}, 0
		for g := range gates {
			h := market(100*seed+uint64(g), 12)
			c, err := game.ClearLayers([]game.Interactions{h}, []int{5}, game.PlayOn([]game.Interactions{h}, 200))
			if err != nil {
				t.Fatal(err)
			}
			s := c.Participations[0]
			if g == planted {
				victim = game.Winners(c.Worths[0], 5)[draw.Below(5)]
				s[victim] += map[bool]float64{true: -0.3, false: 0.3}[s[victim] > 0.5]
			}
			gates[g] = certificate.CertifyMarket(h, atOnePrice(c.Prices[0], s), s, h.Worths(s))
		}
		// Its rivals are tempted, too, but by less than the sum of all.
		if a := gates[planted][victim]; a.Gain <= 0 || certificate.RelativeGap() < 10*game.Settled {
			t.Errorf("seed %d: %+v, gains %+v", seed, certificate, a)
		}
		gate, position := game.MostTempted(gates)
		if gate != planted || gates[gate][position].Gain != certificate.MaxGap {
			t.Errorf("seed %d: named %d:%d, planted %d:%d", seed, gate, position, planted, victim)
		}
	}
}

// TestCertificateIsScaleFree: contributions and prices have units, and in others gains
// change along while everything without unit stays.
func TestCertificateIsScaleFree(t *testing.T) {
	for seed := range uint64(30) {
		h := market(seed, 25)
		s := anywhere(random.New(seed, random.Testing, 5, 0), 25)
		price := slices.Max(h.Ceilings()) / 8
		for _, factor := range []float64{0x1p-10, 2, 0x1p15} { // powers of two, so that nothing rounds otherwise
			scaled := h.Scale(slices.Repeat([]float64{factor}, 25))
			var c, d game.Certificate
			before, after := c.CertifyMarket(h, atOnePrice(price, s), s, h.Worths(s)), d.CertifyMarket(scaled, atOnePrice(factor*factor*price, s), s, scaled.Worths(s))
			if c.RelativeGap() != d.RelativeGap() || d.MaxGap != factor*factor*c.MaxGap {
				t.Errorf("seed %d times %g: %+v, then %+v", seed, factor, c, d)
			}
			for i, a := range before {
				b := after[i]
				if b.BestResponse != a.BestResponse || b.Gain != factor*factor*a.Gain || b.Margin != factor*factor*a.Margin {
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
