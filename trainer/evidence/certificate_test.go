package evidence

import (
	"math"
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
	if c.Claimed != (total.RelativeGap() < game.EquilibriumBound) || c.PutBack != nil || len(c.Players) != 5 {
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
