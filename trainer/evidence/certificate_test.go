package evidence

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
)

// TestPaperCertificate: accounts are those of the paper's game, and a layer's radius
// is that of its Jacobian, which for two players is eta |<a,b>| / (2 beta |a| |b|).
func TestPaperCertificate(t *testing.T) {
	g := game.Paper{Benefit: game.Printed, Alpha: 1, Beta: 0.5, Gamma: 0.1, Eta: 0.2}
	n := networktest.Perceptron(1, 2, 3, 1)
	copy(n.Parameters[0], []float32{1, 0.5})
	copy(n.Parameters[1], []float32{0.5, 1.25})
	s := []float64{0.5, 0.6}
	measured := []backend.Statistics{
		{Participation: s, MeanContribution: []float64{1.5, 1.5}, SquaredNorm: []float64{1.25, 1.8125}, Competition: []float64{1.125 * s[1], 1.125 * s[0]}},
		{Participation: []float64{0, 0, 0}, MeanContribution: []float64{0, 0, 0}, SquaredNorm: []float64{1, 1, 1}, Competition: []float64{0, 0, 0}},
	}
	players := make([]record.Player, 5)
	var total game.Certificate
	var accounts [][]game.Account
	for _, m := range measured {
		accounts = append(accounts, total.CertifyPaper(g, m.Field(g), m.Participation))
	}
	c := PaperCertificate(g, total, accounts, measured, n, players)
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
	if c.Claimed != (total.RelativeGap() < game.EquilibriumBound) || c.Model != nil || c.BidAsk != nil || len(c.Players) != 5 {
		t.Errorf("%+v", c)
	}
	const many = spectrumLimit + 1
	field := game.Field{Gradient: make([]float64, many), SquaredNorm: make([]float64, many), Competition: make([]float64, many)}
	for i := range many {
		field.Gradient[i], field.SquaredNorm[i] = 0.5, 1
	}
	if paperRadius(g, field, make([][]float64, many)) != nil {
		t.Error("a layer of too many players has a radius")
	}
}

// TestCertifyModel has closed forms. Of two rounds whose logarithms of gap over expected are
// d and -d the ratio is 1, and the interval goes up to e^(t d) with Student's t = tan(0.475 pi)
// of one degree of freedom.
func TestCertifyModel(t *testing.T) {
	of := func(gap, expected float64) record.RoundCheck {
		return record.RoundCheck{Samples: 750, Gap: gap, Expected: expected}
	}
	rounds := func(ratio float64) []record.RoundCheck {
		return []record.RoundCheck{of(ratio, 1), of(10*ratio, 10), of(100*ratio, 100)}
	}
	quantile := math.Tan(0.475 * math.Pi)
	spread := func(d float64) []record.RoundCheck {
		return []record.RoundCheck{of(math.Exp(d), 1), of(1, math.Exp(d))}
	}
	for name, c := range map[string]struct {
		checks  []record.RoundCheck
		open    bool
		verdict record.Verdict
		ratio   record.Interval // zero: absent
	}{
		"equal":             {rounds(1), false, record.Holds, record.Interval{Mean: 1, Low: 1, High: 1}},
		"five times":        {rounds(5), false, record.Fails, record.Interval{Mean: 5, Low: 5, High: 5}},
		"half":              {rounds(0.5), false, record.Holds, record.Interval{Mean: 0.5, Low: 0.5, High: 0.5}},
		"not closed":        {rounds(1), true, record.Fails, record.Interval{Mean: 1, Low: 1, High: 1}},
		"no checks":         {nil, false, record.Undecided, record.Interval{}},
		"no gaps":           {[]record.RoundCheck{of(0, 0), of(0, 0)}, false, record.Holds, record.Interval{Mean: 1, Low: 1, High: 1}},
		"a little spread":   {spread(0.08), false, record.Holds, record.Interval{Mean: 1, Low: math.Exp(-0.08 * quantile), High: math.Exp(0.08 * quantile)}},
		"more spread":       {spread(0.09), false, record.Undecided, record.Interval{Mean: 1, Low: math.Exp(-0.09 * quantile), High: math.Exp(0.09 * quantile)}},
		"one round":         {rounds(3)[:1], false, record.Undecided, record.Interval{Mean: 3, Low: 0, High: math.MaxFloat64}},
		"nothing expected":  {[]record.RoundCheck{of(1, 0), of(1, 0)}, false, record.Fails, record.Interval{Mean: 1e5, Low: 1e5, High: 1e5}},
		"exact, unexpected": {[]record.RoundCheck{of(0, 1), of(0, 1)}, false, record.Holds, record.Interval{Mean: 1e-5, Low: 1e-5, High: 1e-5}},
	} {
		m := certifyModel(c.checks, !c.open)
		if m.Verdict != c.verdict || m.Checks != len(c.checks) || m.Closed == c.open || (m.Ratio == nil) != (c.ratio == record.Interval{}) {
			t.Errorf("%s: %+v, ratio %v, want %s", name, m, m.Ratio, c.verdict)
			continue
		}
		if m.Ratio == nil {
			continue
		}
		// What is added to both is a part of 1e-5 of the least gap expected.
		for got, want := range map[*float64]float64{&m.Ratio.Mean: c.ratio.Mean, &m.Ratio.Low: c.ratio.Low, &m.Ratio.High: c.ratio.High} {
			if math.Abs(*got-want) > 2e-5*want {
				t.Errorf("%s: %+v, want %+v", name, *m.Ratio, c.ratio)
			}
		}
	}
}

// TestMarketCertificate plays a market of duplicates on known interactions and certifies it
// by its ledgers, then reads the certificate again.
func TestMarketCertificate(t *testing.T) {
	// Players 0 and 1 are duplicates, 2 stands alone, 3 is dead. With a ridge r two
	// duplicates of H_ii = 4 that play x have the worth 4 (1+r) + 4 (1-x) each.
	h := game.Interactions{{4, 4, 0, 0, 4, 4, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0}}
	cleared, err := game.ClearLayers([]game.Interactions{h}, []int{2}, game.PlayOn([]game.Interactions{h}, 4))
	if err != nil {
		t.Fatal(err)
	}
	ledger := game.NewLedger(4)
	stay := ledger.Settle(cleared.Worths[0], h.Own(), h.Ceilings(), cleared.Participations[0], cleared.Prices[0], nil, cleared.Demands[0])
	if len(stay) != 2 {
		t.Fatalf("%v stay", stay)
	}
	rounds := []record.RoundLine{{Training: record.GameTraining, Round: 1, Epoch: 2, Demand: []int{2}, Prices: cleared.Prices, Supply: []float64{1}, Players: []int{2}}}
	finished := FinishedMarket{
		Checks: []record.RoundCheck{{Samples: 8, Gap: 0.5, Expected: 0.5}, {Samples: 8, Gap: 0.5, Expected: 0.5}}, Certificate: game.Certificate{TotalGap: 1, Scale: 4},
		MostTempted: &record.PlayerName{Index: 2}, Ledgers: []*game.Ledger{ledger}, Players: []record.Player{{}, {Epoch: 2}, {}, {Epoch: 2}}, Rounds: rounds, Closed: true,
	}
	c := MarketCertificate(finished)
	if c.Game != game.MarketGame || c.Model.Verdict != record.Holds || !c.Claimed || c.RelativeGap != 0.25 || len(c.Layers) != 1 || len(c.Players) != 4 {
		t.Errorf("%+v, model %+v", c, c.Model)
	}
	for i, p := range c.Players {
		r := ledger.Records[i]
		if p.PlayerName.Index != i || p.Reason != r.Reason || p.Round != r.Round || p.Epoch != finished.Players[i].Epoch || p.Account != r.Account() {
			t.Errorf("player %d: %+v, its record is %+v", i, p, r)
		}
	}
	if c.Players[3].Reason != game.Dead || c.Players[1].Reason == game.Kept || c.Players[0].Reason != game.Kept || c.Players[2].Reason != game.Kept {
		t.Errorf("reasons %s, %s, %s, %s", c.Players[0].Reason, c.Players[1].Reason, c.Players[2].Reason, c.Players[3].Reason)
	}
	var text bytes.Buffer
	if err := c.Write(&text); err != nil {
		t.Fatal(err)
	}
	if read, err := record.ReadCertificate(&text); err != nil || !reflect.DeepEqual(read, c) {
		t.Errorf("read %+v, %v\nwrote %+v", read, err, c)
	}
	finished.Closed = false
	if c := MarketCertificate(finished); c.Claimed || c.Model.Verdict != record.Fails {
		t.Errorf("not closed: %+v", c.Model)
	}
	// A market of one round has an interval that JSON can hold.
	finished.Closed, finished.Checks = true, finished.Checks[:1]
	if err := MarketCertificate(finished).Write(&text); err != nil {
		t.Errorf("of one round: %v", err)
	}
}
