package game

// Valuation says what a player of the market is worth, by the mean square m of its
// contribution c, the derivative of one sample's loss with respect to s. The empty
// valuation is [Effective].
type Valuation string

const (
	// Effective is h = s^2 m, to second order what the network would lose of the
	// player as it is. A falling player's worth falls with it, so that it tips and
	// leaves for good.
	Effective Valuation = "effective"
	// Potential is h = m, as if the player took part in full. Its best response does
	// not depend on what it plays, so that a fallen player can come back.
	Potential Valuation = "potential"
)

// Known tells whether there is such a valuation.
func (v Valuation) Known() bool { return v == "" || v == Effective || v == Potential }

// Worth returns the worth of a player with participation s, where meanSquare is
// the mean over samples of c^2.
func (v Valuation) Worth(s, meanSquare float64) float64 {
	if v == Potential {
		return meanSquare
	}
	return Worth(s, meanSquare)
}
