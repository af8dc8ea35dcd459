package game

// EquilibriumBound is the relative gap below which a state is called an
// equilibrium: what all players could gain, each by its own best response, is then
// less than half a percent of what is at stake.
const EquilibriumBound = 0.005

// Account is what one player has at a state of its game, and what it would have
// if it played its best response while all others stayed.
type Account struct {
	Worth float64 `json:"worth"` // w, [Interactions.Worths]; in the paper's game the benefit of full participation
	// Ceiling is the highest worth whatever the others play, [Interactions.Ceilings]; in
	// the paper's game there is none.
	Ceiling       float64 `json:"ceiling,omitempty"`
	Price         float64 `json:"price"`         // p; in the paper's game the cost of full participation
	Participation float64 `json:"participation"` // s
	WorthTerm     float64 `json:"worth_term"`    // of U(s): w s - H_ii s^2/2, or B_i(s)
	PriceTerm     float64 `json:"price_term"`    // of U(s): -p s, or -C_i(s)
	BestResponse  float64 `json:"best_response"` // s*
	Gain          float64 `json:"gain"`          // U(s*) - U(s), the player's gap; at least 0
	// Margin is the slope of the utility at s = 0. In the market it is w - p, how far
	// the worth is above the price or below it, in the paper's game the two sides of
	// eq. 15. At or below zero no participation is better than none.
	Margin float64 `json:"margin"`
}

// Utility returns U(s), the sum of its terms.
func (a Account) Utility() float64 { return a.WorthTerm + a.PriceTerm }

// account returns the account of a player of a market that plays s, with the worth w and
// H_ii = own.
func account(worth, own, price, s float64) Account {
	best := BestResponse(worth, own, price)
	move := best - s
	return Account{
		Worth: worth, Price: price, Participation: s,
		WorthTerm: worth*s - own*s*s/2, PriceTerm: -price * s,
		// U(s*) - U(s), without the difference of two like numbers.
		BestResponse: best, Gain: max(0, (worth-price-own*s)*move-own*move*move/2), Margin: worth - price,
	}
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
	Scale    float64 `json:"scale"`     // what is at stake: the players' H_ii or [Paper.Scale], added
	Players  int     `json:"players"`
}

// Add takes in one player with its gap and its part of the scale.
func (c *Certificate) Add(gap, scale float64) {
	c.MaxGap = max(c.MaxGap, gap)
	c.TotalGap += gap
	c.Scale += scale
	c.Players++
}

// Join takes in the players of another certificate.
func (c *Certificate) Join(d Certificate) {
	c.MaxGap = max(c.MaxGap, d.MaxGap)
	c.TotalGap += d.TotalGap
	c.Scale += d.Scale
	c.Players += d.Players
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

// CertifyMarket adds the players of a gate at the price of each, where they play s and have the
// given worths, and returns their accounts. What is at stake is H_ii.
func (c *Certificate) CertifyMarket(h Interactions, prices, s, worths []float64) []Account {
	accounts := make([]Account, len(s))
	ceilings := h.Ceilings()
	for i, own := range h.Own() {
		accounts[i] = account(worths[i], own, prices[i], s[i])
		accounts[i].Ceiling = ceilings[i]
		c.Add(accounts[i].Gain, own)
	}
	return accounts
}

// CertifyPaper adds the players of one layer of the paper's game and returns their
// accounts. What is at stake is [Paper.Scale].
func (c *Certificate) CertifyPaper(g Paper, f Field, participations []float64) []Account {
	accounts := make([]Account, len(participations))
	for i, s := range participations {
		accounts[i] = g.Account(f, i, s)
		c.Add(accounts[i].Gain, g.Scale(f, i, s))
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
