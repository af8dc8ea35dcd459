package game

// EquilibriumBound is the relative gap below which a state is called an
// equilibrium: what all players could gain, each by its own best response, is then
// less than half a percent of what is at stake.
const EquilibriumBound = 0.005

// Account is what one player has at a state of its game, and what it would have
// if it played its best response while all others stayed.
type Account struct {
	Worth         float64 `json:"worth"`         // h; in the paper's game the benefit of full participation
	Price         float64 `json:"price"`         // p; in the paper's game the cost of full participation
	Participation float64 `json:"participation"` // s
	WorthTerm     float64 `json:"worth_term"`    // of U(s): -h/2 (1-s)^2, or B_i(s)
	PriceTerm     float64 `json:"price_term"`    // of U(s): -p s, or -C_i(s)
	BestResponse  float64 `json:"best_response"` // s*
	Gain          float64 `json:"gain"`          // U(s*) - U(s), the player's gap; at least 0
	// Margin is the slope of the utility at s = 0. In the market it is h - p, how far
	// the worth is above the price or below it, in the paper's game the two sides of
	// eq. 15. At or below zero no participation is better than none.
	Margin float64 `json:"margin"`
	// Feedback is the derivative of s* with respect to s. In the market it is
	// 2p / (h s) where h > p and s > 0, since h = s^2 mean(c^2), and otherwise zero; in
	// the paper's game it is always zero. Above 1, a little less participation lowers
	// the best response by more than that.
	Feedback float64 `json:"feedback"`
}

// Utility returns U(s), the sum of its terms.
func (a Account) Utility() float64 { return a.WorthTerm + a.PriceTerm }

// Account returns the account of a player of the given worth that plays s.
func (m Market) Account(worth, s float64) Account {
	a := Account{
		Worth: worth, Price: m.Price, Participation: s,
		WorthTerm: -worth / 2 * (1 - s) * (1 - s), PriceTerm: -m.Price * s,
		BestResponse: m.BestResponse(worth), Gain: m.Gap(worth, s), Margin: worth - m.Price,
	}
	if a.BestResponse > 0 && s > 0 {
		a.Feedback = 2 * (m.Price / worth) / s
	}
	return a
}

// Account returns the account of player i when it plays s.
func (g Paper) Account(f Field, i int, s float64) Account {
	return Account{
		Worth: g.BenefitOf(f, i, 1), Price: g.CostOf(f, i, 1), Participation: s,
		WorthTerm: g.BenefitOf(f, i, s), PriceTerm: -g.CostOf(f, i, s),
		BestResponse: g.BestResponse(f, i), Gain: g.Gap(f, i, s), Margin: g.Slope(f, i, 0),
	}
}

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

// Claimed reports whether the state may be called an equilibrium: its relative gap is
// below [EquilibriumBound].
func (c Certificate) Claimed() bool { return c.RelativeGap() < EquilibriumBound }

// CertifyMarket adds the players of one layer of the market, with their worths and
// participations, and returns their accounts.
func (c *Certificate) CertifyMarket(market Market, worths, participations []float64) []Account {
	accounts := make([]Account, len(worths))
	for i, worth := range worths {
		accounts[i] = market.Account(worth, participations[i])
		c.Add(accounts[i].Gain, worth)
	}
	return accounts
}

// CertifyPaper adds the players of one layer of the paper's game and returns their
// accounts.
func (c *Certificate) CertifyPaper(g Paper, f Field, participations []float64) []Account {
	accounts := make([]Account, len(participations))
	for i, s := range participations {
		accounts[i] = g.Account(f, i, s)
		c.Add(accounts[i].Gain, g.Scale(f, i))
	}
	return accounts
}

// MostTempted returns the player that gains most by its best response, by layer and
// position; the first of equals. The layer is -1 where no player gains anything.
func MostTempted(layers [][]Account) (layer, position int) {
	layer, most := -1, 0.
	for l, accounts := range layers {
		for i, a := range accounts {
			if a.Gain > most {
				layer, position, most = l, i, a.Gain
			}
		}
	}
	return layer, position
}
