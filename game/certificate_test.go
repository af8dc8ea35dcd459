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
	for i, a := range c.CertifyMarket(h, price, s, worths) {
		utility := func(x float64) float64 { return worths[i]*x - own[i]*x*x/2 - price*x }
		if own[i] > 0 { // a dead player does not participate, whatever its margin
			check("market", a, utility, math.Abs(worths[i])+own[i]+price)
		}
	}
	l := randomLayer(7, 23, 5)
	f := l.field()
	for _, g := range games() {
		for i, s := range l.participation {
			check("paper", g.Account(f, i, s), func(s float64) float64 { return g.Utility(f, i, s) }, g.Scale(f, i))
		}
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
		for i, a := range c.CertifyMarket(h, price, s, worths) {
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
			gates[g] = certificate.CertifyMarket(h, c.Prices[0], s, h.Worths(s))
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
			before, after := c.CertifyMarket(h, price, s, h.Worths(s)), d.CertifyMarket(scaled, factor*factor*price, s, scaled.Worths(s))
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
