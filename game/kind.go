package game

// Kind names what is played along with the training.
type Kind string

const (
	// MarketGame is the default: a market for participation in every layer.
	MarketGame Kind = "market"
	// PaperGame is Algorithm 1 of arXiv:2512.22106.
	PaperGame Kind = "paper"
	// RankingGame is no game: players are ranked by a [Criterion] and the last are
	// removed, in the rounds that a market would have.
	RankingGame Kind = "ranking"
	// NoGame trains and removes no players.
	NoGame Kind = "off"
)

// Kinds lists all kinds.
var Kinds = []Kind{MarketGame, PaperGame, RankingGame, NoGame}

// InRounds reports whether players are removed in rounds between the warm-up and the
// tail.
func (g Kind) InRounds() bool { return g == MarketGame || g == RankingGame }
