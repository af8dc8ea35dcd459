package evidence

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
)

// newCertificate returns a certificate without layers and players.
func newCertificate(kind game.Kind, c game.Certificate) *record.Certificate {
	return &record.Certificate{
		Schema: record.CertificateSchema, Game: kind, RelativeGap: c.RelativeGap(), Certificate: c,
	}
}

// FinishedMarket is what a certificate of a market rests on.
type FinishedMarket struct {
	Certificate game.Certificate // of all rounds that were checked
	Checks      []record.RoundCheck
	Layers      []record.CertifiedLayer
	MostTempted *record.PlayerName
	BidAsk      *record.BidAsk // nil where it was not measured
	Ledgers     []*game.Ledger
	Players     []record.Player // all, by gate and index
	Rounds      []record.RoundLine
	Closed      bool // the demand was met
}

// MarketCertificate states what is known of a finished market.
func MarketCertificate(m FinishedMarket) *record.Certificate {
	c := newCertificate(game.MarketGame, m.Certificate)
	c.Rounds, c.Layers, c.MostTempted, c.BidAsk = m.Rounds, m.Layers, m.MostTempted, m.BidAsk
	c.Model = certifyModel(m.Checks, m.Closed)
	c.Claimed = c.Model.Verdict == record.Holds && (m.BidAsk == nil || m.BidAsk.Verdict != record.Fails)
	if c.Layers == nil { // no round was checked
		c.Layers = make([]record.CertifiedLayer, len(m.Ledgers))
	}
	for g, ledger := range m.Ledgers {
		for i, r := range ledger.Records {
			c.Players = append(c.Players, record.CertifiedPlayer{
				PlayerName: record.PlayerName{Layer: g, Index: i}, Reason: r.Reason, Round: r.Round,
				Epoch: m.Players[len(c.Players)].Epoch, Account: r.Account(),
			})
		}
	}
	return c
}

// certifyModel concludes from the rounds that were checked. The logarithm of the gap over
// the expected one has a mean of zero for a market that plays on a sample of its own: the
// three samples of a round are drawn alike, so each of the gaps that the two are geometric
// means of has the same distribution.
func certifyModel(checks []record.RoundCheck, closed bool) *record.ModelClaim {
	m := &record.ModelClaim{Checks: len(checks), Closed: closed}
	var ratios [][]float64
	for _, check := range checks {
		ratios = append(ratios, []float64{math.Log(max(check.Gap, game.Settled) / max(check.Expected, game.Settled))})
	}
	if len(ratios) > 0 {
		i := confidence(ratios, miss)
		// One round has no variance, and an interval without an end. JSON has no infinity.
		m.Ratio = &record.Interval{Mean: math.Exp(i.Mean), Low: math.Exp(i.Low), High: min(math.Exp(i.High), math.MaxFloat64)}
	}
	m.Conclude()
	return m
}

// PaperCertificate states what is known of the paper's game at its end, from the
// accounts by layer, the statistics measured there, the network and the players.
func PaperCertificate(g game.Paper, certificate game.Certificate, accounts [][]game.Account, measured []backend.Statistics, n *network.Network, players []record.Player) *record.Certificate {
	c := newCertificate(game.PaperGame, certificate)
	c.Bound, c.Claimed = game.EquilibriumBound, certificate.Claimed()
	c.SpectralRadius = new(float64)
	for l, statistics := range measured {
		layer := record.CertifiedLayer{Players: len(accounts[l]), SpectralRadius: paperRadius(g, statistics.Field(g), theta(n, l))}
		if layer.SpectralRadius == nil || c.SpectralRadius == nil {
			c.SpectralRadius = nil // it is not known of all layers
		} else {
			*c.SpectralRadius = max(*c.SpectralRadius, *layer.SpectralRadius)
		}
		for _, square := range statistics.SquaredNorm {
			layer.MeanSquaredNorm += square / float64(len(accounts[l]))
		}
		for i, a := range accounts[l] {
			layer.Gap += a.Gain
			p := players[len(c.Players)]
			c.Players = append(c.Players, record.CertifiedPlayer{PlayerName: record.PlayerName{Layer: l, Index: i}, Reason: p.Reason, Epoch: p.Epoch, Account: a})
		}
		c.Layers = append(c.Layers, layer)
	}
	if l, i := game.MostTempted(accounts); l >= 0 {
		c.MostTempted = &record.PlayerName{Layer: l, Index: i}
	}
	return c
}

// paperRadius returns the spectral radius of the best responses of a gate's players, which
// own theta, in the paper's game, or nil where it is not found.
func paperRadius(g game.Paper, f game.Field, theta [][]float64) *float64 {
	radius := 0.
	var inside []int // others stay where they are, and add nothing but eigenvalues of zero
	for i := range theta {
		if s := g.BestResponse(f, i); s > 0 && s < 1 {
			inside = append(inside, i)
		}
	}
	if g.Eta == 0 || len(inside) < 2 { // no player moves for another
		return &radius
	}
	if len(inside) > spectrumLimit {
		return nil
	}
	f = game.Field{
		Gradient: network.Select(f.Gradient, inside), SquaredNorm: network.Select(f.SquaredNorm, inside),
		Competition: network.Select(f.Competition, inside),
	}
	radius, found := spectralRadius(g.Jacobian(f, innerProducts(network.Select(theta, inside))), len(inside))
	if !found {
		return nil
	}
	return &radius
}

// theta returns what each player of a gate owns, as one vector.
func theta(n *network.Network, gate int) [][]float64 {
	theta := make([][]float64, n.Gates[gate].Players)
	for _, p := range n.Owned(gate) {
		for i := range theta {
			width := len(n.Parameters[p]) / len(theta)
			for _, w := range n.Parameters[p][i*width:][:width] {
				theta[i] = append(theta[i], float64(w))
			}
		}
	}
	return theta
}

// innerProducts returns <theta_i, theta_j>, a row a player; there is one at least.
func innerProducts(theta [][]float64) []float64 {
	columns := len(theta[0])
	if columns == 0 { // inputs own nothing
		return make([]float64, len(theta)*len(theta))
	}
	all := mat.NewDense(len(theta), columns, slices.Concat(theta...))
	var products mat.Dense
	products.Mul(all, all.T())
	return products.RawMatrix().Data
}
