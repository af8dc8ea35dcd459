package game

// Certificate says how far a state is from a Nash equilibrium: what players
// could gain by deviating, each alone, against the size of what is at stake.
type Certificate struct {
	MaxGap   float64 `json:"max_gap"`   // the largest gain of one player
	TotalGap float64 `json:"total_gap"` // the gains of all players, added
	Scale    float64 `json:"scale"`     // total worth, or total size of the utilities' terms
	Players  int     `json:"players"`
}

// Add takes in one player with its gap and its part of the scale.
func (c *Certificate) Add(gap, scale float64) {
	c.MaxGap = max(c.MaxGap, gap)
	c.TotalGap += gap
	c.Scale += scale
	c.Players++
}

// RelativeGap returns the total gap over the scale, a number without unit;
// zero when nothing is at stake.
func (c Certificate) RelativeGap() float64 {
	if c.Scale == 0 {
		return 0
	}
	return c.TotalGap / c.Scale
}

// Certify adds the players of one layer of the market: their worths and
// participations at the price that clears the demand.
func (c *Certificate) Certify(worths, participations []float64, demand int) {
	market := Market{Price: ClearingPrice(worths, demand)}
	for i, worth := range worths {
		c.Add(market.Gap(worth, participations[i]), worth)
	}
}

// CertifyPaper adds the players of one layer of the paper's game.
func (c *Certificate) CertifyPaper(g Paper, f Field, participations []float64) {
	for i, s := range participations {
		c.Add(g.Gap(f, i, s), g.Scale(f, i))
	}
}
